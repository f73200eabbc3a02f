//! The test world: a shop with its keys and an admin in a database of its own, and a client for each
//! kind of credential.

pub(crate) mod build;
mod client;
mod database;

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use axum::Router;
use footfall::app::{App, Clock};
use footfall::config::Config;
use footfall::db::Db;
use footfall::shops::create::{NewShop, create_key, create_shop, create_user};
use footfall::shops::{Role, Shop};
use footfall_shared::keys::KeyKind;
use footfall_shared::mode::Mode;
use footfall_shared::shop::ShopSettings;
use footfall_shared::time::UtcMillis;

pub(crate) use client::{Client, Credential, Reply};
pub(crate) use database::{Database, Store};

/// When each test begins: 2026-11-24T12:00:00Z, a Tuesday at 13:00 in the shop's time zone.
pub(crate) const START: UtcMillis = UtcMillis::new(1_795_521_600_000);

/// The edge's signing key in tests.
pub(crate) const EDGE_KEY: &str = "edge-key-of-the-tests-0123456789abcdef";

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
    _store: database::Store,
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
        let config = config(mode, store.url(), settings);
        let clock = Arc::new(AtomicI64::new(START.get()));
        let app = App::with_clock(config, db, Clock::Held(Arc::clone(&clock)));
        let tenant = make_tenant(&app, "demo").await;
        let router = footfall::router::router(app.clone());
        Self {
            app,
            tenant,
            router,
            clock,
            _store: store,
        }
    }

    /// Another shop in the same database.
    pub(crate) async fn neighbour(&self) -> Tenant {
        make_tenant(&self.app, "neighbour").await
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

    /// The shop's admin: identifier and password.
    pub(crate) fn admin(&self) -> Client {
        let (identifier, password) = self.tenant.admin.clone();
        self.client(Credential::Login(identifier, password))
    }

    /// An edge: signed calls.
    pub(crate) fn edge(&self) -> Client {
        self.client(Credential::Edge(EDGE_KEY.to_owned()))
    }

    /// A client with any credential.
    pub(crate) fn client(&self, credential: Credential) -> Client {
        Client::new(self.router.clone(), self.app.clone(), credential)
    }
}

fn config(mode: Mode, url: &str, settings: &[(&str, &str)]) -> Config {
    let own = [
        ("FOOTFALL_MODE", mode.as_str()),
        ("DATABASE_URL", url),
        ("FOOTFALL_EDGE_KEYS", EDGE_KEY),
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
