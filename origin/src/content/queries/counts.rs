//! Exposures and their sums.

use std::collections::BTreeMap;

use footfall_shared::event::{Event, EventKind};
use footfall_shared::id::ShopId;
use footfall_shared::journey::content::decide::Decided;
use footfall_shared::journey::event::Happening;
use footfall_shared::time::UtcMillis;

use super::super::exposures::{Exposure, Place};
use crate::db::{During, Handle, ROWS_A_STATEMENT, StorageError, Tx, keep_prepared};
use crate::on_db;

/// What is counted.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(in super::super) struct Counted {
    pub(in super::super) slot: String,
    pub(in super::super) variant: String,
    pub(in super::super) held_out: bool,
}

/// How much, or by how much it changes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(in super::super) struct Count {
    pub(in super::super) sessions: i64,
    pub(in super::super) conversions: i64,
}

type ExposureRow = (String, i64, String, i64, i64, String, i64);

/// What these sessions were shown.
pub(in super::super) async fn find_exposures(
    db: &mut impl Handle,
    shop: &ShopId,
    sessions: &[&str],
) -> Result<BTreeMap<Place, Exposure>, StorageError> {
    const STEP: &str = "find exposures";
    const SQL: &str = "SELECT session_id, visit, slot, on_seq, held_out, variants, sold \
        FROM exposures WHERE shop_id = ";
    let mut found = BTreeMap::new();
    for chunk in sessions.chunks(ROWS_A_STATEMENT) {
        let rows: Vec<ExposureRow> = on_db!(db, |connection| {
            let mut sql = sqlx::QueryBuilder::new(SQL);
            sql.push_bind(shop.as_str()).push(" AND session_id IN (");
            let mut list = sql.separated(", ");
            for session in chunk {
                list.push_bind(*session);
            }
            sql.push(")")
                .build_query_as()
                .persistent(keep_prepared(chunk.len()))
                .fetch_all(connection)
                .await
        })
        .during(STEP)?;
        for (session, visit, slot, on, held_out, variants, sold) in rows {
            let number = |number: i64| {
                u32::try_from(number).map_err(|cause| StorageError::corrupt(STEP, cause))
            };
            let exposure = Exposure {
                on: number(on)?,
                held_out: held_out == 1,
                variants: serde_json::from_str(&variants)
                    .map_err(|cause| StorageError::corrupt(STEP, cause))?,
                sold: sold == 1,
            };
            found.insert((session, number(visit)?, slot), exposure);
        }
    }
    Ok(found)
}

/// The conversions of these sessions that the log has.
pub(in super::super) async fn find_sales(
    tx: &mut Tx,
    shop: &ShopId,
    sessions: &[&str],
) -> Result<Vec<Event>, StorageError> {
    const STEP: &str = "find sales";
    const SQL: &str = "SELECT body FROM events WHERE shop_id = ";
    let mut found = Vec::new();
    for chunk in sessions.chunks(ROWS_A_STATEMENT) {
        let rows: Vec<String> = on_db!(tx, |connection| {
            let mut sql = sqlx::QueryBuilder::new(SQL);
            sql.push_bind(shop.as_str())
                .push(" AND kind = ")
                .push_bind(EventKind::Journey.as_str())
                .push(" AND name = ")
                .push_bind(Happening::CONVERTED)
                .push(" AND session_id IN (");
            let mut list = sql.separated(", ");
            for session in chunk {
                list.push_bind(*session);
            }
            sql.push(")")
                .build_query_scalar()
                .persistent(keep_prepared(chunk.len()))
                .fetch_all(connection)
                .await
        })
        .during(STEP)?;
        for body in rows {
            let read = serde_json::from_str(&body);
            found.push(read.map_err(|cause| StorageError::corrupt(STEP, cause))?);
        }
    }
    Ok(found)
}

/// Decisions since then, in the log's sequence after a place in it.
pub(in super::super) async fn find_decisions(
    db: &mut impl Handle,
    shop: &ShopId,
    since: UtcMillis,
    after: i64,
    limit: i64,
) -> Result<Vec<(i64, Event)>, StorageError> {
    const STEP: &str = "find decisions";
    const SQL: &str = "SELECT seq, body FROM events WHERE shop_id = $1 AND name = $2 AND at >= $3 \
        AND seq > $4 ORDER BY seq LIMIT $5";
    let rows: Vec<(i64, String)> = on_db!(db, |connection| {
        sqlx::query_as(SQL)
            .bind(shop.as_str())
            .bind(Decided::EVENT)
            .bind(since.get())
            .bind(after)
            .bind(limit)
            .fetch_all(connection)
            .await
    })
    .during(STEP)?;
    rows.into_iter()
        .map(|(seq, body)| {
            let event =
                serde_json::from_str(&body).map_err(|cause| StorageError::corrupt(STEP, cause))?;
            Ok((seq, event))
        })
        .collect()
}

