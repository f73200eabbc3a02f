//! Databases for the origin: SQLite in the test's own directory, or PostgreSQL.

use std::process::Command;

use sqlx::{AssertSqlSafe, Connection, PgConnection, SqliteConnection};
use tempfile::TempDir;

use super::http::wait;
use super::process::root;
use super::unique;

/// Makes a database of the test's own on the server that all tests share, and gives its URL.
pub(crate) fn new_database() -> String {
    let admin = std::env::var("FOOTFALL_TEST_POSTGRES").expect(
        "FOOTFALL_TEST_POSTGRES must name a PostgreSQL server: `scripts/postgres-test.sh start` prints one",
    );
    new_database_on(&admin)
}

fn new_database_on(admin: &str) -> String {
    let name = unique("footfall_e2e").replace('-', "_");
    for text in [
        format!("DROP DATABASE IF EXISTS {name}"),
        format!("CREATE DATABASE {name}"),
    ] {
        execute(admin, &text);
    }
    let (server, _) = admin.rsplit_once('/').unwrap();
    format!("{server}/{name}")
}

/// Runs a statement on a database, beside whoever else uses it.
pub(crate) fn execute(url: &str, sql: &str) {
    let sql = AssertSqlSafe(sql.to_owned());
    wait(async {
        if url.starts_with("sqlite:") {
            let mut database = SqliteConnection::connect(url).await.unwrap();
            sqlx::raw_sql(sql).execute(&mut database).await.unwrap();
        } else {
            let mut database = PgConnection::connect(url).await.unwrap();
            sqlx::raw_sql(sql).execute(&mut database).await.unwrap();
        }
    });
}

/// A PostgreSQL server of the test's own that syncs to disk and may be killed.
#[derive(Debug)]
pub(crate) struct OwnServer {
    /// Where the script keeps what it knows of the server.
    state: TempDir,
    /// A database on it.
    pub(crate) url: String,
}

impl OwnServer {
    pub(crate) fn start() -> Self {
        let state = tempfile::tempdir().unwrap();
        let admin = script(&state, "start");
        Self {
            url: new_database_on(admin.trim()),
            state,
        }
    }

    /// Kills it as a power cut would and starts it again on the same data.
    pub(crate) fn crash(&self) {
        script(&self.state, "crash");
    }
}

impl Drop for OwnServer {
    fn drop(&mut self) {
        script(&self.state, "stop");
    }
}

fn script(state: &TempDir, command: &str) -> String {
    let output = Command::new(root().join("scripts/postgres-test.sh"))
        .arg(command)
        .env("XDG_CACHE_HOME", state.path())
        .env("FOOTFALL_POSTGRES_SYNC", "on")
        .output()
        .unwrap();
    let told = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{command}: {told}");
    String::from_utf8(output.stdout).unwrap()
}
