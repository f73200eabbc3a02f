//! Who is at the other end: emails, and the salted hashes that stand for what is never stored.
//!
//! **Invariant:** a raw address or fingerprint lives only as an argument of the functions here. What
//! they return cannot be turned back, and differs from shop to shop because each has its own salt.

use std::fmt;
use std::net::{IpAddr, Ipv6Addr};

use hmac::{Hmac, KeyInit, Mac};
use serde::{Deserialize, Deserializer, Serialize};
use sha2::{Digest, Sha256};
use subtle::ConstantTimeEq;

use crate::text::{InvalidField, bounded, hex, unhex};

/// A shop's secret salt: 32 random bytes, as hexadecimal text on the wire.
#[derive(Clone, PartialEq, Eq)]
pub struct Salt([u8; 32]);

impl Salt {
    /// A salt from random bytes.
    #[must_use]
    pub const fn new(bytes: [u8; 32]) -> Self {
        Self(bytes)
    }

    /// Reads 64 hexadecimal digits.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        unhex(text)?.try_into().ok().map(Self)
    }

    /// The salt as hexadecimal text, for storage only.
    #[must_use]
    pub fn reveal(&self) -> String {
        hex(&self.0)
    }

    pub(crate) const fn bytes(&self) -> &[u8; 32] {
        &self.0
    }

    fn digest(&self, purpose: &str, value: &[u8]) -> String {
        // The purpose keeps equal values of two kinds from hashing alike.
        let hash = Sha256::new()
            .chain_update(self.0)
            .chain_update(purpose)
            .chain_update(value);
        hex(&hash.finalize())
    }
}

impl fmt::Debug for Salt {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Salt(…)")
    }
}

impl Serialize for Salt {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.reveal())
    }
}

impl<'de> Deserialize<'de> for Salt {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        Self::parse(&text).ok_or_else(|| serde::de::Error::custom("not a salt"))
    }
}

macro_rules! digest_type {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
        pub struct $name(String);

        impl $name {
            /// Reads a digest that was printed before: 64 lower-case hexadecimal digits.
            #[must_use]
            pub fn parse(text: &str) -> Option<Self> {
                let fits = text.len() == 64
                    && text.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f'));
                fits.then(|| Self(text.to_owned()))
            }

            /// The digest as text.
            #[must_use]
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl<'de> Deserialize<'de> for $name {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                let text = String::deserialize(deserializer)?;
                Self::parse(&text).ok_or_else(|| serde::de::Error::custom("not a SHA-256 digest"))
            }
        }
    };
}

digest_type!(
    /// A client address, salted and hashed; IPv6 is cut to its /64 first, since a household's devices
    /// change the rest at will.
    IpHash
);
digest_type!(
    /// A browser fingerprint, salted and hashed again.
    FingerprintHash
);
digest_type!(
    /// The random id that a browser keeps for itself (Segment's `anonymousId`), salted and hashed.
    BrowserHash
);
digest_type!(
    /// An email address, keyed with the shop's salt: what cache keys and look-ups carry.
    EmailHash
);

impl IpHash {
    /// Hashes `address` under the shop's salt.
    #[must_use]
    pub fn of(address: IpAddr, salt: &Salt) -> Self {
        let text = match address.to_canonical() {
            IpAddr::V4(v4) => v4.to_string(),
            IpAddr::V6(v6) => {
                let network = v6.to_bits() & (u128::MAX << 64);
                format!("{}/64", Ipv6Addr::from_bits(network))
            }
        };
        Self(salt.digest("ip", text.as_bytes()))
    }
}

impl FingerprintHash {
    /// Hashes the fingerprint that a browser sent under the shop's salt.
    #[must_use]
    pub fn of(fingerprint: &str, salt: &Salt) -> Self {
        Self(salt.digest("fingerprint", fingerprint.as_bytes()))
    }
}

impl BrowserHash {
    /// Shortest id taken for random, in characters; SDKs send UUIDs of 36. A shorter one can be guessed,
    /// and whoever guesses it would be taken for the browser.
    const CHARS_MIN: usize = 20;

    /// Hashes a browser's own id under the shop's salt; `None` for one that cannot be random.
    #[must_use]
    pub fn of(anonymous_id: &str, salt: &Salt) -> Option<Self> {
        let long = anonymous_id.len() >= Self::CHARS_MIN;
        long.then(|| Self(salt.digest("browser", anonymous_id.as_bytes())))
    }
}

