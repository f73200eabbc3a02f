//! Reads what PHP writes: a missing thing is `null`, `""`, `false` or `[]`, a number may be a text, and an
//! array whose keys have gaps is an object.

use std::fmt;
use std::marker::PhantomData;

use serde::de::value::MapAccessDeserializer;
use serde::de::{Deserialize, Deserializer, Error, IgnoredAny, MapAccess, SeqAccess, Visitor};

use crate::order::QUANTITY_MAX;

/// A text, or a number as text; trimmed, and nothing where it is empty.
pub(super) fn text<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<String>, D::Error> {
    struct Text;
    impl<'de> Visitor<'de> for Text {
        type Value = Option<String>;

        fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("a text or a number")
        }

        fn visit_str<E>(self, text: &str) -> Result<Self::Value, E> {
            let text = text.trim();
            Ok((!text.is_empty()).then(|| text.to_owned()))
        }

        fn visit_u64<E>(self, number: u64) -> Result<Self::Value, E> {
            Ok(Some(number.to_string()))
        }

        fn visit_i64<E>(self, number: i64) -> Result<Self::Value, E> {
            Ok(Some(number.to_string()))
        }

        fn visit_f64<E>(self, number: f64) -> Result<Self::Value, E> {
            Ok(Some(number.to_string()))
        }

        fn visit_bool<E: Error>(self, value: bool) -> Result<Self::Value, E> {
            if value {
                return Err(E::invalid_type(serde::de::Unexpected::Bool(true), &self));
            }
            Ok(None)
        }

        fn visit_unit<E>(self) -> Result<Self::Value, E> {
            Ok(None)
        }

        fn visit_seq<A: SeqAccess<'de>>(self, items: A) -> Result<Self::Value, A::Error> {
            nothing_in(items, &self).map(|()| None)
        }
    }
    deserializer.deserialize_any(Text)
}

/// A list; an object stands for the list of its values.
pub(super) fn list<'de, D, T>(deserializer: D) -> Result<Vec<T>, D::Error>
where
    D: Deserializer<'de>,
    T: Deserialize<'de>,
{
    struct List<T>(PhantomData<T>);
    impl<'de, T: Deserialize<'de>> Visitor<'de> for List<T> {
        type Value = Vec<T>;

        fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("a list")
        }

        fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Vec<T>, A::Error> {
            let mut list = Vec::new();
            while let Some(item) = items.next_element()? {
                list.push(item);
            }
            Ok(list)
        }

        fn visit_map<A: MapAccess<'de>>(self, mut items: A) -> Result<Vec<T>, A::Error> {
            let mut list = Vec::new();
            while let Some((IgnoredAny, item)) = items.next_entry()? {
                list.push(item);
            }
            Ok(list)
        }

        fn visit_unit<E>(self) -> Result<Vec<T>, E> {
            Ok(Vec::new())
        }

        fn visit_bool<E: Error>(self, value: bool) -> Result<Vec<T>, E> {
            if value {
                return Err(E::invalid_type(serde::de::Unexpected::Bool(true), &self));
            }
            Ok(Vec::new())
        }
    }
    deserializer.deserialize_any(List(PhantomData))
}

/// An object; `null` and `[]` stand for an empty one.
pub(super) fn object<'de, D, T>(deserializer: D) -> Result<T, D::Error>
where
    D: Deserializer<'de>,
    T: Deserialize<'de> + Default,
{
    struct Object<T>(PhantomData<T>);
    impl<'de, T: Deserialize<'de> + Default> Visitor<'de> for Object<T> {
        type Value = T;

        fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("an object")
        }

        fn visit_map<A: MapAccess<'de>>(self, fields: A) -> Result<T, A::Error> {
            T::deserialize(MapAccessDeserializer::new(fields))
        }

        fn visit_unit<E>(self) -> Result<T, E> {
            Ok(T::default())
        }

        fn visit_seq<A: SeqAccess<'de>>(self, items: A) -> Result<T, A::Error> {
            nothing_in(items, &self).map(|()| T::default())
        }
    }
    deserializer.deserialize_any(Object(PhantomData))
}

fn nothing_in<'de, A: SeqAccess<'de>>(
    mut items: A,
    expected: &dyn serde::de::Expected,
) -> Result<(), A::Error> {
    match items.next_element::<IgnoredAny>()? {
        None => Ok(()),
        Some(_) => Err(A::Error::invalid_type(serde::de::Unexpected::Seq, expected)),
    }
}

/// Millionths in one.
const MILLION: i128 = 1_000_000;

/// A decimal number in millionths; further digits are cut. WooCommerce computes taxes to six decimals.
pub(super) fn millionths(text: &str) -> Option<i128> {
    let (negative, digits) = match text.strip_prefix('-') {
        Some(rest) => (true, rest),
        None => (false, text),
    };
    let (whole, fraction) = digits.split_once('.').unwrap_or((digits, ""));
    let plain = |part: &str| part.bytes().all(|byte| byte.is_ascii_digit());
    // Eighteen digits are more than any amount, and keep the sums below far from overflow.
    if whole.len() > 18 || whole.len() + fraction.len() == 0 || !plain(whole) || !plain(fraction) {
        return None;
    }
    let mut value: i128 = if whole.is_empty() {
        0
    } else {
        whole.parse().ok()?
    };
    for at in 0..6 {
        let digit = fraction.as_bytes().get(at).map_or(0, |byte| byte - b'0');
        value = value * 10 + i128::from(digit);
    }
    Some(if negative { -value } else { value })
}

