//! The database "limits": in memory, for what need not survive the process.
//!
//! **Invariants:** statements run one after the other, on the caller's thread; none waits for a disk. There are
//! no transactions.

use super::guard::GuardedConnection;
use super::statement::{Outcome, Statement};
use crate::bindings::spin::sqlite::sqlite::Error;
use crate::error::HostError;
use std::sync::{Mutex, PoisonError};

/// A database without a file.
pub(crate) struct MemoryDatabase(Mutex<GuardedConnection>);

impl MemoryDatabase {
    pub(crate) fn open() -> Result<Self, HostError> {
        let connection = GuardedConnection::in_memory().map_err(HostError::Memory)?;
        Ok(Self(Mutex::new(connection)))
    }

    pub(super) fn execute(&self, statement: &Statement) -> Result<Outcome, Error> {
        let connection = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        statement.write(&connection)
    }
}