impl EmailHash {
    /// Keys `email` with the shop's salt (HMAC-SHA256).
    #[must_use]
    pub fn of(email: &Email, salt: &Salt) -> Self {
        Self(hex(&keyed(&salt.0, &["email:", email.as_str()])))
    }
}

/// HMAC-SHA256 over the parts, one after the other.
pub(crate) fn keyed(key: &[u8], parts: &[&str]) -> [u8; 32] {
    // HMAC takes keys of any length, so this never fails; the empty key stands for the impossible arm.
    let mut mac = Hmac::<Sha256>::new_from_slice(key)
        .unwrap_or_else(|_| Hmac::<Sha256>::new(&hmac::digest::Key::<Hmac<Sha256>>::default()));
    for part in parts {
        mac.update(part.as_bytes());
    }
    mac.finalize().into_bytes().into()
}

/// An email address, trimmed and in lower case. Its `Debug` hides it.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
pub struct Email(String);

impl Email {
    /// Reads an address: `local@domain` with a dot in the domain and at most 254 characters
    /// (RFC 5321's bound). Whether a mailbox is there only a mail can tell, so no more is checked.
    ///
    /// # Errors
    /// [`InvalidField`] of `field` when it cannot be an address.
    pub fn parse(field: &str, text: &str) -> Result<Self, InvalidField> {
        let invalid = || InvalidField::new(field, "must be an email address");
        let text = bounded(field, text, 254)?.to_lowercase();
        let (local, domain) = text.rsplit_once('@').ok_or_else(invalid)?;
        let forbidden =
            |c: char| c.is_whitespace() || c.is_control() || "<>()[],;:\\\"".contains(c);
        let local_fits = !local.is_empty() && local.len() <= 64 && !local.contains('@');
        let labels_fit = domain.contains('.') && domain.split('.').all(|label| !label.is_empty());
        if !local_fits || !labels_fit || text.contains(forbidden) {
            return Err(invalid());
        }
        Ok(Self(text))
    }

    /// The address.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// What stands where an address may not be shown. The same for all, since a first letter or a domain
    /// already tells something.
    pub const MASKED: &'static str = "***@***.***";

    /// Whether `user_hash` proves that the shop's back end vouches for this address: the hexadecimal
    /// HMAC-SHA256 of the address under the shop's identity secret. Compared in constant time.
    #[must_use]
    pub fn is_vouched_by(&self, user_hash: &str, identity_secret: &str) -> bool {
        let expected = hex(&keyed(identity_secret.as_bytes(), &[&self.0]));
        expected
            .as_bytes()
            .ct_eq(user_hash.trim().to_ascii_lowercase().as_bytes())
            .into()
    }
}

impl fmt::Debug for Email {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Email(…)")
    }
}

impl<'de> Deserialize<'de> for Email {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        Self::parse("email", &text).map_err(serde::de::Error::custom)
    }
}

/// The client's address: the socket's, or behind `hops` trusted proxies the address that the outermost of
/// them saw, the `hops`-th from the right of `X-Forwarded-For`. Anything further left is the client's own
/// invention.
pub fn client_address<'a>(
    peer: Option<IpAddr>,
    forwarded_for: impl Iterator<Item = &'a str>,
    hops: usize,
) -> Option<IpAddr> {
    if hops == 0 {
        return peer;
    }
    let chain: Vec<&str> = forwarded_for.flat_map(|value| value.split(',')).collect();
    chain
        .get(chain.len().checked_sub(hops)?)?
        .trim()
        .parse()
        .ok()
}

/// How surely a request belongs to the person it is taken for, from weak to strong.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Trust {
    /// Only the network address matched; whole households and offices share one.
    Address,
    /// A browser said so, or its fingerprint was seen with an address that a browser said.
    Claimed,
    /// The shop's back end vouched for the email, now or earlier on this device.
    Verified,
}

/// What a device is known by. Their order is from strong to weak.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(tag = "kind", content = "hash", rename_all = "snake_case")]
pub enum DeviceKey {
    /// The random id that its browser keeps: nobody else has it.
    Browser(BrowserHash),
    /// Its fingerprint: two devices of one make may share it, and it can be replayed.
    Fingerprint(FingerprintHash),
    /// Its address: households and offices share one.
    Ip(IpHash),
}

impl DeviceKey {
    /// The names of the kinds.
    pub const KINDS: [&str; 3] = ["browser", "fingerprint", "ip"];

