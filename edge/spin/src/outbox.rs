//! The outbox: tables in Spin's SQLite. A statement that returned is durable there.
//!
//! The counts of the ledger change in triggers, so in the very statement that adds or removes an event.

use std::collections::BTreeSet;

use anyhow::Context as _;
use footfall_edge::platform::{Outbox, OutboxError, QueuedEvent, Settled, WaitingEvent};
use footfall_shared::id::{OutboxId, ShopId};
use footfall_shared::wire::internal::ShopLedger;
use serde_json::json;
use spin_sdk::sqlite::{Connection, Error, RowResult, Value};

/// The version of the schema below, kept in the file.
const VERSION: i64 = 1;

/// Each may run twice: several instances may open a new file at once.
///
/// - AUTOINCREMENT: a settled event's handle is never given to another one.
/// - `settlement` holds nothing; inserting into it is how a receipt is told.
const SCHEMA: [&str; 7] = [
    "CREATE TABLE IF NOT EXISTS outbox (
        seq INTEGER PRIMARY KEY AUTOINCREMENT,
        shop TEXT NOT NULL,
        id TEXT NOT NULL,
        body TEXT NOT NULL,
        UNIQUE (shop, id)
    )",
    "CREATE TABLE IF NOT EXISTS ledger (
        shop TEXT PRIMARY KEY,
        accepted INTEGER NOT NULL DEFAULT 0,
        stored INTEGER NOT NULL DEFAULT 0,
        duplicate INTEGER NOT NULL DEFAULT 0,
        rejected INTEGER NOT NULL DEFAULT 0,
        bytes INTEGER NOT NULL DEFAULT 0
    ) WITHOUT ROWID",
    "CREATE TABLE IF NOT EXISTS identity (one INTEGER PRIMARY KEY CHECK (one = 1), id TEXT NOT NULL)",
    "CREATE VIEW IF NOT EXISTS settlement (seq, verdict) AS SELECT 0, '' WHERE false",
    "CREATE TRIGGER IF NOT EXISTS accept AFTER INSERT ON outbox BEGIN
        INSERT INTO ledger (shop, accepted, bytes) VALUES (new.shop, 1, length(new.body))
        ON CONFLICT (shop) DO UPDATE SET accepted = accepted + 1, bytes = bytes + excluded.bytes;
    END",
    "CREATE TRIGGER IF NOT EXISTS settle INSTEAD OF INSERT ON settlement BEGIN
        UPDATE ledger SET
            stored = stored + (new.verdict = 'appended'),
            duplicate = duplicate + (new.verdict = 'duplicate'),
            rejected = rejected + (new.verdict = 'rejected'),
            bytes = bytes - (SELECT length(body) FROM outbox WHERE seq = new.seq)
            WHERE shop = (SELECT shop FROM outbox WHERE seq = new.seq);
        DELETE FROM outbox WHERE seq = new.seq;
    END",
    // What an older version of this program left waiting.
    "INSERT INTO ledger (shop, accepted, bytes)
        SELECT shop, count(*), sum(length(body)) FROM outbox WHERE true GROUP BY shop
        ON CONFLICT DO NOTHING",
];
const VERSION_OF: &str = "PRAGMA user_version";
const NAME: &str = "INSERT INTO identity (one, id) VALUES (1, ?1) ON CONFLICT DO NOTHING";
const NAMED: &str = "SELECT id FROM identity";

/// One statement for a whole batch, so that it is taken whole or not at all, or not at all where the outbox
/// is full. The first of equal ids wins; its body tells it from the others, whose place does not come back.
const APPEND: &str = "INSERT INTO outbox (shop, id, body)
    SELECT value ->> 'shop', value ->> 'id', value ->> 'body' FROM json_each(?1)
    WHERE (SELECT coalesce(sum(bytes), 0) FROM ledger) < ?2 ORDER BY key
    ON CONFLICT (shop, id) DO NOTHING
    RETURNING shop, id";

const BYTES: &str = "SELECT coalesce(sum(bytes), 0) FROM ledger";
const PEEK: &str = "SELECT seq, body FROM outbox ORDER BY seq LIMIT ?1";
const SETTLE: &str =
    "INSERT INTO settlement SELECT value ->> 'seq', value ->> 'verdict' FROM json_each(?1)";
const PENDING: &str = "SELECT count(*) FROM outbox";
const LEDGER: &str = "SELECT shop, accepted, stored, duplicate, rejected,
    (SELECT count(*) FROM outbox WHERE outbox.shop = ledger.shop) FROM ledger";

