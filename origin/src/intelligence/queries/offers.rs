//! SQL over offers. The body is the shared offer; the columns beside it are what statements ask for.

use footfall_shared::id::{CustomerId, OfferId, ShopId};
use footfall_shared::offers::Offer;
use footfall_shared::profile::Profile;
use footfall_shared::time::UtcMillis;

use super::parsed;
use crate::db::{During, Handle, ROWS_A_STATEMENT, StorageError, Tx, keep_prepared};
use crate::on_db;

/// An offer and whose it is.
pub(in super::super) type Owned = (CustomerId, Offer);

fn owned(rows: Vec<(String, String)>) -> Result<Vec<Owned>, StorageError> {
    const STEP: &str = "read an offer's row";
    rows.into_iter()
        .map(|(customer, body)| {
            Ok((
                parsed(STEP, CustomerId::parse(&customer))?,
                parsed(STEP, serde_json::from_str(&body))?,
            ))
        })
        .collect()
}

/// An offer by its id, with the profile that it was decided on.
pub(in super::super) async fn find_decided(
    db: &mut impl Handle,
    shop: &ShopId,
    id: &str,
) -> Result<Option<(Offer, Option<Profile>)>, StorageError> {
    const STEP: &str = "find a decided offer";
    const SQL: &str = "SELECT body, decided_on FROM offers WHERE shop_id = $1 AND id = $2";
    let row: Option<(String, Option<String>)> = on_db!(db, |connection| {
        sqlx::query_as(SQL)
            .bind(shop.as_str())
            .bind(id)
            .fetch_optional(connection)
            .await
    })
    .during(STEP)?;
    let Some((offer, profile)) = row else {
        return Ok(None);
    };
    let profile = profile.map(|body| serde_json::from_str(&body)).transpose();
    Ok(Some((
        parsed(STEP, serde_json::from_str(&offer))?,
        parsed(STEP, profile)?,
    )))
}

/// Writes a new offer; false where the customer has an active one already.
pub(in super::super) async fn insert_offer(
    tx: &mut Tx,
    shop: &ShopId,
    customer: &CustomerId,
    offer: &Offer,
    decided_on: &Profile,
    now: UtcMillis,
) -> Result<bool, StorageError> {
    const STEP: &str = "insert an offer";
    const SQL: &str = "INSERT INTO offers (shop_id, id, number, customer_id, status, body, created_at, \
        expires_at, viewed_at, responded_at, updated_at, decided_on) \
        VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12) \
        ON CONFLICT (shop_id, customer_id) WHERE status IN ('pending', 'viewed', 'added_to_cart') \
        DO NOTHING RETURNING id";
    let body = parsed(STEP, serde_json::to_string(offer))?;
    let decided_on = parsed(STEP, serde_json::to_string(decided_on))?;
    let inserted: Option<String> = on_db!(tx, |connection| {
        sqlx::query_scalar(SQL)
            .bind(shop.as_str())
            .bind(offer.id.as_str())
            .bind(offer.number)
            .bind(customer.as_str())
            .bind(offer.status.as_str())
            .bind(&body)
            .bind(offer.created_at.get())
            .bind(offer.expires_at.get())
            .bind(offer.viewed_at.map(UtcMillis::get))
            .bind(offer.responded_at.map(UtcMillis::get))
            .bind(now.get())
            .bind(&decided_on)
            .fetch_optional(connection)
            .await
    })
    .during(STEP)?;
    Ok(inserted.is_some())
}

/// Writes where an offer stands now.
pub(in super::super) async fn update_offer(
    tx: &mut Tx,
    shop: &ShopId,
    offer: &Offer,
    now: UtcMillis,
) -> Result<(), StorageError> {
    const STEP: &str = "update an offer";
    const SQL: &str = "UPDATE offers SET status = $3, body = $4, viewed_at = $5, responded_at = $6, \
        updated_at = $7 WHERE shop_id = $1 AND id = $2";
    let body = parsed(STEP, serde_json::to_string(offer))?;
    on_db!(tx, |connection| {
        sqlx::query(SQL)
            .bind(shop.as_str())
            .bind(offer.id.as_str())
            .bind(offer.status.as_str())
            .bind(&body)
            .bind(offer.viewed_at.map(UtcMillis::get))
            .bind(offer.responded_at.map(UtcMillis::get))
            .bind(now.get())
            .execute(connection)
            .await
            .map(|_| ())
    })
    .during(STEP)
}

/// The offer with this id, and whose it is.
pub(in super::super) async fn find_by_id(
    db: &mut impl Handle,
    shop: &ShopId,
    id: &OfferId,
) -> Result<Option<Owned>, StorageError> {
    const SQL: &str = "SELECT customer_id, body FROM offers WHERE shop_id = $1 AND id = $2";
    let rows = on_db!(db, |connection| {
        sqlx::query_as(SQL)
            .bind(shop.as_str())
            .bind(id.as_str())
            .fetch_all(connection)
            .await
    })
    .during("find an offer by its id")?;
    Ok(owned(rows)?.pop())
}

/// The offer with this number, and whose it is.
pub(in super::super) async fn find_by_number(
    db: &mut impl Handle,
    shop: &ShopId,
    number: i64,
) -> Result<Option<Owned>, StorageError> {
    const SQL: &str = "SELECT customer_id, body FROM offers WHERE shop_id = $1 AND number = $2";
    let rows = on_db!(db, |connection| {
        sqlx::query_as(SQL)
            .bind(shop.as_str())
            .bind(number)
            .fetch_all(connection)
            .await
    })
    .during("find an offer by its number")?;
    Ok(owned(rows)?.pop())
}

/// The open offers of these customers, whether or not their time has run out.
pub(in super::super) async fn find_open(
    db: &mut impl Handle,
    shop: &ShopId,
    customers: &[CustomerId],
) -> Result<Vec<Owned>, StorageError> {
    const SQL: &str = "SELECT customer_id, body FROM offers \
        WHERE status IN ('pending', 'viewed', 'added_to_cart') AND shop_id = ";
    let mut found = Vec::new();
    for chunk in customers.chunks(ROWS_A_STATEMENT) {
        let rows: Vec<(String, String)> = on_db!(db, |connection| {
            let mut sql = sqlx::QueryBuilder::new(SQL);
            sql.push_bind(shop.as_str()).push(" AND customer_id IN (");
            let mut list = sql.separated(", ");
            for customer in chunk {
                list.push_bind(customer.as_str());
            }
            sql.push(")")
                .build_query_as()
                .persistent(keep_prepared(chunk.len()))
                .fetch_all(connection)
                .await
        })
        .during("find open offers")?;
        found.extend(rows);
    }
    owned(found)
}
