//! An order that contains an open offer's bundle makes it purchased.

use footfall_shared::id::CustomerId;
use footfall_shared::offers::OfferStatus;
use footfall_shared::order::OrderItem;
use footfall_shared::time::UtcMillis;

use super::customers::Customers;
use super::queries::offers as queries;
use crate::db::{StorageError, Tx};

/// A counted order, as far as an offer asks for it.
#[derive(Debug, Clone)]
pub struct Purchase<'a> {
    /// Who ordered.
    pub customer: CustomerId,
    /// When.
    pub at: UtcMillis,
    /// What.
    pub items: &'a [OrderItem],
}

/// Sets the open offers that these orders contain to purchased. The caller saves the set afterwards.
pub async fn purchase(
    tx: &mut Tx,
    customers: &mut Customers<'_>,
    purchases: &[Purchase<'_>],
    now: UtcMillis,
) -> Result<(), StorageError> {
    let shop = customers.shop();
    let mut buyers: Vec<CustomerId> = purchases.iter().map(|one| one.customer.clone()).collect();
    buyers.sort();
    buyers.dedup();
    for (customer, mut offer) in queries::find_open(tx, &shop.id, &buyers).await? {
        // Shops tell whole seconds, so an order of the offer's own second is not before it.
        let made = offer.created_at.get().div_euclid(1000) * 1000;
        let bought = purchases.iter().find(|one| {
            let items = one
                .items
                .iter()
                .map(|item| (&item.product_id, item.quantity));
            one.customer == customer && one.at.get() >= made && offer.is_contained_in(items)
        });
        let Some(bought) = bought else { continue };
        let at = bought.at.min(now).max(offer.created_at);
        if offer.move_to(OfferStatus::Purchased, at) == Ok(true) {
            queries::update_offer(tx, &shop.id, &offer, now).await?;
            if let Some(customer) = customers.get_id(&customer) {
                customer.touch();
            }
        }
    }
    Ok(())
}
