//! `/api/keys`: a shop's people see, make, rotate and revoke its keys.

use axum::Json;
use axum::extract::{Path, State};
use footfall_shared::id::KeyId;
use footfall_shared::keys::KeyKind;
use footfall_shared::permission::Scopes;
use footfall_shared::text::InvalidField;
use footfall_shared::time::UtcMillis;
use http::StatusCode;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::key_queries::{self, KeyRecord};
use super::keys::{self, MadeKey, RotateError};
use super::shop::Shop;
use crate::app::App;
use crate::auth::AdminShop;
use crate::db::Tx;
use crate::edges;
use crate::http::envelope::{AdminErrorReply, DataReply, Meta};
use crate::http::error::AppError;
use crate::http::extract::Wire;

/// How long an old key goes on where the caller does not say, in seconds.
const GRACE_S_DEFAULT: i64 = 24 * 60 * 60;

/// The routes with their notes.
pub(super) fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new()
        .routes(routes!(list_keys, create_key))
        .routes(routes!(rotate_key))
        .routes(routes!(revoke_key))
}

/// A key without the key itself.
#[derive(Debug, Serialize, ToSchema)]
struct KeyReply {
    #[schema(example = "key_01JDXA3M8Q2W5R7T9V0B4C6D8E")]
    id: String,
    /// `publishable` or `secret`.
    #[schema(example = "secret")]
    kind: String,
    label: String,
    /// What it may be used for; `*` is everything that a key of its kind can have.
    #[schema(example = json!(["orders:write", "events:read"]))]
    scopes: Vec<&'static str>,
    /// RFC 3339.
    created_at: String,
    /// When it ends, because another took its place; RFC 3339.
    expires_at: Option<String>,
    /// Since when it opens nothing; RFC 3339.
    revoked_at: Option<String>,
    /// Whether it opens anything now.
    live: bool,
}

impl KeyReply {
    fn of(record: KeyRecord, now: UtcMillis) -> Self {
        let live = keys::is_live(&record, now);
        let KeyRecord {
            id,
            kind,
            label,
            scopes,
            created_at,
            expires_at,
            revoked_at,
        } = record;
        let date = |millis: i64| UtcMillis::new(millis).to_rfc3339();
        Self {
            id,
            kind,
            label,
            scopes: scopes.to_texts(),
            created_at: date(created_at),
            expires_at: expires_at.map(date),
            revoked_at: revoked_at.map(date),
            live,
        }
    }
}

/// A shop's keys.
#[derive(Debug, Serialize, ToSchema)]
struct KeysReply {
    /// In the order they were made.
    keys: Vec<KeyReply>,
}

/// A new key. No `Debug`: it holds the key.
#[derive(Serialize, ToSchema)]
struct NewKeyReply {
    /// The key itself. It is shown only now.
    #[schema(example = "ff_sk_…")]
    key: String,
    #[serde(flatten)]
    record: KeyReply,
}

/// Which key to make.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct NewKeyRequest {
    /// `publishable` or `secret`.
    kind: KindRequest,
    /// What you call it, at most 100 characters.
    label: String,
    /// For a secret key: what it may be used for. Without it everything.
    scopes: Option<Vec<String>>,
}

#[derive(Debug, Clone, Copy, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
enum KindRequest {
    Publishable,
    Secret,
}

/// How to rotate.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct RotateRequest {
    /// How long the old key goes on, in seconds, at most 90 days; a day where it is not given.
    #[schema(example = 86_400)]
    grace_seconds: Option<i64>,
}

/// A key that took another's place. No `Debug`: it holds the key.
#[derive(Serialize, ToSchema)]
struct RotatedReply {
    #[serde(flatten)]
    new: NewKeyReply,
    /// The old key, which goes on until its `expires_at`.
    replaces: KeyReply,
}

