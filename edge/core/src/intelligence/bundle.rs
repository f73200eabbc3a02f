//! `GET /api/intelligence/bundle`: the offer, decided by the shared rule on the edge's own copy.
//!
//! On a hit the origin is not asked at all. It is asked once when the entry is not there, and when the
//! rule says that an offer is due, since only the origin makes an offer durable.

use footfall_shared::event::Device;
use footfall_shared::event::segment::{FINGERPRINT_CHARS_MAX, ID_CHARS_MAX};
use footfall_shared::identity::{DeviceKey, Email, EmailHash, FingerprintHash, Trust};
use footfall_shared::intelligence::Disclosure;
use footfall_shared::offers::{Decision, decide};
use footfall_shared::text::{InvalidField, required};
use footfall_shared::wire::intelligence::{Audience, BundleReply, NoOfferReply};
use footfall_shared::wire::internal::CustomerEntry;
use http::StatusCode;

use crate::error::EdgeError;
use crate::guard::{self, ShopRequest};
use crate::http::{Request, Response};
use crate::intelligence::recognize::{self, Person};
use crate::intelligence::{customer, disclosure};
use crate::limits;
use crate::platform::{OriginUnreachable, Platform};
use crate::trace::Trace;

/// Why there is no offer, beyond the contract's own reasons.
const NOT_VERIFIED: &str = "identity_not_verified";
const UNAVAILABLE: &str = "temporarily_unavailable";

/// Who asks, as the query says it.
struct Question {
    email: Option<Email>,
    /// What the device is known by; the contract's look-up does not fall back to the address.
    keys: Vec<DeviceKey>,
    /// How sure the email is.
    trust: Trust,
}

pub(crate) async fn bundle<P: Platform>(
    platform: &P,
    trace: &Trace,
    request: &Request,
) -> Result<Response, EdgeError> {
    let asked = match guard::admit(platform, trace, request, None).await {
        Err(EdgeError::OriginUnreachable(_)) => return Ok(no_offer(UNAVAILABLE)),
        admitted => admitted?,
    };
    limits::spend(platform, trace, &asked).await?;
    let question = Question::parse(request, &asked)?;
    if let (Some(email), Trust::Claimed) = (&question.email, question.trust) {
        let email = EmailHash::of(email, &asked.shop.salt);
        limits::try_email(platform, &asked, &email).await?;
    }
    let person = match identify(platform, trace, &asked, &question).await {
        Ok(Some(person)) => person,
        Ok(None) => {
            return Err(unknown(
                "fingerprint_not_found",
                "Fingerprint not recognized",
            ));
        }
        Err(_) => return Ok(no_offer(UNAVAILABLE)),
    };
    // Whether an email is a customer's is personal too, so this comes before any look-up.
    let Person { email_hash, trust } = person;
    if disclosure(platform, &asked, trust) == Disclosure::Masked {
        return Ok(no_offer(NOT_VERIFIED));
    }
    let entry = match customer::find(platform, trace, &asked.shop.shop, &email_hash).await {
        Ok(Some(entry)) => entry,
        Ok(None) => return Err(unknown("customer_not_found", "Customer not found")),
        Err(_) => return Ok(no_offer(UNAVAILABLE)),
    };
    answer(platform, trace, &asked, &email_hash, entry)
        .await
        .or_else(|_unreachable| Ok(no_offer(UNAVAILABLE)))
}

impl Question {
    fn parse(request: &Request, asked: &ShopRequest) -> Result<Self, EdgeError> {
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
            return Err(EdgeError::Contract {
                status: StatusCode::BAD_REQUEST,
                code: "missing_parameters",
                message: "Email or fingerprint required".to_owned(),
            });
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
        Ok(Self {
            email,
            keys: if asked.opted_out {
                Vec::new()
            } else {
                device.keys(anonymous_id.as_deref(), &asked.shop.salt)
            },
            trust,
        })
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

async fn answer<P: Platform>(
    platform: &P,
    trace: &Trace,
    asked: &ShopRequest,
    email_hash: &EmailHash,
    entry: CustomerEntry,
) -> Result<Response, OriginUnreachable> {
    let due = matches!(
        decide(entry.profile.as_ref(), entry.offer.as_ref(), platform.now()),
        Decision::Make(_)
    );
    let entry = if due {
        let made = customer::ensure_offer(platform, trace, &asked.shop.shop, email_hash).await?;
        made.unwrap_or(entry)
    } else {
        entry
    };
    let now = platform.now();
    Ok(
        match decide(entry.profile.as_ref(), entry.offer.as_ref(), now) {
            Decision::Standing(offer) => {
                let locale = &asked.shop.settings.locale;
                let reply =
                    BundleReply::from_offer(&entry, offer, Audience::Storefront, locale, now);
                Response::json(StatusCode::OK, &reply)
            }
            // The origin answered and made none: its clock or its newer profile says that none is due.
            Decision::Make(_) => no_offer("not_in_prime_window"),
            Decision::Refuse(refusal) => no_offer(refusal.code()),
        },
    )
}

fn no_offer(reason: &str) -> Response {
    Response::json(StatusCode::OK, &NoOfferReply::because(reason))
}

fn unknown(code: &'static str, message: &str) -> EdgeError {
    EdgeError::Contract {
        status: StatusCode::NOT_FOUND,
        code,
        message: message.to_owned(),
    }
}
