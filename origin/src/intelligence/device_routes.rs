//! Whose devices are whose, and undoing it: for the shop's own people, when somebody was taken for another.

use axum::Json;
use axum::extract::State;
use footfall_shared::identity::{DeviceKey, Email, EmailHash};
use footfall_shared::text::InvalidField;
use footfall_shared::wire::error::ErrorReply;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::queries::devices as queries;
use super::{devices, take_turn};
use crate::app::App;
use crate::auth::SecretOrAdminShop;
use crate::http::error::AppError;
use crate::http::extract::{Wire, WireQuery};
use crate::shops::Shop;

/// The routes with their notes.
pub(super) fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new()
        .routes(routes!(list_devices))
        .routes(routes!(reset_devices))
}

/// Names the customer whose devices are asked for.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
struct DevicesQuery {
    /// The customer's email; without it the keys that two people share are listed.
    #[param(example = "shopper@example.com")]
    customer_email: Option<String>,
}

/// What a device is known by and what is known of it. Nothing here leads back to the device itself.
#[derive(Debug, Serialize, ToSchema)]
struct DeviceReply {
    /// `browser` (its random id), `fingerprint` or `ip`.
    kind: &'static str,
    /// The salted hash.
    hash: String,
    /// `claimed`, `verified`, or `shared` where two people were verified with it.
    state: &'static str,
    /// Events with an email that came from it.
    visit_count: i64,
    /// When it was seen first, RFC 3339.
    first_seen: String,
    /// When it was seen last, RFC 3339.
    last_seen: String,
}

/// A list of devices.
#[derive(Debug, Serialize, ToSchema)]
struct DevicesReply {
    success: bool,
    /// At most 500, those seen last first.
    devices: Vec<DeviceReply>,
}

/// Which links to undo: all of a customer, or one key as the list shows it.
#[derive(Debug, Deserialize, ToSchema)]
struct ResetRequest {
    /// The customer.
    customer_email: Option<String>,
    /// `browser`, `fingerprint` or `ip`.
    kind: Option<String>,
    /// The salted hash.
    hash: Option<String>,
}

/// What was undone.
#[derive(Debug, Serialize, ToSchema)]
struct ResetReply {
    success: bool,
    /// How many keys recognize nobody now.
    reset: usize,
}

/// The devices that recognize a customer, or those that two people share.
#[utoipa::path(
    get, path = "/api/devices", tag = "devices", params(DevicesQuery),
    responses(
        (status = 200, description = "The devices", body = DevicesReply),
        (status = 400, description = "`invalid_email` or `invalid_request`", body = ErrorReply),
        (status = 401, description = "No live credential", body = ErrorReply),
        (status = 403, description = "Not a secret key and not an admin", body = ErrorReply),
        (status = 500, description = "A bug of ours", body = ErrorReply),
        (status = 503, description = "Temporarily unavailable", body = ErrorReply),
    ),
    security(("bearer_key" = []), ("basic" = []), ("api_key" = []))
)]
async fn list_devices(
    State(app): State<App>,
    SecretOrAdminShop(shop): SecretOrAdminShop,
    WireQuery(query): WireQuery<DevicesQuery>,
) -> Result<Json<DevicesReply>, AppError> {
    let email = query.customer_email.as_deref();
    let owner = email.map(|email| email_hash(email, &shop)).transpose()?;
    let mut db = app.db().read().await?;
    let found = queries::list_devices(&mut db, &shop.id, owner.as_ref()).await?;
    let devices = found.iter().map(|(key, device)| {
        let (kind, hash) = key.parts();
        DeviceReply {
            kind,
            hash: hash.to_owned(),
            state: queries::state_text(device.owner.as_ref()),
            visit_count: device.visit_count,
            first_seen: device.first_seen.to_rfc3339(),
            last_seen: device.last_seen.to_rfc3339(),
        }
    });
    Ok(Json(DevicesReply {
        success: true,
        devices: devices.collect(),
    }))
}

/// Undoes the recognition of a customer's devices, or of one key.
///
/// From then on they recognize nobody until somebody is seen with them anew; what was seen before says
/// nothing any more, also after a rebuild. The edges are told.
#[utoipa::path(
    post, path = "/api/devices/reset", tag = "devices",
    request_body(content = ResetRequest, example = json!({"customer_email": "shopper@example.com"})),
    responses(
        (status = 200, description = "They are undone", body = ResetReply),
        (status = 400, description = "`invalid_email`, `invalid_field`, `missing_parameters` or `invalid_request`", body = ErrorReply),
        (status = 401, description = "No live credential", body = ErrorReply),
        (status = 403, description = "Not a secret key and not an admin", body = ErrorReply),
        (status = 404, description = "`not_found`: no such key", body = ErrorReply),
        (status = 413, description = "The body is longer than 64 KiB", body = ErrorReply),
        (status = 415, description = "The content type is not JSON", body = ErrorReply),
        (status = 500, description = "A bug of ours", body = ErrorReply),
        (status = 503, description = "Temporarily unavailable", body = ErrorReply),
    ),
    security(("bearer_key" = []), ("basic" = []), ("api_key" = []))
)]
async fn reset_devices(
    State(app): State<App>,
    SecretOrAdminShop(shop): SecretOrAdminShop,
    Wire(request): Wire<ResetRequest>,
) -> Result<Json<ResetReply>, AppError> {
    let mut tx = app.db().begin().await?;
    take_turn(&mut tx, &shop.id).await?;
    let keys = match (&request.customer_email, &request.kind, &request.hash) {
        (Some(email), None, None) => {
            let owner = email_hash(email, &shop)?;
            let found = queries::list_devices(&mut tx, &shop.id, Some(&owner)).await?;
            found.into_iter().map(|(key, _)| key).collect()
        }
        (None, Some(kind), Some(hash)) => {
            let key = DeviceKey::parse(kind, hash).ok_or_else(|| {
                AppError::InvalidField(InvalidField::new("hash", "is no hash of this kind"))
            })?;
            vec![key]
        }
        _ => {
            return Err(AppError::MissingParameters {
                required: "customer_email, or kind and hash",
            });
        }
    };
    let reset = devices::reset(&app, &mut tx, &shop.id, &keys, app.now()).await?;
    if reset == 0 && request.hash.is_some() {
        return Err(AppError::NotFound);
    }
    crate::edges::commit(&app, tx).await?;
    Ok(Json(ResetReply {
        success: true,
        reset,
    }))
}

fn email_hash(email: &str, shop: &Shop) -> Result<EmailHash, AppError> {
    let email = Email::parse("customer_email", email).map_err(|_| AppError::InvalidEmail)?;
    Ok(EmailHash::of(&email, &shop.salt))
}
