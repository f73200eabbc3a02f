//! Ranges of money as salespeople ask for them: in thousands, in whatever currency the shop sells in.

use std::fmt;

use crate::text::InvalidField;

/// A range of money in thousands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum MoneyRange {
    /// `40k_60k`; the first is the smaller one.
    Between(u32, u32),
    /// `under_30k`.
    Under(u32),
    /// `over_100k`.
    Over(u32),
    /// `100k_plus`.
    Plus(u32),
}

/// Nobody's income, in thousands.
const THOUSANDS_MAX: u32 = 1_000_000;

impl MoneyRange {
    /// Reads a range.
    ///
    /// # Errors
    /// [`InvalidField`] of `field` with the forms that are read.
    pub fn parse(field: &str, text: &str) -> Result<Self, InvalidField> {
        let fault = || {
            let reason = "must be <n>k_<m>k with n below m, under_<n>k, over_<n>k or <n>k_plus";
            InvalidField::new(field, reason)
        };
        let text = text.trim().to_ascii_lowercase();
        let (left, right) = text.split_once('_').ok_or_else(fault)?;
        let range = match (left, right) {
            ("under", right) => thousands(right).map(Self::Under),
            ("over", right) => thousands(right).map(Self::Over),
            (left, "plus") => thousands(left).map(Self::Plus),
            (left, right) => match (thousands(left), thousands(right)) {
                (Some(low), Some(high)) if low < high => Some(Self::Between(low, high)),
                _ => None,
            },
        };
        range.ok_or_else(fault)
    }

    /// The smallest amount in it, in thousands; `None` where it has none.
    #[must_use]
    pub const fn low(self) -> Option<u32> {
        match self {
            Self::Between(low, _) | Self::Over(low) | Self::Plus(low) => Some(low),
            Self::Under(_) => None,
        }
    }

    /// The largest amount in it, in thousands; `None` where it has none.
    #[must_use]
    pub const fn high(self) -> Option<u32> {
        match self {
            Self::Between(_, high) | Self::Under(high) => Some(high),
            Self::Over(_) | Self::Plus(_) => None,
        }
    }
}

/// `60k`.
fn thousands(text: &str) -> Option<u32> {
    let digits = text.strip_suffix('k')?;
    let plain = digits.bytes().all(|byte| byte.is_ascii_digit());
    let number = digits.parse().ok().filter(|_| plain)?;
    (number <= THOUSANDS_MAX).then_some(number)
}

impl fmt::Display for MoneyRange {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Between(low, high) => write!(f, "{low}k_{high}k"),
            Self::Under(high) => write!(f, "under_{high}k"),
            Self::Over(low) => write!(f, "over_{low}k"),
            Self::Plus(low) => write!(f, "{low}k_plus"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_range_reads_back_as_it_is_printed() {
        for text in ["40k_60k", "0k_5k", "under_30k", "over_100k", "100k_plus"] {
            assert_eq!(MoneyRange::parse("f", text).unwrap().to_string(), text);
        }
    }

    #[test]
    fn what_is_no_range_is_refused() {
        for text in [
            "",
            "40k",
            "60k_40k",
            "40k_40k",
            "40_60",
            "40k-60k",
            "+4k_6k",
            "k_k",
            "under_k",
            "under_30k_plus",
            "99999999999k_plus",
            "4k_6k_8k",
            "1000001k_plus",
        ] {
            assert_eq!(
                MoneyRange::parse("f", text).unwrap_err().field,
                "f",
                "{text}"
            );
        }
    }
}
