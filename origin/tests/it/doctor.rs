//! `footfall doctor`: each fault that it is to find is made, and a healthy set-up has none.

use std::process::{Command, Output, Stdio};

use axum::Router;
use axum::body::Bytes;
use axum::extract::State;
use axum::routing::{get, post};
use footfall::app::Clock;
use footfall_shared::signing::{SIGNATURE_HEADER, SigningKeys, TIMESTAMP_HEADER};
use http::{HeaderMap, StatusCode};
use serde_json::{Value, json};
use sqlx::Connection;
use tempfile::TempDir;

use crate::support::{EDGE_KEY, JWT_SECRET};

/// Nobody listens there.
const NOBODY: &str = "http://127.0.0.1:1";
const OTHER_KEY: &str = "another-key-of-the-tests-9876543210fedcba";

/// What an edge and an origin say of themselves.
#[derive(Debug, Clone, Copy)]
struct Running {
    mode: &'static str,
    seconds_ahead: i64,
    ready: StatusCode,
}

const WELL: Running = Running {
    mode: "production",
    seconds_ahead: 0,
    ready: StatusCode::OK,
};

/// A data directory, and one server that stands for edge and origin.
struct SetUp {
    folder: TempDir,
    server: String,
}

impl SetUp {
    /// With a shop that has its keys and names its pages.
    async fn healthy() -> Self {
        let set_up = Self::empty(WELL).await;
        set_up.make_shop("moon", &["--allow-origin", "https://moon.example"]);
        set_up.make_key("moon");
        set_up
    }

    /// Migrated, without a shop.
    async fn empty(running: Running) -> Self {
        let set_up = Self {
            folder: tempfile::tempdir().unwrap(),
            server: serve(running).await,
        };
        set_up.succeed(&["migrate"], &[]);
        set_up
    }

    fn run(&self, arguments: &[&str], settings: &[(&str, &str)]) -> Output {
        let mut command = Command::new(env!("CARGO_BIN_EXE_footfall"));
        command
            .args(arguments)
            .env_clear()
            .env("FOOTFALL_DATA_DIR", self.folder.path())
            .env("FOOTFALL_EDGES", &self.server)
            .env("FOOTFALL_ORIGIN_URL", &self.server)
            .env("FOOTFALL_EDGE_KEYS", EDGE_KEY)
            .env("FOOTFALL_JWT_SECRET", JWT_SECRET)
            .env("FOOTFALL_METRICS_TOKEN", "a-token-of-the-tests-0123")
            .env("FOOTFALL_TRUSTED_PROXY_HOPS", "1")
            .envs(settings.iter().copied())
            .stdin(Stdio::null());
        command.output().unwrap()
    }

    #[track_caller]
    fn succeed(&self, arguments: &[&str], settings: &[(&str, &str)]) {
        let output = self.run(arguments, settings);
        let told = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(output.status.success(), "{arguments:?}: {told}");
    }

    #[track_caller]
    fn make_shop(&self, slug: &str, more: &[&str]) {
        let make = ["admin", "shop", "create", "--slug", slug, "--name", slug];
        self.succeed(&[&make[..], more].concat(), &[]);
    }

    #[track_caller]
    fn make_key(&self, slug: &str) {
        let make = ["admin", "key", "create", "--shop", slug, "--label", "web"];
        let make = [&make[..], &["--kind", "publishable"]].concat();
        self.succeed(&make, &[]);
    }

    /// Runs one statement on the database.
    async fn execute(&self, sql: &'static str) {
        let file = self.folder.path().join("footfall.db");
        let url = format!("sqlite:{}", file.display());
        let mut connection = sqlx::SqliteConnection::connect(&url).await.unwrap();
        sqlx::query(sql).execute(&mut connection).await.unwrap();
        connection.close().await.unwrap();
    }

    /// What the doctor says with these settings.
    fn told(&self, settings: &[(&str, &str)]) -> (bool, String) {
        let output = self.run(&["doctor"], settings);
        let told = String::from_utf8(output.stdout).unwrap();
        (output.status.success(), told)
    }

    /// The doctor finds this and nothing else, names this mend, and says why it matters.
    #[track_caller]
    fn finds(&self, settings: &[(&str, &str)], what: &str, mend: &str) {
        let (well, told) = self.told(settings);
        let mut lines = told.lines();
        let found = lines.find(|line| line.contains(what));
        let found = found.unwrap_or_else(|| panic!("{what} is not in:\n{told}"));
        assert_eq!(well, !found.starts_with("  BAD"), "the exit code:\n{told}");
        let why = lines.next().unwrap_or_default().trim_start();
        assert!(why.starts_with("why   ") && why.len() > 20, "{told}");
        let line = lines.next().unwrap_or_default().trim_start();
        assert!(line.starts_with("mend  ") && line.contains(mend), "{told}");
        let all = told.lines().filter(|line| is_trouble(line)).count();
        assert_eq!(all, 1, "one thing is wrong:\n{told}");
    }
}

