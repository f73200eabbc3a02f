//! Published kits.

use footfall_shared::id::ShopId;
use footfall_shared::journey::content::Kit;
use footfall_shared::time::UtcMillis;

use crate::db::{During, Handle, StorageError, Tx};
use crate::on_db;

fn parse(step: &'static str, body: &str) -> Result<Kit, StorageError> {
    serde_json::from_str(body).map_err(|cause| StorageError::corrupt(step, cause))
}

/// The latest kit of a shop and when it was published.
pub(in super::super) async fn find_latest(
    db: &mut impl Handle,
    shop: &ShopId,
) -> Result<Option<(Kit, UtcMillis)>, StorageError> {
    const STEP: &str = "find the latest kit";
    const SQL: &str = "SELECT body, published_at FROM kits WHERE shop_id = $1 \
        ORDER BY version DESC LIMIT 1";
    let row: Option<(String, i64)> = on_db!(db, |connection| {
        sqlx::query_as(SQL)
            .bind(shop.as_str())
            .fetch_optional(connection)
            .await
    })
    .during(STEP)?;
    row.map(|(body, at)| Ok((parse(STEP, &body)?, UtcMillis::new(at))))
        .transpose()
}

/// A kit by its version.
pub(in super::super) async fn find_kit(
    db: &mut impl Handle,
    shop: &ShopId,
    version: i64,
) -> Result<Option<Kit>, StorageError> {
    const STEP: &str = "find a kit";
    const SQL: &str = "SELECT body FROM kits WHERE shop_id = $1 AND version = $2";
    let body: Option<String> = on_db!(db, |connection| {
        sqlx::query_scalar(SQL)
            .bind(shop.as_str())
            .bind(version)
            .fetch_optional(connection)
            .await
    })
    .during(STEP)?;
    body.map(|body| parse(STEP, &body)).transpose()
}

/// Keeps a kit for ever.
pub(in super::super) async fn insert_kit(
    tx: &mut Tx,
    shop: &ShopId,
    kit: &Kit,
    now: UtcMillis,
) -> Result<(), StorageError> {
    const STEP: &str = "publish a kit";
    const SQL: &str =
        "INSERT INTO kits (shop_id, version, published_at, body) VALUES ($1, $2, $3, $4)";
    let body = serde_json::to_string(kit).map_err(|cause| StorageError::corrupt(STEP, cause))?;
    on_db!(tx, |connection| {
        sqlx::query(SQL)
            .bind(shop.as_str())
            .bind(kit.version)
            .bind(now.get())
            .bind(&body)
            .execute(connection)
            .await
            .map(|_| ())
    })
    .during(STEP)
}
