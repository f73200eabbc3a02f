//! The signed intake of batches, and the public view of the log.

use axum::Json;
use axum::extract::State;
use axum::routing::post;
use footfall_shared::wire::error::ErrorReply;
use footfall_shared::wire::events::EventsReply;
use footfall_shared::wire::internal::{AppendReceipt, EventBatch, path};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::intake::append;
use super::read::{EventsQuery, Wanted, read_page};
use crate::app::App;
use crate::auth::SecretOrAdminShop;
use crate::http::error::AppError;
use crate::http::extract::{SignedBody, WireQuery, parse_shape};

/// The feature's routes.
pub fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new()
        .routes(routes!(list_events))
        .route(path::EVENTS, post(append_events))
}

async fn append_events(
    State(app): State<App>,
    SignedBody(body): SignedBody,
) -> Result<Json<AppendReceipt>, AppError> {
    let batch: EventBatch<'_> = parse_shape(&body)?;
    Ok(Json(append(&app, &batch.events, app.now()).await?))
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
