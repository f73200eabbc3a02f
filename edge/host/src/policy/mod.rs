//! A shop's own policy: a component that ranks what a shopper may be shown.
//!
//! **Invariant:** a policy is a guest with nothing: no files, no network, no environment. A call that traps or takes
//! longer than [`TIME_MAX`] counts as a fault, and the built-in way to choose answers
//! (`a_policy_that_traps_or_is_late_is_none`).

mod import;

use std::path::Path;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use sha2::{Digest, Sha256};
use wasmtime::component::{Component, Linker, ResourceTable};
use wasmtime::{Config, Engine, Store, StoreLimits, StoreLimitsBuilder};
use wasmtime_wasi::{WasiCtx, WasiCtxBuilder, WasiCtxView, WasiView};

use crate::error::HostError;
pub use bindings::exports::footfall::policy::ranker::{
    Candidate, Context, Lift, Ranked, Ranking, Shopper,
};
pub(crate) use import::{add_to_linker, is_taken_by};

#[allow(missing_docs, unreachable_pub, reason = "generated code")]
mod bindings {
    wasmtime::component::bindgen!({
        path: "../../wit/policy",
        world: "footfall:policy/policy",
    });
}

/// How long a policy may think of one slot.
const TIME_MAX: Duration = Duration::from_millis(5);
/// How often its time is looked at.
const TICK: Duration = Duration::from_millis(1);
/// How many instructions it may take: far more than a ranking needs, and an end on a machine that stands still.
const FUEL: u64 = 20_000_000;
/// What it may use of memory.
const MEMORY_BYTES_MAX: usize = 16 << 20;
/// Faults are logged as they double: a policy that always fails must not fill the log.
const fn is_told(faults: u64) -> bool {
    faults.is_power_of_two()
}

/// A policy that is ready to be asked.
pub struct Policy {
    engine: Engine,
    ready: bindings::PolicyPre<State>,
    version: String,
    faults: AtomicU64,
}

struct State {
    wasi: WasiCtx,
    table: ResourceTable,
    limits: StoreLimits,
}

impl WasiView for State {
    fn ctx(&mut self) -> WasiCtxView<'_> {
        WasiCtxView {
            ctx: &mut self.wasi,
            table: &mut self.table,
        }
    }
}

impl Policy {
    /// Compiles a policy.
    ///
    /// # Errors
    /// [`HostError::Policy`] where the file is no component that exports `footfall:policy/ranker`.
    pub fn load(path: &Path) -> Result<Self, HostError> {
        let failed = |source: wasmtime::Error| HostError::Policy {
            path: path.to_owned(),
            source: source.into(),
        };
        let bytes = std::fs::read(path).map_err(|cause| failed(cause.into()))?;
        let mut config = Config::new();
        config.consume_fuel(true).epoch_interruption(true);
        let engine = Engine::new(&config).map_err(failed)?;
        let component = Component::new(&engine, &bytes).map_err(failed)?;
        let mut linker = Linker::<State>::new(&engine);
        // What Rust's standard library asks for; there is nothing behind it.
        wasmtime_wasi::p2::add_to_linker_sync(&mut linker).map_err(failed)?;
        let ready = linker.instantiate_pre(&component).map_err(failed)?;
        let ready = bindings::PolicyPre::new(ready).map_err(failed)?;
        spawn_ticks(&engine)?;
        Ok(Self {
            engine,
            ready,
            version: format!(
                "sha256:{}",
                footfall_shared::text::hex(&Sha256::digest(&bytes))
            ),
            faults: AtomicU64::new(0),
        })
    }

    /// The digest of its file.
    pub fn version(&self) -> &str {
        &self.version
    }

    /// How often it failed.
    pub fn faults(&self) -> u64 {
        self.faults.load(Ordering::Relaxed)
    }

    /// Asks for a slot's ranking; `None` where the policy has no answer, or failed. Each question meets a fresh
    /// instance: nothing is carried from one shopper to the next.
    pub fn rank(
        &self,
        shopper: &Shopper,
        candidates: &[Candidate],
        context: &Context,
    ) -> Option<Ranking> {
        match self.ask(shopper, candidates, context) {
            Ok(ranking) => ranking.map(|ranking| Ranking {
                version: self.version.clone(),
                ..ranking
            }),
            Err(error) => {
                let faults = self.faults.fetch_add(1, Ordering::Relaxed) + 1;
                if is_told(faults) {
                    let error = format!("{error:#}");
                    tracing::warn!(
                        faults,
                        error,
                        "the shop's policy failed; the built-in one answers"
                    );
                }
                None
            }
        }
    }

    fn ask(
        &self,
        shopper: &Shopper,
        candidates: &[Candidate],
        context: &Context,
    ) -> wasmtime::Result<Option<Ranking>> {
        let state = State {
            wasi: WasiCtxBuilder::new().build(),
            table: ResourceTable::new(),
            limits: StoreLimitsBuilder::new()
                .memory_size(MEMORY_BYTES_MAX)
                .instances(8)
                .build(),
        };
        let mut store = Store::new(&self.engine, state);
        store.limiter(|state| &mut state.limits);
        store.set_fuel(FUEL)?;
        let ticks = TIME_MAX.as_millis() / TICK.as_millis();
        store.set_epoch_deadline(u64::try_from(ticks).unwrap_or(1));
        let policy = self.ready.instantiate(&mut store)?;
        let ranker = policy.footfall_policy_ranker();
        ranker.call_rank(&mut store, shopper, candidates, context)
    }
}

/// Lets time pass for the policy. Ends with the engine.
fn spawn_ticks(engine: &Engine) -> Result<(), HostError> {
    let engine = engine.weak();
    let thread = std::thread::Builder::new().name("policy-ticks".to_owned());
    let ticks = move || {
        while let Some(engine) = engine.upgrade() {
            engine.increment_epoch();
            drop(engine);
            std::thread::sleep(TICK);
        }
    };
    thread.spawn(ticks).map_err(HostError::Thread)?;
    Ok(())
}
