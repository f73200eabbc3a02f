//! What is known of erasures.

use std::collections::BTreeMap;

use footfall_shared::id::{ErasureId, JobId, ShopId};
use footfall_shared::time::UtcMillis;

use crate::db::{During, Handle, ROWS_A_STATEMENT, StorageError, Tx, keep_prepared};
use crate::on_db;

/// An erasure as it is kept.
#[derive(Debug, Clone, PartialEq, Eq, sqlx::FromRow)]
pub(in crate::privacy) struct Kept {
    pub(in crate::privacy) policy: String,
    pub(in crate::privacy) at: i64,
    pub(in crate::privacy) counts: String,
    pub(in crate::privacy) job_id: Option<String>,
    pub(in crate::privacy) swept_at: Option<i64>,
}

/// Keeps that somebody was erased, and by which digests they are known again.
pub(in crate::privacy) async fn insert(
    tx: &mut Tx,
    shop: &ShopId,
    id: &ErasureId,
    (policy, at): (&str, UtcMillis),
    counts: &str,
    job: &JobId,
) -> Result<(), StorageError> {
    const SQL: &str = "INSERT INTO erasures (shop_id, id, policy, at, counts, job_id) \
        VALUES ($1, $2, $3, $4, $5, $6)";
    on_db!(tx, |connection| {
        sqlx::query(SQL)
            .bind(shop.as_str())
            .bind(id.as_str())
            .bind(policy)
            .bind(at.get())
            .bind(counts)
            .bind(job.as_str())
            .execute(connection)
            .await
            .map(|_| ())
    })
    .during("keep that somebody was erased")
}

/// Keeps by which digests somebody is known again; the latest erasure of the same counts.
pub(in crate::privacy) async fn insert_keys(
    tx: &mut Tx,
    shop: &ShopId,
    id: &ErasureId,
    at: UtcMillis,
    digests: &[String],
) -> Result<(), StorageError> {
    for chunk in digests.chunks(ROWS_A_STATEMENT) {
        on_db!(tx, |connection| {
            let mut sql = sqlx::QueryBuilder::new(
                "INSERT INTO erased_keys (shop_id, digest, erasure_id, at) ",
            );
            sql.push_values(chunk, |mut row, digest| {
                row.push_bind(shop.as_str())
                    .push_bind(digest.as_str())
                    .push_bind(id.as_str())
                    .push_bind(at.get());
            });
            sql.push(
                " ON CONFLICT (shop_id, digest) DO UPDATE SET erasure_id = excluded.erasure_id, at = excluded.at",
            );
            sql.build().execute(connection).await.map(|_| ())
        })
        .during("keep what tells an erased person again")?;
    }
    Ok(())
}

/// When whoever these digests stand for was erased.
pub(in crate::privacy) async fn find_keys(
    db: &mut impl Handle,
    shop: &ShopId,
    digests: &[&str],
) -> Result<BTreeMap<String, UtcMillis>, StorageError> {
    let mut found = BTreeMap::new();
    for chunk in digests.chunks(ROWS_A_STATEMENT) {
        let rows: Vec<(String, i64)> = on_db!(db, |connection| {
            let mut sql =
                sqlx::QueryBuilder::new("SELECT digest, at FROM erased_keys WHERE shop_id = ");
            sql.push_bind(shop.as_str()).push(" AND digest IN (");
            let mut list = sql.separated(", ");
            for digest in chunk {
                list.push_bind(*digest);
            }
            sql.push(")")
                .build_query_as()
                .persistent(keep_prepared(chunk.len()))
                .fetch_all(connection)
                .await
        })
        .during("look for erased people")?;
        found.extend(
            rows.into_iter()
                .map(|(digest, at)| (digest, UtcMillis::new(at))),
        );
    }
    Ok(found)
}

/// A digest, when its person was erased, how, and by which erasure.
pub(in crate::privacy) type KeyRow = (String, i64, String, String);

/// All digests of a shop.
pub(in crate::privacy) async fn list_keys(
    db: &mut impl Handle,
    shop: &ShopId,
) -> Result<Vec<KeyRow>, StorageError> {
    const SQL: &str = "SELECT k.digest, k.at, e.policy, e.id FROM erased_keys k \
        JOIN erasures e ON e.shop_id = k.shop_id AND e.id = k.erasure_id WHERE k.shop_id = $1";
    on_db!(db, |connection| {
        sqlx::query_as(SQL)
            .bind(shop.as_str())
            .fetch_all(connection)
            .await
    })
    .during("list what tells erased people again")
}

/// When somebody of the shop was erased last.
pub(in crate::privacy) async fn last_at(
    db: &mut impl Handle,
    shop: &ShopId,
) -> Result<Option<UtcMillis>, StorageError> {
    const SQL: &str = "SELECT MAX(at) FROM erasures WHERE shop_id = $1";
    let at: Option<i64> = on_db!(db, |connection| {
        sqlx::query_scalar(SQL)
            .bind(shop.as_str())
            .fetch_one(connection)
            .await
    })
    .during("find the last erasure")?;
    Ok(at.map(UtcMillis::new))
}

/// An erasure.
pub(in crate::privacy) async fn find(
    db: &mut impl Handle,
    shop: &ShopId,
    id: &str,
) -> Result<Option<Kept>, StorageError> {
    const SQL: &str = "SELECT policy, at, counts, job_id, swept_at FROM erasures \
        WHERE shop_id = $1 AND id = $2";
    on_db!(db, |connection| {
        sqlx::query_as(SQL)
            .bind(shop.as_str())
            .bind(id)
            .fetch_optional(connection)
            .await
    })
    .during("find an erasure")
}

/// Notes that all was looked through for those who were erased until a time.
pub(in crate::privacy) async fn note_swept(
    tx: &mut Tx,
    shop: &ShopId,
    until: UtcMillis,
    now: UtcMillis,
) -> Result<(), StorageError> {
    const SQL: &str = "UPDATE erasures SET swept_at = $3 \
        WHERE shop_id = $1 AND at <= $2 AND swept_at IS NULL";
    on_db!(tx, |connection| {
        sqlx::query(SQL)
            .bind(shop.as_str())
            .bind(until.get())
            .bind(now.get())
            .execute(connection)
            .await
            .map(|_| ())
    })
    .during("note that all was looked through")
}

/// Emails of a shop, each once: those of shoppers and of the log.
pub(in crate::privacy) async fn list_emails(
    db: &mut impl Handle,
    shop: &ShopId,
) -> Result<Vec<String>, StorageError> {
    const SQL: &str = "SELECT email FROM customers WHERE shop_id = $1 \
        UNION SELECT email FROM events WHERE shop_id = $1 AND email IS NOT NULL";
    on_db!(db, |connection| {
        sqlx::query_scalar(SQL)
            .bind(shop.as_str())
            .fetch_all(connection)
            .await
    })
    .during("list all emails")
}

/// The bodies of sales records with an email.
pub(in crate::privacy) async fn list_record_bodies(
    db: &mut impl Handle,
    shop: &ShopId,
) -> Result<Vec<String>, StorageError> {
    const SQL: &str =
        "SELECT body FROM customer_records WHERE shop_id = $1 AND email_hash IS NOT NULL";
    on_db!(db, |connection| {
        sqlx::query_scalar(SQL)
            .bind(shop.as_str())
            .fetch_all(connection)
            .await
    })
    .during("list sales records with an email")
}
