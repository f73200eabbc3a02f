//! The embedded edge host: runs Footfall's Spin component in-process on wasmtime.
//!
//! It runs the same component that `spin.toml` names and gives it what Spin would: HTTP in, HTTP
//! out to the origin, key-value, SQLite, variables. It knows no rule of the edge. Of its routes it calls
//! one, `POST /internal/flush`, at a steady pace because a component has no clock, and knows the others
//! only as names of spans.
//!
//! **Invariants:**
//! - A trap, an endless loop or a full memory ends one instance with one request in it; the others
//!   go on.
//! - Every queue, body, result and time is bounded by a named constant.
//! - The component reaches the origin and its own two files, nothing else.
//! - No query, body, address or header is logged.
//!
//! `docs/decisions/001-wasmtime-p3-pinned.md` tells why wasmtime is pinned to the patch.
#![cfg_attr(
    test,
    allow(
        clippy::unwrap_used,
        clippy::expect_used,
        clippy::panic,
        reason = "tests may panic"
    )
)]

mod bindings;
mod dispatch;
mod engine;
mod error;
mod fault;
mod geo;
mod guest;
mod key_value;
mod logs;
mod outgoing;
pub mod policy;
mod readers;
mod server;
mod sqlite;
mod ticker;
mod traces;
mod unreadable;
mod variables;

use dispatch::Dispatcher;
use geo::{GEO_HEADER, GeoLookup};
use guest::Stores;
use key_value::KeyValueStore;
use opentelemetry::global::BoxedTracer;
use outgoing::OriginClient;
use policy::Policy;
use server::Server;
use sqlite::{Database, MemoryDatabase};
use std::collections::BTreeMap;
use std::fs::{self, File, TryLockError};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;
use ticker::Ticker;
use variables::Variables;

pub use error::HostError;
pub use geo::GeoOptions;

/// How long a stop waits for the requests in flight, and then again for the last flush.
const STOP_PATIENCE: Duration = Duration::from_secs(5);

/// Makes the headers that sign a request to the component: takes the path and the body.
pub type FlushSigner = Arc<dyn Fn(&str, &[u8]) -> Vec<(String, String)> + Send + Sync>;

/// How to run the component.
pub struct HostOptions {
    /// Where to listen; port 0 takes a free one.
    pub listen: SocketAddr,
    /// The component: a `wasm32-wasip2` build that exports `wasi:http/handler@0.3.0`.
    pub component: PathBuf,
    /// Where `edge.db` (the component's SQLite database) and `kv.db` (its key-value store) live.
    /// One host at a time.
    pub data_dir: PathBuf,
    /// The component's Spin variables.
    pub variables: BTreeMap<String, String>,
    /// The only place that the component may send requests to: `http://host[:port]`.
    pub origin_url: String,
    /// The pace of the component's flush. 200 ms is a good one.
    pub flush_every: Duration,
    /// Signs the flush.
    pub flush_signer: FlushSigner,
    /// Where to look up the clients' country and city; `None` tells the component nothing.
    pub geo: Option<GeoOptions>,
    /// The shop's own policy, for a component that takes one; `None` leaves every choice to the built-in one.
    pub policy: Option<PathBuf>,
    /// Makes the spans of requests and of calls to the origin; `None` makes none.
    pub tracer: Option<BoxedTracer>,
}

/// A running host. Dropping it without [`Host::stop`] leaves its tasks to the runtime's end.
pub struct Host {
    server: Server,
    ticker: Ticker,
    stores: Arc<Stores>,
    /// Locked as long as it is open.
    _lock: File,
}

impl Host {
    /// Compiles the component (about 300 ms), opens its databases, listens.
    pub async fn start(options: HostOptions) -> Result<Self, HostError> {
        let tracer = options.tracer.map(Arc::new);
        let origin = OriginClient::new(&options.origin_url, tracer.clone())?;
        let lock = lock_directory(&options.data_dir)?;
        let HostOptions {
            component,
            data_dir,
            mut variables,
            geo,
            policy,
            ..
        } = options;
        let geo = geo.as_ref().map(GeoLookup::open).transpose()?;
        if geo.is_some() {
            variables.insert("geo_header".to_owned(), GEO_HEADER.as_str().to_owned());
        }
        // Compiling and opening block for a while: not on an async thread.
        let prepare = move || {
            let policy = policy.as_deref().map(Policy::load).transpose()?;
            let stores = Arc::new(Stores {
                key_value: Arc::new(KeyValueStore::open(&data_dir.join("kv.db"))?),
                database: Database::open(&data_dir.join("edge.db"))?,
                limits: Arc::new(MemoryDatabase::open()?),
                variables: Variables::new(variables),
                origin,
                policy,
                stopping: AtomicBool::new(false),
            });
            let handler = engine::load(&component, Arc::clone(&stores))?;
            Ok::<_, HostError>((stores, handler))
        };
        let prepared = tokio::task::spawn_blocking(prepare).await;
        let (stores, handler) = prepared.map_err(|e| HostError::Engine(e.into()))??;
        let dispatcher = Arc::new(Dispatcher::new(handler, geo, tracer));
        let server = Server::start(options.listen, Arc::clone(&dispatcher)).await?;
        let ticker = Ticker::start(dispatcher, options.flush_signer, options.flush_every);
        tracing::info!(port = server.address().port(), "the edge listens");
        Ok(Self {
            server,
            ticker,
            stores,
            _lock: lock,
        })
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.server.address()
    }

    /// How often the shop's own policy failed and the built-in one answered; `None` without a policy.
    pub fn policy_faults(&self) -> Option<u64> {
        self.stores.policy.as_ref().map(Policy::faults)
    }

    /// Stops accepting, finishes the requests in flight (bounded), flushes once more, closes the
    /// databases.
    pub async fn stop(self) {
        let Self {
            server,
            ticker,
            stores,
            _lock,
        } = self;
        server.stop(STOP_PATIENCE).await;
        ticker.stop(STOP_PATIENCE).await;
        stores.stopping.store(true, Ordering::Relaxed);
        stores.key_value.close().await;
        stores.database.close().await;
        tracing::info!("the edge has stopped");
    }
}

/// Tells a runtime to look for new work more often than tokio does by default. With the component's
/// requests, of some 40 µs each, that keeps the others' waits short. Call it where the runtime of
/// the host is built.
pub fn tune(runtime: &mut tokio::runtime::Builder) -> &mut tokio::runtime::Builder {
    runtime.event_interval(8).global_queue_interval(8)
}

/// Two hosts in one directory would each believe in their own cache.
fn lock_directory(directory: &Path) -> Result<File, HostError> {
    let failed = |source| HostError::DataDirectory {
        path: directory.to_owned(),
        source,
    };
    fs::create_dir_all(directory).map_err(failed)?;
    let file = File::create(directory.join("edge.lock")).map_err(failed)?;
    match file.try_lock() {
        Ok(()) => Ok(file),
        Err(TryLockError::WouldBlock) => Err(HostError::DataDirectoryInUse {
            path: directory.to_owned(),
        }),
        Err(TryLockError::Error(source)) => Err(failed(source)),
    }
}
