//! wasmtime: the compiled component, its instances, and when they end.

use crate::bindings;
use crate::error::HostError;
use crate::guest::{Guest, Stores};
use crate::policy;
use std::path::Path;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::task::{Context, Poll};
use std::time::{Duration, Instant};
use tokio::time::Sleep;
use wasmtime::component::{Component, GuestTaskId, HasSelf, Linker};
use wasmtime::{Config, Engine, InstanceAllocationStrategy, PoolingAllocationConfig, Store};
use wasmtime::{StoreContextMut, error::Context as _};
use wasmtime_wasi_http::WasiHttpView as _;
use wasmtime_wasi_http::handler::{
    HandlerState, Instance, Proxy, ProxyHandler, ShouldAccept, WorkerExpiration, WorkerState,
    WorkerStatus,
};
use wasmtime_wasi_http::p3::bindings::ServicePre;

/// Requests that are inside the component at once; more wait.
pub(crate) const CONCURRENT_REQUESTS_MAX: usize = 256;
/// Instances that exist at once. More than the requests, because one that has answered may still be
/// busy for a while, and a timed-out one lives a little longer than its request.
const INSTANCES_MAX: u32 = 1000;
/// A component has a few core modules, memories and tables (its own, and the adapters of its kind).
const PARTS_PER_INSTANCE: u32 = 4;
/// What an instance may use. The component needs 2 to 4 MiB; a full event batch some more.
const MEMORY_BYTES_MAX: usize = 64 << 20;
/// What stays mapped when a slot is reused: halves the cost of a fresh instance.
const MEMORY_RESIDENT_BYTES: usize = 4 << 20;
const WARM_SLOTS_MAX: u32 = 200;
/// A reused instance is replaced after so many requests, so that a leak stays small.
const REQUESTS_PER_INSTANCE_MAX: usize = 1000;
/// How often a busy guest gives way to the others.
const EPOCH: Duration = Duration::from_millis(10);
/// The longest time from a request to its reply.
pub(crate) const REQUEST_TIME_MAX: Duration = Duration::from_secs(10);
/// The server answers first, then the instance is taken down.
const TAKE_DOWN_DELAY: Duration = Duration::from_millis(250);
/// An instance without work gives its memory back.
const IDLE_TIME_MAX: Duration = Duration::from_secs(30);

/// Runs requests in instances of the component. Cheap to clone.
pub(crate) type Handler = ProxyHandler<Instances>;

/// Compiles the component and gets it ready to be instantiated. Takes about 300 ms of CPU time.
pub(crate) fn load(component: &Path, stores: Arc<Stores>) -> Result<Handler, HostError> {
    let engine = Engine::new(&config()).map_err(|e| HostError::Engine(e.into()))?;
    let failed = |e: wasmtime::Error| HostError::Component {
        path: component.to_owned(),
        source: e.into(),
    };
    let compiled = Component::from_file(&engine, component).map_err(failed)?;
    if stores.policy.is_some() && !policy::is_taken_by(&compiled) {
        return Err(HostError::PolicyNotTaken {
            path: component.to_owned(),
        });
    }
    let service = prepare(&engine, &compiled).map_err(failed)?;
    spawn_epochs(&engine)?;
    Ok(ProxyHandler::new(Instances {
        engine,
        service,
        stores,
    }))
}

fn config() -> Config {
    let mut pool = PoolingAllocationConfig::default();
    pool.total_component_instances(INSTANCES_MAX)
        .total_core_instances(INSTANCES_MAX * PARTS_PER_INSTANCE)
        .total_memories(INSTANCES_MAX)
        .total_tables(INSTANCES_MAX * PARTS_PER_INSTANCE)
        .total_stacks(INSTANCES_MAX)
        .max_memory_size(MEMORY_BYTES_MAX)
        .linear_memory_keep_resident(MEMORY_RESIDENT_BYTES)
        .max_unused_warm_slots(WARM_SLOTS_MAX);
    let mut config = Config::new();
    config
        .wasm_component_model_async(true)
        .epoch_interruption(true)
        .allocation_strategy(InstanceAllocationStrategy::Pooling(pool));
    config
}

