//! The hours in which a shop's events were accepted.

use footfall_shared::id::ShopId;

use crate::db::{During, Handle, StorageError, Tx};
use crate::on_db;

/// Counts events that were accepted in an hour.
pub(in crate::ingest) async fn count_hour(
    tx: &mut Tx,
    shop: &ShopId,
    hour: i64,
    events: i64,
) -> Result<(), StorageError> {
    const SQL: &str = "INSERT INTO intake_hours (shop_id, hour, events) VALUES ($1, $2, $3) \
        ON CONFLICT (shop_id, hour) DO UPDATE SET events = intake_hours.events + excluded.events";
    on_db!(tx, |connection| {
        sqlx::query(SQL)
            .bind(shop.as_str())
            .bind(hour)
            .bind(events)
            .execute(connection)
            .await
            .map(|_| ())
    })
    .during("count an hour's events")
}

/// The hours since then in which events of a shop were accepted, from early to late.
pub(in crate::ingest) async fn active_hours(
    db: &mut impl Handle,
    shop: &ShopId,
    since_hour: i64,
) -> Result<Vec<i64>, StorageError> {
    const SQL: &str =
        "SELECT hour FROM intake_hours WHERE shop_id = $1 AND hour >= $2 ORDER BY hour";
    on_db!(db, |connection| {
        sqlx::query_scalar(SQL)
            .bind(shop.as_str())
            .bind(since_hour)
            .fetch_all(connection)
            .await
    })
    .during("read the hours with events")
}
