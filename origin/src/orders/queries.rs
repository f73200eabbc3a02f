//! All SQL over orders and their items.

pub(super) mod links;

use std::collections::{BTreeMap, HashMap};

use footfall_shared::id::{CustomerId, ExternalId, ShopId};
use footfall_shared::money::MinorUnits;
use footfall_shared::order::{Order, OrderItem, counts};
use footfall_shared::time::UtcMillis;

use super::take::Changed;
use crate::db::{During, Handle, ROWS_A_STATEMENT, StorageError, Tx, keep_prepared};
use crate::on_db;
use crate::shops::Shop;

/// What is known of a stored order.
pub(super) struct Stored {
    /// Hash of what it said.
    pub(super) body_hash: String,
    /// Whose it is.
    pub(super) customer: CustomerId,
}

fn customer_id(step: &'static str, text: &str) -> Result<CustomerId, StorageError> {
    CustomerId::parse(text).map_err(|cause| StorageError::corrupt(step, cause))
}

/// The stored ones of these orders, by id.
pub(super) async fn find_stored(
    tx: &mut Tx,
    shop: &Shop,
    ids: &[&str],
) -> Result<HashMap<String, Stored>, StorageError> {
    const STEP: &str = "find orders";
    const SQL: &str = "SELECT order_id, body_hash, customer_id FROM orders WHERE shop_id = ";
    let mut found = HashMap::new();
    for chunk in ids.chunks(ROWS_A_STATEMENT) {
        let rows: Vec<(String, String, String)> = on_db!(tx, |connection| {
            let mut sql = sqlx::QueryBuilder::new(SQL);
            sql.push_bind(shop.id.as_str()).push(" AND order_id IN (");
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
        for (id, body_hash, customer) in rows {
            let customer = customer_id(STEP, &customer)?;
            found.insert(
                id,
                Stored {
                    body_hash,
                    customer,
                },
            );
        }
    }
    Ok(found)
}

/// Writes orders whole, with their items instead of those they had.
pub(super) async fn save_orders(
    tx: &mut Tx,
    shop: &ShopId,
    orders: &[Changed<'_>],
    now: UtcMillis,
) -> Result<(), StorageError> {
    for chunk in orders.chunks(ROWS_A_STATEMENT) {
        upsert_orders(tx, shop, chunk, now).await?;
        delete_items(tx, shop, chunk).await?;
    }
    let items: Vec<(&str, i64, &OrderItem)> = orders
        .iter()
        .flat_map(|one| {
            let lines = (0..).zip(&one.order.items);
            lines.map(|(line, item)| (one.order.id.as_str(), line, item))
        })
        .collect();
    for chunk in items.chunks(ROWS_A_STATEMENT) {
        insert_items(tx, shop, chunk).await?;
    }
    Ok(())
}

async fn upsert_orders(
    tx: &mut Tx,
    shop: &ShopId,
    orders: &[Changed<'_>],
    now: UtcMillis,
) -> Result<(), StorageError> {
    const INSERT: &str = "INSERT INTO orders (shop_id, order_id, number, customer_id, status, ordered_at, \
        currency, total_minor, body_hash, created_at, updated_at) ";
    const UPDATE: &str = " ON CONFLICT (shop_id, order_id) DO UPDATE SET number = excluded.number, \
        customer_id = excluded.customer_id, status = excluded.status, ordered_at = excluded.ordered_at, \
        currency = excluded.currency, total_minor = excluded.total_minor, \
        body_hash = excluded.body_hash, updated_at = excluded.updated_at";
    on_db!(tx, |connection| {
        let mut sql = sqlx::QueryBuilder::new(INSERT);
        sql.push_values(orders, |mut row, one| {
            let order = one.order;
            let total: MinorUnits = order
                .items
                .iter()
                .map(|item| item.unit_price.times(item.quantity))
                .sum();
            row.push_bind(shop.as_str())
                .push_bind(order.id.as_str())
                .push_bind(order.number.as_str())
                .push_bind(one.customer.as_str())
                .push_bind(order.status.as_str())
                .push_bind(order.at.get())
                .push_bind(order.currency.as_str())
                .push_bind(total.get())
                .push_bind(one.hash.as_str())
                .push_bind(now.get())
                .push_bind(now.get());
        });
        sql.push(UPDATE)
            .build()
            .persistent(keep_prepared(orders.len()))
            .execute(connection)
            .await
            .map(|_| ())
    })
    .during("save orders")
}

async fn delete_items(
    tx: &mut Tx,
    shop: &ShopId,
    orders: &[Changed<'_>],
) -> Result<(), StorageError> {
    const SQL: &str = "DELETE FROM order_items WHERE shop_id = ";
    on_db!(tx, |connection| {
        let mut sql = sqlx::QueryBuilder::new(SQL);
        sql.push_bind(shop.as_str()).push(" AND order_id IN (");
        let mut list = sql.separated(", ");
        for one in orders {
            list.push_bind(one.order.id.as_str());
        }
        sql.push(")")
            .build()
            .persistent(keep_prepared(orders.len()))
            .execute(connection)
            .await
            .map(|_| ())
    })
    .during("delete the items of orders")
}

async fn insert_items(
    tx: &mut Tx,
    shop: &ShopId,
    items: &[(&str, i64, &OrderItem)],
) -> Result<(), StorageError> {
    const INSERT: &str = "INSERT INTO order_items \
        (shop_id, order_id, line, product_id, name, slug, quantity, unit_price_minor) ";
    on_db!(tx, |connection| {
        let mut sql = sqlx::QueryBuilder::new(INSERT);
        sql.push_values(items, |mut row, (order, line, item)| {
            let OrderItem {
                product_id,
                name,
                slug,
                quantity,
                unit_price,
            } = item;
            row.push_bind(shop.as_str())
                .push_bind(*order)
                .push_bind(*line)
                .push_bind(product_id.as_str())
                .push_bind(name.as_str())
                .push_bind(slug.as_str())
                .push_bind(i64::from(*quantity))
                .push_bind(unit_price.get());
        });
        sql.build()
            .persistent(keep_prepared(items.len()))
            .execute(connection)
            .await
            .map(|_| ())
    })
    .during("insert the items of orders")
}

/// Gives an order another status; whose it is. `None` where there is no such order, or it has the status. The
/// hash goes, so that the same order sent again is a change.
pub(super) async fn set_status(
    tx: &mut Tx,
    shop: &ShopId,
    order: &ExternalId,
    status: &str,
    now: UtcMillis,
) -> Result<Option<CustomerId>, StorageError> {
    const STEP: &str = "set an order's status";
    const SQL: &str = "UPDATE orders SET status = $3, body_hash = '', updated_at = $4 \
        WHERE shop_id = $1 AND order_id = $2 AND status <> $3 RETURNING customer_id";
    let customer: Option<String> = on_db!(tx, |connection| {
        sqlx::query_scalar(SQL)
            .bind(shop.as_str())
            .bind(order.as_str())
            .bind(status)
            .bind(now.get())
            .fetch_optional(connection)
            .await
    })
    .during(STEP)?;
    customer.map(|text| customer_id(STEP, &text)).transpose()
}

/// When each of these customers ordered last, whatever became of the order.
pub(super) async fn latest_order_times(
    tx: &mut Tx,
    shop: &ShopId,
    customers: &[CustomerId],
) -> Result<HashMap<String, UtcMillis>, StorageError> {
    const SQL: &str = "SELECT customer_id, MAX(ordered_at) FROM orders WHERE shop_id = ";
    let mut latest = HashMap::new();
    for chunk in customers.chunks(ROWS_A_STATEMENT) {
        let rows: Vec<(String, i64)> = on_db!(tx, |connection| {
            let mut sql = sqlx::QueryBuilder::new(SQL);
            sql.push_bind(shop.as_str()).push(" AND customer_id IN (");
            let mut list = sql.separated(", ");
            for customer in chunk {
                list.push_bind(customer.as_str());
            }
            sql.push(") GROUP BY customer_id")
                .build_query_as()
                .persistent(keep_prepared(chunk.len()))
                .fetch_all(connection)
                .await
        })
        .during("find when customers ordered last")?;
        latest.extend(rows.into_iter().map(|(id, at)| (id, UtcMillis::new(at))));
    }
    Ok(latest)
}

#[derive(sqlx::FromRow)]
struct LineRow {
    customer_id: String,
    order_id: String,
    number: String,
    status: String,
    ordered_at: i64,
    product_id: Option<String>,
    name: Option<String>,
    slug: Option<String>,
    quantity: Option<i64>,
    unit_price_minor: Option<i64>,
}

/// The counted orders of these customers with their items.
pub async fn counted_orders(
    db: &mut impl Handle,
    shop: &ShopId,
    customers: &[CustomerId],
) -> Result<BTreeMap<CustomerId, Vec<Order>>, StorageError> {
    const STEP: &str = "read orders";
    // Which statuses count is the shared rule's business, not this text's.
    const SQL: &str = "SELECT o.customer_id, o.order_id, o.number, o.status, o.ordered_at, i.product_id, \
        i.name, i.slug, i.quantity, i.unit_price_minor FROM orders o \
        LEFT JOIN order_items i ON i.shop_id = o.shop_id AND i.order_id = o.order_id \
        WHERE o.shop_id = ";
    let mut found: BTreeMap<CustomerId, Vec<Order>> = BTreeMap::new();
    for chunk in customers.chunks(ROWS_A_STATEMENT) {
        let rows: Vec<LineRow> = on_db!(db, |connection| {
            let mut sql = sqlx::QueryBuilder::new(SQL);
            sql.push_bind(shop.as_str()).push(" AND o.customer_id IN (");
            let mut list = sql.separated(", ");
            for customer in chunk {
                list.push_bind(customer.as_str());
            }
            sql.push(") ORDER BY o.customer_id, o.ordered_at, o.order_id, i.line")
                .build_query_as()
                .persistent(keep_prepared(chunk.len()))
                .fetch_all(connection)
                .await
        })
        .during(STEP)?;
        for row in rows.into_iter().filter(|row| counts(&row.status)) {
            let orders = found
                .entry(customer_id(STEP, &row.customer_id)?)
                .or_default();
            add_line(orders, row)?;
        }
    }
    Ok(found)
}

/// Adds a row to the orders of its customer; the rows of one order follow one another.
fn add_line(orders: &mut Vec<Order>, row: LineRow) -> Result<(), StorageError> {
    const STEP: &str = "read an order's row";
    let external = |text: &str| {
        ExternalId::parse("id", text).map_err(|cause| StorageError::corrupt(STEP, cause))
    };
    if orders
        .last()
        .is_none_or(|last| last.id.as_str() != row.order_id)
    {
        orders.push(Order {
            id: external(&row.order_id)?,
            number: row.number,
            at: UtcMillis::new(row.ordered_at),
            items: Vec::new(),
        });
    }
    // An order without items is one row without a product.
    let (Some(product), Some(order)) = (row.product_id, orders.last_mut()) else {
        return Ok(());
    };
    let quantity = u32::try_from(row.quantity.unwrap_or_default())
        .map_err(|cause| StorageError::corrupt(STEP, cause))?;
    order.items.push(OrderItem {
        product_id: external(&product)?,
        name: row.name.unwrap_or_default(),
        slug: row.slug.unwrap_or_default(),
        quantity,
        unit_price: MinorUnits::new(row.unit_price_minor.unwrap_or_default()),
    });
    Ok(())
}
