//! Days of a shop's clock, and spans of them. A day is named by its number since 1970.

use footfall_shared::time::{DAY_MS, UtcMillis};
use footfall_shared::visits::sums::LocalTime;
use jiff::civil::{Date, Time};
use jiff::tz::TimeZone;
use jiff::{Span, Timestamp};

/// The clock of a shop at a time.
pub(super) fn local_time(at: UtcMillis, zone: &TimeZone) -> LocalTime {
    let local = zone.to_datetime(Timestamp::from_millisecond(at.get()).unwrap_or_default());
    LocalTime {
        day: day_of(local.date()),
        hour: i64::from(local.hour()),
    }
}

/// A date's number.
pub(super) fn day_of(date: Date) -> i64 {
    let since = Date::constant(1970, 1, 1).until(date).unwrap_or_default();
    i64::from(since.get_days())
}

/// A day's date.
pub(super) fn date_of(day: i64) -> Date {
    // Every day here comes from a date or is near one; what is not stays at the epoch.
    let span = Span::new().try_days(day).unwrap_or_default();
    Date::constant(1970, 1, 1)
        .checked_add(span)
        .unwrap_or(Date::constant(1970, 1, 1))
}

/// When a day begins. Clocks that change at midnight begin it at their first moment.
pub(super) fn begin_of(day: i64, zone: &TimeZone) -> UtcMillis {
    let begin = zone.to_timestamp(date_of(day).to_datetime(Time::midnight()));
    UtcMillis::new(begin.map_or(day * DAY_MS, Timestamp::as_millisecond))
}

/// A span of days, the last one left out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Days {
    /// The first one.
    pub(super) from: i64,
    /// The one behind the last.
    pub(super) until: i64,
}

impl Days {
    /// How many.
    pub(super) const fn len(self) -> i64 {
        self.until - self.from
    }

    /// As many days before this span.
    pub(super) const fn before(self) -> Self {
        Self {
            from: self.from - self.len(),
            until: self.from,
        }
    }

    /// The time that the span takes, its end left out.
    pub(super) fn times(self, zone: &TimeZone) -> (UtcMillis, UtcMillis) {
        (begin_of(self.from, zone), begin_of(self.until, zone))
    }
}

/// How a span is cut.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
pub(super) enum Interval {
    /// Day by day.
    Daily,
    /// By weeks that begin on Monday.
    Weekly,
    /// By months.
    Monthly,
}

impl Interval {
    pub(super) fn parse(text: &str) -> Option<Self> {
        match text {
            "daily" => Some(Self::Daily),
            "weekly" => Some(Self::Weekly),
            "monthly" => Some(Self::Monthly),
            _ => None,
        }
    }

    /// The parts of a span, without gaps. The first and the last one hold only the days that are in the span.
    pub(super) fn cut(self, span: Days) -> Vec<Days> {
        let mut parts = Vec::new();
        let mut from = span.from;
        while from < span.until {
            let until = self.end_of(from).min(span.until);
            parts.push(Days { from, until });
            from = until;
        }
        parts
    }

    fn end_of(self, day: i64) -> i64 {
        match self {
            Self::Daily => day + 1,
            // 1970 began on a Thursday.
            Self::Weekly => day - (day + 3).rem_euclid(7) + 7,
            Self::Monthly => day_of(date_of(day).last_of_month()) + 1,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn day(text: &str) -> i64 {
        day_of(text.parse().unwrap())
    }

    #[test]
    fn a_day_is_the_shops_also_where_its_clock_changes() {
        let zone = TimeZone::get("Europe/Amsterdam").unwrap();
        let at = |text: &str| local_time(UtcMillis::parse_rfc3339(text).unwrap(), &zone);
        assert_eq!(
            at("2026-03-28T22:59:59Z"),
            LocalTime {
                day: day("2026-03-28"),
                hour: 23
            }
        );
        assert_eq!(at("2026-03-28T23:00:00Z").day, day("2026-03-29"));
        assert_eq!(at("2026-03-29T21:59:59Z").day, day("2026-03-29"));
        assert_eq!(
            at("2026-03-29T22:00:00Z"),
            LocalTime {
                day: day("2026-03-30"),
                hour: 0
            }
        );
        let short = Days {
            from: day("2026-03-29"),
            until: day("2026-03-30"),
        }
        .times(&zone);
        assert_eq!(short.1.since(short.0), 23 * 3_600_000);
        let long = Days {
            from: day("2026-10-25"),
            until: day("2026-10-26"),
        }
        .times(&zone);
        assert_eq!(long.1.since(long.0), 25 * 3_600_000);
    }

    #[test]
    fn a_day_that_begins_late_begins_with_its_first_moment() {
        // Clocks in Cairo go from 24:00 to 01:00.
        let zone = TimeZone::get("Africa/Cairo").unwrap();
        let begin = begin_of(day("2026-04-24"), &zone);
        assert_eq!(
            local_time(begin, &zone),
            LocalTime {
                day: day("2026-04-24"),
                hour: 1
            }
        );
        assert_eq!(local_time(begin.plus(-1), &zone).day, day("2026-04-23"));
    }

    #[test]
    fn a_span_is_cut_without_gaps() {
        let span = Days {
            from: day("2026-01-30"),
            until: day("2026-03-03"),
        };
        let starts = |interval: Interval| -> Vec<String> {
            interval
                .cut(span)
                .iter()
                .map(|part| date_of(part.from).to_string())
                .collect()
        };
        assert_eq!(
            starts(Interval::Monthly),
            ["2026-01-30", "2026-02-01", "2026-03-01"]
        );
        assert_eq!(
            starts(Interval::Weekly)[..3],
            ["2026-01-30", "2026-02-02", "2026-02-09"]
        );
        assert_eq!(starts(Interval::Daily).len(), 32);
        for interval in [Interval::Daily, Interval::Weekly, Interval::Monthly] {
            let parts = interval.cut(span);
            assert!(parts.windows(2).all(|pair| pair[0].until == pair[1].from));
            assert_eq!(parts.iter().map(|part| part.len()).sum::<i64>(), span.len());
        }
    }
}
