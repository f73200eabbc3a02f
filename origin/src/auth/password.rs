//! Admin passwords: argon2id with the current OWASP parameters (the crate's defaults).

use std::sync::LazyLock;

use argon2::Argon2;
use argon2::password_hash::phc::PasswordHash as Phc;
use argon2::password_hash::{PasswordHasher, PasswordVerifier};
use tokio::sync::Semaphore;

/// Hashes computed at once. Each takes 19 MiB and a core for a moment; more at once would let wrong
/// passwords starve everybody else.
const AT_ONCE_MAX: usize = 2;

static TURNS: Semaphore = Semaphore::const_new(AT_ONCE_MAX);

/// Compared with where the identifier is unknown, so that the answer takes as long as for a known one.
static NOBODY: LazyLock<Option<PasswordHash>> =
    LazyLock::new(|| hash_now("a password that nobody has").ok());

/// A stored hash, as a PHC string.
#[derive(Clone, PartialEq, Eq)]
pub struct PasswordHash(String);

impl PasswordHash {
    /// Reads a stored hash; `None` where it is not a PHC string.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        Phc::new(text).ok().map(|_| Self(text.to_owned()))
    }

    /// The PHC string, for storage.
    #[must_use]
    pub fn reveal(&self) -> &str {
        &self.0
    }
}

impl std::fmt::Debug for PasswordHash {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("PasswordHash(…)")
    }
}

/// A password could not be hashed: too long, or the system has no memory or randomness.
#[derive(Debug, thiserror::Error)]
#[error("the password cannot be hashed")]
pub struct HashError;

/// Hashes a new password.
pub async fn hash_password(password: String) -> Result<PasswordHash, HashError> {
    let _turn = TURNS.acquire().await.map_err(|_| HashError)?;
    tokio::task::spawn_blocking(move || hash_now(&password))
        .await
        .map_err(|_| HashError)?
}

fn hash_now(password: &str) -> Result<PasswordHash, HashError> {
    let hash: Phc = Argon2::default()
        .hash_password(password.as_bytes())
        .map_err(|_| HashError)?;
    Ok(PasswordHash(hash.to_string()))
}

/// Whether `password` belongs to `stored`.
pub async fn password_matches(password: String, stored: PasswordHash) -> bool {
    verify(password, Some(stored)).await
}

/// Whether `password` belongs to `stored`. Takes its time also where nothing is stored.
pub(super) async fn verify(password: String, stored: Option<PasswordHash>) -> bool {
    let Ok(_turn) = TURNS.acquire().await else {
        return false;
    };
    let work = move || {
        // Made before either way, so that the first to try an unknown identifier does not wait for it.
        LazyLock::force(&NOBODY);
        let known = stored.is_some();
        let Some(hash) = stored.or_else(|| NOBODY.clone()) else {
            return false;
        };
        let Ok(parsed) = Phc::new(&hash.0) else {
            return false;
        };
        Argon2::default()
            .verify_password(password.as_bytes(), &parsed)
            .is_ok()
            && known
    };
    tokio::task::spawn_blocking(work).await.unwrap_or(false)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn only_the_right_password_of_a_known_user_is_accepted() {
        let hash = hash_password("correct horse".into()).await.unwrap();
        assert!(hash.reveal().starts_with("$argon2id$"));
        assert!(verify("correct horse".into(), Some(hash.clone())).await);
        assert!(!verify("wrong horse".into(), Some(hash)).await);
        assert!(!verify("a password that nobody has".into(), None).await);
    }
}
