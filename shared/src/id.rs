//! Identifiers: ULIDs with a type prefix for our own things, [`ExternalId`] for the shop's.

use std::fmt;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::text::{InvalidField, required};
use crate::time::UtcMillis;

/// Bytes of entropy that a new id takes.
pub type Entropy = [u8; 10];

/// A text that is no id of the wanted kind.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not an id of the form {prefix}<ULID>")]
pub struct InvalidId {
    /// The prefix that the wanted kind has.
    pub prefix: &'static str,
}

fn generate(prefix: &str, now: UtcMillis, entropy: Entropy) -> String {
    let mut random = [0u8; 16];
    random[6..].copy_from_slice(&entropy);
    let millis = u64::try_from(now.get()).unwrap_or(0);
    format!(
        "{prefix}{}",
        ulid::Ulid::from_parts(millis, u128::from_be_bytes(random))
    )
}

macro_rules! prefixed_id {
    ($(#[$doc:meta])* $name:ident, $prefix:literal) => {
        $(#[$doc])*
        #[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
        pub struct $name(String);

        impl $name {
            /// A new id from a time and ten bytes of randomness.
            #[must_use]
            pub fn generate(now: UtcMillis, entropy: Entropy) -> Self {
                Self(generate($prefix, now, entropy))
            }

            /// Reads an id that was printed before.
            ///
            /// # Errors
            /// [`InvalidId`] where the prefix or the ULID behind it is wrong.
            pub fn parse(text: &str) -> Result<Self, InvalidId> {
                text.strip_prefix($prefix)
                    .and_then(|ulid| ulid::Ulid::from_string(ulid).ok())
                    .map(|ulid| Self(format!("{}{ulid}", $prefix)))
                    .ok_or(InvalidId { prefix: $prefix })
            }

            /// The id as text.
            #[must_use]
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }

        impl<'de> Deserialize<'de> for $name {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                let text = String::deserialize(deserializer)?;
                Self::parse(&text).map_err(serde::de::Error::custom)
            }
        }
    };
}

prefixed_id!(
    /// A shop, the tenant that everything belongs to.
    ShopId, "shop_"
);
prefixed_id!(
    /// A customer of a shop.
    CustomerId, "cus_"
);
prefixed_id!(
    /// A bundle offer.
    OfferId, "off_"
);
prefixed_id!(
    /// An edge's outbox. With an event's place in it, it names one acceptance for ever.
    OutboxId, "out_"
);
prefixed_id!(
    /// A person who administers a shop.
    UserId, "usr_"
);
prefixed_id!(
    /// One login of a person, with all the tokens that follow from it.
    LoginId, "lgn_"
);
prefixed_id!(
    /// An API key's record (not the key itself).
    KeyId, "key_"
);
prefixed_id!(
    /// A webhook's endpoint.
    WebhookId, "whk_"
);
prefixed_id!(
    /// A file of rows that a shop sent.
    UploadId, "upload_"
);
prefixed_id!(
    /// Work that is longer than a request.
    JobId, "job_"
);
prefixed_id!(
    /// A record of a customer that a salesperson keeps; a shopper with orders is a [`CustomerId`].
    CustomerRecordId, "customer_"
);
prefixed_id!(
    /// What a salesperson and a customer did together.
    InteractionId, "interaction_"
);
prefixed_id!(
    /// The erasure of a person.
    ErasureId, "era_"
);

prefixed_id!(
    /// A file with everything held about a person.
    PrivacyExportId, "export_"
);

/// An event's id: the client's own `messageId`, or `evt_` and a ULID made where it was accepted.
/// At most [`EventId::CHARS_MAX`] characters.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
pub struct EventId(String);

impl EventId {
    /// The longest `messageId` taken; SDKs send 36 to 60 characters.
    pub const CHARS_MAX: usize = 100;

    /// A new id for a message that came without one.
    #[must_use]
    pub fn generate(now: UtcMillis, entropy: Entropy) -> Self {
        Self(generate("evt_", now, entropy))
    }

    /// Takes a client's `messageId`.
    ///
    /// # Errors
    /// [`InvalidField`] when it is empty, over-long or holds control characters.
    pub fn parse(text: &str) -> Result<Self, InvalidField> {
        required("messageId", text, Self::CHARS_MAX).map(|id| Self(id.to_owned()))
    }

    /// The id as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl<'de> Deserialize<'de> for EventId {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        Self::parse(&text).map_err(serde::de::Error::custom)
    }
}

/// The id that one request has in every reply and log: the caller's own where it is short and plain, so
/// that it can be followed from the page to the origin, else a new one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RequestId(String);

impl RequestId {
    /// The header that carries it in and out.
    pub const HEADER: &'static str = "x-request-id";
    /// The longest one taken from outside.
    const CHARS_MAX: usize = 64;

