//! All SQL over keys.

use footfall_shared::id::{KeyId, ShopId};
use footfall_shared::keys::{ApiKey, KeyKind};
use footfall_shared::permission::Scopes;
use footfall_shared::time::UtcMillis;

use super::queries::ShopRow;
use super::shop::Shop;
use crate::db::{During, Handle, StorageError, Tx};
use crate::on_db;

/// A key as it may be shown: without its hash.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeyRecord {
    /// Its id, to revoke it by.
    pub id: String,
    /// `publishable` or `secret`.
    pub kind: String,
    /// What its owner calls it.
    pub label: String,
    /// What it may be used for; a publishable key has everything that its kind has.
    pub scopes: Scopes,
    /// When it was made, epoch milliseconds.
    pub created_at: i64,
    /// When it ends, because another took its place.
    pub expires_at: Option<i64>,
    /// Since when it opens nothing.
    pub revoked_at: Option<i64>,
}

/// What a live key may do and until when.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct KeyGrant {
    /// For pages, or for servers.
    pub kind: KeyKind,
    /// What it may be used for.
    pub scopes: Scopes,
    /// When it ends.
    pub expires_at: Option<UtcMillis>,
}

/// The shop of a live key, the key's scopes, and its id. The stored kind must be what the key's prefix says.
pub async fn find_by_key(
    db: &mut impl Handle,
    key: &ApiKey,
    now: UtcMillis,
) -> Result<Option<(Shop, Scopes, String)>, StorageError> {
    let found = find_by_key_hash(db, &key.hash, now).await?;
    Ok(found
        .filter(|(_, grant, _)| grant.kind == key.kind)
        .map(|(shop, grant, id)| (shop, grant.scopes, id)))
}

/// The shop of a live key, what the key may, and its id, by the key's hash.
pub(super) async fn find_by_key_hash(
    db: &mut impl Handle,
    hash: &str,
    now: UtcMillis,
) -> Result<Option<(Shop, KeyGrant, String)>, StorageError> {
    const STEP: &str = "find a shop by a key";
    const SQL: &str = "SELECT s.id, s.slug, s.name, s.timezone, s.currency, s.settings, s.salt, \
        s.identity_secret, k.id AS key_id, k.kind, k.scopes, k.expires_at \
        FROM keys k JOIN shops s ON s.id = k.shop_id \
        WHERE k.hash = $1 AND k.revoked_at IS NULL AND (k.expires_at IS NULL OR k.expires_at > $2)";
    let row: Option<GrantRow> = on_db!(db, |connection| {
        sqlx::query_as(SQL)
            .bind(hash)
            .bind(now.get())
            .fetch_optional(connection)
            .await
    })
    .during(STEP)?;
    let Some(row) = row else { return Ok(None) };
    let grant = KeyGrant {
        kind: parse_kind(STEP, &row.kind)?,
        scopes: parse_scopes(STEP, row.scopes.as_deref())?,
        expires_at: row.expires_at.map(UtcMillis::new),
    };
    Ok(Some((row.shop.into_shop()?, grant, row.key_id)))
}

#[derive(sqlx::FromRow)]
struct GrantRow {
    #[sqlx(flatten)]
    shop: ShopRow,
    key_id: String,
    kind: String,
    scopes: Option<String>,
    expires_at: Option<i64>,
}

fn parse_kind(step: &'static str, text: &str) -> Result<KeyKind, StorageError> {
    [KeyKind::Publishable, KeyKind::Secret]
        .into_iter()
        .find(|kind| kind.as_str() == text)
        .ok_or_else(|| StorageError::corrupt(step, "unknown kind of key"))
}

fn parse_scopes(step: &'static str, json: Option<&str>) -> Result<Scopes, StorageError> {
    let corrupt = |cause| StorageError::corrupt(step, cause);
    let Some(json) = json else {
        return Ok(Scopes::ALL);
    };
    let texts: Vec<String> =
        serde_json::from_str(json).map_err(|cause| StorageError::corrupt(step, cause))?;
    Scopes::parse("scopes", &texts).map_err(corrupt)
}

