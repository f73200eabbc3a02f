//! The extractors: each yields the tenant, or refuses.

use axum::extract::{FromRequestParts, MatchedPath};
use footfall_shared::id::UserId;
use footfall_shared::keys::KeyKind;
use footfall_shared::permission::{self, Permission, Scopes};
use http::request::Parts;

use super::credential::Credential;
use super::login;
use crate::app::App;
use crate::audit::{self, chain::Actor};
use crate::http::error::AppError;
use crate::shops::{self, Role, Shop};

/// The shop of a secret key.
#[derive(Debug, Clone)]
pub struct SecretShop(pub Shop);

/// The shop of a secret key, or of a person.
#[derive(Debug, Clone)]
pub struct SecretOrAdminShop(pub Shop);

/// The shop of a secret key or of a person, with a name under which the caller's requests can be counted.
#[derive(Debug, Clone)]
pub struct CountedShop {
    /// The shop.
    pub shop: Shop,
    /// The key's hash, or the person's id.
    pub caller: String,
    /// Whether the caller may see who customers are.
    pub sees_people: bool,
}

/// The shop of a person. No key gets here, whatever its scopes.
#[derive(Debug, Clone)]
pub struct AdminShop {
    /// The person's shop.
    pub shop: Shop,
    /// The person.
    pub user: UserId,
}

/// The shop of one of the contract's routes that need "no authentication": where the mode keeps them
/// open, the shop of any key or the keyless shop; where not, as [`SecretOrAdminShop`].
#[derive(Debug, Clone)]
pub struct OpenShop(pub Shop);

/// Who was found behind a live credential.
enum Caller {
    Browser(Shop),
    Server(Shop, Scopes, String),
    Person(Shop, UserId, Role),
}

impl Caller {
    fn into_shop(self) -> Shop {
        match self {
            Self::Browser(shop) | Self::Server(shop, ..) | Self::Person(shop, ..) => shop,
        }
    }

    /// Whether the table lets the caller do what the route does. A browser has no permissions: its kind
    /// decides, and the extractor knows it.
    fn permitted(self, needed: &[Permission]) -> Result<Self, AppError> {
        let may: &dyn Fn(Permission) -> bool = match &self {
            Self::Browser(_) => return Ok(self),
            Self::Server(_, scopes, _) => &|permission| scopes.allow(permission),
            Self::Person(_, _, role) => &|permission| role.may(permission),
        };
        match needed.iter().find(|permission| !may(**permission)) {
            Some(permission) => Err(forbidden(permission.as_str())),
            None => Ok(self),
        }
    }
}

fn needed(parts: &Parts) -> Result<&'static [Permission], AppError> {
    let route = parts.extensions.get::<MatchedPath>();
    let needed = route.and_then(|route| permission::needed(parts.method.as_str(), route.as_str()));
    needed.ok_or(AppError::Internal {
        context: "the route is not in the table of permissions",
        source: None,
    })
}

fn forbidden(needed: &'static str) -> AppError {
    AppError::Forbidden { needed }
}

impl FromRequestParts<App> for SecretShop {
    type Rejection = AppError;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self, AppError> {
        match permitted_caller(parts, app).await? {
            Caller::Server(shop, ..) => Ok(Self(shop)),
            Caller::Browser(_) | Caller::Person(..) => Err(forbidden("a secret key")),
        }
    }
}

impl FromRequestParts<App> for SecretOrAdminShop {
    type Rejection = AppError;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self, AppError> {
        match permitted_caller(parts, app).await? {
            Caller::Server(shop, ..) | Caller::Person(shop, ..) => Ok(Self(shop)),
            Caller::Browser(_) => Err(forbidden("a secret key or an admin")),
        }
    }
}

impl FromRequestParts<App> for CountedShop {
    type Rejection = AppError;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self, AppError> {
        match permitted_caller(parts, app).await? {
            Caller::Server(shop, scopes, _) => Ok(Self {
                shop,
                caller: match Credential::of(parts) {
                    Some(Credential::Key(key)) => key.hash,
                    _ => String::new(),
                },
                sees_people: scopes.allow(Permission::CustomersRead),
            }),
            Caller::Person(shop, user, role) => Ok(Self {
                shop,
                caller: user.as_str().to_owned(),
                sees_people: role.may(Permission::CustomersRead),
            }),
            Caller::Browser(_) => Err(forbidden("a secret key or an admin")),
        }
    }
}

