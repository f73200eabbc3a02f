//! Events that the log would not take, kept until they are mended.

use footfall_shared::id::ShopId;
use footfall_shared::text::hex;
use footfall_shared::time::UtcMillis;
use footfall_shared::wire::events::RejectCode;
use sha2::{Digest, Sha256};

use crate::db::{During, Handle, ROWS_A_STATEMENT, StorageError, Tx, keep_prepared};
use crate::on_db;

/// An event that the log will not take.
pub(in crate::ingest) struct Rejected<'a> {
    shop: Option<&'a ShopId>,
    json: &'a str,
    hash: String,
    code: RejectCode,
    reason: &'a str,
}

impl<'a> Rejected<'a> {
    /// A refused text of the shop that it names.
    pub(in crate::ingest) fn new(
        shop: Option<&'a ShopId>,
        json: &'a str,
        code: RejectCode,
        reason: &'a str,
    ) -> Self {
        Self {
            shop,
            json,
            hash: hex(&Sha256::digest(json.as_bytes())),
            code,
            reason,
        }
    }
}

/// Keeps rejected events; of one that was kept before the latest reason counts.
pub(in crate::ingest) async fn keep_rejected(
    tx: &mut Tx,
    rejected: &[Rejected<'_>],
    now: UtcMillis,
) -> Result<(), StorageError> {
    const INSERT: &str =
        "INSERT INTO rejected_events (shop_id, body_hash, body, code, reason, rejected_at) ";
    const ONCE: &str = " ON CONFLICT (shop_id, body_hash) DO UPDATE SET \
        code = excluded.code, reason = excluded.reason";
    for chunk in rejected.chunks(ROWS_A_STATEMENT) {
        on_db!(tx, |connection| {
            let mut sql = sqlx::QueryBuilder::new(INSERT);
            sql.push_values(chunk, |mut values, one| {
                values
                    .push_bind(one.shop.map_or("", ShopId::as_str))
                    .push_bind(one.hash.as_str())
                    .push_bind(one.json)
                    .push_bind(one.code.as_str())
                    .push_bind(one.reason)
                    .push_bind(now.get());
            });
            sql.push(ONCE)
                .build()
                .persistent(keep_prepared(chunk.len()))
                .execute(connection)
                .await
                .map(|_| ())
        })
        .during("keep rejected events")?;
    }
    Ok(())
}

/// How many events of a shop were rejected; the empty text counts those whose shop could not be read.
pub async fn count_rejected(db: &mut impl Handle, shop: &str) -> Result<i64, StorageError> {
    const SQL: &str = "SELECT COUNT(*) FROM rejected_events WHERE shop_id = $1";
    on_db!(db, |connection| sqlx::query_scalar(SQL)
        .bind(shop)
        .fetch_one(connection)
        .await)
    .during("count rejected events")
}

/// A rejected event as it is kept.
#[derive(Debug, sqlx::FromRow)]
pub(in crate::ingest) struct Kept {
    pub(in crate::ingest) body_hash: String,
    pub(in crate::ingest) body: String,
    pub(in crate::ingest) code: String,
    pub(in crate::ingest) reason: String,
    pub(in crate::ingest) rejected_at: i64,
}

/// A shop's rejected events, the latest first, after a place in that sequence.
pub(in crate::ingest) async fn find_rejected(
    db: &mut impl Handle,
    shop: &ShopId,
    after: Option<&(i64, String)>,
    limit: i64,
) -> Result<Vec<Kept>, StorageError> {
    const SQL: &str = "SELECT body_hash, body, code, reason, rejected_at FROM rejected_events \
        WHERE shop_id = $1 AND (rejected_at < $2 OR (rejected_at = $2 AND body_hash > $3)) \
        ORDER BY rejected_at DESC, body_hash LIMIT $4";
    let (at, hash) = after
        .map(|(at, hash)| (*at, hash.as_str()))
        .unwrap_or((i64::MAX, ""));
    on_db!(db, |connection| {
        sqlx::query_as(SQL)
            .bind(shop.as_str())
            .bind(at)
            .bind(hash)
            .bind(limit)
            .fetch_all(connection)
            .await
    })
    .during("find rejected events")
}

/// The texts of these rejected events, or of the first ones where none are named.
pub(in crate::ingest) async fn find_rejected_bodies(
    db: &mut impl Handle,
    shop: &ShopId,
    ids: Option<&[String]>,
    limit: i64,
) -> Result<Vec<(String, String)>, StorageError> {
    const SQL: &str = "SELECT body_hash, body FROM rejected_events WHERE shop_id = ";
    on_db!(db, |connection| {
        let mut sql = sqlx::QueryBuilder::new(SQL);
        sql.push_bind(shop.as_str());
        if let Some(ids) = ids {
            sql.push(" AND body_hash IN (");
            let mut list = sql.separated(", ");
            for id in ids {
                list.push_bind(id.as_str());
            }
            sql.push(")");
        }
        sql.push(" ORDER BY rejected_at, body_hash LIMIT ")
            .push_bind(limit);
        sql.build_query_as()
            .persistent(false)
            .fetch_all(connection)
            .await
    })
    .during("find rejected events")
}

/// Forgets a rejected event, which is in the log now.
pub(in crate::ingest) async fn forget_rejected(
    tx: &mut Tx,
    shop: &ShopId,
    id: &str,
) -> Result<(), StorageError> {
    const SQL: &str = "DELETE FROM rejected_events WHERE shop_id = $1 AND body_hash = $2";
    on_db!(tx, |connection| {
        sqlx::query(SQL)
            .bind(shop.as_str())
            .bind(id)
            .execute(connection)
            .await
            .map(|_| ())
    })
    .during("forget a rejected event")
}
