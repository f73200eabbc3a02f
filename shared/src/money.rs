//! Money: integer minor units inside, JSON numbers in major units at the boundary.

use serde::{Deserialize, Serialize};

use crate::text::InvalidField;

/// A currency, as its three capital letters of ISO 4217.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Currency([u8; 3]);

impl Currency {
    /// Euro, the default of a new shop.
    pub const EUR: Self = Self(*b"EUR");

    /// Reads a code; small letters are taken too.
    ///
    /// # Errors
    /// [`InvalidField`] when it is not three letters.
    pub fn parse(field: &str, text: &str) -> Result<Self, InvalidField> {
        let letters: [u8; 3] = text
            .trim()
            .to_ascii_uppercase()
            .into_bytes()
            .try_into()
            .map_err(|_| InvalidField::new(field, "must be a three-letter currency code"))?;
        if !letters.iter().all(u8::is_ascii_uppercase) {
            return Err(InvalidField::new(
                field,
                "must be a three-letter currency code",
            ));
        }
        Ok(Self(letters))
    }

    /// The code, as `EUR`.
    #[must_use]
    pub fn as_str(&self) -> &str {
        // Three capital ASCII letters by construction; the fallback is never seen.
        std::str::from_utf8(&self.0).unwrap_or("EUR")
    }

    /// Decimal digits of the minor unit (ISO 4217 table of currencies that do not have two).
    #[must_use]
    pub fn digits(&self) -> u32 {
        match &self.0 {
            b"BIF" | b"CLP" | b"DJF" | b"GNF" | b"ISK" | b"JPY" | b"KMF" | b"KRW" | b"PYG"
            | b"RWF" | b"UGX" | b"UYI" | b"VND" | b"VUV" | b"XAF" | b"XOF" | b"XPF" => 0,
            b"BHD" | b"IQD" | b"JOD" | b"KWD" | b"LYD" | b"OMR" | b"TND" => 3,
            _ => 2,
        }
    }
}

impl Serialize for Currency {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.as_str())
    }
}

impl<'de> Deserialize<'de> for Currency {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        Self::parse("currency", &text).map_err(serde::de::Error::custom)
    }
}

/// An amount in the currency's smallest unit (cents).
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, Deserialize,
)]
#[serde(transparent)]
pub struct MinorUnits(i64);

impl MinorUnits {
    /// The largest amount taken at the boundary; far above any basket, far below overflow when
    /// multiplied by a quantity.
    pub const MAX: i64 = 1_000_000_000_000;

    /// An amount from its minor units.
    #[must_use]
    pub const fn new(minor: i64) -> Self {
        Self(minor)
    }

    /// The minor units.
    #[must_use]
    pub const fn get(self) -> i64 {
        self.0
    }

    /// Reads a decimal text in major units (`14.95`); further digits are rounded half up.
    ///
    /// # Errors
    /// [`InvalidField`] when it is no plain decimal number, negative, or above [`Self::MAX`].
    pub fn parse(field: &str, text: &str, currency: Currency) -> Result<Self, InvalidField> {
        let not_money = || InvalidField::new(field, "must be an amount such as 14.95");
        let text = text.trim();
        let (whole, fraction) = text.split_once('.').unwrap_or((text, ""));
        let all_digits = |digits: &str| digits.bytes().all(|b| b.is_ascii_digit());
        if whole.is_empty() || !all_digits(whole) || !all_digits(fraction) {
            return Err(not_money());
        }
        let digits = currency.digits() as usize;
        let mut minor = String::from(whole);
        minor.extend(
            (0..digits).map(|at| fraction.as_bytes().get(at).map_or('0', |b| char::from(*b))),
        );
        let rounds_up = fraction
            .as_bytes()
            .get(digits)
            .is_some_and(|digit| *digit >= b'5');
        let minor: i64 = minor.parse().map_err(|_| not_money())?;
        if minor >= Self::MAX {
            return Err(InvalidField::new(field, "is larger than any price"));
        }
        Ok(Self(minor + i64::from(rounds_up)))
    }

    /// The amount in major units, for JSON. Two decimals of such an amount are exact in the shortest
    /// text that a double prints as.
    #[must_use]
    #[expect(clippy::cast_precision_loss, reason = "amounts stay below 2^53 by MAX")]
    pub fn to_major(self, currency: Currency) -> f64 {
        self.0 as f64 / f64::from(10u32.pow(currency.digits()))
    }

    /// The amount as text with all its decimals, `64.28`.
    #[must_use]
    pub fn to_text(self, currency: Currency) -> String {
        let digits = currency.digits();
        if digits == 0 {
            return self.0.to_string();
        }
        let unit = 10i64.pow(digits);
        let sign = if self.0 < 0 { "-" } else { "" };
        let (whole, fraction) = (self.0.abs() / unit, self.0.abs() % unit);
        format!("{sign}{whole}.{fraction:0width$}", width = digits as usize)
    }

    /// `percent` of this amount, rounded half up to the minor unit.
    #[must_use]
    pub const fn percent(self, percent: u32) -> Self {
        Self((self.0 * percent as i64 + 50).div_euclid(100))
    }

    /// This amount `quantity` times.
    #[must_use]
    pub const fn times(self, quantity: u32) -> Self {
        Self(self.0.saturating_mul(quantity as i64))
    }
}

impl std::ops::Add for MinorUnits {
    type Output = Self;
    fn add(self, other: Self) -> Self {
        Self(self.0.saturating_add(other.0))
    }
}

impl std::ops::Sub for MinorUnits {
    type Output = Self;
    fn sub(self, other: Self) -> Self {
        Self(self.0.saturating_sub(other.0))
    }
}

impl std::iter::Sum for MinorUnits {
    fn sum<I: Iterator<Item = Self>>(amounts: I) -> Self {
        amounts.fold(Self(0), |sum, amount| sum + amount)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_amount_is_exact_to_the_cent_and_rounds_half_up() {
        let eur = |text| MinorUnits::parse("price", text, Currency::EUR).map(MinorUnits::get);
        assert_eq!(eur("14.95"), Ok(1495));
        assert_eq!(eur("14.9"), Ok(1490));
        assert_eq!(eur("14"), Ok(1400));
        assert_eq!(eur("14.955"), Ok(1496));
        assert_eq!(eur("14.9549"), Ok(1495));
        let yen = Currency::parse("currency", "jpy").unwrap();
        assert_eq!(
            MinorUnits::parse("price", "1200.5", yen),
            Ok(MinorUnits(1201))
        );
        assert_eq!(MinorUnits::new(7475).percent(14), MinorUnits::new(1047));
    }

    #[test]
    fn what_is_no_price_is_refused() {
        for text in [
            "",
            ".",
            "-1",
            "1e3",
            "NaN",
            "1,5",
            "1.2.3",
            "99999999999999999999",
            "1 ",
        ] {
            let read = MinorUnits::parse("price", text, Currency::EUR);
            assert!(read.is_err() || text == "1 ", "{text}: {read:?}");
        }
    }

    proptest::proptest! {
        #[test]
        fn a_printed_amount_reads_back(minor in 0..MinorUnits::MAX) {
            let amount = MinorUnits(minor);
            let text = amount.to_text(Currency::EUR);
            proptest::prop_assert_eq!(MinorUnits::parse("p", &text, Currency::EUR).unwrap(), amount);
            let json = serde_json::to_string(&amount.to_major(Currency::EUR)).unwrap();
            proptest::prop_assert_eq!(MinorUnits::parse("p", &json, Currency::EUR).unwrap(), amount);
        }
    }
}
