//! `GET /metrics`: open in development; in production for whoever has the token that the operator set.

use axum::extract::State;
use axum::response::{IntoResponse, Response};
use http::HeaderMap;
use http::header::{AUTHORIZATION, CONTENT_TYPE};
use subtle::ConstantTimeEq;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::render::render;
use crate::app::App;
use crate::http::error::AppError;

const TEXT: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";

/// The feature's route.
pub fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new().routes(routes!(metrics))
}

/// Counts and gauges in the text format that Prometheus reads.
///
/// In production it asks for `Authorization: Bearer` with the token of `FOOTFALL_METRICS_TOKEN`; where that is
/// not set there is no such page.
#[utoipa::path(
    get, path = "/metrics", tag = "operation",
    responses(
        (status = 200, description = "The page", body = String, content_type = "application/openmetrics-text"),
        (status = 401, description = "Not the token", body = footfall_shared::wire::error::ErrorReply),
        (status = 404, description = "No token is set", body = footfall_shared::wire::error::ErrorReply),
        (status = 500, description = "A bug of ours", body = footfall_shared::wire::error::ErrorReply),
        (status = 503, description = "Temporarily unavailable", body = footfall_shared::wire::error::ErrorReply),
    ),
    security((), ("bearer_key" = []))
)]
async fn metrics(State(app): State<App>, headers: HeaderMap) -> Result<Response, AppError> {
    check_token(&app, &headers)?;
    let page = render(&app).await?;
    Ok(([(CONTENT_TYPE, TEXT)], page).into_response())
}

fn check_token(app: &App, headers: &HeaderMap) -> Result<(), AppError> {
    let Some(token) = &app.config().metrics_token else {
        let open = app.access().open_shop_routes;
        return if open {
            Ok(())
        } else {
            Err(AppError::NotFound)
        };
    };
    let given = headers
        .get(AUTHORIZATION)
        .and_then(|value| value.to_str().ok())
        .and_then(|value| value.strip_prefix("Bearer "))
        .unwrap_or_default();
    if given.as_bytes().ct_eq(token.reveal().as_bytes()).into() {
        Ok(())
    } else {
        Err(AppError::Unauthorized)
    }
}