impl FromRequestParts<App> for AdminShop {
    type Rejection = AppError;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self, AppError> {
        match permitted_caller(parts, app).await? {
            Caller::Person(shop, user, _) => Ok(Self { shop, user }),
            Caller::Browser(_) | Caller::Server(..) => Err(forbidden("an admin")),
        }
    }
}

impl FromRequestParts<App> for OpenShop {
    type Rejection = AppError;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self, AppError> {
        let credential = Credential::of(parts);
        if credential.is_none() {
            return open_shop(app, None, &[]).await.map(Self);
        }
        let caller = open_caller(app, credential, needed(parts)?).await?;
        keep(parts, app, &caller).await?;
        Ok(Self(caller.into_shop()))
    }
}

/// What a client of live data must be allowed.
pub const LIVE: &[Permission] = &[Permission::AnalyticsRead];

/// The shop of a credential, as [`OpenShop`] has it, for whoever may do what is needed.
///
/// # Errors
/// 401 and 403.
pub async fn open_shop(
    app: &App,
    credential: Option<Credential>,
    needed: &[Permission],
) -> Result<Shop, AppError> {
    open_caller(app, credential, needed)
        .await
        .map(Caller::into_shop)
}

async fn open_caller(
    app: &App,
    credential: Option<Credential>,
    needed: &[Permission],
) -> Result<Caller, AppError> {
    let open = app.access().open_shop_routes;
    let Some(caller) = caller(credential, app).await? else {
        return if open {
            keyless_shop(app).await.map(Caller::Browser)
        } else {
            Err(AppError::Unauthorized)
        };
    };
    match caller.permitted(needed)? {
        Caller::Browser(_) if !open => Err(forbidden("a secret key or an admin")),
        caller => Ok(caller),
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

async fn permitted_caller(parts: &Parts, app: &App) -> Result<Caller, AppError> {
    let caller = caller(Credential::of(parts), app).await?;
    let caller = caller
        .ok_or(AppError::Unauthorized)?
        .permitted(needed(parts)?)?;
    keep(parts, app, &caller).await?;
    Ok(caller)
}

/// Has the audit log tell what somebody is about to do.
async fn keep(parts: &Parts, app: &App, caller: &Caller) -> Result<(), AppError> {
    let (shop, actor) = match caller {
        Caller::Browser(_) => return Ok(()),
        Caller::Server(shop, _, key) => (shop, Actor::Key(key.clone())),
        Caller::Person(shop, user, _) => (shop, Actor::Person(user.as_str().to_owned())),
    };
    audit::begin(app, parts, &shop.id, actor).await?;
    Ok(())
}

/// Who presents the credential; `None` where none was presented.
async fn caller(credential: Option<Credential>, app: &App) -> Result<Option<Caller>, AppError> {
    let person = |(shop, user, role)| Caller::Person(shop, user, role);
    let found = match credential {
        None => return Ok(None),
        Some(Credential::Unreadable) => None,
        Some(Credential::Key(key)) => {
            let mut db = app.db().read().await?;
            let found = shops::find_by_key(&mut db, &key, app.now()).await?;
            found.map(|(shop, scopes, id)| match key.kind {
                KeyKind::Publishable => Caller::Browser(shop),
                KeyKind::Secret => Caller::Server(shop, scopes, id),
            })
        }
        Some(Credential::Token(token)) => login::person(app, &token).await?.map(person),
        // A password with each request cannot be braked, ended or told from a replay (docs/decisions/004).
        Some(Credential::Login { .. }) if !app.access().basic_login => None,
        Some(Credential::Login {
            identifier,
            password,
        }) => login::verified(app, &identifier, password)
            .await?
            .map(person),
    };
    found.map(Some).ok_or(AppError::Unauthorized)
}
