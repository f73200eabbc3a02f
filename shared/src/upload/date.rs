//! Dates and times, as people and programs write them.

use jiff::civil::DateTime;
use jiff::tz::TimeZone;
use serde::{Deserialize, Serialize};

use crate::time::UtcMillis;

/// In which order a date of numbers is written, where the year is last.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "snake_case")]
pub enum DateOrder {
    /// `31/12/2026`
    DayFirst,
    /// `12/31/2026`
    MonthFirst,
}

const MONTHS: [&str; 12] = [
    "jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec",
];

impl DateOrder {
    /// What a sample of dates shows, and whether it shows it; where it does not, dates with points are taken as day first
    /// and others as the shop's own habit.
    pub fn of_sample<'a>(cells: impl Iterator<Item = &'a str>, habit: Self) -> (Self, bool) {
        let mut points = false;
        for cell in cells {
            let numbers: Vec<&str> = cell
                .split(|c: char| !c.is_ascii_digit())
                .filter(|part| !part.is_empty())
                .take(3)
                .collect();
            let [first, second, _] = numbers[..] else {
                continue;
            };
            if first.len() > 2 {
                continue;
            }
            match (first.parse::<u8>(), second.parse::<u8>()) {
                (Ok(13..=31), _) => return (Self::DayFirst, true),
                (_, Ok(13..=31)) => return (Self::MonthFirst, true),
                _ => points |= cell.get(first.len()..first.len() + 1) == Some("."),
            }
        }
        (if points { Self::DayFirst } else { habit }, false)
    }

    /// Reads a date with or without a time. One without an offset is the shop's local time; without a time it is the
    /// day's beginning. Ten and thirteen digits are seconds and milliseconds since 1970.
    #[must_use]
    pub fn parse(self, text: &str, zone: &TimeZone) -> Option<UtcMillis> {
        let text = text.trim();
        if text.bytes().all(|byte| byte.is_ascii_digit()) {
            return match text.len() {
                8 => {
                    let number =
                        |range: std::ops::Range<usize>| text.get(range)?.parse::<i16>().ok();
                    let at = civil(
                        [number(0..4)?, number(4..6)?, number(6..8)?],
                        Clock::default(),
                    )?;
                    local(at, zone)
                }
                10 => Some(UtcMillis::new(text.parse::<i64>().ok()? * 1000)),
                13 => text.parse().ok().map(UtcMillis::new),
                _ => None,
            };
        }
        let (date, rest) = self.take_date(text)?;
        let (clock, rest) = take_clock(rest.trim_start_matches([' ', 'T', 't', ','].as_slice()))?;
        let at = civil(date, clock)?;
        match take_offset(rest.trim())? {
            Some(minutes) => {
                let utc = TimeZone::UTC.to_timestamp(at).ok()?.as_millisecond();
                Some(UtcMillis::new(utc - i64::from(minutes) * 60_000))
            }
            None => local(at, zone),
        }
    }

    /// Year, month and day, and what follows.
    fn take_date(self, text: &str) -> Option<([i16; 3], &str)> {
        let (first, rest) = take_word(text)?;
        let (second, rest) = take_word(skip(rest)?)?;
        let (third, rest) = take_word(skip(rest)?)?;
        let number = |word: &str| word.parse::<i16>().ok();
        let month = |word: &str| {
            let word = word.get(..3)?.to_ascii_lowercase();
            let at = MONTHS.iter().position(|month| *month == word)?;
            i16::try_from(at + 1).ok()
        };
        let date = match (number(first), number(second), number(third)) {
            (Some(year), Some(month), Some(day)) if first.len() == 4 => [year, month, day],
            (Some(year), None, Some(day)) if first.len() == 4 => [year, month(second)?, day],
            (Some(day), None, Some(year)) => [full_year(year, third)?, month(second)?, day],
            (None, Some(day), Some(year)) => [full_year(year, third)?, month(first)?, day],
            (Some(a), Some(b), Some(year)) => {
                let (day, month) = match self {
                    Self::DayFirst => (a, b),
                    Self::MonthFirst => (b, a),
                };
                [full_year(year, third)?, month, day]
            }
            _ => return None,
        };
        Some((date, rest))
    }
}

/// A run of digits or of letters.
fn take_word(text: &str) -> Option<(&str, &str)> {
    let digits = text.bytes().next()?.is_ascii_digit();
    let end = text
        .bytes()
        .position(|byte| byte.is_ascii_digit() != digits || !byte.is_ascii_alphanumeric());
    let end = end.unwrap_or(text.len());
    (end > 0).then(|| text.split_at(end))
}

/// What stands between the parts of a date.
fn skip(text: &str) -> Option<&str> {
    let rest = text.trim_start_matches(['-', '/', '.', ' ', ','].as_slice());
    (rest.len() < text.len()).then_some(rest)
}

fn full_year(year: i16, word: &str) -> Option<i16> {
    match word.len() {
        4 => Some(year),
        // As POSIX reads two digits.
        2 => Some(if year < 69 { 2000 + year } else { 1900 + year }),
        _ => None,
    }
}

#[derive(Debug, Clone, Copy, Default)]
struct Clock {
    hour: i8,
    minute: i8,
    second: i8,
    milli: i16,
}

