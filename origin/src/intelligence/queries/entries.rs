//! The one statement that reads everything an edge holds of customers, so that it is of one moment.

use footfall_shared::id::ShopId;
use footfall_shared::offers::Offer;
use footfall_shared::profile::Profile;

use super::super::customers::Customer;
use super::customers::CustomerRow;
use super::parsed;
use crate::db::{During, Handle, ROWS_A_STATEMENT, StorageError, keep_prepared};
use crate::on_db;

#[derive(sqlx::FromRow)]
struct EntryRow {
    #[sqlx(flatten)]
    customer: CustomerRow,
    profile: Option<String>,
    offer: Option<String>,
}

/// A customer with profile and latest offer.
pub(in super::super) type Whole = (Customer, Option<Profile>, Option<Offer>);

/// The customers with these email hashes, with profile and latest offer.
pub(in super::super) async fn find_whole(
    db: &mut impl Handle,
    shop: &ShopId,
    hashes: &[&str],
) -> Result<Vec<Whole>, StorageError> {
    const STEP: &str = "find customers' entries";
    const SQL: &str = "SELECT c.id, c.number, c.email_hash, c.email, c.external_id, c.first_name, \
        c.last_name, c.fingerprint, c.ip, c.geo_country, c.geo_city, c.seen_at, c.version, c.created_at, \
        c.updated_at, p.body AS profile, o.body AS offer FROM customers c \
        LEFT JOIN profiles p ON p.shop_id = c.shop_id AND p.customer_id = c.id \
        LEFT JOIN offers o ON o.shop_id = c.shop_id AND o.id = (SELECT l.id FROM offers l \
            WHERE l.shop_id = c.shop_id AND l.customer_id = c.id \
            ORDER BY l.created_at DESC, l.number DESC LIMIT 1) \
        WHERE c.shop_id = ";
    let mut found = Vec::with_capacity(hashes.len());
    for chunk in hashes.chunks(ROWS_A_STATEMENT) {
        let rows: Vec<EntryRow> = on_db!(db, |connection| {
            let mut sql = sqlx::QueryBuilder::new(SQL);
            sql.push_bind(shop.as_str()).push(" AND c.email_hash IN (");
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
        .during(STEP)?;
        for EntryRow {
            customer,
            profile,
            offer,
        } in rows
        {
            let profile = profile.map(|body| parsed(STEP, serde_json::from_str(&body)));
            let offer = offer.map(|body| parsed(STEP, serde_json::from_str(&body)));
            found.push((
                customer.into_customer()?,
                profile.transpose()?,
                offer.transpose()?,
            ));
        }
    }
    Ok(found)
}