/// The imports of the component are looked up once, here.
fn prepare(engine: &Engine, component: &Component) -> wasmtime::Result<ServicePre<Guest>> {
    let mut linker = Linker::<Guest>::new(engine);
    // Rust's standard library asks for WASI 0.2, the SDK for 0.3.
    wasmtime_wasi::p2::add_to_linker_async(&mut linker)?;
    wasmtime_wasi::p3::add_to_linker(&mut linker)?;
    wasmtime_wasi_http::p3::add_to_linker(&mut linker)?;
    bindings::Capabilities::add_to_linker::<_, HasSelf<Guest>>(&mut linker, |guest| guest)?;
    policy::add_to_linker(&mut linker)?;
    ServicePre::new(linker.instantiate_pre(component)?)
}

/// Lets time pass for the guests. Ends with the engine.
fn spawn_epochs(engine: &Engine) -> Result<(), HostError> {
    let engine = engine.weak();
    let thread = std::thread::Builder::new().name("edge-epochs".to_owned());
    let ticks = move || {
        while let Some(engine) = engine.upgrade() {
            engine.increment_epoch();
            drop(engine);
            std::thread::sleep(EPOCH);
        }
    };
    thread.spawn(ticks).map_err(HostError::Thread)?;
    Ok(())
}

/// Makes instances, for [`ProxyHandler`].
pub(crate) struct Instances {
    engine: Engine,
    service: ServicePre<Guest>,
    stores: Arc<Stores>,
}

impl HandlerState for Instances {
    type StoreData = Guest;
    type WorkerExpiration = Expiration;
    type WorkerState = Reuse;

    async fn instantiate(&self) -> wasmtime::Result<Instance<Guest, Expiration, Reuse>> {
        let mut store = Store::new(&self.engine, Guest::new(Arc::clone(&self.stores)));
        // A guest in an endless loop yields at every epoch, so that the others are served and its
        // own expiration is noticed.
        store.epoch_deadline_async_yield_and_update(1);
        let service = self.service.instantiate_async(&mut store).await;
        Ok(Instance {
            proxy: Proxy::P3(service.context("cannot instantiate the component")?),
            store,
            view: Guest::http,
            expiration: Expiration::new(),
            state: Reuse,
        })
    }
}

/// Which requests an instance takes.
pub(crate) struct Reuse;

impl WorkerState for Reuse {
    type StoreData = Guest;
    type RequestData = ();

    /// One at a time: a trap ends the whole instance, with every request in it.
    fn should_accept_request(&self, concurrent: usize, total: usize) -> ShouldAccept {
        if total >= REQUESTS_PER_INSTANCE_MAX {
            ShouldAccept::Never
        } else if concurrent >= 1 {
            ShouldAccept::No
        } else {
            ShouldAccept::Yes
        }
    }

    /// The server keeps the time of a request, and [`Expiration`] that of the instance.
    fn on_request_start(
        &self,
        _: StoreContextMut<'_, Guest>,
        (): (),
        _: GuestTaskId,
    ) -> Pin<Box<dyn Future<Output = ()> + 'static + Send + Sync>> {
        Box::pin(std::future::pending())
    }

    fn drop(&self, store: Store<Guest>, result: wasmtime::Result<()>) {
        // Idle instances go with the runtime; wasmtime takes that for a panic.
        let stopping = store.data().stores.stopping.load(Ordering::Relaxed);
        drop(store);
        if let Some(error) = result.err().filter(|_| !stopping) {
            tracing::error!(
                error = format!("{error:#}"),
                "an instance of the component failed"
            );
        }
    }
}

/// Ends an instance that is busy for too long, or idle for long.
pub(crate) struct Expiration {
    timer: Pin<Box<Sleep>>,
}

impl Expiration {
    fn new() -> Self {
        Self {
            timer: Box::pin(tokio::time::sleep(REQUEST_TIME_MAX + TAKE_DOWN_DELAY)),
        }
    }
}

impl WorkerExpiration for Expiration {
    fn poll(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        status: WorkerStatus,
        start: Instant,
    ) -> Poll<()> {
        let time_max = match status {
            WorkerStatus::Idle => IDLE_TIME_MAX,
            WorkerStatus::Requests | WorkerStatus::PostReturn => REQUEST_TIME_MAX + TAKE_DOWN_DELAY,
        };
        let deadline = tokio::time::Instant::from_std(start + time_max);
        // The state changes with every request, the timer only when it would come too late or has
        // come too early: that keeps the timer wheel out of the hot path.
        if deadline < self.timer.deadline() {
            self.timer.as_mut().reset(deadline);
        }
        while self.timer.as_mut().poll(context).is_ready() {
            if deadline <= tokio::time::Instant::now() {
                return Poll::Ready(());
            }
            self.timer.as_mut().reset(deadline);
        }
        Poll::Pending
    }
}
