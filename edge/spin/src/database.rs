//! The component's SQLite databases: a connection, and what a statement gives.

use crate::bindings::spin::sqlite::sqlite::{Connection, Error, RowResult, Value};

/// An open database.
pub(crate) struct Database(Connection);

impl Database {
    /// Opens the one of this name, which the application must grant.
    pub(crate) fn open(name: &str) -> Result<Self, Error> {
        Ok(Self(Connection::open(name)?))
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
