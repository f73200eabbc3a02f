//! What is going on: visits and orders of the last minutes.

use footfall_shared::id::ShopId;
use footfall_shared::time::UtcMillis;
use footfall_shared::visits::sums::page_name;
use footfall_shared::visits::visit::StepKind;

use super::queries::sales::Transaction;
use super::queries::{runs, sales, visits};
use crate::db::{Handle, StorageError};
use crate::shops::Shop;

/// Who is there.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Active {
    /// Visitors.
    pub visitors: i64,
    /// Their visits.
    pub visits: i64,
    /// Those of the visits that came to the confirmation.
    pub confirmed: i64,
}

/// Who did something since a time.
pub async fn count_active(
    db: &mut impl Handle,
    shop: &ShopId,
    since: UtcMillis,
) -> Result<Active, StorageError> {
    let Some(run) = runs::find_live(db, shop).await? else {
        return Ok(Active::default());
    };
    let (visitors, visits, confirmed) = visits::count_active(db, shop, run.number, since).await?;
    Ok(Active {
        visitors,
        visits,
        confirmed,
    })
}

/// The last page of each of the latest visits in which something was done since a time.
pub async fn last_pages(
    db: &mut impl Handle,
    shop: &ShopId,
    since: UtcMillis,
    limit: i64,
) -> Result<Vec<String>, StorageError> {
    let Some(run) = runs::find_live(db, shop).await? else {
        return Ok(Vec::new());
    };
    let active = visits::list_active(db, shop, run.number, since, limit).await?;
    let last = active.iter().filter_map(|visit| {
        let mut steps = visit.counted_steps().rev();
        steps
            .find(|step| step.kind != StepKind::Deed)
            .map(page_name)
    });
    Ok(last.collect())
}

/// The orders since a time that count, the latest first: id, epoch milliseconds, and minor units.
pub async fn list_orders_since(
    db: &mut impl Handle,
    shop: &Shop,
    since: UtcMillis,
    limit: i64,
) -> Result<Vec<Transaction>, StorageError> {
    sales::list_since(db, shop, since, limit).await
}
