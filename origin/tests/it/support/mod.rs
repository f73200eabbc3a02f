//! The test world: a shop with its keys and an admin in a database of its own, and a client for each
//! kind of credential.

pub(crate) mod build;
mod client;
mod database;
mod doors;
mod everything;

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use axum::Router;
use footfall::app::{App, Clock};
use footfall::config::Config;
use footfall::db::Db;
use footfall::shops::create::{NewShop, create_key, create_shop, create_user};
use footfall::shops::{Role, Shop, keys};
use footfall_shared::keys::KeyKind;
use footfall_shared::mode::Mode;
use footfall_shared::permission::Scopes;
use footfall_shared::shop::ShopSettings;
use footfall_shared::time::UtcMillis;

pub(crate) use client::{Client, Credential, Reply};
pub(crate) use database::{Database, Store};
pub(crate) use doors::{Door, doors};
pub(crate) use everything::everything;

/// When each test begins: 2026-11-24T12:00:00Z, a Tuesday at 13:00 in the shop's time zone.
pub(crate) const START: UtcMillis = UtcMillis::new(1_795_521_600_000);

/// The edge's signing key in tests.
pub(crate) const EDGE_KEY: &str = "edge-key-of-the-tests-0123456789abcdef";

/// The secret of the access tokens in tests.
pub(crate) const JWT_SECRET: &str = "token-secret-of-the-tests-0123456789abcd";