fn is_trouble(line: &str) -> bool {
    line.starts_with("  BAD") || line.starts_with("  warn")
}

async fn serve(running: Running) -> String {
    let router = Router::new()
        .route("/health", get(health))
        .route("/ready", get(async move || running.ready))
        .route("/internal/push", post(push))
        .with_state(running);
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move { axum::serve(listener, router).await });
    format!("http://{address}")
}

async fn health(State(running): State<Running>) -> (HeaderMap, axum::Json<Value>) {
    let now = Clock::System.now().get() + running.seconds_ahead * 1000;
    let at = jiff::Timestamp::from_millisecond(now).unwrap();
    let date = jiff::fmt::strtime::format("%a, %d %b %Y %H:%M:%S GMT", at).unwrap();
    let headers = HeaderMap::from_iter([(http::header::DATE, date.parse().unwrap())]);
    (headers, axum::Json(json!({"mode": running.mode})))
}

async fn push(headers: HeaderMap, body: Bytes) -> StatusCode {
    let header = |name: &str| headers.get(name).and_then(|value| value.to_str().ok());
    let keys = SigningKeys::parse(EDGE_KEY).unwrap();
    let (at, signature) = (header(TIMESTAMP_HEADER), header(SIGNATURE_HEADER));
    let now = Clock::System.now();
    match keys.verify(now, "/internal/push", &body, at, signature) {
        Ok(_) => StatusCode::OK,
        Err(_) => StatusCode::UNAUTHORIZED,
    }
}

