//! How far a visit came: home, search, payment, confirmation, each after the one before, all within a window of time.
//!
//! Other pages may lie between. Where a visit has several beginnings, the latest one that leads on counts, so that an early
//! look at the first page does not use up the window (the rule of ClickHouse's `windowFunnel`).

use super::page::PageType;
use super::visit::Visit;
use crate::time::UtcMillis;

/// Steps of the funnel.
pub const STEPS: usize = PageType::ALL.len();

/// How far a visit came.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Reached {
    /// Steps that were reached, 0 to [`STEPS`].
    pub steps: usize,
    /// From each step before to this one, in milliseconds; 0 for the first.
    pub took_ms: [i64; STEPS],
}

/// How far a visit came within `window_ms` from its first step.
#[must_use]
pub fn reached(visit: &Visit, window_ms: i64) -> Reached {
    // For each number of steps the run of steps that began last.
    let mut runs: [Option<[UtcMillis; STEPS]>; STEPS] = [None; STEPS];
    let mut found = Reached::default();
    for step in visit.counted_steps() {
        let Some(place) = step.page.map(PageType::place) else {
            continue;
        };
        let mut run = match place.checked_sub(1) {
            None => [step.at; STEPS],
            Some(before) => match runs[before] {
                Some(run) if step.at.since(run[0]) <= window_ms => run,
                _ => continue,
            },
        };
        run[place] = step.at;
        if found.steps == place {
            found.steps = place + 1;
            found.took_ms[place] = place
                .checked_sub(1)
                .map_or(0, |before| step.at.since(run[before]));
        }
        if runs[place].is_none_or(|held| held[0] < run[0]) {
            runs[place] = Some(run);
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::super::visit::gather;
    use super::super::visit::tests::step;
    use super::*;
    use PageType::{Confirmation, Home, Payment, Search};

    fn of(steps: &[(i64, PageType)], window: i64) -> Reached {
        let parts = steps
            .iter()
            .map(|(at, page)| step(*at, Some(*page)))
            .collect();
        reached(&gather(parts, None)[0], window)
    }

    #[test]
    fn each_step_counts_only_after_the_one_before() {
        let whole = of(
            &[(0, Home), (5, Search), (9, Payment), (20, Confirmation)],
            100,
        );
        assert_eq!((whole.steps, whole.took_ms), (4, [0, 5, 4, 11]));
        assert_eq!(of(&[(0, Search), (5, Home), (9, Payment)], 100).steps, 1);
        assert_eq!(
            of(&[(0, Search), (5, Home), (9, Payment), (10, Search)], 100).steps,
            2
        );
        assert_eq!(of(&[(0, Payment), (1, Confirmation)], 100).steps, 0);
    }

    #[test]
    fn the_window_begins_with_the_latest_beginning() {
        assert_eq!(of(&[(0, Home), (50, Search), (101, Payment)], 100).steps, 2);
        assert_eq!(
            of(
                &[
                    (0, Home),
                    (50, Search),
                    (60, Home),
                    (61, Search),
                    (101, Payment)
                ],
                100
            )
            .steps,
            3
        );
        assert_eq!(of(&[(0, Home), (101, Search)], 100).steps, 1);
    }

    #[test]
    fn at_one_time_the_funnels_order_holds() {
        assert_eq!(
            of(
                &[(7, Confirmation), (7, Payment), (7, Search), (7, Home)],
                0
            )
            .steps,
            4
        );
    }
}
