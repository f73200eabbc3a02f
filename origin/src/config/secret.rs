//! The secret of the access tokens.

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
