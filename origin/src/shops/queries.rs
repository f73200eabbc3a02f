//! All SQL over shops, keys and users. Products are in `products.rs`.

use footfall_shared::id::{KeyId, ShopId, UserId};
use footfall_shared::identity::Salt;
use footfall_shared::keys::{ApiKey, KeyKind};
use footfall_shared::money::Currency;
use footfall_shared::time::UtcMillis;
use jiff::tz::TimeZone;

use super::shop::{Role, Shop};
use crate::auth::PasswordHash;
use crate::db::{During, Handle, StorageError, Tx};
use crate::on_db;

#[derive(sqlx::FromRow)]
struct ShopRow {
    id: String,
    slug: String,
    name: String,
    timezone: String,
    currency: String,
    settings: String,
    salt: String,
    identity_secret: String,
}

impl ShopRow {
    fn into_shop(self) -> Result<Shop, StorageError> {
        const STEP: &str = "read a shop's row";
        let Self {
            id,
            slug,
            name,
            timezone,
            currency,
            settings,
            salt,
            identity_secret,
        } = self;
        Ok(Shop {
            id: ShopId::parse(&id).map_err(|cause| StorageError::corrupt(STEP, cause))?,
            slug,
            name,
            timezone: TimeZone::get(&timezone)
                .map_err(|cause| StorageError::corrupt(STEP, cause))?,
            currency: Currency::parse("currency", &currency)
                .map_err(|cause| StorageError::corrupt(STEP, cause))?,
            settings: serde_json::from_str(&settings)
                .map_err(|cause| StorageError::corrupt(STEP, cause))?,
            salt: Salt::parse(&salt).ok_or_else(|| StorageError::corrupt(STEP, "salt"))?,
            identity_secret,
        })
    }
}

/// A key as it may be shown: without its hash.
#[derive(Debug, Clone, PartialEq, Eq, sqlx::FromRow)]
pub struct KeyRecord {
    /// Its id, to revoke it by.
    pub id: String,
    /// `publishable` or `secret`.
    pub kind: String,
    /// What its owner calls it.
    pub label: String,
    /// When it was made, epoch milliseconds.
    pub created_at: i64,
    /// Since when it opens nothing.
    pub revoked_at: Option<i64>,
}

/// A user as it may be shown: without its password's hash.
#[derive(Debug, Clone, PartialEq, Eq, sqlx::FromRow)]
pub struct UserRecord {
    /// Its id.
    pub id: String,
    /// What it logs in with.
    pub identifier: String,
    /// What it may do.
    pub role: String,
    /// When it was made, epoch milliseconds.
    pub created_at: i64,
}

/// Writes a new shop; a taken slug is a conflict.
pub(super) async fn insert_shop(
    tx: &mut Tx,
    shop: &Shop,
    now: UtcMillis,
) -> Result<(), StorageError> {
    const STEP: &str = "insert a shop";
    const SQL: &str = "INSERT INTO shops \
        (id, slug, name, timezone, currency, settings, salt, identity_secret, created_at) \
        VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)";
    let Shop {
        id,
        slug,
        name,
        timezone,
        currency,
        settings,
        salt,
        identity_secret,
    } = shop;
    let settings =
        serde_json::to_string(settings).map_err(|cause| StorageError::corrupt(STEP, cause))?;
    let zone = timezone.iana_name().unwrap_or("UTC");
    on_db!(tx, |connection| {
        sqlx::query(SQL)
            .bind(id.as_str())
            .bind(slug)
            .bind(name)
            .bind(zone)
            .bind(currency.as_str())
            .bind(settings)
            .bind(salt.reveal())
            .bind(identity_secret)
            .bind(now.get())
            .execute(connection)
            .await
            .map(|_| ())
    })
    .during(STEP)
}

/// The shop with this id.
pub async fn find_by_id(db: &mut impl Handle, id: &ShopId) -> Result<Option<Shop>, StorageError> {
    const SQL: &str = "SELECT id, slug, name, timezone, currency, settings, salt, identity_secret \
        FROM shops WHERE id = $1";
    let row: Option<ShopRow> = on_db!(db, |connection| {
        sqlx::query_as(SQL)
            .bind(id.as_str())
            .fetch_optional(connection)
            .await
    })
    .during("find a shop by its id")?;
    row.map(ShopRow::into_shop).transpose()
}

