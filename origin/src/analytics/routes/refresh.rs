//! `/analytics/refresh`: has the figures made anew.

use axum::Json;
use axum::extract::State;
use http::StatusCode;
use serde::Serialize;
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::analytics::queries::runs;
use crate::analytics::refresh;
use crate::app::App;
use crate::auth::OpenShop;
use crate::http::envelope::AnalyticsRefusals;
use crate::http::error::AppError;

pub(super) fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new().routes(routes!(refresh_figures))
}

/// A refresh that was asked for.
#[derive(Debug, Serialize, ToSchema)]
struct RefreshReply {
    /// `queued`: it runs in the background.
    #[schema(example = "queued")]
    status: &'static str,
    /// What `GET /api/jobs/{id}` takes to tell how far it is, and at its end how many events and rows were read.
    #[schema(example = "job_01KB000000000000000000000A")]
    job_id: String,
    /// The figures that are read until then; null where there are none.
    current: Option<CurrentFigures>,
}

/// The figures that are read.
#[derive(Debug, Serialize, ToSchema)]
struct CurrentFigures {
    /// Their number.
    version: i64,
    /// When their making began, RFC 3339. Since then they have grown with each event.
    made_at: String,
    /// Since when they are read.
    live_at: Option<String>,
    /// Events of the log and rows of files that they were made from.
    events: i64,
}

/// Has visits and figures made anew from the log and the files, beside those that are read. They are the same, unless files
/// or settings have changed.
#[utoipa::path(
    post, path = "/analytics/refresh", tag = "funnel analytics",
    responses((status = 202, description = "It is asked for", body = RefreshReply), AnalyticsRefusals),
    security((), ("bearer_key" = []), ("basic" = []), ("api_key" = []))
)]
async fn refresh_figures(
    State(app): State<App>,
    OpenShop(shop): OpenShop,
) -> Result<(StatusCode, Json<RefreshReply>), AppError> {
    let mut tx = app.db().begin().await?;
    let live = runs::find_live(&mut tx, &shop.id).await?;
    let job = refresh::ask(&app, &mut tx, &shop.id).await?;
    tx.commit().await?;
    let reply = RefreshReply {
        status: "queued",
        job_id: job.as_str().to_owned(),
        current: live.map(|live| CurrentFigures {
            version: live.number,
            made_at: live.made_at.to_rfc3339(),
            live_at: live.live_at.map(|at| at.to_rfc3339()),
            events: live.events,
        }),
    };
    Ok((StatusCode::ACCEPTED, Json(reply)))
}