/// Keeps what sessions were shown.
pub(in super::super) async fn save_exposures(
    tx: &mut Tx,
    shop: &ShopId,
    exposures: &[(&Place, &Exposure)],
) -> Result<(), StorageError> {
    const STEP: &str = "save exposures";
    const INSERT: &str = "INSERT INTO exposures \
        (shop_id, session_id, visit, slot, on_seq, held_out, variants, sold) ";
    const OVER: &str = " ON CONFLICT (shop_id, session_id, visit, slot) DO UPDATE SET \
        on_seq = excluded.on_seq, held_out = excluded.held_out, variants = excluded.variants, \
        sold = excluded.sold";
    for chunk in exposures.chunks(ROWS_A_STATEMENT) {
        on_db!(tx, |connection| {
            let mut sql = sqlx::QueryBuilder::new(INSERT);
            sql.push_values(chunk, |mut row, ((session, visit, slot), exposure)| {
                // Texts always serialize.
                let variants = serde_json::to_string(&exposure.variants).unwrap_or_default();
                row.push_bind(shop.as_str())
                    .push_bind(session.as_str())
                    .push_bind(i64::from(*visit))
                    .push_bind(slot.as_str())
                    .push_bind(i64::from(exposure.on))
                    .push_bind(i64::from(exposure.held_out))
                    .push_bind(variants)
                    .push_bind(i64::from(exposure.sold));
            });
            sql.push(OVER)
                .build()
                .persistent(keep_prepared(chunk.len()))
                .execute(connection)
                .await
                .map(|_| ())
        })
        .during(STEP)?;
    }
    Ok(())
}

/// Forgets what sessions were shown.
pub(in super::super) async fn delete_exposures(
    tx: &mut Tx,
    shop: &ShopId,
    sessions: &[&str],
) -> Result<(), StorageError> {
    for chunk in sessions.chunks(ROWS_A_STATEMENT) {
        on_db!(tx, |connection| {
            let mut sql = sqlx::QueryBuilder::new("DELETE FROM exposures WHERE shop_id = ");
            sql.push_bind(shop.as_str()).push(" AND session_id IN (");
            let mut list = sql.separated(", ");
            for session in chunk {
                list.push_bind(*session);
            }
            sql.push(")").build().execute(connection).await.map(|_| ())
        })
        .during("forget exposures")?;
    }
    Ok(())
}

/// Adds to the sums.
pub(in super::super) async fn add_counts(
    tx: &mut Tx,
    shop: &ShopId,
    changes: &[(Counted, Count)],
) -> Result<(), StorageError> {
    const INSERT: &str = "INSERT INTO exposure_counts \
        (shop_id, slot, variant, held_out, sessions, conversions) ";
    const ADD: &str = " ON CONFLICT (shop_id, slot, variant, held_out) DO UPDATE SET \
        sessions = exposure_counts.sessions + excluded.sessions, \
        conversions = exposure_counts.conversions + excluded.conversions";
    for chunk in changes.chunks(ROWS_A_STATEMENT) {
        on_db!(tx, |connection| {
            let mut sql = sqlx::QueryBuilder::new(INSERT);
            sql.push_values(chunk, |mut row, (counted, count)| {
                row.push_bind(shop.as_str())
                    .push_bind(counted.slot.as_str())
                    .push_bind(counted.variant.as_str())
                    .push_bind(i64::from(counted.held_out))
                    .push_bind(count.sessions)
                    .push_bind(count.conversions);
            });
            sql.push(ADD)
                .build()
                .persistent(keep_prepared(chunk.len()))
                .execute(connection)
                .await
                .map(|_| ())
        })
        .during("add to the counts of exposures")?;
    }
    Ok(())
}

/// All sums of a shop.
pub(in super::super) async fn find_counts(
    db: &mut impl Handle,
    shop: &ShopId,
) -> Result<BTreeMap<Counted, Count>, StorageError> {
    const SQL: &str = "SELECT slot, variant, held_out, sessions, conversions FROM exposure_counts \
        WHERE shop_id = $1";
    let rows: Vec<(String, String, i64, i64, i64)> = on_db!(db, |connection| {
        sqlx::query_as(SQL)
            .bind(shop.as_str())
            .fetch_all(connection)
            .await
    })
    .during("find the counts of exposures")?;
    let counts = rows
        .into_iter()
        .map(|(slot, variant, held_out, sessions, conversions)| {
            let counted = Counted {
                slot,
                variant,
                held_out: held_out == 1,
            };
            let count = Count {
                sessions,
                conversions,
            };
            (counted, count)
        });
    Ok(counts.collect())
}

/// Forgets all exposures of a shop, before its log is replayed.
pub async fn clear_exposures(tx: &mut Tx, shop: &ShopId) -> Result<(), StorageError> {
    const STATEMENTS: [&str; 2] = [
        "DELETE FROM exposures WHERE shop_id = $1",
        "DELETE FROM exposure_counts WHERE shop_id = $1",
    ];
    for sql in STATEMENTS {
        on_db!(tx, |connection| {
            sqlx::query(sql)
                .bind(shop.as_str())
                .execute(connection)
                .await
                .map(|_| ())
        })
        .during("clear exposures")?;
    }
    Ok(())
}
