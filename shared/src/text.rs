//! Text from outside: bounded, free of NUL, and faults that name the field.

/// A field of a request that breaks a rule. The rejected value is never repeated: it may be personal.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{field} {reason}")]
pub struct InvalidField {
    /// The field's name as the sender wrote it, with its place in a list (`items[2].quantity`).
    pub field: String,
    /// What is wrong with it, as a predicate: "must be an email address".
    pub reason: String,
}

impl InvalidField {
    /// A fault of `field`; `reason` reads as a predicate.
    pub fn new(field: impl Into<String>, reason: impl Into<String>) -> Self {
        Self {
            field: field.into(),
            reason: reason.into(),
        }
    }

    /// The same fault seen from outside: `quantity` in `items[2]` is `items[2].quantity`.
    #[must_use]
    pub fn inside(self, outer: &str) -> Self {
        Self {
            field: format!("{outer}.{}", self.field),
            reason: self.reason,
        }
    }
}

/// Checks a text of at most `chars_max` characters without control characters other than tab and line
/// feeds, and trims it.
///
/// # Errors
/// [`InvalidField`] when it is too long or holds a control character (PostgreSQL refuses NUL, so it may
/// never get that far).
pub fn bounded<'a>(field: &str, value: &'a str, chars_max: usize) -> Result<&'a str, InvalidField> {
    // Bytes bound characters, so the usual short text is not counted.
    if value.len() > chars_max && value.chars().count() > chars_max {
        return Err(InvalidField::new(
            field,
            format!("must be at most {chars_max} characters"),
        ));
    }
    if value
        .chars()
        .any(|c| c.is_control() && !matches!(c, '\t' | '\n' | '\r'))
    {
        return Err(InvalidField::new(
            field,
            "must not contain control characters",
        ));
    }
    Ok(value.trim())
}

/// As [`bounded`], and not empty.
///
/// # Errors
/// As [`bounded`], or when nothing is left after trimming.
pub fn required<'a>(
    field: &str,
    value: &'a str,
    chars_max: usize,
) -> Result<&'a str, InvalidField> {
    let value = bounded(field, value, chars_max)?;
    if value.is_empty() {
        return Err(InvalidField::new(field, "must not be empty"));
    }
    Ok(value)
}

/// Lower-case hexadecimal digits of `bytes`.
#[must_use]
pub fn hex(bytes: &[u8]) -> String {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    let mut out = String::with_capacity(bytes.len() * 2);
    for byte in bytes {
        out.push(char::from(DIGITS[usize::from(byte >> 4)]));
        out.push(char::from(DIGITS[usize::from(byte & 15)]));
    }
    out
}

/// The bytes that a text of hexadecimal digits stands for; `None` where it is not one.
#[must_use]
pub fn unhex(text: &str) -> Option<Vec<u8>> {
    if !text.is_ascii() || !text.len().is_multiple_of(2) {
        return None;
    }
    (0..text.len())
        .step_by(2)
        .map(|at| {
            let pair = text.get(at..at + 2)?;
            // from_str_radix takes a sign; a digit pair has none.
            (!pair.starts_with('+'))
                .then(|| u8::from_str_radix(pair, 16).ok())
                .flatten()
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_with_nul_or_too_many_characters_is_refused_with_its_field() {
        assert_eq!(bounded("name", "a\0b", 9).unwrap_err().field, "name");
        assert_eq!(bounded("name", "ééé", 2).unwrap_err().field, "name");
        assert_eq!(bounded("name", " ééé ", 5).unwrap(), "ééé");
        assert!(required("name", "  ", 5).is_err());
    }

    proptest::proptest! {
        #[test]
        fn hexadecimal_text_reads_back_as_the_same_bytes(bytes: Vec<u8>) {
            proptest::prop_assert_eq!(unhex(&hex(&bytes)), Some(bytes));
        }
    }

    #[test]
    fn what_is_no_hexadecimal_text_is_none() {
        for text in ["a", "zz", "+1", "é1"] {
            assert_eq!(unhex(text), None, "{text}");
        }
    }
}
