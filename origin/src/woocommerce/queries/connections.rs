//! SQL over connections.

use footfall_shared::id::ShopId;
use footfall_shared::time::UtcMillis;

use super::super::connection::{ApiAccess, Connection, Secret, ShopUrl};
use crate::db::{During, Handle, StorageError, Tx};
use crate::on_db;

/// Sets or replaces the webhooks' secret.
pub(in super::super) async fn save_webhook_secret(
    tx: &mut Tx,
    shop: &ShopId,
    secret: &Secret,
    now: UtcMillis,
) -> Result<(), StorageError> {
    const SQL: &str = "INSERT INTO woocommerce_connections \
        (shop_id, webhook_secret, next_run_at, updated_at) VALUES ($1, $2, $3, $3) \
        ON CONFLICT (shop_id) DO UPDATE SET webhook_secret = excluded.webhook_secret, \
        updated_at = excluded.updated_at";
    on_db!(tx, |connection| {
        sqlx::query(SQL)
            .bind(shop.as_str())
            .bind(secret.reveal())
            .bind(now.get())
            .execute(connection)
            .await
            .map(|_| ())
    })
    .during("save a webhook's secret")
}

/// Sets or replaces the way to the shop's API.
pub(in super::super) async fn save_api(
    tx: &mut Tx,
    shop: &ShopId,
    access: &ApiAccess,
    now: UtcMillis,
) -> Result<(), StorageError> {
    const SQL: &str = "INSERT INTO woocommerce_connections \
        (shop_id, url, consumer_key, consumer_secret, next_run_at, updated_at) \
        VALUES ($1, $2, $3, $4, $5, $5) \
        ON CONFLICT (shop_id) DO UPDATE SET url = excluded.url, consumer_key = excluded.consumer_key, \
        consumer_secret = excluded.consumer_secret, next_run_at = excluded.next_run_at, \
        updated_at = excluded.updated_at";
    let ApiAccess {
        url,
        consumer_key,
        consumer_secret,
    } = access;
    on_db!(tx, |connection| {
        sqlx::query(SQL)
            .bind(shop.as_str())
            .bind(url.as_str())
            .bind(consumer_key.reveal())
            .bind(consumer_secret.reveal())
            .bind(now.get())
            .execute(connection)
            .await
            .map(|_| ())
    })
    .during("save the way to a shop's API")
}

type Row = (
    Option<String>,
    Option<String>,
    Option<String>,
    Option<String>,
);

/// The shop's connection.
pub async fn find_connection(
    db: &mut impl Handle,
    shop: &ShopId,
) -> Result<Option<Connection>, StorageError> {
    const SQL: &str = "SELECT webhook_secret, url, consumer_key, consumer_secret \
        FROM woocommerce_connections WHERE shop_id = $1";
    let row: Option<Row> = on_db!(db, |connection| {
        sqlx::query_as(SQL)
            .bind(shop.as_str())
            .fetch_optional(connection)
            .await
    })
    .during("find a connection")?;
    row.map(into_connection).transpose()
}

fn into_connection((webhook, url, key, secret): Row) -> Result<Connection, StorageError> {
    let corrupt = |cause| StorageError::corrupt("read a connection", cause);
    let webhook_secret = webhook.map(|text| Secret::parse("webhook_secret", &text));
    let webhook_secret = webhook_secret.transpose().map_err(corrupt)?;
    let api = match (url, key, secret) {
        (Some(url), Some(key), Some(secret)) => Some(ApiAccess {
            url: ShopUrl::parse(&url).map_err(corrupt)?,
            consumer_key: Secret::parse("consumer_key", &key).map_err(corrupt)?,
            consumer_secret: Secret::parse("consumer_secret", &secret).map_err(corrupt)?,
        }),
        _ => None,
    };
    Ok(Connection {
        webhook_secret,
        api,
    })
}

/// Forgets a connection and its secrets; whether there was one.
pub async fn disconnect(tx: &mut Tx, shop: &ShopId) -> Result<bool, StorageError> {
    const SQL: &str = "DELETE FROM woocommerce_connections WHERE shop_id = $1 RETURNING shop_id";
    let gone: Option<String> = on_db!(tx, |connection| {
        sqlx::query_scalar(SQL)
            .bind(shop.as_str())
            .fetch_optional(connection)
            .await
    })
    .during("forget a connection")?;
    Ok(gone.is_some())
}

/// Shops whose reading is due. The schedule works for all shops at once, so this one does not begin with a
/// shop.
pub(in super::super) async fn find_due(
    db: &mut impl Handle,
    now: UtcMillis,
) -> Result<Vec<ShopId>, StorageError> {
    const STEP: &str = "find the shops to read";
    const SQL: &str = "SELECT shop_id FROM woocommerce_connections \
        WHERE url IS NOT NULL AND next_run_at <= $1 ORDER BY next_run_at, shop_id";
    let ids: Vec<String> = on_db!(db, |connection| {
        sqlx::query_scalar(SQL)
            .bind(now.get())
            .fetch_all(connection)
            .await
    })
    .during(STEP)?;
    let parse = |id: String| ShopId::parse(&id).map_err(|cause| StorageError::corrupt(STEP, cause));
    ids.into_iter().map(parse).collect()
}

/// Takes on a due reading and sets the next; false where another node was quicker.
pub(in super::super) async fn claim(
    tx: &mut Tx,
    shop: &ShopId,
    now: UtcMillis,
    next: UtcMillis,
) -> Result<bool, StorageError> {
    const SQL: &str = "UPDATE woocommerce_connections SET next_run_at = $3 \
        WHERE shop_id = $1 AND url IS NOT NULL AND next_run_at <= $2 RETURNING shop_id";
    let claimed: Option<String> = on_db!(tx, |connection| {
        sqlx::query_scalar(SQL)
            .bind(shop.as_str())
            .bind(now.get())
            .bind(next.get())
            .fetch_optional(connection)
            .await
    })
    .during("take on a reading")?;
    Ok(claimed.is_some())
}
