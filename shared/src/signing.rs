//! The signature of calls between edge and origin: HMAC-SHA256 over timestamp, path and body.
//!
//! Two keys may be live at once, so that a key is replaced without downtime: everybody verifies against
//! both and signs with the first. A call is good for [`WINDOW_MS`]; within it a replay changes nothing,
//! because every signed route is idempotent.

use std::net::IpAddr;

use sha2::{Digest, Sha256};
use subtle::ConstantTimeEq;

use crate::identity::{IpHash, Salt, keyed};
use crate::text::hex;
use crate::time::UtcMillis;

/// Header with the signer's clock, epoch milliseconds.
pub const TIMESTAMP_HEADER: &str = "x-footfall-timestamp";
/// Header with the signature, `v1=` and 64 hexadecimal digits.
pub const SIGNATURE_HEADER: &str = "x-footfall-signature";
/// Header in which an edge tells the origin where a login comes from, as a hash that it signs in the two
/// headers above. What a client sends under these names ends at the edge.
pub const CALLER_HEADER: &str = "x-footfall-caller";
/// Stands for the path in that signature; no route has it, so the signature is good for nothing else.
const CALLER_PATH: &str = "/internal/caller";
/// How far the signer's clock may be from ours, each way.
pub const WINDOW_MS: i64 = 5 * 60 * 1000;
/// Shortest key taken, in characters.
pub const KEY_CHARS_MIN: usize = 32;

/// One or two live signing keys.
#[derive(Clone)]
pub struct SigningKeys {
    first: String,
    second: Option<String>,
}

impl std::fmt::Debug for SigningKeys {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("SigningKeys(…)")
    }
}

/// Why a text gives no signing keys.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("one or two comma-separated keys of at least {KEY_CHARS_MIN} characters are needed")]
pub struct InvalidKeys;

/// Why a signed call is refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum SignatureError {
    /// A header is missing or not of its form.
    #[error("the signature headers are missing or malformed")]
    Malformed,
    /// The timestamp lies outside the window.
    #[error("the timestamp is more than five minutes away")]
    OutsideWindow,
    /// No live key made this signature.
    #[error("the signature does not match")]
    Mismatch,
}

/// A made signature, ready for the two headers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Signature {
    /// Value of [`TIMESTAMP_HEADER`].
    pub timestamp: String,
    /// Value of [`SIGNATURE_HEADER`].
    pub signature: String,
}

impl SigningKeys {
    /// Reads `key` or `key1,key2`.
    ///
    /// # Errors
    /// [`InvalidKeys`] when there is none, more than two, or a short one.
    pub fn parse(text: &str) -> Result<Self, InvalidKeys> {
        let keys: Vec<&str> = text
            .split(',')
            .map(str::trim)
            .filter(|key| !key.is_empty())
            .collect();
        if keys.iter().any(|key| key.len() < KEY_CHARS_MIN) {
            return Err(InvalidKeys);
        }
        match keys.as_slice() {
            [first] => Ok(Self {
                first: (*first).to_owned(),
                second: None,
            }),
            [first, second] => Ok(Self {
                first: (*first).to_owned(),
                second: Some((*second).to_owned()),
            }),
            _ => Err(InvalidKeys),
        }
    }

    /// Signs a call to `path` (without query) with the first key.
    #[must_use]
    pub fn sign(&self, now: UtcMillis, path: &str, body: &[u8]) -> Signature {
        let timestamp = now.get().to_string();
        let signature = format!("v1={}", mac(&self.first, &timestamp, path, body));
        Signature {
            timestamp,
            signature,
        }
    }

    /// The hash of a client's address that an edge tells, the same at every edge with the same first key.
    #[must_use]
    pub fn hash_caller(&self, address: IpAddr) -> IpHash {
        let salt = Sha256::new()
            .chain_update("footfall callers\n")
            .chain_update(&self.first);
        IpHash::of(address, &Salt::new(salt.finalize().into()))
    }

    /// Signs the hash of a caller.
    #[must_use]
    pub fn sign_caller(&self, now: UtcMillis, caller: &IpHash) -> Signature {
        self.sign(now, CALLER_PATH, caller.as_str().as_bytes())
    }

    /// Checks the signature of a caller's hash.
    ///
    /// # Errors
    /// As [`SigningKeys::verify`].
    pub fn verify_caller(
        &self,
        now: UtcMillis,
        caller: &IpHash,
        timestamp: Option<&str>,
        signature: Option<&str>,
    ) -> Result<(), SignatureError> {
        let body = caller.as_str().as_bytes();
        self.verify(now, CALLER_PATH, body, timestamp, signature)
    }

