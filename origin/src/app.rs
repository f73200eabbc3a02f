//! What every handler may use: database, settings, clock and randomness.
//!
//! **Invariant:** the clock and the system's randomness are read here and nowhere else; use cases take
//! `now` and entropy as arguments or take `&App`.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::{SystemTime, UNIX_EPOCH};

use footfall_shared::mode::Access;
use footfall_shared::time::UtcMillis;
use tokio::sync::watch;

use crate::auth::TokenKey;
use crate::config::Config;
use crate::db::Db;
use crate::ingest::Intake;
use crate::live::Feed;
use crate::metrics::Metrics;

/// The application's state, cheap to clone.
#[derive(Debug, Clone)]
pub struct App(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    db: Db,
    config: Config,
    access: Access,
    clock: Clock,
    pushes: watch::Sender<()>,
    intake: Intake,
    tokens: TokenKey,
    metrics: Arc<Metrics>,
    live: Feed,
}

/// Where the time comes from.
#[derive(Debug, Clone)]
pub enum Clock {
    /// The system's clock.
    System,
    /// A clock that stands until a test moves it: epoch milliseconds.
    Held(Arc<AtomicI64>),
}

impl Clock {
    /// What it shows.
    #[must_use]
    pub fn now(&self) -> UtcMillis {
        match self {
            Self::System => {
                let since = SystemTime::now()
                    .duration_since(UNIX_EPOCH)
                    .unwrap_or_default();
                UtcMillis::new(i64::try_from(since.as_millis()).unwrap_or(i64::MAX))
            }
            Self::Held(millis) => UtcMillis::new(millis.load(Ordering::SeqCst)),
        }
    }
}

impl App {
    /// The state over an open database, with the system's clock.
    #[must_use]
    pub fn new(config: Config, db: Db) -> Self {
        Self::with_clock(config, db, Clock::System)
    }

    /// The state with a clock of the caller's choice.
    #[must_use]
    pub fn with_clock(config: Config, db: Db, clock: Clock) -> Self {
        let access = config.access();
        let tokens = TokenKey::of(config.jwt_secret.as_ref());
        Self(Arc::new(Inner {
            db,
            config,
            access,
            clock,
            pushes: watch::Sender::new(()),
            intake: Intake::default(),
            tokens,
            metrics: Arc::default(),
            live: Feed::default(),
        }))
    }

    /// The database.
    #[must_use]
    pub fn db(&self) -> &Db {
        &self.0.db
    }

    /// The settings.
    #[must_use]
    pub fn config(&self) -> &Config {
        &self.0.config
    }

    /// What the mode opens.
    #[must_use]
    pub fn access(&self) -> &Access {
        &self.0.access
    }

    /// Wakes this process's pusher: something was queued for the edges.
    #[must_use]
    pub fn pushes(&self) -> &watch::Sender<()> {
        &self.0.pushes
    }

    /// Now. Read once for each request, then passed on.
    #[must_use]
    pub fn now(&self) -> UtcMillis {
        self.0.clock.now()
    }

    /// Where batches of events wait for the next transaction.
    #[must_use]
    pub fn intake(&self) -> &Intake {
        &self.0.intake
    }

    /// What the tokens of people are signed with.
    #[must_use]
    pub fn tokens(&self) -> &TokenKey {
        &self.0.tokens
    }

    /// What this process counts.
    #[must_use]
    pub fn metrics(&self) -> &Arc<Metrics> {
        &self.0.metrics
    }

    /// What is told to clients as it happens.
    #[must_use]
    pub fn live(&self) -> &Feed {
        &self.0.live
    }

    /// Random bytes, for ids (`OfferId::generate(now, app.entropy())`) and secrets.
    #[must_use]
    pub fn entropy<const N: usize>(&self) -> [u8; N] {
        system_entropy()
    }
}

/// Random bytes from the system.
#[must_use]
pub fn system_entropy<const N: usize>() -> [u8; N] {
    let mut bytes = [0; N];
    if getrandom::fill(&mut bytes).is_err() {
        // Without randomness every id and key would be guessable or collide; there is no safe way on.
        std::process::abort();
    }
    bytes
}
