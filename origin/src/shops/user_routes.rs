//! `/api/users`: a shop's owners manage its people.

use axum::Json;
use axum::extract::{Path, State};
use footfall_shared::id::UserId;
use footfall_shared::text::InvalidField;
use footfall_shared::time::UtcMillis;
use http::StatusCode;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::create;
use super::shop::{Role, Shop};
use super::user_queries::{self, UserRecord};
use super::users::{self, ChangeUserError, UserChange};
use crate::app::App;
use crate::auth::AdminShop;
use crate::db::Handle;
use crate::http::envelope::{AdminErrorReply, DataReply, Meta};
use crate::http::error::AppError;
use crate::http::extract::Wire;

/// The routes with their notes.
pub(super) fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new()
        .routes(routes!(list_users, create_user))
        .routes(routes!(change_user, remove_user))
}

/// A user, without the password.
#[derive(Debug, Serialize, ToSchema)]
struct UserReply {
    #[schema(example = "usr_01JDXA3M8Q2W5R7T9V0B4C6D8E")]
    id: String,
    /// What the user logs in with.
    #[schema(example = "ada@shop.example")]
    identifier: String,
    /// `owner`, `admin`, `analyst` or `support`.
    #[schema(example = "analyst")]
    role: String,
    /// RFC 3339.
    created_at: String,
}

impl From<UserRecord> for UserReply {
    fn from(record: UserRecord) -> Self {
        let UserRecord {
            id,
            identifier,
            role,
            created_at,
        } = record;
        Self {
            id,
            identifier,
            role,
            created_at: UtcMillis::new(created_at).to_rfc3339(),
        }
    }
}

/// A shop's users.
#[derive(Debug, Serialize, ToSchema)]
struct UsersReply {
    /// In the order they were made.
    users: Vec<UserReply>,
}

/// Whom to make. No `Debug`: it holds a password.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct NewUserRequest {
    /// What the user logs in with, usually an email; no other user of any shop has it.
    identifier: String,
    /// 15 to 200 characters.
    password: String,
    /// `owner`, `admin`, `analyst` or `support`.
    role: String,
}

/// What to change; what is not given stays. No `Debug`: it may hold a password.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct ChangeUserRequest {
    /// `owner`, `admin`, `analyst` or `support`; it counts from the next request on.
    role: Option<String>,
    /// 15 to 200 characters; it ends every login of the user.
    password: Option<String>,
}

/// That a user is gone.
#[derive(Debug, Serialize, ToSchema)]
struct RemovedUserReply {
    id: String,
    removed: bool,
}

fn parse_role(text: &str) -> Result<Role, AppError> {
    text.parse()
        .map_err(|_| InvalidField::new("role", "must be owner, admin, analyst or support").into())
}

/// Another kind of id is no user of this shop either.
fn parse_id(text: &str) -> Result<UserId, AppError> {
    UserId::parse(text).map_err(|_| AppError::NotFound)
}

async fn find(db: &mut impl Handle, shop: &Shop, id: &UserId) -> Result<UserReply, AppError> {
    let users = user_queries::list_users(db, &shop.id).await?;
    let found = users.into_iter().find(|user| user.id == id.as_str());
    found.map(UserReply::from).ok_or(AppError::NotFound)
}

/// The shop's users.
#[utoipa::path(
    get, path = "/api/users", tag = "users",
    responses(
        (status = 200, description = "The users", body = DataReply<UsersReply>),
        (status = 401, description = "No live credential", body = AdminErrorReply),
        (status = 403, description = "Not a person, or a role without `users:read`", body = AdminErrorReply),
        (status = 500, description = "A bug of ours", body = AdminErrorReply),
        (status = 503, description = "Temporarily unavailable", body = AdminErrorReply),
    ),
    security(("bearer_key" = []), ("basic" = []))
)]
async fn list_users(
    State(app): State<App>,
    meta: Meta,
    AdminShop { shop, .. }: AdminShop,
) -> Result<Json<DataReply<UsersReply>>, AppError> {
    let mut db = app.db().read().await?;
    let users = user_queries::list_users(&mut db, &shop.id).await?;
    let users = users.into_iter().map(UserReply::from).collect();
    Ok(meta.with(UsersReply { users }))
}

