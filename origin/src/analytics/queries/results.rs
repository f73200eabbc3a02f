//! What jobs found in the figures.

use footfall_shared::id::ShopId;
use footfall_shared::time::UtcMillis;
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::db::{During, Handle, StorageError, Tx};
use crate::jobs::JobKind;
use crate::on_db;

/// What was found last, and when.
pub(in crate::analytics) async fn find<T: DeserializeOwned>(
    db: &mut impl Handle,
    shop: &ShopId,
    kind: JobKind,
) -> Result<Option<(UtcMillis, T)>, StorageError> {
    const STEP: &str = "find what was found in the figures";
    const SQL: &str =
        "SELECT computed_at, body FROM analytics_results WHERE shop_id = $1 AND kind = $2";
    let row: Option<(i64, String)> = on_db!(db, |connection| {
        sqlx::query_as(SQL)
            .bind(shop.as_str())
            .bind(kind.as_str())
            .fetch_optional(connection)
            .await
    })
    .during(STEP)?;
    row.map(|(at, body)| {
        let body =
            serde_json::from_str(&body).map_err(|cause| StorageError::corrupt(STEP, cause))?;
        Ok((UtcMillis::new(at), body))
    })
    .transpose()
}

/// Keeps what was found instead of what was before.
pub(in crate::analytics) async fn save<T: Serialize + Sync>(
    tx: &mut Tx,
    shop: &ShopId,
    kind: JobKind,
    now: UtcMillis,
    found: &T,
) -> Result<(), StorageError> {
    const STEP: &str = "keep what was found in the figures";
    const SQL: &str = "INSERT INTO analytics_results (shop_id, kind, computed_at, body) VALUES ($1, $2, $3, $4) \
        ON CONFLICT (shop_id, kind) DO UPDATE SET computed_at = excluded.computed_at, body = excluded.body";
    let body = serde_json::to_string(found).map_err(|cause| StorageError::corrupt(STEP, cause))?;
    on_db!(tx, |connection| {
        sqlx::query(SQL)
            .bind(shop.as_str())
            .bind(kind.as_str())
            .bind(now.get())
            .bind(body.as_str())
            .execute(connection)
            .await
            .map(|_| ())
    })
    .during(STEP)
}
