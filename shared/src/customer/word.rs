//! The texts that records are made of: words, lists of them, and words out of a closed set.

use std::collections::HashSet;

use crate::text::{InvalidField, bounded, required};

/// The longest word, in characters.
const WORD_CHARS_MAX: usize = 100;
/// The longest list.
const LIST_MAX: usize = 50;

/// A word as tables and filters compare it: lower case, with `_` for spaces and hyphens (`Fuel economy` is
/// `fuel_economy`). Empty text is none.
pub(super) fn word(field: &str, text: Option<&str>) -> Result<Option<String>, InvalidField> {
    let Some(text) = text else { return Ok(None) };
    // Some capitals have a small letter of several characters, so it is the result that is measured.
    let lower = bounded(field, text, WORD_CHARS_MAX)?.to_lowercase();
    let parts = lower.split(|c: char| c.is_whitespace() || c == '-' || c == '_');
    let parts: Vec<&str> = parts.filter(|part| !part.is_empty()).collect();
    let word = parts.join("_");
    let word = bounded(field, &word, WORD_CHARS_MAX)?;
    Ok((!word.is_empty()).then(|| word.to_owned()))
}

/// A list of words, each once, in their sequence; an absent one is empty.
pub(super) fn words(field: &str, texts: Option<&[String]>) -> Result<Vec<String>, InvalidField> {
    list(field, texts, |field, text| {
        word(field, Some(text))?.ok_or_else(|| InvalidField::new(field, "must not be empty"))
    })
}

/// A list of texts that stay as they are, each once.
pub(super) fn texts(
    field: &str,
    texts: Option<&[String]>,
    chars_max: usize,
) -> Result<Vec<String>, InvalidField> {
    list(field, texts, |field, text| {
        required(field, text, chars_max).map(str::to_owned)
    })
}

fn list(
    field: &str,
    texts: Option<&[String]>,
    read: impl Fn(&str, &str) -> Result<String, InvalidField>,
) -> Result<Vec<String>, InvalidField> {
    let texts = texts.unwrap_or_default();
    if texts.len() > LIST_MAX {
        let reason = format!("must have at most {LIST_MAX} entries");
        return Err(InvalidField::new(field, reason));
    }
    let (mut seen, mut list) = (HashSet::new(), Vec::new());
    for (at, text) in texts.iter().enumerate() {
        let text = read(&format!("{field}[{at}]"), text)?;
        if seen.insert(text.clone()) {
            list.push(text);
        }
    }
    Ok(list)
}

/// A text that stays as it is but for its edges; empty text is none.
pub(super) fn text(
    field: &str,
    text: Option<&str>,
    chars_max: usize,
) -> Result<Option<String>, InvalidField> {
    let text = text
        .map(|text| bounded(field, text, chars_max))
        .transpose()?;
    Ok(text.filter(|text| !text.is_empty()).map(str::to_owned))
}

/// A whole number from `least` to `most`.
pub(super) fn number<T: TryFrom<i64>>(
    field: &str,
    number: Option<i64>,
    least: i64,
    most: i64,
) -> Result<Option<T>, InvalidField> {
    let fits = |number: i64| {
        let number = Some(number).filter(|number| (least..=most).contains(number));
        number.and_then(|number| T::try_from(number).ok())
    };
    let fault = || {
        let reason = format!("must be a whole number from {least} to {most}");
        InvalidField::new(field, reason)
    };
    number
        .map(|number| fits(number).ok_or_else(fault))
        .transpose()
}

/// An enum whose values are words on the wire and in storage; `$what` names its kind in faults.
macro_rules! closed_set {
    ($(#[$doc:meta])* $name:ident, $what:literal { $($(#[$of:meta])* $variant:ident = $text:literal,)+ }) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize, serde::Deserialize)]
        #[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
        pub enum $name {
            $($(#[$of])* #[serde(rename = $text)] $variant,)+
        }

        impl $name {
            /// All of them.
            pub const ALL: &[Self] = &[$(Self::$variant,)+];

            /// As the contract writes it.
            #[must_use]
            pub const fn as_str(self) -> &'static str {
                match self {
                    $(Self::$variant => $text,)+
                }
            }

            /// Reads what a caller sent in `field`.
            ///
            /// # Errors
            /// [`InvalidInput`](crate::customer::InvalidInput) with what is allowed.
            pub fn parse(field: &str, text: &str) -> Result<Self, crate::customer::InvalidInput> {
                let known = Self::ALL.iter().find(|known| known.as_str() == text.trim());
                known.copied().ok_or_else(|| {
                    let allowed = Self::ALL.iter().map(|known| known.as_str()).collect();
                    crate::customer::InvalidInput::not_one_of(field, $what, allowed, text)
                })
            }
        }
    };
}
pub(super) use closed_set;
