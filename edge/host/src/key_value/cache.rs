//! The in-memory map in front of the key-value file: what makes a `get` a map look-up.
//!
//! **Invariant:** the cache never disagrees with the file. Only the writer changes it, after its
//! commit; a reader fills in what it read from the file only if no write came in between.

use hyper::body::Bytes;
use std::collections::HashMap;
use std::collections::hash_map::RandomState;
use std::hash::BuildHasher;
use std::sync::{Mutex, MutexGuard, PoisonError};

/// Enough for two cores and more not to wait for each other's lock.
const SHARDS: usize = 16;
/// What an entry costs beside its key and value (rounded up).
const ENTRY_OVERHEAD_BYTES: usize = 96;

/// A map bounded by bytes. It forgets by generations: what was not asked for during a whole
/// generation is dropped at once. That is nearly as good as least-recently-used, at the price of a
/// plain hash map.
pub(super) struct Cache {
    shards: Vec<Mutex<Shard>>,
    hasher: RandomState,
    generation_bytes_max: usize,
}

#[derive(Default)]
struct Shard {
    young: HashMap<Box<str>, Option<Bytes>>,
    old: HashMap<Box<str>, Option<Bytes>>,
    young_bytes: usize,
    /// Counts the writes, so that a reader notices one that overtook it.
    writes: u64,
}

/// What the cache knows of a key.
pub(super) enum Lookup {
    /// The value, or that there is none.
    Known(Option<Bytes>),
    /// Nothing. Ask the file, then call [`Cache::fill`] with this mark.
    Unknown(Mark),
}

/// The moment of a look-up.
#[derive(Clone, Copy)]
pub(super) struct Mark(u64);

impl Cache {
    /// A cache of at most `bytes_max`, keys and overhead included.
    pub(super) fn new(bytes_max: usize) -> Self {
        Self {
            shards: (0..SHARDS).map(|_| Mutex::default()).collect(),
            hasher: RandomState::new(),
            generation_bytes_max: bytes_max / SHARDS / 2,
        }
    }

    pub(super) fn get(&self, key: &str) -> Lookup {
        let mut shard = self.shard(key);
        if let Some(value) = shard.young.get(key) {
            return Lookup::Known(value.clone());
        }
        match shard.old.remove_entry(key) {
            Some((key, value)) => {
                self.insert(&mut shard, key, value.clone());
                Lookup::Known(value)
            }
            None => Lookup::Unknown(Mark(shard.writes)),
        }
    }

    /// Keeps what a reader found in the file, unless a write to this shard came after `mark`.
    pub(super) fn fill(&self, key: &str, value: Option<Bytes>, mark: Mark) {
        let mut shard = self.shard(key);
        if shard.writes == mark.0 {
            self.insert(&mut shard, key.into(), value);
        }
    }

    /// Notes a committed write.
    pub(super) fn written(&self, key: &str, value: Option<Bytes>) {
        let mut shard = self.shard(key);
        shard.writes += 1;
        shard.old.remove(key);
        self.insert(&mut shard, key.into(), value);
    }

    fn insert(&self, shard: &mut Shard, key: Box<str>, value: Option<Bytes>) {
        let bytes = cost(&key, value.as_ref());
        if let Some((key, former)) = shard.young.remove_entry(&key) {
            shard.young_bytes -= cost(&key, former.as_ref());
        }
        // One that would fill a generation alone is not worth all the others.
        if bytes > self.generation_bytes_max {
            return;
        }
        if shard.young_bytes + bytes > self.generation_bytes_max {
            shard.old = std::mem::take(&mut shard.young);
            shard.young_bytes = 0;
        }
        shard.young_bytes += bytes;
        shard.young.insert(key, value);
    }

    fn shard(&self, key: &str) -> MutexGuard<'_, Shard> {
        let index = self.hasher.hash_one(key) as usize % SHARDS;
        self.shards[index]
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }
}

fn cost(key: &str, value: Option<&Bytes>) -> usize {
    ENTRY_OVERHEAD_BYTES + key.len() + value.map_or(0, Bytes::len)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn known(cache: &Cache, key: &str) -> bool {
        matches!(cache.get(key), Lookup::Known(_))
    }

    #[test]
    fn a_reader_that_was_overtaken_by_a_write_does_not_bring_the_old_value_back() {
        let cache = Cache::new(1 << 20);
        let Lookup::Unknown(mark) = cache.get("offer") else {
            panic!("it is new")
        };

        cache.written("offer", Some(Bytes::from_static(b"new")));
        cache.fill("offer", Some(Bytes::from_static(b"old")), mark);

        let Lookup::Known(Some(value)) = cache.get("offer") else {
            panic!("it was written")
        };
        assert_eq!(value, "new");
    }

    #[test]
    fn the_cache_stays_within_its_bytes_and_keeps_what_is_asked_for() {
        let cache = Cache::new(1 << 20);
        cache.written("asked for", None);
        for n in 0..100_000 {
            cache.written(&format!("passing {n}"), Some(Bytes::from_static(&[0; 100])));
            assert!(known(&cache, "asked for"));
        }

        let held = cache.shards.iter().map(|shard| {
            let shard = shard.lock().unwrap();
            let entries = shard.young.iter().chain(&shard.old);
            entries
                .map(|(key, value)| cost(key, value.as_ref()))
                .sum::<usize>()
        });
        assert!(held.sum::<usize>() <= 1 << 20);
        assert!(!known(&cache, "passing 0"));
    }
}
