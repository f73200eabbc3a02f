//! Versioned copies of the origin's state in the platform's cache.
//!
//! Every entry carries the version it had at the origin and a time until which it may be shown. Three
//! writers meet here: fetches after a miss, pushes from the origin, and what the edge just learned
//! itself. A push leaves a *floor* behind, the version below which nothing may be shown; a fetch writes
//! its entry first and looks at the floor afterwards, so whichever way the two interleave, a fetched
//! entry older than a push does not survive
//! (`a_fetch_that_was_overtaken_by_a_push_is_not_shown`). The cache itself needs no atomic step. Where
//! floors are kept is the platform's business: beside the entry in a store that everybody sees alike.

use footfall_shared::id::ShopId;
use footfall_shared::identity::{DeviceKey, EmailHash};
use footfall_shared::time::UtcMillis;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use crate::platform::{Cache, CacheError, Pushed};

/// How long an entry may be shown without a word from the origin: a lost push shows a stale offer no
/// longer than this.
pub const FRESH_MS: i64 = 60_000;

/// How long after a push was answered an older version may still be given somewhere.
pub const PUSH_SEEN_MS: i64 = 4_000;

/// A copy of something at the origin; `value` is `None` for what the origin does not know.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Entry<T> {
    /// The version at the origin; 0 for what it does not know.
    #[serde(rename = "v")]
    pub version: i64,
    /// Until when it may be shown.
    #[serde(rename = "u")]
    pub until: UtcMillis,
    /// The copy.
    #[serde(rename = "d")]
    pub value: Option<T>,
}

impl<T> Entry<T> {
    /// An entry that is fresh from `now`.
    pub fn fresh(version: i64, value: Option<T>, now: UtcMillis) -> Self {
        Self {
            version,
            until: now.plus(FRESH_MS),
            value,
        }
    }

    /// Whether it may still be shown.
    pub fn is_fresh(&self, now: UtcMillis) -> bool {
        now < self.until
    }
}

/// Names of the cache's keys. Emails stand in them only as keyed hashes.
pub mod key {
    use super::{DeviceKey, EmailHash, ShopId};

    /// A shop, by its key's hash or its slug.
    #[must_use]
    pub fn shop(key: &str) -> String {
        format!("shop/{key}")
    }

    /// Something of a shop, by what follows the shop in its key.
    #[must_use]
    pub fn of_shop(shop: &ShopId, name: &str) -> String {
        format!("{shop}/{name}")
    }

    /// A shop's kit.
    #[must_use]
    pub fn kit(shop: &ShopId) -> String {
        of_shop(shop, "kit")
    }

    /// A customer's entry.
    #[must_use]
    pub fn customer(shop: &ShopId, email: &EmailHash) -> String {
        format!("{shop}/customer/{}", email.as_str())
    }

    /// What a customer may want next; `None` is everybody who is not known.
    #[must_use]
    pub fn recommendations(shop: &ShopId, email: Option<&EmailHash>) -> String {
        format!("{shop}/wants/{}", email.map_or("", EmailHash::as_str))
    }

    /// The link of a device's key.
    #[must_use]
    pub fn device(shop: &ShopId, device: &DeviceKey) -> String {
        let (kind, hash) = device.parts();
        format!("{shop}/{kind}/{hash}")
    }
}

/// The entry of a key, fresh or not; a cache that fails or holds nonsense has none.
pub async fn get<T: DeserializeOwned>(cache: &impl Cache, key: &str) -> Option<Entry<T>> {
    let bytes = cache.get(key).await.ok().flatten()?;
    serde_json::from_slice(&bytes).ok()
}

/// Keeps what was just fetched, unless a push has overtaken it meanwhile.
pub async fn put_fetched<T: Serialize>(cache: &impl Cache, key: &str, entry: &Entry<T>) {
    put(cache, key, entry).await;
    let floor = cache.floor(key).await.ok().flatten();
    if floor.is_some_and(|floor| floor > entry.version) {
        put(
            cache,
            key,
            &Entry::<T> {
                version: entry.version,
                until: UtcMillis::new(0),
                value: None,
            },
        )
        .await;
    }
}

/// What the origin pushed, as [`Cache::push`] takes it.
pub fn pushed<T: Serialize>(key: String, entry: &Entry<T>) -> Pushed {
    Pushed {
        key,
        version: entry.version,
        // Entries hold texts, numbers and maps with text keys: none of them fails to serialize.
        entry: serde_json::to_vec(entry).unwrap_or_default(),
    }
}

/// Keeps what the edge learned itself until the origin's own word arrives.
pub async fn put_local<T: Serialize>(cache: &impl Cache, key: &str, entry: &Entry<T>) {
    put(cache, key, entry).await;
}

/// What every entry tells of itself, whatever it is a copy of; `None` for what is no entry.
#[must_use]
pub fn head_of(entry: &[u8]) -> Option<Entry<serde::de::IgnoredAny>> {
    serde_json::from_slice(entry).ok()
}

