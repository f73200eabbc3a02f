//! The contract's four routes of the shop (`/wp-json/wg/v1/intelligence/…`).

use axum::Json;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use footfall_shared::id::ExternalId;
use footfall_shared::identity::{Email, EmailHash};
use footfall_shared::offers::{OfferStatus, Refusal};
use footfall_shared::wire::error::ErrorReply;
use footfall_shared::wire::intelligence::{
    Audience, BundleReply, BundleStatusReply, BundleStatusRequest, GetProfileReply, NoBundleReply,
    ProfileReply, RecalculateReply, RecalculateRequest, invalid_status_message,
};
use serde::Deserialize;
use utoipa::IntoParams;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::bundle::{Ensured, ensure_offer};
use super::entry::find_entry;
use super::recalculate::recalculate_customer;
use super::status::{Move, MoveError, move_offer};
use crate::app::App;
use crate::auth::OpenShop;
use crate::http::error::AppError;
use crate::http::extract::{Wire, WireQuery};

/// The routes with their notes.
pub(super) fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new()
        .routes(routes!(profile))
        .routes(routes!(recalculate))
        .routes(routes!(bundle))
        .routes(routes!(bundle_status))
}

/// Names a customer.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
struct CustomerQuery {
    /// Customer email address; required.
    #[param(example = "shopper@example.com", required = true)]
    customer_email: Option<String>,
}

fn required_email(given: Option<&str>, in_query: bool) -> Result<Email, AppError> {
    let given = given.map(str::trim).filter(|text| !text.is_empty());
    let text = given.ok_or(AppError::MissingEmail { in_query })?;
    Email::parse("customer_email", text).map_err(|_| AppError::InvalidEmail)
}

/// A customer's profile.
///
/// Development asks for no key and speaks for the demo shop; production asks for a secret key or an admin.
#[utoipa::path(
    get, path = "/wp-json/wg/v1/intelligence/profile", tag = "intelligence", params(CustomerQuery),
    responses(
        (status = 200, description = "The profile", body = GetProfileReply),
        (status = 400, description = "`missing_email`, `invalid_email` or `invalid_request`", body = ErrorReply),
        (status = 401, description = "No live credential", body = ErrorReply),
        (status = 403, description = "A credential of the wrong kind", body = ErrorReply),
        (status = 404, description = "`profile_not_found`: nobody has this email, or no order counts yet", body = ErrorReply,
         example = json!({"success": false, "message": "Customer profile not found", "code": "profile_not_found"})),
        (status = 500, description = "A bug of ours", body = ErrorReply),
        (status = 503, description = "Temporarily unavailable", body = ErrorReply),
    ),
    security((), ("bearer_key" = []), ("basic" = []), ("api_key" = []))
)]
async fn profile(
    State(app): State<App>,
    OpenShop(shop): OpenShop,
    WireQuery(query): WireQuery<CustomerQuery>,
) -> Result<Json<GetProfileReply>, AppError> {
    let email = required_email(query.customer_email.as_deref(), true)?;
    let now = app.now();
    let mut db = app.db().read().await?;
    let entry = find_entry(&mut db, &shop, &EmailHash::of(&email, &shop.salt)).await?;
    let profile = entry.and_then(|entry| {
        // Whoever may ask on the shop's own routes sees the whole of it.
        ProfileReply::from_entry(&entry, Audience::Shop, now)
    });
    let profile = profile.ok_or(AppError::ProfileNotFound {
        recalculate_first: false,
    })?;
    Ok(Json(GetProfileReply {
        success: true,
        profile,
    }))
}

/// Recalculates a customer's profile from all counted orders.
#[utoipa::path(
    post, path = "/wp-json/wg/v1/intelligence/recalculate", tag = "intelligence",
    request_body(content = RecalculateRequest, example = json!({"customer_email": "shopper@example.com"})),
    responses(
        (status = 200, description = "What was calculated", body = RecalculateReply),
        (status = 400, description = "`missing_email`, `invalid_email` or `invalid_request`", body = ErrorReply),
        (status = 401, description = "No live credential", body = ErrorReply),
        (status = 403, description = "A credential of the wrong kind", body = ErrorReply),
        (status = 404, description = "`no_orders`", body = ErrorReply,
         example = json!({"success": false, "message": "No orders found for customer", "code": "no_orders"})),
        (status = 413, description = "The body is longer than 64 KiB", body = ErrorReply),
        (status = 415, description = "The content type is not JSON", body = ErrorReply),
        (status = 500, description = "A bug of ours", body = ErrorReply),
        (status = 503, description = "Temporarily unavailable", body = ErrorReply),
    ),
    security((), ("bearer_key" = []), ("basic" = []), ("api_key" = []))
)]
async fn recalculate(
    State(app): State<App>,
    OpenShop(shop): OpenShop,
    Wire(request): Wire<RecalculateRequest>,
) -> Result<Json<RecalculateReply>, AppError> {
    let email = required_email(request.customer_email.as_deref(), false)?;
    let profile = recalculate_customer(&app, &shop, &email, app.now()).await?;
    let profile = profile.ok_or(AppError::NoOrders)?;
    Ok(Json(RecalculateReply::from_profile(
        &profile,
        shop.currency,
    )))
}

