//! The tally: one row beside the limits.

use std::rc::Rc;

use footfall_edge::platform::{Tally, TallyError};
use footfall_shared::wire::internal::Lookups;

use crate::bindings::spin::sqlite::sqlite::{Error, RowResult, Value};
use crate::database::Database;

const SCHEMA: &str = "CREATE TABLE IF NOT EXISTS lookups ( \
    one INTEGER PRIMARY KEY CHECK (one = 1), hits INTEGER NOT NULL, misses INTEGER NOT NULL \
)";
const ADD: &str = "INSERT INTO lookups (one, hits, misses) VALUES (1, ?1, ?2) \
    ON CONFLICT (one) DO UPDATE SET hits = hits + excluded.hits, misses = misses + excluded.misses";
const TOTAL: &str = "SELECT hits, misses FROM lookups";

/// The counts of all instances.
pub(crate) struct SpinTally(Rc<Database>);

impl SpinTally {
    /// Makes what is missing.
    pub(crate) fn open(database: Rc<Database>) -> Result<Self, Error> {
        database.run(SCHEMA, &[])?;
        Ok(Self(database))
    }

    fn run(&self, statement: &str, values: &[Value]) -> Result<Vec<RowResult>, TallyError> {
        let rows = self.0.run(statement, values);
        rows.map_err(|fault| TallyError(fault.to_string()))
    }
}

impl Tally for SpinTally {
    async fn add(&self, lookups: Lookups) -> Result<(), TallyError> {
        let value = |count: u64| Value::Integer(i64::try_from(count).unwrap_or(i64::MAX));
        self.run(ADD, &[value(lookups.hits), value(lookups.misses)])?;
        Ok(())
    }

    async fn total(&self) -> Result<Lookups, TallyError> {
        let rows = self.run(TOTAL, &[])?;
        let Some(row) = rows.first() else {
            return Ok(Lookups::default());
        };
        let count = |column| row.integer(column).unwrap_or_default().unsigned_abs();
        Ok(Lookups {
            hits: count(0),
            misses: count(1),
        })
    }
}