/// Whether a push is one that only takes back what is held, whatever it is.
#[must_use]
pub fn takes_back(change: &Pushed) -> bool {
    head_of(&change.entry).is_some_and(|entry| entry.until == UtcMillis::new(0))
}

/// Whether what is held of a key is newer than a push of it: a fetch may have brought it while the push was
/// long on its way. A push that takes back is never overtaken, because no clock must come in its way.
#[must_use]
pub fn is_overtaken(change: &Pushed, held: Option<&[u8]>) -> bool {
    let newer = |held: Entry<_>| held.version > change.version;
    !takes_back(change) && held.and_then(head_of).is_some_and(newer)
}

/// [`Cache::push`] for a store that everybody sees alike: floors stand beside the entries.
pub(crate) async fn push_over_floors(
    cache: &(impl Cache + ?Sized),
    changes: &[Pushed],
) -> Result<(), CacheError> {
    for change in changes {
        let floor = floor_beside(cache, &change.key).await?;
        if floor.is_some_and(|floor| floor > change.version) {
            continue;
        }
        let held = cache.get(&change.key).await?;
        if is_overtaken(change, held.as_deref()) {
            continue;
        }
        let floor = change.version.to_string();
        cache.put(&floor_key(&change.key), floor.as_bytes()).await?;
        cache.put(&change.key, &change.entry).await?;
    }
    Ok(())
}

/// [`Cache::floor`] for the same store.
pub(crate) async fn floor_beside(
    cache: &(impl Cache + ?Sized),
    key: &str,
) -> Result<Option<i64>, CacheError> {
    let held = cache.get(&floor_key(key)).await?;
    Ok(held.and_then(|text| std::str::from_utf8(&text).ok()?.parse().ok()))
}

/// Where the floor of a key stands in a store that everybody sees alike.
#[must_use]
pub fn floor_key(key: &str) -> String {
    format!("{key}/floor")
}

async fn put<T: Serialize>(cache: &impl Cache, key: &str, entry: &Entry<T>) {
    if let Ok(bytes) = serde_json::to_vec(entry) {
        // A cache that takes nothing costs a call to the origin, not a request.
        let _ = cache.put(key, &bytes).await;
    }
}

#[cfg(test)]
mod tests {
    use futures_executor::block_on;

    use super::*;
    use crate::memory::MemoryCache;

    const NOW: UtcMillis = UtcMillis::new(1000);

    fn version(cache: &MemoryCache) -> Option<i64> {
        let entry = block_on(get::<i64>(cache, "k"))?;
        entry.is_fresh(NOW).then_some(entry.version)
    }

    fn entry(version: i64) -> Entry<i64> {
        Entry::fresh(version, Some(version), NOW)
    }

    async fn push(cache: &MemoryCache, entry: &Entry<i64>) {
        cache.push(&[pushed("k".to_owned(), entry)]).await.unwrap();
    }

    #[test]
    fn a_fetch_that_was_overtaken_by_a_push_is_not_shown() {
        let cache = MemoryCache::default();
        block_on(push(&cache, &entry(2)));
        block_on(put_fetched(&cache, "k", &entry(1)));
        assert_eq!(version(&cache), None);
        block_on(put_fetched(&cache, "k", &entry(2)));
        assert_eq!(version(&cache), Some(2));
    }

    #[test]
    fn an_older_push_never_replaces_a_newer_one() {
        let cache = MemoryCache::default();
        block_on(push(&cache, &entry(3)));
        block_on(push(&cache, &entry(2)));
        assert_eq!(version(&cache), Some(3));
    }

    #[test]
    fn a_push_that_was_overtaken_by_a_fetch_changes_nothing() {
        let cache = MemoryCache::default();
        block_on(put_fetched(&cache, "k", &entry(2)));
        block_on(push(&cache, &entry(1)));
        assert_eq!(version(&cache), Some(2));
    }

    #[test]
    fn a_push_that_takes_back_is_taken_whatever_was_fetched() {
        let cache = MemoryCache::default();
        block_on(put_fetched(&cache, "k", &entry(2)));
        let gone = Entry::<i64> {
            version: 1,
            until: UtcMillis::new(0),
            value: None,
        };
        block_on(push(&cache, &gone));
        assert_eq!(version(&cache), None);
    }

    #[test]
    fn the_origins_word_replaces_what_the_edge_learned_itself() {
        let cache = MemoryCache::default();
        block_on(put_local(&cache, "k", &entry(0)));
        block_on(push(&cache, &entry(1)));
        assert_eq!(version(&cache), Some(1));
    }

    #[test]
    fn an_entry_ends_after_its_time() {
        let cache = MemoryCache::default();
        block_on(put_fetched(&cache, "k", &entry(1)));
        let entry = block_on(get::<i64>(&cache, "k")).unwrap();
        assert!(entry.is_fresh(NOW.plus(FRESH_MS - 1)));
        assert!(!entry.is_fresh(NOW.plus(FRESH_MS)));
    }
}
