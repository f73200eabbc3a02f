//! Takes the shop's registered customers. An account only fills what no order told: names change with orders,
//! and a list that is read again must not change them back.

use footfall_shared::identity::EmailHash;
use footfall_shared::time::UtcMillis;
use footfall_shared::wire::woocommerce::ToldCustomer;

use super::orders::Tally;
use crate::app::App;
use crate::db::{StorageError, Tx};
use crate::intelligence::{Customers, take_turn};
use crate::privacy;
use crate::shops::Shop;

/// Takes customers within the caller's transaction.
pub(super) async fn take_customers(
    app: &App,
    tx: &mut Tx,
    shop: &Shop,
    told: &[ToldCustomer],
    now: UtcMillis,
) -> Result<Tally, StorageError> {
    take_turn(tx, &shop.id).await?;
    let hashes: Vec<EmailHash> = told
        .iter()
        .map(|one| EmailHash::of(&one.email, &shop.salt))
        .collect();
    let mut distinct = hashes.clone();
    distinct.sort();
    distinct.dedup();
    let mut customers = Customers::none(shop, now);
    customers.load(tx, &distinct).await?;
    let mut tally = Tally::default();
    let accounts: Vec<_> = told.iter().map(|one| (&one.email, None)).collect();
    let erased = privacy::are_erased(tx, shop, &accounts).await?;
    for ((one, hash), is_erased) in told.iter().zip(&hashes).zip(erased) {
        tally.taken += 1;
        if is_erased {
            tally.unchanged += 1;
            continue;
        }
        tally.added += usize::from(customers.get(hash).is_none());
        let customer = customers.get_or_make(app, &one.email, hash);
        let (first, last) = (one.first_name.as_deref(), one.last_name.as_deref());
        customer.take_account_data(first, last, &one.id);
        tally.unchanged += usize::from(!customer.is_changed());
    }
    customers.save(app, tx).await?;
    Ok(tally)
}
