//! All SQL over users.

use footfall_shared::id::{ShopId, UserId};
use footfall_shared::permission::UnknownRole;
use footfall_shared::time::UtcMillis;

use super::queries::ShopRow;
use super::shop::{Role, Shop};
use crate::auth::PasswordHash;
use crate::db::{During, Handle, StorageError, Tx};
use crate::on_db;

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

/// A user who may want to log in.
#[derive(Debug, Clone)]
pub struct LoginUser {
    /// The user's shop.
    pub shop: Shop,
    /// The user.
    pub user: UserId,
    /// What the user may do.
    pub role: Role,
    /// The hash of the right password.
    pub password: PasswordHash,
}

/// The user with this identifier.
pub async fn find_login(
    db: &mut impl Handle,
    identifier: &str,
) -> Result<Option<LoginUser>, StorageError> {
    const STEP: &str = "find a user by the identifier";
    const SQL: &str = "SELECT s.id, s.slug, s.name, s.timezone, s.currency, s.settings, s.salt, \
        s.identity_secret, u.id AS user_id, u.role, u.password_hash \
        FROM users u JOIN shops s ON s.id = u.shop_id WHERE u.identifier = $1";
    let row: Option<LoginRow> = on_db!(db, |connection| {
        sqlx::query_as(SQL)
            .bind(identifier)
            .fetch_optional(connection)
            .await
    })
    .during(STEP)?;
    let Some(row) = row else { return Ok(None) };
    let LoginRow {
        shop,
        user_id,
        role,
        password_hash,
    } = row;
    Ok(Some(LoginUser {
        shop: shop.into_shop()?,
        user: UserId::parse(&user_id).map_err(|cause| StorageError::corrupt(STEP, cause))?,
        role: parse_role(STEP, &role)?,
        password: PasswordHash::parse(&password_hash)
            .ok_or_else(|| StorageError::corrupt(STEP, "password hash"))?,
    }))
}

#[derive(sqlx::FromRow)]
struct LoginRow {
    #[sqlx(flatten)]
    shop: ShopRow,
    user_id: String,
    role: String,
    password_hash: String,
}

fn parse_role(step: &'static str, text: &str) -> Result<Role, StorageError> {
    text.parse()
        .map_err(|cause: UnknownRole| StorageError::corrupt(step, cause))
}

/// What a user of the shop may do; `None` where the shop has no such user.
pub async fn find_role(
    db: &mut impl Handle,
    shop: &ShopId,
    user: &UserId,
) -> Result<Option<Role>, StorageError> {
    const STEP: &str = "find a user's role";
    const SQL: &str = "SELECT role FROM users WHERE shop_id = $1 AND id = $2";
    let role: Option<String> = on_db!(db, |connection| {
        sqlx::query_scalar(SQL)
            .bind(shop.as_str())
            .bind(user.as_str())
            .fetch_optional(connection)
            .await
    })
    .during(STEP)?;
    role.map(|role| parse_role(STEP, &role)).transpose()
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

/// The users of the shop that have a role.
pub(super) async fn list_of_role(
    db: &mut impl Handle,
    shop: &ShopId,
    role: Role,
) -> Result<Vec<String>, StorageError> {
    const SQL: &str = "SELECT id FROM users WHERE shop_id = $1 AND role = $2 ORDER BY id";
    on_db!(db, |connection| sqlx::query_scalar(SQL)
        .bind(shop.as_str())
        .bind(role.as_str())
        .fetch_all(connection)
        .await)
    .during("list a shop's users of a role")
}

/// Replaces the password of a user of the shop; false where the shop has no such user.
pub(super) async fn update_password(
    tx: &mut Tx,
    shop: &ShopId,
    user: &UserId,
    password: &PasswordHash,
) -> Result<bool, StorageError> {
    const SQL: &str = "UPDATE users SET password_hash = $3 \
        WHERE shop_id = $1 AND id = $2 RETURNING id";
    let updated: Option<String> = on_db!(tx, |connection| {
        sqlx::query_scalar(SQL)
            .bind(shop.as_str())
            .bind(user.as_str())
            .bind(password.reveal())
            .fetch_optional(connection)
            .await
    })
    .during("replace a user's password")?;
    Ok(updated.is_some())
}

/// Replaces the role of a user of the shop; false where the shop has no such user.
pub(super) async fn update_role(
    tx: &mut Tx,
    shop: &ShopId,
    user: &UserId,
    role: Role,
) -> Result<bool, StorageError> {
    const SQL: &str = "UPDATE users SET role = $3 WHERE shop_id = $1 AND id = $2 RETURNING id";
    let updated: Option<String> = on_db!(tx, |connection| {
        sqlx::query_scalar(SQL)
            .bind(shop.as_str())
            .bind(user.as_str())
            .bind(role.as_str())
            .fetch_optional(connection)
            .await
    })
    .during("replace a user's role")?;
    Ok(updated.is_some())
}

/// Removes a user of the shop, with all logins; false where the shop has no such user.
pub(super) async fn delete_user(
    tx: &mut Tx,
    shop: &ShopId,
    user: &UserId,
) -> Result<bool, StorageError> {
    const SQL: &str = "DELETE FROM users WHERE shop_id = $1 AND id = $2 RETURNING id";
    let deleted: Option<String> = on_db!(tx, |connection| {
        sqlx::query_scalar(SQL)
            .bind(shop.as_str())
            .bind(user.as_str())
            .fetch_optional(connection)
            .await
    })
    .during("remove a user")?;
    Ok(deleted.is_some())
}
