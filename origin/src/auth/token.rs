//! The tokens of a login: a signed one that is short and a random one that renews it.
//!
//! **Invariant:** an access token is read with HS256 under our own secret and nothing else, whatever its
//! head says. Test: `a_token_of_another_algorithm_or_secret_is_refused`.

use footfall_shared::id::{LoginId, ShopId, UserId};
use footfall_shared::identity::Salt;
use footfall_shared::text::hex;
use footfall_shared::time::UtcMillis;
use jsonwebtoken::{Algorithm, DecodingKey, EncodingKey, Header, Validation};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use crate::app::system_entropy;
use crate::config::JwtSecret;

/// How long an access token is good, in seconds.
pub(super) const ACCESS_S: i64 = 900;
/// Who issues our tokens.
const ISSUER: &str = "footfall";

/// What tokens are signed with, and what keys the hashes of those who try to log in.
#[derive(Clone)]
pub struct TokenKey {
    encoding: EncodingKey,
    decoding: DecodingKey,
    salt: Salt,
}

impl std::fmt::Debug for TokenKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("TokenKey(…)")
    }
}

/// Whose token it is. What its owner may do is not told: it is looked up, so that it can be taken away.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Claims {
    iss: String,
    /// The user.
    pub(super) sub: UserId,
    /// The user's shop.
    pub(super) shop: ShopId,
    /// The login.
    pub(super) login: LoginId,
    iat: i64,
    exp: i64,
}

impl Claims {
    /// The claims of a token that is made at `now`.
    pub(super) fn new(shop: ShopId, user: UserId, login: LoginId, now: UtcMillis) -> Self {
        let iat = now.get().div_euclid(1000);
        Self {
            iss: ISSUER.to_owned(),
            sub: user,
            shop,
            login,
            iat,
            exp: iat + ACCESS_S,
        }
    }
}

impl Claims {
    /// When the token ends.
    pub(super) const fn ends(&self) -> UtcMillis {
        UtcMillis::new(self.exp.saturating_mul(1000))
    }
}

impl TokenKey {
    /// The key of the configured secret; without one (development) a random one, which ends with the
    /// process.
    #[must_use]
    pub fn of(secret: Option<&JwtSecret>) -> Self {
        let made = || hex(&system_entropy::<32>());
        let secret = secret.map_or_else(made, |secret| secret.reveal().to_owned());
        let salt = Sha256::new()
            .chain_update("footfall login failures\n")
            .chain_update(&secret);
        Self {
            encoding: EncodingKey::from_secret(secret.as_bytes()),
            decoding: DecodingKey::from_secret(secret.as_bytes()),
            salt: Salt::new(salt.finalize().into()),
        }
    }

    /// The salt of what is remembered of failed logins.
    pub(super) fn salt(&self) -> &Salt {
        &self.salt
    }

    /// Signs an access token.
    pub(super) fn sign(&self, claims: &Claims) -> Result<String, jsonwebtoken::errors::Error> {
        jsonwebtoken::encode(&Header::new(Algorithm::HS256), claims, &self.encoding)
    }

    /// The claims of a token that is ours and has not ended.
    pub(super) fn read(&self, token: &str, now: UtcMillis) -> Option<Claims> {
        let mut rules = Validation::new(Algorithm::HS256);
        rules.set_issuer(&[ISSUER]);
        rules.set_required_spec_claims(&["iss", "exp"]);
        // Judged below, by the clock that the rest of the request is judged by.
        rules.validate_exp = false;
        let claims: Claims = jsonwebtoken::decode(token, &self.decoding, &rules)
            .ok()?
            .claims;
        (now < claims.ends()).then_some(claims)
    }
}

/// A token that renews a login once. Only its hash is kept, and its `Debug` hides it.
#[derive(Clone, PartialEq, Eq)]
pub(super) struct RefreshToken(String);

impl RefreshToken {
    /// What such a token begins with, so that one that leaked is told for what it is.
    const PREFIX: &str = "ff_rt_";
    /// Length of the digits behind it: 256 random bits.
    const DIGITS: usize = 64;

    /// A new one.
    pub(super) fn generate(entropy: [u8; 32]) -> Self {
        Self(format!("{}{}", Self::PREFIX, hex(&entropy)))
    }

    /// Reads a presented one; `None` where it cannot be one.
    pub(super) fn parse(text: &str) -> Option<Self> {
        let digits = text.trim().strip_prefix(Self::PREFIX)?;
        let fits = digits.len() == Self::DIGITS && digits.bytes().all(|b| b.is_ascii_hexdigit());
        fits.then(|| Self(text.trim().to_owned()))
    }

    /// The text, for its owner.
    pub(super) fn reveal(self) -> String {
        self.0
    }

    /// What is stored: the plain SHA-256 of so many random bits cannot be searched.
    pub(super) fn hash(&self) -> String {
        hex(&Sha256::digest(self.0.as_bytes()))
    }
}

