//! The platform: settings, clock, entropy, and what one request has of the isolate it runs in.

use std::cell::OnceCell;
use std::rc::Rc;

use footfall_edge::config::InvalidSetting;
use footfall_edge::shops::ShopMemo;
use footfall_edge::{EdgeConfig, Platform};
use footfall_shared::id::Entropy;
use footfall_shared::time::UtcMillis;
use worker::{Context, Env};

use crate::cache::KvCache;
use crate::origin::FetchOrigin;
use crate::outbox::ShardedOutbox;

thread_local! {
    /// What the isolate has read of its settings, kept for its further requests. A panic begins anew with it.
    static ISOLATE: OnceCell<Rc<Isolate>> = const { OnceCell::new() };
}

/// Settings and memory that all requests of an isolate share.
struct Isolate {
    config: EdgeConfig,
    origin_url: String,
    shops: ShopMemo,
}

/// Workers' capabilities for one request.
pub(crate) struct CloudflarePlatform {
    isolate: Rc<Isolate>,
    cache: KvCache,
    outbox: ShardedOutbox,
    origin: FetchOrigin,
}

/// Why the Worker cannot serve: its settings or bindings are wrong.
#[derive(Debug)]
pub(crate) enum Unusable {
    /// A setting.
    Setting(InvalidSetting),
    /// A binding that wrangler.toml should name.
    Binding(worker::Error),
}

impl std::fmt::Display for Unusable {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Setting(fault) => fault.fmt(f),
            Self::Binding(fault) => fault.fmt(f),
        }
    }
}

impl From<InvalidSetting> for Unusable {
    fn from(fault: InvalidSetting) -> Self {
        Self::Setting(fault)
    }
}

impl From<worker::Error> for Unusable {
    fn from(fault: worker::Error) -> Self {
        Self::Binding(fault)
    }
}

impl CloudflarePlatform {
    /// The platform of one request; `context` lets work go on after the answer, where there is a request.
    pub(crate) fn open(env: &Env, context: Option<Context>) -> Result<Self, Unusable> {
        let isolate = Isolate::get(env)?;
        Ok(Self {
            cache: KvCache::open(env, context)?,
            outbox: ShardedOutbox::open(env)?,
            origin: FetchOrigin::new(&isolate.origin_url),
            isolate,
        })
    }

    /// The outbox with the ways that only a Worker's own handlers use.
    pub(crate) fn shards(&self) -> &ShardedOutbox {
        &self.outbox
    }
}

impl Isolate {
    fn get(env: &Env) -> Result<Rc<Self>, Unusable> {
        if let Some(isolate) = ISOLATE.with(|cell| cell.get().cloned()) {
            return Ok(isolate);
        }
        let read = Rc::new(Self::read(env)?);
        Ok(ISOLATE.with(|cell| cell.get_or_init(|| read).clone()))
    }

    fn read(env: &Env) -> Result<Self, Unusable> {
        // What is not there is an empty text: the core knows which settings may be.
        let variable = |name: &str| {
            env.var(name)
                .map(|text| text.to_string())
                .unwrap_or_default()
        };
        let config = EdgeConfig::parse(
            &variable("MODE"),
            &variable("EDGE_KEYS"),
            &variable("TRUSTED_PROXY_HOPS"),
        )?;
        Ok(Self {
            config,
            origin_url: FetchOrigin::check(&variable("ORIGIN_URL"))?,
            shops: ShopMemo::default(),
        })
    }
}

impl Platform for CloudflarePlatform {
    type Cache = KvCache;
    type Outbox = ShardedOutbox;
    type Origin = FetchOrigin;

    fn cache(&self) -> &KvCache {
        &self.cache
    }

    fn outbox(&self) -> &ShardedOutbox {
        &self.outbox
    }

    fn origin(&self) -> &FetchOrigin {
        &self.origin
    }

    fn shops(&self) -> &ShopMemo {
        &self.isolate.shops
    }

    fn config(&self) -> &EdgeConfig {
        &self.isolate.config
    }

    fn now(&self) -> UtcMillis {
        now()
    }

    fn entropy(&self) -> Entropy {
        entropy()
    }
}

/// Ten bytes from Web Crypto.
pub(crate) fn entropy() -> Entropy {
    let mut entropy = [0; 10];
    // `crypto.getRandomValues` does not fail; were it to, a panic is right: an id made without it could
    // meet another one's.
    #[expect(clippy::expect_used, reason = "see above")]
    getrandom::fill(&mut entropy).expect("Web Crypto");
    entropy
}

/// The clock. It stands still between two answers of the outside, which is how Workers are made.
pub(crate) fn now() -> UtcMillis {
    UtcMillis::new(i64::try_from(worker::Date::now().as_millis()).unwrap_or(i64::MAX))
}