/// Makes a user of the shop.
#[utoipa::path(
    post, path = "/api/users", tag = "users",
    request_body(content = NewUserRequest, example = json!({
        "identifier": "ada@shop.example", "password": "a long enough password", "role": "analyst"})),
    responses(
        (status = 201, description = "The user", body = DataReply<UserReply>),
        (status = 400, description = "`INVALID_REQUEST` or `INVALID_FIELD` names the field", body = AdminErrorReply),
        (status = 401, description = "No live credential", body = AdminErrorReply),
        (status = 403, description = "Not a person, or a role without `users:write`", body = AdminErrorReply),
        (status = 409, description = "`CONFLICT`: the identifier is taken", body = AdminErrorReply),
        (status = 413, description = "The body is longer than 64 KiB", body = AdminErrorReply),
        (status = 415, description = "The content type is not JSON", body = AdminErrorReply),
        (status = 500, description = "A bug of ours", body = AdminErrorReply),
        (status = 503, description = "Temporarily unavailable", body = AdminErrorReply),
    ),
    security(("bearer_key" = []), ("basic" = []))
)]
async fn create_user(
    State(app): State<App>,
    meta: Meta,
    AdminShop { shop, .. }: AdminShop,
    Wire(request): Wire<NewUserRequest>,
) -> Result<(StatusCode, Json<DataReply<UserReply>>), AppError> {
    let role = parse_role(&request.role)?;
    let hash = users::prepare_password(request.password).await?;
    let mut tx = app.db().begin().await?;
    let identifier = &request.identifier;
    let id = create::record_user(&mut tx, &shop.id, identifier, &hash, role, app.now()).await?;
    let reply = find(&mut tx, &shop, &id).await?;
    tx.commit().await?;
    Ok((StatusCode::CREATED, meta.with(reply)))
}

/// Changes a user's role, or password, or both.
#[utoipa::path(
    patch, path = "/api/users/{id}", tag = "users",
    params(("id" = String, Path, description = "The user's id, as the list shows it")),
    request_body(content = ChangeUserRequest, example = json!({"role": "admin"})),
    responses(
        (status = 200, description = "The user", body = DataReply<UserReply>),
        (status = 400, description = "`INVALID_REQUEST` or `INVALID_FIELD` names the field", body = AdminErrorReply),
        (status = 401, description = "No live credential", body = AdminErrorReply),
        (status = 403, description = "Not a person, or a role without `users:write`", body = AdminErrorReply),
        (status = 404, description = "`NOT_FOUND`: no such user", body = AdminErrorReply),
        (status = 409, description = "`CONFLICT`: the shop would be without an owner", body = AdminErrorReply),
        (status = 413, description = "The body is longer than 64 KiB", body = AdminErrorReply),
        (status = 415, description = "The content type is not JSON", body = AdminErrorReply),
        (status = 500, description = "A bug of ours", body = AdminErrorReply),
        (status = 503, description = "Temporarily unavailable", body = AdminErrorReply),
    ),
    security(("bearer_key" = []), ("basic" = []))
)]
async fn change_user(
    State(app): State<App>,
    meta: Meta,
    AdminShop { shop, .. }: AdminShop,
    Path(id): Path<String>,
    Wire(request): Wire<ChangeUserRequest>,
) -> Result<Json<DataReply<UserReply>>, AppError> {
    let id = parse_id(&id)?;
    let ChangeUserRequest { role, password } = request;
    let role = role.map(|text| parse_role(&text)).transpose()?;
    let password = match password {
        Some(password) => Some(users::prepare_password(password).await?),
        None => None,
    };
    let mut tx = app.db().begin().await?;
    let change = UserChange { role, password };
    users::change_user(&mut tx, &shop.id, &id, change, app.now()).await?;
    let reply = find(&mut tx, &shop, &id).await?;
    tx.commit().await?;
    Ok(meta.with(reply))
}

/// Removes a user. Whatever the user is logged in with opens nothing from then on.
#[utoipa::path(
    delete, path = "/api/users/{id}", tag = "users",
    params(("id" = String, Path, description = "The user's id, as the list shows it")),
    responses(
        (status = 200, description = "The user is gone", body = DataReply<RemovedUserReply>),
        (status = 401, description = "No live credential", body = AdminErrorReply),
        (status = 403, description = "Not a person, or a role without `users:write`", body = AdminErrorReply),
        (status = 404, description = "`NOT_FOUND`: no such user", body = AdminErrorReply),
        (status = 409, description = "`CONFLICT`: the shop would be without an owner", body = AdminErrorReply),
        (status = 500, description = "A bug of ours", body = AdminErrorReply),
        (status = 503, description = "Temporarily unavailable", body = AdminErrorReply),
    ),
    security(("bearer_key" = []), ("basic" = []))
)]
async fn remove_user(
    State(app): State<App>,
    meta: Meta,
    AdminShop { shop, .. }: AdminShop,
    Path(id): Path<String>,
) -> Result<Json<DataReply<RemovedUserReply>>, AppError> {
    let id = parse_id(&id)?;
    let mut tx = app.db().begin().await?;
    users::remove_user(&mut tx, &shop.id, &id).await?;
    tx.commit().await?;
    Ok(meta.with(RemovedUserReply {
        id: id.to_string(),
        removed: true,
    }))
}

impl From<ChangeUserError> for AppError {
    fn from(error: ChangeUserError) -> Self {
        match error {
            ChangeUserError::NotFound => Self::NotFound,
            ChangeUserError::LastOwner => Self::Conflict {
                reason: "A shop keeps at least one owner; make another owner first".to_owned(),
            },
            ChangeUserError::Storage(error) => error.into(),
        }
    }
}
