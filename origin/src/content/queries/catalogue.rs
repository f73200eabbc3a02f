//! Catalogues and stocks.

use std::collections::BTreeMap;

use footfall_shared::id::{ExternalId, ShopId};
use footfall_shared::time::UtcMillis;

use super::super::catalogue::Catalogue;
use crate::db::{During, Handle, ROWS_A_STATEMENT, StorageError, Tx, keep_prepared};
use crate::on_db;

/// A shop's catalogue.
pub(in super::super) async fn find_catalogue(
    db: &mut impl Handle,
    shop: &ShopId,
) -> Result<Option<Catalogue>, StorageError> {
    const STEP: &str = "find a catalogue";
    const SQL: &str = "SELECT body FROM content WHERE shop_id = $1";
    let body: Option<String> = on_db!(db, |connection| {
        sqlx::query_scalar(SQL)
            .bind(shop.as_str())
            .fetch_optional(connection)
            .await
    })
    .during(STEP)?;
    body.map(|body| serde_json::from_str(&body).map_err(|cause| StorageError::corrupt(STEP, cause)))
        .transpose()
}

/// Shops that have a catalogue.
pub(in super::super) async fn list_shops_with_content(
    db: &mut impl Handle,
) -> Result<Vec<ShopId>, StorageError> {
    const STEP: &str = "list shops with content";
    const SQL: &str = "SELECT shop_id FROM content ORDER BY shop_id";
    let ids: Vec<String> = on_db!(db, |connection| {
        sqlx::query_scalar(SQL).fetch_all(connection).await
    })
    .during(STEP)?;
    ids.into_iter()
        .map(|id| ShopId::parse(&id).map_err(|cause| StorageError::corrupt(STEP, cause)))
        .collect()
}

/// Keeps a catalogue.
pub(in super::super) async fn save_catalogue(
    tx: &mut Tx,
    shop: &ShopId,
    catalogue: &Catalogue,
    now: UtcMillis,
) -> Result<(), StorageError> {
    const STEP: &str = "save a catalogue";
    const SQL: &str = "INSERT INTO content (shop_id, body, updated_at) VALUES ($1, $2, $3) \
        ON CONFLICT (shop_id) DO UPDATE SET body = excluded.body, updated_at = excluded.updated_at";
    let body =
        serde_json::to_string(catalogue).map_err(|cause| StorageError::corrupt(STEP, cause))?;
    on_db!(tx, |connection| {
        sqlx::query(SQL)
            .bind(shop.as_str())
            .bind(&body)
            .bind(now.get())
            .execute(connection)
            .await
            .map(|_| ())
    })
    .during(STEP)
}

/// How many of these products are left, where that is known.
pub(in super::super) async fn find_stocks(
    db: &mut impl Handle,
    shop: &ShopId,
    products: &[&str],
) -> Result<BTreeMap<String, i64>, StorageError> {
    const STEP: &str = "find stocks";
    const SQL: &str =
        "SELECT product_id, stock FROM products WHERE stock IS NOT NULL AND shop_id = ";
    let mut found = BTreeMap::new();
    for chunk in products.chunks(ROWS_A_STATEMENT) {
        let rows: Vec<(String, i64)> = on_db!(db, |connection| {
            let mut sql = sqlx::QueryBuilder::new(SQL);
            sql.push_bind(shop.as_str()).push(" AND product_id IN (");
            let mut list = sql.separated(", ");
            for product in chunk {
                list.push_bind(*product);
            }
            sql.push(")")
                .build_query_as()
                .persistent(keep_prepared(chunk.len()))
                .fetch_all(connection)
                .await
        })
        .during(STEP)?;
        found.extend(rows);
    }
    Ok(found)
}

/// Writes down how many of a product are left; whether the product is known.
pub async fn set_stock(
    tx: &mut Tx,
    shop: &ShopId,
    product: &ExternalId,
    stock: Option<i64>,
) -> Result<bool, StorageError> {
    const SQL: &str = "UPDATE products SET stock = $3 WHERE shop_id = $1 AND product_id = $2 \
        RETURNING product_id";
    let known: Option<String> = on_db!(tx, |connection| {
        sqlx::query_scalar(SQL)
            .bind(shop.as_str())
            .bind(product.as_str())
            .bind(stock)
            .fetch_optional(connection)
            .await
    })
    .during("set a stock")?;
    Ok(known.is_some())
}
