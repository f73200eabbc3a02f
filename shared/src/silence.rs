//! Whether a shop's events have stopped: found by comparing the silence with the shop's own longest pause.

/// Hours with events that a judgement needs: less is no habit yet.
const HOURS_MIN: usize = 24;
/// A silence below this many hours is never one: events are counted by the hour.
const SILENCE_HOURS_MIN: i64 = 2;
/// How many times the longest pause a silence must last. Nights and Sundays repeat; twice as long does not.
const PAUSES: i64 = 2;
/// How far back a shop's habit is looked at, in hours.
pub const LOOK_BACK_HOURS: i64 = 14 * 24;

/// For how many whole hours a shop has been silent beyond its habit; `None` where it has not, or has no
/// habit yet.
///
/// `hours` are those with events (hours since 1970, from early to late, as far back as
/// [`LOOK_BACK_HOURS`]); `now` is the running hour, which may still bring some.
#[must_use]
pub fn silent_hours(hours: &[i64], now: i64) -> Option<i64> {
    let last = *hours.last()?;
    let pause = |pair: &[i64]| pair[1] - pair[0] - 1;
    let longest = hours.windows(2).map(pause).max().unwrap_or(0);
    let silent = now - last - 1;
    let alarming = (PAUSES * longest).max(SILENCE_HOURS_MIN);
    (hours.len() >= HOURS_MIN && silent >= alarming).then_some(silent)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Three days with events from 8 to 22 o'clock.
    fn days() -> Vec<i64> {
        (0..3)
            .flat_map(|day| (8..22).map(move |hour| day * 24 + hour))
            .collect()
    }

    #[test]
    fn a_night_is_no_silence_and_two_of_them_are() {
        let evening = 2 * 24 + 22;
        assert_eq!(silent_hours(&days(), evening), None);
        assert_eq!(silent_hours(&days(), evening + 10), None, "the usual pause");
        assert_eq!(silent_hours(&days(), evening + 19), None);
        assert_eq!(silent_hours(&days(), evening + 20), Some(20));
    }

    #[test]
    fn a_shop_that_never_pauses_is_missed_after_two_hours() {
        let hours: Vec<i64> = (0..48).collect();
        assert_eq!(silent_hours(&hours, 49), None);
        assert_eq!(silent_hours(&hours, 50), Some(2));
    }

    #[test]
    fn a_young_shop_has_no_habit_yet() {
        let hours: Vec<i64> = (0..23).collect();
        assert_eq!(silent_hours(&hours, 500), None);
        assert_eq!(silent_hours(&[], 500), None);
    }
}