/// What one piece costs when `quantity` of them cost so many millionths, as a decimal text with the
/// currency's digits, rounded half up.
pub(super) fn unit_price(millionths: i128, quantity: u32, digits: u32) -> String {
    let scale = 10i128.pow(digits);
    let divisor = MILLION * i128::from(quantity.max(1));
    let minor = (2 * millionths * scale + divisor) / (2 * divisor);
    let (whole, fraction) = (minor / scale, minor % scale);
    match digits {
        0 => whole.to_string(),
        digits => format!("{whole}.{fraction:0width$}", width = digits as usize),
    }
}

/// Whole pieces of a quantity, which plugins for goods by weight write as `1.5`; at least one of what was
/// bought at all.
pub(super) fn pieces(text: &str) -> Option<u32> {
    let millionths = millionths(text)?;
    if millionths <= 0 {
        return Some(0);
    }
    let rounded = ((millionths + MILLION / 2) / MILLION).max(1);
    u32::try_from(rounded)
        .ok()
        .filter(|pieces| *pieces <= QUANTITY_MAX)
}

/// Named characters that WordPress writes into names.
const ENTITIES: [(&str, char); 9] = [
    ("amp", '&'),
    ("lt", '<'),
    ("gt", '>'),
    ("quot", '"'),
    ("apos", '\''),
    ("nbsp", ' '),
    ("ndash", '–'),
    ("mdash", '—'),
    ("rsquo", '’'),
];

/// A name as plain text of at most `chars_max` characters: entities become what they stand for, control
/// characters go.
pub(super) fn name(text: &str, chars_max: usize) -> String {
    let mut plain = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find('&') {
        plain.push_str(&rest[..at]);
        let entity = rest[at + 1..].split_once(';').and_then(|(name, after)| {
            let known = ENTITIES.iter().find(|(known, _)| *known == name);
            let decoded = known.map(|(_, char)| *char).or_else(|| numbered(name))?;
            Some((decoded, after))
        });
        let (decoded, after) = entity.unwrap_or(('&', &rest[at + 1..]));
        plain.push(decoded);
        rest = after;
    }
    plain.push_str(rest);
    let kept = plain.chars().filter(|c| !c.is_control());
    kept.take(chars_max).collect::<String>().trim().to_owned()
}

fn numbered(name: &str) -> Option<char> {
    let digits = name.strip_prefix('#')?;
    let code = match digits.strip_prefix(['x', 'X']) {
        Some(hex) => u32::from_str_radix(hex, 16),
        None => digits.parse(),
    };
    char::from_u32(code.ok()?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_decimal_is_exact_to_the_millionth() {
        let cases = [
            ("6.45", Some(6_450_000)),
            ("3", Some(3_000_000)),
            ("-10.00", Some(-10_000_000)),
            (".5", Some(500_000)),
            ("0.12345678", Some(123_456)),
            ("1e21", None),
            ("1,5", None),
            ("", None),
            (".", None),
            ("NaN", None),
            ("9999999999999999999", None),
        ];
        for (text, expected) in cases {
            assert_eq!(millionths(text), expected, "{text}");
        }
    }

    #[test]
    fn a_price_is_rounded_half_up_to_the_currencys_digits() {
        assert_eq!(unit_price(6_450_000, 2, 2), "3.23");
        assert_eq!(unit_price(10_000_000, 3, 2), "3.33");
        assert_eq!(unit_price(1_500_000, 1, 0), "2");
        assert_eq!(unit_price(0, 5, 2), "0.00");
        assert_eq!(unit_price(5_000, 1, 2), "0.01");
    }

    #[test]
    fn a_broken_quantity_is_whole_pieces() {
        let cases = [
            ("2", Some(2)),
            ("1.5", Some(2)),
            ("0.2", Some(1)),
            ("0", Some(0)),
            ("-1", Some(0)),
        ];
        for (text, expected) in cases {
            assert_eq!(pieces(text), expected, "{text}");
        }
        assert_eq!(pieces("100001"), None);
        assert_eq!(pieces("many"), None);
    }

    #[test]
    fn a_name_is_plain_text() {
        let cases = [
            (
                "Ship Your Idea &ndash; Black, M",
                "Ship Your Idea – Black, M",
            ),
            ("Salt &amp; Pepper&#8217;s &#x41;", "Salt & Pepper’s A"),
            (
                "R&D & more; &unknown; &#xffffffff;",
                "R&D & more; &unknown; &#xffffffff;",
            ),
            (" a\u{0}b\n ", "ab"),
        ];
        for (text, expected) in cases {
            assert_eq!(name(text, 200), expected);
        }
        assert_eq!(name("éééé", 2), "éé");
    }

    proptest::proptest! {
        #[test]
        fn any_text_has_a_name_and_a_number_or_none(text: String) {
            proptest::prop_assert!(name(&text, 9).chars().count() <= 9);
            let _ = millionths(&text);
            let _ = pieces(&text);
        }
    }
}
