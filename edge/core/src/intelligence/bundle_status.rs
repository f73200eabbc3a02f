//! `POST /api/intelligence/bundle-status-update`: deprecated by the contract, answered all the same.
//!
//! The origin moves the offer; this route checks the body, passes the question on, and says in standard
//! headers where to go instead (RFC 9745 `Deprecation`, RFC 8594 `Sunset`).

use footfall_shared::id::OfferId;
use footfall_shared::identity::Email;
use footfall_shared::offers::OfferStatus;
use footfall_shared::wire::intelligence::{BundleStatusRequest, invalid_status_message};
use footfall_shared::wire::internal::{MoveOffer, path};
use http::StatusCode;
use http::header::{CONTENT_TYPE, HeaderName, LINK};

use crate::error::EdgeError;
use crate::guard;
use crate::http::{Request, Response};
use crate::limits;
use crate::origin::send_signed;
use crate::platform::Platform;
use crate::trace::Trace;

/// 2024-10-30, the date of the contract that deprecates the route, as RFC 9745 writes it.
const DEPRECATED_SINCE: &str = "@1730246400";
/// When the route may go.
const SUNSET: &str = "Wed, 30 Jun 2027 00:00:00 GMT";
const SUCCESSOR: &str = "</wp-json/wg/v1/intelligence/bundle-status>; rel=\"successor-version\"";

pub(crate) async fn bundle_status<P: Platform>(
    platform: &P,
    trace: &Trace,
    request: &Request,
) -> Response {
    let answered = move_offer(platform, trace, request).await;
    answered
        .unwrap_or_else(|fault| fault.to_response())
        .with(HeaderName::from_static("deprecation"), DEPRECATED_SINCE)
        .with(HeaderName::from_static("sunset"), SUNSET)
        .with(LINK, SUCCESSOR)
}

async fn move_offer<P: Platform>(
    platform: &P,
    trace: &Trace,
    request: &Request,
) -> Result<Response, EdgeError> {
    let (asked, body) =
        guard::admit_with_body::<P, BundleStatusRequest>(platform, trace, request).await?;
    limits::spend(platform, trace, &asked).await?;
    let contract = |status, code, message: &str| EdgeError::Contract {
        status,
        code,
        message: message.to_owned(),
    };
    let (Some(offer), Some(status)) = (body.offer_id, body.status) else {
        let message = "offer_id and status required";
        return Err(contract(
            StatusCode::BAD_REQUEST,
            "missing_parameters",
            message,
        ));
    };
    if OfferStatus::parse(&status).is_none() {
        let message = invalid_status_message();
        return Err(contract(
            StatusCode::BAD_REQUEST,
            "invalid_status",
            &message,
        ));
    }
    // Numbers can be counted through; where browsers are not trusted only the id itself names an offer.
    let open = platform.config().access.open_shop_routes || asked.is_backend();
    if !open && OfferId::parse(offer.as_str()).is_err() {
        return Err(contract(
            StatusCode::NOT_FOUND,
            "offer_not_found",
            "Bundle offer not found",
        ));
    }
    let email = body.customer_email.filter(|text| !text.trim().is_empty());
    let question = MoveOffer {
        shop: asked.shop.shop.clone(),
        offer: offer.as_str().to_owned(),
        status,
        customer_email: email
            .map(|text| Email::parse("customer_email", &text))
            .transpose()
            .map_err(EdgeError::field)?,
    };
    let question = serde_json::to_vec(&question).unwrap_or_default();
    match send_signed(platform, trace, path::MOVE_OFFER, question).await {
        Ok(answer) if !answer.status.is_server_error() => {
            let mut response =
                Response::empty(answer.status).with(CONTENT_TYPE, "application/json");
            response.body = answer.body;
            Ok(response)
        }
        // Nothing was acknowledged, and the page must not see a 5xx.
        Ok(_) | Err(_) => Err(contract(
            StatusCode::OK,
            "temporarily_unavailable",
            "The status could not be updated now, please try again",
        )),
    }
}
