//! All SQL over logins, their refresh tokens and failed tries.

use footfall_shared::id::{LoginId, ShopId, UserId};
use footfall_shared::time::UtcMillis;

use crate::db::{During, Handle, StorageError, Tx};
use crate::on_db;

/// Writes a new login.
pub(super) async fn insert_login(
    tx: &mut Tx,
    shop: &ShopId,
    login: &LoginId,
    user: &UserId,
    now: UtcMillis,
    expires_at: UtcMillis,
) -> Result<(), StorageError> {
    const SQL: &str = "INSERT INTO logins (shop_id, id, user_id, created_at, expires_at) \
        VALUES ($1, $2, $3, $4, $5)";
    on_db!(tx, |connection| {
        sqlx::query(SQL)
            .bind(shop.as_str())
            .bind(login.as_str())
            .bind(user.as_str())
            .bind(now.get())
            .bind(expires_at.get())
            .execute(connection)
            .await
            .map(|_| ())
    })
    .during("insert a login")
}

/// The user of a login that was not revoked and has not ended, and when it ends.
pub(super) async fn find_live_login(
    db: &mut impl Handle,
    shop: &ShopId,
    login: &LoginId,
    now: UtcMillis,
) -> Result<Option<(UserId, UtcMillis)>, StorageError> {
    const STEP: &str = "find a live login";
    const SQL: &str = "SELECT user_id, expires_at FROM logins \
        WHERE shop_id = $1 AND id = $2 AND revoked_at IS NULL AND expires_at > $3";
    let row: Option<(String, i64)> = on_db!(db, |connection| {
        sqlx::query_as(SQL)
            .bind(shop.as_str())
            .bind(login.as_str())
            .bind(now.get())
            .fetch_optional(connection)
            .await
    })
    .during(STEP)?;
    row.map(|(user, expires_at)| {
        let user = UserId::parse(&user).map_err(|cause| StorageError::corrupt(STEP, cause))?;
        Ok((user, UtcMillis::new(expires_at)))
    })
    .transpose()
}

/// Revokes a login; one that is revoked already stays as it is.
pub(super) async fn revoke_login(
    tx: &mut Tx,
    shop: &ShopId,
    login: &LoginId,
    now: UtcMillis,
) -> Result<(), StorageError> {
    const SQL: &str = "UPDATE logins SET revoked_at = $3 \
        WHERE shop_id = $1 AND id = $2 AND revoked_at IS NULL";
    on_db!(tx, |connection| {
        sqlx::query(SQL)
            .bind(shop.as_str())
            .bind(login.as_str())
            .bind(now.get())
            .execute(connection)
            .await
            .map(|_| ())
    })
    .during("revoke a login")
}

/// Revokes all logins of a user.
pub(super) async fn revoke_logins(
    tx: &mut Tx,
    shop: &ShopId,
    user: &UserId,
    now: UtcMillis,
) -> Result<(), StorageError> {
    const SQL: &str = "UPDATE logins SET revoked_at = $3 \
        WHERE shop_id = $1 AND user_id = $2 AND revoked_at IS NULL";
    on_db!(tx, |connection| {
        sqlx::query(SQL)
            .bind(shop.as_str())
            .bind(user.as_str())
            .bind(now.get())
            .execute(connection)
            .await
            .map(|_| ())
    })
    .during("revoke a user's logins")
}

/// Removes the user's logins that have ended, with their tokens.
pub(super) async fn delete_ended_logins(
    tx: &mut Tx,
    shop: &ShopId,
    user: &UserId,
    now: UtcMillis,
) -> Result<(), StorageError> {
    const SQL: &str = "DELETE FROM logins WHERE shop_id = $1 AND user_id = $2 AND expires_at <= $3";
    on_db!(tx, |connection| {
        sqlx::query(SQL)
            .bind(shop.as_str())
            .bind(user.as_str())
            .bind(now.get())
            .execute(connection)
            .await
            .map(|_| ())
    })
    .during("delete a user's ended logins")
}

/// Writes a new refresh token's hash.
pub(super) async fn insert_refresh_token(
    tx: &mut Tx,
    shop: &ShopId,
    login: &LoginId,
    hash: &str,
    expires_at: UtcMillis,
) -> Result<(), StorageError> {
    const SQL: &str = "INSERT INTO refresh_tokens (shop_id, login_id, hash, expires_at) \
        VALUES ($1, $2, $3, $4)";
    on_db!(tx, |connection| {
        sqlx::query(SQL)
            .bind(shop.as_str())
            .bind(login.as_str())
            .bind(hash)
            .bind(expires_at.get())
            .execute(connection)
            .await
            .map(|_| ())
    })
    .during("insert a refresh token")
}

/// Uses up a token that is unused and has not ended; says whose it was. Of two calls at once only one gets
/// it. The hash tells the shop, as a key's does.
pub(super) async fn use_refresh_token(
    tx: &mut Tx,
    hash: &str,
    now: UtcMillis,
) -> Result<Option<(ShopId, LoginId)>, StorageError> {
    const STEP: &str = "use a refresh token";
    const SQL: &str = "UPDATE refresh_tokens SET used_at = $2 \
        WHERE hash = $1 AND used_at IS NULL AND expires_at > $2 RETURNING shop_id, login_id";
    let row: Option<(String, String)> = on_db!(tx, |connection| {
        sqlx::query_as(SQL)
            .bind(hash)
            .bind(now.get())
            .fetch_optional(connection)
            .await
    })
    .during(STEP)?;
    row.map(|row| family(STEP, row)).transpose()
}

