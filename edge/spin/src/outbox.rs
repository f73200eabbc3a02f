//! The outbox: tables in Spin's SQLite. A statement that returned is durable there.
//!
//! The counts of the ledger change in triggers, so in the very statement that adds or removes an event.

use std::collections::BTreeSet;

use anyhow::Context as _;
use footfall_edge::platform::{Outbox, OutboxError, QueuedEvent, Settled, WaitingEvent};
use footfall_shared::id::{OutboxId, ShopId};
use footfall_shared::wire::internal::ShopLedger;
use serde_json::json;

use crate::bindings::spin::sqlite::sqlite::{Error, RowResult, Value};
use crate::database::Database;

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

/// The outbox in the component's database.
pub(crate) struct SpinOutbox {
    database: Database,
    id: OutboxId,
    bytes_max: i64,
}

impl SpinOutbox {
    /// Opens the outbox and makes what is missing. One without an id takes the new one; it holds no more than
    /// `bytes_max` bytes of events.
    pub(crate) fn open(new: &OutboxId, bytes_max: i64) -> anyhow::Result<Self> {
        let database = Database::open("default").context("SQLite database")?;
        make_schema(&database)?;
        let mut named = database.run(NAMED, &[])?;
        if named.is_empty() {
            database.run(NAME, &[Value::Text(new.as_str().to_owned())])?;
            named = database.run(NAMED, &[])?;
        }
        let id = named.first().and_then(|row| row.text(0));
        Ok(Self {
            id: OutboxId::parse(id.context("the outbox has no id")?)?,
            database,
            bytes_max,
        })
    }

    fn run(&self, statement: &str, values: &[Value]) -> Result<Vec<RowResult>, OutboxError> {
        self.database.run(statement, values).map_err(failed)
    }

    fn number(&self, statement: &str) -> Result<i64, OutboxError> {
        let number = self.database.number(statement).map_err(failed)?;
        number.ok_or_else(|| unreadable("a count"))
    }
}

fn make_schema(database: &Database) -> Result<(), Error> {
    if database.number(VERSION_OF)? != Some(VERSION) {
        for statement in SCHEMA {
            database.run(statement, &[])?;
        }
        database.run(&format!("{VERSION_OF} = {VERSION}"), &[])?;
    }
    Ok(())
}

fn failed(fault: Error) -> OutboxError {
    OutboxError::Failed(fault.to_string())
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
        let rows = self.run(APPEND, &[batch, Value::Integer(self.bytes_max)])?;
        // All of them wait already, or the outbox is full.
        if rows.is_empty() && self.number(BYTES)? >= self.bytes_max {
            return Err(OutboxError::Full);
        }
        let taken = rows.iter().filter_map(|row| {
            let (shop, id) = (row.text(0)?, row.text(1)?);
            // The first place with this name is the one that was inserted.
            events
                .iter()
                .position(|event| event.shop.as_str() == shop && event.id.as_str() == id)
        });
        Ok(taken.collect())
    }

    async fn peek(&self, limit: usize) -> Result<Vec<WaitingEvent>, OutboxError> {
        let limit = i64::try_from(limit).unwrap_or(i64::MAX);
        let rows = self.run(PEEK, &[Value::Integer(limit)])?;
        let waiting = rows.iter().map(|row| {
            Some(WaitingEvent {
                handle: row.integer(0)?,
                json: row.text(1)?.to_owned(),
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
        self.run(SETTLE, &[Value::Text(settled)])?;
        Ok(())
    }

    async fn pending(&self) -> Result<u64, OutboxError> {
        self.number(PENDING).map(i64::unsigned_abs)
    }

    async fn ledger(&self) -> Result<Vec<ShopLedger>, OutboxError> {
        let rows = self.run(LEDGER, &[])?;
        let shop = |row: &RowResult| {
            let count = |column| u64::try_from(row.integer(column)?).ok();
            Some(ShopLedger {
                shop: ShopId::parse(row.text(0)?).ok()?,
                accepted: count(1)?,
                stored: count(2)?,
                duplicate: count(3)?,
                rejected: count(4)?,
                pending: count(5)?,
            })
        };
        let shops = rows.iter().map(shop).collect::<Option<_>>();
        shops.ok_or_else(|| unreadable("the ledger"))
    }
}