/// A new key, as it is written.
pub(super) struct NewKey<'a> {
    /// Its id.
    pub(super) id: &'a KeyId,
    /// Its kind and hash.
    pub(super) key: &'a ApiKey,
    /// What it may be used for.
    pub(super) scopes: Scopes,
    /// What its owner calls it.
    pub(super) label: &'a str,
}

/// Writes a new key's hash.
pub(super) async fn insert_key(
    tx: &mut Tx,
    shop: &ShopId,
    new: NewKey<'_>,
    now: UtcMillis,
) -> Result<(), StorageError> {
    const STEP: &str = "insert a key";
    const SQL: &str = "INSERT INTO keys (shop_id, id, kind, hash, label, scopes, created_at) \
        VALUES ($1, $2, $3, $4, $5, $6, $7)";
    let NewKey {
        id,
        key,
        scopes,
        label,
    } = new;
    let limited = (scopes != Scopes::ALL).then(|| serde_json::to_string(&scopes));
    let scopes = limited
        .transpose()
        .map_err(|cause| StorageError::corrupt(STEP, cause))?;
    on_db!(tx, |connection| {
        sqlx::query(SQL)
            .bind(shop.as_str())
            .bind(id.as_str())
            .bind(key.kind.as_str())
            .bind(&key.hash)
            .bind(label)
            .bind(scopes)
            .bind(now.get())
            .execute(connection)
            .await
            .map(|_| ())
    })
    .during(STEP)
}

type KeyRow = (
    String,
    String,
    String,
    Option<String>,
    i64,
    Option<i64>,
    Option<i64>,
);

fn into_record(step: &'static str, row: KeyRow) -> Result<KeyRecord, StorageError> {
    let (id, kind, label, scopes, created_at, expires_at, revoked_at) = row;
    Ok(KeyRecord {
        id,
        kind,
        label,
        scopes: parse_scopes(step, scopes.as_deref())?,
        created_at,
        expires_at,
        revoked_at,
    })
}

/// The shop's keys in the order they were made.
pub async fn list_keys(
    db: &mut impl Handle,
    shop: &ShopId,
) -> Result<Vec<KeyRecord>, StorageError> {
    const STEP: &str = "list a shop's keys";
    const SQL: &str = "SELECT id, kind, label, scopes, created_at, expires_at, revoked_at \
        FROM keys WHERE shop_id = $1 ORDER BY created_at, id";
    let rows: Vec<KeyRow> = on_db!(db, |connection| {
        sqlx::query_as(SQL)
            .bind(shop.as_str())
            .fetch_all(connection)
            .await
    })
    .during(STEP)?;
    rows.into_iter().map(|row| into_record(STEP, row)).collect()
}

/// A key of the shop.
pub(super) async fn find_key(
    db: &mut impl Handle,
    shop: &ShopId,
    id: &KeyId,
) -> Result<Option<KeyRecord>, StorageError> {
    const STEP: &str = "find a key";
    const SQL: &str = "SELECT id, kind, label, scopes, created_at, expires_at, revoked_at \
        FROM keys WHERE shop_id = $1 AND id = $2";
    let row: Option<KeyRow> = on_db!(db, |connection| {
        sqlx::query_as(SQL)
            .bind(shop.as_str())
            .bind(id.as_str())
            .fetch_optional(connection)
            .await
    })
    .during(STEP)?;
    row.map(|row| into_record(STEP, row)).transpose()
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

/// Sets the end of a live key that has none and returns its kind and hash; `None` where the shop has no
/// such key.
pub(super) async fn expire_key(
    tx: &mut Tx,
    shop: &ShopId,
    id: &KeyId,
    expires_at: UtcMillis,
) -> Result<Option<(KeyKind, String)>, StorageError> {
    const STEP: &str = "set the end of a key";
    const SQL: &str = "UPDATE keys SET expires_at = $3 \
        WHERE shop_id = $1 AND id = $2 AND revoked_at IS NULL AND expires_at IS NULL \
        RETURNING kind, hash";
    let row: Option<(String, String)> = on_db!(tx, |connection| {
        sqlx::query_as(SQL)
            .bind(shop.as_str())
            .bind(id.as_str())
            .bind(expires_at.get())
            .fetch_optional(connection)
            .await
    })
    .during(STEP)?;
    row.map(|(kind, hash)| Ok((parse_kind(STEP, &kind)?, hash)))
        .transpose()
}
