//! The signed intake of batches, and the public view of the log.

use axum::Json;
use axum::extract::State;
use axum::routing::post;
use footfall_shared::text::InvalidField;
use footfall_shared::wire::error::ErrorReply;
use footfall_shared::wire::events::{EventsReply, RejectedReply, ReplayReply};
use footfall_shared::wire::internal::{AppendReceipt, EventBatch, path};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::intake::append;
use super::read::{EventsQuery, Wanted, read_page};
use super::rejected::{self, RejectedQuery, ReplayRequest};
use crate::app::App;
use crate::auth::SecretOrAdminShop;
use crate::http::error::AppError;
use crate::http::extract::{SignedBody, Wire, WireQuery, parse_shape};

/// The feature's routes.
pub fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new()
        .routes(routes!(list_events))
        .routes(routes!(list_rejected))
        .routes(routes!(replay_rejected))
        .merge(super::bots::routes())
        .route(path::EVENTS, post(append_events))
}

async fn append_events(
    State(app): State<App>,
    SignedBody(body): SignedBody,
) -> Result<Json<AppendReceipt>, AppError> {
    let batch: EventBatch<'_> = parse_shape(&body)?;
    if !batch.handles.is_empty() && batch.handles.len() != batch.events.len() {
        let fault = InvalidField::new("handles", "must be as many as the events");
        return Err(AppError::InvalidField(fault));
    }
    Ok(Json(append(&app, &batch, app.now()).await?))
}

/// The event log as it stands, the latest stored first.
#[utoipa::path(
    get, path = "/api/events", tag = "events", params(EventsQuery),
    responses(
        (status = 200, description = "A page of the log", body = EventsReply),
        (status = 400, description = "`invalid_field` or `invalid_request` names the parameter", body = ErrorReply),
        (status = 401, description = "No live credential", body = ErrorReply),
        (status = 403, description = "Not a secret key and not an admin", body = ErrorReply),
        (status = 500, description = "A bug of ours", body = ErrorReply),
        (status = 503, description = "Temporarily unavailable", body = ErrorReply),
    ),
    security(("bearer_key" = []), ("basic" = []), ("api_key" = []))
)]
async fn list_events(
    State(app): State<App>,
    SecretOrAdminShop(shop): SecretOrAdminShop,
    WireQuery(query): WireQuery<EventsQuery>,
) -> Result<Json<EventsReply>, AppError> {
    let wanted = Wanted::parse(query, &shop)?;
    let mut db = app.db().read().await?;
    Ok(Json(read_page(&mut db, &shop, &wanted).await?))
}

/// The events that were accepted and that the log would not take, with their reasons, the latest first.
#[utoipa::path(
    get, path = "/api/events/rejected", tag = "events", params(RejectedQuery),
    responses(
        (status = 200, description = "A page of rejected events", body = RejectedReply),
        (status = 400, description = "`invalid_field` or `invalid_request` names the parameter", body = ErrorReply),
        (status = 401, description = "No live credential", body = ErrorReply),
        (status = 403, description = "Not a secret key and not an admin", body = ErrorReply),
        (status = 500, description = "A bug of ours", body = ErrorReply),
        (status = 503, description = "Temporarily unavailable", body = ErrorReply),
    ),
    security(("bearer_key" = []), ("basic" = []), ("api_key" = []))
)]
async fn list_rejected(
    State(app): State<App>,
    SecretOrAdminShop(shop): SecretOrAdminShop,
    WireQuery(query): WireQuery<RejectedQuery>,
) -> Result<Json<RejectedReply>, AppError> {
    let mut db = app.db().read().await?;
    Ok(Json(rejected::read_page(&mut db, &shop.id, query).await?))
}

/// Tries rejected events again, after whatever was wrong is mended: those that are named, else the first 500.
#[utoipa::path(
    post, path = "/api/events/rejected/replay", tag = "events",
    request_body(content = ReplayRequest, example = json!({})),
    responses(
        (status = 200, description = "What became of them", body = ReplayReply),
        (status = 400, description = "`invalid_field` or `invalid_request`", body = ErrorReply),
        (status = 401, description = "No live credential", body = ErrorReply),
        (status = 403, description = "Not a secret key and not an admin", body = ErrorReply),
        (status = 413, description = "The body is longer than 64 KiB", body = ErrorReply),
        (status = 415, description = "The content type is not JSON", body = ErrorReply),
        (status = 500, description = "A bug of ours", body = ErrorReply),
        (status = 503, description = "Temporarily unavailable", body = ErrorReply),
    ),
    security(("bearer_key" = []), ("basic" = []), ("api_key" = []))
)]
async fn replay_rejected(
    State(app): State<App>,
    SecretOrAdminShop(shop): SecretOrAdminShop,
    Wire(request): Wire<ReplayRequest>,
) -> Result<Json<ReplayReply>, AppError> {
    let now = app.now();
    Ok(Json(rejected::replay(&app, &shop.id, request, now).await?))
}
