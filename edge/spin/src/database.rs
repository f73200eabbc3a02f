//! The component's SQLite database: its schema, and one connection that outbox and limiter share.

use spin_sdk::sqlite::{Connection, Error, RowResult, Value};

/// The version of the schema below, kept in the file.
const VERSION: i64 = 1;

/// Each may run twice: several instances may open a new file at once.
///
/// - AUTOINCREMENT: a settled event's handle is never given to another one.
/// - `settlement` holds nothing; inserting into it is how a receipt is told.
const SCHEMA: [&str; 10] = [
    "CREATE TABLE IF NOT EXISTS outbox (
        seq INTEGER PRIMARY KEY AUTOINCREMENT,
        shop TEXT NOT NULL,
        id TEXT NOT NULL,
        body TEXT NOT NULL,
        UNIQUE (shop, id)
    )",
    "CREATE TABLE IF NOT EXISTS ledger (
        shop TEXT PRIMARY KEY,
        accepted INTEGER NOT NULL DEFAULT 0,
        stored INTEGER NOT NULL DEFAULT 0,
        duplicate INTEGER NOT NULL DEFAULT 0,
        rejected INTEGER NOT NULL DEFAULT 0,
        bytes INTEGER NOT NULL DEFAULT 0
    ) WITHOUT ROWID",
    "CREATE TABLE IF NOT EXISTS identity (one INTEGER PRIMARY KEY CHECK (one = 1), id TEXT NOT NULL)",
    "CREATE VIEW IF NOT EXISTS settlement (seq, verdict) AS SELECT 0, '' WHERE false",
    "CREATE TRIGGER IF NOT EXISTS accept AFTER INSERT ON outbox BEGIN
        INSERT INTO ledger (shop, accepted, bytes) VALUES (new.shop, 1, length(new.body))
        ON CONFLICT (shop) DO UPDATE SET accepted = accepted + 1, bytes = bytes + excluded.bytes;
    END",
    "CREATE TRIGGER IF NOT EXISTS settle INSTEAD OF INSERT ON settlement BEGIN
        UPDATE ledger SET
            stored = stored + (new.verdict = 'appended'),
            duplicate = duplicate + (new.verdict = 'duplicate'),
            rejected = rejected + (new.verdict = 'rejected'),
            bytes = bytes - (SELECT length(body) FROM outbox WHERE seq = new.seq)
            WHERE shop = (SELECT shop FROM outbox WHERE seq = new.seq);
        DELETE FROM outbox WHERE seq = new.seq;
    END",
    "CREATE TABLE IF NOT EXISTS hits (
        key TEXT PRIMARY KEY, used INTEGER NOT NULL, until INTEGER NOT NULL
    ) WITHOUT ROWID",
    "CREATE TABLE IF NOT EXISTS members (
        key TEXT NOT NULL, member TEXT NOT NULL, until INTEGER NOT NULL, PRIMARY KEY (key, member)
    ) WITHOUT ROWID",
    "CREATE INDEX IF NOT EXISTS hits_by_end ON hits (until)",
    // What an older version of this program left waiting.
    "INSERT INTO ledger (shop, accepted, bytes)
        SELECT shop, count(*), sum(length(body)) FROM outbox WHERE true GROUP BY shop
        ON CONFLICT DO NOTHING",
];
const VERSION_OF: &str = "PRAGMA user_version";

/// The database, through one connection.
pub(crate) struct Database(Connection);

impl Database {
    /// Opens it and makes what is missing.
    pub(crate) async fn open() -> Result<Self, Error> {
        let database = Self(Connection::open_default().await?);
        if database.number(VERSION_OF).await? != Some(VERSION) {
            for statement in SCHEMA {
                database.run(statement, vec![]).await?;
            }
            let version = format!("{VERSION_OF} = {VERSION}");
            database.run(&version, vec![]).await?;
        }
        Ok(database)
    }

    /// Runs a statement and gives its rows.
    pub(crate) async fn run(
        &self,
        statement: &str,
        values: Vec<Value>,
    ) -> Result<Vec<RowResult>, Error> {
        self.0.execute(statement, values).await?.collect().await
    }

    /// Runs a statement without values and gives its first number.
    pub(crate) async fn number(&self, statement: &str) -> Result<Option<i64>, Error> {
        let rows = self.run(statement, vec![]).await?;
        Ok(rows.first().and_then(|row| row.get::<i64>(0)))
    }
}
