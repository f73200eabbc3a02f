//! The lines of all orders, for who counts them.

use footfall_shared::id::ShopId;
use footfall_shared::time::UtcMillis;

use crate::db::{During, Handle, StorageError};
use crate::on_db;

/// A line of an order, with what the order says.
#[derive(Debug, Clone, PartialEq, Eq, sqlx::FromRow)]
pub struct OrderedLine {
    /// The order's id in the shop's system.
    pub order_id: String,
    /// Its status.
    pub status: String,
    /// When it was placed, epoch milliseconds.
    pub ordered_at: i64,
    /// Its currency.
    pub currency: String,
    /// The customer's id in the shop's system, else ours.
    pub customer: String,
    /// The customer's email.
    pub email: String,
    /// The product.
    pub product_id: String,
    /// Its name then.
    pub name: String,
    /// Pieces.
    pub quantity: i64,
    /// The price of one, in minor units.
    pub unit_price_minor: i64,
}

/// The lines of the orders behind one, in the order of their ids, of at most so many orders.
pub async fn list_lines(
    db: &mut impl Handle,
    shop: &ShopId,
    after: &str,
    orders: i64,
) -> Result<Vec<OrderedLine>, StorageError> {
    const SQL: &str = "SELECT o.order_id, o.status, o.ordered_at, o.currency, \
        COALESCE(c.external_id, c.id) AS customer, c.email, i.product_id, i.name, i.quantity, i.unit_price_minor \
        FROM (SELECT * FROM orders WHERE shop_id = $1 AND order_id > $2 ORDER BY order_id LIMIT $3) o \
        JOIN customers c ON c.shop_id = o.shop_id AND c.id = o.customer_id \
        JOIN order_items i ON i.shop_id = o.shop_id AND i.order_id = o.order_id \
        ORDER BY o.order_id, i.line";
    on_db!(db, |connection| {
        sqlx::query_as(SQL)
            .bind(shop.as_str())
            .bind(after)
            .bind(orders)
            .fetch_all(connection)
            .await
    })
    .during("list the lines of orders")
}

/// How many orders the shop has, and when one last changed.
pub async fn count_and_last_change(
    db: &mut impl Handle,
    shop: &ShopId,
) -> Result<(i64, UtcMillis), StorageError> {
    const SQL: &str =
        "SELECT COUNT(*), COALESCE(MAX(updated_at), 0) FROM orders WHERE shop_id = $1";
    let (count, at): (i64, i64) = on_db!(db, |connection| {
        sqlx::query_as(SQL)
            .bind(shop.as_str())
            .fetch_one(connection)
            .await
    })
    .during("count orders")?;
    Ok((count, UtcMillis::new(at)))
}