/// The tables, through one connection.
pub(crate) struct SpinOutbox {
    connection: Connection,
    id: OutboxId,
    bytes_max: i64,
}

impl SpinOutbox {
    /// Opens the database and makes what is missing. An outbox without an id takes the new one; it holds no
    /// more than `bytes_max` bytes of events.
    pub(crate) async fn open(new: &OutboxId, bytes_max: i64) -> anyhow::Result<Self> {
        let connection = Connection::open_default().await?;
        let version = run(&connection, VERSION_OF, vec![]).await?;
        if version.first().and_then(|row| row.get::<i64>(0)) != Some(VERSION) {
            for statement in SCHEMA {
                run(&connection, statement, vec![]).await?;
            }
            let id = Value::Text(new.as_str().to_owned());
            run(&connection, NAME, vec![id]).await?;
            let version = format!("{VERSION_OF} = {VERSION}");
            run(&connection, &version, vec![]).await?;
        }
        let rows = run(&connection, NAMED, vec![]).await?;
        let id = rows.first().and_then(|row| row.get::<&str>(0));
        Ok(Self {
            id: OutboxId::parse(id.context("the outbox has no id")?)?,
            connection,
            bytes_max,
        })
    }

    async fn run(
        &self,
        statement: &str,
        values: Vec<Value>,
    ) -> Result<Vec<RowResult>, OutboxError> {
        let rows = run(&self.connection, statement, values).await;
        rows.map_err(|fault| OutboxError::Failed(fault.to_string()))
    }

    async fn number(&self, statement: &str) -> Result<i64, OutboxError> {
        let rows = self.run(statement, vec![]).await?;
        let number = rows.first().and_then(|row| row.get::<i64>(0));
        number.ok_or_else(|| unreadable("a count"))
    }
}

async fn run(
    connection: &Connection,
    statement: &str,
    values: Vec<Value>,
) -> Result<Vec<RowResult>, Error> {
    connection.execute(statement, values).await?.collect().await
}

fn unreadable(what: &str) -> OutboxError {
    OutboxError::Failed(format!("{what} of the outbox is not readable"))
}

impl Outbox for SpinOutbox {
    async fn id(&self) -> Result<OutboxId, OutboxError> {
        Ok(self.id.clone())
    }

    async fn append(&self, events: &[QueuedEvent]) -> Result<BTreeSet<usize>, OutboxError> {
        let batch = events.iter().map(|event| {
            json!({"shop": event.shop.as_str(), "id": event.id.as_str(), "body": event.json})
        });
        let batch = Value::Text(serde_json::Value::from_iter(batch).to_string());
        let rows = self
            .run(APPEND, vec![batch, Value::Integer(self.bytes_max)])
            .await?;
        // All of them wait already, or the outbox is full.
        if rows.is_empty() && self.number(BYTES).await? >= self.bytes_max {
            return Err(OutboxError::Full);
        }
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
        let rows = self.run(PEEK, vec![Value::Integer(limit)]).await?;
        let waiting = rows.iter().map(|row| {
            Some(WaitingEvent {
                handle: row.get(0)?,
                json: row.get::<&str>(1)?.to_owned(),
            })
        });
        waiting
            .collect::<Option<_>>()
            .ok_or_else(|| unreadable("a row"))
    }

    async fn settle(&self, settled: &[Settled]) -> Result<(), OutboxError> {
        let settled = settled
            .iter()
            .map(|one| json!({"seq": one.handle, "verdict": one.verdict}));
        let settled = serde_json::Value::from_iter(settled).to_string();
        self.run(SETTLE, vec![Value::Text(settled)]).await?;
        Ok(())
    }

    async fn pending(&self) -> Result<u64, OutboxError> {
        self.number(PENDING).await.map(i64::unsigned_abs)
    }

    async fn ledger(&self) -> Result<Vec<ShopLedger>, OutboxError> {
        let rows = self.run(LEDGER, vec![]).await?;
        let shop = |row: &RowResult| {
            Some(ShopLedger {
                shop: ShopId::parse(row.get(0)?).ok()?,
                accepted: row.get(1)?,
                stored: row.get(2)?,
                duplicate: row.get(3)?,
                rejected: row.get(4)?,
                pending: row.get(5)?,
            })
        };
        let shops = rows.iter().map(shop).collect::<Option<_>>();
        shops.ok_or_else(|| unreadable("the ledger"))
    }
}
