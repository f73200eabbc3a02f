//! All SQL of the chain.

use footfall_shared::id::ShopId;

use super::chain::Entry;
use crate::db::{During, Handle, StorageError, Tx};
use crate::on_db;

/// The number and digest of the last entry.
pub(super) async fn find_last(
    tx: &mut Tx,
    shop: &ShopId,
) -> Result<Option<(i64, String)>, StorageError> {
    const SQL: &str =
        "SELECT seq, digest FROM audit_entries WHERE shop_id = $1 ORDER BY seq DESC LIMIT 1";
    on_db!(tx, |connection| {
        sqlx::query_as(SQL)
            .bind(shop.as_str())
            .fetch_optional(connection)
            .await
    })
    .during("find the end of the audit log")
}

/// Appends an entry.
pub(super) async fn insert(tx: &mut Tx, shop: &ShopId, entry: &Entry) -> Result<(), StorageError> {
    const SQL: &str = "INSERT INTO audit_entries (shop_id, seq, at, actor_kind, actor, action, subject, outcome, \
        request_id, digest) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)";
    on_db!(tx, |connection| {
        sqlx::query(SQL)
            .bind(shop.as_str())
            .bind(entry.seq)
            .bind(entry.at)
            .bind(entry.actor_kind.as_str())
            .bind(entry.actor.as_str())
            .bind(entry.action.as_str())
            .bind(entry.subject.as_str())
            .bind(entry.outcome.as_str())
            .bind(entry.request_id.as_str())
            .bind(entry.digest.as_str())
            .execute(connection)
            .await
            .map(|_| ())
    })
    .during("append to the audit log")
}

/// Entries behind a number, the first first.
pub async fn read_chain(
    db: &mut impl Handle,
    shop: &ShopId,
    after: i64,
    limit: i64,
) -> Result<Vec<Entry>, StorageError> {
    const SQL: &str = "SELECT seq, at, actor_kind, actor, action, subject, outcome, request_id, digest \
        FROM audit_entries WHERE shop_id = $1 AND seq > $2 ORDER BY seq LIMIT $3";
    on_db!(db, |connection| {
        sqlx::query_as(SQL)
            .bind(shop.as_str())
            .bind(after)
            .bind(limit)
            .fetch_all(connection)
            .await
    })
    .during("read the audit log")
}

/// Entries before a number, the last first.
pub(super) async fn list(
    db: &mut impl Handle,
    shop: &ShopId,
    before: i64,
    limit: i64,
) -> Result<Vec<Entry>, StorageError> {
    const SQL: &str = "SELECT seq, at, actor_kind, actor, action, subject, outcome, request_id, digest \
        FROM audit_entries WHERE shop_id = $1 AND seq < $2 ORDER BY seq DESC LIMIT $3";
    on_db!(db, |connection| {
        sqlx::query_as(SQL)
            .bind(shop.as_str())
            .bind(before)
            .bind(limit)
            .fetch_all(connection)
            .await
    })
    .during("list the audit log")
}
