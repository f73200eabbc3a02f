//! Points in time. Inside Footfall they are UTC milliseconds; the contracts' texts are made here.

mod civil;

use jiff::tz::TimeZone;
use serde::{Deserialize, Serialize};

use civil::Civil;

/// Milliseconds since 1970-01-01T00:00:00Z.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, Deserialize,
)]
#[serde(transparent)]
pub struct UtcMillis(i64);

/// Milliseconds of a day that has no change of clocks.
pub const DAY_MS: i64 = 86_400_000;
/// Milliseconds of an hour.
pub const HOUR_MS: i64 = 3_600_000;

impl UtcMillis {
    /// A point in time from its milliseconds.
    #[must_use]
    pub const fn new(millis: i64) -> Self {
        Self(millis)
    }

    /// The milliseconds since the epoch.
    #[must_use]
    pub const fn get(self) -> i64 {
        self.0
    }

    /// This point moved by `millis`, held at the ends of what 64 bits can say.
    #[must_use]
    pub const fn plus(self, millis: i64) -> Self {
        Self(self.0.saturating_add(millis))
    }

    /// Milliseconds from `earlier` until this point; negative where it lies before.
    #[must_use]
    pub const fn since(self, earlier: Self) -> i64 {
        self.0.saturating_sub(earlier.0)
    }

    /// Reads an RFC 3339 text; an offset is required.
    #[must_use]
    pub fn parse_rfc3339(text: &str) -> Option<Self> {
        civil::parse(text.trim()).map(Self)
    }

    /// RFC 3339 in UTC with milliseconds, as `2026-02-27T10:30:00.000Z`.
    #[must_use]
    pub fn to_rfc3339(self) -> String {
        let Civil {
            year,
            month,
            day,
            hour,
            minute,
            second,
            milli,
        } = Civil::at(self.0);
        format!("{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}.{milli:03}Z")
    }

    /// RFC 3339 in UTC to the second, as `2025-09-24T10:30:00Z`; what is finer is cut off.
    #[must_use]
    pub fn to_rfc3339_seconds(self) -> String {
        let mut text = self.to_rfc3339();
        text.truncate("2025-09-24T10:30:00".len());
        text.push('Z');
        text
    }

    /// This point with the offset that `zone` has then.
    #[must_use]
    pub fn in_zone(self, zone: &TimeZone) -> Moment {
        let at = jiff::Timestamp::from_millisecond(self.0).unwrap_or_default();
        Moment {
            at: self,
            offset_s: zone.to_offset(at).seconds(),
        }
    }
}

/// A point in time with the shop's offset from UTC at that point, so that whoever holds it can print
/// the shop's local time without a time-zone database (the edge has none).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Moment {
    /// The instant.
    pub at: UtcMillis,
    /// Seconds that the shop's clock is ahead of UTC at that instant.
    pub offset_s: i32,
}

impl Moment {
    /// The shop's local time as the contract writes it, `2024-10-07 00:00:00`.
    #[must_use]
    pub fn to_local_text(self) -> String {
        let local = self.at.plus(i64::from(self.offset_s) * 1000);
        let Civil {
            year,
            month,
            day,
            hour,
            minute,
            second,
            milli: _,
        } = Civil::at(local.get());
        format!("{year:04}-{month:02}-{day:02} {hour:02}:{minute:02}:{second:02}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_moment_prints_the_shops_local_time_across_a_change_of_clocks() {
        let amsterdam = TimeZone::get("Europe/Amsterdam").unwrap();
        let winter = UtcMillis::parse_rfc3339("2024-01-15T09:20:30Z").unwrap();
        let summer = UtcMillis::parse_rfc3339("2024-07-15T12:20:30+04:00").unwrap();
        assert_eq!(
            winter.in_zone(&amsterdam).to_local_text(),
            "2024-01-15 10:20:30"
        );
        assert_eq!(
            summer.in_zone(&amsterdam).to_local_text(),
            "2024-07-15 10:20:30"
        );
    }

    #[test]
    fn a_time_to_the_second_reads_back_without_what_is_finer() {
        let at = UtcMillis::new(1_758_709_800_999);
        assert_eq!(at.to_rfc3339_seconds(), "2025-09-24T10:30:00Z");
    }

    #[test]
    fn what_is_no_timestamp_is_none() {
        for text in [
            "",
            "yesterday",
            "2024-01-01",
            "2024-01-01T00:00:00",
            "99999-01-01T00:00:00Z",
        ] {
            assert_eq!(UtcMillis::parse_rfc3339(text), None, "{text}");
        }
    }

    proptest::proptest! {
        #[test]
        fn a_printed_time_reads_back(millis in -62_000_000_000_000i64..250_000_000_000_000) {
            let at = UtcMillis::new(millis);
            proptest::prop_assert_eq!(UtcMillis::parse_rfc3339(&at.to_rfc3339()), Some(at));
        }
    }
}