/// Makes two tests of one, `…::on_sqlite` and `…::on_postgresql`.
macro_rules! on_both {
    ($($(#[$meta:meta])* async fn $name:ident($database:ident) $body:block)+) => {
        $(mod $name {
            #[allow(unused_imports, reason = "not each test needs what its file imports")]
            use super::*;

            async fn promise($database: $crate::support::Database) $body

            $(#[$meta])*
            #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn on_sqlite() {
                promise($crate::support::Database::Sqlite).await;
            }

            $(#[$meta])*
            #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn on_postgresql() {
                promise($crate::support::Database::Postgres).await;
            }
        })+
    };
}
pub(crate) use on_both;

/// A shop with its keys and one admin.
#[derive(Clone)]
pub(crate) struct Tenant {
    pub(crate) shop: Shop,
    pub(crate) publishable_key: String,
    pub(crate) secret_key: String,
    pub(crate) admin: (String, String),
}

/// The service over a database of its own, with one shop in it.
pub(crate) struct TestShop {
    pub(crate) app: App,
    pub(crate) tenant: Tenant,
    router: Router,
    clock: Arc<AtomicI64>,
    // Last, so that the database goes after everything that uses it.
    store: database::Store,
}

impl TestShop {
    /// A closed origin, as in production.
    pub(crate) async fn start(database: Database) -> Self {
        Self::start_in(database, Mode::Production).await
    }

    /// An origin in a mode of the test's choice.
    pub(crate) async fn start_in(database: Database, mode: Mode) -> Self {
        Self::start_with(database, mode, &[]).await
    }

    /// An origin with further settings, by their names in the environment.
    pub(crate) async fn start_with(
        database: Database,
        mode: Mode,
        settings: &[(&str, &str)],
    ) -> Self {
        let store = database::Store::make(database).await;
        let db = Db::connect(store.url()).await.unwrap();
        let journal = store.folder().join("erasures.jsonl");
        let journal = ("FOOTFALL_ERASURE_JOURNAL", journal.to_str().unwrap());
        let config = config(mode, store.url(), &[settings, &[journal]].concat());
        let clock = Arc::new(AtomicI64::new(START.get()));
        let app = App::with_clock(config, db, Clock::Held(Arc::clone(&clock)));
        let tenant = make_tenant(&app, "demo").await;
        let router = footfall::router::router(app.clone());
        Self {
            app,
            tenant,
            router,
            clock,
            store,
        }
    }

    /// A copy of the database as it is now. Nothing is to be under way.
    pub(crate) async fn back_up(&mut self) -> Store {
        // PostgreSQL copies no database that somebody is connected to.
        self.app.db().close().await;
        let copy = self.store.copy().await;
        let db = Db::connect(self.store.url()).await.unwrap();
        let clock = Clock::Held(Arc::clone(&self.clock));
        self.app = App::with_clock(self.app.config().clone(), db, clock);
        self.router = footfall::router::router(self.app.clone());
        copy
    }

    /// Another shop in the same database.
    pub(crate) async fn neighbour(&self) -> Tenant {
        self.tenant_of("neighbour").await
    }

    /// Another shop with this slug.
    pub(crate) async fn tenant_of(&self, slug: &str) -> Tenant {
        make_tenant(&self.app, slug).await
    }

    /// The shop under test.
    pub(crate) fn shop(&self) -> &Shop {
        &self.tenant.shop
    }

    /// Lets time pass.
    pub(crate) fn pass(&self, millis: i64) {
        self.clock.fetch_add(millis, Ordering::SeqCst);
    }

    /// A client with no credential.
    pub(crate) fn anonymous(&self) -> Client {
        self.client(Credential::None)
    }

    /// The shop's page: its publishable key.
    pub(crate) fn browser(&self) -> Client {
        self.client(Credential::Key(self.tenant.publishable_key.clone()))
    }

    /// The shop's server: its secret key.
    pub(crate) fn backend(&self) -> Client {
        self.client(Credential::Key(self.tenant.secret_key.clone()))
    }

    /// The shop's owner, who logs in for each call.
    pub(crate) fn admin(&self) -> Client {
        let (identifier, password) = self.tenant.admin.clone();
        self.client(Credential::Login(identifier, password))
    }

    /// A person of the shop with this role, logged in.
    pub(crate) async fn person(&self, role: Role) -> Client {
        let login = (
            format!("{}-person@demo.example", role.as_str()),
            "a long enough password".to_owned(),
        );
        let mut tx = self.app.db().begin().await.unwrap();
        let made = create_user(
            &mut tx,
            &self.shop().id,
            &login.0,
            login.1.clone(),
            role,
            self.app.now(),
        );
        made.await.unwrap();
        tx.commit().await.unwrap();
        self.person_of(&login.0, &login.1).await
    }

    /// Whoever has this identifier and password, of whichever shop, logged in.
    pub(crate) async fn person_of(&self, identifier: &str, password: &str) -> Client {
        let tokens = self
            .anonymous()
            .log_in(identifier, password)
            .await
            .expect(200);
        let token = tokens["data"]["access_token"].as_str().unwrap().to_owned();
        self.client(Credential::Token(token))
    }

    /// The shop's server with a key of these scopes.
    pub(crate) async fn scoped(&self, scopes: Scopes) -> Client {
        let mut tx = self.app.db().begin().await.unwrap();
        let (id, now) = (&self.shop().id, self.app.now());
        let made = keys::create_key(&mut tx, id, KeyKind::Secret, scopes, "scoped", now).await;
        tx.commit().await.unwrap();
        self.client(Credential::Key(made.unwrap().text))
    }

    /// An edge: signed calls.
    pub(crate) fn edge(&self) -> Client {
        self.client(Credential::Edge(EDGE_KEY.to_owned()))
    }

    /// Serves the shop's origin on a port of its own, for what needs a connection.
    pub(crate) async fn serve(&self) -> SocketAddr {
        Self::serve_app(&self.app).await
    }

    /// Serves an origin on a port of its own.
    pub(crate) async fn serve_app(app: &App) -> SocketAddr {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let router = footfall::router::router(app.clone());
        tokio::spawn(footfall::http::serve::serve(
            listener,
            router,
            std::future::pending(),
        ));
        address
    }

    /// A client with any credential.
    pub(crate) fn client(&self, credential: Credential) -> Client {
        Client::new(self.router.clone(), self.app.clone(), credential)
    }
}

/// The settings of a shop's origin with some of them changed.
pub(crate) fn config_of(shop: &TestShop, settings: &[(&str, &str)]) -> Config {
    let url = shop.app.config().database_url.reveal();
    config(shop.app.config().mode, url, settings)
}

fn config(mode: Mode, url: &str, settings: &[(&str, &str)]) -> Config {
    let own = [
        ("FOOTFALL_MODE", mode.as_str()),
        ("DATABASE_URL", url),
        ("FOOTFALL_EDGE_KEYS", EDGE_KEY),
        ("FOOTFALL_JWT_SECRET", JWT_SECRET),
        ("FOOTFALL_DEMO_SESSIONS", "0"),
    ];
    let find = |name: &str| {
        let found = settings.iter().chain(&own).find(|(key, _)| *key == name);
        found.map(|(_, value)| (*value).to_owned())
    };
    Config::load(None, find).unwrap()
}

async fn make_tenant(app: &App, slug: &str) -> Tenant {
    let now = app.now();
    let mut tx = app.db().begin().await.unwrap();
    let new = NewShop {
        slug: slug.into(),
        name: format!("The {slug} shop"),
        timezone: "Europe/Amsterdam".into(),
        currency: "EUR".into(),
        settings: ShopSettings::default(),
    };
    let shop = create_shop(&mut tx, new, now).await.unwrap();
    let (_, publishable_key) = create_key(&mut tx, &shop.id, KeyKind::Publishable, "page", now)
        .await
        .unwrap();
    let (_, secret_key) = create_key(&mut tx, &shop.id, KeyKind::Secret, "server", now)
        .await
        .unwrap();
    let admin = (
        format!("admin@{slug}.example"),
        format!("password of {slug}'s admin"),
    );
    create_user(
        &mut tx,
        &shop.id,
        &admin.0,
        admin.1.clone(),
        Role::Owner,
        now,
    )
    .await
    .unwrap();
    tx.commit().await.unwrap();
    Tenant {
        shop,
        publishable_key,
        secret_key,
        admin,
    }
}
