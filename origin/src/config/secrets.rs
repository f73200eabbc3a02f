//! Settings that are secrets: each with a `Debug` that hides it.

use std::str::FromStr;

use footfall_shared::signing::SigningKeys;

/// Signs access tokens, and keys the hashes of who tries to log in. Its `Debug` hides it.
#[derive(Clone, PartialEq, Eq)]
pub struct JwtSecret(String);

impl JwtSecret {
    /// Shortest secret taken, in characters: HS256 is as strong as its key, up to 256 bits.
    pub const CHARS_MIN: usize = 32;

    /// Takes a secret that is long enough.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        (text.chars().count() >= Self::CHARS_MIN).then(|| Self(text.to_owned()))
    }

    /// The secret, to sign with and never to print.
    #[must_use]
    pub fn reveal(&self) -> &str {
        &self.0
    }
}

impl std::fmt::Debug for JwtSecret {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("JwtSecret(…)")
    }
}

/// A database URL. Its `Debug` hides it, since it may hold a password.
#[derive(Clone, PartialEq, Eq)]
pub struct DatabaseUrl(pub(super) String);

impl DatabaseUrl {
    /// The URL, to connect with and never to print.
    #[must_use]
    pub fn reveal(&self) -> &str {
        &self.0
    }

    /// What may be printed: `SQLite` or `PostgreSQL`.
    #[must_use]
    pub fn engine(&self) -> &'static str {
        if self.0.starts_with("sqlite:") {
            "SQLite"
        } else {
            "PostgreSQL"
        }
    }
}

impl std::fmt::Debug for DatabaseUrl {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "DatabaseUrl({})", self.engine())
    }
}

/// The signing keys, and their text for the edge host's variable `edge_keys`.
#[derive(Clone)]
pub struct EdgeKeys {
    text: String,
    keys: SigningKeys,
}

impl EdgeKeys {
    /// The keys to sign and verify with.
    #[must_use]
    pub fn keys(&self) -> &SigningKeys {
        &self.keys
    }

    /// The setting as it was written.
    #[must_use]
    pub fn reveal(&self) -> &str {
        &self.text
    }
}

impl FromStr for EdgeKeys {
    type Err = footfall_shared::signing::InvalidKeys;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        SigningKeys::parse(text).map(|keys| Self {
            text: text.to_owned(),
            keys,
        })
    }
}

impl std::fmt::Debug for EdgeKeys {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("EdgeKeys(…)")
    }
}

/// The secret of a Prometheus server. Its `Debug` hides it.
#[derive(Clone)]
pub struct MetricsToken(pub(super) String);

impl MetricsToken {
    /// The token.
    #[must_use]
    pub fn reveal(&self) -> &str {
        &self.0
    }
}

impl std::fmt::Debug for MetricsToken {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("MetricsToken(…)")
    }
}
