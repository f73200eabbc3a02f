//! API keys: `ff_pk_…` for browsers, `ff_sk_…` for servers. Only their hash is ever stored.

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use crate::text::hex;

/// What a key may be used for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum KeyKind {
    /// Stands in storefront pages; sends events and asks for its own shopper's offer.
    Publishable,
    /// Stays on the shop's servers; reads and writes the shop's data.
    Secret,
}

impl KeyKind {
    /// What keys of this kind begin with.
    #[must_use]
    pub const fn prefix(self) -> &'static str {
        match self {
            Self::Publishable => "ff_pk_",
            Self::Secret => "ff_sk_",
        }
    }

    /// The kind as it is stored.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Publishable => "publishable",
            Self::Secret => "secret",
        }
    }
}

/// An access token that a person presented, not yet checked: only the origin can. Its `Debug` hides it.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct AccessToken(String);

impl AccessToken {
    /// Longest one taken; ours have some 300 characters.
    const BYTES_MAX: usize = 2048;

    /// Reads what may be a JSON Web Token: three parts of base64url. `None` where it cannot be one.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let text = text.trim();
        let plain = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_');
        let mut parts = text.split('.');
        let fits = parts
            .by_ref()
            .take(3)
            .all(|part| !part.is_empty() && part.bytes().all(plain));
        let three = text.bytes().filter(|byte| *byte == b'.').count() == 2;
        (fits && three && text.len() <= Self::BYTES_MAX).then(|| Self(text.to_owned()))
    }

    /// Lower-case hexadecimal SHA-256 of the token, under which an edge remembers what it was told of it.
    #[must_use]
    pub fn hash(&self) -> String {
        hex(&Sha256::digest(&self.0))
    }

    /// The token itself.
    #[must_use]
    pub fn reveal(&self) -> &str {
        &self.0
    }
}

impl std::fmt::Debug for AccessToken {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("AccessToken(…)")
    }
}

/// A key that a caller presented: its kind and its hash. The text itself is dropped while parsing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ApiKey {
    /// What the prefix says it is; the stored record must agree.
    pub kind: KeyKind,
    /// Lower-case hexadecimal SHA-256 of the whole key. Keys hold 160 random bits, so a plain hash
    /// cannot be searched, and looking the hash up leaks nothing of the key by its timing.
    pub hash: String,
}

impl ApiKey {
    /// Reads a presented key; `None` where it cannot be one.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let text = text.trim();
        let kind = [KeyKind::Publishable, KeyKind::Secret]
            .into_iter()
            .find(|kind| text.starts_with(kind.prefix()))?;
        let body = &text[kind.prefix().len()..];
        let fits =
            (20..=64).contains(&body.len()) && body.bytes().all(|b| b.is_ascii_alphanumeric());
        fits.then(|| Self {
            kind,
            hash: hex(&Sha256::digest(text.as_bytes())),
        })
    }

    /// The text of a new key from 20 random bytes; it is shown once and then forgotten.
    #[must_use]
    pub fn generate(kind: KeyKind, entropy: [u8; 20]) -> String {
        format!("{}{}", kind.prefix(), hex(&entropy))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_made_key_parses_and_its_hash_is_not_the_key() {
        for kind in [KeyKind::Publishable, KeyKind::Secret] {
            let text = ApiKey::generate(kind, [3; 20]);
            let key = ApiKey::parse(&text).unwrap();
            assert_eq!(key.kind, kind);
            assert!(!key.hash.contains(&text[6..]));
        }
    }

    #[test]
    fn what_is_no_key_is_none() {
        for text in [
            "",
            "ff_pk_",
            "ff_xx_aaaaaaaaaaaaaaaaaaaaaaaa",
            "ff_sk_short",
            "ff_pk_aaaaaaaaaaaaaaaaaaaa\0aaa",
        ] {
            assert_eq!(ApiKey::parse(text), None, "{text:?}");
        }
    }

    #[test]
    fn a_token_has_three_parts_and_shows_itself_to_nobody() {
        let token = AccessToken::parse(" eyJh.eyJz-_.c2ln ").unwrap();
        assert_eq!(token.reveal(), "eyJh.eyJz-_.c2ln");
        assert_eq!(format!("{token:?}"), "AccessToken(…)");
        for wrong in [
            "",
            "a.b",
            "a.b.c.d",
            "a..c",
            "a.b.c d",
            "ff_sk_aaaaaaaaaaaaaaaaaaaaaaaaaa",
        ] {
            assert_eq!(AccessToken::parse(wrong), None, "{wrong}");
        }
    }
}
