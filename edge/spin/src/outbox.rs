//! The outbox: tables in Spin's SQLite. A statement that returned is durable there.
//!
//! The counts of the ledger change in triggers, so in the very statement that adds or removes an event.

use std::collections::BTreeSet;
use std::rc::Rc;

use anyhow::Context as _;
use footfall_edge::platform::{Outbox, OutboxError, QueuedEvent, Settled, WaitingEvent};
use footfall_shared::id::{OutboxId, ShopId};
use footfall_shared::wire::internal::ShopLedger;
use serde_json::json;

use crate::bindings::spin::sqlite::sqlite::{Error, RowResult, Value};
use crate::database::Database;

const NAME: &str = "INSERT INTO identity (one, id) VALUES (1, ?1) ON CONFLICT DO NOTHING";
const NAMED: &str = "SELECT id FROM identity";

/// One statement for a whole batch, so that it is taken whole or not at all, or not at all where the outbox
/// is full. The first of equal ids wins; its body tells it from the others, whose place does not come back.
const APPEND: &str = "INSERT INTO outbox (shop, id, body) \
    SELECT value ->> 'shop', value ->> 'id', value ->> 'body' FROM json_each(?1) \
    WHERE (SELECT coalesce(sum(bytes), 0) FROM ledger) < ?2 ORDER BY key \
    ON CONFLICT (shop, id) DO NOTHING \
    RETURNING shop, id";

const BYTES: &str = "SELECT coalesce(sum(bytes), 0) FROM ledger";
const PEEK: &str = "SELECT seq, body FROM outbox ORDER BY seq LIMIT ?1";
const SETTLE: &str =
    "INSERT INTO settlement SELECT value ->> 'seq', value ->> 'verdict' FROM json_each(?1)";
const PENDING: &str = "SELECT count(*) FROM outbox";
const LEDGER: &str = "SELECT shop, accepted, stored, duplicate, rejected, \
    (SELECT count(*) FROM outbox WHERE outbox.shop = ledger.shop) FROM ledger";

/// The outbox in the component's database.
pub(crate) struct SpinOutbox {
    database: Rc<Database>,
    id: OutboxId,
    bytes_max: i64,
}

impl SpinOutbox {
    /// Opens the outbox. One without an id takes the new one; it holds no more than
    /// `bytes_max` bytes of events.
    pub(crate) fn open(
        database: Rc<Database>,
        new: &OutboxId,
        bytes_max: i64,
    ) -> anyhow::Result<Self> {
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
