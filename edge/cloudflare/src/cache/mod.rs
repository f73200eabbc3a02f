//! The cache: Workers KV, and over it what was pushed lately.
//!
//! KV shows a change at other locations within a minute. A push must be seen within seconds, so its version
//! goes to the Durable Object [`recent::Recent`] first, which all isolates ask every few seconds
//! ([`floors`]): an entry of KV that is older than a push they know of is not shown, and the origin is
//! asked instead.

mod floors;
pub(crate) mod recent;

use std::collections::HashMap;
use std::rc::Rc;

use footfall_edge::cache;
use footfall_edge::platform::{Cache, CacheError, Pushed};
use futures_util::future::try_join_all;
use wasm_bindgen::JsValue;
use worker::Context;
use worker::js_sys::Uint8Array;
use worker::js_sys::futures::JsFuture;

use self::floors::FloorsHere;
use self::recent::{Question, Raise};
use crate::platform::Bindings;

/// How long an entry is kept, in seconds: longer than any is used, so that what nobody asks for any more
/// does not stay.
const KEPT_S: u64 = 2 * 24 * 60 * 60;

/// The cache of one request.
pub(crate) struct KvCache {
    bindings: Rc<Bindings>,
    context: Option<Context>,
}

impl KvCache {
    /// The cache of the Worker's bindings.
    pub(crate) fn new(bindings: &Rc<Bindings>, context: Option<Context>) -> Self {
        Self {
            bindings: Rc::clone(bindings),
            context,
        }
    }

    async fn read(&self, key: &str) -> Result<Option<Vec<u8>>, CacheError> {
        let failed = |fault: JsValue| failed(worker::Error::from(fault));
        let held = self.bindings.kv.get(key, "arrayBuffer").map_err(failed)?;
        let held = JsFuture::from(held).await.map_err(failed)?;
        Ok((!held.is_null()).then(|| Uint8Array::new(&held).to_vec()))
    }

    async fn floors(&self) -> Result<FloorsHere, CacheError> {
        floors::lately(&self.bindings.recent, self.context.as_ref())
            .await
            .map_err(failed)
    }

    /// Keeps a push whose version everybody will know, unless a fetch brought something newer.
    async fn keep(&self, change: &Pushed) -> Result<(), CacheError> {
        let held = self.read(&change.key).await?;
        if cache::is_overtaken(change, held.as_deref()) {
            return Ok(());
        }
        self.put(&change.key, &change.entry).await
    }
}

fn failed(fault: impl std::fmt::Display) -> CacheError {
    CacheError(fault.to_string())
}

impl Cache for KvCache {
    async fn get(&self, key: &str) -> Result<Option<Vec<u8>>, CacheError> {
        let floors = self.floors().await?;
        let held = self.read(key).await?;
        Ok(held.filter(|entry| !floors.hide(key, entry)))
    }

    async fn put(&self, key: &str, value: &[u8]) -> Result<(), CacheError> {
        let put = self.bindings.store.put_bytes(key, value).map_err(failed)?;
        put.expiration_ttl(KEPT_S).execute().await.map_err(failed)
    }

    /// Other locations may have the entry for another minute, and other isolates the floor in memory for two.
    async fn remove(&self, key: &str) -> Result<(), CacheError> {
        self.bindings.store.delete(key).await.map_err(failed)?;
        let forget = Question::Forget(key.to_owned());
        recent::ask::<()>(&self.bindings.recent, &forget)
            .await
            .map_err(failed)?;
        floors::forget(key);
        Ok(())
    }

    async fn push(&self, changes: &[Pushed]) -> Result<(), CacheError> {
        let raise = changes.iter().map(|change| Raise {
            key: change.key.clone(),
            version: change.version,
            takes_back: cache::takes_back(change),
        });
        let raised: Vec<bool> =
            recent::ask(&self.bindings.recent, &Question::Raise(raise.collect()))
                .await
                .map_err(failed)?;
        floors::forget_age();
        // The newest of a key comes last among those that were raised.
        let newest: HashMap<&str, &Pushed> = changes
            .iter()
            .zip(raised)
            .filter(|(_, raised)| *raised)
            .map(|(change, _)| (change.key.as_str(), change))
            .collect();
        let kept = newest.into_values().map(|change| self.keep(change));
        try_join_all(kept).await.map(|_| ())
    }

    async fn floor(&self, key: &str) -> Result<Option<i64>, CacheError> {
        Ok(self.floors().await?.floor(key))
    }
}
