//! What belongs to one instance of the component: its WASI contexts, its resources, and the shared
//! stores that it may use.

use crate::key_value::KeyValueStore;
use crate::logs::{GuestLog, LogLevel};
use crate::outgoing::{OriginClient, OriginHooks};
use crate::policy::Policy;
use crate::sqlite::{Database, MemoryDatabase};
use crate::variables::Variables;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use wasmtime_wasi::{ResourceTable, WasiCtx, WasiCtxBuilder, WasiCtxView, WasiView};
use wasmtime_wasi_http::{WasiHttpCtx, WasiHttpCtxView, WasiHttpView};

/// What all instances share.
pub(crate) struct Stores {
    pub(crate) key_value: Arc<KeyValueStore>,
    pub(crate) database: Arc<Database>,
    pub(crate) limits: Arc<MemoryDatabase>,
    pub(crate) variables: Variables,
    pub(crate) origin: OriginClient,
    /// The shop's own policy.
    pub(crate) policy: Option<Policy>,
    /// The host stops: instances that end from now on are no fault.
    pub(crate) stopping: AtomicBool,
}

/// The data of one wasmtime store.
pub(crate) struct Guest {
    pub(crate) stores: Arc<Stores>,
    pub(crate) table: ResourceTable,
    wasi: WasiCtx,
    http: WasiHttpCtx,
    hooks: OriginHooks,
}

impl Guest {
    /// A fresh instance's data: no files, no environment, no arguments, no sockets.
    pub(crate) fn new(stores: Arc<Stores>) -> Self {
        let wasi = WasiCtxBuilder::new()
            .stdout(GuestLog(LogLevel::Debug))
            .stderr(GuestLog(LogLevel::Warn))
            .allow_tcp(false)
            .allow_udp(false)
            .build();
        Self {
            hooks: OriginHooks(stores.origin.clone()),
            stores,
            table: ResourceTable::new(),
            wasi,
            http: WasiHttpCtx::new(),
        }
    }
}

impl WasiView for Guest {
    fn ctx(&mut self) -> WasiCtxView<'_> {
        WasiCtxView {
            ctx: &mut self.wasi,
            table: &mut self.table,
        }
    }
}

impl WasiHttpView for Guest {
    fn http(&mut self) -> WasiHttpCtxView<'_> {
        WasiHttpCtxView {
            ctx: &mut self.http,
            table: &mut self.table,
            hooks: &mut self.hooks,
        }
    }
}