/// The shop's keys, without the keys themselves.
#[utoipa::path(
    get, path = "/api/keys", tag = "keys",
    responses(
        (status = 200, description = "The keys", body = DataReply<KeysReply>),
        (status = 401, description = "No live credential", body = AdminErrorReply),
        (status = 403, description = "Not a person, or a role without `keys:read`", body = AdminErrorReply),
        (status = 500, description = "A bug of ours", body = AdminErrorReply),
        (status = 503, description = "Temporarily unavailable", body = AdminErrorReply),
    ),
    security(("bearer_key" = []), ("basic" = []))
)]
async fn list_keys(
    State(app): State<App>,
    meta: Meta,
    AdminShop { shop, .. }: AdminShop,
) -> Result<Json<DataReply<KeysReply>>, AppError> {
    let now = app.now();
    let mut db = app.db().read().await?;
    let keys = key_queries::list_keys(&mut db, &shop.id).await?;
    let keys = keys.into_iter().map(|key| KeyReply::of(key, now)).collect();
    Ok(meta.with(KeysReply { keys }))
}

/// Makes a key. It is shown in this reply and never again.
#[utoipa::path(
    post, path = "/api/keys", tag = "keys",
    request_body(content = NewKeyRequest,
        example = json!({"kind": "secret", "label": "order export", "scopes": ["orders:write"]})),
    responses(
        (status = 201, description = "The key", body = DataReply<NewKeyReply>),
        (status = 400, description = "`INVALID_REQUEST` or `INVALID_FIELD` names the field", body = AdminErrorReply),
        (status = 401, description = "No live credential", body = AdminErrorReply),
        (status = 403, description = "Not a person, or a role without `keys:write`", body = AdminErrorReply),
        (status = 413, description = "The body is longer than 64 KiB", body = AdminErrorReply),
        (status = 415, description = "The content type is not JSON", body = AdminErrorReply),
        (status = 500, description = "A bug of ours", body = AdminErrorReply),
        (status = 503, description = "Temporarily unavailable", body = AdminErrorReply),
    ),
    security(("bearer_key" = []), ("basic" = []))
)]
async fn create_key(
    State(app): State<App>,
    meta: Meta,
    AdminShop { shop, .. }: AdminShop,
    Wire(request): Wire<NewKeyRequest>,
) -> Result<(StatusCode, Json<DataReply<NewKeyReply>>), AppError> {
    let NewKeyRequest {
        kind,
        label,
        scopes,
    } = request;
    let kind = match kind {
        KindRequest::Publishable => KeyKind::Publishable,
        KindRequest::Secret => KeyKind::Secret,
    };
    let scopes = scopes.map(|texts| Scopes::parse("scopes", &texts));
    let scopes = scopes.transpose()?.unwrap_or_default();
    let now = app.now();
    let mut tx = app.db().begin().await?;
    let made = keys::create_key(&mut tx, &shop.id, kind, scopes, &label, now).await?;
    let reply = new_key(&mut tx, &shop, made, now).await?;
    tx.commit().await?;
    Ok((StatusCode::CREATED, meta.with(reply)))
}

async fn new_key(
    tx: &mut Tx,
    shop: &Shop,
    made: MadeKey,
    now: UtcMillis,
) -> Result<NewKeyReply, AppError> {
    let record = find(tx, shop, &made.id, now).await?;
    Ok(NewKeyReply {
        key: made.text,
        record,
    })
}

async fn find(tx: &mut Tx, shop: &Shop, id: &KeyId, now: UtcMillis) -> Result<KeyReply, AppError> {
    let found = key_queries::find_key(tx, &shop.id, id).await?;
    let found = found.ok_or(AppError::NotFound)?;
    Ok(KeyReply::of(found, now))
}

/// Another kind of id is no key of this shop either.
fn parse_id(text: &str) -> Result<KeyId, AppError> {
    KeyId::parse(text).map_err(|_| AppError::NotFound)
}

