//! `POST /webhooks/woocommerce/{shop}`.

use axum::Json;
use axum::extract::rejection::PathRejection;
use axum::extract::{Path, State};
use footfall_shared::wire::error::ErrorReply;
use footfall_shared::wire::woocommerce::{WEBHOOK_BYTES_MAX, WebhookReply, WebhookResult};
use http::HeaderMap;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::delivery::Delivery;
use crate::app::App;
use crate::http::error::AppError;
use crate::http::extract::RawBody;

/// The feature's routes.
pub fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new().routes(routes!(receive))
}

/// Takes a delivery of a WooCommerce webhook.
///
/// Topics `order.created`, `.updated`, `.deleted`, `.restored` and the same of `product`; others are answered
/// and ignored. The body must be signed with the shop's webhook secret. Deliveries may come late, twice and in
/// any sequence: the newest word wins. A well-formed delivery that is nothing for us (another currency, no
/// email) is a 200 with its reason, because WooCommerce switches a webhook off after some refusals in a row.
#[utoipa::path(
    post, path = "/webhooks/woocommerce/{shop}", tag = "webhooks",
    params(
        ("shop" = String, Path, description = "The shop's slug or id"),
        ("X-WC-Webhook-Topic" = Option<String>, Header, description = "What happened", example = "order.updated"),
        ("X-WC-Webhook-Signature" = Option<String>, Header, description = "Base64 of the HMAC-SHA256 of the raw body under the shop's webhook secret; the ping at the webhook's creation has none"),
        ("X-WC-Webhook-Delivery-ID" = Option<String>, Header, description = "A delivery seen before does nothing"),
    ),
    request_body(content = serde_json::Value, description = "An order or product of the REST API, version 3; or the ping `webhook_id=…`"),
    responses(
        (status = 200, description = "What became of the delivery", body = WebhookReply,
         example = json!({"success": true, "result": "taken"})),
        (status = 400, description = "`invalid_request` or `invalid_field` names the payload's field", body = ErrorReply),
        (status = 401, description = "The signature is missing or not this body's", body = ErrorReply),
        (status = 404, description = "No such shop", body = ErrorReply),
        (status = 413, description = "The body is longer than 1 MiB", body = ErrorReply),
        (status = 503, description = "Temporarily unavailable", body = ErrorReply),
    )
)]
async fn receive(
    State(app): State<App>,
    shop: Result<Path<String>, PathRejection>,
    headers: HeaderMap,
    RawBody(body): RawBody<WEBHOOK_BYTES_MAX>,
) -> Result<Json<WebhookReply>, AppError> {
    let Path(shop) = shop.map_err(|_| AppError::NotFound)?;
    let reply = match Delivery::open(&app, &shop, &headers, body).await? {
        Delivery::Ping => WebhookReply::new(WebhookResult::Pong),
        Delivery::Signed(delivery) => delivery.take(&app).await?,
    };
    Ok(Json(reply))
}
