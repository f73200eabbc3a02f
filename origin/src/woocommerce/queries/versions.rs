//! SQL over the newest word on each thing, and over deliveries.

use std::collections::HashMap;

use footfall_shared::id::{ExternalId, ShopId};
use footfall_shared::time::UtcMillis;

use super::super::version::{Thing, Version};
use crate::db::{During, ROWS_A_STATEMENT, StorageError, Tx, keep_prepared};
use crate::on_db;

/// What is known of these things, by id.
pub(in super::super) async fn find_versions(
    tx: &mut Tx,
    shop: &ShopId,
    thing: Thing,
    ids: &[&str],
) -> Result<HashMap<String, Version>, StorageError> {
    const SQL: &str = "SELECT resource_id, modified_at, deleted_at FROM woocommerce_versions \
        WHERE shop_id = ";
    let mut found = HashMap::new();
    for chunk in ids.chunks(ROWS_A_STATEMENT) {
        let rows: Vec<(String, i64, Option<i64>)> = on_db!(tx, |connection| {
            let mut sql = sqlx::QueryBuilder::new(SQL);
            sql.push_bind(shop.as_str())
                .push(" AND resource = ")
                .push_bind(thing.as_str())
                .push(" AND resource_id IN (");
            let mut list = sql.separated(", ");
            for id in chunk {
                list.push_bind(*id);
            }
            sql.push(")")
                .build_query_as()
                .persistent(keep_prepared(chunk.len()))
                .fetch_all(connection)
                .await
        })
        .during("find versions")?;
        found.extend(rows.into_iter().map(|(id, modified_at, deleted_at)| {
            let version = Version {
                modified_at: UtcMillis::new(modified_at),
                deleted_at: deleted_at.map(UtcMillis::new),
            };
            (id, version)
        }));
    }
    Ok(found)
}

/// Writes down that this word on a thing was taken: it is there.
pub(in super::super) async fn save_version(
    tx: &mut Tx,
    shop: &ShopId,
    thing: Thing,
    id: &ExternalId,
    modified_at: UtcMillis,
) -> Result<(), StorageError> {
    const SQL: &str = "INSERT INTO woocommerce_versions \
        (shop_id, resource, resource_id, modified_at) VALUES ($1, $2, $3, $4) \
        ON CONFLICT (shop_id, resource, resource_id) DO UPDATE SET \
        modified_at = excluded.modified_at, deleted_at = NULL";
    on_db!(tx, |connection| {
        sqlx::query(SQL)
            .bind(shop.as_str())
            .bind(thing.as_str())
            .bind(id.as_str())
            .bind(modified_at.get())
            .execute(connection)
            .await
            .map(|_| ())
    })
    .during("save a version")
}

/// Writes down that a thing is gone.
pub(in super::super) async fn save_deletion(
    tx: &mut Tx,
    shop: &ShopId,
    thing: Thing,
    id: &ExternalId,
    at: UtcMillis,
) -> Result<(), StorageError> {
    const SQL: &str = "INSERT INTO woocommerce_versions \
        (shop_id, resource, resource_id, modified_at, deleted_at) VALUES ($1, $2, $3, 0, $4) \
        ON CONFLICT (shop_id, resource, resource_id) DO UPDATE SET deleted_at = excluded.deleted_at";
    on_db!(tx, |connection| {
        sqlx::query(SQL)
            .bind(shop.as_str())
            .bind(thing.as_str())
            .bind(id.as_str())
            .bind(at.get())
            .execute(connection)
            .await
            .map(|_| ())
    })
    .during("save a deletion")
}

/// Writes a delivery down; whether it is new.
pub(in super::super) async fn note_delivery(
    tx: &mut Tx,
    shop: &ShopId,
    delivery: &str,
    now: UtcMillis,
) -> Result<bool, StorageError> {
    const SQL: &str = "INSERT INTO woocommerce_deliveries (shop_id, delivery, received_at) \
        VALUES ($1, $2, $3) ON CONFLICT (shop_id, delivery) DO NOTHING RETURNING delivery";
    let new: Option<String> = on_db!(tx, |connection| {
        sqlx::query_scalar(SQL)
            .bind(shop.as_str())
            .bind(delivery)
            .bind(now.get())
            .fetch_optional(connection)
            .await
    })
    .during("note a delivery")?;
    Ok(new.is_some())
}

/// Forgets deliveries from before this time.
pub(in super::super) async fn forget_deliveries_before(
    tx: &mut Tx,
    shop: &ShopId,
    before: UtcMillis,
) -> Result<(), StorageError> {
    const SQL: &str = "DELETE FROM woocommerce_deliveries WHERE shop_id = $1 AND received_at < $2";
    on_db!(tx, |connection| {
        sqlx::query(SQL)
            .bind(shop.as_str())
            .bind(before.get())
            .execute(connection)
            .await
            .map(|_| ())
    })
    .during("forget old deliveries")
}
