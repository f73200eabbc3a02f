//! Dates of the Gregorian calendar in UTC, and RFC 3339.
//!
//! Our own, though jiff does it too: its parser and printer alone are a tenth of the edge component, which has a
//! bound. Tests hold the two together. Days from and to dates: Howard Hinnant, "chrono-Compatible Low-Level Date
//! Algorithms".

const MS_PER_DAY: i64 = 86_400_000;
/// 0000-01-01 and the last millisecond of 9999: what RFC 3339 can say.
const FIRST: i64 = -62_167_219_200_000;
const LAST: i64 = 253_402_300_799_999;

/// A date and time of day in UTC.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Civil {
    pub(super) year: i64,
    pub(super) month: i64,
    pub(super) day: i64,
    pub(super) hour: i64,
    pub(super) minute: i64,
    pub(super) second: i64,
    pub(super) milli: i64,
}

impl Civil {
    /// The date at a time; at the epoch where RFC 3339 has no date for it.
    pub(super) fn at(millis: i64) -> Self {
        let millis = if (FIRST..=LAST).contains(&millis) {
            millis
        } else {
            0
        };
        let (days, of_day) = (millis.div_euclid(MS_PER_DAY), millis.rem_euclid(MS_PER_DAY));
        // Years begin in March, so that a leap day is the last day of its year; eras have 400 years.
        let shifted = days + 719_468;
        let (era, of_era) = (shifted.div_euclid(146_097), shifted.rem_euclid(146_097));
        let year = (of_era - of_era / 1460 + of_era / 36_524 - of_era / 146_096) / 365;
        let of_year = of_era - (365 * year + year / 4 - year / 100);
        let month = (5 * of_year + 2) / 153;
        let in_next_year = i64::from(month >= 10);
        Self {
            year: year + era * 400 + in_next_year,
            month: if month < 10 { month + 3 } else { month - 9 },
            day: of_year - (153 * month + 2) / 5 + 1,
            hour: of_day / 3_600_000,
            minute: of_day / 60_000 % 60,
            second: of_day / 1000 % 60,
            milli: of_day % 1000,
        }
    }
}

/// Days from the epoch to a date that is one.
fn days_to(year: i64, month: i64, day: i64) -> i64 {
    let year = year - i64::from(month <= 2);
    let (era, of_era) = (year.div_euclid(400), year.rem_euclid(400));
    let of_year = (153 * ((month + 9) % 12) + 2) / 5 + day - 1;
    era * 146_097 + of_era * 365 + of_era / 4 - of_era / 100 + of_year - 719_468
}

fn days_of(year: i64, month: i64) -> i64 {
    match month {
        2 if year % 4 == 0 && (year % 100 != 0 || year % 400 == 0) => 29,
        2 => 28,
        4 | 6 | 9 | 11 => 30,
        _ => 31,
    }
}

/// Reads RFC 3339, `2026-02-27T10:30:00.5+01:00`; `None` for anything else. A leap second counts as the one before
/// it, and what is finer than a millisecond is cut off.
pub(super) fn parse(text: &str) -> Option<i64> {
    let mut rest = text.as_bytes();
    let year = number(&mut rest, 4, 0, 9999)?;
    one_of(&mut rest, b"-")?;
    let month = number(&mut rest, 2, 1, 12)?;
    one_of(&mut rest, b"-")?;
    let day = number(&mut rest, 2, 1, days_of(year, month))?;
    one_of(&mut rest, b"Tt ")?;
    let hour = number(&mut rest, 2, 0, 23)?;
    one_of(&mut rest, b":")?;
    let minute = number(&mut rest, 2, 0, 59)?;
    one_of(&mut rest, b":")?;
    let second = number(&mut rest, 2, 0, 60)?.min(59);
    let mut millis = 0;
    if one_of(&mut rest, b".,").is_some() {
        let digits = rest.iter().take_while(|byte| byte.is_ascii_digit()).count();
        let (fraction, after) = rest.split_at(digits);
        if !(1..=9).contains(&digits) {
            return None;
        }
        millis = (0..3).fold(0, |millis, at| {
            millis * 10 + fraction.get(at).map_or(0, |digit| i64::from(digit - b'0'))
        });
        rest = after;
    }
    let offset_minutes = match one_of(&mut rest, b"Zz+-")? {
        b'+' => offset(&mut rest)?,
        b'-' => -offset(&mut rest)?,
        _ => 0,
    };
    let minutes = (days_to(year, month, day) * 24 + hour) * 60 + minute - offset_minutes;
    let millis = (minutes * 60 + second) * 1000 + millis;
    (rest.is_empty() && (FIRST..=LAST).contains(&millis)).then_some(millis)
}

/// Hours and minutes, in minutes.
fn offset(rest: &mut &[u8]) -> Option<i64> {
    let hours = number(rest, 2, 0, 23)?;
    // The colon is required by RFC 3339 and left out by many.
    let _ = one_of(rest, b":");
    Some(hours * 60 + number(rest, 2, 0, 59)?)
}

/// Takes so many digits.
fn number(rest: &mut &[u8], digits: usize, least: i64, most: i64) -> Option<i64> {
    let (told, after) = rest.split_at_checked(digits)?;
    *rest = after;
    let number = told.iter().try_fold(0, |number, digit| {
        digit
            .is_ascii_digit()
            .then(|| number * 10 + i64::from(digit - b'0'))
    })?;
    (least..=most).contains(&number).then_some(number)
}

/// Takes the next byte where it is one of these.
fn one_of(rest: &mut &[u8], bytes: &[u8]) -> Option<u8> {
    let (first, after) = rest.split_first()?;
    if !bytes.contains(first) {
        return None;
    }
    *rest = after;
    Some(*first)
}

#[cfg(test)]
mod tests {
    use super::*;

    proptest::proptest! {
        #[test]
        fn dates_are_those_of_jiff(millis in FIRST..=LAST) {
            let jiff = jiff::Timestamp::from_millisecond(millis).unwrap();
            let Civil { year, month, day, hour, minute, second, milli } = Civil::at(millis);
            let printed = format!("{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}.{milli:03}Z");
            proptest::prop_assert_eq!(&printed, &format!("{jiff:.3}"));
            proptest::prop_assert_eq!(parse(&printed), Some(millis));
        }

        #[test]
        fn what_is_read_is_what_jiff_reads(
            text in "[0-9]{4}-[01][0-9]-[0-3][0-9][Tt ][012][0-9]:[0-6][0-9]:[0-6][0-9](\\.[0-9]{1,4})?(Z|z|[+-]([01][0-9]|2[0-3]):?[0-5][0-9])",
        ) {
            let read = parse(&text);
            let jiff = text.parse::<jiff::Timestamp>().ok().map(|at| at.as_nanosecond().div_euclid(1_000_000));
            // jiff reads beyond the years that RFC 3339 has.
            if let Some(jiff) = jiff.filter(|at| (FIRST.into()..=LAST.into()).contains(at)) {
                proptest::prop_assert_eq!(read.map(i128::from), Some(jiff));
            } else {
                proptest::prop_assert_eq!(read, None);
            }
        }

        #[test]
        fn no_text_makes_it_panic(text: String) {
            let _ = parse(&text);
        }
    }
}
