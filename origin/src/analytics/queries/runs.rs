//! Makings of the visits and figures: the live one, and the one that is made beside it.

use footfall_shared::id::ShopId;
use footfall_shared::time::UtcMillis;

use crate::analytics::change::Rules;
use crate::db::{During, Handle, StorageError, Tx};
use crate::on_db;
use crate::shops::Shop;

/// Rows that one statement deletes.
const ROWS_AT_ONCE: i64 = 5_000;

/// A making.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::analytics) struct Run {
    /// Its number in the shop.
    pub(in crate::analytics) number: i64,
    /// What it is made by.
    pub(in crate::analytics) rules: Rules,
    /// When it began.
    pub(in crate::analytics) made_at: UtcMillis,
    /// Since when it is read.
    pub(in crate::analytics) live_at: Option<UtcMillis>,
    /// Events and rows that it was made from.
    pub(in crate::analytics) events: i64,
}

/// The run that is read.
pub(in crate::analytics) async fn find_live(
    db: &mut impl Handle,
    shop: &ShopId,
) -> Result<Option<Run>, StorageError> {
    const STEP: &str = "find the live figures";
    const SQL: &str = "SELECT run, rules, made_at, live_at, events FROM analytics_runs \
        WHERE shop_id = $1 AND state = 'live'";
    let row: Option<(i64, String, i64, Option<i64>, i64)> = on_db!(db, |connection| {
        sqlx::query_as(SQL)
            .bind(shop.as_str())
            .fetch_optional(connection)
            .await
    })
    .during(STEP)?;
    row.map(|(number, rules, made_at, live_at, events)| {
        Ok(Run {
            number,
            rules: serde_json::from_str(&rules)
                .map_err(|cause| StorageError::corrupt(STEP, cause))?,
            made_at: UtcMillis::new(made_at),
            live_at: live_at.map(UtcMillis::new),
            events,
        })
    })
    .transpose()
}

/// Begins the first run of a shop; it is live at once. The caller holds the shop's turn.
pub(in crate::analytics) async fn begin_live(
    tx: &mut Tx,
    shop: &Shop,
    now: UtcMillis,
) -> Result<Run, StorageError> {
    begin(tx, shop, "live", now).await
}

/// Begins a run beside the live one. The caller holds the shop's turn.
pub(in crate::analytics) async fn begin_building(
    tx: &mut Tx,
    shop: &Shop,
    now: UtcMillis,
) -> Result<Run, StorageError> {
    begin(tx, shop, "building", now).await
}

async fn begin(tx: &mut Tx, shop: &Shop, state: &str, now: UtcMillis) -> Result<Run, StorageError> {
    const STEP: &str = "begin to make figures";
    const SQL: &str = "INSERT INTO analytics_runs (shop_id, run, state, rules, read_until, events, made_at, live_at) \
        SELECT $1, COALESCE(MAX(run), 0) + 1, $2, $3, 0, 0, $4, $5 FROM analytics_runs WHERE shop_id = $1 \
        RETURNING run";
    let rules = Rules::of(&shop.settings);
    let text = serde_json::to_string(&rules).map_err(|cause| StorageError::corrupt(STEP, cause))?;
    let live_at = (state == "live").then_some(now);
    let number: i64 = on_db!(tx, |connection| {
        sqlx::query_scalar(SQL)
            .bind(shop.id.as_str())
            .bind(state)
            .bind(text.as_str())
            .bind(now.get())
            .bind(live_at.map(UtcMillis::get))
            .fetch_one(connection)
            .await
    })
    .during(STEP)?;
    Ok(Run {
        number,
        rules,
        made_at: now,
        live_at,
        events: 0,
    })
}

/// Notes up to where in the log a run has read, and how much more it was made from.
pub(in crate::analytics) async fn note(
    tx: &mut Tx,
    shop: &ShopId,
    run: i64,
    read_until: i64,
    events: i64,
) -> Result<(), StorageError> {
    const SQL: &str = "UPDATE analytics_runs SET read_until = $3, events = events + $4 \
        WHERE shop_id = $1 AND run = $2";
    on_db!(tx, |connection| {
        sqlx::query(SQL)
            .bind(shop.as_str())
            .bind(run)
            .bind(read_until)
            .bind(events)
            .execute(connection)
            .await
            .map(|_| ())
    })
    .during("note how far figures are made")
}

