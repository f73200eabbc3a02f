//! How often the cache had what was looked up, counted for the edge's operator.
//!
//! An instance keeps its counts to itself for a while: to tell them with each request would cost more than the
//! look-ups. What an instance that ends has not told is lost; hits and misses alike.

use std::cell::Cell;

use footfall_shared::time::UtcMillis;
use footfall_shared::wire::internal::Lookups;

use crate::platform::{Platform, Tally};

/// How long an instance that is asked keeps its counts to itself.
const TELL_EVERY_MS: i64 = 1_000;
/// How many it keeps: a busy instance may end within that time.
const UNTOLD_MAX: u64 = 500;

/// What an instance has counted and not told.
#[derive(Debug, Default)]
pub struct UntoldLookups {
    lookups: Cell<Lookups>,
    told_at: Cell<Option<UtcMillis>>,
}

impl UntoldLookups {
    fn add(&self, lookups: Lookups) -> Lookups {
        let sum = self.lookups.get().plus(lookups);
        self.lookups.set(sum);
        sum
    }

    fn are_due(&self, sum: Lookups, now: UtcMillis) -> bool {
        let told_at = self.told_at.get();
        sum.total() >= UNTOLD_MAX || told_at.is_none_or(|at| now.since(at) >= TELL_EVERY_MS)
    }
}

/// Counts what a request looked up.
pub(crate) async fn count<P: Platform>(platform: &P, lookups: Lookups) {
    if lookups.total() == 0 {
        return;
    }
    let (untold, now) = (platform.untold(), platform.now());
    let sum = untold.add(lookups);
    if !untold.are_due(sum, now) {
        return;
    }
    untold.told_at.set(Some(now));
    let due = untold.lookups.take();
    if platform.tally().add(due).await.is_err() {
        untold.add(due);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counts_are_told_once_a_second_or_by_the_hundred() {
        let untold = UntoldLookups::default();
        let one = Lookups { hits: 1, misses: 0 };
        let at = |ms| UtcMillis::new(ms);
        assert!(untold.are_due(untold.add(one), at(0)), "the first one");
        untold.told_at.set(Some(at(0)));
        untold.lookups.take();
        assert!(!untold.are_due(untold.add(one), at(TELL_EVERY_MS - 1)));
        assert!(untold.are_due(untold.add(one), at(TELL_EVERY_MS)));
        let many = Lookups {
            hits: UNTOLD_MAX,
            misses: 0,
        };
        assert!(untold.are_due(untold.add(many), at(1)));
    }
}
