//! The SQL of an outbox shard. Storage of a Durable Object is durable before any answer leaves it.

use serde_json::value::RawValue;
use worker::{SqlStorage, SqlStorageValue as Value};

use super::{NewEvent, Waiting};

/// AUTOINCREMENT: a settled event's number is never given to another one. `offered_at` is when the queue
/// was told of it, 0 while it was not.
const SCHEMA: [&str; 2] = [
    "CREATE TABLE IF NOT EXISTS outbox (
        seq INTEGER PRIMARY KEY AUTOINCREMENT,
        shop TEXT NOT NULL,
        id TEXT NOT NULL,
        body TEXT NOT NULL,
        offered_at INTEGER NOT NULL DEFAULT 0,
        UNIQUE (shop, id)
    )",
    "CREATE INDEX IF NOT EXISTS outbox_by_offer ON outbox (offered_at, seq)",
];

const INSERT: &str = "INSERT INTO outbox (shop, id, body) VALUES (?1, ?2, ?3)
    ON CONFLICT (shop, id) DO NOTHING RETURNING seq";
const OFFERED_BEFORE: &str =
    "SELECT seq, body FROM outbox WHERE offered_at < ?1 ORDER BY seq LIMIT ?2";
const READ: &str = "SELECT seq, body FROM outbox
    WHERE seq IN (SELECT value FROM json_each(?1)) ORDER BY seq";
const SETTLE: &str = "DELETE FROM outbox WHERE seq IN (SELECT value FROM json_each(?1))";
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

/// Inserts an event; whether it was new.
pub(super) fn insert(sql: &SqlStorage, event: &NewEvent) -> worker::Result<bool> {
    let values: Vec<Value> = vec![
        event.shop.as_str().into(),
        event.id.as_str().into(),
        event.body.get().into(),
    ];
    Ok(sql
        .exec(INSERT, values)?
        .raw()
        .next()
        .transpose()?
        .is_some())
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

/// Forgets events.
pub(super) fn settle(sql: &SqlStorage, seqs: &[i64]) -> worker::Result<()> {
    sql.exec(SETTLE, vec![list(seqs)?]).map(|_| ())
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
        let Some(Value::String(body)) = row.get(1) else {
            return Err("an event of the outbox is not readable".into());
        };
        sum += body.len();
        if sum > bytes && !waiting.is_empty() {
            break;
        }
        waiting.push(Waiting {
            seq: number(row.first())?,
            body: RawValue::from_string(body.clone())?,
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

fn list(seqs: &[i64]) -> worker::Result<Value> {
    Ok(serde_json::to_string(seqs)?.into())
}
