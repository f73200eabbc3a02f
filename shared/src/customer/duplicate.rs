//! Finds the same person in two records: by the name and the demographics, without accents, case and spaces.

use sha2::{Digest, Sha256};

use super::record::CustomerRecord;
use crate::text::hex;

/// What records of the same person have in common: 64 hexadecimal digits. It tells of a person as the name does and goes
/// where the name goes.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct DuplicateKey(String);

impl DuplicateKey {
    /// The SHA-256 of name, age, profession and location as they sound. `None` where none of the last three is known: a
    /// name alone is no person.
    #[must_use]
    pub fn of(record: &CustomerRecord) -> Option<Self> {
        let demographics = &record.demographics;
        let age = demographics
            .age
            .map(|age| age.to_string())
            .unwrap_or_default();
        let text = |text: &Option<String>| text.as_deref().map(folded).unwrap_or_default();
        let details = [
            age,
            text(&demographics.profession),
            text(&demographics.location),
        ];
        if details.iter().all(String::is_empty) {
            return None;
        }
        // Folding leaves no line feeds, so that they part the fields.
        let parts = format!("{}\n{}", folded(&record.name), details.join("\n"));
        Some(Self(hex(&Sha256::digest(parts))))
    }

    /// The key as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// A text in lower case without accents, dots, commas and doubled spaces.
pub(super) fn folded(text: &str) -> String {
    let lower = text.to_lowercase();
    let plain: String = lower
        .chars()
        .filter(|c| !is_mark(*c))
        .map(|c| if c.is_alphanumeric() { c } else { ' ' })
        .fold(String::new(), |mut plain, c| {
            match base(c) {
                Some(base) => plain.push_str(base),
                None => plain.push(c),
            }
            plain
        });
    let words: Vec<&str> = plain.split_whitespace().collect();
    words.join(" ")
}

/// An accent that stands alone behind its letter, as in decomposed text; or an apostrophe, which is often left out.
const fn is_mark(c: char) -> bool {
    matches!(c, '\u{300}'..='\u{36f}' | '\'' | '\u{2019}')
}

/// The letters without accents of a small Latin letter of Western and Central Europe. A table of our own, because the whole of
/// Unicode's would weigh more than the edge component can carry; other scripts are compared as they are.
const fn base(c: char) -> Option<&'static str> {
    Some(match c {
        'à' | 'á' | 'â' | 'ã' | 'ä' | 'å' | 'ā' | 'ă' | 'ą' => "a",
        'æ' => "ae",
        'ç' | 'ć' | 'ĉ' | 'ċ' | 'č' => "c",
        'ď' | 'đ' | 'ð' => "d",
        'è' | 'é' | 'ê' | 'ë' | 'ē' | 'ĕ' | 'ė' | 'ę' | 'ě' => "e",
        'ĝ' | 'ğ' | 'ġ' | 'ģ' => "g",
        'ĥ' | 'ħ' => "h",
        'ì' | 'í' | 'î' | 'ï' | 'ĩ' | 'ī' | 'ĭ' | 'į' | 'ı' => "i",
        'ĵ' => "j",
        'ķ' => "k",
        'ĺ' | 'ļ' | 'ľ' | 'ł' => "l",
        'ñ' | 'ń' | 'ņ' | 'ň' => "n",
        'ò' | 'ó' | 'ô' | 'õ' | 'ö' | 'ø' | 'ō' | 'ŏ' | 'ő' => "o",
        'œ' => "oe",
        'ŕ' | 'ŗ' | 'ř' => "r",
        'ś' | 'ŝ' | 'ş' | 'š' | 'ș' => "s",
        'ß' => "ss",
        'ţ' | 'ť' | 'ŧ' | 'ț' => "t",
        'þ' => "th",
        'ù' | 'ú' | 'û' | 'ü' | 'ũ' | 'ū' | 'ŭ' | 'ů' | 'ű' | 'ų' => "u",
        'ŵ' => "w",
        'ý' | 'ÿ' | 'ŷ' => "y",
        'ź' | 'ż' | 'ž' => "z",
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_the_same_however_it_is_written() {
        for text in [
            "José  Müller-O'Brien",
            "jose muller o’brien",
            "JOSE\u{301} MU\u{308}LLER OBRIEN",
        ] {
            assert_eq!(folded(text), "jose muller obrien", "{text}");
        }
        assert_eq!(folded("Иван"), folded("ИВАН"));
    }
}
