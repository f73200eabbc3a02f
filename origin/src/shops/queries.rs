//! All SQL over shops. That over keys, users and products is in files of its own.

use footfall_shared::id::ShopId;
use footfall_shared::identity::Salt;
use footfall_shared::money::Currency;
use footfall_shared::shop::ShopSettings;
use footfall_shared::time::UtcMillis;
use jiff::tz::TimeZone;

use super::shop::Shop;
use crate::db::{During, Handle, StorageError, Tx};
use crate::on_db;

/// A shop's row.
#[derive(sqlx::FromRow)]
pub(super) struct ShopRow {
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
    /// The shop; fails loudly on a row that nobody of us has written.
    pub(super) fn into_shop(self) -> Result<Shop, StorageError> {
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

/// Replaces a shop's settings; false where there is no such shop.
pub(super) async fn update_settings(
    tx: &mut Tx,
    shop: &ShopId,
    settings: &ShopSettings,
) -> Result<bool, StorageError> {
    const STEP: &str = "replace a shop's settings";
    const SQL: &str = "UPDATE shops SET settings = $2 WHERE id = $1 RETURNING id";
    let settings =
        serde_json::to_string(settings).map_err(|cause| StorageError::corrupt(STEP, cause))?;
    let updated: Option<String> = on_db!(tx, |connection| {
        sqlx::query_scalar(SQL)
            .bind(shop.as_str())
            .bind(settings)
            .fetch_optional(connection)
            .await
    })
    .during(STEP)?;
    Ok(updated.is_some())
}
