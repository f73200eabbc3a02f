//! `GET /api/intelligence/bundle`: the offer, decided by the shared rule on the edge's own copy.
//!
//! On a hit the origin is not asked at all. It is asked once when the entry is not there, and when the
//! rule says that an offer is due, since only the origin makes an offer durable.

use footfall_shared::identity::EmailHash;
use footfall_shared::offers::{Decision, decide};
use footfall_shared::wire::intelligence::{Audience, BundleReply, NoOfferReply};
use footfall_shared::wire::internal::CustomerEntry;
use http::StatusCode;

use crate::error::EdgeError;
use crate::guard::ShopRequest;
use crate::http::{Request, Response};
use crate::intelligence::asker::{self, Asker, NOT_VERIFIED, UNAVAILABLE, Whom};
use crate::intelligence::customer;
use crate::platform::{OriginUnreachable, Platform};
use crate::trace::Trace;

pub(crate) async fn bundle<P: Platform>(
    platform: &P,
    trace: &Trace,
    request: &Request,
) -> Result<Response, EdgeError> {
    let Asker { asked, person } = match asker::find(platform, trace, request).await {
        Err(EdgeError::OriginUnreachable(_)) => return Ok(no_offer(UNAVAILABLE)),
        found => found?,
    };
    // Whether an email is a customer's is personal too, so nobody is looked up before it is known who asks.
    let email_hash = match person {
        Whom::Customer(email_hash) => email_hash,
        Whom::Unproven => return Ok(no_offer(NOT_VERIFIED)),
        Whom::Stranger => {
            return Err(unknown(
                "fingerprint_not_found",
                "Fingerprint not recognized",
            ));
        }
        Whom::Unnamed => {
            return Err(EdgeError::Contract {
                status: StatusCode::BAD_REQUEST,
                code: "missing_parameters",
                message: "Email or fingerprint required".to_owned(),
            });
        }
    };
    let entry = match customer::find(platform, trace, &asked.shop.shop, &email_hash).await {
        Ok(Some(entry)) => entry,
        Ok(None) => return Err(unknown("customer_not_found", "Customer not found")),
        Err(_) => return Ok(no_offer(UNAVAILABLE)),
    };
    answer(platform, trace, &asked, &email_hash, entry)
        .await
        .or_else(|_unreachable| Ok(no_offer(UNAVAILABLE)))
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
