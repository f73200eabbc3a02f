//! Numbers, as people write them.

use serde::{Deserialize, Serialize};

/// What stands between the whole part and the rest.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "snake_case")]
pub enum Decimal {
    /// `1,234.50`
    Point,
    /// `1.234,50`
    Comma,
}

/// Millionths in one.
pub const ONE: i64 = 1_000_000;
/// Digits of a millionth.
const DIGITS: u32 = 6;

impl Decimal {
    /// What a sample of a column's cells uses; a point where nothing tells.
    pub fn of_sample<'a>(cells: impl Iterator<Item = &'a str>) -> Self {
        let (mut point, mut comma) = (0u32, 0u32);
        for cell in cells {
            let (last_point, last_comma) = (cell.rfind('.'), cell.rfind(','));
            let behind = |at: usize| {
                let rest = &cell[at + 1..];
                rest.chars().filter(char::is_ascii_digit).count()
            };
            match (last_point, last_comma) {
                (Some(p), Some(c)) if p > c => point += 1,
                (Some(_), Some(_)) => comma += 1,
                // `1,234` may be either; `12,5` and `12,50` may not.
                (None, Some(c)) if behind(c) != 3 => comma += 1,
                (Some(p), None) if behind(p) != 3 => point += 1,
                _ => {}
            }
        }
        if comma > point {
            Self::Comma
        } else {
            Self::Point
        }
    }

    /// Reads a number into millionths: with a sign, a currency's sign or code, groups of three digits, or in parentheses for
    /// what is owed. `None` where it is none or too large.
    #[must_use]
    pub fn parse(self, text: &str) -> Option<i64> {
        let text = text.trim();
        let (text, owed) = match text
            .strip_prefix('(')
            .and_then(|rest| rest.strip_suffix(')'))
        {
            Some(inner) => (inner, true),
            None => (text, false),
        };
        let text =
            text.trim_matches(|c: char| !c.is_ascii_digit() && !matches!(c, '-' | '+' | '.' | ','));
        let (text, minus) = match text.strip_prefix(['-', '\u{2212}']) {
            Some(rest) => (rest, true),
            None => match text.strip_suffix('-') {
                Some(rest) => (rest, true),
                None => (text.strip_prefix('+').unwrap_or(text), false),
            },
        };
        // `-€5`, after the sign.
        let text = text.trim_start_matches(|c: char| {
            !c.is_ascii_digit() && !matches!(c, '-' | '+' | '.' | ',')
        });
        let value = self.parse_unsigned(text)?;
        Some(if owed != minus { -value } else { value })
    }

    fn parse_unsigned(self, text: &str) -> Option<i64> {
        let (separator, group) = match self {
            Self::Point => ('.', ','),
            Self::Comma => (',', '.'),
        };
        let (mut value, mut digits, mut behind): (i64, u32, Option<u32>) = (0, 0, None);
        let mut exponent = None;
        for (at, c) in text.char_indices() {
            if let Some(digit) = c.to_digit(10) {
                digits += 1;
                match &mut behind {
                    Some(places) if *places >= DIGITS => continue,
                    Some(places) => *places += 1,
                    None => {}
                }
                value = value.checked_mul(10)?.checked_add(i64::from(digit))?;
            } else if c == separator && behind.is_none() {
                behind = Some(0);
            } else if (c == group || matches!(c, '\'' | ' ' | '\u{a0}' | '\u{202f}'))
                && behind.is_none()
                && digits > 0
            {
                // Groups have three digits; `1,5` with a decimal point is no number.
                let rest = &text[at + c.len_utf8()..];
                if rest.chars().take_while(char::is_ascii_digit).count() != 3 {
                    return None;
                }
            } else if matches!(c, 'e' | 'E') && digits > 0 {
                exponent = Some(text[at + 1..].parse::<i32>().ok()?);
                break;
            } else {
                return None;
            }
        }
        if digits == 0 {
            return None;
        }
        let scale = i32::try_from(DIGITS - behind.unwrap_or(0)).ok()? + exponent.unwrap_or(0);
        match u32::try_from(scale) {
            Ok(up) => value.checked_mul(10i64.checked_pow(up)?),
            Err(_) => Some(value / 10i64.checked_pow(scale.unsigned_abs())?),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_of_many_countries_are_read() {
        for (text, value) in [
            ("2.55", 2.55),
            ("0", 0.0),
            ("-12", -12.0),
            ("1,234.50", 1234.5),
            ("1 234.5", 1234.5),
            ("1'234.5", 1234.5),
            ("$12.50", 12.5),
            ("12.50 USD", 12.5),
            ("-$12.50", -12.5),
            ("(12.50)", -12.5),
            ("12.50-", -12.5),
            ("+3", 3.0),
            (".5", 0.5),
            ("5.", 5.0),
            ("1.5e3", 1500.0),
            ("2.5E-2", 0.025),
            ("0.1234567", 0.123456),
        ] {
            let read = Decimal::Point.parse(text);
            assert_eq!(read, Some((value * 1e6_f64).round() as i64), "{text}");
        }
        for (text, value) in [
            ("1.234,50", 1234.5),
            ("12,5", 12.5),
            ("1234", 1234.0),
            ("€ 9,99", 9.99),
        ] {
            let read = Decimal::Comma.parse(text);
            assert_eq!(read, Some((value * 1e6_f64).round() as i64), "{text}");
        }
    }

    #[test]
    fn what_is_no_number_is_none() {
        for text in [
            "",
            "-",
            "abc",
            "1,5",
            "1.2.3",
            "12a4",
            "99999999999999999999",
            "1e99",
            "()",
            "--1",
        ] {
            assert_eq!(Decimal::Point.parse(text), None, "{text}");
        }
        assert_eq!(Decimal::Comma.parse("1.5"), None);
    }

    #[test]
    fn a_sample_tells_the_decimal_sign() {
        let of = |cells: &[&str]| Decimal::of_sample(cells.iter().copied());
        assert_eq!(of(&["1.234,50", "12"]), Decimal::Comma);
        assert_eq!(of(&["12,5"]), Decimal::Comma);
        assert_eq!(of(&["1,234", "12.5"]), Decimal::Point);
        assert_eq!(of(&["1,234", "5"]), Decimal::Point);
    }

    proptest::proptest! {
        #[test]
        fn any_text_is_a_number_or_none(text: String) {
            let _ = Decimal::Point.parse(&text);
            let _ = Decimal::Comma.parse(&text);
            let _ = Decimal::of_sample(std::iter::once(text.as_str()));
        }

        #[test]
        fn a_printed_number_reads_back(value in -1_000_000_000_000i64..1_000_000_000_000) {
            let sign = if value < 0 { "-" } else { "" };
            let text = format!("{sign}{}.{:06}", value.unsigned_abs() / 1_000_000, value.unsigned_abs() % 1_000_000);
            proptest::prop_assert_eq!(Decimal::Point.parse(&text), Some(value));
            proptest::prop_assert_eq!(Decimal::Comma.parse(&text.replace('.', ",")), Some(value));
        }
    }
}