/// The shop with this slug.
pub async fn find_by_slug(db: &mut impl Handle, slug: &str) -> Result<Option<Shop>, StorageError> {
    const SQL: &str = "SELECT id, slug, name, timezone, currency, settings, salt, identity_secret \
        FROM shops WHERE slug = $1";
    let row: Option<ShopRow> = on_db!(db, |connection| sqlx::query_as(SQL)
        .bind(slug)
        .fetch_optional(connection)
        .await)
    .during("find a shop by its slug")?;
    row.map(ShopRow::into_shop).transpose()
}

/// The shop of a live key. The stored kind must be what the key's prefix says.
pub async fn find_by_key(db: &mut impl Handle, key: &ApiKey) -> Result<Option<Shop>, StorageError> {
    let found = find_by_key_hash(db, &key.hash).await?;
    Ok(found
        .filter(|(_, kind)| *kind == key.kind)
        .map(|(shop, _)| shop))
}

/// The shop of a live key, and the key's kind, by the key's hash.
pub(super) async fn find_by_key_hash(
    db: &mut impl Handle,
    hash: &str,
) -> Result<Option<(Shop, KeyKind)>, StorageError> {
    const STEP: &str = "find a shop by a key";
    const SQL: &str = "SELECT s.id, s.slug, s.name, s.timezone, s.currency, s.settings, s.salt, \
        s.identity_secret, k.kind AS extra \
        FROM keys k JOIN shops s ON s.id = k.shop_id WHERE k.hash = $1 AND k.revoked_at IS NULL";
    let row: Option<JoinedRow> = on_db!(db, |connection| sqlx::query_as(SQL)
        .bind(hash)
        .fetch_optional(connection)
        .await)
    .during(STEP)?;
    let Some(JoinedRow { shop, extra }) = row else {
        return Ok(None);
    };
    let kind = [KeyKind::Publishable, KeyKind::Secret]
        .into_iter()
        .find(|kind| kind.as_str() == extra)
        .ok_or_else(|| StorageError::corrupt(STEP, "unknown kind of key"))?;
    Ok(Some((shop.into_shop()?, kind)))
}

/// A shop's row beside one column of the joined table.
#[derive(sqlx::FromRow)]
struct JoinedRow {
    #[sqlx(flatten)]
    shop: ShopRow,
    extra: String,
}

/// The shop and the password's hash of the user with this identifier.
pub async fn find_login(
    db: &mut impl Handle,
    identifier: &str,
) -> Result<Option<(Shop, PasswordHash)>, StorageError> {
    const STEP: &str = "find a user by the identifier";
    const SQL: &str = "SELECT s.id, s.slug, s.name, s.timezone, s.currency, s.settings, s.salt, \
        s.identity_secret, u.password_hash AS extra \
        FROM users u JOIN shops s ON s.id = u.shop_id WHERE u.identifier = $1";
    let row: Option<JoinedRow> = on_db!(db, |connection| {
        sqlx::query_as(SQL)
            .bind(identifier)
            .fetch_optional(connection)
            .await
    })
    .during(STEP)?;
    let Some(JoinedRow { shop, extra }) = row else {
        return Ok(None);
    };
    let hash =
        PasswordHash::parse(&extra).ok_or_else(|| StorageError::corrupt(STEP, "password hash"))?;
    Ok(Some((shop.into_shop()?, hash)))
}

/// All shops in the order they were made.
pub async fn list_shops(db: &mut impl Handle) -> Result<Vec<Shop>, StorageError> {
    const SQL: &str = "SELECT id, slug, name, timezone, currency, settings, salt, identity_secret \
        FROM shops ORDER BY created_at, id";
    let rows: Vec<ShopRow> = on_db!(db, |connection| sqlx::query_as(SQL)
        .fetch_all(connection)
        .await)
    .during("list the shops")?;
    rows.into_iter().map(ShopRow::into_shop).collect()
}

