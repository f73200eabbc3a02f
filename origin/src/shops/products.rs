//! A shop's products: what orders and feeds tell of them, the newest word winning.

use std::collections::BTreeMap;

use footfall_shared::id::{ExternalId, ShopId};
use footfall_shared::money::MinorUnits;
use footfall_shared::time::UtcMillis;

use crate::db::{During, Handle, ROWS_A_STATEMENT, StorageError, Tx, keep_prepared};
use crate::on_db;

/// A product of a shop.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Product {
    /// The shop's own id.
    pub id: ExternalId,
    /// Its name.
    pub name: String,
    /// Its place in the shop's URLs.
    pub slug: String,
    /// Its price for one.
    pub unit_price: MinorUnits,
}

/// What the shop's catalogue lists, what was listed last first, at most so many: id and name.
pub async fn list_catalogue(
    db: &mut impl Handle,
    shop: &ShopId,
    most: i64,
) -> Result<Vec<(String, String)>, StorageError> {
    const SQL: &str = "SELECT product_id, name FROM products WHERE shop_id = $1 AND listed_at IS NOT NULL \
        ORDER BY listed_at DESC, product_id LIMIT $2";
    on_db!(db, |connection| {
        sqlx::query_as(SQL)
            .bind(shop.as_str())
            .bind(most)
            .fetch_all(connection)
            .await
    })
    .during("list a shop's catalogue")
}

/// Writes products down as orders tell them, each with the time at which this was told: what was told later
/// stays, and so does what the catalogue told ([`list_product`]). No product may stand there twice.
pub async fn record_products(
    tx: &mut Tx,
    shop: &ShopId,
    products: &[(Product, UtcMillis)],
) -> Result<(), StorageError> {
    const INSERT: &str = "INSERT INTO products \
        (shop_id, product_id, name, slug, unit_price_minor, updated_at) ";
    const UPDATE: &str = " ON CONFLICT (shop_id, product_id) DO UPDATE SET name = excluded.name, \
        slug = excluded.slug, unit_price_minor = excluded.unit_price_minor, \
        updated_at = excluded.updated_at \
        WHERE products.updated_at <= excluded.updated_at AND products.listed_at IS NULL";
    for chunk in products.chunks(ROWS_A_STATEMENT) {
        on_db!(tx, |connection| {
            let mut sql = sqlx::QueryBuilder::new(INSERT);
            sql.push_values(chunk, |mut row, (product, told_at)| {
                let Product {
                    id,
                    name,
                    slug,
                    unit_price,
                } = product;
                row.push_bind(shop.as_str())
                    .push_bind(id.as_str())
                    .push_bind(name.as_str())
                    .push_bind(slug.as_str())
                    .push_bind(unit_price.get())
                    .push_bind(told_at.get());
            });
            sql.push(UPDATE)
                .build()
                .persistent(keep_prepared(chunk.len()))
                .execute(connection)
                .await
                .map(|_| ())
        })
        .during("record products")?;
    }
    Ok(())
}

/// Writes a product down as the shop's catalogue tells it: an order knows only what was paid on its day. What
/// the catalogue told later stays.
pub async fn list_product(
    tx: &mut Tx,
    shop: &ShopId,
    product: &Product,
    told_at: UtcMillis,
) -> Result<(), StorageError> {
    const SQL: &str = "INSERT INTO products \
        (shop_id, product_id, name, slug, unit_price_minor, updated_at, listed_at) \
        VALUES ($1, $2, $3, $4, $5, $6, $6) \
        ON CONFLICT (shop_id, product_id) DO UPDATE SET name = excluded.name, slug = excluded.slug, \
        unit_price_minor = excluded.unit_price_minor, updated_at = excluded.updated_at, \
        listed_at = excluded.listed_at \
        WHERE products.listed_at IS NULL OR products.listed_at <= excluded.listed_at";
    let Product {
        id,
        name,
        slug,
        unit_price,
    } = product;
    on_db!(tx, |connection| {
        sqlx::query(SQL)
            .bind(shop.as_str())
            .bind(id.as_str())
            .bind(name)
            .bind(slug)
            .bind(unit_price.get())
            .bind(told_at.get())
            .execute(connection)
            .await
            .map(|_| ())
    })
    .during("list a product")
}

/// Takes a product out of the assortment; whether it was there. An order that has it brings it back.
pub async fn unlist_product(
    tx: &mut Tx,
    shop: &ShopId,
    id: &ExternalId,
) -> Result<bool, StorageError> {
    const SQL: &str =
        "DELETE FROM products WHERE shop_id = $1 AND product_id = $2 RETURNING product_id";
    let gone: Option<String> = on_db!(tx, |connection| {
        sqlx::query_scalar(SQL)
            .bind(shop.as_str())
            .bind(id.as_str())
            .fetch_optional(connection)
            .await
    })
    .during("take out a product")?;
    Ok(gone.is_some())
}

/// The known ones of these products, by id.
pub async fn find_products(
    db: &mut impl Handle,
    shop: &ShopId,
    ids: &[&str],
) -> Result<BTreeMap<String, Product>, StorageError> {
    const STEP: &str = "find products";
    const SQL: &str =
        "SELECT product_id, name, slug, unit_price_minor FROM products WHERE shop_id = ";
    let mut found = BTreeMap::new();
    for chunk in ids.chunks(ROWS_A_STATEMENT) {
        let rows: Vec<ProductRow> = on_db!(db, |connection| {
            let mut sql = sqlx::QueryBuilder::new(SQL);
            sql.push_bind(shop.as_str()).push(" AND product_id IN (");
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
        .during(STEP)?;
        for row in rows {
            let product = into_product(STEP, row)?;
            found.insert(product.id.as_str().to_owned(), product);
        }
    }
    Ok(found)
}

/// Id, name, slug and price.
type ProductRow = (String, String, String, i64);

fn into_product(
    step: &'static str,
    (id, name, slug, price): ProductRow,
) -> Result<Product, StorageError> {
    let id =
        ExternalId::parse("product_id", &id).map_err(|cause| StorageError::corrupt(step, cause))?;
    Ok(Product {
        id,
        name,
        slug,
        unit_price: MinorUnits::new(price),
    })
}

/// The shop's products by id.
pub async fn list_products(
    db: &mut impl Handle,
    shop: &ShopId,
) -> Result<Vec<Product>, StorageError> {
    const STEP: &str = "list a shop's products";
    const SQL: &str = "SELECT product_id, name, slug, unit_price_minor FROM products \
        WHERE shop_id = $1 ORDER BY product_id";
    let rows: Vec<ProductRow> = on_db!(db, |connection| {
        sqlx::query_as(SQL)
            .bind(shop.as_str())
            .fetch_all(connection)
            .await
    })
    .during(STEP)?;
    rows.into_iter()
        .map(|row| into_product(STEP, row))
        .collect()
}
