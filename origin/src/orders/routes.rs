//! `POST /api/orders`.

use axum::Json;
use axum::extract::State;
use footfall_shared::id::ExternalId;
use footfall_shared::time::UtcMillis;
use footfall_shared::wire::error::ErrorReply;
use footfall_shared::wire::orders::{
    IncomingOrder, ORDERS_MAX, OrderRequest, OrdersReply, RefusedOrder,
};
use serde::Deserialize;
use serde_json::value::RawValue;
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::take::take;
use crate::app::App;
use crate::auth::SecretShop;
use crate::http::error::AppError;
use crate::http::extract::{JsonBody, ORDERS_BYTES_MAX, parse_json, parse_shape};
use crate::shops::Shop;

/// The feature's routes.
pub fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new().routes(routes!(take_orders))
}

/// The orders of a call, each still text: a bad one must not fail the rest.
#[derive(Debug, Deserialize)]
struct OrdersEnvelope<'a> {
    #[serde(borrow)]
    orders: Vec<&'a RawValue>,
}

/// Orders to take, at most 1,000.
#[derive(Debug, ToSchema)]
#[expect(
    dead_code,
    reason = "only the document reads it; the route parses order by order"
)]
struct OrdersRequest {
    /// The orders.
    orders: Vec<OrderRequest>,
}

/// Takes orders: new ones are stored, changed ones replaced, unchanged ones left alone.
///
/// Only `completed` and `processing` orders count. Every customer that the call touches is recalculated,
/// and an order that contains an offered bundle sets the offer to `purchased`.
#[utoipa::path(
    post, path = "/api/orders", tag = "orders",
    request_body(content = OrdersRequest, example = json!({"orders": [{
        "order_id": 12345, "order_number": "1045", "status": "completed",
        "ordered_at": "2024-08-15T10:20:30+02:00", "currency": "EUR",
        "customer": {"email": "shopper@example.com", "first_name": "Ada", "last_name": "Example", "customer_id": 42},
        "items": [{"product_id": 44, "name": "Full Moon", "slug": "full-moon", "quantity": 3, "unit_price": 14.95}]
    }]})),
    responses(
        (status = 200, description = "What was taken, and order by order what was refused and why", body = OrdersReply,
         example = json!({"success": true, "accepted": 1, "unchanged": 0, "refused": []})),
        (status = 400, description = "The call as a whole is not one: no JSON, no `orders`, more than 1,000", body = ErrorReply),
        (status = 401, description = "No live credential", body = ErrorReply),
        (status = 403, description = "Not a secret key", body = ErrorReply),
        (status = 413, description = "The body is longer than 4 MiB", body = ErrorReply),
        (status = 415, description = "The content type is not JSON", body = ErrorReply),
        (status = 500, description = "A bug of ours", body = ErrorReply),
        (status = 503, description = "Temporarily unavailable", body = ErrorReply),
    ),
    security(("bearer_key" = []), ("basic" = []), ("api_key" = []))
)]
async fn take_orders(
    State(app): State<App>,
    SecretShop(shop): SecretShop,
    JsonBody(body): JsonBody<ORDERS_BYTES_MAX>,
) -> Result<Json<OrdersReply>, AppError> {
    let envelope: OrdersEnvelope<'_> = parse_shape(&body)?;
    if envelope.orders.len() > ORDERS_MAX {
        return Err(AppError::BadRequest {
            field: Some("orders".into()),
            reason: format!("must be at most {ORDERS_MAX} orders"),
        });
    }
    let now = app.now();
    let (orders, refused) = read_orders(&envelope.orders, &shop, now);
    let taken = take(&app, &shop, &orders, now).await?;
    Ok(Json(OrdersReply {
        success: true,
        accepted: orders.len(),
        unchanged: taken.unchanged,
        refused,
    }))
}

fn read_orders(
    texts: &[&RawValue],
    shop: &Shop,
    now: UtcMillis,
) -> (Vec<IncomingOrder>, Vec<RefusedOrder>) {
    let (mut orders, mut refused) = (Vec::with_capacity(texts.len()), Vec::new());
    for (index, text) in texts.iter().enumerate() {
        match read_order(text.get(), shop, now) {
            Ok(order) => orders.push(order),
            Err((field, reason)) => refused.push(RefusedOrder {
                index,
                order_id: id_of(text.get()),
                field,
                reason,
            }),
        }
    }
    (orders, refused)
}

fn read_order(json: &str, shop: &Shop, now: UtcMillis) -> Result<IncomingOrder, (String, String)> {
    let whole = || "order".to_owned();
    let request: OrderRequest = parse_json(json.as_bytes()).map_err(|fault| match fault {
        AppError::BadRequest { field, reason } => (field.unwrap_or_else(whole), reason),
        other => (whole(), other.public_message()),
    })?;
    IncomingOrder::parse(request, shop.currency, now).map_err(|fault| (fault.field, fault.reason))
}

/// The id of a refused order, where that much can be read.
fn id_of(json: &str) -> Option<ExternalId> {
    #[derive(Deserialize)]
    struct Named {
        order_id: ExternalId,
    }
    serde_json::from_str(json)
        .ok()
        .map(|Named { order_id }| order_id)
}
