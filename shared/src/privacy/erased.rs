//! How somebody who was erased is known again: by keyed digests that are used for nothing else, so that neither the log nor
//! a cache has a value that could be compared with them.

use crate::identity::{Email, Salt, keyed};
use crate::text::hex;
use crate::time::UtcMillis;

/// Something that named an erased person.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Named<'a> {
    /// Their email.
    Email(&'a Email),
    /// The shop's own id of them.
    User(&'a str),
    /// The id that their browser keeps.
    Browser(&'a str),
    /// A visit of theirs.
    Session(&'a str),
}

impl Named<'_> {
    /// The digest, as hexadecimal text: HMAC-SHA256 under the shop's salt.
    #[must_use]
    pub fn digest(self, salt: &Salt) -> String {
        let (kind, value) = match self {
            Self::Email(email) => ("erased email:", email.as_str()),
            Self::User(id) => ("erased user:", id),
            Self::Browser(id) => ("erased browser:", id),
            Self::Session(id) => ("erased session:", id),
        };
        hex(&keyed(salt.bytes(), &[kind, value]))
    }
}

/// Whether what happened then is part of what was erased. What nobody knows the time of is taken for older.
#[must_use]
pub fn covers(erased_at: UtcMillis, happened_at: Option<UtcMillis>) -> bool {
    happened_at.is_none_or(|at| at <= erased_at)
}

/// What stands where an address was.
const GONE: &str = "…";

/// The text without the addresses that are to go; `None` where it has none of them. An address ends where a word does, or
/// where a part of an address in a page's address does; there its at sign may be written as `%40`.
#[must_use]
pub fn without_addresses(text: &str, is_gone: impl Fn(&Email) -> bool) -> Option<String> {
    let ends =
        |c: char| c.is_whitespace() || c.is_control() || "<>()[]{},;:\\\"'=&?/#!|".contains(c);
    let mut gone: Vec<&str> = text
        .split(ends)
        .map(|word| word.trim_end_matches('.'))
        .filter(|word| {
            let plain = word.replace("%40", "@");
            Email::parse("email", &plain).is_ok_and(|email| is_gone(&email))
        })
        .collect();
    if gone.is_empty() {
        return None;
    }
    // The longest first: one may be the end of another.
    gone.sort_by_key(|word| std::cmp::Reverse(word.len()));
    gone.dedup();
    let without = gone
        .into_iter()
        .fold(text.to_owned(), |text, word| text.replace(word, GONE));
    Some(without)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::identity::EmailHash;

    #[test]
    fn a_digest_tells_kinds_and_shops_apart_and_is_none_of_the_log() {
        let (one, other) = (Salt::new([1; 32]), Salt::new([2; 32]));
        let email = Email::parse("email", "ann@shop.example").unwrap();
        let digest = Named::Email(&email).digest(&one);
        assert_eq!(digest, Named::Email(&email).digest(&one));
        assert_ne!(digest, Named::Email(&email).digest(&other));
        assert_ne!(digest, Named::User(email.as_str()).digest(&one));
        assert_ne!(digest, EmailHash::of(&email, &one).as_str());
    }

    #[test]
    fn an_address_goes_however_it_is_written() {
        let is_gone = |email: &Email| email.as_str() == "ann@shop.example";
        let of = |text: &str| without_addresses(text, is_gone);
        assert_eq!(
            of(r#"{"q":"mail Ann@Shop.example.","u":"/a?e=ann%40shop.example&x=bo@shop.example"}"#)
                .unwrap(),
            r#"{"q":"mail ….","u":"/a?e=…&x=bo@shop.example"}"#
        );
        assert_eq!(of("joann@shop.example and nobody@else.example"), None);
    }

    #[test]
    fn only_what_happened_before_is_covered() {
        let erased = UtcMillis::new(10);
        assert!(covers(erased, None) && covers(erased, Some(erased)));
        assert!(!covers(erased, Some(UtcMillis::new(11))));
    }
}