/// Makes a key of the same kind, scopes and label, and lets this one end after the grace.
///
/// Until then both are good, so that no caller is refused. The edges are told the end at once and keep to it
/// by their own clock.
#[utoipa::path(
    post, path = "/api/keys/{id}/rotate", tag = "keys",
    params(("id" = String, Path, description = "The key's id, as the list shows it")),
    request_body(content = RotateRequest, example = json!({"grace_seconds": 86400})),
    responses(
        (status = 201, description = "The new key", body = DataReply<RotatedReply>),
        (status = 400, description = "`INVALID_REQUEST` or `INVALID_FIELD` names the field", body = AdminErrorReply),
        (status = 401, description = "No live credential", body = AdminErrorReply),
        (status = 403, description = "Not a person, or a role without `keys:write`", body = AdminErrorReply),
        (status = 404, description = "`NOT_FOUND`: no such live key", body = AdminErrorReply),
        (status = 409, description = "`CONFLICT`: it is being rotated already", body = AdminErrorReply),
        (status = 413, description = "The body is longer than 64 KiB", body = AdminErrorReply),
        (status = 415, description = "The content type is not JSON", body = AdminErrorReply),
        (status = 500, description = "A bug of ours", body = AdminErrorReply),
        (status = 503, description = "Temporarily unavailable", body = AdminErrorReply),
    ),
    security(("bearer_key" = []), ("basic" = []))
)]
async fn rotate_key(
    State(app): State<App>,
    meta: Meta,
    AdminShop { shop, .. }: AdminShop,
    Path(id): Path<String>,
    Wire(request): Wire<RotateRequest>,
) -> Result<(StatusCode, Json<DataReply<RotatedReply>>), AppError> {
    let id = parse_id(&id)?;
    let now = app.now();
    let grace_s = request.grace_seconds.unwrap_or(GRACE_S_DEFAULT);
    let mut tx = app.db().begin().await?;
    let grace_ms = grace_s.saturating_mul(1000);
    let (made, _) = keys::rotate_key(&app, &mut tx, &shop.id, &id, grace_ms, now).await?;
    let reply = RotatedReply {
        new: new_key(&mut tx, &shop, made, now).await?,
        replaces: find(&mut tx, &shop, &id, now).await?,
    };
    edges::commit(&app, tx).await?;
    Ok((StatusCode::CREATED, meta.with(reply)))
}

impl From<RotateError> for AppError {
    fn from(error: RotateError) -> Self {
        match error {
            RotateError::NotFound => Self::NotFound,
            RotateError::Ending => Self::Conflict {
                reason: "The key is being rotated already".to_owned(),
            },
            // The command line knows it by another name.
            RotateError::Invalid(fault) => InvalidField::new("grace_seconds", fault.reason).into(),
            RotateError::Create(error) => error.into(),
            RotateError::Storage(error) => error.into(),
        }
    }
}

/// Revokes a key. The edges are told at once.
#[utoipa::path(
    delete, path = "/api/keys/{id}", tag = "keys",
    params(("id" = String, Path, description = "The key's id, as the list shows it")),
    responses(
        (status = 200, description = "It opens nothing any more", body = DataReply<KeyReply>),
        (status = 401, description = "No live credential", body = AdminErrorReply),
        (status = 403, description = "Not a person, or a role without `keys:write`", body = AdminErrorReply),
        (status = 404, description = "`NOT_FOUND`: no such live key", body = AdminErrorReply),
        (status = 500, description = "A bug of ours", body = AdminErrorReply),
        (status = 503, description = "Temporarily unavailable", body = AdminErrorReply),
    ),
    security(("bearer_key" = []), ("basic" = []))
)]
async fn revoke_key(
    State(app): State<App>,
    meta: Meta,
    AdminShop { shop, .. }: AdminShop,
    Path(id): Path<String>,
) -> Result<Json<DataReply<KeyReply>>, AppError> {
    let (id, now) = (parse_id(&id)?, app.now());
    let mut tx = app.db().begin().await?;
    if !keys::revoke_key(&app, &mut tx, &shop.id, &id, now).await? {
        return Err(AppError::NotFound);
    }
    let reply = find(&mut tx, &shop, &id, now).await?;
    edges::commit(&app, tx).await?;
    Ok(meta.with(reply))
}
