//! A shopper with orders and offers: deleted, or given to somebody whom nobody knows.

use footfall_shared::id::{CustomerId, ShopId};

use crate::db::{During, StorageError, Tx};
use crate::on_db;

/// The ids of a shopper's orders.
pub(in crate::privacy) async fn list_orders(
    tx: &mut Tx,
    shop: &ShopId,
    customer: &CustomerId,
) -> Result<Vec<String>, StorageError> {
    const SQL: &str =
        "SELECT order_id FROM orders WHERE shop_id = $1 AND customer_id = $2 ORDER BY order_id";
    on_db!(tx, |connection| {
        sqlx::query_scalar(SQL)
            .bind(shop.as_str())
            .bind(customer.as_str())
            .fetch_all(connection)
            .await
    })
    .during("list somebody's orders")
}

/// Deletes a shopper with everything that is kept of them: orders with their lines, offers, the profile.
pub(in crate::privacy) async fn delete_customer(
    tx: &mut Tx,
    shop: &ShopId,
    customer: &CustomerId,
) -> Result<(), StorageError> {
    // The lines of orders go with them.
    const STATEMENTS: [&str; 4] = [
        "DELETE FROM orders WHERE shop_id = $1 AND customer_id = $2",
        "DELETE FROM offers WHERE shop_id = $1 AND customer_id = $2",
        "DELETE FROM profiles WHERE shop_id = $1 AND customer_id = $2",
        "DELETE FROM customers WHERE shop_id = $1 AND id = $2",
    ];
    for sql in STATEMENTS {
        on_db!(tx, |connection| {
            sqlx::query(sql)
                .bind(shop.as_str())
                .bind(customer.as_str())
                .execute(connection)
                .await
                .map(|_| ())
        })
        .during("delete a customer")?;
    }
    Ok(())
}

/// Gives an order another number and another customer: the shop's own would lead back to the person.
pub(in crate::privacy) async fn give_order(
    tx: &mut Tx,
    shop: &ShopId,
    order: &str,
    other: &str,
    customer: &CustomerId,
) -> Result<(), StorageError> {
    // A line needs its order, so the new one comes first and the old one goes last.
    const COPY: &str = "INSERT INTO orders (shop_id, order_id, number, customer_id, status, ordered_at, currency, \
        total_minor, body_hash, created_at, updated_at) \
        SELECT shop_id, $3, $3, $4, status, ordered_at, currency, total_minor, '', created_at, updated_at \
        FROM orders WHERE shop_id = $1 AND order_id = $2";
    const MOVE: &str = "UPDATE order_items SET order_id = $3 WHERE shop_id = $1 AND order_id = $2";
    const DELETE: &str = "DELETE FROM orders WHERE shop_id = $1 AND order_id = $2";
    const STEP: &str = "give an order to nobody";
    on_db!(tx, |connection| {
        sqlx::query(COPY)
            .bind(shop.as_str())
            .bind(order)
            .bind(other)
            .bind(customer.as_str())
            .execute(connection)
            .await
            .map(|_| ())
    })
    .during(STEP)?;
    on_db!(tx, |connection| {
        sqlx::query(MOVE)
            .bind(shop.as_str())
            .bind(order)
            .bind(other)
            .execute(connection)
            .await
            .map(|_| ())
    })
    .during(STEP)?;
    on_db!(tx, |connection| {
        sqlx::query(DELETE)
            .bind(shop.as_str())
            .bind(order)
            .execute(connection)
            .await
            .map(|_| ())
    })
    .during(STEP)
}

/// Gives a shopper's offers to another one; open ones are over, since nobody can answer them any more.
pub(in crate::privacy) async fn give_offers(
    tx: &mut Tx,
    shop: &ShopId,
    from: &CustomerId,
    to: &CustomerId,
) -> Result<(), StorageError> {
    const SQL: &str = "UPDATE offers SET customer_id = $3, decided_on = NULL, \
        status = CASE WHEN status IN ('pending', 'viewed', 'added_to_cart') THEN 'expired' ELSE status END \
        WHERE shop_id = $1 AND customer_id = $2";
    on_db!(tx, |connection| {
        sqlx::query(SQL)
            .bind(shop.as_str())
            .bind(from.as_str())
            .bind(to.as_str())
            .execute(connection)
            .await
            .map(|_| ())
    })
    .during("give offers to nobody")
}
