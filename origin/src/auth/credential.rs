//! Reads a credential out of a request's head.

use base64::Engine;
use footfall_shared::keys::{ApiKey, KeyKind};
use http::header::AUTHORIZATION;
use http::request::Parts;

/// The header for keys of SDKs that cannot set `Authorization`.
const API_KEY: &str = "x-api-key";
/// Longest admin identifier or password looked at, in bytes: argon2 is not fed megabytes.
const LOGIN_BYTES_MAX: usize = 1024;
/// Longest access token looked at, in bytes; ours have about 400.
const TOKEN_BYTES_MAX: usize = 2048;

/// What a request presents.
#[derive(Clone, PartialEq, Eq)]
pub enum Credential {
    /// An API key.
    Key(ApiKey),
    /// A person's access token, not checked yet.
    Token(String),
    /// A person's identifier and password.
    Login {
        /// Usually an email.
        identifier: String,
        /// The clear password.
        password: String,
    },
    /// Something was presented that is neither.
    Unreadable,
}

impl std::fmt::Debug for Credential {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Key(_) => "Key(…)",
            Self::Token(_) => "Token(…)",
            Self::Login { .. } => "Login(…)",
            Self::Unreadable => "Unreadable",
        })
    }
}

impl Credential {
    /// The credential of a request: `Authorization` (basic or bearer), `X-API-Key`, or `?key=` with a
    /// publishable key. A secret key in a URL ends in logs and histories, so it is not taken there.
    #[must_use]
    pub fn of(parts: &Parts) -> Option<Self> {
        if let Some(value) = parts.headers.get(AUTHORIZATION) {
            return Some(
                value
                    .to_str()
                    .ok()
                    .map_or(Self::Unreadable, Self::of_authorization),
            );
        }
        if let Some(value) = parts.headers.get(API_KEY) {
            return Some(Self::of_key(value.to_str().unwrap_or_default()));
        }
        let query = parts.uri.query()?;
        let (_, key) = form_urlencoded::parse(query.as_bytes()).find(|(name, _)| name == "key")?;
        Some(match ApiKey::parse(&key) {
            Some(key) if key.kind == KeyKind::Publishable => Self::Key(key),
            _ => Self::Unreadable,
        })
    }

    fn of_key(text: &str) -> Self {
        ApiKey::parse(text).map_or(Self::Unreadable, Self::Key)
    }

    /// The credential of a bearer: an access token or a key.
    #[must_use]
    pub fn of_bearer(text: &str) -> Self {
        // The three parts of a signed token; no key has a full stop.
        if text.len() <= TOKEN_BYTES_MAX && text.split('.').count() == 3 {
            return Self::Token(text.to_owned());
        }
        Self::of_key(text)
    }

    fn of_authorization(value: &str) -> Self {
        let Some((scheme, rest)) = value.split_once(' ') else {
            return Self::Unreadable;
        };
        if scheme.eq_ignore_ascii_case("bearer") {
            return Self::of_bearer(rest.trim());
        }
        if !scheme.eq_ignore_ascii_case("basic") || rest.len() > 4 * LOGIN_BYTES_MAX {
            return Self::Unreadable;
        }
        let decoded = base64::engine::general_purpose::STANDARD
            .decode(rest.trim())
            .ok();
        let Some(text) = decoded.and_then(|bytes| String::from_utf8(bytes).ok()) else {
            return Self::Unreadable;
        };
        let (name, password) = text.split_once(':').unwrap_or((&text, ""));
        if let Some(key) = ApiKey::parse(name) {
            return Self::Key(key);
        }
        let fits = !name.is_empty() && !text.contains('\0');
        if !fits || name.len() > LOGIN_BYTES_MAX || password.len() > LOGIN_BYTES_MAX {
            return Self::Unreadable;
        }
        Self::Login {
            identifier: name.to_owned(),
            password: password.to_owned(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const KEY: &str = "ff_sk_aaaaaaaaaaaaaaaaaaaaaaaa";

    fn read(uri: &str, header: Option<(&str, &str)>) -> Option<Credential> {
        let mut request = http::Request::builder().uri(uri);
        if let Some((name, value)) = header {
            request = request.header(name, value);
        }
        Credential::of(&request.body(()).unwrap().into_parts().0)
    }

    fn basic(text: &str) -> String {
        format!(
            "Basic {}",
            base64::engine::general_purpose::STANDARD.encode(text)
        )
    }

    #[test]
    fn a_key_is_read_wherever_sdks_put_it() {
        let key = Some(Credential::Key(ApiKey::parse(KEY).unwrap()));
        assert_eq!(
            read("/", Some(("authorization", &basic(&format!("{KEY}:"))))),
            key
        );
        assert_eq!(
            read("/", Some(("authorization", &format!("bearer {KEY}")))),
            key
        );
        assert_eq!(read("/", Some(("x-api-key", KEY))), key);
        assert_eq!(read("/", None), None);
    }

    #[test]
    fn a_token_is_told_from_a_key() {
        let token = Some(Credential::Token("a.b.c".into()));
        assert_eq!(read("/", Some(("authorization", "Bearer a.b.c"))), token);
        let long = format!("Bearer a.b.{}", "c".repeat(TOKEN_BYTES_MAX));
        for value in ["Bearer a.b", "Bearer a.b.c.d", &long] {
            let read = read("/", Some(("authorization", value)));
            assert_eq!(read, Some(Credential::Unreadable), "{value}");
        }
    }

    #[test]
    fn a_secret_key_in_a_url_is_not_taken() {
        let publishable = KEY.replace("_sk_", "_pk_");
        assert!(matches!(
            read(&format!("/?key={publishable}"), None),
            Some(Credential::Key(_))
        ));
        assert_eq!(
            read(&format!("/?key={KEY}"), None),
            Some(Credential::Unreadable)
        );
    }

    #[test]
    fn what_is_no_credential_is_told_from_none() {
        for value in [
            "",
            "Basic",
            "Basic !!!",
            "Bearer x",
            "Digest a",
            &basic(":x"),
            &basic("a\0:b"),
        ] {
            let read = read("/", Some(("authorization", value)));
            assert_eq!(read, Some(Credential::Unreadable), "{value}");
        }
    }

    proptest::proptest! {
        #[test]
        fn an_arbitrary_header_is_never_a_fault(value: String, bytes: Vec<u8>) {
            let encoded = base64::engine::general_purpose::STANDARD.encode(&bytes);
            for value in [value.clone(), format!("Bearer {value}"), format!("Basic {encoded}")] {
                let _ = Credential::of_authorization(&value);
            }
        }
    }
}
