//! Distinct visitors of any span of days, exactly, from sums.
//!
//! A visitor is counted on each day with the day of the visit before. Of the days of a span exactly one has its day before
//! outside of it, so who was there is the number of days in the span whose day before lies before the span.

use std::collections::BTreeMap;

use super::sums::{COUNTS, DayKey};

/// The day before the first one.
pub const NEVER: i64 = -1_000_000;

/// What a visitor did on a day with a kind of device: how many visits got to each count of [`super::sums`].
pub type VisitorDays = BTreeMap<(i64, String), [i64; COUNTS]>;

/// A place where visitors are counted: count, device (empty for all), day, and the day before.
pub type GapKey = (usize, String, i64, i64);

/// Where a visitor is counted.
#[must_use]
pub fn gaps(days: &VisitorDays) -> Vec<GapKey> {
    let mut found = Vec::new();
    let mut devices: Vec<&str> = days.keys().map(|(_, device)| device.as_str()).collect();
    devices.sort_unstable();
    devices.dedup();
    for count in 0..COUNTS {
        for device in std::iter::once("").chain(devices.iter().copied()) {
            let of_device = days.iter().filter(|((_, on), visits)| {
                (device.is_empty() || on == device) && visits[count] > 0
            });
            let mut before = NEVER;
            for ((day, _), _) in of_device {
                if *day != before {
                    found.push((count, device.to_owned(), *day, before));
                    before = *day;
                }
            }
        }
    }
    found
}

/// Adds a visit's counts to its visitor's days, or takes them away.
pub fn add(days: &mut VisitorDays, key: &DayKey, counts: &[i64; COUNTS], sign: i64) {
    let of_day = days.entry((key.day, key.device.to_owned())).or_default();
    for (sum, more) in of_day.iter_mut().zip(counts) {
        *sum += more * sign;
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn visitors_of_any_span_are_counted_once(
            visits in proptest::collection::vec((0u8..6, 0i64..30, any::<bool>(), any::<bool>()), 0..80),
            from in 0i64..30, days in 1i64..30,
        ) {
            let mut visitors = BTreeMap::<u8, VisitorDays>::new();
            for (who, day, mobile, bought) in &visits {
                let key = DayKey { day: *day, device: if *mobile { "mobile" } else { "desktop" } };
                let mut counts = [0; COUNTS];
                counts[0] = 1;
                counts[1] = i64::from(*bought);
                add(visitors.entry(*who).or_default(), &key, &counts, 1);
            }
            let until = from + days;
            let counted = |count: usize, device: &str| {
                let all = visitors.values().flat_map(gaps);
                all.filter(|(of, on, day, before)| *of == count && on == device && (from..until).contains(day) && *before < from).count()
            };
            let there = |bought: bool, device: &str| {
                let fits = visits.iter().filter(|(_, day, mobile, did)| {
                    (from..until).contains(day) && (!bought || *did) && (device.is_empty() || (device == "mobile") == *mobile)
                });
                fits.map(|(who, ..)| *who).collect::<BTreeSet<u8>>().len()
            };
            for device in ["", "mobile", "desktop"] {
                prop_assert_eq!(counted(0, device), there(false, device));
                prop_assert_eq!(counted(1, device), there(true, device));
            }
        }
    }
}
