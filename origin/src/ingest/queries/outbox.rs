//! Which acceptance of which edge an event came from, and how many came from each.

use std::collections::HashMap;

use footfall_shared::id::{OutboxId, ShopId};

use crate::db::{During, Handle, ROWS_A_STATEMENT, StorageError, Tx, keep_prepared};
use crate::on_db;

/// Which acceptance of an edge an event came from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::ingest) struct Acceptance {
    /// The edge's outbox.
    pub(in crate::ingest) outbox: OutboxId,
    /// The event's handle there.
    pub(in crate::ingest) handle: i64,
}

/// Which acceptance those of these events came from that the log has from an edge.
pub(in crate::ingest) async fn find_acceptances(
    tx: &mut Tx,
    shop: &ShopId,
    ids: &[&str],
) -> Result<HashMap<String, Acceptance>, StorageError> {
    const STEP: &str = "find acceptances";
    const SQL: &str =
        "SELECT id, outbox, outbox_handle FROM events WHERE outbox IS NOT NULL AND shop_id = ";
    let mut found = HashMap::new();
    for chunk in ids.chunks(ROWS_A_STATEMENT) {
        let rows: Vec<(String, String, i64)> = on_db!(tx, |connection| {
            let mut sql = sqlx::QueryBuilder::new(SQL);
            sql.push_bind(shop.as_str()).push(" AND id IN (");
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
        .during(STEP)?;
        for (id, outbox, handle) in rows {
            let outbox =
                OutboxId::parse(&outbox).map_err(|cause| StorageError::corrupt(STEP, cause))?;
            found.insert(id, Acceptance { outbox, handle });
        }
    }
    Ok(found)
}

/// Counts events of an outbox that are in the log now.
pub(in crate::ingest) async fn count_outbox(
    tx: &mut Tx,
    shop: &ShopId,
    outbox: &OutboxId,
    events: i64,
) -> Result<(), StorageError> {
    const SQL: &str = "INSERT INTO outbox_counts (shop_id, outbox, stored) VALUES ($1, $2, $3) \
        ON CONFLICT (shop_id, outbox) DO UPDATE SET stored = outbox_counts.stored + excluded.stored";
    on_db!(tx, |connection| {
        sqlx::query(SQL)
            .bind(shop.as_str())
            .bind(outbox.as_str())
            .bind(events)
            .execute(connection)
            .await
            .map(|_| ())
    })
    .during("count an outbox's events")
}

/// How many events of each shop are in the log from an outbox, by the shop's id.
pub async fn stored_of_outbox(
    db: &mut impl Handle,
    outbox: &OutboxId,
) -> Result<HashMap<String, u64>, StorageError> {
    const SQL: &str = "SELECT shop_id, stored FROM outbox_counts WHERE outbox = $1";
    let rows: Vec<(String, i64)> = on_db!(db, |connection| {
        sqlx::query_as(SQL)
            .bind(outbox.as_str())
            .fetch_all(connection)
            .await
    })
    .during("read an outbox's counts")?;
    let counts = rows
        .into_iter()
        .map(|(shop, stored)| (shop, stored.unsigned_abs()));
    Ok(counts.collect())
}
