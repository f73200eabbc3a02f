//! The e-commerce events of the Segment spec (v2), known by name, with the names they had before.
//!
//! Source: Segment, "Spec: V2 Ecommerce Events".

/// The spec's own spelling of a known event name, whatever its case and whether it is the old name
/// (`Completed Order`) or the new one; `None` for a name that the spec does not have.
#[must_use]
pub fn canonical_name(name: &str) -> Option<&'static str> {
    let name = name.trim();
    let current = NAMES
        .iter()
        .find(|known| known.eq_ignore_ascii_case(name))
        .copied();
    current.or_else(|| {
        let renamed = RENAMED
            .iter()
            .find(|(old, _)| old.eq_ignore_ascii_case(name));
        renamed.map(|(_, new)| *new)
    })
}

const NAMES: [&str; 32] = [
    "Products Searched",
    "Product List Viewed",
    "Product List Filtered",
    "Promotion Viewed",
    "Promotion Clicked",
    "Product Clicked",
    "Product Viewed",
    "Product Added",
    "Product Removed",
    "Cart Viewed",
    "Checkout Started",
    "Checkout Step Viewed",
    "Checkout Step Completed",
    "Payment Info Entered",
    "Order Updated",
    "Order Completed",
    "Order Refunded",
    "Order Cancelled",
    "Coupon Entered",
    "Coupon Applied",
    "Coupon Denied",
    "Coupon Removed",
    "Product Added to Wishlist",
    "Product Removed from Wishlist",
    "Wishlist Product Added to Cart",
    "Product Shared",
    "Cart Shared",
    "Product Reviewed",
    "Signed Up",
    "Signed In",
    "Signed Out",
    "Account Deleted",
];

const RENAMED: [(&str, &str); 5] = [
    ("Viewed Product Category", "Product List Viewed"),
    ("Viewed Product", "Product Viewed"),
    ("Added Product", "Product Added"),
    ("Removed Product", "Product Removed"),
    ("Completed Order", "Order Completed"),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_known_event_has_one_name_however_it_is_spelt() {
        assert_eq!(canonical_name("order completed"), Some("Order Completed"));
        assert_eq!(canonical_name(" Completed Order "), Some("Order Completed"));
        assert_eq!(canonical_name("bundle_viewed"), None);
    }
}
