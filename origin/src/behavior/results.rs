//! What was computed, and of which version of the data.

use footfall_shared::id::ShopId;
use footfall_shared::time::UtcMillis;
use serde::Serialize;
use serde::de::DeserializeOwned;

use super::scope::Scope;
use crate::db::{During, Handle, StorageError, Tx};
use crate::jobs::JobKind;
use crate::on_db;

/// What a job computed.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Computed<T> {
    /// Of which version of the data.
    pub(super) version: String,
    /// When.
    pub(super) at: UtcMillis,
    /// What came of it.
    pub(super) body: T,
}

/// What was computed last.
pub(super) async fn find<T: DeserializeOwned>(
    db: &mut impl Handle,
    shop: &ShopId,
    scope: &Scope,
    kind: JobKind,
) -> Result<Option<Computed<T>>, StorageError> {
    const STEP: &str = "find what was computed";
    const SQL: &str = "SELECT version, computed_at, body FROM behavior_results \
        WHERE shop_id = $1 AND scope = $2 AND kind = $3";
    let row: Option<(String, i64, String)> = on_db!(db, |connection| {
        sqlx::query_as(SQL)
            .bind(shop.as_str())
            .bind(scope.as_str())
            .bind(kind.as_str())
            .fetch_optional(connection)
            .await
    })
    .during(STEP)?;
    row.map(|(version, at, body)| {
        Ok(Computed {
            version,
            at: UtcMillis::new(at),
            body: serde_json::from_str(&body)
                .map_err(|cause| StorageError::corrupt(STEP, cause))?,
        })
    })
    .transpose()
}

/// The version of the data that was computed from last.
pub(super) async fn find_version(
    db: &mut impl Handle,
    shop: &ShopId,
    scope: &str,
    kind: JobKind,
) -> Result<Option<String>, StorageError> {
    const SQL: &str = "SELECT version FROM behavior_results \
        WHERE shop_id = $1 AND scope = $2 AND kind = $3";
    on_db!(db, |connection| {
        sqlx::query_scalar(SQL)
            .bind(shop.as_str())
            .bind(scope)
            .bind(kind.as_str())
            .fetch_optional(connection)
            .await
    })
    .during("find the version of what was computed")
}

/// Keeps what was computed instead of what was before.
pub(super) async fn save<T: Serialize + Sync>(
    tx: &mut Tx,
    job: &crate::jobs::Job,
    computed: &Computed<T>,
) -> Result<(), StorageError> {
    const STEP: &str = "keep what was computed";
    const SQL: &str = "INSERT INTO behavior_results (shop_id, scope, kind, version, job_id, computed_at, body) \
        VALUES ($1, $2, $3, $4, $5, $6, $7) ON CONFLICT (shop_id, scope, kind) DO UPDATE SET \
        version = excluded.version, job_id = excluded.job_id, computed_at = excluded.computed_at, \
        body = excluded.body";
    let body = serde_json::to_string(&computed.body)
        .map_err(|cause| StorageError::corrupt(STEP, cause))?;
    on_db!(tx, |connection| {
        sqlx::query(SQL)
            .bind(job.shop.as_str())
            .bind(job.what.subject.as_str())
            .bind(job.what.kind.as_str())
            .bind(computed.version.as_str())
            .bind(job.id.as_str())
            .bind(computed.at.get())
            .bind(body.as_str())
            .execute(connection)
            .await
            .map(|_| ())
    })
    .during(STEP)
}

/// Forgets everything that was computed from an upload alone.
pub async fn forget(tx: &mut Tx, shop: &ShopId, upload: &str) -> Result<(), StorageError> {
    const RESULTS: &str = "DELETE FROM behavior_results WHERE shop_id = $1 AND scope = $2";
    const MEMBERS: &str = "DELETE FROM segment_members WHERE shop_id = $1 AND scope = $2";
    for sql in [RESULTS, MEMBERS] {
        on_db!(tx, |connection| {
            sqlx::query(sql)
                .bind(shop.as_str())
                .bind(upload)
                .execute(connection)
                .await
                .map(|_| ())
        })
        .during("forget what was computed")?;
    }
    Ok(())
}
