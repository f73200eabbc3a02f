//! SQL over devices.

use std::collections::BTreeMap;

use footfall_shared::id::ShopId;
use footfall_shared::identity::{DeviceKey, EmailHash, Trust};
use footfall_shared::intelligence::Owner;
use footfall_shared::time::UtcMillis;

use super::super::devices::KnownDevice;
use super::customers::geo_of;
use crate::db::{During, Handle, ROWS_A_STATEMENT, StorageError, Tx, keep_prepared};
use crate::on_db;

#[derive(sqlx::FromRow)]
struct DeviceRow {
    kind: String,
    hash: String,
    email_hash: Option<String>,
    trust: Option<String>,
    version: i64,
    visit_count: i64,
    geo_country: Option<String>,
    geo_city: Option<String>,
    first_seen: i64,
    last_seen: i64,
    reset_at: i64,
}

impl DeviceRow {
    fn into_device(self) -> Result<(DeviceKey, KnownDevice), StorageError> {
        const STEP: &str = "read a device's row";
        let corrupt = |what: &'static str| move || StorageError::corrupt(STEP, what);
        let key = DeviceKey::parse(&self.kind, &self.hash).ok_or_else(corrupt("key"))?;
        let owner = match (self.email_hash, self.trust.as_deref()) {
            (None, Some(SHARED)) => Some(Owner::Shared),
            (Some(email), Some(trust)) => Some(Owner::Person {
                email_hash: EmailHash::parse(&email).ok_or_else(corrupt("email hash"))?,
                trust: parse_trust(trust).ok_or_else(corrupt("trust"))?,
            }),
            _ => None,
        };
        let device = KnownDevice {
            owner,
            version: self.version,
            visit_count: self.visit_count,
            geo: geo_of(self.geo_country, self.geo_city),
            first_seen: UtcMillis::new(self.first_seen),
            last_seen: UtcMillis::new(self.last_seen),
            reset_at: UtcMillis::new(self.reset_at),
        };
        Ok((key, device))
    }
}

/// What stands for the trust of a key that two people share.
const SHARED: &str = "shared";

fn trust_text(trust: Trust) -> &'static str {
    match trust {
        Trust::Address => "address",
        Trust::Claimed => "claimed",
        Trust::Verified => "verified",
    }
}

/// A device's state in a word.
pub(in super::super) fn state_text(owner: Option<&Owner>) -> &'static str {
    match owner {
        Some(Owner::Person { trust, .. }) => trust_text(*trust),
        Some(Owner::Shared) => SHARED,
        None => "unknown",
    }
}

fn parse_trust(text: &str) -> Option<Trust> {
    [Trust::Address, Trust::Claimed, Trust::Verified]
        .into_iter()
        .find(|trust| trust_text(*trust) == text)
}

/// The stored ones of these devices.
pub(in super::super) async fn find_devices(
    db: &mut impl Handle,
    shop: &ShopId,
    keys: &[DeviceKey],
) -> Result<BTreeMap<DeviceKey, KnownDevice>, StorageError> {
    const SQL: &str = "SELECT kind, hash, email_hash, trust, version, visit_count, geo_country, geo_city, \
        first_seen, last_seen, reset_at FROM devices WHERE shop_id = ";
    let mut found = BTreeMap::new();
    for kind in DeviceKey::KINDS {
        let hashes: Vec<&str> = keys
            .iter()
            .map(DeviceKey::parts)
            .filter(|(of, _)| *of == kind)
            .map(|(_, hash)| hash)
            .collect();
        for chunk in hashes.chunks(ROWS_A_STATEMENT) {
            let rows: Vec<DeviceRow> = on_db!(db, |connection| {
                let mut sql = sqlx::QueryBuilder::new(SQL);
                sql.push_bind(shop.as_str())
                    .push(" AND kind = ")
                    .push_bind(kind)
                    .push(" AND hash IN (");
                let mut list = sql.separated(", ");
                for hash in chunk {
                    list.push_bind(*hash);
                }
                sql.push(")")
                    .build_query_as()
                    .persistent(keep_prepared(chunk.len()))
                    .fetch_all(connection)
                    .await
            })
            .during("find devices")?;
            for row in rows {
                let (key, device) = row.into_device()?;
                found.insert(key, device);
            }
        }
    }
    Ok(found)
}

/// Writes devices whole. Safe because the caller holds the shop's turn.
pub(in super::super) async fn save_devices(
    tx: &mut Tx,
    shop: &ShopId,
    devices: &BTreeMap<DeviceKey, KnownDevice>,
) -> Result<(), StorageError> {
    const INSERT: &str = "INSERT INTO devices (shop_id, kind, hash, email_hash, trust, version, \
        visit_count, geo_country, geo_city, first_seen, last_seen, reset_at) ";
    const UPDATE: &str = " ON CONFLICT (shop_id, kind, hash) DO UPDATE SET \
        email_hash = excluded.email_hash, trust = excluded.trust, version = excluded.version, \
        visit_count = excluded.visit_count, geo_country = excluded.geo_country, \
        geo_city = excluded.geo_city, first_seen = excluded.first_seen, last_seen = excluded.last_seen, \
        reset_at = excluded.reset_at";
    let devices: Vec<(&DeviceKey, &KnownDevice)> = devices.iter().collect();
    for chunk in devices.chunks(ROWS_A_STATEMENT) {
        on_db!(tx, |connection| {
            let mut sql = sqlx::QueryBuilder::new(INSERT);
            sql.push_values(chunk, |mut row, (key, device)| {
                let (kind, hash) = key.parts();
                let KnownDevice {
                    owner,
                    version,
                    visit_count,
                    geo,
                    first_seen,
                    last_seen,
                    reset_at,
                } = device;
                let (email, trust) = match owner {
                    Some(Owner::Person { email_hash, trust }) => {
                        (Some(email_hash.as_str()), Some(trust_text(*trust)))
                    }
                    Some(Owner::Shared) => (None, Some(SHARED)),
                    None => (None, None),
                };
                row.push_bind(shop.as_str())
                    .push_bind(kind)
                    .push_bind(hash)
                    .push_bind(email)
                    .push_bind(trust)
                    .push_bind(*version)
                    .push_bind(*visit_count)
                    .push_bind(geo.as_ref().and_then(|geo| geo.country.as_deref()))
                    .push_bind(geo.as_ref().and_then(|geo| geo.city.as_deref()))
                    .push_bind(first_seen.get())
                    .push_bind(last_seen.get())
                    .push_bind(reset_at.get());
            });
            sql.push(UPDATE)
                .build()
                .persistent(keep_prepared(chunk.len()))
                .execute(connection)
                .await
                .map(|_| ())
        })
        .during("save devices")?;
    }
    Ok(())
}

