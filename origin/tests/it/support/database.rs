//! A database of its own for each test, cloned from one that was migrated once.

use std::sync::atomic::{AtomicU32, Ordering};

use footfall::db::Db;
use sqlx::{AssertSqlSafe, Connection, Executor, PgConnection};
use tempfile::TempDir;
use tokio::sync::OnceCell;

/// Which database a test runs on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Database {
    Sqlite,
    Postgres,
}

/// A database that is deleted when it is dropped.
pub(crate) enum Store {
    Sqlite {
        url: String,
        folder: TempDir,
    },
    Postgres {
        url: String,
        name: String,
        folder: TempDir,
    },
}

static SQLITE_TEMPLATE: OnceCell<Vec<u8>> = OnceCell::const_new();
static PG_TEMPLATE: OnceCell<String> = OnceCell::const_new();
static COUNTER: AtomicU32 = AtomicU32::new(0);

impl Store {
    /// A migrated database.
    pub(crate) async fn make(database: Database) -> Self {
        match database {
            Database::Sqlite => {
                let folder = tempfile::tempdir().unwrap();
                let path = folder.path().join("footfall.db");
                let template = SQLITE_TEMPLATE.get_or_init(make_sqlite_template).await;
                std::fs::write(&path, template).unwrap();
                Self::Sqlite {
                    url: format!("sqlite:{}", path.display()),
                    folder,
                }
            }
            Database::Postgres => {
                let template = PG_TEMPLATE.get_or_init(make_pg_template).await;
                let name = unique_name("test");
                admin(format!("CREATE DATABASE {name} TEMPLATE {template}")).await;
                Self::Postgres {
                    url: pg_url(&name),
                    name,
                    folder: tempfile::tempdir().unwrap(),
                }
            }
        }
    }

    /// An empty database, before any migration.
    pub(crate) async fn make_empty(database: Database) -> Self {
        match database {
            Database::Sqlite => {
                let folder = tempfile::tempdir().unwrap();
                let path = folder.path().join("new").join("footfall.db");
                Self::Sqlite {
                    url: format!("sqlite:{}", path.display()),
                    folder,
                }
            }
            Database::Postgres => {
                let name = unique_name("empty");
                admin(format!("CREATE DATABASE {name}")).await;
                Self::Postgres {
                    url: pg_url(&name),
                    name,
                    folder: tempfile::tempdir().unwrap(),
                }
            }
        }
    }

    /// A copy of it, which nobody is connected to.
    pub(crate) async fn copy(&self) -> Self {
        match self {
            Self::Sqlite { url, .. } => {
                let folder = tempfile::tempdir().unwrap();
                let path = folder.path().join("backup.db");
                std::fs::copy(url.strip_prefix("sqlite:").unwrap(), &path).unwrap();
                Self::Sqlite {
                    url: format!("sqlite:{}", path.display()),
                    folder,
                }
            }
            Self::Postgres { name: of, .. } => {
                let name = unique_name("copy");
                admin(format!("CREATE DATABASE {name} TEMPLATE {of}")).await;
                Self::Postgres {
                    url: pg_url(&name),
                    name,
                    folder: tempfile::tempdir().unwrap(),
                }
            }
        }
    }

    /// A folder for what stands beside it.
    pub(crate) fn folder(&self) -> &std::path::Path {
        match self {
            Self::Sqlite { folder, .. } | Self::Postgres { folder, .. } => folder.path(),
        }
    }

    /// Its URL, as for `DATABASE_URL`.
    pub(crate) fn url(&self) -> &str {
        match self {
            Self::Sqlite { url, .. } | Self::Postgres { url, .. } => url,
        }
    }
}

impl Drop for Store {
    fn drop(&mut self) {
        let Self::Postgres { name, .. } = self else {
            return;
        };
        let statement = format!("DROP DATABASE IF EXISTS {name} WITH (FORCE)");
        // A drop cannot await, and the test's own runtime may be at its end.
        let dropping = std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread()
                .enable_all()
                .build()
                .unwrap();
            runtime.block_on(admin(statement));
        });
        let _ = dropping.join();
    }
}

fn server_url() -> String {
    std::env::var("FOOTFALL_TEST_POSTGRES").unwrap_or_else(|_| {
        panic!(
            "FOOTFALL_TEST_POSTGRES is not set. The tests on PostgreSQL need a server: \
             export FOOTFALL_TEST_POSTGRES=$(scripts/postgres-test.sh start), or run `make test`."
        )
    })
}

fn pg_url(database: &str) -> String {
    let server = server_url();
    let (base, _) = server.rsplit_once('/').unwrap();
    format!("{base}/{database}")
}

fn unique_name(kind: &str) -> String {
    let number = COUNTER.fetch_add(1, Ordering::Relaxed);
    // The time keeps a reused process id from meeting the leftovers of a killed run.
    let begun = std::time::SystemTime::now()
        .duration_since(std::time::UNIX_EPOCH)
        .unwrap();
    format!(
        "footfall_{kind}_{}_{}_{number}",
        std::process::id(),
        begun.as_millis()
    )
}

async fn admin(statement: String) {
    let mut connection = PgConnection::connect(&server_url()).await.unwrap();
    connection.execute(AssertSqlSafe(statement)).await.unwrap();
    connection.close().await.unwrap();
}

async fn make_pg_template() -> String {
    let name = unique_name("template");
    admin(format!("CREATE DATABASE {name}")).await;
    let db = Db::connect(&pg_url(&name)).await.unwrap();
    db.migrate().await.unwrap();
    db.close().await;
    name
}

async fn make_sqlite_template() -> Vec<u8> {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("template.db");
    let db = Db::connect(&format!("sqlite:{}", path.display()))
        .await
        .unwrap();
    db.migrate().await.unwrap();
    db.close().await;
    std::fs::read(path).unwrap()
}