/// Writes a new key's hash.
pub(super) async fn insert_key(
    tx: &mut Tx,
    shop: &ShopId,
    id: &KeyId,
    key: &ApiKey,
    label: &str,
    now: UtcMillis,
) -> Result<(), StorageError> {
    const SQL: &str = "INSERT INTO keys (shop_id, id, kind, hash, label, created_at) \
        VALUES ($1, $2, $3, $4, $5, $6)";
    on_db!(tx, |connection| {
        sqlx::query(SQL)
            .bind(shop.as_str())
            .bind(id.as_str())
            .bind(key.kind.as_str())
            .bind(&key.hash)
            .bind(label)
            .bind(now.get())
            .execute(connection)
            .await
            .map(|_| ())
    })
    .during("insert a key")
}

/// The shop's keys in the order they were made.
pub async fn list_keys(
    db: &mut impl Handle,
    shop: &ShopId,
) -> Result<Vec<KeyRecord>, StorageError> {
    const SQL: &str = "SELECT id, kind, label, created_at, revoked_at FROM keys \
        WHERE shop_id = $1 ORDER BY created_at, id";
    on_db!(db, |connection| sqlx::query_as(SQL)
        .bind(shop.as_str())
        .fetch_all(connection)
        .await)
    .during("list a shop's keys")
}

/// The hashes of the shop's live keys.
pub async fn list_live_key_hashes(
    db: &mut impl Handle,
    shop: &ShopId,
) -> Result<Vec<String>, StorageError> {
    const SQL: &str =
        "SELECT hash FROM keys WHERE shop_id = $1 AND revoked_at IS NULL ORDER BY hash";
    on_db!(db, |connection| {
        sqlx::query_scalar(SQL)
            .bind(shop.as_str())
            .fetch_all(connection)
            .await
    })
    .during("list the hashes of a shop's live keys")
}

/// Replaces the password of a user of the shop; false where the shop has no such user.
pub(super) async fn update_password(
    tx: &mut Tx,
    shop: &ShopId,
    identifier: &str,
    password: &PasswordHash,
) -> Result<bool, StorageError> {
    const SQL: &str = "UPDATE users SET password_hash = $3 \
        WHERE shop_id = $1 AND identifier = $2 RETURNING id";
    let updated: Option<String> = on_db!(tx, |connection| {
        sqlx::query_scalar(SQL)
            .bind(shop.as_str())
            .bind(identifier)
            .bind(password.reveal())
            .fetch_optional(connection)
            .await
    })
    .during("replace a user's password")?;
    Ok(updated.is_some())
}

/// Revokes a live key and returns its hash; `None` where the shop has no such live key.
pub(super) async fn revoke_key(
    tx: &mut Tx,
    shop: &ShopId,
    id: &KeyId,
    now: UtcMillis,
) -> Result<Option<String>, StorageError> {
    const SQL: &str = "UPDATE keys SET revoked_at = $3 \
        WHERE shop_id = $1 AND id = $2 AND revoked_at IS NULL RETURNING hash";
    on_db!(tx, |connection| {
        sqlx::query_scalar(SQL)
            .bind(shop.as_str())
            .bind(id.as_str())
            .bind(now.get())
            .fetch_optional(connection)
            .await
    })
    .during("revoke a key")
}

/// Writes a new user; a taken identifier is a conflict.
pub(super) async fn insert_user(
    tx: &mut Tx,
    shop: &ShopId,
    id: &UserId,
    login: (&str, &PasswordHash),
    role: Role,
    now: UtcMillis,
) -> Result<(), StorageError> {
    const SQL: &str = "INSERT INTO users (shop_id, id, identifier, password_hash, role, created_at) \
        VALUES ($1, $2, $3, $4, $5, $6)";
    let (identifier, password) = login;
    on_db!(tx, |connection| {
        sqlx::query(SQL)
            .bind(shop.as_str())
            .bind(id.as_str())
            .bind(identifier)
            .bind(password.reveal())
            .bind(role.as_str())
            .bind(now.get())
            .execute(connection)
            .await
            .map(|_| ())
    })
    .during("insert a user")
}

/// The shop's users in the order they were made.
pub async fn list_users(
    db: &mut impl Handle,
    shop: &ShopId,
) -> Result<Vec<UserRecord>, StorageError> {
    const SQL: &str = "SELECT id, identifier, role, created_at FROM users \
        WHERE shop_id = $1 ORDER BY created_at, id";
    on_db!(db, |connection| sqlx::query_as(SQL)
        .bind(shop.as_str())
        .fetch_all(connection)
        .await)
    .during("list a shop's users")
}
