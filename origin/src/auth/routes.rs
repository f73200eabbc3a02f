//! `/api/auth`: login, refresh, logout.

use axum::Json;
use axum::extract::State;
use footfall_shared::text::{InvalidField, required};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::caller::Caller;
use super::login::{self, Tokens};
use super::token::{ACCESS_S, RefreshToken};
use crate::app::App;
use crate::http::envelope::{AdminErrorReply, DataReply, Meta};
use crate::http::error::AppError;
use crate::http::extract::Wire;

/// Longest identifier and password looked at, in bytes: argon2 is not fed megabytes.
const LOGIN_BYTES_MAX: usize = 1024;

/// The feature's routes.
pub fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new()
        .routes(routes!(log_in))
        .routes(routes!(refresh))
        .routes(routes!(log_out))
}

/// Who logs in. No `Debug`: it holds a password.
#[derive(Deserialize, ToSchema)]
struct LoginRequest {
    /// Usually an email.
    identifier: String,
    password: String,
}

/// A refresh token. No `Debug`: it is a secret.
#[derive(Deserialize, ToSchema)]
struct RefreshRequest {
    /// The newest of its login.
    refresh_token: String,
}

/// What a person proves itself with from now on.
#[derive(Serialize, ToSchema)]
struct TokensReply {
    /// Goes into `Authorization: Bearer …`.
    access_token: String,
    /// Gets the next two, once.
    refresh_token: String,
    /// How long the access token is good, in seconds.
    #[schema(example = 900)]
    expires_in: i64,
}

impl From<Tokens> for TokensReply {
    fn from(tokens: Tokens) -> Self {
        let Tokens { access, refresh } = tokens;
        Self {
            access_token: access,
            refresh_token: refresh.reveal(),
            expires_in: ACCESS_S,
        }
    }
}

/// That somebody is logged out.
#[derive(Debug, Serialize, ToSchema)]
struct LoggedOutReply {
    logged_out: bool,
}

/// Logs a person in.
///
/// After ten failures within a quarter of an hour the identifier is paused until it is over, and so is an
/// address after twenty. Who is logged in already is not affected.
#[utoipa::path(
    post, path = "/api/auth/login", tag = "auth",
    request_body(content = LoginRequest,
        example = json!({"identifier": "user@example.com", "password": "SecurePassword123!"})),
    responses(
        (status = 200, description = "The tokens", body = DataReply<TokensReply>),
        (status = 400, description = "`INVALID_REQUEST` or `INVALID_FIELD` names the field", body = AdminErrorReply),
        (status = 401, description = "`UNAUTHORIZED`: no such user, or not this password", body = AdminErrorReply),
        (status = 413, description = "The body is longer than 64 KiB", body = AdminErrorReply),
        (status = 415, description = "The content type is not JSON", body = AdminErrorReply),
        (status = 429, description = "`RATE_LIMITED`: too many failures; `Retry-After` tells the pause", body = AdminErrorReply),
        (status = 500, description = "A bug of ours", body = AdminErrorReply),
        (status = 503, description = "Temporarily unavailable", body = AdminErrorReply),
    ),
    security(())
)]
async fn log_in(
    State(app): State<App>,
    meta: Meta,
    Caller(caller): Caller,
    Wire(request): Wire<LoginRequest>,
) -> Result<Json<DataReply<TokensReply>>, AppError> {
    let identifier = required("identifier", &request.identifier, LOGIN_BYTES_MAX)?;
    if request.password.len() > LOGIN_BYTES_MAX {
        return Err(InvalidField::new("password", "is too long").into());
    }
    let tokens = login::login(&app, identifier, request.password, caller.as_ref()).await?;
    Ok(meta.with(tokens.into()))
}

/// Gets the next two tokens for a refresh token.
///
/// Each refresh token is good once. One that was used already ends its whole login, since somebody has a
/// copy.
#[utoipa::path(
    post, path = "/api/auth/refresh", tag = "auth",
    request_body(content = RefreshRequest, example = json!({"refresh_token": "ff_rt_0f1e…"})),
    responses(
        (status = 200, description = "The tokens", body = DataReply<TokensReply>),
        (status = 400, description = "`INVALID_REQUEST` names the field", body = AdminErrorReply),
        (status = 401, description = "`UNAUTHORIZED`: unknown, used, or of a login that has ended", body = AdminErrorReply),
        (status = 413, description = "The body is longer than 64 KiB", body = AdminErrorReply),
        (status = 415, description = "The content type is not JSON", body = AdminErrorReply),
        (status = 500, description = "A bug of ours", body = AdminErrorReply),
        (status = 503, description = "Temporarily unavailable", body = AdminErrorReply),
    ),
    security(())
)]
async fn refresh(
    State(app): State<App>,
    meta: Meta,
    Wire(request): Wire<RefreshRequest>,
) -> Result<Json<DataReply<TokensReply>>, AppError> {
    let token = RefreshToken::parse(&request.refresh_token).ok_or(AppError::Unauthorized)?;
    let tokens = login::refresh(&app, &token).await?;
    Ok(meta.with(tokens.into()))
}

/// Ends the login that a refresh token belongs to, with all its tokens, at once.
///
/// A token that is not known has nothing to end and is answered the same.
#[utoipa::path(
    post, path = "/api/auth/logout", tag = "auth",
    request_body(content = RefreshRequest, example = json!({"refresh_token": "ff_rt_0f1e…"})),
    responses(
        (status = 200, description = "It is ended", body = DataReply<LoggedOutReply>),
        (status = 400, description = "`INVALID_REQUEST` names the field", body = AdminErrorReply),
        (status = 413, description = "The body is longer than 64 KiB", body = AdminErrorReply),
        (status = 415, description = "The content type is not JSON", body = AdminErrorReply),
        (status = 500, description = "A bug of ours", body = AdminErrorReply),
        (status = 503, description = "Temporarily unavailable", body = AdminErrorReply),
    ),
    security(())
)]
async fn log_out(
    State(app): State<App>,
    meta: Meta,
    Wire(request): Wire<RefreshRequest>,
) -> Result<Json<DataReply<LoggedOutReply>>, AppError> {
    if let Some(token) = RefreshToken::parse(&request.refresh_token) {
        login::logout(&app, &token).await?;
    }
    Ok(meta.with(LoggedOutReply { logged_out: true }))
}
