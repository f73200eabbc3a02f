//! SQL over the links between orders and browsers.

use footfall_shared::event::Event;
use footfall_shared::id::{CustomerId, ExternalId, ShopId};
use footfall_shared::identity::{FingerprintHash, IpHash};
use footfall_shared::time::UtcMillis;

use super::super::links::{Link, LinkedDevice};
use crate::db::{During, Handle, ROWS_A_STATEMENT, StorageError, Tx, keep_prepared};
use crate::on_db;

/// Writes a link. Said again, it is the same link, and tells at most what was not known.
pub(in super::super) async fn save_link(
    tx: &mut Tx,
    shop: &ShopId,
    link: &Link<'_>,
) -> Result<(), StorageError> {
    const SQL: &str = "INSERT INTO order_links \
        (shop_id, order_id, anonymous_id, session_id, fingerprint, ip, key_hash, event_id, at) \
        VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9) \
        ON CONFLICT (shop_id, order_id, anonymous_id) DO UPDATE SET \
        session_id = COALESCE(order_links.session_id, excluded.session_id), \
        fingerprint = COALESCE(order_links.fingerprint, excluded.fingerprint), \
        ip = COALESCE(order_links.ip, excluded.ip), \
        key_hash = COALESCE(order_links.key_hash, excluded.key_hash)";
    let Link {
        order,
        anonymous_id,
        key_hash,
        event,
    } = link;
    let Event {
        id,
        at,
        session_id,
        device,
        ..
    } = event;
    on_db!(tx, |connection| {
        sqlx::query(SQL)
            .bind(shop.as_str())
            .bind(order.as_str())
            .bind(*anonymous_id)
            .bind(session_id.as_deref())
            .bind(device.fingerprint.as_ref().map(FingerprintHash::as_str))
            .bind(device.ip.as_ref().map(IpHash::as_str))
            .bind(key_hash.as_deref())
            .bind(id.as_str())
            .bind(at.get())
            .execute(connection)
            .await
            .map(|_| ())
    })
    .during("save an order's link")
}

/// Forgets the shop's links.
pub(in super::super) async fn delete_links(tx: &mut Tx, shop: &ShopId) -> Result<(), StorageError> {
    const SQL: &str = "DELETE FROM order_links WHERE shop_id = $1";
    on_db!(tx, |connection| {
        sqlx::query(SQL)
            .bind(shop.as_str())
            .execute(connection)
            .await
            .map(|_| ())
    })
    .during("forget the orders' links")
}

/// Forgets what browsers said before then.
pub async fn forget_links(
    tx: &mut Tx,
    shop: &ShopId,
    before: UtcMillis,
) -> Result<(), StorageError> {
    const SQL: &str = "DELETE FROM order_links WHERE shop_id = $1 AND at < $2";
    on_db!(tx, |connection| {
        sqlx::query(SQL)
            .bind(shop.as_str())
            .bind(before.get())
            .execute(connection)
            .await
            .map(|_| ())
    })
    .during("forget old links of orders")
}

/// Writes down the hashes of orders' keys, as the shop's server tells them.
pub(in super::super) async fn record_keys(
    tx: &mut Tx,
    shop: &ShopId,
    keys: &[(&ExternalId, String)],
) -> Result<(), StorageError> {
    const SQL: &str = "UPDATE orders SET key_hash = $3 WHERE shop_id = $1 AND order_id = $2";
    for (order, hash) in keys {
        on_db!(tx, |connection| {
            sqlx::query(SQL)
                .bind(shop.as_str())
                .bind(order.as_str())
                .bind(hash)
                .execute(connection)
                .await
                .map(|_| ())
        })
        .during("record an order's key")?;
    }
    Ok(())
}

#[derive(sqlx::FromRow)]
struct LinkRow {
    order_id: String,
    customer_id: String,
    status: String,
    anonymous_id: String,
    session_id: Option<String>,
    fingerprint: Option<String>,
    ip: Option<String>,
    at: i64,
    link_key: Option<String>,
    order_key: Option<String>,
}

/// The devices that say they placed one of these orders, of the orders that are there, in the sequence in
/// which they said so.
pub async fn linked_devices(
    db: &mut impl Handle,
    shop: &ShopId,
    orders: &[&ExternalId],
) -> Result<Vec<LinkedDevice>, StorageError> {
    const SQL: &str = "SELECT l.order_id, o.customer_id, o.status, l.anonymous_id, l.session_id, \
        l.fingerprint, l.ip, l.at, l.key_hash AS link_key, o.key_hash AS order_key \
        FROM order_links l JOIN orders o ON o.shop_id = l.shop_id AND o.order_id = l.order_id \
        WHERE l.shop_id = ";
    let mut devices = Vec::new();
    for chunk in orders.chunks(ROWS_A_STATEMENT) {
        let rows: Vec<LinkRow> = on_db!(db, |connection| {
            let mut sql = sqlx::QueryBuilder::new(SQL);
            sql.push_bind(shop.as_str()).push(" AND l.order_id IN (");
            let mut list = sql.separated(", ");
            for order in chunk {
                list.push_bind(order.as_str());
            }
            sql.push(") ORDER BY l.at, l.order_id, l.anonymous_id")
                .build_query_as()
                .persistent(keep_prepared(chunk.len()))
                .fetch_all(connection)
                .await
        })
        .during("find the devices of orders")?;
        for row in rows {
            devices.push(row.into_device()?);
        }
    }
    Ok(devices)
}

impl LinkRow {
    fn into_device(self) -> Result<LinkedDevice, StorageError> {
        const STEP: &str = "read an order's link";
        let Self {
            order_id,
            customer_id,
            status,
            anonymous_id,
            session_id,
            fingerprint,
            ip,
            at,
            link_key,
            order_key,
        } = self;
        let hash = || StorageError::corrupt(STEP, "a device's hash");
        Ok(LinkedDevice {
            order: ExternalId::parse("order_id", &order_id)
                .map_err(|cause| StorageError::corrupt(STEP, cause))?,
            customer: CustomerId::parse(&customer_id)
                .map_err(|cause| StorageError::corrupt(STEP, cause))?,
            status,
            anonymous_id,
            session_id,
            fingerprint: fingerprint
                .map(|text| FingerprintHash::parse(&text).ok_or_else(hash))
                .transpose()?,
            ip: ip
                .map(|text| IpHash::parse(&text).ok_or_else(hash))
                .transpose()?,
            at: UtcMillis::new(at),
            has_key: order_key.is_some(),
            proven: order_key.is_some() && order_key == link_key,
        })
    }
}
