//! Who asks for what is personal, and whether they may have it: the same for every storefront route that reads.

use footfall_shared::event::Device;
use footfall_shared::event::segment::{FINGERPRINT_CHARS_MAX, ID_CHARS_MAX};
use footfall_shared::identity::{DeviceKey, Email, EmailHash, FingerprintHash, Trust};
use footfall_shared::intelligence::Disclosure;
use footfall_shared::text::{InvalidField, required};

use crate::error::EdgeError;
use crate::guard::{self, ShopRequest};
use crate::http::Request;
use crate::intelligence::disclosure;
use crate::intelligence::recognize::{self, Person};
use crate::limits;
use crate::platform::{OriginUnreachable, Platform};
use crate::trace::Trace;

/// Why nothing personal is told: it is not proven that the caller is the customer.
pub(crate) const NOT_VERIFIED: &str = "identity_not_verified";
/// Why nothing is told: the origin must be asked and does not answer.
pub(crate) const UNAVAILABLE: &str = "temporarily_unavailable";

/// A request that was let in, and whose it is.
pub(crate) struct Asker {
    pub(crate) asked: ShopRequest,
    pub(crate) person: Whom,
}

/// Whose a request is.
pub(crate) enum Whom {
    /// A customer who may be shown what is theirs, if the shop knows such a customer.
    Customer(EmailHash),
    /// Somebody who may be a customer, but is not to be shown what is theirs.
    Unproven,
    /// A device that recognizes nobody.
    Stranger,
    /// The request names nobody.
    Unnamed,
}

/// Lets a request in, counts it, and finds out whose it is.
pub(crate) async fn find<P: Platform>(
    platform: &P,
    trace: &Trace,
    request: &Request,
) -> Result<Asker, EdgeError> {
    let asked = guard::admit(platform, trace, request, None).await?;
    limits::spend(platform, trace, &asked).await?;
    let person = match Question::parse(request, &asked)? {
        Some(question) => whom(platform, trace, &asked, question).await?,
        None => Whom::Unnamed,
    };
    Ok(Asker { asked, person })
}

async fn whom<P: Platform>(
    platform: &P,
    trace: &Trace,
    asked: &ShopRequest,
    question: Question,
) -> Result<Whom, EdgeError> {
    if let (Some(email), Trust::Claimed) = (&question.email, question.trust) {
        let email = EmailHash::of(email, &asked.shop.salt);
        limits::try_email(platform, asked, &email).await?;
    }
    let person = identify(platform, trace, asked, &question)
        .await
        .map_err(EdgeError::OriginUnreachable)?;
    Ok(match person {
        None => Whom::Stranger,
        Some(Person { trust, .. }) if disclosure(platform, asked, trust) == Disclosure::Masked => {
            Whom::Unproven
        }
        Some(Person { email_hash, .. }) => Whom::Customer(email_hash),
    })
}

/// Who asks, as the query says it.
struct Question {
    email: Option<Email>,
    /// What the device is known by; the contract's look-up does not fall back to the address.
    keys: Vec<DeviceKey>,
    /// How sure the email is.
    trust: Trust,
}

impl Question {
    /// `None` where the query names nobody.
    fn parse(request: &Request, asked: &ShopRequest) -> Result<Option<Self>, EdgeError> {
        let given = |name: &str| {
            request
                .query_value(name)
                .filter(|text| !text.trim().is_empty())
        };
        let email = given("customer_email")
            .map(|text| Email::parse("customer_email", &text))
            .transpose()
            .map_err(EdgeError::field)?;
        let fingerprint = given("fingerprint")
            .map(|text| -> Result<_, InvalidField> {
                let text = required("fingerprint", &text, FINGERPRINT_CHARS_MAX)?;
                Ok(FingerprintHash::of(text, &asked.shop.salt))
            })
            .transpose()
            .map_err(EdgeError::field)?;
        let anonymous_id = given("anonymous_id")
            .map(|text| required("anonymous_id", &text, ID_CHARS_MAX).map(str::to_owned))
            .transpose()
            .map_err(EdgeError::field)?;
        if email.is_none() && fingerprint.is_none() && anonymous_id.is_none() {
            return Ok(None);
        }
        let device = Device {
            fingerprint,
            ..Device::default()
        };
        let secret = &asked.shop.identity_secret;
        let vouched = email.as_ref().zip(given("user_hash"));
        let vouched = vouched.is_some_and(|(email, hash)| email.is_vouched_by(&hash, secret));
        let trust = if vouched || asked.is_backend() {
            Trust::Verified
        } else {
            Trust::Claimed
        };
        Ok(Some(Self {
            email,
            keys: if asked.opted_out {
                Vec::new()
            } else {
                device.keys(anonymous_id.as_deref(), &asked.shop.salt)
            },
            trust,
        }))
    }
}

/// The customer asked for and how sure it is that the caller is this customer.
async fn identify<P: Platform>(
    platform: &P,
    trace: &Trace,
    asked: &ShopRequest,
    question: &Question,
) -> Result<Option<Person>, OriginUnreachable> {
    if let Some(email) = &question.email {
        let trust = question.trust;
        let email_hash = EmailHash::of(email, &asked.shop.salt);
        return Ok(Some(Person { email_hash, trust }));
    }
    recognize::recognize(platform, trace, &asked.shop.shop, &question.keys).await
}
