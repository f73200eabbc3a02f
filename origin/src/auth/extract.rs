//! The extractors: each yields the tenant, or refuses.

use axum::extract::FromRequestParts;
use footfall_shared::keys::KeyKind;
use http::request::Parts;

use super::credential::Credential;
use super::password;
use crate::app::App;
use crate::http::error::AppError;
use crate::shops::{self, Shop};

/// The shop of a publishable or a secret key: what a storefront page may do, its server may too.
#[derive(Debug, Clone)]
pub struct PublishableShop(pub Shop);

/// The shop of a secret key.
#[derive(Debug, Clone)]
pub struct SecretShop(pub Shop);

/// The shop of a secret key, or of an admin who gave identifier and password.
#[derive(Debug, Clone)]
pub struct SecretOrAdminShop(pub Shop);

/// The shop of one of the contract's routes that need "no authentication": where the mode keeps them
/// open, the shop of any key or the keyless shop; where not, as [`SecretOrAdminShop`].
#[derive(Debug, Clone)]
pub struct OpenShop(pub Shop);

/// Who was found behind a live credential.
enum Caller {
    Browser(Shop),
    Server(Shop),
    Admin(Shop),
}

impl FromRequestParts<App> for PublishableShop {
    type Rejection = AppError;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self, AppError> {
        match caller(parts, app).await?.ok_or(AppError::Unauthorized)? {
            Caller::Browser(shop) | Caller::Server(shop) => Ok(Self(shop)),
            Caller::Admin(_) => Err(AppError::Forbidden {
                needed: "an API key",
            }),
        }
    }
}

impl FromRequestParts<App> for SecretShop {
    type Rejection = AppError;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self, AppError> {
        match caller(parts, app).await?.ok_or(AppError::Unauthorized)? {
            Caller::Server(shop) => Ok(Self(shop)),
            Caller::Browser(_) | Caller::Admin(_) => Err(AppError::Forbidden {
                needed: "a secret key",
            }),
        }
    }
}

impl FromRequestParts<App> for SecretOrAdminShop {
    type Rejection = AppError;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self, AppError> {
        match caller(parts, app).await?.ok_or(AppError::Unauthorized)? {
            Caller::Server(shop) | Caller::Admin(shop) => Ok(Self(shop)),
            Caller::Browser(_) => Err(AppError::Forbidden {
                needed: "a secret key or an admin",
            }),
        }
    }
}

impl FromRequestParts<App> for OpenShop {
    type Rejection = AppError;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self, AppError> {
        let open = app.access().open_shop_routes;
        match caller(parts, app).await? {
            Some(Caller::Server(shop) | Caller::Admin(shop)) => Ok(Self(shop)),
            Some(Caller::Browser(shop)) if open => Ok(Self(shop)),
            Some(Caller::Browser(_)) => Err(AppError::Forbidden {
                needed: "a secret key or an admin",
            }),
            None if open => keyless_shop(app).await.map(Self),
            None => Err(AppError::Unauthorized),
        }
    }
}

async fn keyless_shop(app: &App) -> Result<Shop, AppError> {
    let slug = app.access().keyless_shop.ok_or(AppError::Unauthorized)?;
    let mut db = app.db().read().await?;
    // Before `footfall demo` has run there is no such shop.
    shops::find_by_slug(&mut db, slug)
        .await?
        .ok_or(AppError::Unauthorized)
}

/// Who presents the credential; `None` where none was presented.
async fn caller(parts: &Parts, app: &App) -> Result<Option<Caller>, AppError> {
    match Credential::of(parts) {
        None => Ok(None),
        Some(Credential::Unreadable) => Err(AppError::Unauthorized),
        Some(Credential::Key(key)) => {
            let mut db = app.db().read().await?;
            let shop = shops::find_by_key(&mut db, &key)
                .await?
                .ok_or(AppError::Unauthorized)?;
            Ok(Some(match key.kind {
                KeyKind::Publishable => Caller::Browser(shop),
                KeyKind::Secret => Caller::Server(shop),
            }))
        }
        Some(Credential::Login {
            identifier,
            password,
        }) => {
            let found = {
                // The connection goes back before the slow hash.
                let mut db = app.db().read().await?;
                shops::find_login(&mut db, &identifier).await?
            };
            let (shop, hash) = found.unzip();
            let known = password::verify(password, hash).await;
            let shop = shop.filter(|_| known).ok_or(AppError::Unauthorized)?;
            Ok(Some(Caller::Admin(shop)))
        }
    }
}
