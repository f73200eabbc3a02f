//! `/health`: the process lives. `/ready`: it can serve.

use axum::Json;
use axum::extract::State;
use serde::Serialize;
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::error::AppError;
use crate::app::App;

/// The two routes.
pub fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new()
        .routes(routes!(health))
        .routes(routes!(ready))
}

/// That the process lives.
#[derive(Debug, Serialize, ToSchema)]
pub struct HealthReply {
    /// Always `ok`.
    #[schema(example = "ok")]
    pub status: &'static str,
    /// The release that answers.
    #[schema(example = "0.1.0")]
    pub version: &'static str,
    /// The process's clock, epoch milliseconds; `footfall doctor` measures the skew with it.
    #[schema(example = 1_730_000_000_000_i64)]
    pub now: i64,
}

/// Whether the process can serve.
#[derive(Debug, Serialize, ToSchema)]
pub struct ReadyReply {
    /// Always `ready`; what is not ready is answered 503.
    #[schema(example = "ready")]
    pub status: &'static str,
    /// `SQLite` or `PostgreSQL`.
    #[schema(example = "SQLite")]
    pub database: &'static str,
}

/// The process is alive.
#[utoipa::path(get, path = "/health", tag = "operation", responses((status = 200, body = HealthReply)))]
async fn health(State(app): State<App>) -> Json<HealthReply> {
    let now = app.now().get();
    Json(HealthReply {
        status: "ok",
        version: env!("CARGO_PKG_VERSION"),
        now,
    })
}

/// The database answers and has every migration.
#[utoipa::path(get, path = "/ready", tag = "operation", responses(
    (status = 200, body = ReadyReply),
    (status = 503, description = "The database does not answer or lacks migrations",
     body = footfall_shared::wire::error::ErrorReply),
))]
async fn ready(State(app): State<App>) -> Result<Json<ReadyReply>, AppError> {
    if app.db().pending_migrations().await? > 0 {
        return Err(AppError::NotReady {
            what: "migrations are pending; run `footfall migrate`",
        });
    }
    Ok(Json(ReadyReply {
        status: "ready",
        database: app.config().database_url.engine(),
    }))
}
