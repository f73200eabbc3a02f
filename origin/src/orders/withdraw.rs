//! Withdraws an order that the shop no longer has: it stays, and stops counting.

use footfall_shared::id::ExternalId;
use footfall_shared::time::UtcMillis;

use super::queries;
use crate::app::App;
use crate::db::{StorageError, Tx};
use crate::intelligence::{Customers, recalculate, take_turn};
use crate::shops::Shop;

/// The status of a withdrawn order; it is none that counts.
const WITHDRAWN: &str = "deleted";

/// Withdraws an order within the caller's transaction; whether that changed anything. Taken again, it
/// counts again.
pub async fn withdraw(
    app: &App,
    tx: &mut Tx,
    shop: &Shop,
    order: &ExternalId,
    now: UtcMillis,
) -> Result<bool, StorageError> {
    take_turn(tx, &shop.id).await?;
    let Some(customer) = queries::set_status(tx, &shop.id, order, WITHDRAWN, now).await? else {
        return Ok(false);
    };
    let mut customers = Customers::none(shop, now);
    let touched = [customer];
    customers.load_ids(tx, &touched).await?;
    recalculate(tx, &mut customers, &touched, now).await?;
    customers.save(app, tx).await?;
    Ok(true)
}