    /// The caller's id, made of letters, digits, `-` and `_`; a wild one counts as none.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let plain = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-');
        let fits = (1..=Self::CHARS_MAX).contains(&text.len()) && text.bytes().all(plain);
        fits.then(|| Self(text.to_owned()))
    }

    /// A new id.
    #[must_use]
    pub fn generate(now: UtcMillis, entropy: Entropy) -> Self {
        Self(generate("req_", now, entropy))
    }

    /// The id as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// An id of the shop's own system (product, order, customer): an integer or a short text.
///
/// WooCommerce and Shopify count in integers, other shops use article codes such as `85123A`. Inside it
/// is text; on the wire a canonical integer is a JSON number again, as the contract wants it.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ExternalId(String);

impl ExternalId {
    /// The longest id taken, in characters.
    pub const CHARS_MAX: usize = 64;

    /// Takes an id written as text.
    ///
    /// # Errors
    /// [`InvalidField`] when it is empty, over-long or holds control characters.
    pub fn parse(field: &str, text: &str) -> Result<Self, InvalidField> {
        required(field, text, Self::CHARS_MAX).map(|id| Self(id.to_owned()))
    }

    /// The id as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    fn as_integer(&self) -> Option<u64> {
        let number: u64 = self.0.parse().ok()?;
        // JavaScript reads integers exactly only up to 2^53; "007" must stay text.
        (number <= (1 << 53) && number.to_string() == self.0).then_some(number)
    }
}

impl From<u64> for ExternalId {
    fn from(number: u64) -> Self {
        Self(number.to_string())
    }
}

impl Serialize for ExternalId {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self.as_integer() {
            Some(number) => serializer.serialize_u64(number),
            None => serializer.serialize_str(&self.0),
        }
    }
}

impl<'de> Deserialize<'de> for ExternalId {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Visitor;
        impl serde::de::Visitor<'_> for Visitor {
            type Value = ExternalId;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(
                    f,
                    "an integer or a text of at most {} characters",
                    ExternalId::CHARS_MAX
                )
            }

            fn visit_u64<E>(self, number: u64) -> Result<ExternalId, E> {
                Ok(number.into())
            }

            fn visit_str<E: serde::de::Error>(self, text: &str) -> Result<ExternalId, E> {
                ExternalId::parse("id", text).map_err(E::custom)
            }
        }
        deserializer.deserialize_any(Visitor)
    }
}

#[cfg(feature = "openapi")]
impl utoipa::PartialSchema for ExternalId {
    fn schema() -> utoipa::openapi::RefOr<utoipa::openapi::schema::Schema> {
        use utoipa::openapi::schema::{ObjectBuilder, SchemaType, Type};
        ObjectBuilder::new()
            .schema_type(SchemaType::from_iter([Type::Integer, Type::String]))
            .description(Some(
                "An id of the shop's own system: an integer or a short text.",
            ))
            .into()
    }
}

#[cfg(feature = "openapi")]
impl utoipa::ToSchema for ExternalId {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_short_plain_request_ids_are_taken_from_outside() {
        for id in ["a", "req_01-X", &"a".repeat(64)] {
            assert_eq!(RequestId::parse(id).unwrap().as_str(), id);
        }
        for id in ["", "a b", "a\"", "é", "../x", &"a".repeat(65)] {
            assert_eq!(RequestId::parse(id), None, "{id}");
        }
    }

    #[test]
    fn an_id_reads_back_and_carries_its_time_in_order() {
        let earlier = ShopId::generate(UtcMillis::new(1), [9; 10]);
        let later = ShopId::generate(UtcMillis::new(2), [0; 10]);
        assert!(earlier < later);
        assert_eq!(ShopId::parse(earlier.as_str()), Ok(earlier));
    }

    #[test]
    fn an_id_of_another_kind_is_refused() {
        let customer = CustomerId::generate(UtcMillis::new(1), [1; 10]);
        assert_eq!(
            ShopId::parse(customer.as_str()),
            Err(InvalidId { prefix: "shop_" })
        );
    }

    #[test]
    fn a_shops_own_id_keeps_its_form_on_the_wire() {
        for json in [
            "44",
            "\"85123A\"",
            "\"007\"",
            "9007199254740992",
            "\"99999999999999999999\"",
        ] {
            let id: ExternalId = serde_json::from_str(json).unwrap();
            assert_eq!(serde_json::to_string(&id).unwrap(), json);
        }
        for json in ["-1", "1.5", "\"\"", "null", "\"a\\u0000\""] {
            assert!(serde_json::from_str::<ExternalId>(json).is_err(), "{json}");
        }
    }
}
