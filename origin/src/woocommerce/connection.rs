//! How a shop and Footfall prove themselves to each other.

use std::fmt;

use footfall_shared::id::ShopId;
use footfall_shared::text::{InvalidField, required};
use footfall_shared::time::UtcMillis;

use super::queries::connections as queries;
use crate::db::{Handle, StorageError, Tx};

pub use queries::{disconnect, find_connection};

/// Longest secret or URL, in characters.
const TEXT_CHARS_MAX: usize = 300;

/// A secret of a connection. It is stored as it is: an HMAC is checked with the secret itself, and the shop's
/// API asks for it, so a hash would serve neither. Its `Debug` hides it.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(String);

impl Secret {
    /// Takes a secret that is not empty.
    ///
    /// # Errors
    /// [`InvalidField`] names it.
    pub fn parse(field: &str, text: &str) -> Result<Self, InvalidField> {
        required(field, text, TEXT_CHARS_MAX).map(|text| Self(text.to_owned()))
    }

    /// The secret, to sign or to log in with and never to print.
    #[must_use]
    pub fn reveal(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret(…)")
    }
}

/// Base URL of a shop: HTTPS, or plain HTTP on this machine. Secrets go there, so nobody may listen on the
/// way.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ShopUrl(String);

impl ShopUrl {
    /// Reads a URL such as `https://shop.example` or `https://example.com/shop`.
    ///
    /// # Errors
    /// [`InvalidField`] says which rule it breaks.
    pub fn parse(text: &str) -> Result<Self, InvalidField> {
        let fault = |reason: &str| InvalidField::new("url", reason);
        let text = required("url", text, TEXT_CHARS_MAX)?.trim_end_matches('/');
        let uri: http::Uri = text
            .parse()
            .map_err(|_| fault("must be a URL, as https://shop.example"))?;
        let host = uri.host().unwrap_or_default();
        let plain = uri.query().is_none() && !text.contains(['@', '#', '?']);
        match uri.scheme_str() {
            Some("https") if !host.is_empty() && plain => {}
            Some("http") if is_this_machine(host) && plain => {}
            Some("http") if plain => {
                return Err(fault(
                    "must begin with https://: keys would be readable on the way",
                ));
            }
            _ => {
                return Err(fault(
                    "must be a URL without login and query, as https://shop.example",
                ));
            }
        }
        Ok(Self(text.to_owned()))
    }

    /// The URL without a slash at its end.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

fn is_this_machine(host: &str) -> bool {
    let address: Option<std::net::IpAddr> = host.trim_matches(['[', ']']).parse().ok();
    host == "localhost" || address.is_some_and(|address| address.is_loopback())
}

/// What the shop's API asks for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ApiAccess {
    /// Where the shop is.
    pub url: ShopUrl,
    /// Names the key, `ck_…`.
    pub consumer_key: Secret,
    /// Proves it, `cs_…`.
    pub consumer_secret: Secret,
}

/// A shop's connection.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Connection {
    /// With which the shop signs its deliveries.
    pub webhook_secret: Option<Secret>,
    /// With which we read its lists.
    pub api: Option<ApiAccess>,
}

/// The secret with which the shop signs its deliveries.
pub(super) async fn webhook_secret(
    db: &mut impl Handle,
    shop: &ShopId,
) -> Result<Option<Secret>, StorageError> {
    let connection = find_connection(db, shop).await?;
    Ok(connection.and_then(|connection| connection.webhook_secret))
}

/// Sets the secret with which the shop signs its deliveries; the one before is not taken any more.
pub async fn set_webhook_secret(
    tx: &mut Tx,
    shop: &ShopId,
    secret: &Secret,
    now: UtcMillis,
) -> Result<(), StorageError> {
    queries::save_webhook_secret(tx, shop, secret, now).await
}

/// Sets how the shop's lists are read; the first scheduled reading is due at once.
pub async fn set_api(
    tx: &mut Tx,
    shop: &ShopId,
    access: &ApiAccess,
    now: UtcMillis,
) -> Result<(), StorageError> {
    queries::save_api(tx, shop, access, now).await
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_shop_is_reached_by_https_or_on_this_machine() {
        for url in [
            "https://shop.example",
            "https://example.com/shop/",
            "http://127.0.0.1:8080",
            "http://[::1]:1",
            "http://localhost",
        ] {
            let read = ShopUrl::parse(url).unwrap();
            assert_eq!(read.as_str(), url.trim_end_matches('/'));
        }
        for url in [
            "",
            "shop.example",
            "http://shop.example",
            "http://127.0.0.1.evil.example",
            "https://a@b.example",
            "https://shop.example/?x=1",
            "https://shop.example/#x",
            "ftp://shop.example",
            "https://",
        ] {
            assert!(ShopUrl::parse(url).is_err(), "{url}");
        }
    }

    #[test]
    fn a_secret_does_not_show_in_debug_output() {
        let secret = Secret::parse("secret", "hunter2").unwrap();
        assert!(!format!("{secret:?}").contains("hunter2"));
        assert!(Secret::parse("secret", " ").is_err());
    }
}
