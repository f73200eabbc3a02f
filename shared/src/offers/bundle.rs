//! What is in a bundle: the two best favourites, one piece more than the customer ever bought.

use crate::offers::{Bundle, BundleItem, pricing};
use crate::profile::{Favourite, Score};

/// The smallest bundle, in pieces.
const TARGET_MIN: u64 = 4;
/// The largest bundle; a wholesale order must not turn into a million-piece offer.
const TARGET_MAX: u64 = crate::order::QUANTITY_MAX as u64;

/// Composes the bundle for a customer whose favourites are `favourites` (the best first, not empty) and
/// whose largest order had `peak_quantity` pieces.
#[must_use]
pub fn compose(favourites: &[Favourite], peak_quantity: u64, score: Score) -> Bundle {
    let target = peak_quantity
        .saturating_add(1)
        .clamp(TARGET_MIN, TARGET_MAX);
    let target = u32::try_from(target).unwrap_or(u32::MAX);
    // 60 %, half up; a single favourite takes all.
    let primary = if favourites.len() > 1 {
        (target * 6 + 5) / 10
    } else {
        target
    };
    let items: Vec<BundleItem> = favourites
        .iter()
        .zip([primary, target - primary])
        .map(|(favourite, quantity)| BundleItem {
            product_id: favourite.product_id.clone(),
            name: favourite.name.clone(),
            slug: favourite.slug.clone(),
            quantity,
            unit_price: favourite.unit_price,
        })
        .collect();
    let pricing = pricing::price(&items, target, score);
    let bonus_points = pricing::points(pricing.final_price, score);
    Bundle {
        items,
        target_quantity: target,
        pricing,
        bonus_points,
    }
}

#[cfg(test)]
mod tests {
    use crate::profile::testing::{order, profile};

    use super::*;

    fn quantities(products: usize, peak: u64) -> Vec<u32> {
        let lines: Vec<(u64, u32, i64)> = (1..=products as u64)
            .map(|product| (product, 1, 1000))
            .collect();
        let favourites = profile(&[order(1, 0, &lines)], 1).favourites;
        let bundle = compose(favourites.products(), peak, Score::from_tenths(0));
        bundle.items.iter().map(|item| item.quantity).collect()
    }

    #[test]
    fn the_first_favourite_gets_sixty_percent_and_the_second_the_rest() {
        for (peak, expected) in [
            (3, [2, 2]),
            (4, [3, 2]),
            (5, [4, 2]),
            (6, [4, 3]),
            (9, [6, 4]),
        ] {
            assert_eq!(quantities(2, peak), expected, "peak {peak}");
            assert_eq!(
                quantities(5, peak),
                expected,
                "peak {peak}, more favourites"
            );
        }
    }

    #[test]
    fn one_favourite_alone_gets_all() {
        assert_eq!(quantities(1, 1), [4]);
        assert_eq!(quantities(1, 6), [7]);
    }

    proptest::proptest! {
        #[test]
        fn the_parts_add_up_and_no_part_is_empty(peak in 0u64..u64::MAX, products in 1usize..4) {
            let parts = quantities(products, peak);
            let target = peak.saturating_add(1).clamp(TARGET_MIN, TARGET_MAX);
            proptest::prop_assert_eq!(parts.iter().map(|part| u64::from(*part)).sum::<u64>(), target);
            proptest::prop_assert!(parts.iter().all(|part| *part > 0));
        }
    }
}
