//! Makes shops, keys and users. Each takes the caller's transaction.

use footfall_shared::id::{KeyId, ShopId, UserId};
use footfall_shared::identity::Salt;
use footfall_shared::keys::KeyKind;
use footfall_shared::money::Currency;
use footfall_shared::permission::Scopes;
use footfall_shared::shop::ShopSettings;
use footfall_shared::text::{InvalidField, hex, required};
use footfall_shared::time::UtcMillis;
use jiff::tz::TimeZone;

use super::shop::{Role, Shop};
use super::{keys, queries, user_queries};
use crate::app::system_entropy;
use crate::auth::{PasswordHash, hash_password};
use crate::db::{Fault, StorageError, Tx};
use crate::http::error::AppError;

/// Longest name, label or identifier, in characters.
pub(super) const NAME_CHARS_MAX: usize = 100;
/// Longest slug, in characters.
const SLUG_CHARS_MAX: usize = 40;
/// Shortest admin password, in characters; the length that NIST asks for a single factor.
const PASSWORD_CHARS_MIN: usize = 15;
/// Longest admin password, in characters.
const PASSWORD_CHARS_MAX: usize = 200;

/// Why something was not made.
#[derive(Debug, thiserror::Error)]
pub enum CreateError {
    /// A field breaks its rule.
    #[error(transparent)]
    Invalid(#[from] InvalidField),
    /// The name is in use.
    #[error("{what} is taken")]
    Taken {
        /// What was to be unique.
        what: &'static str,
    },
    /// The password could not be hashed.
    #[error(transparent)]
    Hash(#[from] crate::auth::HashError),
    /// The database said no.
    #[error(transparent)]
    Storage(StorageError),
}

impl From<CreateError> for AppError {
    fn from(error: CreateError) -> Self {
        match error {
            CreateError::Invalid(fault) => fault.into(),
            CreateError::Taken { what } => Self::Conflict {
                reason: format!("{what} is taken"),
            },
            CreateError::Hash(cause) => Self::internal("hash a password", cause),
            CreateError::Storage(error) => error.into(),
        }
    }
}

pub(super) fn taken(what: &'static str) -> impl Fn(StorageError) -> CreateError {
    move |error| match error.fault() {
        Fault::Conflict => CreateError::Taken { what },
        Fault::Busy | Fault::Gone | Fault::Bug => CreateError::Storage(error),
    }
}

/// What a new shop is given.
#[derive(Debug, Clone)]
pub struct NewShop {
    /// Lower-case letters, digits and dashes.
    pub slug: String,
    /// For people.
    pub name: String,
    /// IANA name, as `Europe/Amsterdam`.
    pub timezone: String,
    /// ISO 4217 code.
    pub currency: String,
    /// What its owner decides.
    pub settings: ShopSettings,
}

/// Makes a shop with a fresh salt and identity secret.
pub async fn create_shop(tx: &mut Tx, new: NewShop, now: UtcMillis) -> Result<Shop, CreateError> {
    let NewShop {
        slug,
        name,
        timezone,
        currency,
        settings,
    } = new;
    let shop = Shop {
        id: ShopId::generate(now, system_entropy()),
        slug: parse_slug(&slug)?,
        name: required("name", &name, NAME_CHARS_MAX)?.to_owned(),
        timezone: parse_timezone(&timezone)?,
        currency: Currency::parse("currency", &currency)?,
        settings: settings.checked()?,
        salt: Salt::new(system_entropy()),
        identity_secret: hex(&system_entropy::<32>()),
    };
    queries::insert_shop(tx, &shop, now)
        .await
        .map_err(taken("the slug"))?;
    Ok(shop)
}

fn parse_slug(text: &str) -> Result<String, InvalidField> {
    let slug = required("slug", text, SLUG_CHARS_MAX)?;
    let plain = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
    if !slug.chars().all(plain) {
        return Err(InvalidField::new(
            "slug",
            "must hold only lower-case letters, digits and dashes",
        ));
    }
    Ok(slug.to_owned())
}

fn parse_timezone(text: &str) -> Result<TimeZone, InvalidField> {
    let fault = || InvalidField::new("timezone", "must be an IANA time zone, as Europe/Amsterdam");
    let zone = TimeZone::get(text.trim()).map_err(|_| fault())?;
    // What has no name could not be read back.
    if zone.iana_name().is_some() {
        Ok(zone)
    } else {
        Err(fault())
    }
}

/// Makes a key that may everything that its kind may; the clear text is returned here and never again.
pub async fn create_key(
    tx: &mut Tx,
    shop: &ShopId,
    kind: KeyKind,
    label: &str,
    now: UtcMillis,
) -> Result<(KeyId, String), CreateError> {
    let made = keys::create_key(tx, shop, kind, Scopes::ALL, label, now).await?;
    Ok((made.id, made.text))
}

/// Writes down a key whose text exists already: development keeps its keys when the database is new.
pub async fn record_key(
    tx: &mut Tx,
    shop: &ShopId,
    text: &str,
    label: &str,
    now: UtcMillis,
) -> Result<KeyId, CreateError> {
    keys::record_key(tx, shop, text, Scopes::ALL, label, now).await
}

/// Makes a user who logs in with `identifier` and `password`.
pub async fn create_user(
    tx: &mut Tx,
    shop: &ShopId,
    identifier: &str,
    password: String,
    role: Role,
    now: UtcMillis,
) -> Result<UserId, CreateError> {
    let hash = hash_checked(password).await?;
    record_user(tx, shop, identifier, &hash, role, now).await
}

/// Writes down a user whose password was checked and hashed before.
pub async fn record_user(
    tx: &mut Tx,
    shop: &ShopId,
    identifier: &str,
    password: &PasswordHash,
    role: Role,
    now: UtcMillis,
) -> Result<UserId, CreateError> {
    let identifier = required("identifier", identifier, NAME_CHARS_MAX)?;
    if identifier.contains(':') {
        return Err(InvalidField::new("identifier", "must not contain a colon").into());
    }
    let id = UserId::generate(now, system_entropy());
    user_queries::insert_user(tx, shop, &id, (identifier, password), role, now)
        .await
        .map_err(taken("the identifier"))?;
    Ok(id)
}

pub(super) async fn hash_checked(password: String) -> Result<PasswordHash, CreateError> {
    let chars = password.chars().count();
    if !(PASSWORD_CHARS_MIN..=PASSWORD_CHARS_MAX).contains(&chars) {
        let rule = format!("must have {PASSWORD_CHARS_MIN} to {PASSWORD_CHARS_MAX} characters");
        return Err(InvalidField::new("password", rule).into());
    }
    Ok(hash_password(password).await?)
}
