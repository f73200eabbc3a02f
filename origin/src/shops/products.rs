//! A shop's products: what orders and feeds tell of them, the newest word winning.

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

/// Writes products down, each with the time at which this was told: what was told later stays. No product
/// may stand there twice.
pub async fn record_products(
    tx: &mut Tx,
    shop: &ShopId,
    products: &[(Product, UtcMillis)],
) -> Result<(), StorageError> {
    const INSERT: &str = "INSERT INTO products \
        (shop_id, product_id, name, slug, unit_price_minor, updated_at) ";
    const UPDATE: &str = " ON CONFLICT (shop_id, product_id) DO UPDATE SET name = excluded.name, \
        slug = excluded.slug, unit_price_minor = excluded.unit_price_minor, \
        updated_at = excluded.updated_at WHERE products.updated_at <= excluded.updated_at";
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

/// The shop's products by id.
pub async fn list_products(
    db: &mut impl Handle,
    shop: &ShopId,
) -> Result<Vec<Product>, StorageError> {
    const STEP: &str = "list a shop's products";
    const SQL: &str = "SELECT product_id, name, slug, unit_price_minor FROM products \
        WHERE shop_id = $1 ORDER BY product_id";
    let rows: Vec<(String, String, String, i64)> = on_db!(db, |connection| {
        sqlx::query_as(SQL)
            .bind(shop.as_str())
            .fetch_all(connection)
            .await
    })
    .during(STEP)?;
    let product = |(id, name, slug, price): (String, String, String, i64)| {
        let id = ExternalId::parse("product_id", &id)
            .map_err(|cause| StorageError::corrupt(STEP, cause))?;
        Ok(Product {
            id,
            name,
            slug,
            unit_price: MinorUnits::new(price),
        })
    };
    rows.into_iter().map(product).collect()
}
