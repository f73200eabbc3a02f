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
const UNSENT: &str = "SELECT seq, shop, id, body FROM unsent ORDER BY seq LIMIT ?1";
const SENT: &str = "DELETE FROM unsent WHERE seq <= ?1";

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

/// The first events that the outbox does not have yet, and the number of the last of them.
pub(super) fn unsent(
    sql: &SqlStorage,
    limit: i64,
) -> worker::Result<Option<(i64, Vec<QueuedEvent>)>> {
    let mut last = None;
    let mut events = Vec::new();
    for row in sql.exec(UNSENT, vec![limit.into()])?.raw() {
        let row = row?;
        let Some(Value::Integer(seq)) = row.first() else {
            return Err("an unsent event has no number".into());
        };
        last = Some(*seq);
        events.push(QueuedEvent {
            shop: footfall_shared::id::ShopId::parse(text(&row, 1)?)
                .map_err(|fault| fault.to_string())?,
            id: footfall_shared::id::EventId::parse(text(&row, 2)?)
                .map_err(|fault| fault.to_string())?,
            json: text(&row, 3)?.to_owned(),
        });
    }
    Ok(last.map(|last| (last, events)))
}

/// Forgets the events that the outbox has, up to a number.
pub(super) fn sent(sql: &SqlStorage, last: i64) -> worker::Result<()> {
    sql.exec(SENT, vec![last.into()]).map(|_| ())
}

fn text(row: &[Value], column: usize) -> worker::Result<&str> {
    match row.get(column) {
        Some(Value::String(text)) => Ok(text),
        _ => Err("a row is not readable".into()),
    }
}
