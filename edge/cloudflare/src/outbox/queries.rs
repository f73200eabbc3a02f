//! The SQL of an outbox shard. Storage of a Durable Object is durable before any answer leaves it.

use std::collections::BTreeMap;

use footfall_shared::id::{OutboxId, ShopId};
use footfall_shared::wire::internal::{Lookups, ShopLedger};
use serde_json::value::RawValue;
use worker::{SqlStorage, SqlStorageValue as Value};

use super::{NewEvent, SettledSeq, Waiting};

/// AUTOINCREMENT: a settled event's number is never given to another one. `offered_at` is when the queue
/// was told of it, 0 while it was not. The ledger counts what became of a shop's events, and its bytes that
/// wait.
const SCHEMA: [&str; 5] = [
    "CREATE TABLE IF NOT EXISTS outbox (
        seq INTEGER PRIMARY KEY AUTOINCREMENT,
        shop TEXT NOT NULL,
        id TEXT NOT NULL,
        body TEXT NOT NULL,
        offered_at INTEGER NOT NULL DEFAULT 0,
        UNIQUE (shop, id)
    )",
    "CREATE INDEX IF NOT EXISTS outbox_by_offer ON outbox (offered_at, seq)",
    "CREATE TABLE IF NOT EXISTS ledger (
        shop TEXT PRIMARY KEY,
        accepted INTEGER NOT NULL DEFAULT 0,
        stored INTEGER NOT NULL DEFAULT 0,
        duplicate INTEGER NOT NULL DEFAULT 0,
        rejected INTEGER NOT NULL DEFAULT 0,
        bytes INTEGER NOT NULL DEFAULT 0
    ) WITHOUT ROWID",
    "CREATE TABLE IF NOT EXISTS identity (one INTEGER PRIMARY KEY CHECK (one = 1), id TEXT NOT NULL)",
    "CREATE TABLE IF NOT EXISTS lookups (
        one INTEGER PRIMARY KEY CHECK (one = 1), hits INTEGER NOT NULL, misses INTEGER NOT NULL
    )",
];

const INSERT: &str = "INSERT INTO outbox (shop, id, body) VALUES (?1, ?2, ?3)
    ON CONFLICT (shop, id) DO NOTHING RETURNING seq";
const OFFERED_BEFORE: &str =
    "SELECT seq, body FROM outbox WHERE offered_at < ?1 ORDER BY seq LIMIT ?2";
const READ: &str = "SELECT seq, body FROM outbox
    WHERE seq IN (SELECT value FROM json_each(?1)) ORDER BY seq";
const ACCEPT: &str = "INSERT INTO ledger (shop, accepted, bytes) VALUES (?1, ?2, ?3)
    ON CONFLICT (shop) DO UPDATE
    SET accepted = accepted + excluded.accepted, bytes = bytes + excluded.bytes";
const BYTES: &str = "SELECT coalesce(sum(bytes), 0) FROM ledger";
/// Counts those that still wait; an event that a receipt names twice is one event.
const COUNT_SETTLED: &str = "UPDATE ledger SET
        stored = stored + told.appended,
        duplicate = duplicate + told.duplicates,
        rejected = rejected + told.refused,
        bytes = bytes - told.freed
    FROM (
        SELECT shop,
            sum(verdict = 'appended') AS appended,
            sum(verdict = 'duplicate') AS duplicates,
            sum(verdict = 'rejected') AS refused,
            sum(length(CAST(body AS BLOB))) AS freed
        FROM (SELECT DISTINCT value ->> 'seq' AS seq, value ->> 'verdict' AS verdict FROM json_each(?1))
        JOIN outbox USING (seq)
        GROUP BY shop
    ) AS told
    WHERE ledger.shop = told.shop";
const FORGET_SETTLED: &str =
    "DELETE FROM outbox WHERE seq IN (SELECT value ->> 'seq' FROM json_each(?1))";
const LEDGER: &str = "SELECT shop, accepted, stored, duplicate, rejected,
    (SELECT count(*) FROM outbox WHERE outbox.shop = ledger.shop) FROM ledger";
