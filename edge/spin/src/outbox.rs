//! The outbox: a table in Spin's SQLite. A statement that returned is durable there.

use std::collections::BTreeSet;

use footfall_edge::platform::{Outbox, OutboxError, QueuedEvent, WaitingEvent};
use serde_json::json;
use spin_sdk::sqlite::{Connection, Error, RowResult, Value};

/// AUTOINCREMENT: a settled event's handle is never given to another one.
const SCHEMA: &str = "CREATE TABLE IF NOT EXISTS outbox (
    seq INTEGER PRIMARY KEY AUTOINCREMENT,
    shop TEXT NOT NULL,
    id TEXT NOT NULL,
    body TEXT NOT NULL,
    UNIQUE (shop, id)
)";

/// One statement for a whole batch, so that it is taken whole or not at all. The first of equal ids wins;
/// its body tells it from the others, whose place does not come back.
const APPEND: &str = "INSERT INTO outbox (shop, id, body)
    SELECT value ->> 'shop', value ->> 'id', value ->> 'body' FROM json_each(?1) WHERE true ORDER BY key
    ON CONFLICT (shop, id) DO NOTHING
    RETURNING shop, id";

const PEEK: &str = "SELECT seq, body FROM outbox ORDER BY seq LIMIT ?1";
const SETTLE: &str = "DELETE FROM outbox WHERE seq IN (SELECT value FROM json_each(?1))";
const PENDING: &str = "SELECT count(*) FROM outbox";

/// The table, through one connection.
pub(crate) struct SpinOutbox(Connection);

impl SpinOutbox {
    /// Opens the database and makes the table where it is missing.
    pub(crate) async fn open() -> Result<Self, Error> {
        let outbox = Self(Connection::open_default().await?);
        outbox.run(SCHEMA, vec![]).await?;
        Ok(outbox)
    }

    async fn run(&self, statement: &str, values: Vec<Value>) -> Result<Vec<RowResult>, Error> {
        self.0.execute(statement, values).await?.collect().await
    }
}

fn failed(fault: Error) -> OutboxError {
    OutboxError(fault.to_string())
}

impl Outbox for SpinOutbox {
    async fn append(&self, events: &[QueuedEvent]) -> Result<BTreeSet<usize>, OutboxError> {
        let batch = events.iter().map(|event| {
            json!({"shop": event.shop.as_str(), "id": event.id.as_str(), "body": event.json})
        });
        let batch = serde_json::Value::from_iter(batch).to_string();
        let rows = self
            .run(APPEND, vec![Value::Text(batch)])
            .await
            .map_err(failed)?;
        let taken = rows.iter().filter_map(|row| {
            let (shop, id): (&str, &str) = (row.get(0)?, row.get(1)?);
            // The first place with this name is the one that was inserted.
            events
                .iter()
                .position(|event| event.shop.as_str() == shop && event.id.as_str() == id)
        });
        Ok(taken.collect())
    }

    async fn peek(&self, limit: usize) -> Result<Vec<WaitingEvent>, OutboxError> {
        let limit = i64::try_from(limit).unwrap_or(i64::MAX);
        let rows = self
            .run(PEEK, vec![Value::Integer(limit)])
            .await
            .map_err(failed)?;
        let waiting = rows.iter().map(|row| {
            Some(WaitingEvent {
                handle: row.get(0)?,
                json: row.get::<&str>(1)?.to_owned(),
            })
        });
        waiting
            .collect::<Option<_>>()
            .ok_or_else(|| OutboxError("a row of the outbox is not readable".to_owned()))
    }

    async fn settle(&self, handles: &[i64]) -> Result<(), OutboxError> {
        let handles = serde_json::Value::from(handles.to_vec()).to_string();
        self.run(SETTLE, vec![Value::Text(handles)])
            .await
            .map_err(failed)?;
        Ok(())
    }

    async fn pending(&self) -> Result<u64, OutboxError> {
        let rows = self.run(PENDING, vec![]).await.map_err(failed)?;
        rows.first()
            .and_then(|row| row.get::<u64>(0))
            .ok_or_else(|| OutboxError("the outbox did not say how much waits".to_owned()))
    }
}
