//! The component's SQLite databases: a connection, and what a statement gives.

use crate::bindings::spin::sqlite::sqlite::{Connection, Error, RowResult, Value};

/// An open database.
pub(crate) struct Database(Connection);

impl Database {
    /// Opens the one of this name, which the application must grant.
    pub(crate) fn open(name: &str) -> Result<Self, Error> {
        Ok(Self(Connection::open(name)?))
    }

    /// Opens the one for counts. They need not survive the edge, and each is a write: a runtime that grants the
    /// database `limits` keeps them apart from the events, in memory where it can, as the embedded host does.
    /// Else they lie beside the outbox.
    pub(crate) fn open_for_counts() -> Result<Self, Error> {
        Self::open("limits").or_else(|_| Self::open("default"))
    }

    /// Runs a statement and gives its rows.
    pub(crate) fn run(&self, statement: &str, values: &[Value]) -> Result<Vec<RowResult>, Error> {
        Ok(self.0.execute(statement, values)?.rows)
    }

    /// Runs a statement without values and gives its first number.
    pub(crate) fn number(&self, statement: &str) -> Result<Option<i64>, Error> {
        let rows = self.run(statement, &[])?;
        Ok(rows.first().and_then(|row| row.integer(0)))
    }
}

impl RowResult {
    /// The integer in a column, counted from 0.
    pub(crate) fn integer(&self, column: usize) -> Option<i64> {
        match self.values.get(column)? {
            Value::Integer(number) => Some(*number),
            _ => None,
        }
    }

    /// The text in a column, counted from 0.
    pub(crate) fn text(&self, column: usize) -> Option<&str> {
        match self.values.get(column)? {
            Value::Text(text) => Some(text),
            _ => None,
        }
    }
}