impl std::fmt::Debug for RefreshToken {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("RefreshToken(…)")
    }
}

#[cfg(test)]
mod tests {
    use base64::Engine as _;
    use base64::engine::general_purpose::URL_SAFE_NO_PAD;

    use super::*;

    const NOW: UtcMillis = UtcMillis::new(1_790_000_000_000);
    const SECRET: &str = "a secret of the tests, long enough for HS256";

    fn key(secret: &str) -> TokenKey {
        TokenKey::of(Some(&JwtSecret::parse(secret).unwrap()))
    }

    fn claims() -> Claims {
        Claims::new(
            ShopId::generate(NOW, [1; 10]),
            UserId::generate(NOW, [2; 10]),
            LoginId::generate(NOW, [3; 10]),
            NOW,
        )
    }

    #[test]
    fn a_token_reads_back_until_its_fifteen_minutes_are_over() {
        let token = key(SECRET).sign(&claims()).unwrap();
        for (after_ms, good) in [(0, true), (899_999, true), (900_000, false)] {
            let read = key(SECRET).read(&token, NOW.plus(after_ms));
            assert_eq!(read.is_some(), good, "{after_ms}");
        }
        assert_eq!(key(SECRET).read(&token, NOW), Some(claims()));
    }

    /// The same claims with any head and any signature.
    fn forged(head: &str, signature: impl Fn(&str) -> String) -> String {
        let claims = serde_json::to_vec(&claims()).unwrap();
        let signed = format!(
            "{}.{}",
            URL_SAFE_NO_PAD.encode(head),
            URL_SAFE_NO_PAD.encode(claims)
        );
        let signature = signature(&signed);
        format!("{signed}.{signature}")
    }

    #[test]
    fn a_token_of_another_algorithm_or_secret_is_refused() {
        let other = key("another secret of the tests, long enough").sign(&claims());
        let sign_as = |algorithm| {
            let key = EncodingKey::from_secret(SECRET.as_bytes());
            jsonwebtoken::encode(&Header::new(algorithm), &claims(), &key).unwrap()
        };
        let good = key(SECRET).sign(&claims()).unwrap();
        let own_signature = good.rsplit('.').next().unwrap().to_owned();
        let tokens = [
            other.unwrap(),
            sign_as(Algorithm::HS384),
            sign_as(Algorithm::HS512),
            forged(r#"{"alg":"none","typ":"JWT"}"#, |_| String::new()),
            forged(r#"{"alg":"None"}"#, |_| String::new()),
            forged(r#"{"alg":"none"}"#, |_| own_signature.clone()),
            forged(r#"{"alg":"RS256","typ":"JWT"}"#, |_| own_signature.clone()),
            forged(r#"{"alg":"HS256","typ":"JWT"}"#, |_| String::new()),
            forged(r#"{"typ":"JWT"}"#, |_| own_signature.clone()),
            good[..good.len() - 2].to_owned(),
            format!("{good}.x"),
        ];
        assert!(key(SECRET).read(&good, NOW).is_some());
        for token in tokens {
            assert_eq!(key(SECRET).read(&token, NOW), None, "{token}");
        }
    }

    #[test]
    fn a_token_that_lacks_its_end_or_is_another_issuers_is_refused() {
        let encoding = EncodingKey::from_secret(SECRET.as_bytes());
        for (field, value) in [("exp", serde_json::Value::Null), ("iss", "other".into())] {
            let mut claims = serde_json::to_value(claims()).unwrap();
            claims[field] = value;
            let token = jsonwebtoken::encode(&Header::default(), &claims, &encoding).unwrap();
            assert_eq!(key(SECRET).read(&token, NOW), None, "{field}");
        }
    }

    #[test]
    fn a_refresh_token_reads_back_and_its_hash_is_not_the_token() {
        let token = RefreshToken::generate([7; 32]);
        let text = token.clone().reveal();
        assert_eq!(RefreshToken::parse(&text), Some(token.clone()));
        assert!(!token.hash().contains(&text[6..20]));
        for wrong in ["", "ff_rt_", "ff_rt_zz", &text[1..], &format!("{text}0")] {
            assert_eq!(RefreshToken::parse(wrong), None, "{wrong}");
        }
    }

    #[test]
    fn without_a_secret_each_process_signs_for_itself() {
        let token = TokenKey::of(None).sign(&claims()).unwrap();
        assert_eq!(TokenKey::of(None).read(&token, NOW), None);
    }

    proptest::proptest! {
        #[test]
        fn an_arbitrary_text_is_no_token_and_no_fault(text: String, parts: [Vec<u8>; 3]) {
            let parts = parts.map(|part| URL_SAFE_NO_PAD.encode(part)).join(".");
            let key = key(SECRET);
            proptest::prop_assert_eq!(key.read(&text, NOW), None);
            proptest::prop_assert_eq!(key.read(&parts, NOW), None);
            proptest::prop_assert_eq!(RefreshToken::parse(&text), None);
        }
    }
}
