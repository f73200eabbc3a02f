//! Databases for the origin: SQLite in the test's own directory, or PostgreSQL.

use std::collections::BTreeSet;
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

/// Makes every attempt to store an event fail whose id begins with `poison-`.
pub(crate) fn refuse_poison(url: &str) {
    let sql = match url.starts_with("sqlite:") {
        true => {
            "CREATE TRIGGER poison BEFORE INSERT ON events WHEN new.id LIKE 'poison-%'
                BEGIN SELECT RAISE(ABORT, 'poison'); END"
        }
        false => {
            "CREATE FUNCTION poison() RETURNS trigger AS $$ BEGIN RAISE 'poison'; END $$ LANGUAGE plpgsql;
            CREATE TRIGGER poison BEFORE INSERT ON events FOR EACH ROW WHEN (new.id LIKE 'poison-%')
                EXECUTE FUNCTION poison()"
        }
    };
    execute(url, sql);
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

/// The tables and columns of which a row holds this text.
pub(crate) fn columns_holding(url: &str, text: &str) -> BTreeSet<(String, String)> {
    let sqlite = url.starts_with("sqlite:");
    let columns = match sqlite {
        true => {
            "SELECT t.name, c.name FROM sqlite_schema t, pragma_table_info(t.name) c WHERE t.type = 'table'"
        }
        false => {
            "SELECT table_name::text, column_name::text FROM information_schema.columns WHERE table_schema = 'public'"
        }
    };
    wait(async {
        let mut database = AnyConnection::open(url).await;
        let columns = database.pairs(columns).await;
        let mut holding = BTreeSet::new();
        for (table, column) in columns {
            let found = match sqlite {
                true => format!("instr(CAST(\"{column}\" AS TEXT), '{text}') > 0"),
                false => format!("strpos(\"{column}\"::text, '{text}') > 0"),
            };
            let sql = format!("SELECT 'a', 'b' FROM \"{table}\" WHERE {found} LIMIT 1");
            if !database.pairs(&sql).await.is_empty() {
                holding.insert((table, column));
            }
        }
        holding
    })
}

/// The first text that a statement gives.
pub(crate) fn first_text(url: &str, sql: &str) -> Option<String> {
    wait(async {
        let mut database = AnyConnection::open(url).await;
        let sql = format!("SELECT t.text, 'b' FROM ({sql}) t");
        let rows = database.pairs(&sql).await;
        rows.into_iter().next().map(|(text, _)| text)
    })
}

/// A connection to one of the two databases.
enum AnyConnection {
    Sqlite(SqliteConnection),
    Postgres(PgConnection),
}

impl AnyConnection {
    async fn open(url: &str) -> Self {
        if url.starts_with("sqlite:") {
            Self::Sqlite(SqliteConnection::connect(url).await.unwrap())
        } else {
            Self::Postgres(PgConnection::connect(url).await.unwrap())
        }
    }

    /// The rows of a statement that gives two texts.
    async fn pairs(&mut self, sql: &str) -> Vec<(String, String)> {
        let query = AssertSqlSafe(sql.to_owned());
        match self {
            Self::Sqlite(database) => sqlx::query_as(query).fetch_all(database).await.unwrap(),
            Self::Postgres(database) => sqlx::query_as(query).fetch_all(database).await.unwrap(),
        }
    }
}