/// Puts a run in the place of the live one; whether it is still wanted: a rebuild throws away what is being made, and an
/// erasure gives it up. The caller holds the shop's turn.
pub(in crate::analytics) async fn put_live(
    tx: &mut Tx,
    shop: &ShopId,
    run: i64,
    now: UtcMillis,
) -> Result<bool, StorageError> {
    const RETIRE: &str = "UPDATE analytics_runs SET state = 'old' WHERE shop_id = $1 AND run <> $2";
    const PUT: &str = "UPDATE analytics_runs SET state = 'live', live_at = $3 \
        WHERE shop_id = $1 AND run = $2 AND state = 'building' RETURNING run";
    on_db!(tx, |connection| {
        sqlx::query(RETIRE)
            .bind(shop.as_str())
            .bind(run)
            .execute(connection)
            .await
            .map(|_| ())
    })
    .during("retire old figures")?;
    let put: Option<i64> = on_db!(tx, |connection| {
        sqlx::query_scalar(PUT)
            .bind(shop.as_str())
            .bind(run)
            .bind(now.get())
            .fetch_optional(connection)
            .await
    })
    .during("show new figures")?;
    Ok(put.is_some())
}

/// Gives up what is being made; whether anything was. The caller holds the shop's turn.
pub(in crate::analytics) async fn give_up_building(
    tx: &mut Tx,
    shop: &ShopId,
) -> Result<bool, StorageError> {
    const SQL: &str = "UPDATE analytics_runs SET state = 'old' \
        WHERE shop_id = $1 AND state = 'building' RETURNING run";
    let given_up: Vec<i64> = on_db!(tx, |connection| {
        sqlx::query_scalar(SQL)
            .bind(shop.as_str())
            .fetch_all(connection)
            .await
    })
    .during("give up figures that are being made")?;
    Ok(!given_up.is_empty())
}

/// The tables of a run with what names a row in them, the run's own row last.
const TABLES: [(&str, &str); 9] = [
    ("visits", "key, first_at"),
    ("visit_days", "day, device, counted"),
    ("visit_facets", "day, step, facet, value"),
    ("visitor_days", "visitor, day, device"),
    ("visitor_gaps", "counted, device, day, day_before"),
    ("feedback", "id"),
    ("feedback_days", "day, page, class, topic"),
    ("sales_days", "day"),
    ("analytics_runs", "state"),
];

/// A run that nobody reads any more; `None` where there is none.
pub(in crate::analytics) async fn find_old(
    db: &mut impl Handle,
    shop: &ShopId,
    but: i64,
) -> Result<Option<i64>, StorageError> {
    const SQL: &str =
        "SELECT MIN(run) FROM analytics_runs WHERE shop_id = $1 AND state <> 'live' AND run <> $2";
    on_db!(db, |connection| {
        sqlx::query_scalar(SQL)
            .bind(shop.as_str())
            .bind(but)
            .fetch_one(connection)
            .await
    })
    .during("find old figures")
}

/// Deletes some rows of a run; whether there may be more.
pub(in crate::analytics) async fn delete_some(
    tx: &mut Tx,
    shop: &ShopId,
    run: i64,
) -> Result<bool, StorageError> {
    for (table, names) in TABLES {
        let deleted = on_db!(tx, |connection| {
            let mut sql = sqlx::QueryBuilder::new(format!("DELETE FROM {table} WHERE shop_id = "));
            sql.push_bind(shop.as_str())
                .push(" AND run = ")
                .push_bind(run);
            sql.push(format!(
                " AND ({names}) IN (SELECT {names} FROM {table} WHERE shop_id = "
            ));
            sql.push_bind(shop.as_str())
                .push(" AND run = ")
                .push_bind(run);
            sql.push(" LIMIT ").push_bind(ROWS_AT_ONCE).push(")");
            sql.build()
                .execute(connection)
                .await
                .map(|done| done.rows_affected())
        })
        .during("delete old figures")?;
        if i64::try_from(deleted).is_ok_and(|deleted| deleted >= ROWS_AT_ONCE) {
            return Ok(true);
        }
    }
    Ok(false)
}

/// Forgets all runs of a shop, before its log is replayed.
pub async fn clear(tx: &mut Tx, shop: &ShopId) -> Result<(), StorageError> {
    for (table, _) in TABLES {
        on_db!(tx, |connection| {
            let mut sql = sqlx::QueryBuilder::new(format!("DELETE FROM {table} WHERE shop_id = "));
            sql.push_bind(shop.as_str())
                .build()
                .execute(connection)
                .await
                .map(|_| ())
        })
        .during("clear the figures")?;
    }
    Ok(())
}
