//! What a statement answers: its rows, or a storage fault with the step that failed, told apart here alone.

use crate::traces::Call;

/// What a storage fault means to the caller.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fault {
    /// A row stands in the way: unique, foreign key or check.
    Conflict,
    /// Lock or connection not to be had in time, or a deadlock: the same call may succeed later.
    Busy,
    /// The database cannot be reached, or went away.
    Gone,
    /// Everything else. Our mistake.
    Bug,
}

impl Fault {
    /// Its name for machines.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Conflict => "conflict",
            Self::Busy => "busy",
            Self::Gone => "gone",
            Self::Bug => "bug",
        }
    }

    fn of(error: &sqlx::Error) -> Self {
        use sqlx::Error as E;
        match error {
            E::Database(database) => Self::of_database(database.as_ref()),
            E::PoolTimedOut => Self::Busy,
            E::Io(_) | E::Tls(_) | E::PoolClosed | E::WorkerCrashed | E::BeginFailed => Self::Gone,
            E::Migrate(cause) => match cause.as_ref() {
                sqlx::migrate::MigrateError::Execute(inner) => Self::of(inner),
                _ => Self::Bug,
            },
            _ => Self::Bug,
        }
    }

    fn of_database(error: &dyn sqlx::error::DatabaseError) -> Self {
        use sqlx::error::ErrorKind;
        match error.kind() {
            ErrorKind::UniqueViolation
            | ErrorKind::ForeignKeyViolation
            | ErrorKind::CheckViolation
            | ErrorKind::ExclusionViolation => return Self::Conflict,
            _ => {}
        }
        let code = error.code().unwrap_or_default();
        if error
            .try_downcast_ref::<sqlx::postgres::PgDatabaseError>()
            .is_some()
        {
            return match code.as_ref() {
                // Serialization failure, deadlock, lock not available, cancelled by a timeout, too many
                // connections.
                "40001" | "40P01" | "55P03" | "57014" | "53300" => Self::Busy,
                // Shutting down, crashed, starting up; class 08 is the connection itself.
                "57P01" | "57P02" | "57P03" => Self::Gone,
                // Classes: connection, insufficient resources (a full disk), system and internal errors.
                code if ["08", "53", "58", "XX"].contains(&&code[..2.min(code.len())]) => {
                    Self::Gone
                }
                _ => Self::Bug,
            };
        }
        // SQLite's extended result code: the primary one is in the low byte.
        match code.parse::<i32>().map(|code| code & 0xff) {
            Ok(5 | 6) => Self::Busy, // SQLITE_BUSY, SQLITE_LOCKED
            // SQLITE_NOMEM, _READONLY, _IOERR, _CORRUPT, _FULL, _CANTOPEN, _NOTADB
            Ok(7 | 8 | 10 | 11 | 13 | 14 | 26) => Self::Gone,
            _ => Self::Bug,
        }
    }
}

/// A storage fault with the step that failed.
#[derive(Debug, thiserror::Error)]
#[error("the database failed to {step}")]
pub struct StorageError {
    step: &'static str,
    fault: Fault,
    #[source]
    source: sqlx::Error,
}

impl StorageError {
    /// What it means to the caller.
    #[must_use]
    pub fn fault(&self) -> Fault {
        self.fault
    }

    /// A row that does not parse: somebody wrote what we would not write.
    #[must_use]
    pub fn corrupt(
        step: &'static str,
        cause: impl Into<Box<dyn std::error::Error + Send + Sync>>,
    ) -> Self {
        Self {
            step,
            fault: Fault::Bug,
            source: sqlx::Error::Decode(cause.into()),
        }
    }
}

/// Names the step of a database call: `query.await.during("find a shop")`.
pub trait During<T> {
    /// Adds the step and classifies the fault.
    fn during(self, step: &'static str) -> Result<T, StorageError>;
}

impl<T> During<T> for Result<T, sqlx::Error> {
    fn during(self, step: &'static str) -> Result<T, StorageError> {
        self.map_err(|source| StorageError {
            step,
            fault: Fault::of(&source),
            source,
        })
    }
}

/// What a statement answered, until its step is named; then its span ends, too.
#[derive(Debug)]
#[must_use = "name the step with `during`"]
pub struct Asked<T> {
    call: Call,
    answer: Result<T, sqlx::Error>,
}

impl<T> Asked<T> {
    /// The answer of a statement whose span was begun before it.
    pub fn new(call: Call, answer: Result<T, sqlx::Error>) -> Self {
        Self { call, answer }
    }
}

impl<T> During<T> for Asked<T> {
    fn during(self, step: &'static str) -> Result<T, StorageError> {
        let answer = self.answer.during(step);
        let fault = answer.as_ref().err().map(|error| error.fault().as_str());
        self.call.end_statement(step, fault);
        answer
    }
}