    /// The kind's name and the hash.
    #[must_use]
    pub fn parts(&self) -> (&'static str, &str) {
        let [browser, fingerprint, ip] = Self::KINDS;
        match self {
            Self::Browser(hash) => (browser, hash.as_str()),
            Self::Fingerprint(hash) => (fingerprint, hash.as_str()),
            Self::Ip(hash) => (ip, hash.as_str()),
        }
    }

    /// Reads what [`DeviceKey::parts`] gave.
    #[must_use]
    pub fn parse(kind: &str, hash: &str) -> Option<Self> {
        match kind {
            "browser" => BrowserHash::parse(hash).map(Self::Browser),
            "fingerprint" => FingerprintHash::parse(hash).map(Self::Fingerprint),
            "ip" => IpHash::parse(hash).map(Self::Ip),
            _ => None,
        }
    }

    /// The most that a match by this key proves, however sure its link is.
    #[must_use]
    pub const fn trust_max(&self) -> Trust {
        match self {
            Self::Browser(_) => Trust::Verified,
            Self::Fingerprint(_) => Trust::Claimed,
            Self::Ip(_) => Trust::Address,
        }
    }
}

/// Country and city of a request, as the platform or a local database tells them.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Geo {
    /// ISO 3166 alpha-2 code.
    pub country: Option<String>,
    /// City name in English.
    pub city: Option<String>,
}

#[cfg(test)]
mod tests {
    use super::*;

    const SALT: Salt = Salt::new([7; 32]);

    #[test]
    fn devices_of_one_ipv6_network_hash_alike_and_mapped_ipv4_is_ipv4() {
        let hash = |text: &str| IpHash::of(text.parse().unwrap(), &SALT);
        assert_eq!(hash("2001:db8:1:2:3:4:5:6"), hash("2001:db8:1:2::1"));
        assert_ne!(hash("2001:db8:1:2::1"), hash("2001:db8:1:3::1"));
        assert_eq!(hash("::ffff:192.0.2.1"), hash("192.0.2.1"));
        assert_ne!(hash("192.0.2.1"), hash("192.0.2.2"));
    }

    #[test]
    fn a_forwarded_address_counts_only_behind_a_trusted_proxy() {
        let peer = "192.0.2.1".parse().ok();
        let values = ["6.6.6.6, 203.0.113.7", "10.0.0.1"];
        let seen = |hops| {
            client_address(peer, values.into_iter(), hops).map(|address| address.to_string())
        };
        assert_eq!(seen(0).as_deref(), Some("192.0.2.1"));
        assert_eq!(seen(1).as_deref(), Some("10.0.0.1"));
        assert_eq!(seen(2).as_deref(), Some("203.0.113.7"));
        assert_eq!(seen(9), None);
    }

    #[test]
    fn two_shops_never_share_a_hash_nor_do_two_kinds() {
        let other = Salt::new([8; 32]);
        assert_ne!(
            FingerprintHash::of("x", &SALT),
            FingerprintHash::of("x", &other)
        );
        let email = Email::parse("email", "x@example.com").unwrap();
        assert_ne!(EmailHash::of(&email, &SALT), EmailHash::of(&email, &other));
        let ip = IpHash::of("192.0.2.1".parse().unwrap(), &SALT);
        assert_ne!(
            FingerprintHash::of("192.0.2.1", &SALT).as_str(),
            ip.as_str()
        );
    }

    #[test]
    fn one_person_has_one_address_however_it_is_typed() {
        let typed = Email::parse("email", "  Shopper@Example.COM ").unwrap();
        assert_eq!(typed.as_str(), "shopper@example.com");
        assert_eq!(format!("{typed:?}"), "Email(…)");
    }

    #[test]
    fn what_cannot_be_an_address_is_refused() {
        for text in [
            "", "a", "@b.c", "a@b", "a b@c.d", "a@b@c.d", "a@b..c", "a@.b", "<a@b.c>", "a\0@b.c",
        ] {
            assert!(Email::parse("email", text).is_err(), "{text:?}");
        }
        assert!(Email::parse("email", &format!("{}@b.c", "a".repeat(65))).is_err());
    }

    #[test]
    fn only_the_shops_own_hash_vouches_for_an_email() {
        let email = Email::parse("email", "shopper@example.com").unwrap();
        // echo -n shopper@example.com | openssl dgst -sha256 -hmac identity-secret
        let hash = hex(&keyed(b"identity-secret", &["shopper@example.com"]));
        assert!(email.is_vouched_by(&hash, "identity-secret"));
        assert!(!email.is_vouched_by(&hash, "another-secret"));
        assert!(!email.is_vouched_by("", "identity-secret"));
    }
}
