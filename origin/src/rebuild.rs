//! `footfall rebuild`: throws away what is projected from the log and the orders, and makes it again.
//!
//! **Invariant:** the result equals what was there, but for the versions, which only grow so that every
//! edge takes what it is told. Test: `a_rebuild_gives_what_was_there`.
//!
//! Customers' numbers, names and offers stay: they are no projection of the log alone.

use crate::app::App;
use crate::db::StorageError;
use crate::shops::Shop;
use crate::{analytics, content, edges, ingest, intelligence, journey, orders, shops};

/// What was made again for one shop.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rebuilt {
    /// The shop's slug.
    pub shop: String,
    /// Events of its log.
    pub events: usize,
    /// Customers that were recalculated.
    pub customers: usize,
}

/// Rebuilds every shop, each in one transaction: nobody sees a shop half rebuilt, and a fault leaves it as
/// it was. Meanwhile the shop's writes wait, and edges keep their events.
pub async fn run(app: &App) -> Result<Vec<Rebuilt>, StorageError> {
    let shops = shops::list_shops(&mut app.db().read().await?).await?;
    let mut rebuilt = Vec::with_capacity(shops.len());
    for shop in shops {
        rebuilt.push(rebuild_shop(app, &shop).await?);
    }
    Ok(rebuilt)
}

async fn rebuild_shop(app: &App, shop: &Shop) -> Result<Rebuilt, StorageError> {
    let now = app.now();
    let mut tx = app.db().begin().await?;
    intelligence::take_turn(&mut tx, &shop.id).await?;
    intelligence::clear_projections(&mut tx, &shop.id).await?;
    orders::clear_links(&mut tx, &shop.id).await?;
    journey::clear_journeys(&mut tx, &shop.id).await?;
    journey::clear_rollups(&mut tx, &shop.id).await?;
    content::clear_exposures(&mut tx, &shop.id).await?;
    analytics::clear(&mut tx, &shop.id).await?;
    let events = ingest::replay(app, &mut tx, shop, now).await?;
    let customers = intelligence::recalculate_all(app, &mut tx, shop, now).await?;
    // What files add to the figures, a job reads.
    analytics::ask_refresh(app, &mut tx, &shop.id).await?;
    edges::commit(app, tx).await?;
    tracing::info!(shop.id = %shop.id, events, customers, "projections rebuilt");
    Ok(Rebuilt {
        shop: shop.slug.clone(),
        events,
        customers,
    })
}
