//! A SQLite connection that runs a guest's statements, and what it forbids them.

use rusqlite::hooks::{AuthAction, AuthContext, Authorization};
use rusqlite::{Connection, OpenFlags};
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

/// The longest time that one statement may run; then it is interrupted.
const STATEMENT_TIME_MAX: Duration = Duration::from_secs(5);
/// SQLite asks after this many of its own instructions whether the time is up (well under 1 ms).
const INSTRUCTIONS_BETWEEN_CHECKS: i32 = 10_000;
/// The component has a few dozen different statements.
const STATEMENTS_CACHED: usize = 128;
/// Pages of 4 KiB in a database without a file: 64 MiB, the counts of half a million addresses.
const MEMORY_PAGES_MAX: u32 = 16 << 10;
/// Pragmas that a component may use: they look at the schema or mark its version. Others change how
/// durable or how shared the file is, and that is the host's business.
const PRAGMAS_ALLOWED: [&str; 7] = [
    "user_version",
    "table_info",
    "table_xinfo",
    "table_list",
    "index_list",
    "index_info",
    "foreign_key_list",
];

/// A connection whose authorizer keeps guests from other files and from the host's transactions.
pub(super) struct GuardedConnection {
    connection: Connection,
    guard: Arc<Guard>,
}

struct Guard {
    epoch: Instant,
    /// When the running statement must end, in milliseconds after `epoch`.
    deadline_ms: AtomicU64,
    /// The host itself speaks: transactions and savepoints are allowed.
    host_speaks: AtomicBool,
}

impl GuardedConnection {
    /// The connection that writes. The file is made if it is missing.
    pub(super) fn writer(path: &Path) -> rusqlite::Result<Self> {
        let connection = Connection::open(path)?;
        connection.busy_timeout(Duration::from_secs(5))?;
        connection.pragma_update(None, "journal_mode", "WAL")?;
        // Durable when it returns: the outbox promises that an answered event survives.
        connection.pragma_update(None, "synchronous", "FULL")?;
        connection.pragma_update(None, "journal_size_limit", 64 << 20)?;
        // What was handed on is overwritten, not only forgotten: events tell of people.
        connection.pragma_update(None, "secure_delete", "ON")?;
        Ok(Self::guarded(connection))
    }

    /// The one connection of a database without a file.
    pub(super) fn in_memory() -> rusqlite::Result<Self> {
        let connection = Connection::open_in_memory()?;
        connection.pragma_update(None, "max_page_count", MEMORY_PAGES_MAX)?;
        Ok(Self::guarded(connection))
    }

    /// A connection that only reads. It sees whatever was committed before its statement began.
    pub(super) fn reader(path: &Path) -> rusqlite::Result<Self> {
        let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
        let connection = Connection::open_with_flags(path, flags)?;
        connection.busy_timeout(Duration::from_secs(5))?;
        Ok(Self::guarded(connection))
    }

    fn guarded(connection: Connection) -> Self {
        connection.set_prepared_statement_cache_capacity(STATEMENTS_CACHED);
        let guard = Arc::new(Guard {
            epoch: Instant::now(),
            deadline_ms: AtomicU64::new(u64::MAX),
            host_speaks: AtomicBool::new(false),
        });
        let of_authorizer = Arc::clone(&guard);
        connection.authorizer(Some(move |context: AuthContext<'_>| {
            of_authorizer.authorize(context.action)
        }));
        let of_progress = Arc::clone(&guard);
        let too_late = move || of_progress.is_too_late();
        connection.progress_handler(INSTRUCTIONS_BETWEEN_CHECKS, Some(too_late));
        Self { connection, guard }
    }

    /// Lets a guest's statement use the connection, for a bounded time.
    pub(super) fn for_guest<T>(&self, work: impl FnOnce(&Connection) -> T) -> T {
        let deadline = self.guard.epoch.elapsed() + STATEMENT_TIME_MAX;
        self.guard
            .deadline_ms
            .store(millis(deadline), Ordering::Relaxed);
        let result = work(&self.connection);
        self.guard.deadline_ms.store(u64::MAX, Ordering::Relaxed);
        result
    }

    /// Runs one of the host's own statements (`BEGIN`, `SAVEPOINT`, `COMMIT` and their kin).
    pub(super) fn for_host(&self, sql: &str) -> rusqlite::Result<()> {
        self.guard.host_speaks.store(true, Ordering::Relaxed);
        let result = self
            .connection
            .prepare_cached(sql)
            .and_then(|mut s| s.execute([]));
        self.guard.host_speaks.store(false, Ordering::Relaxed);
        result.map(|_| ())
    }

    /// Whether a transaction is open. SQLite may end one on its own (`OR ROLLBACK`, a full disk).
    pub(super) fn in_transaction(&self) -> bool {
        !self.connection.is_autocommit()
    }
}

impl Guard {
    fn authorize(&self, action: AuthAction<'_>) -> Authorization {
        let allowed = match action {
            AuthAction::Transaction { .. } | AuthAction::Savepoint { .. } => {
                self.host_speaks.load(Ordering::Relaxed)
            }
            AuthAction::Attach { .. } | AuthAction::Detach { .. } => false,
            AuthAction::CreateVtable { .. } | AuthAction::DropVtable { .. } => true,
            AuthAction::Pragma { pragma_name, .. } => PRAGMAS_ALLOWED
                .iter()
                .any(|name| pragma_name.eq_ignore_ascii_case(name)),
            AuthAction::Function { function_name } => {
                !function_name.eq_ignore_ascii_case("load_extension")
            }
            _ => true,
        };
        if allowed {
            Authorization::Allow
        } else {
            Authorization::Deny
        }
    }

    fn is_too_late(&self) -> bool {
        millis(self.epoch.elapsed()) > self.deadline_ms.load(Ordering::Relaxed)
    }
}

fn millis(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}
