//! `/api/settings`: what a shop's people decide.

use axum::Json;
use axum::extract::State;
use footfall_shared::shop::ShopSettings;
use serde::Serialize;
use serde_json::{Map, Value};
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::settings;
use crate::app::App;
use crate::auth::SecretOrAdminShop;
use crate::edges;
use crate::http::envelope::{AdminErrorReply, DataReply, Meta};
use crate::http::error::AppError;
use crate::http::extract::Wire;

/// The routes with their notes.
pub(super) fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new().routes(routes!(show_settings, change_settings))
}

/// A shop's settings.
#[derive(Debug, Serialize, ToSchema)]
struct SettingsReply {
    settings: ShopSettings,
}

/// The shop's settings.
#[utoipa::path(
    get, path = "/api/settings", tag = "settings",
    responses(
        (status = 200, description = "The settings", body = DataReply<SettingsReply>),
        (status = 401, description = "No live credential", body = AdminErrorReply),
        (status = 403, description = "A role or key without `settings:read`", body = AdminErrorReply),
        (status = 500, description = "A bug of ours", body = AdminErrorReply),
        (status = 503, description = "Temporarily unavailable", body = AdminErrorReply),
    ),
    security(("bearer_key" = []), ("basic" = []), ("api_key" = []))
)]
async fn show_settings(
    meta: Meta,
    SecretOrAdminShop(shop): SecretOrAdminShop,
) -> Json<DataReply<SettingsReply>> {
    meta.with(SettingsReply {
        settings: shop.settings,
    })
}

/// Changes settings; what is not named stays, and `null` is the default again. The edges are told.
#[utoipa::path(
    patch, path = "/api/settings", tag = "settings",
    request_body(content = ShopSettings, example = json!({"locale": "en", "allowed_origins": ["https://shop.example"]})),
    responses(
        (status = 200, description = "The settings as they are now", body = DataReply<SettingsReply>),
        (status = 400, description = "`INVALID_FIELD` names the setting that is unknown or wrong; none was changed", body = AdminErrorReply),
        (status = 401, description = "No live credential", body = AdminErrorReply),
        (status = 403, description = "A role or key without `settings:write`", body = AdminErrorReply),
        (status = 413, description = "The body is longer than 64 KiB", body = AdminErrorReply),
        (status = 415, description = "The content type is not JSON", body = AdminErrorReply),
        (status = 500, description = "A bug of ours", body = AdminErrorReply),
        (status = 503, description = "Temporarily unavailable", body = AdminErrorReply),
    ),
    security(("bearer_key" = []), ("basic" = []), ("api_key" = []))
)]
async fn change_settings(
    State(app): State<App>,
    meta: Meta,
    SecretOrAdminShop(shop): SecretOrAdminShop,
    Wire(changes): Wire<Map<String, Value>>,
) -> Result<Json<DataReply<SettingsReply>>, AppError> {
    let mut tx = app.db().begin().await?;
    let settings = settings::change_settings(&app, &mut tx, &shop.id, &changes, app.now()).await?;
    edges::commit(&app, tx).await?;
    Ok(meta.with(SettingsReply { settings }))
}
