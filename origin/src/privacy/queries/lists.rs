//! Texts and lists of others in which somebody may stand.

use footfall_shared::id::ShopId;

use crate::db::{During, Handle, StorageError, Tx};
use crate::on_db;

/// A list of similar customers: the recommender's version, whose it is, and the list as JSON.
pub(in crate::privacy) type SimilarRow = (i64, String, String);

/// The next lists of similar customers behind one.
pub(in crate::privacy) async fn list_similar(
    db: &mut impl Handle,
    shop: &ShopId,
    (version, customer): (i64, &str),
    limit: i64,
) -> Result<Vec<SimilarRow>, StorageError> {
    const SQL: &str = "SELECT version, customer, similar_customers FROM recommendations \
        WHERE shop_id = $1 AND (version, customer) > ($2, $3) ORDER BY version, customer LIMIT $4";
    on_db!(db, |connection| {
        sqlx::query_as(SQL)
            .bind(shop.as_str())
            .bind(version)
            .bind(customer)
            .bind(limit)
            .fetch_all(connection)
            .await
    })
    .during("list similar customers")
}

/// Writes a list of similar customers.
pub(in crate::privacy) async fn save_similar(
    tx: &mut Tx,
    shop: &ShopId,
    (version, customer, list): &SimilarRow,
) -> Result<(), StorageError> {
    const SQL: &str = "UPDATE recommendations SET similar_customers = $4 \
        WHERE shop_id = $1 AND version = $2 AND customer = $3";
    on_db!(tx, |connection| {
        sqlx::query(SQL)
            .bind(shop.as_str())
            .bind(*version)
            .bind(customer.as_str())
            .bind(list.as_str())
            .execute(connection)
            .await
            .map(|_| ())
    })
    .during("take somebody out of a list")
}

/// Things that were said with an at sign in them: run, id, when, and what.
pub(in crate::privacy) async fn list_said(
    db: &mut impl Handle,
    shop: &ShopId,
) -> Result<Vec<(i64, String, i64, String)>, StorageError> {
    const SQL: &str = "SELECT run, id, at, said FROM feedback \
        WHERE shop_id = $1 AND said LIKE '%@%'";
    on_db!(db, |connection| {
        sqlx::query_as(SQL)
            .bind(shop.as_str())
            .fetch_all(connection)
            .await
    })
    .during("look for addresses in what was said")
}

/// Writes what was said.
pub(in crate::privacy) async fn save_said(
    tx: &mut Tx,
    shop: &ShopId,
    (run, id): (i64, &str),
    said: &str,
) -> Result<(), StorageError> {
    const SQL: &str = "UPDATE feedback SET said = $4 WHERE shop_id = $1 AND run = $2 AND id = $3";
    on_db!(tx, |connection| {
        sqlx::query(SQL)
            .bind(shop.as_str())
            .bind(run)
            .bind(id)
            .bind(said)
            .execute(connection)
            .await
            .map(|_| ())
    })
    .during("take an address out of what was said")
}
