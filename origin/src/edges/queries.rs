//! All SQL over the queue of pushes.

use footfall_shared::id::ShopId;
use footfall_shared::time::UtcMillis;

use super::subject::Subject;
use crate::db::{During, Handle, ROWS_A_STATEMENT, StorageError, Tx, keep_prepared};
use crate::on_db;

/// A waiting push.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Due {
    /// Whose subject it is.
    pub(super) shop: ShopId,
    /// What changed.
    pub(super) subject: Subject,
    /// The version that was queued.
    pub(super) version: i64,
    /// Tries that failed.
    pub(super) attempts: i64,
    /// From when on it waits: since it was queued first, unless it was queued for later.
    pub(super) created_at: UtcMillis,
}

impl Due {
    /// Rows are locked in the sequence in which writers lock them (shop by shop, devices before customers before
    /// lists before what is forgotten, each by its text), so that the pusher and they cannot wait for each other in a
    /// circle.
    pub(super) fn lock_order(&self) -> (ShopId, u8, String) {
        let rank = match self.subject {
            Subject::Forget(_) => 3,
            Subject::Recommendations(_) => 2,
            Subject::Customer(_) => 1,
            _ => 0,
        };
        (self.shop.clone(), rank, self.subject.to_text())
    }
}

/// Queues subjects for an edge, due from `now` on; each at most once in `subjects`.
pub(super) async fn enqueue(
    tx: &mut Tx,
    shop: &ShopId,
    edge: &str,
    subjects: &[(String, i64)],
    now: UtcMillis,
) -> Result<(), StorageError> {
    const INSERT: &str = "INSERT INTO edge_pushes \
        (edge, shop_id, subject, version, created_at, attempts, not_before) ";
    const COALESCE: &str = " ON CONFLICT (shop_id, edge, subject) DO UPDATE SET version = \
        CASE WHEN excluded.version > edge_pushes.version THEN excluded.version ELSE edge_pushes.version END, \
        attempts = 0, not_before = excluded.not_before";
    for chunk in subjects.chunks(ROWS_A_STATEMENT) {
        on_db!(tx, |connection| {
            let mut sql = sqlx::QueryBuilder::new(INSERT);
            sql.push_values(chunk, |mut row, (subject, version)| {
                row.push_bind(edge)
                    .push_bind(shop.as_str())
                    .push_bind(subject)
                    .push_bind(*version)
                    .push_bind(now.get())
                    .push_bind(0_i64)
                    .push_bind(now.get());
            });
            sql.push(COALESCE)
                .build()
                .persistent(keep_prepared(chunk.len()))
                .execute(connection)
                .await
                .map(|_| ())
        })
        .during("queue pushes")?;
    }
    Ok(())
}

/// The pushes to an edge whose time has come, the longest waiting first, but those that [`find_forgotten`] finds.
pub(super) async fn find_due(
    db: &mut impl Handle,
    edge: &str,
    limit: usize,
    now: UtcMillis,
) -> Result<Vec<Due>, StorageError> {
    const SQL: &str = "SELECT shop_id, subject, version, attempts, created_at FROM edge_pushes \
        WHERE edge = $1 AND not_before <= $2 AND subject NOT LIKE 'forget:%' \
        ORDER BY not_before, created_at LIMIT $3";
    find(db, SQL, edge, limit, now).await
}

/// The keys that an edge has to forget by now. One whose entry the edge has not been told of yet waits for it, however
/// often that failed: `forget:customer/<hash>` for `customer:<hash>`.
pub(super) async fn find_forgotten(
    db: &mut impl Handle,
    edge: &str,
    limit: usize,
    now: UtcMillis,
) -> Result<Vec<Due>, StorageError> {
    const SQL: &str = "SELECT shop_id, subject, version, attempts, created_at FROM edge_pushes \
        WHERE edge = $1 AND not_before <= $2 AND subject LIKE 'forget:%' \
        AND NOT EXISTS (SELECT 1 FROM edge_pushes AS entry \
            WHERE entry.shop_id = edge_pushes.shop_id AND entry.edge = edge_pushes.edge \
            AND entry.subject = replace(substr(edge_pushes.subject, 8), '/', ':')) \
        ORDER BY not_before, created_at LIMIT $3";
    find(db, SQL, edge, limit, now).await
}

async fn find(
    db: &mut impl Handle,
    sql: &'static str,
    edge: &str,
    limit: usize,
    now: UtcMillis,
) -> Result<Vec<Due>, StorageError> {
    const STEP: &str = "find pushes that are due";
    let limit = i64::try_from(limit).unwrap_or(i64::MAX);
    let rows: Vec<(String, String, i64, i64, i64)> = on_db!(db, |connection| {
        sqlx::query_as(sql)
            .bind(edge)
            .bind(now.get())
            .bind(limit)
            .fetch_all(connection)
            .await
    })
    .during(STEP)?;
    let due = |(shop, subject, version, attempts, created_at): (String, String, i64, i64, i64)| {
        Ok(Due {
            shop: ShopId::parse(&shop).map_err(|cause| StorageError::corrupt(STEP, cause))?,
            subject: Subject::parse(&subject)
                .ok_or_else(|| StorageError::corrupt(STEP, "unknown subject"))?,
            version,
            attempts,
            created_at: UtcMillis::new(created_at),
        })
    };
    rows.into_iter().map(due).collect()
}

/// Removes what an edge has taken, unless it changed again meanwhile.
pub(super) async fn settle(
    tx: &mut Tx,
    edge: &str,
    due: &Due,
    sent_version: i64,
) -> Result<(), StorageError> {
    const SQL: &str = "DELETE FROM edge_pushes \
        WHERE shop_id = $1 AND edge = $2 AND subject = $3 AND version <= $4";
    on_db!(tx, |connection| {
        sqlx::query(SQL)
            .bind(due.shop.as_str())
            .bind(edge)
            .bind(due.subject.to_text())
            .bind(sent_version)
            .execute(connection)
            .await
            .map(|_| ())
    })
    .during("settle a push")
}

/// Puts a push off until `not_before` and counts the try.
pub(super) async fn postpone(
    tx: &mut Tx,
    edge: &str,
    due: &Due,
    not_before: UtcMillis,
) -> Result<(), StorageError> {
    const SQL: &str = "UPDATE edge_pushes SET attempts = $4, not_before = $5 \
        WHERE shop_id = $1 AND edge = $2 AND subject = $3";
    on_db!(tx, |connection| {
        sqlx::query(SQL)
            .bind(due.shop.as_str())
            .bind(edge)
            .bind(due.subject.to_text())
            .bind(due.attempts.saturating_add(1))
            .bind(not_before.get())
            .execute(connection)
            .await
            .map(|_| ())
    })
    .during("postpone a push")
}

/// How many changes each edge has not taken yet; an edge that waits for none is left out.
pub async fn count_waiting(db: &mut impl Handle) -> Result<Vec<(String, i64)>, StorageError> {
    const SQL: &str = "SELECT edge, COUNT(*) FROM edge_pushes GROUP BY edge ORDER BY edge";
    on_db!(db, |connection| sqlx::query_as(SQL)
        .fetch_all(connection)
        .await)
    .during("count waiting pushes")
}