/// Forgets who was seen on the shop's devices; the log tells it again. The versions stay, so that an edge
/// takes what is told then.
pub(in super::super) async fn forget_devices(
    tx: &mut Tx,
    shop: &ShopId,
) -> Result<(), StorageError> {
    const SQL: &str = "UPDATE devices SET email_hash = NULL, trust = NULL, visit_count = 0, \
        geo_country = NULL, geo_city = NULL WHERE shop_id = $1";
    on_db!(tx, |connection| {
        sqlx::query(SQL)
            .bind(shop.as_str())
            .execute(connection)
            .await
            .map(|_| ())
    })
    .during("forget devices")
}

/// The devices that recognize a customer, or without one those that two people share; at most 500, those
/// seen last first.
pub(in super::super) async fn list_devices(
    db: &mut impl Handle,
    shop: &ShopId,
    owner: Option<&EmailHash>,
) -> Result<Vec<(DeviceKey, KnownDevice)>, StorageError> {
    const SQL: &str = "SELECT kind, hash, email_hash, trust, version, visit_count, geo_country, geo_city, \
        first_seen, last_seen, reset_at FROM devices WHERE shop_id = $1 AND (email_hash = $2 \
        OR (trust = 'shared' AND $2 IS NULL)) ORDER BY last_seen DESC, kind, hash LIMIT 500";
    let rows: Vec<DeviceRow> = on_db!(db, |connection| {
        sqlx::query_as(SQL)
            .bind(shop.as_str())
            .bind(owner.map(EmailHash::as_str))
            .fetch_all(connection)
            .await
    })
    .during("list devices")?;
    rows.into_iter().map(DeviceRow::into_device).collect()
}

/// Deletes these devices, and those that recognize a customer; their keys with the versions they had.
pub(in super::super) async fn delete_devices(
    tx: &mut Tx,
    shop: &ShopId,
    owner: &EmailHash,
    keys: &[DeviceKey],
) -> Result<Vec<(DeviceKey, i64)>, StorageError> {
    const STEP: &str = "forget the devices of a customer";
    const OWNED: &str = "DELETE FROM devices WHERE shop_id = $1 AND email_hash = $2 \
        RETURNING kind, hash, version";
    const ONE: &str = "DELETE FROM devices WHERE shop_id = $1 AND kind = $2 AND hash = $3 \
        RETURNING kind, hash, version";
    let mut rows: Vec<(String, String, i64)> = on_db!(tx, |connection| {
        sqlx::query_as(OWNED)
            .bind(shop.as_str())
            .bind(owner.as_str())
            .fetch_all(connection)
            .await
    })
    .during(STEP)?;
    for key in keys {
        let (kind, hash) = key.parts();
        let found: Vec<(String, String, i64)> = on_db!(tx, |connection| {
            sqlx::query_as(ONE)
                .bind(shop.as_str())
                .bind(kind)
                .bind(hash)
                .fetch_all(connection)
                .await
        })
        .during(STEP)?;
        rows.extend(found);
    }
    rows.into_iter().map(key_and_version).collect()
}

fn key_and_version(
    (kind, hash, version): (String, String, i64),
) -> Result<(DeviceKey, i64), StorageError> {
    let key = DeviceKey::parse(&kind, &hash);
    let key = key.ok_or_else(|| StorageError::corrupt("read a device's key", "key"))?;
    Ok((key, version))
}

/// Deletes devices that were not seen since `before`, at most `limit`; their keys with the versions they had.
pub(in super::super) async fn delete_unseen(
    tx: &mut Tx,
    shop: &ShopId,
    before: UtcMillis,
    limit: i64,
) -> Result<Vec<(DeviceKey, i64)>, StorageError> {
    const STEP: &str = "forget devices that were not seen";
    const SQL: &str = "DELETE FROM devices WHERE shop_id = $1 AND (kind, hash) IN \
        (SELECT kind, hash FROM devices WHERE shop_id = $1 AND last_seen < $2 LIMIT $3) \
        RETURNING kind, hash, version";
    let rows: Vec<(String, String, i64)> = on_db!(tx, |connection| {
        sqlx::query_as(SQL)
            .bind(shop.as_str())
            .bind(before.get())
            .bind(limit)
            .fetch_all(connection)
            .await
    })
    .during(STEP)?;
    rows.into_iter().map(key_and_version).collect()
}