/// The customer's active offer, made now where one is due.
///
/// Where none is due the answer is a 200 with `success: false` and the reason.
#[utoipa::path(
    get, path = "/wp-json/wg/v1/intelligence/bundle", tag = "intelligence", params(CustomerQuery),
    responses(
        (status = 200, description = "The offer; or `not_in_prime_window`, `no_favorites`, `only_excluded` or \
         `peak_too_low`", body = inline(BundleOrNot)),
        (status = 400, description = "`missing_email`, `invalid_email` or `invalid_request`", body = ErrorReply),
        (status = 401, description = "No live credential", body = ErrorReply),
        (status = 403, description = "A credential of the wrong kind", body = ErrorReply),
        (status = 404, description = "`profile_not_found`", body = ErrorReply),
        (status = 500, description = "A bug of ours", body = ErrorReply),
        (status = 503, description = "Temporarily unavailable", body = ErrorReply),
    ),
    security((), ("bearer_key" = []), ("basic" = []), ("api_key" = []))
)]
async fn bundle(
    State(app): State<App>,
    OpenShop(shop): OpenShop,
    WireQuery(query): WireQuery<CustomerQuery>,
) -> Result<BundleOrNot, AppError> {
    let email = required_email(query.customer_email.as_deref(), true)?;
    let now = app.now();
    let hash = EmailHash::of(&email, &shop.salt);
    match ensure_offer(&app, &shop, &hash, now).await? {
        Ensured::Standing(entry, offer) => {
            let locale = &shop.settings.locale;
            let reply = BundleReply::from_offer(&entry, &offer, Audience::Shop, locale, now);
            Ok(BundleOrNot::Bundle(Box::new(reply)))
        }
        Ensured::Refused(_, Refusal::ProfileNotFound) => Err(AppError::ProfileNotFound {
            recalculate_first: true,
        }),
        Ensured::Refused(_, refusal) => Ok(BundleOrNot::Not(NoBundleReply::from_refusal(refusal))),
    }
}

/// An offer, or why there is none.
#[derive(Debug, serde::Serialize, utoipa::ToSchema)]
#[serde(untagged)]
enum BundleOrNot {
    Bundle(Box<BundleReply>),
    Not(NoBundleReply),
}

impl IntoResponse for BundleOrNot {
    fn into_response(self) -> Response {
        Json(self).into_response()
    }
}

/// Moves an offer: `pending` → `viewed` → `added_to_cart` → `purchased`; `rejected` and `expired` end it.
///
/// The status it already has changes nothing and is a success. With `customer_email` the behavioural event
/// (`bundle_viewed`, `bundle_accepted`, `bundle_rejected`) is logged.
#[utoipa::path(
    post, path = "/wp-json/wg/v1/intelligence/bundle-status", tag = "intelligence",
    request_body(content = BundleStatusRequest,
        example = json!({"offer_id": 93, "status": "added_to_cart", "customer_email": "shopper@example.com"})),
    responses(
        (status = 200, description = "The offer stands there now", body = BundleStatusReply),
        (status = 400, description = "`missing_parameters`, `invalid_status`, `illegal_move` (says which moves are \
         legal), `invalid_email` or `invalid_request`", body = ErrorReply,
         example = json!({"success": false, "message": "offer_id and status required", "code": "missing_parameters"})),
        (status = 401, description = "No live credential", body = ErrorReply),
        (status = 403, description = "A credential of the wrong kind", body = ErrorReply),
        (status = 404, description = "`offer_not_found`", body = ErrorReply),
        (status = 413, description = "The body is longer than 64 KiB", body = ErrorReply),
        (status = 415, description = "The content type is not JSON", body = ErrorReply),
        (status = 500, description = "A bug of ours", body = ErrorReply),
        (status = 503, description = "Temporarily unavailable", body = ErrorReply),
    ),
    security((), ("bearer_key" = []), ("basic" = []), ("api_key" = []))
)]
async fn bundle_status(
    State(app): State<App>,
    OpenShop(shop): OpenShop,
    Wire(request): Wire<BundleStatusRequest>,
) -> Result<Json<BundleStatusReply>, AppError> {
    let (Some(offer), Some(status)) = (&request.offer_id, filled(request.status.as_deref())) else {
        return Err(AppError::MissingParameters {
            required: "offer_id and status",
        });
    };
    let email = filled(request.customer_email.as_deref())
        .map(|text| Email::parse("customer_email", text).map_err(|_| AppError::InvalidEmail))
        .transpose()?;
    let wanted = Wanted {
        offer,
        status,
        email: email.as_ref(),
    };
    answer_move(&app, &shop, wanted).await.map(Json)
}

fn filled(text: Option<&str>) -> Option<&str> {
    text.map(str::trim).filter(|text| !text.is_empty())
}

/// A move as the caller wrote it.
pub(super) struct Wanted<'a> {
    /// The offer, answered as it was named.
    pub(super) offer: &'a ExternalId,
    /// Perhaps a status.
    pub(super) status: &'a str,
    /// With whose email the behavioural event is logged.
    pub(super) email: Option<&'a Email>,
}

/// Moves an offer for a shop's server or for an edge, and answers as the contract has it.
pub(super) async fn answer_move(
    app: &App,
    shop: &crate::shops::Shop,
    wanted: Wanted<'_>,
) -> Result<BundleStatusReply, AppError> {
    let to = OfferStatus::parse(wanted.status).ok_or_else(|| AppError::InvalidStatus {
        message: invalid_status_message(),
    })?;
    let step = Move {
        offer: wanted.offer.as_str(),
        to,
        email: wanted.email,
    };
    match move_offer(app, shop, step, app.now()).await {
        Ok(()) => Ok(BundleStatusReply::new(wanted.offer.clone(), to)),
        Err(MoveError::NotFound) => Err(AppError::OfferNotFound),
        Err(MoveError::Illegal(fault)) => Err(AppError::IllegalMove(fault)),
        Err(MoveError::Storage(error)) => Err(error.into()),
    }
}
