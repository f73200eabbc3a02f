//! The database: SQLite or PostgreSQL behind one type, and the one place where storage faults are told
//! apart.
//!
//! One SQL text serves both. [`on_db!`](crate::on_db) expands one expression over both connections:
//!
//! ```text
//! pub async fn find_shop(db: &mut impl Handle, slug: &str) -> Result<Option<Row>, StorageError> {
//!     on_db!(db, |connection| sqlx::query_as(FIND_SHOP).bind(slug).fetch_optional(connection).await)
//!         .during("find a shop by its slug")
//! }
//! ```
//!
//! **Invariant:** every write to SQLite goes through a writer pool of one connection and starts with
//! `BEGIN IMMEDIATE`; a deferred transaction that starts to write late fails under load in spite of the
//! busy timeout. Test: `concurrent_writers_all_succeed`.
//!
//! **Invariant:** nothing outside this module looks into a `sqlx::Error`.

mod fault;

use std::path::Path;
use std::str::FromStr;
use std::time::Duration;

use sqlx::migrate::Migrator;
use sqlx::pool::PoolConnection;
use sqlx::postgres::{PgConnectOptions, PgPoolOptions};
use sqlx::sqlite::{SqliteConnectOptions, SqliteJournalMode, SqlitePoolOptions, SqliteSynchronous};
use sqlx::{PgConnection, PgPool, Postgres, Sqlite, SqliteConnection, SqlitePool, Transaction};

use crate::traces::Call;
pub use fault::{Asked, During, Fault, StorageError};

/// How long a statement waits for SQLite's lock, or a caller for a free connection.
const BUSY_TIMEOUT: Duration = Duration::from_secs(5);
/// Readers beside SQLite's one writer. Reads are short; more than this only adds memory.
const SQLITE_READERS_MAX: u32 = 8;
/// Memory for pages of a connection, 64 MiB (negative means KiB). With SQLite's own 2 MiB the log's indexes
/// do not stay in memory while events come in.
const SQLITE_CACHE: &str = "-65536";
/// Pages in the write-ahead log before they are folded into the file, 40 MiB. SQLite's own 1,000 make a
/// busy intake write and sync most pages twice; this halved the system's time for an event.
const SQLITE_CHECKPOINT_PAGES: &str = "10000";
/// Connections of one origin node to PostgreSQL. Several nodes share a server, whose default is 100.
const PG_CONNECTIONS_MAX: u32 = 20;

static SQLITE_MIGRATIONS: Migrator = sqlx::migrate!("migrations/sqlite");
static PG_MIGRATIONS: Migrator = sqlx::migrate!("migrations/postgres");

/// The database, cheap to clone.
#[derive(Debug, Clone)]
pub enum Db {
    /// SQLite: one writer, several readers.
    Lite {
        /// The only connection that writes.
        writer: SqlitePool,
        /// Connections that only read.
        reader: SqlitePool,
    },
    /// PostgreSQL.
    Pg(PgPool),
}

/// An open transaction. Dropping it without [`Tx::commit`] rolls it back.
#[derive(Debug)]
pub enum Tx {
    /// On SQLite's writer.
    Lite(Transaction<'static, Sqlite>),
    /// On PostgreSQL.
    Pg(Transaction<'static, Postgres>),
}

/// A connection for reading, outside any transaction.
#[derive(Debug)]
pub enum Reader {
    /// From SQLite's reader pool.
    Lite(PoolConnection<Sqlite>),
    /// From PostgreSQL's pool.
    Pg(PoolConnection<Postgres>),
}

/// The bare connection behind a [`Handle`], as [`on_db!`](crate::on_db) sees it.
#[derive(Debug)]
pub enum Link<'a> {
    /// SQLite.
    Lite(&'a mut SqliteConnection),
    /// PostgreSQL.
    Pg(&'a mut PgConnection),
}

/// What a query runs on: a [`Reader`] or a [`Tx`]. A query that writes takes `&mut Tx`.
pub trait Handle: Send {
    /// The connection.
    fn link(&mut self) -> Link<'_>;
}

impl Handle for Tx {
    fn link(&mut self) -> Link<'_> {
        match self {
            Self::Lite(tx) => Link::Lite(tx),
            Self::Pg(tx) => Link::Pg(tx),
        }
    }
}

impl Handle for Reader {
    fn link(&mut self) -> Link<'_> {
        match self {
            Self::Lite(connection) => Link::Lite(connection),
            Self::Pg(connection) => Link::Pg(connection),
        }
    }
}

/// Expands one expression over both databases: `on_db!(handle, |connection| expression)`. It gives an
/// [`Asked`], for [`During::during`] to name the step.
#[macro_export]
macro_rules! on_db {
    ($handle:expr, |$connection:ident| $body:expr) => {
        match $crate::db::Handle::link($handle) {
            $crate::db::Link::Lite($connection) => {
                let call = $crate::traces::Call::statement($crate::db::SQLITE);
                $crate::db::Asked::new(call, $body)
            }
            $crate::db::Link::Pg($connection) => {
                let call = $crate::traces::Call::statement($crate::db::POSTGRESQL);
                $crate::db::Asked::new(call, $body)
            }
        }
    };
}

/// SQLite, as OpenTelemetry calls it.
pub const SQLITE: &str = "sqlite";
/// PostgreSQL, as OpenTelemetry calls it.
pub const POSTGRESQL: &str = "postgresql";

impl Db {
    /// Opens `sqlite:PATH` (made if missing, with its folder) or `postgres://…`. Says nothing about
    /// migrations: see [`Db::migrate`] and [`Db::pending_migrations`].
    pub async fn connect(url: &str) -> Result<Self, StorageError> {
        if let Some(path) = url.strip_prefix("sqlite:") {
            return Self::connect_sqlite(Path::new(path.trim_start_matches("//"))).await;
        }
        let options = PgConnectOptions::from_str(url).during("read the database's URL")?;
        let pool = PgPoolOptions::new()
            .max_connections(PG_CONNECTIONS_MAX)
            .acquire_timeout(BUSY_TIMEOUT)
            .connect_with(options)
            .await
            .during("connect to PostgreSQL")?;
        Ok(Self::Pg(pool))
    }

