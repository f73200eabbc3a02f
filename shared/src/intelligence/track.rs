//! The request to track a customer, parsed.

use crate::event::segment::{FINGERPRINT_CHARS_MAX, ID_CHARS_MAX};
use crate::id::ExternalId;
use crate::identity::{Email, FingerprintHash, Salt, Trust};
use crate::text::{InvalidField, bounded, required};
use crate::wire::intelligence::TrackCustomerRequest;

/// The event types that the contract calls important; others are refused, so that a typing error does
/// not vanish in the log.
pub const EVENT_TYPES: [&str; 5] = [
    "checkout_email_entered",
    "bundle_viewed",
    "bundle_accepted",
    "bundle_rejected",
    "order_completed",
];

/// A request that holds what the contract allows, the fingerprint already hashed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TrackCustomer {
    /// The email, with how sure it is.
    pub email: Option<(Email, Trust)>,
    /// The shop's id of a customer who is logged in.
    pub customer_id: Option<ExternalId>,
    /// What happened, one of [`EVENT_TYPES`].
    pub event_type: Option<&'static str>,
    /// The device.
    pub fingerprint: Option<FingerprintHash>,
    /// The browser's own id of the visitor.
    pub anonymous_id: Option<String>,
}

impl TrackCustomer {
    /// Reads a request.
    ///
    /// # Errors
    /// [`InvalidField`] names the field that breaks the contract.
    pub fn parse(
        request: TrackCustomerRequest,
        salt: &Salt,
        identity_secret: &str,
    ) -> Result<Self, InvalidField> {
        let email = filled(request.email.as_deref())
            .map(|text| Email::parse("email", text))
            .transpose()?
            .map(|email| match filled(request.user_hash.as_deref()) {
                None => Ok((email, Trust::Claimed)),
                Some(hash) if email.is_vouched_by(hash, identity_secret) => {
                    Ok((email, Trust::Verified))
                }
                Some(_) => Err(InvalidField::new(
                    "user_hash",
                    "does not belong to the email",
                )),
            })
            .transpose()?;
        let event_type = filled(request.event_type.as_deref())
            .map(|text| {
                let known = EVENT_TYPES.into_iter().find(|known| *known == text.trim());
                known.ok_or_else(|| {
                    let names = EVENT_TYPES.join(", ");
                    InvalidField::new("event_type", format!("must be one of: {names}"))
                })
            })
            .transpose()?;
        let fingerprint = filled(request.fingerprint.as_deref())
            .map(|text| required("fingerprint", text, FINGERPRINT_CHARS_MAX))
            .transpose()?
            .map(|text| FingerprintHash::of(text, salt));
        let anonymous_id = filled(request.anonymous_id.as_deref())
            .map(|text| bounded("anonymous_id", text, ID_CHARS_MAX).map(str::to_owned))
            .transpose()?;
        Ok(Self {
            email,
            customer_id: request.customer_id,
            event_type,
            fingerprint,
            anonymous_id,
        })
    }
}

/// Browsers send empty texts for what they do not know.
fn filled(text: Option<&str>) -> Option<&str> {
    text.filter(|text| !text.trim().is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;

    const SALT: Salt = Salt::new([1; 32]);

    fn read(json: &str) -> Result<TrackCustomer, InvalidField> {
        TrackCustomer::parse(serde_json::from_str(json).unwrap(), &SALT, "secret")
    }

    #[test]
    fn the_contracts_example_is_read() {
        let track = read(
            r#"{"email": "shopper@example.com", "customer_id": 42,
                "event_type": "checkout_email_entered", "fingerprint": "990eb8b7fb69"}"#,
        )
        .unwrap();
        assert_eq!(track.email.unwrap().1, Trust::Claimed);
        assert_eq!(track.customer_id, Some(42.into()));
        assert_eq!(
            track.fingerprint,
            Some(FingerprintHash::of("990eb8b7fb69", &SALT))
        );
    }

    #[test]
    fn everything_may_be_left_out() {
        let track = read(r#"{"email": "", "fingerprint": null}"#).unwrap();
        assert_eq!((track.email, track.fingerprint), (None, None));
    }

    #[test]
    fn a_fault_names_its_field() {
        for (json, field) in [
            (r#"{"email": "nobody"}"#, "email"),
            (r#"{"email": "a@b.cd", "user_hash": "00"}"#, "user_hash"),
            (r#"{"event_type": "page_viewed"}"#, "event_type"),
            (r#"{"fingerprint": "a\u0000"}"#, "fingerprint"),
        ] {
            assert_eq!(read(json).unwrap_err().field, field, "{json}");
        }
    }
}
