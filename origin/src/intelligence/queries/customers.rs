//! SQL over customers and the shop's counters.

use std::collections::BTreeMap;

use footfall_shared::id::{CustomerId, ExternalId, ShopId};
use footfall_shared::identity::{Email, EmailHash, FingerprintHash, Geo, IpHash};
use footfall_shared::time::UtcMillis;

use super::super::customers::{Customer, Seen};
use super::parsed;
use crate::db::{During, Handle, ROWS_A_STATEMENT, StorageError, Tx, keep_prepared};
use crate::on_db;
use crate::shops::Shop;

/// A customer's columns; shared by every query that reads one.
#[derive(sqlx::FromRow)]
pub(super) struct CustomerRow {
    id: String,
    number: i64,
    email_hash: String,
    email: String,
    external_id: Option<String>,
    first_name: Option<String>,
    last_name: Option<String>,
    fingerprint: Option<String>,
    ip: Option<String>,
    geo_country: Option<String>,
    geo_city: Option<String>,
    seen_at: Option<i64>,
    version: i64,
    created_at: i64,
    updated_at: i64,
}

impl CustomerRow {
    pub(super) fn into_customer(self) -> Result<Customer, StorageError> {
        const STEP: &str = "read a customer's row";
        let digest = |name: &'static str| move || StorageError::corrupt(STEP, name);
        let hash = EmailHash::parse(&self.email_hash).ok_or_else(digest("email hash"))?;
        let fingerprint = self
            .fingerprint
            .map(|text| FingerprintHash::parse(&text).ok_or_else(digest("fingerprint")))
            .transpose()?;
        let ip = self
            .ip
            .map(|text| IpHash::parse(&text).ok_or_else(digest("address")))
            .transpose()?;
        let seen = Seen {
            fingerprint,
            ip,
            geo: geo_of(self.geo_country, self.geo_city),
            at: self.seen_at.map(UtcMillis::new),
        };
        let mut customer = Customer::stored(
            parsed(STEP, CustomerId::parse(&self.id))?,
            self.number,
            (parsed(STEP, Email::parse("email", &self.email))?, hash),
            seen,
            self.version,
            (
                UtcMillis::new(self.created_at),
                UtcMillis::new(self.updated_at),
            ),
        );
        customer.external_id = self
            .external_id
            .map(|id| parsed(STEP, ExternalId::parse("external_id", &id)))
            .transpose()?;
        customer.first_name = self.first_name;
        customer.last_name = self.last_name;
        Ok(customer)
    }
}

/// Two columns as a place; nothing known is no place.
pub(super) fn geo_of(country: Option<String>, city: Option<String>) -> Option<Geo> {
    (country.is_some() || city.is_some()).then_some(Geo { country, city })
}

