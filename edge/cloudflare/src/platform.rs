//! The platform: settings, clock, entropy, and what one request has of the isolate it runs in.

use std::cell::OnceCell;
use std::rc::Rc;

use footfall_edge::config::InvalidSetting;
use footfall_edge::lookups::UntoldLookups;
use footfall_edge::shops::{KitMemo, ShopMemo};
use footfall_edge::{EdgeConfig, Platform};
use footfall_shared::id::Entropy;
use footfall_shared::time::UtcMillis;
use wasm_bindgen::JsCast as _;
use worker::kv::KvStore;
use worker::{Context, Env, ObjectNamespace, js_sys};

use crate::border::KvNamespace;
use crate::cache::KvCache;
use crate::limiter::LocalLimiter;
use crate::origin::FetchOrigin;
use crate::outbox::ShardedOutbox;
use crate::sessions::SessionObjects;

/// The binding of the KV namespace.
const CACHE: &str = "CACHE";

thread_local! {
    /// What the isolate has read of its settings, kept for its further requests. A panic begins anew with it.
    static ISOLATE: OnceCell<Rc<Isolate>> = const { OnceCell::new() };
}

/// What all requests of an isolate share: settings, bindings, memory.
struct Isolate {
    config: EdgeConfig,
    origin_url: String,
    bindings: Rc<Bindings>,
    shops: ShopMemo,
    kits: KitMemo,
    untold: UntoldLookups,
}

/// The bindings that wrangler.toml names. Looking one up takes many steps, so each is looked up once.
pub(crate) struct Bindings {
    /// The namespace, for what is done for every request.
    pub(crate) kv: KvNamespace,
    /// The same, for the rest.
    pub(crate) store: KvStore,
    /// The latest pushes.
    pub(crate) recent: ObjectNamespace,
    /// The shards of the outbox.
    pub(crate) outbox: ObjectNamespace,
    /// The limiter's objects.
    pub(crate) limiter: ObjectNamespace,
    /// The sessions' objects.
    pub(crate) journeys: ObjectNamespace,
}

/// Workers' capabilities for one request.
pub(crate) struct CloudflarePlatform {
    isolate: Rc<Isolate>,
    cache: KvCache,
    outbox: ShardedOutbox,
    origin: FetchOrigin,
    limiter: LocalLimiter,
    sessions: SessionObjects,
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
    /// The platform of a request that came in at a location of Cloudflare's; `context` lets work go on after
    /// its answer.
    pub(crate) fn of_request(
        env: &Env,
        context: Context,
        location: Option<String>,
    ) -> Result<Self, Unusable> {
        Self::open(env, Some(context), location)
    }

    /// The platform of what nobody asked for.
    pub(crate) fn in_background(env: &Env) -> Result<Self, Unusable> {
        Self::open(env, None, None)
    }

    fn open(
        env: &Env,
        context: Option<Context>,
        location: Option<String>,
    ) -> Result<Self, Unusable> {
        let isolate = Isolate::get(env)?;
        let bindings = &isolate.bindings;
        Ok(Self {
            cache: KvCache::new(bindings, context),
            limiter: LocalLimiter::new(bindings, location),
            outbox: ShardedOutbox::new(bindings),
            sessions: SessionObjects::new(bindings),
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
            bindings: Rc::new(Bindings::of(env)?),
            shops: ShopMemo::default(),
            kits: KitMemo::default(),
            untold: UntoldLookups::default(),
        })
    }
}

impl Bindings {
    fn of(env: &Env) -> worker::Result<Self> {
        let kv = js_sys::Reflect::get(env, &CACHE.into())?;
        Ok(Self {
            store: env.kv(CACHE)?,
            kv: kv.unchecked_into(),
            recent: env.durable_object("RECENT")?,
            outbox: env.durable_object("OUTBOX")?,
            limiter: env.durable_object("LIMITER")?,
            journeys: env.durable_object("JOURNEYS")?,
        })
    }
}

impl Platform for CloudflarePlatform {
    type Cache = KvCache;
    type Outbox = ShardedOutbox;
    type Origin = FetchOrigin;
    type Limiter = LocalLimiter;
    type Sessions = SessionObjects;
    type Tally = ShardedOutbox;

    fn cache(&self) -> &KvCache {
        &self.cache
    }

    fn outbox(&self) -> &ShardedOutbox {
        &self.outbox
    }

    fn origin(&self) -> &FetchOrigin {
        &self.origin
    }

    fn limiter(&self) -> &LocalLimiter {
        &self.limiter
    }

    fn sessions(&self) -> &SessionObjects {
        &self.sessions
    }

    fn tally(&self) -> &ShardedOutbox {
        &self.outbox
    }

    fn untold(&self) -> &UntoldLookups {
        &self.isolate.untold
    }

    fn shops(&self) -> &ShopMemo {
        &self.isolate.shops
    }

    fn kits(&self) -> &KitMemo {
        &self.isolate.kits
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
    // worker's own clock makes an object of each time.
    #[expect(
        clippy::cast_possible_truncation,
        reason = "JavaScript's times are whole numbers far below the limit"
    )]
    UtcMillis::new(js_sys::Date::now() as i64)
}