/// A time of day, and what follows; midnight where there is none.
fn take_clock(text: &str) -> Option<(Clock, &str)> {
    if !text.starts_with(|c: char| c.is_ascii_digit()) {
        return Some((Clock::default(), text));
    }
    let mut clock = Clock::default();
    let (hour, mut rest) = take_word(text)?;
    clock.hour = hour.parse().ok()?;
    let part = |rest: &mut &str| -> Option<Option<i8>> {
        let Some(after) = rest.strip_prefix(':') else {
            return Some(None);
        };
        let (word, after) = take_word(after)?;
        *rest = after;
        word.parse().ok().map(Some)
    };
    clock.minute = part(&mut rest)??;
    clock.second = part(&mut rest)?.unwrap_or(0);
    if let Some(after) = rest.strip_prefix(['.', ',']) {
        let (word, after) = take_word(after)?;
        let milli = format!("{word:0<3}");
        clock.milli = milli.get(..3)?.parse().ok()?;
        rest = after;
    }
    let half = rest.trim_start();
    let half = half.get(..2).map(str::to_ascii_lowercase);
    match half.as_deref() {
        Some("pm") if clock.hour <= 12 => {
            clock.hour = clock.hour % 12 + 12;
            rest = &rest.trim_start()[2..];
        }
        Some("am") if clock.hour <= 12 => {
            clock.hour %= 12;
            rest = &rest.trim_start()[2..];
        }
        _ => {}
    }
    Some((clock, rest))
}

/// Minutes from UTC; `Some(None)` where no offset stands there, `None` where something else does.
fn take_offset(text: &str) -> Option<Option<i32>> {
    let (sign, rest) = match text {
        "" => return Some(None),
        "Z" | "z" | "UTC" | "GMT" => return Some(Some(0)),
        text if text.starts_with('+') => (1, &text[1..]),
        text if text.starts_with('-') => (-1, &text[1..]),
        _ => return None,
    };
    let digits: String = rest.chars().filter(|c| *c != ':').collect();
    if digits.len() != 4 || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    let (hours, minutes) = digits.split_at(2);
    let (hours, minutes): (i32, i32) = (hours.parse().ok()?, minutes.parse().ok()?);
    (hours < 24 && minutes < 60).then_some(Some(sign * (hours * 60 + minutes)))
}

fn civil([year, month, day]: [i16; 3], clock: Clock) -> Option<DateTime> {
    // Beyond lies a typing error.
    if !(1900..=2200).contains(&year) {
        return None;
    }
    let (month, day) = (i8::try_from(month).ok()?, i8::try_from(day).ok()?);
    let nanos = i32::from(clock.milli) * 1_000_000;
    DateTime::new(
        year,
        month,
        day,
        clock.hour,
        clock.minute,
        clock.second,
        nanos,
    )
    .ok()
}

fn local(at: DateTime, zone: &TimeZone) -> Option<UtcMillis> {
    let at = zone.to_timestamp(at).ok()?;
    Some(UtcMillis::new(at.as_millisecond()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(order: DateOrder, text: &str) -> Option<String> {
        let at = order.parse(text, &TimeZone::UTC)?;
        Some(at.to_rfc3339().replace(".000Z", ""))
    }

    #[test]
    fn dates_of_many_programs_are_read() {
        for (text, expected) in [
            ("2010-12-01 08:26:00", "2010-12-01T08:26:00"),
            ("2010-12-01", "2010-12-01T00:00:00"),
            ("20101201", "2010-12-01T00:00:00"),
            ("2010/12/01 8:26", "2010-12-01T08:26:00"),
            ("2024-05-01T10:00:00Z", "2024-05-01T10:00:00"),
            ("2024-05-01 10:00:00 -0500", "2024-05-01T15:00:00"),
            ("2024-05-01T10:00:00+02:00", "2024-05-01T08:00:00"),
            ("31/12/2010 14:05", "2010-12-31T14:05:00"),
            ("31.12.2010", "2010-12-31T00:00:00"),
            ("1.2.10", "2010-02-01T00:00:00"),
            ("5 Jan 2024", "2024-01-05T00:00:00"),
            ("January 5, 2024 3:07 pm", "2024-01-05T15:07:00"),
            ("05-Jan-24 12:00 AM", "2024-01-05T00:00:00"),
            ("1714557600", "2024-05-01T10:00:00"),
            ("1714557600000", "2024-05-01T10:00:00"),
        ] {
            assert_eq!(
                read(DateOrder::DayFirst, text).as_deref(),
                Some(expected),
                "{text}"
            );
        }
        let american = read(DateOrder::MonthFirst, "12/1/2010 8:26");
        assert_eq!(american.as_deref(), Some("2010-12-01T08:26:00"));
    }

    #[test]
    fn what_is_no_date_is_none() {
        for text in [
            "",
            "n/a",
            "2010-13-01",
            "32/12/2010",
            "2010-12-01 25:00",
            "2010-12",
            "12",
            "0001-01-01",
            "2010-12-01 x",
            "99999999",
        ] {
            assert_eq!(read(DateOrder::DayFirst, text), None, "{text}");
        }
    }

    #[test]
    fn a_sample_tells_the_order() {
        let of =
            |cells: &[&str]| DateOrder::of_sample(cells.iter().copied(), DateOrder::MonthFirst);
        assert_eq!(of(&["1/2/2010", "13/2/2010"]), (DateOrder::DayFirst, true));
        assert_eq!(
            of(&["1/2/2010", "2/13/2010"]),
            (DateOrder::MonthFirst, true)
        );
        assert_eq!(of(&["1/2/2010"]), (DateOrder::MonthFirst, false));
        assert_eq!(of(&["1.2.2010"]), (DateOrder::DayFirst, false));
        assert_eq!(of(&["2010-02-13"]), (DateOrder::MonthFirst, false));
    }

    proptest::proptest! {
        #[test]
        fn any_text_is_a_date_or_none(text in "[0-9A-Za-z:/. +,\\-é]{0,30}") {
            let _ = DateOrder::DayFirst.parse(&text, &TimeZone::UTC);
            let _ = DateOrder::of_sample(std::iter::once(text.as_str()), DateOrder::DayFirst);
        }
    }
}
