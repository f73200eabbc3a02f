//! The SQL of a session's object.

use footfall_edge::platform::QueuedEvent;
use footfall_shared::journey::session::Session;
use worker::{SqlStorage, SqlStorageValue as Value};

const SCHEMA: [&str; 3] = [
    "CREATE TABLE IF NOT EXISTS session (one INTEGER PRIMARY KEY CHECK (one = 1), body TEXT NOT NULL)",
    "CREATE TABLE IF NOT EXISTS ids (id TEXT PRIMARY KEY) WITHOUT ROWID",
    "CREATE TABLE IF NOT EXISTS unsent (
        seq INTEGER PRIMARY KEY, shop TEXT NOT NULL, id TEXT NOT NULL, body TEXT NOT NULL
    )",
];
const READ: &str = "SELECT body FROM session";
const SEEN: &str = "SELECT 1 FROM ids WHERE id = ?1";
const WRITE: &str = "INSERT INTO session (one, body) VALUES (1, ?1)
    ON CONFLICT (one) DO UPDATE SET body = excluded.body";
const SEE: &str = "INSERT INTO ids (id) VALUES (?1) ON CONFLICT DO NOTHING";
const QUEUE: &str = "INSERT INTO unsent (shop, id, body) VALUES (?1, ?2, ?3)";
const UNSENT: &str = "SELECT shop, id, body FROM unsent ORDER BY seq LIMIT ?1";
const SENT: &str = "DELETE FROM unsent WHERE id IN (SELECT value FROM json_each(?1))";
const ERASE: [&str; 2] = ["DELETE FROM session", "DELETE FROM ids"];

/// Makes the tables where they are missing.
pub(super) fn create(sql: &SqlStorage) -> worker::Result<()> {
    for statement in SCHEMA {
        sql.exec(statement, None)?;
    }
    Ok(())
}

/// The session, where there is one.
pub(super) fn read(sql: &SqlStorage) -> worker::Result<Option<Session>> {
    let row = sql.exec(READ, None)?.raw().next().transpose()?;
    let Some(row) = row else {
        return Ok(None);
    };
    Ok(Some(serde_json::from_str(text(&row, 0)?)?))
}

/// Whether a happening was seen before.
pub(super) fn is_seen(sql: &SqlStorage, id: &str) -> worker::Result<bool> {
    let row = sql.exec(SEEN, vec![id.into()])?.raw().next();
    Ok(row.transpose()?.is_some())
}

/// Keeps a step and its event. The caller's transaction makes it all or none.
pub(super) fn keep(sql: &SqlStorage, session: &Session, event: &QueuedEvent) -> worker::Result<()> {
    let id = event.id.as_str();
    sql.exec(WRITE, vec![serde_json::to_string(session)?.into()])?;
    sql.exec(SEE, vec![id.into()])?;
    let values: Vec<Value> = vec![
        event.shop.as_str().into(),
        id.into(),
        event.json.as_str().into(),
    ];
    sql.exec(QUEUE, values).map(|_| ())
}

/// The first events that the outbox does not have yet.
pub(super) fn unsent(sql: &SqlStorage, limit: i64) -> worker::Result<Vec<QueuedEvent>> {
    let mut events = Vec::new();
    for row in sql.exec(UNSENT, vec![limit.into()])?.raw() {
        let row = row?;
        events.push(QueuedEvent {
            shop: footfall_shared::id::ShopId::parse(text(&row, 0)?)
                .map_err(|fault| fault.to_string())?,
            id: footfall_shared::id::EventId::parse(text(&row, 1)?)
                .map_err(|fault| fault.to_string())?,
            json: text(&row, 2)?.to_owned(),
        });
    }
    Ok(events)
}

/// Forgets events that the outbox has. By their ids: a table that was emptied meanwhile gives numbers anew.
pub(super) fn sent(sql: &SqlStorage, events: &[QueuedEvent]) -> worker::Result<()> {
    let ids: Vec<&str> = events.iter().map(|event| event.id.as_str()).collect();
    let ids = serde_json::to_string(&ids)?;
    sql.exec(SENT, vec![ids.into()]).map(|_| ())
}

/// Forgets the session and its ids, but no event that the outbox does not have yet.
pub(super) fn erase(sql: &SqlStorage) -> worker::Result<()> {
    for statement in ERASE {
        sql.exec(statement, None)?;
    }
    Ok(())
}

fn text(row: &[Value], column: usize) -> worker::Result<&str> {
    match row.get(column) {
        Some(Value::String(text)) => Ok(text),
        _ => Err("a row is not readable".into()),
    }
}
