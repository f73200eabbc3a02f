//! The one router: each feature's routes, the document they make, and what surrounds them.

use std::sync::Arc;

use axum::Router;
use utoipa::openapi::OpenApi;
use utoipa_axum::router::OpenApiRouter;

use crate::app::App;
use crate::http::{health, middleware, openapi};

/// Every route with its OpenAPI note.
fn features() -> OpenApiRouter<App> {
    OpenApiRouter::new()
        .merge(health::routes())
        .merge(crate::audit::routes())
        .merge(crate::auth::routes())
        .merge(crate::metrics::routes())
        .merge(crate::shops::routes())
        .merge(crate::ingest::routes())
        .merge(crate::orders::routes())
        .merge(crate::woocommerce::routes())
        .merge(crate::intelligence::routes())
        .merge(crate::journey::routes())
        .merge(crate::content::routes())
        .merge(crate::webhooks::routes())
        .merge(crate::jobs::routes())
        .merge(crate::uploads::routes())
        .merge(crate::behavior::routes())
        .merge(crate::analytics::routes())
        .merge(crate::live::routes())
        .merge(crate::recommend::routes())
        .merge(crate::customers::routes())
        .merge(crate::privacy::routes())
        .merge(crate::edges::openapi::routes())
        .merge(crate::edges::openapi_journey::routes())
}

/// The document of all public routes.
#[must_use]
pub fn document() -> OpenApi {
    openapi::complete(features().into_openapi())
}

/// The whole service.
pub fn router(app: App) -> Router {
    let (routes, document) = features().split_for_parts();
    let document = openapi::complete(document);
    let metrics = Arc::clone(app.metrics());
    let routes = routes.with_state(app).merge(openapi::routes(document));
    middleware::surround(routes, metrics)
}