const COUNT: &str = "INSERT INTO lookups (one, hits, misses) VALUES (1, ?1, ?2)
    ON CONFLICT (one) DO UPDATE SET hits = hits + excluded.hits, misses = misses + excluded.misses
    RETURNING hits, misses";
const NAME: &str = "INSERT INTO identity (one, id) VALUES (1, ?1) ON CONFLICT (one) DO NOTHING";
const NAMED: &str = "SELECT id FROM identity";
const MARK: &str =
    "UPDATE outbox SET offered_at = ?2 WHERE seq IN (SELECT value FROM json_each(?1))";
const OFFER: &str = "UPDATE outbox SET offered_at = ?2
    WHERE seq IN (SELECT seq FROM outbox WHERE offered_at < ?1 ORDER BY offered_at, seq LIMIT ?3)
    RETURNING seq";
const FIRST_OFFER: &str = "SELECT min(offered_at) FROM outbox";
const PENDING: &str = "SELECT count(*) FROM outbox";

/// Makes the table where it is missing.
pub(super) fn create(sql: &SqlStorage) -> worker::Result<()> {
    for statement in SCHEMA {
        sql.exec(statement, None)?;
    }
    Ok(())
}

/// The outbox's id: the one that it has, else the new one.
pub(super) fn name(sql: &SqlStorage, new: &OutboxId) -> worker::Result<OutboxId> {
    sql.exec(NAME, vec![new.as_str().into()])?;
    let row = sql.exec(NAMED, None)?.raw().next().transpose()?;
    let id = text(row.unwrap_or_default().first())?;
    OutboxId::parse(&id).map_err(|fault| fault.to_string().into())
}

/// Adds look-ups and gives all of them.
pub(super) fn count(sql: &SqlStorage, lookups: Lookups) -> worker::Result<Lookups> {
    let value = |count: u64| Value::Integer(i64::try_from(count).unwrap_or(i64::MAX));
    let values = vec![value(lookups.hits), value(lookups.misses)];
    let row = sql.exec(COUNT, values)?.raw().next().transpose()?;
    let row = row.unwrap_or_default();
    Ok(Lookups {
        hits: number(row.first())?.unsigned_abs(),
        misses: number(row.get(1))?.unsigned_abs(),
    })
}

/// Inserts events and counts them as accepted; the places of those that were new.
pub(super) fn insert(sql: &SqlStorage, events: &[NewEvent]) -> worker::Result<Vec<usize>> {
    let mut taken = Vec::new();
    let mut counts = BTreeMap::<&str, (i64, i64)>::new();
    for (place, event) in events.iter().enumerate() {
        let body = event.body.get();
        let values: Vec<Value> = vec![
            event.shop.as_str().into(),
            event.id.as_str().into(),
            body.into(),
        ];
        if sql
            .exec(INSERT, values)?
            .raw()
            .next()
            .transpose()?
            .is_some()
        {
            let (count, bytes) = counts.entry(&event.shop).or_default();
            *count += 1;
            *bytes += i64::try_from(body.len()).unwrap_or(i64::MAX);
            taken.push(place);
        }
    }
    for (shop, (count, bytes)) in counts {
        sql.exec(ACCEPT, vec![shop.into(), count.into(), bytes.into()])?;
    }
    Ok(taken)
}

/// How many bytes of events wait.
pub(super) fn bytes(sql: &SqlStorage) -> worker::Result<i64> {
    let row = sql.exec(BYTES, None)?.raw().next().transpose()?;
    number(row.unwrap_or_default().first())
}

/// The longest waiting events that the queue was not told of since `before`, at most `limit`, and no more
/// than the first that exceed `bytes`.
pub(super) fn offered_before(
    sql: &SqlStorage,
    before: i64,
    limit: usize,
    bytes: usize,
) -> worker::Result<Vec<Waiting>> {
    let limit = i64::try_from(limit).unwrap_or(i64::MAX);
    bounded(
        sql,
        OFFERED_BEFORE,
        vec![before.into(), limit.into()],
        bytes,
    )
}