/// The customers with these email hashes.
pub(in super::super) async fn find_by_email_hashes(
    tx: &mut Tx,
    shop: &ShopId,
    hashes: &[&str],
) -> Result<Vec<Customer>, StorageError> {
    const SQL: &str = "SELECT id, number, email_hash, email, external_id, first_name, last_name, \
        fingerprint, ip, geo_country, geo_city, seen_at, version, created_at, updated_at \
        FROM customers WHERE shop_id = ";
    let mut found = Vec::with_capacity(hashes.len());
    for chunk in hashes.chunks(ROWS_A_STATEMENT) {
        let rows: Vec<CustomerRow> = on_db!(tx, |connection| {
            let mut sql = sqlx::QueryBuilder::new(SQL);
            sql.push_bind(shop.as_str()).push(" AND email_hash IN ");
            sql.push("(");
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
        .during("find customers by email")?;
        found.extend(rows);
    }
    found.into_iter().map(CustomerRow::into_customer).collect()
}

/// The customers whom these names stand for: the shop's own id of a customer, ours, or the email.
pub async fn find_by_names(
    db: &mut impl Handle,
    shop: &Shop,
    names: &[&str],
) -> Result<Vec<Customer>, StorageError> {
    const SQL: &str = "SELECT id, number, email_hash, email, external_id, first_name, last_name, \
        fingerprint, ip, geo_country, geo_city, seen_at, version, created_at, updated_at \
        FROM customers WHERE shop_id = ";
    let hash = |name: &&str| {
        let email = Email::parse("name", name).ok()?;
        Some(EmailHash::of(&email, &shop.salt))
    };
    let mut found = Vec::with_capacity(names.len());
    for chunk in names.chunks(ROWS_A_STATEMENT) {
        let hashes: Vec<EmailHash> = chunk.iter().filter_map(hash).collect();
        let rows: Vec<CustomerRow> = on_db!(db, |connection| {
            let mut sql = sqlx::QueryBuilder::new(SQL);
            sql.push_bind(shop.id.as_str());
            sql.push(" AND (external_id IN (");
            let mut list = sql.separated(", ");
            for name in chunk {
                list.push_bind(*name);
            }
            sql.push(") OR id IN (");
            let mut list = sql.separated(", ");
            for name in chunk {
                list.push_bind(*name);
            }
            // A list must not be empty; no hash is.
            sql.push(") OR email_hash IN (''");
            for hash in &hashes {
                sql.push(", ").push_bind(hash.as_str());
            }
            sql.push("))")
                .build_query_as()
                .persistent(keep_prepared(chunk.len()))
                .fetch_all(connection)
                .await
        })
        .during("find customers by name")?;
        found.extend(rows);
    }
    found.into_iter().map(CustomerRow::into_customer).collect()
}

/// The customers with these ids.
pub(in super::super) async fn find_by_ids(
    tx: &mut Tx,
    shop: &ShopId,
    ids: &[&str],
) -> Result<Vec<Customer>, StorageError> {
    const SQL: &str = "SELECT id, number, email_hash, email, external_id, first_name, last_name, \
        fingerprint, ip, geo_country, geo_city, seen_at, version, created_at, updated_at \
        FROM customers WHERE shop_id = ";
    let mut found = Vec::with_capacity(ids.len());
    for chunk in ids.chunks(ROWS_A_STATEMENT) {
        let rows: Vec<CustomerRow> = on_db!(tx, |connection| {
            let mut sql = sqlx::QueryBuilder::new(SQL);
            sql.push_bind(shop.as_str()).push(" AND id IN (");
            let mut list = sql.separated(", ");
            for id in chunk {
                list.push_bind(*id);
            }
            sql.push(")")
                .build_query_as()
                .persistent(keep_prepared(chunk.len()))
                .fetch_all(connection)
                .await
        })
        .during("find customers by id")?;
        found.extend(rows);
    }
    found.into_iter().map(CustomerRow::into_customer).collect()
}

/// Writes customers whole. Safe because the caller holds the shop's turn.
pub(in super::super) async fn save(
    tx: &mut Tx,
    shop: &ShopId,
    customers: &[Customer],
) -> Result<(), StorageError> {
    const INSERT: &str = "INSERT INTO customers (shop_id, id, number, email_hash, email, external_id, \
        first_name, last_name, fingerprint, ip, geo_country, geo_city, seen_at, version, created_at, \
        updated_at) ";
    const UPDATE: &str = " ON CONFLICT (shop_id, id) DO UPDATE SET external_id = excluded.external_id, \
        first_name = excluded.first_name, last_name = excluded.last_name, \
        fingerprint = excluded.fingerprint, ip = excluded.ip, geo_country = excluded.geo_country, \
        geo_city = excluded.geo_city, seen_at = excluded.seen_at, version = excluded.version, \
        updated_at = excluded.updated_at";
    for chunk in customers.chunks(ROWS_A_STATEMENT) {
        on_db!(tx, |connection| {
            let mut sql = sqlx::QueryBuilder::new(INSERT);
            sql.push_values(chunk, |mut row, one| {
                let Seen {
                    fingerprint,
                    ip,
                    geo,
                    at,
                } = &one.seen;
                row.push_bind(shop.as_str())
                    .push_bind(one.id.as_str())
                    .push_bind(one.number)
                    .push_bind(one.email_hash.as_str())
                    .push_bind(one.email.as_str())
                    .push_bind(one.external_id.as_ref().map(ExternalId::as_str))
                    .push_bind(one.first_name.as_deref())
                    .push_bind(one.last_name.as_deref())
                    .push_bind(fingerprint.as_ref().map(FingerprintHash::as_str))
                    .push_bind(ip.as_ref().map(IpHash::as_str))
                    .push_bind(geo.as_ref().and_then(|geo| geo.country.as_deref()))
                    .push_bind(geo.as_ref().and_then(|geo| geo.city.as_deref()))
                    .push_bind(at.map(UtcMillis::get))
                    .push_bind(one.version)
                    .push_bind(one.created_at.get())
                    .push_bind(one.updated_at.get());
            });
            sql.push(UPDATE)
                .build()
                .persistent(keep_prepared(chunk.len()))
                .execute(connection)
                .await
                .map(|_| ())
        })
        .during("save customers")?;
    }
    Ok(())
}

/// All customers' ids after `after`, at most `limit` of them: for work that goes through all.
pub(in super::super) async fn list_ids(
    tx: &mut Tx,
    shop: &ShopId,
    after: &str,
    limit: i64,
) -> Result<Vec<CustomerId>, StorageError> {
    const STEP: &str = "list customers";
    const SQL: &str =
        "SELECT id FROM customers WHERE shop_id = $1 AND id > $2 ORDER BY id LIMIT $3";
    let rows: Vec<String> = on_db!(tx, |connection| {
        sqlx::query_scalar(SQL)
            .bind(shop.as_str())
            .bind(after)
            .bind(limit)
            .fetch_all(connection)
            .await
    })
    .during(STEP)?;
    rows.iter()
        .map(|id| parsed(STEP, CustomerId::parse(id)))
        .collect()
}

/// Forgets on which devices customers were seen; the log tells it again.
pub(in super::super) async fn forget_sightings(
    tx: &mut Tx,
    shop: &ShopId,
) -> Result<(), StorageError> {
    const SQL: &str = "UPDATE customers SET fingerprint = NULL, ip = NULL, geo_country = NULL, \
        geo_city = NULL, seen_at = NULL WHERE shop_id = $1";
    on_db!(tx, |connection| {
        sqlx::query(SQL)
            .bind(shop.as_str())
            .execute(connection)
            .await
            .map(|_| ())
    })
    .during("forget where customers were seen")
}

/// Raises a counter of the shop by `by` and returns where it stands then.
pub(in super::super) async fn count_up(
    tx: &mut Tx,
    shop: &ShopId,
    name: &str,
    by: i64,
) -> Result<i64, StorageError> {
    const SQL: &str = "INSERT INTO counters (shop_id, name, value) VALUES ($1, $2, $3) \
        ON CONFLICT (shop_id, name) DO UPDATE SET value = counters.value + excluded.value \
        RETURNING value";
    on_db!(tx, |connection| {
        sqlx::query_scalar(SQL)
            .bind(shop.as_str())
            .bind(name)
            .bind(by)
            .fetch_one(connection)
            .await
    })
    .during("count up")
}

/// The keyed hashes of these customers' emails.
pub async fn find_email_hashes(
    db: &mut impl Handle,
    shop: &ShopId,
    ids: &[&CustomerId],
) -> Result<BTreeMap<CustomerId, EmailHash>, StorageError> {
    const STEP: &str = "find the emails of customers";
    const SQL: &str = "SELECT id, email_hash FROM customers WHERE shop_id = ";
    let mut found = BTreeMap::new();
    for chunk in ids.chunks(ROWS_A_STATEMENT) {
        let rows: Vec<(String, String)> = on_db!(db, |connection| {
            let mut sql = sqlx::QueryBuilder::new(SQL);
            sql.push_bind(shop.as_str()).push(" AND id IN (");
            let mut list = sql.separated(", ");
            for id in chunk {
                list.push_bind(id.as_str());
            }
            sql.push(")")
                .build_query_as()
                .persistent(keep_prepared(chunk.len()))
                .fetch_all(connection)
                .await
        })
        .during(STEP)?;
        for (id, hash) in rows {
            let id = CustomerId::parse(&id).map_err(|cause| StorageError::corrupt(STEP, cause))?;
            let hash =
                EmailHash::parse(&hash).ok_or_else(|| StorageError::corrupt(STEP, "hash"))?;
            found.insert(id, hash);
        }
    }
    Ok(found)
}
