//! Logging in, staying logged in, and logging out.
//!
//! **Invariant:** a refresh token is good once. Presented again it betrays that somebody has a copy, and
//! nobody can tell who: the whole login ends. Test: `a_used_refresh_token_ends_the_whole_login`.

use footfall_shared::id::{LoginId, ShopId, UserId};
use footfall_shared::identity::IpHash;
use footfall_shared::keys::{AccessToken, KeyKind};
use footfall_shared::permission::Scopes;
use footfall_shared::time::{DAY_MS, UtcMillis};

use super::password;
use super::queries;
use super::throttle::Try;
use super::token::{Claims, RefreshToken};
use crate::app::App;
use crate::db::{StorageError, Tx};
use crate::http::error::AppError;
use crate::shops::{self, KeyGrant, Role, Shop};

/// How long a refresh token waits for its use, in milliseconds.
const REFRESH_MS: i64 = 30 * DAY_MS;
/// How long a login lasts at the most, in milliseconds; then the password is asked for again.
const LOGIN_MS: i64 = 90 * DAY_MS;

/// What a person holds after logging in.
#[derive(Debug)]
pub(super) struct Tokens {
    /// Proves the person for a short while.
    pub(super) access: String,
    /// Gets the next two.
    pub(super) refresh: RefreshToken,
}

/// Checks identifier and password, and begins a login. A wrong password and an unknown identifier take the
/// same time and tell the same, and both are paused alike.
pub(super) async fn login(
    app: &App,
    identifier: &str,
    password: String,
    caller: Option<&IpHash>,
) -> Result<Tokens, AppError> {
    let now = app.now();
    let attempt = Try::of(app, identifier, caller);
    if let Err(paused) = attempt.begin(app, now).await? {
        let wait_ms = paused.ends_at.since(now).max(1);
        return Err(AppError::TooManyRequests {
            retry_after_s: wait_ms.unsigned_abs().div_ceil(1000),
        });
    }
    let found = verified(app, identifier, password).await?;
    let Some((shop, user, _)) = found else {
        return Err(AppError::Unauthorized);
    };
    attempt.succeeded(app, now).await?;
    let mut tx = app.db().begin().await?;
    queries::delete_ended_logins(&mut tx, &shop.id, &user, now).await?;
    let login = LoginId::generate(now, app.entropy());
    let ends_at = now.plus(LOGIN_MS);
    queries::insert_login(&mut tx, &shop.id, &login, &user, now, ends_at).await?;
    let tokens = issue(app, &mut tx, (shop.id, user, login), ends_at, now).await?;
    tx.commit().await?;
    Ok(tokens)
}

/// Whoever has this identifier and this password.
pub(super) async fn verified(
    app: &App,
    identifier: &str,
    password: String,
) -> Result<Option<(Shop, UserId, Role)>, AppError> {
    let found = {
        // The connection goes back before the slow hash.
        let mut db = app.db().read().await?;
        shops::find_login(&mut db, identifier).await?
    };
    let (found, hash) = found
        .map(|one| ((one.shop, one.user, one.role), one.password))
        .unzip();
    let known = password::verify(password, hash).await;
    Ok(found.filter(|_| known))
}

/// Takes a refresh token for the next two tokens.
pub(super) async fn refresh(app: &App, token: &RefreshToken) -> Result<Tokens, AppError> {
    let (now, hash) = (app.now(), token.hash());
    let mut tx = app.db().begin().await?;
    let Some((shop, login)) = queries::use_refresh_token(&mut tx, &hash, now).await? else {
        if let Some((shop, login, true)) = queries::find_refresh_token(&mut tx, &hash).await? {
            queries::revoke_login(&mut tx, &shop, &login, now).await?;
            tx.commit().await?;
            tracing::warn!(shop.id = %shop, login.id = %login, "a used refresh token came back; its login is ended");
        }
        return Err(AppError::Unauthorized);
    };
    let live = queries::find_live_login(&mut tx, &shop, &login, now).await?;
    let (user, ends_at) = live.ok_or(AppError::Unauthorized)?;
    queries::delete_ended_tokens(&mut tx, &shop, &login, now).await?;
    let tokens = issue(app, &mut tx, (shop, user, login), ends_at, now).await?;
    tx.commit().await?;
    Ok(tokens)
}

/// Ends the login that a refresh token belongs to. A token that is not known has nothing to end.
pub(super) async fn logout(app: &App, token: &RefreshToken) -> Result<(), StorageError> {
    let mut tx = app.db().begin().await?;
    if let Some((shop, login, _)) = queries::find_refresh_token(&mut tx, &token.hash()).await? {
        queries::revoke_login(&mut tx, &shop, &login, app.now()).await?;
    }
    tx.commit().await
}

/// Ends all logins of a user, because the password changed or the user is gone.
pub async fn end_logins(
    tx: &mut Tx,
    shop: &ShopId,
    user: &UserId,
    now: UtcMillis,
) -> Result<(), StorageError> {
    queries::revoke_logins(tx, shop, user, now).await
}

async fn issue(
    app: &App,
    tx: &mut Tx,
    (shop, user, login): (ShopId, UserId, LoginId),
    ends_at: UtcMillis,
    now: UtcMillis,
) -> Result<Tokens, AppError> {
    let refresh = RefreshToken::generate(app.entropy());
    let expires_at = now.plus(REFRESH_MS).min(ends_at);
    queries::insert_refresh_token(tx, &shop, &login, &refresh.hash(), expires_at).await?;
    let access = app
        .tokens()
        .sign(&Claims::new(shop, user, login, now))
        .map_err(|cause| AppError::internal("sign an access token", cause))?;
    Ok(Tokens { access, refresh })
}

/// What an edge may let the owner of an access token do, until it ends: as a secret key with the scopes of the
/// owner's role would. `None` where the token is not ours or its login has ended.
pub async fn grant_of_token(
    app: &App,
    token: &AccessToken,
) -> Result<Option<(Shop, KeyGrant)>, AppError> {
    let ends = app
        .tokens()
        .read(token.reveal(), app.now())
        .map(|claims| claims.ends());
    let person = person(app, token.reveal()).await?;
    Ok(person.map(|(shop, _, role)| {
        let grant = KeyGrant {
            kind: KeyKind::Secret,
            scopes: Scopes::of_role(role),
            expires_at: ends,
        };
        (shop, grant)
    }))
}

/// The person of an access token, as the database has the person now: a role that was changed, a login that
/// was ended and a user who was removed count at once.
pub(super) async fn person(
    app: &App,
    token: &str,
) -> Result<Option<(Shop, UserId, Role)>, AppError> {
    let now = app.now();
    let Some(claims) = app.tokens().read(token, now) else {
        return Ok(None);
    };
    let mut db = app.db().read().await?;
    let login = queries::find_live_login(&mut db, &claims.shop, &claims.login, now).await?;
    if login.is_none_or(|(user, _)| user != claims.sub) {
        return Ok(None);
    }
    let shop = shops::find_by_id(&mut db, &claims.shop).await?;
    let role = shops::find_role(&mut db, &claims.shop, &claims.sub).await?;
    Ok(shop.zip(role).map(|(shop, role)| (shop, claims.sub, role)))
}
