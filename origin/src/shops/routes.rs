//! The signed route by which an edge learns of a shop, and the administration's routes.

use axum::Json;
use axum::extract::State;
use footfall_shared::wire::internal::{ResolveShop, ResolvedShop};
use utoipa_axum::router::OpenApiRouter;

use super::{key_queries, queries};
use crate::app::App;
use crate::auth;
use crate::http::error::AppError;
use crate::http::extract::SignedEdge;

/// The feature's routes. Calls between edge and origin are no public interface, so they stand in no
/// OpenAPI document.
pub fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new()
        .route(
            footfall_shared::wire::internal::path::RESOLVE_SHOP,
            axum::routing::post(resolve),
        )
        .merge(super::key_routes::routes())
        .merge(super::user_routes::routes())
        .merge(super::settings_routes::routes())
}

async fn resolve(
    State(app): State<App>,
    SignedEdge(question): SignedEdge<ResolveShop>,
) -> Result<Json<ResolvedShop>, AppError> {
    let mut db = app.db().read().await?;
    let shop = match question {
        ResolveShop::KeyHash(hash) => key_queries::find_by_key_hash(&mut db, &hash, app.now())
            .await?
            .map(|(shop, grant, _)| shop.to_entry(Some(grant))),
        ResolveShop::Slug(slug) => queries::find_by_slug(&mut db, &slug)
            .await?
            .map(|shop| shop.to_entry(None)),
        ResolveShop::Token(token) => auth::grant_of_token(&app, &token)
            .await?
            .map(|(shop, grant)| shop.to_entry(Some(grant))),
    };
    Ok(Json(ResolvedShop { shop }))
}