/// A test with a runtime that goes on serving while the command runs.
macro_rules! promise {
    ($($(#[$meta:meta])* async fn $name:ident() $body:block)+) => {
        $(#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
        $(#[$meta])*
        async fn $name() $body)+
    };
}

promise! {
    async fn a_healthy_set_up_has_no_fault_and_no_warning() {
        let (well, told) = SetUp::healthy().await.told(&[]);
        assert!(well && told.contains(" 0 faults, 0 warnings"), "{told}");
        assert!(!told.lines().any(is_trouble), "{told}");
    }

    async fn a_database_that_is_away_is_found() {
        let set_up = SetUp::healthy().await;
        let nobody = [("DATABASE_URL", "postgres://footfall@127.0.0.1:1/footfall")];
        set_up.finds(&nobody, "database: PostgreSQL does not answer", "DATABASE_URL");
        let nothing = [("DATABASE_URL", "sqlite:/no/such/folder/footfall.db")];
        set_up.finds(&nothing, "database: the SQLite file is not there", "footfall migrate");
    }

    async fn tables_that_are_older_than_the_binary_are_found() {
        let set_up = SetUp::healthy().await;
        let file = set_up.folder.path().join("old.db");
        std::fs::write(&file, "").unwrap();
        let old = [("DATABASE_URL", format!("sqlite:{}", file.display()))];
        let old = old.each_ref().map(|(name, value)| (*name, value.as_str()));
        set_up.finds(&old, "migrations are pending", "footfall migrate");
    }

    async fn tables_that_are_newer_than_the_binary_are_found() {
        let set_up = SetUp::healthy().await;
        set_up.execute("INSERT INTO _sqlx_migrations (version, description, success, checksum, execution_time) \
            VALUES (9999, 'later', TRUE, x'00', 1)").await;
        set_up.finds(&[], "tables: 1 migrations are newer", "install the newer version");
    }

    async fn a_database_without_a_shop_is_found() {
        let set_up = SetUp::empty(WELL).await;
        set_up.finds(&[], "shops: there is none", "footfall admin shop create");
    }

    async fn a_shop_without_a_live_key_is_found() {
        let set_up = SetUp::healthy().await;
        set_up.make_shop("keyless", &["--allow-origin", "https://moon.example"]);
        set_up.finds(&[], "shop keyless: it has no live key", "admin key create --shop keyless");
        set_up.make_key("keyless");
        assert!(set_up.told(&[]).0);
    }

    async fn secrets_that_are_missing_or_typed_are_found() {
        let set_up = SetUp::healthy().await;
        let typed = "abcabc".repeat(8);
        let mend = "openssl rand -hex 32";
        for secret in ["", typed.as_str()] {
            set_up.finds(&[("FOOTFALL_JWT_SECRET", secret)], "FOOTFALL_JWT_SECRET", mend);
        }
        set_up.finds(&[("FOOTFALL_EDGE_KEYS", "")], "FOOTFALL_EDGE_KEYS is not set", mend);
        let both = format!("{EDGE_KEY},{typed}");
        set_up.finds(&[("FOOTFALL_EDGE_KEYS", &both)], "FOOTFALL_EDGE_KEYS looks typed", mend);
    }

    async fn an_edge_that_is_away_or_not_named_is_found() {
        let set_up = SetUp::healthy().await;
        set_up.finds(&[("FOOTFALL_EDGES", NOBODY)], "edge: http://127.0.0.1:1", "FOOTFALL_EDGES");
        let elsewhere = format!("{},{NOBODY}", set_up.server);
        set_up.finds(&[("FOOTFALL_EDGES", &elsewhere)], "edge: http://127.0.0.1:1", "start it");
        set_up.finds(&[("FOOTFALL_EDGES", "")], "FOOTFALL_EDGES names none", "base URLs");
    }

    async fn an_edge_with_another_key_is_found() {
        let set_up = SetUp::healthy().await;
        let other = [("FOOTFALL_EDGE_KEYS", OTHER_KEY)];
        set_up.finds(&other, "answers a push with 401", "FOOTFALL_EDGE_KEYS");
        let rotating = format!("{EDGE_KEY},{OTHER_KEY}");
        assert!(set_up.told(&[("FOOTFALL_EDGE_KEYS", &rotating)]).0);
    }

    async fn an_edge_whose_clock_is_off_is_found() {
        let mut set_up = SetUp::healthy().await;
        set_up.server = serve(Running { seconds_ahead: 600, ..WELL }).await;
        set_up.finds(&[], "clock: ", "time service");
    }

    async fn an_edge_in_another_mode_is_found() {
        let mut set_up = SetUp::healthy().await;
        set_up.server = serve(Running { mode: "development", ..WELL }).await;
        set_up.finds(&[], "says development, and this is production", "FOOTFALL_MODE");
    }

    async fn a_shop_whose_key_any_site_may_use_is_found() {
        let set_up = SetUp::healthy().await;
        set_up.make_shop("open", &[]);
        set_up.make_key("open");
        set_up.finds(&[], "shop open: pages of any site", "allowed_origins=");
    }

    async fn a_proxy_that_is_not_counted_is_found() {
        let set_up = SetUp::healthy().await;
        let address = set_up.server.strip_prefix("http://").unwrap();
        let settings = [("FOOTFALL_EDGE_ADDR", address), ("FOOTFALL_TRUSTED_PROXY_HOPS", "0")];
        set_up.finds(&settings, "proxies: ", "X-Forwarded-For");
    }

    async fn an_origin_that_is_away_or_not_ready_is_found() {
        let set_up = SetUp::healthy().await;
        set_up.finds(&[("FOOTFALL_ORIGIN_URL", NOBODY)], "origin: nothing answers", "footfall serve");
        let ready = StatusCode::SERVICE_UNAVAILABLE;
        let server = serve(Running { ready, ..WELL }).await;
        set_up.finds(&[("FOOTFALL_ORIGIN_URL", &server)], "/ready answers 503", "log");
    }

    async fn files_that_cannot_be_read_are_found() {
        let set_up = SetUp::healthy().await;
        let none = "/no/such/file";
        set_up.finds(&[("FOOTFALL_GEO_MMDB", none)], "geography: ", "FOOTFALL_GEO_MMDB");
        let component = [("FOOTFALL_EDGE_COMPONENT", none)];
        set_up.finds(&component, "edge component: ", "make build");
    }

    async fn metrics_without_a_token_are_found() {
        let set_up = SetUp::healthy().await;
        set_up.finds(&[("FOOTFALL_METRICS_TOKEN", "")], "metrics: ", "Prometheus");
    }

    async fn changes_that_wait_for_an_edge_that_is_no_longer_named_are_found() {
        let set_up = SetUp::healthy().await;
        let change = ["admin", "shop", "set", "--shop", "moon", "--set", "locale=en"];
        set_up.succeed(&change, &[("FOOTFALL_EDGES", NOBODY)]);
        set_up.finds(&[], "changes wait for http://127.0.0.1:1", "FOOTFALL_EDGES");
    }

    async fn rejected_events_are_found() {
        let set_up = SetUp::healthy().await;
        set_up.execute("INSERT INTO rejected_events (shop_id, body_hash, body, reason, rejected_at) \
            VALUES ('', 'h', '{}', 'no shop', 1)").await;
        set_up.finds(&[], "events: 1 were rejected", "/api/events/rejected/replay");
    }

    async fn a_shop_that_shows_customers_to_the_unproven_is_found() {
        let set_up = SetUp::healthy().await;
        let loosen = ["admin", "shop", "set", "--shop", "moon", "--set", "reveal_from=claimed"];
        set_up.succeed(&loosen, &[]);
        set_up.finds(&[], "reveal_from is weaker", "reveal_from=verified");
    }

    async fn a_demo_shop_in_production_is_found() {
        let set_up = SetUp::healthy().await;
        set_up.make_shop("demo", &[]);
        set_up.make_key("demo");
        set_up.finds(&[], "the demo shop stands in a production database", "database of its own");
    }
}
