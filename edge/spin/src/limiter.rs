//! The limiter: one statement a count, so exact under concurrent calls.

use std::rc::Rc;

use footfall_edge::platform::{Limiter, LimiterError};
use footfall_shared::time::UtcMillis;
use spin_sdk::sqlite::{RowResult, Value};

use crate::database::Database;

const HIT: &str = "INSERT INTO hits (key, used, until) VALUES (?1, 1, ?2)
    ON CONFLICT (key) DO UPDATE SET used = used + 1 RETURNING used";
const ADMIT: &str = "INSERT INTO members (key, member, until) SELECT ?1, ?2, ?4
    WHERE (SELECT count(*) FROM members WHERE key = ?1) < ?3
        OR EXISTS (SELECT 1 FROM members WHERE key = ?1 AND member = ?2)
    ON CONFLICT (key, member) DO UPDATE SET until = excluded.until RETURNING 1";
const ENDED: &str = "SELECT 1 FROM hits WHERE until < ?1 LIMIT 1";
const SWEEP: [&str; 2] = [
    "DELETE FROM hits WHERE until < ?1",
    "DELETE FROM members WHERE until < ?1",
];

/// The counts in the component's database.
pub(crate) struct SpinLimiter(pub(crate) Rc<Database>);

impl SpinLimiter {
    async fn run(
        &self,
        statement: &str,
        values: Vec<Value>,
    ) -> Result<Vec<RowResult>, LimiterError> {
        let rows = self.0.run(statement, values).await;
        rows.map_err(|fault| LimiterError(fault.to_string()))
    }
}

fn text(text: &str) -> Value {
    Value::Text(text.to_owned())
}

impl Limiter for SpinLimiter {
    async fn hit(&self, key: &str, until: UtcMillis) -> Result<u32, LimiterError> {
        let values = vec![text(key), Value::Integer(until.get())];
        let rows = self.run(HIT, values).await?;
        let used = rows.first().and_then(|row| row.get::<u32>(0));
        used.ok_or_else(|| LimiterError("no count came back".to_owned()))
    }

    async fn admit(
        &self,
        key: &str,
        member: &str,
        most: u32,
        until: UtcMillis,
    ) -> Result<bool, LimiterError> {
        let (most, until) = (Value::Integer(most.into()), Value::Integer(until.get()));
        let values = vec![text(key), text(member), most, until];
        Ok(!self.run(ADMIT, values).await?.is_empty())
    }

    async fn sweep(&self, now: UtcMillis) -> Result<(), LimiterError> {
        let now = || vec![Value::Integer(now.get())];
        // A look costs little, a write waits for the disk. Days end with an hour, so members end with hits.
        if self.run(ENDED, now()).await?.is_empty() {
            return Ok(());
        }
        for statement in SWEEP {
            self.run(statement, now()).await?;
        }
        Ok(())
    }
}