    async fn connect_sqlite(path: &Path) -> Result<Self, StorageError> {
        if let Some(folder) = path
            .parent()
            .filter(|folder| !folder.as_os_str().is_empty())
        {
            std::fs::create_dir_all(folder)
                .map_err(sqlx::Error::Io)
                .during("make the database's folder")?;
        }
        let options = SqliteConnectOptions::new()
            .filename(path)
            .create_if_missing(true)
            .journal_mode(SqliteJournalMode::Wal)
            .synchronous(SqliteSynchronous::Full)
            .busy_timeout(BUSY_TIMEOUT)
            .foreign_keys(true)
            // What is deleted or changed within a page is written over, at no further write.
            .pragma("secure_delete", "FAST")
            .pragma("cache_size", SQLITE_CACHE)
            .pragma("wal_autocheckpoint", SQLITE_CHECKPOINT_PAGES);
        let writer = SqlitePoolOptions::new()
            .max_connections(1)
            .acquire_timeout(BUSY_TIMEOUT)
            .connect_with(options.clone())
            .await
            .during("open the SQLite file")?;
        let reader = SqlitePoolOptions::new()
            .max_connections(SQLITE_READERS_MAX)
            .acquire_timeout(BUSY_TIMEOUT)
            .connect_with(options.pragma("query_only", "ON"))
            .await
            .during("open the SQLite file for reading")?;
        Ok(Self::Lite { writer, reader })
    }

    /// Brings the tables up to date. Safe to call from several nodes at once: PostgreSQL takes an advisory
    /// lock, SQLite has one writer.
    pub async fn migrate(&self) -> Result<(), StorageError> {
        let migrations = self.migrations();
        let done = match self {
            Self::Lite { writer, .. } => migrations.run(writer).await,
            Self::Pg(pool) => migrations.run(pool).await,
        };
        done.map_err(|error| sqlx::Error::Migrate(Box::new(error)))
            .during("migrate")
    }

    /// How many of this binary's migrations the database still lacks; 0 means ready.
    pub async fn pending_migrations(&self) -> Result<i64, StorageError> {
        const APPLIED: &str = "SELECT COUNT(*) FROM _sqlx_migrations WHERE success";
        let known = i64::try_from(self.migrations().iter().count()).unwrap_or(i64::MAX);
        let mut reader = self.read().await?;
        if !self.has_migrations(&mut reader).await? {
            return Ok(known);
        }
        let applied: i64 = on_db!(&mut reader, |connection| {
            sqlx::query_scalar(APPLIED).fetch_one(connection).await
        })
        .during("count the migrations that are done")?;
        Ok(known.saturating_sub(applied).max(0))
    }

    /// How many migrations the database has that a later version of this binary made.
    pub async fn newer_migrations(&self) -> Result<i64, StorageError> {
        const NEWER: &str = "SELECT COUNT(*) FROM _sqlx_migrations WHERE version > $1";
        let last = self.migrations().iter().map(|one| one.version).max();
        let mut reader = self.read().await?;
        if !self.has_migrations(&mut reader).await? {
            return Ok(0);
        }
        on_db!(&mut reader, |connection| {
            sqlx::query_scalar(NEWER)
                .bind(last.unwrap_or_default())
                .fetch_one(connection)
                .await
        })
        .during("count the migrations that are newer")
    }

