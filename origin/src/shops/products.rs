//! A shop's products: what orders and feeds tell of them, the newest word winning.

use footfall_shared::id::{ExternalId, ShopId};
use footfall_shared::money::MinorUnits;
use footfall_shared::time::UtcMillis;

use crate::db::{During, Handle, StorageError, Tx};
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

/// Writes products down; what an older call told is replaced, what a newer one told stays.
pub async fn record_products(
    tx: &mut Tx,
    shop: &ShopId,
    products: &[Product],
    told_at: UtcMillis,
) -> Result<(), StorageError> {
    const SQL: &str = "INSERT INTO products (shop_id, product_id, name, slug, unit_price_minor, updated_at) \
        VALUES ($1, $2, $3, $4, $5, $6) \
        ON CONFLICT (shop_id, product_id) DO UPDATE SET name = excluded.name, slug = excluded.slug, \
        unit_price_minor = excluded.unit_price_minor, updated_at = excluded.updated_at \
        WHERE products.updated_at <= excluded.updated_at";
    for Product {
        id,
        name,
        slug,
        unit_price,
    } in products
    {
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
        .during("record a product")?;
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
