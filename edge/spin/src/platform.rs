//! The platform: settings, clock, entropy and the key-value cache.

use std::cell::OnceCell;
use std::rc::Rc;
use std::time::{SystemTime, UNIX_EPOCH};

use anyhow::Context as _;
use footfall_edge::cache::floor_key;
use footfall_edge::lookups::UntoldLookups;
#[cfg(feature = "policy")]
use footfall_edge::platform::Asked;
use footfall_edge::platform::{Cache, CacheError};
use footfall_edge::shops::{KitMemo, ShopMemo};
use footfall_edge::{EdgeConfig, Platform};
use footfall_shared::id::{Entropy, OutboxId};
#[cfg(feature = "policy")]
use footfall_shared::journey::content::decide::Ranked;
use footfall_shared::time::UtcMillis;
use spin_sdk::key_value::{Error, Store};
use spin_sdk::variables;

use crate::database::Database;
use crate::limiter::SpinLimiter;
use crate::origin::SpinOrigin;
use crate::outbox::SpinOutbox;
use crate::schema;
use crate::sessions::SpinSessions;
use crate::tally::SpinTally;

/// Bytes of events that an outbox holds where the variable does not say: 1 GiB, about a million events.
const OUTBOX_BYTES_MAX: &str = "1073741824";

thread_local! {
    /// What this instance opened, kept for its further requests.
    static PLATFORM: OnceCell<Rc<SpinPlatform>> = const { OnceCell::new() };
}

/// Spin's capabilities, opened once.
pub(crate) struct SpinPlatform {
    cache: SpinCache,
    outbox: SpinOutbox,
    limiter: SpinLimiter,
    sessions: SpinSessions,
    tally: SpinTally,
    untold: UntoldLookups,
    origin: SpinOrigin,
    config: EdgeConfig,
    geo_header: String,
    shops: ShopMemo,
    kits: KitMemo,
}

impl SpinPlatform {
    /// The instance's platform, opened with its first request.
    pub(crate) async fn get() -> anyhow::Result<Rc<Self>> {
        if let Some(platform) = PLATFORM.with(|cell| cell.get().cloned()) {
            return Ok(platform);
        }
        let opened = Rc::new(Self::open().await?);
        Ok(PLATFORM.with(|cell| cell.get_or_init(|| opened).clone()))
    }

    /// The header that tells where the client is; empty where none is to be believed.
    pub(crate) fn geo_header(&self) -> &str {
        &self.geo_header
    }

    async fn open() -> anyhow::Result<Self> {
        let variable = async |name: &str| -> anyhow::Result<String> {
            variables::get(name)
                .await
                .with_context(|| format!("variable {name}"))
        };
        let config = EdgeConfig::parse(
            &variable("mode").await?,
            &variable("edge_keys").await?,
            &variable("trusted_proxy_hops").await?,
        )?;
        let new = OutboxId::generate(now(), entropy());
        let bytes_max = variables::get("outbox_bytes_max").await;
        let bytes_max = bytes_max
            .unwrap_or_else(|_| OUTBOX_BYTES_MAX.to_owned())
            .parse()
            .context("variable outbox_bytes_max")?;
        let database = Rc::new(Database::open("default").context("SQLite database")?);
        schema::make(&database).context("schema")?;
        let counts = Rc::new(Database::open_for_counts().context("limits")?);
        Ok(Self {
            cache: SpinCache(Store::open_default().await.context("key-value store")?),
            outbox: SpinOutbox::open(Rc::clone(&database), &new, bytes_max).context("outbox")?,
            sessions: SpinSessions::new(database, bytes_max),
            limiter: SpinLimiter::open(Rc::clone(&counts)).context("limits")?,
            tally: SpinTally::open(counts).context("tally")?,
            untold: UntoldLookups::default(),
            origin: SpinOrigin::new(&variable("origin_url").await?)?,
            config,
            // This one and the last may be missing altogether.
            geo_header: variables::get("geo_header")
                .await
                .unwrap_or_default()
                .to_ascii_lowercase(),
            shops: ShopMemo::default(),
            kits: KitMemo::default(),
        })
    }
}

impl Platform for SpinPlatform {
    type Cache = SpinCache;
    type Outbox = SpinOutbox;
    type Origin = SpinOrigin;
    type Limiter = SpinLimiter;
    type Sessions = SpinSessions;
    type Tally = SpinTally;

    fn cache(&self) -> &SpinCache {
        &self.cache
    }

    fn outbox(&self) -> &SpinOutbox {
        &self.outbox
    }

    fn origin(&self) -> &SpinOrigin {
        &self.origin
    }

    fn limiter(&self) -> &SpinLimiter {
        &self.limiter
    }

    fn sessions(&self) -> &SpinSessions {
        &self.sessions
    }

    fn tally(&self) -> &SpinTally {
        &self.tally
    }

    fn untold(&self) -> &UntoldLookups {
        &self.untold
    }

    fn shops(&self) -> &ShopMemo {
        &self.shops
    }

    fn kits(&self) -> &KitMemo {
        &self.kits
    }

    fn config(&self) -> &EdgeConfig {
        &self.config
    }

    #[cfg(feature = "policy")]
    fn rank(&self, asked: &Asked<'_>) -> Option<Ranked> {
        crate::policy::rank(asked)
    }

    fn now(&self) -> UtcMillis {
        now()
    }

    fn entropy(&self) -> Entropy {
        entropy()
    }
}

fn now() -> UtcMillis {
    let since = SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .unwrap_or_default();
    UtcMillis::new(i64::try_from(since.as_millis()).unwrap_or(i64::MAX))
}

fn entropy() -> Entropy {
    let mut entropy = [0; 10];
    // WASI's random source does not fail; were it to, a panic is right: an id made without it could
    // meet another one's.
    #[expect(clippy::expect_used, reason = "see above")]
    getrandom::fill(&mut entropy).expect("WASI random");
    entropy
}

/// The key-value store as the cache.
pub(crate) struct SpinCache(Store);

impl Cache for SpinCache {
    async fn get(&self, key: &str) -> Result<Option<Vec<u8>>, CacheError> {
        self.0.get(key).await.map_err(failed)
    }

    async fn put(&self, key: &str, value: &[u8]) -> Result<(), CacheError> {
        self.0.set(key, value).await.map_err(failed)
    }

    async fn remove(&self, key: &str) -> Result<(), CacheError> {
        for key in [key, floor_key(key).as_str()] {
            self.0.delete(key).await.map_err(failed)?;
        }
        Ok(())
    }
}

fn failed(fault: Error) -> CacheError {
    CacheError(fault.to_string())
}
