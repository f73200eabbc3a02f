//! The Standard Webhooks scheme (standardwebhooks.com): HMAC-SHA256 over `id.timestamp.body`.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;

/// How a secret begins.
const PREFIX: &str = "whsec_";
/// Bytes of a secret.
pub(super) const SECRET_BYTES: usize = 32;

/// A secret as its owner writes it.
pub(super) fn secret_of(bytes: [u8; SECRET_BYTES]) -> String {
    format!("{PREFIX}{}", STANDARD.encode(bytes))
}

/// The header `webhook-signature` of a message; `timestamp` in seconds.
pub(super) fn sign(secret: &str, id: &str, timestamp: i64, body: &str) -> String {
    let key = STANDARD
        .decode(secret.trim_start_matches(PREFIX))
        .unwrap_or_default();
    // A key of any length will do.
    let mut mac = Hmac::<Sha256>::new_from_slice(&key)
        .unwrap_or_else(|_| Hmac::<Sha256>::new(&hmac::digest::Key::<Hmac<Sha256>>::default()));
    mac.update(format!("{id}.{timestamp}.{body}").as_bytes());
    format!("v1,{}", STANDARD.encode(mac.finalize().into_bytes()))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The example of the scheme's own reference library (standardwebhooks/libraries, rust/src/lib.rs).
    #[test]
    fn the_schemes_own_example_comes_out() {
        let signed = sign(
            "whsec_C2FVsBQIhrscChlQIMV+b5sSYspob7oD",
            "msg_27UH4WbU6Z5A5EzD8u03UvzRbpk",
            1_649_367_553,
            r#"{"email":"test@example.com","username":"test_user"}"#,
        );
        assert_eq!(signed, "v1,tZ1I4/hDygAJgO5TYxiSd6Sd0kDW6hPenDe+bTa3Kkw=");
    }
}