    /// Checks a call's headers against the clock and every live key, in constant time for each.
    ///
    /// # Errors
    /// [`SignatureError`] says which check failed.
    pub fn verify(
        &self,
        now: UtcMillis,
        path: &str,
        body: &[u8],
        timestamp: Option<&str>,
        signature: Option<&str>,
    ) -> Result<(), SignatureError> {
        let timestamp = timestamp.ok_or(SignatureError::Malformed)?;
        let signature = signature
            .and_then(|text| text.strip_prefix("v1="))
            .ok_or(SignatureError::Malformed)?;
        let made_at: i64 = timestamp.parse().map_err(|_| SignatureError::Malformed)?;
        if now.since(UtcMillis::new(made_at)).saturating_abs() > WINDOW_MS {
            return Err(SignatureError::OutsideWindow);
        }
        let matches = |key: &String| -> bool {
            mac(key, timestamp, path, body)
                .as_bytes()
                .ct_eq(signature.as_bytes())
                .into()
        };
        // Both keys are always tried, so that timing does not tell which one matched.
        let by_first = matches(&self.first);
        let by_second = self.second.as_ref().is_some_and(matches);
        if by_first || by_second {
            Ok(())
        } else {
            Err(SignatureError::Mismatch)
        }
    }
}

fn mac(key: &str, timestamp: &str, path: &str, body: &[u8]) -> String {
    // The body is hashed as it was sent; invalid UTF-8 cannot be a `&str` part, so it is digested first.
    use sha2::{Digest, Sha256};
    let digest = hex(&Sha256::digest(body));
    hex(&keyed(
        key.as_bytes(),
        &[timestamp, ".", path, ".", &digest],
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: UtcMillis = UtcMillis::new(1_700_000_000_000);

    fn keys(text: &str) -> SigningKeys {
        SigningKeys::parse(text).unwrap()
    }

    fn check(
        signer: &SigningKeys,
        verifier: &SigningKeys,
        later_ms: i64,
    ) -> Result<(), SignatureError> {
        let made = signer.sign(NOW, "/internal/events", b"{}");
        let now = NOW.plus(later_ms);
        verifier.verify(
            now,
            "/internal/events",
            b"{}",
            Some(&made.timestamp),
            Some(&made.signature),
        )
    }

    #[test]
    fn a_key_is_replaced_while_both_are_live() {
        let (old, new) = ("o".repeat(32), "n".repeat(32));
        let both = keys(&format!("{new},{old}"));
        assert_eq!(check(&keys(&old), &both, 0), Ok(()));
        assert_eq!(check(&both, &keys(&new), 0), Ok(()));
        assert_eq!(check(&both, &keys(&old), 0), Err(SignatureError::Mismatch));
    }

    #[test]
    fn a_call_is_refused_outside_its_window() {
        let keys = keys(&"k".repeat(32));
        assert_eq!(check(&keys, &keys, WINDOW_MS), Ok(()));
        assert_eq!(
            check(&keys, &keys, WINDOW_MS + 1),
            Err(SignatureError::OutsideWindow)
        );
        assert_eq!(
            check(&keys, &keys, -WINDOW_MS - 1),
            Err(SignatureError::OutsideWindow)
        );
    }

    #[test]
    fn a_changed_body_path_or_time_breaks_the_signature() {
        let keys = keys(&"k".repeat(32));
        let made = keys.sign(NOW, "/a", b"1");
        let verify = |path, body, timestamp: &str| {
            keys.verify(NOW, path, body, Some(timestamp), Some(&made.signature))
        };
        assert_eq!(verify("/a", b"1", &made.timestamp), Ok(()));
        assert_eq!(
            verify("/b", b"1", &made.timestamp),
            Err(SignatureError::Mismatch)
        );
        assert_eq!(
            verify("/a", b"2", &made.timestamp),
            Err(SignatureError::Mismatch)
        );
        assert_eq!(
            verify("/a", b"1", "1700000000001"),
            Err(SignatureError::Mismatch)
        );
        assert_eq!(verify("/a", b"1", "soon"), Err(SignatureError::Malformed));
        assert_eq!(
            keys.verify(NOW, "/a", b"1", None, None),
            Err(SignatureError::Malformed)
        );
    }

    #[test]
    fn short_or_too_many_keys_are_refused() {
        let key = "k".repeat(32);
        for text in [
            String::new(),
            "short".into(),
            format!("{key},short"),
            format!("{key},{key},{key}"),
        ] {
            assert!(SigningKeys::parse(&text).is_err(), "{text}");
        }
    }
}
