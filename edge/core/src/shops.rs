//! Shops and their kits in an instance's own memory: nearly every request needs one, and there are few.
//!
//! **Invariant:** a copy is used from here for at most [`MEMO_MS`] after it was read from the cache, so a
//! key that is revoked or a setting that is changed acts everywhere within that time of the push
//! (`a_revoked_key_is_refused_by_other_instances_within_a_second`). The instance that takes the push
//! forgets at once.

use std::cell::RefCell;
use std::collections::HashMap;
use std::rc::Rc;

use footfall_shared::journey::content::Kit;
use footfall_shared::shop::ShopEntry;
use footfall_shared::time::UtcMillis;

/// How long a copy is used without a look into the cache.
pub const MEMO_MS: i64 = 1000;
/// Copies kept; beyond this all are forgotten, which costs each a look into the cache.
const COPIES_MAX: usize = 64;

/// The shops that one instance has read lately, by the name of their cache entry.
pub type ShopMemo = Memo<ShopEntry>;
/// Their kits.
pub type KitMemo = Memo<Kit>;

/// What one instance has read lately, by the name of its cache entry.
#[derive(Debug)]
pub struct Memo<T>(RefCell<HashMap<String, (UtcMillis, Rc<T>)>>);

impl<T> Default for Memo<T> {
    fn default() -> Self {
        Self(RefCell::default())
    }
}

impl<T> Memo<T> {
    /// The copy, where it was read within [`MEMO_MS`].
    #[must_use]
    pub(crate) fn get(&self, key: &str, now: UtcMillis) -> Option<Rc<T>> {
        let held = self.0.borrow();
        let (read_at, copy) = held.get(key)?;
        // A clock that was set back must not prolong it.
        (0..MEMO_MS)
            .contains(&now.since(*read_at))
            .then(|| Rc::clone(copy))
    }

    /// Notes what was read from the cache at `now`.
    pub(crate) fn keep(&self, key: String, copy: &Rc<T>, now: UtcMillis) {
        let mut held = self.0.borrow_mut();
        if held.len() >= COPIES_MAX {
            held.clear();
        }
        held.insert(key, (now, Rc::clone(copy)));
    }

    /// Forgets all.
    pub(crate) fn clear(&self) {
        self.0.borrow_mut().clear();
    }
}
