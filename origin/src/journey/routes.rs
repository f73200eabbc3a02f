//! Journeys as the origin folds them.

use axum::Json;
use axum::extract::{Path, State};
use axum::http::HeaderMap;
use axum::http::header::ETAG;
use footfall_shared::journey::model::Model;
use footfall_shared::journey::session::{LINKS_MAX, Session};
use footfall_shared::journey::unify::{digest, first_of_unified, missing_of, unify};
use footfall_shared::wire::error::ErrorReply;
use footfall_shared::wire::journey::StateReply;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::queries::find_journeys;
use crate::app::App;
use crate::auth::SecretOrAdminShop;
use crate::content;
use crate::db::{Handle, StorageError};
use crate::http::error::AppError;
use crate::shops::Shop;

/// The routes with their notes.
pub fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new()
        .routes(routes!(state))
        .merge(super::analytics::routes())
        .merge(super::model::routes())
}

/// A session as it stands, with all that are the same person's.
///
/// The edge answers it from its own state, the origin from the log; the `ETag` is the digest of the session's bytes and
/// the same for both. Asked through the edge, a page's publishable key is enough.
#[utoipa::path(
    get, path = "/api/journey/sessions/{session_id}/state", tag = "journey",
    params(("session_id" = String, Path, description = "The session, or the name that linked ones have together")),
    responses(
        (status = 200, description = "The session", body = StateReply),
        (status = 401, description = "No live credential", body = ErrorReply),
        (status = 403, description = "Not a secret key and not an admin", body = ErrorReply),
        (status = 404, description = "`session_not_found`", body = ErrorReply),
        (status = 429, description = "`rate_limit_exceeded`", body = ErrorReply),
        (status = 500, description = "A bug of ours", body = ErrorReply),
        (status = 503, description = "Temporarily unavailable", body = ErrorReply),
    ),
    security(("bearer_key" = []), ("basic" = []), ("api_key" = []))
)]
async fn state(
    State(app): State<App>,
    SecretOrAdminShop(shop): SecretOrAdminShop,
    Path(session): Path<String>,
) -> Result<(HeaderMap, Json<StateReply>), AppError> {
    let mut db = app.db().read().await?;
    let group = group(&mut db, &shop, &session)
        .await?
        .ok_or(AppError::SessionNotFound)?;
    let (aliases, sessions): (Vec<String>, Vec<Session>) = group.into_iter().unzip();
    let whole = unify(&sessions);
    let now = app.now().max(whole.last_at);
    let kit = content::current_kit(&mut db, &shop.id).await?;
    let model = kit.map_or_else(Model::prior, |kit| kit.model);
    let mut headers = HeaderMap::new();
    if let Ok(tag) = format!("\"{}\"", digest(&whole)).parse() {
        headers.insert(ETAG, tag);
    }
    Ok((
        headers,
        Json(StateReply::of(&session, &whole, aliases, &model, now)),
    ))
}

/// A session with all that it is linked with; also by the name that they have together.
async fn group(
    db: &mut impl Handle,
    shop: &Shop,
    session: &str,
) -> Result<Option<Vec<(String, Session)>>, StorageError> {
    let mut group: Vec<(String, Session)> = find_journeys(db, &shop.id, &[session])
        .await?
        .into_iter()
        .collect();
    if let (true, Some(first)) = (group.is_empty(), first_of_unified(session)) {
        let found = find_journeys(db, &shop.id, &[first]).await?;
        group = found
            .into_iter()
            .filter(|(_, found)| !found.links.is_empty())
            .collect();
    }
    if group.is_empty() {
        return Ok(None);
    }
    for _ in 0..LINKS_MAX {
        let missing = missing_of(&group);
        let missing: Vec<&str> = missing.iter().map(String::as_str).collect();
        group.extend(find_journeys(db, &shop.id, &missing).await?);
    }
    Ok(Some(group))
}