/// Those of these events that still wait, no more than the first that exceed `bytes`.
pub(super) fn read(sql: &SqlStorage, seqs: &[i64], bytes: usize) -> worker::Result<Vec<Waiting>> {
    bounded(sql, READ, vec![list(seqs)?], bytes)
}

/// Forgets events and counts what became of them; those that do not wait count for nothing.
pub(super) fn settle(sql: &SqlStorage, settled: &[SettledSeq]) -> worker::Result<()> {
    let settled: Value = serde_json::to_string(settled)?.into();
    sql.exec(COUNT_SETTLED, vec![settled.clone()])?;
    sql.exec(FORGET_SETTLED, vec![settled]).map(|_| ())
}

/// What became of all that was accepted.
pub(super) fn ledger(sql: &SqlStorage) -> worker::Result<Vec<ShopLedger>> {
    let rows = sql.exec(LEDGER, None)?.raw();
    let shops = rows.map(|row| {
        let row = row?;
        let count = |column| number(row.get(column)).map(i64::unsigned_abs);
        Ok(ShopLedger {
            shop: ShopId::parse(&text(row.first())?).map_err(|fault| fault.to_string())?,
            accepted: count(1)?,
            stored: count(2)?,
            duplicate: count(3)?,
            rejected: count(4)?,
            pending: count(5)?,
        })
    });
    shops.collect()
}

/// Notes when the queue was told of events.
pub(super) fn mark(sql: &SqlStorage, seqs: &[i64], offered_at: i64) -> worker::Result<()> {
    sql.exec(MARK, vec![list(seqs)?, offered_at.into()])
        .map(|_| ())
}

/// Chooses events that the queue was not told of since `before`, marks them as told `now`, and gives them.
pub(super) fn offer(
    sql: &SqlStorage,
    before: i64,
    now: i64,
    limit: i64,
) -> worker::Result<Vec<i64>> {
    let rows = sql.exec(OFFER, vec![before.into(), now.into(), limit.into()])?;
    rows.raw().map(|row| number(row?.first())).collect()
}

/// When the queue was told of the event that it was told of first; `None` where nothing waits.
pub(super) fn first_offer(sql: &SqlStorage) -> worker::Result<Option<i64>> {
    match sql.exec(FIRST_OFFER, None)?.raw().next().transpose()? {
        Some(row) if !matches!(row.first(), None | Some(Value::Null)) => {
            number(row.first()).map(Some)
        }
        _ => Ok(None),
    }
}

/// How many events wait.
pub(super) fn pending(sql: &SqlStorage) -> worker::Result<i64> {
    let row = sql.exec(PENDING, None)?.raw().next().transpose()?;
    number(row.unwrap_or_default().first())
}

fn bounded(
    sql: &SqlStorage,
    statement: &str,
    values: Vec<Value>,
    bytes: usize,
) -> worker::Result<Vec<Waiting>> {
    let mut waiting = Vec::new();
    let mut sum = 0;
    for row in sql.exec(statement, values)?.raw() {
        let row = row?;
        let body = text(row.get(1))?;
        sum += body.len();
        if sum > bytes && !waiting.is_empty() {
            break;
        }
        waiting.push(Waiting {
            seq: number(row.first())?,
            body: RawValue::from_string(body)?,
        });
    }
    Ok(waiting)
}

fn number(value: Option<&Value>) -> worker::Result<i64> {
    match value {
        Some(Value::Integer(number)) => Ok(*number),
        _ => Err("a number of the outbox is not readable".into()),
    }
}

fn text(value: Option<&Value>) -> worker::Result<String> {
    match value {
        Some(Value::String(text)) => Ok(text.clone()),
        _ => Err("a text of the outbox is not readable".into()),
    }
}

fn list(seqs: &[i64]) -> worker::Result<Value> {
    Ok(serde_json::to_string(seqs)?.into())
}
