//! The lane of bots: who is in it, and what the shop's people know better.

use axum::Json;
use axum::extract::State;
use footfall_shared::text::{InvalidField, required};
use footfall_shared::time::UtcMillis;
use footfall_shared::wire::error::ErrorReply;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::lanes::{AGENT_CHARS_MAX, Lane};
use super::queries;
use crate::analytics;
use crate::app::App;
use crate::auth::SecretOrAdminShop;
use crate::http::error::AppError;
use crate::http::extract::Wire;

/// The lane's routes.
pub(super) fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new()
        .routes(routes!(list_bots))
        .routes(routes!(reclassify))
}

/// A user agent in the lane of bots.
#[derive(Debug, Serialize, ToSchema)]
struct Bot {
    /// As it calls itself.
    user_agent: String,
    /// Its events in the log.
    events: i64,
    /// When the latest of them happened, RFC 3339.
    last_seen: String,
}

/// The lane of bots.
#[derive(Debug, Serialize, ToSchema)]
struct BotsReply {
    success: bool,
    /// Those with most events first; at most 200.
    bots: Vec<Bot>,
}

/// Says where a user agent belongs.
#[derive(Debug, Deserialize, ToSchema)]
struct ReclassifyRequest {
    /// Exactly as the list shows it.
    user_agent: String,
    /// `people` or `bots`.
    lane: String,
}

/// What was moved.
#[derive(Debug, Serialize, ToSchema)]
struct ReclassifyReply {
    success: bool,
    /// Events in the log that changed their lane.
    moved: u64,
}

/// The user agents whose events no figure counts.
#[utoipa::path(
    get, path = "/api/bots", tag = "events",
    responses(
        (status = 200, description = "The lane of bots", body = BotsReply),
        (status = 401, description = "No live credential", body = ErrorReply),
        (status = 403, description = "Not allowed to read events", body = ErrorReply),
        (status = 500, description = "A bug of ours", body = ErrorReply),
        (status = 503, description = "Temporarily unavailable", body = ErrorReply),
    ),
    security(("bearer_key" = []), ("basic" = []), ("api_key" = []))
)]
async fn list_bots(
    State(app): State<App>,
    SecretOrAdminShop(shop): SecretOrAdminShop,
) -> Result<Json<BotsReply>, AppError> {
    let found = queries::list_bots(&mut app.db().read().await?, &shop.id).await?;
    let bots = found.into_iter().map(|row| Bot {
        user_agent: row.agent,
        events: row.events,
        last_seen: UtcMillis::new(row.last_at).to_rfc3339(),
    });
    Ok(Json(BotsReply {
        success: true,
        bots: bots.collect(),
    }))
}

/// Puts a user agent's events into the other lane, those in the log and those to come.
#[utoipa::path(
    post, path = "/api/bots/reclassify", tag = "events",
    request_body(content = ReclassifyRequest, example = json!({"user_agent": "OurShopApp/2.1", "lane": "people"})),
    responses(
        (status = 200, description = "They are moved", body = ReclassifyReply),
        (status = 400, description = "`invalid_field` or `invalid_request`", body = ErrorReply),
        (status = 401, description = "No live credential", body = ErrorReply),
        (status = 403, description = "Not allowed to change events", body = ErrorReply),
        (status = 413, description = "The body is longer than 64 KiB", body = ErrorReply),
        (status = 415, description = "The content type is not JSON", body = ErrorReply),
        (status = 500, description = "A bug of ours", body = ErrorReply),
        (status = 503, description = "Temporarily unavailable", body = ErrorReply),
    ),
    security(("bearer_key" = []), ("basic" = []), ("api_key" = []))
)]
async fn reclassify(
    State(app): State<App>,
    SecretOrAdminShop(shop): SecretOrAdminShop,
    Wire(request): Wire<ReclassifyRequest>,
) -> Result<Json<ReclassifyReply>, AppError> {
    let agent = required("user_agent", &request.user_agent, AGENT_CHARS_MAX)
        .map_err(AppError::InvalidField)?;
    let lane = Lane::parse(&request.lane).ok_or_else(|| {
        AppError::InvalidField(InvalidField::new("lane", "must be people or bots"))
    })?;
    let mut tx = app.db().begin().await?;
    let moved = queries::decide_lane(&mut tx, &shop.id, agent, lane, app.now()).await?;
    if moved > 0 {
        analytics::ask_refresh(&app, &mut tx, &shop.id).await?;
    }
    tx.commit().await?;
    Ok(Json(ReclassifyReply {
        success: true,
        moved,
    }))
}