    /// Whether anything was ever migrated here.
    async fn has_migrations(&self, reader: &mut Reader) -> Result<bool, StorageError> {
        const TABLE: [&str; 2] = [
            "SELECT COUNT(*) FROM sqlite_master WHERE name = '_sqlx_migrations'",
            // Not CURRENT_SCHEMA(): a search path may name several schemas.
            "SELECT COUNT(*) FROM pg_class WHERE oid = to_regclass('_sqlx_migrations')",
        ];
        let table = match self {
            Self::Lite { .. } => TABLE[0],
            Self::Pg(_) => TABLE[1],
        };
        let tables: i64 = on_db!(reader, |connection| {
            sqlx::query_scalar(table).fetch_one(connection).await
        })
        .during("look for the table of migrations")?;
        Ok(tables > 0)
    }

    fn migrations(&self) -> &'static Migrator {
        match self {
            Self::Lite { .. } => &SQLITE_MIGRATIONS,
            Self::Pg(_) => &PG_MIGRATIONS,
        }
    }

    /// Starts a transaction that may write.
    pub async fn begin(&self) -> Result<Tx, StorageError> {
        let call = Call::statement(self.system());
        let begun = match self {
            Self::Lite { writer, .. } => writer.begin_with("BEGIN IMMEDIATE").await.map(Tx::Lite),
            Self::Pg(pool) => pool.begin().await.map(Tx::Pg),
        };
        Asked::new(call, begun).during("begin a transaction")
    }

    /// A connection for reading. SQLite refuses to write on it.
    pub async fn read(&self) -> Result<Reader, StorageError> {
        let call = Call::statement(self.system());
        let acquired = match self {
            Self::Lite { reader, .. } => reader.acquire().await.map(Reader::Lite),
            Self::Pg(pool) => pool.acquire().await.map(Reader::Pg),
        };
        Asked::new(call, acquired).during("get a connection")
    }

    fn system(&self) -> &'static str {
        match self {
            Self::Lite { .. } => SQLITE,
            Self::Pg(_) => POSTGRESQL,
        }
    }

    /// Closes every connection after its work. SQLite then folds its write-ahead log into the file.
    pub async fn close(&self) {
        match self {
            Self::Lite { writer, reader } => {
                reader.close().await;
                writer.close().await;
            }
            Self::Pg(pool) => pool.close().await,
        }
    }
}

impl Tx {
    /// Makes everything since [`Db::begin`] durable.
    pub async fn commit(self) -> Result<(), StorageError> {
        let (call, committed) = match self {
            Self::Lite(tx) => (Call::statement(SQLITE), tx.commit().await),
            Self::Pg(tx) => (Call::statement(POSTGRESQL), tx.commit().await),
        };
        Asked::new(call, committed).during("commit")
    }

    /// Tells every node, at the commit, that something happened. SQLite has one node, which knows.
    pub async fn notify(&mut self, topic: &str) -> Result<(), StorageError> {
        let Self::Pg(tx) = self else { return Ok(()) };
        let call = Call::statement(POSTGRESQL);
        let told = sqlx::query("SELECT pg_notify($1, '')")
            .bind(topic)
            .execute(&mut **tx)
            .await;
        Asked::new(call, told.map(|_| ())).during("notify other nodes")
    }

    /// The commit does not wait for the disk: a crash may lose it, and nothing else. SQLite's has nobody beside it to wait.
    pub async fn may_be_lost(&mut self) -> Result<(), StorageError> {
        let Self::Pg(tx) = self else { return Ok(()) };
        let call = Call::statement(POSTGRESQL);
        let set = sqlx::query("SET LOCAL synchronous_commit TO off")
            .execute(&mut **tx)
            .await;
        Asked::new(call, set.map(|_| ())).during("not wait for the disk")
    }

    /// From here to the commit, transactions with the same topic and key run one after another, on every
    /// node. SQLite's writer is alone anyway; PostgreSQL takes an advisory lock of the transaction.
    pub async fn serialize(&mut self, topic: &str, key: &str) -> Result<(), StorageError> {
        const LOCK: &str = "SELECT pg_advisory_xact_lock(hashtextextended($1, 0))";
        let Self::Pg(tx) = self else { return Ok(()) };
        let call = Call::statement(POSTGRESQL);
        let locked = sqlx::query(LOCK)
            .bind(format!("{topic}\n{key}"))
            .execute(&mut **tx)
            .await;
        Asked::new(call, locked.map(|_| ())).during("take an advisory lock")
    }
}

/// Rows of a full statement: what `chunks` of long lists are cut to. At the 17 columns of the widest table
/// this is far below SQLite's 32,766 and PostgreSQL's 65,535 parameters.
pub const ROWS_A_STATEMENT: usize = 500;

/// Whether a statement over so many rows is worth keeping prepared. Each number of rows is a statement of
/// its own; keeping all of them would fill the connection's memory with ones that never come again.
#[must_use]
pub const fn keep_prepared(rows: usize) -> bool {
    rows == 1 || rows == ROWS_A_STATEMENT
}
