//! The limiter: one statement a count, so exact under concurrent calls.

use std::rc::Rc;

use footfall_edge::platform::{Limiter, LimiterError};
use footfall_shared::time::UtcMillis;

use crate::bindings::spin::sqlite::sqlite::{Error, RowResult, Value};
use crate::database::Database;

/// `nth` counts the members of a key, so that a full key is seen without counting them.
const SCHEMA: [&str; 4] = [
    "CREATE TABLE IF NOT EXISTS hits ( \
        key TEXT PRIMARY KEY, used INTEGER NOT NULL, until INTEGER NOT NULL \
    ) WITHOUT ROWID",
    "CREATE TABLE IF NOT EXISTS admitted ( \
        key TEXT NOT NULL, member TEXT NOT NULL, nth INTEGER NOT NULL, until INTEGER NOT NULL, \
        PRIMARY KEY (key, member) \
    ) WITHOUT ROWID",
    "CREATE INDEX IF NOT EXISTS hits_by_end ON hits (until)",
    "CREATE INDEX IF NOT EXISTS admitted_by_place ON admitted (key, nth)",
];
const HIT: &str = "INSERT INTO hits (key, used, until) VALUES (?1, 1, ?2) \
    ON CONFLICT (key) DO UPDATE SET used = used + 1 RETURNING used";
const ADMIT: &str = "INSERT INTO admitted (key, member, nth, until) \
    SELECT ?1, ?2, nth, ?4 FROM (SELECT coalesce(max(nth), 0) + 1 AS nth FROM admitted WHERE key = ?1) \
    WHERE nth <= ?3 OR EXISTS (SELECT 1 FROM admitted WHERE key = ?1 AND member = ?2) \
    ON CONFLICT (key, member) DO UPDATE SET until = excluded.until RETURNING 1";
const ENDED: &str = "SELECT 1 FROM hits WHERE until < ?1 LIMIT 1";
const SWEEP: [&str; 2] = [
    "DELETE FROM hits WHERE until < ?1",
    "DELETE FROM admitted WHERE until < ?1",
];

/// The counts.
pub(crate) struct SpinLimiter(Rc<Database>);

impl SpinLimiter {
    /// Makes what is missing.
    pub(crate) fn open(database: Rc<Database>) -> Result<Self, Error> {
        for statement in SCHEMA {
            database.run(statement, &[])?;
        }
        Ok(Self(database))
    }

    fn run(&self, statement: &str, values: &[Value]) -> Result<Vec<RowResult>, LimiterError> {
        let rows = self.0.run(statement, values);
        rows.map_err(|fault| LimiterError(fault.to_string()))
    }
}

fn text(text: &str) -> Value {
    Value::Text(text.to_owned())
}

impl Limiter for SpinLimiter {
    async fn hit(&self, key: &str, until: UtcMillis) -> Result<u32, LimiterError> {
        let rows = self.run(HIT, &[text(key), Value::Integer(until.get())])?;
        let used = rows.first().and_then(|row| row.integer(0));
        let used = used.ok_or_else(|| LimiterError("no count came back".to_owned()))?;
        Ok(u32::try_from(used).unwrap_or(u32::MAX))
    }

    async fn admit(
        &self,
        key: &str,
        member: &str,
        most: u32,
        until: UtcMillis,
    ) -> Result<bool, LimiterError> {
        let (most, until) = (Value::Integer(most.into()), Value::Integer(until.get()));
        let admitted = self.run(ADMIT, &[text(key), text(member), most, until])?;
        Ok(!admitted.is_empty())
    }

    async fn sweep(&self, now: UtcMillis) -> Result<(), LimiterError> {
        let now = [Value::Integer(now.get())];
        // A look costs little, a write may wait for the disk. Days end with an hour, so emails end with hits.
        if self.run(ENDED, &now)?.is_empty() {
            return Ok(());
        }
        for statement in SWEEP {
            self.run(statement, &now)?;
        }
        Ok(())
    }
}