/// Whose a token is, used or not, and whether it was used.
pub(super) async fn find_refresh_token(
    db: &mut impl Handle,
    hash: &str,
) -> Result<Option<(ShopId, LoginId, bool)>, StorageError> {
    const STEP: &str = "find a refresh token";
    const SQL: &str = "SELECT shop_id, login_id, used_at FROM refresh_tokens WHERE hash = $1";
    let row: Option<(String, String, Option<i64>)> = on_db!(db, |connection| {
        sqlx::query_as(SQL)
            .bind(hash)
            .fetch_optional(connection)
            .await
    })
    .during(STEP)?;
    row.map(|(shop, login, used_at)| {
        let (shop, login) = family(STEP, (shop, login))?;
        Ok((shop, login, used_at.is_some()))
    })
    .transpose()
}

fn family(
    step: &'static str,
    (shop, login): (String, String),
) -> Result<(ShopId, LoginId), StorageError> {
    let shop = ShopId::parse(&shop).map_err(|cause| StorageError::corrupt(step, cause))?;
    let login = LoginId::parse(&login).map_err(|cause| StorageError::corrupt(step, cause))?;
    Ok((shop, login))
}

/// Removes a login's tokens that have ended, used or not.
pub(super) async fn delete_ended_tokens(
    tx: &mut Tx,
    shop: &ShopId,
    login: &LoginId,
    now: UtcMillis,
) -> Result<(), StorageError> {
    const SQL: &str =
        "DELETE FROM refresh_tokens WHERE shop_id = $1 AND login_id = $2 AND expires_at <= $3";
    on_db!(tx, |connection| {
        sqlx::query(SQL)
            .bind(shop.as_str())
            .bind(login.as_str())
            .bind(now.get())
            .execute(connection)
            .await
            .map(|_| ())
    })
    .during("delete a login's ended tokens")
}

/// The failures that are remembered of a subject, and until when.
pub(super) async fn find_failures(
    db: &mut impl Handle,
    subject: &str,
    now: UtcMillis,
) -> Result<Option<(i64, UtcMillis)>, StorageError> {
    const SQL: &str =
        "SELECT failures, ends_at FROM login_failures WHERE subject = $1 AND ends_at > $2";
    let row: Option<(i64, i64)> = on_db!(db, |connection| {
        sqlx::query_as(SQL)
            .bind(subject)
            .bind(now.get())
            .fetch_optional(connection)
            .await
    })
    .during("find failed logins")?;
    Ok(row.map(|(failures, ends_at)| (failures, UtcMillis::new(ends_at))))
}

/// Counts one more failure of a subject, in a new window where the last has ended; says how many they are
/// and until when.
pub(super) async fn count_failure(
    tx: &mut Tx,
    subject: &str,
    now: UtcMillis,
    ends_at: UtcMillis,
) -> Result<(i64, UtcMillis), StorageError> {
    const SQL: &str = "INSERT INTO login_failures (subject, failures, ends_at) VALUES ($1, 1, $3) \
        ON CONFLICT (subject) DO UPDATE SET \
        failures = CASE WHEN login_failures.ends_at > $2 THEN login_failures.failures + 1 ELSE 1 END, \
        ends_at = CASE WHEN login_failures.ends_at > $2 THEN login_failures.ends_at ELSE $3 END \
        RETURNING failures, ends_at";
    let (failures, ends_at): (i64, i64) = on_db!(tx, |connection| {
        sqlx::query_as(SQL)
            .bind(subject)
            .bind(now.get())
            .bind(ends_at.get())
            .fetch_one(connection)
            .await
    })
    .during("count a failed login")?;
    Ok((failures, UtcMillis::new(ends_at)))
}

/// Forgets a subject's failures.
pub(super) async fn forget_failures(tx: &mut Tx, subject: &str) -> Result<(), StorageError> {
    const SQL: &str = "DELETE FROM login_failures WHERE subject = $1";
    on_db!(tx, |connection| {
        sqlx::query(SQL)
            .bind(subject)
            .execute(connection)
            .await
            .map(|_| ())
    })
    .during("forget failed logins")
}

/// Takes one failure of a subject back.
pub(super) async fn take_back_failure(tx: &mut Tx, subject: &str) -> Result<(), StorageError> {
    const SQL: &str =
        "UPDATE login_failures SET failures = failures - 1 WHERE subject = $1 AND failures > 0";
    on_db!(tx, |connection| {
        sqlx::query(SQL)
            .bind(subject)
            .execute(connection)
            .await
            .map(|_| ())
    })
    .during("take back a failed login")
}

/// Removes what is not remembered any more.
pub(super) async fn sweep_failures(tx: &mut Tx, now: UtcMillis) -> Result<(), StorageError> {
    const SQL: &str = "DELETE FROM login_failures WHERE ends_at <= $1";
    on_db!(tx, |connection| {
        sqlx::query(SQL)
            .bind(now.get())
            .execute(connection)
            .await
            .map(|_| ())
    })
    .during("sweep failed logins")
}
