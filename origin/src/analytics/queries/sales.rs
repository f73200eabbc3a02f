//! Orders and what they came to: the shop's own as they stand, and those of files by day.

use std::collections::BTreeMap;

use footfall_shared::id::ShopId;
use footfall_shared::order::COUNTING;
use footfall_shared::time::UtcMillis;

use crate::analytics::calendar::Days;
use crate::db::{During, Handle, ROWS_A_STATEMENT, StorageError, Tx, keep_prepared};
use crate::on_db;
use crate::shops::Shop;

/// What orders come to.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub(in crate::analytics) struct Sales {
    /// How many.
    pub(in crate::analytics) orders: i64,
    /// Their sum, in minor units.
    pub(in crate::analytics) revenue: i64,
    /// The sum of their squares.
    pub(in crate::analytics) squares: f64,
}

impl Sales {
    /// These and those.
    pub(in crate::analytics) fn plus(self, other: Self) -> Self {
        Self {
            orders: self.orders + other.orders,
            revenue: self.revenue + other.revenue,
            squares: self.squares + other.squares,
        }
    }
}

/// What the orders of each day of a span come to; days without any are not there.
pub(in crate::analytics) async fn sum_days(
    db: &mut impl Handle,
    shop: &Shop,
    run: i64,
    span: Days,
) -> Result<BTreeMap<i64, Sales>, StorageError> {
    const OF_FILES: &str = "SELECT day, orders, revenue, squares FROM sales_days \
        WHERE shop_id = $1 AND run = $2 AND day >= $3 AND day < $4";
    let mut days = BTreeMap::<i64, Sales>::new();
    let rows: Vec<(i64, i64, i64, f64)> = on_db!(db, |connection| {
        sqlx::query_as(OF_FILES)
            .bind(shop.id.as_str())
            .bind(run)
            .bind(span.from)
            .bind(span.until)
            .fetch_all(connection)
            .await
    })
    .during("sum the orders of files")?;
    for (day, orders, revenue, squares) in rows {
        days.insert(
            day,
            Sales {
                orders,
                revenue,
                squares,
            },
        );
    }
    let numbers: Vec<i64> = (span.from..span.until).collect();
    for chunk in numbers.chunks(ROWS_A_STATEMENT) {
        let rows: Vec<(i64, i64, i64, f64)> = on_db!(db, |connection| {
            let mut sql = sqlx::QueryBuilder::new("WITH days (day, begin_at, end_at) AS (");
            sql.push_values(chunk, |mut row, day| {
                let (begin, end) = Days {
                    from: *day,
                    until: *day + 1,
                }
                .times(&shop.timezone);
                row.push_bind(*day)
                    .push_bind(begin.get())
                    .push_bind(end.get());
            });
            sql.push(
                ") SELECT d.day, COUNT(*), CAST(SUM(o.total_minor) AS BIGINT), \
                 SUM(CAST(o.total_minor AS DOUBLE PRECISION) * o.total_minor) \
                 FROM days d CROSS JOIN orders o WHERE o.shop_id = ",
            );
            sql.push_bind(shop.id.as_str());
            sql.push(
                " AND o.ordered_at >= d.begin_at AND o.ordered_at < d.end_at AND o.currency = ",
            );
            sql.push_bind(shop.currency.as_str())
                .push(" AND o.status IN (");
            let mut list = sql.separated(", ");
            for status in COUNTING {
                list.push_bind(status);
            }
            sql.push(") GROUP BY d.day");
            sql.build_query_as().fetch_all(connection).await
        })
        .during("sum the shop's own orders")?;
        for (day, orders, revenue, squares) in rows {
            let of_day = days.entry(day).or_default();
            *of_day = of_day.plus(Sales {
                orders,
                revenue,
                squares,
            });
        }
    }
    Ok(days)
}

/// Keeps what the orders of files come to.
pub(in crate::analytics) async fn insert_days(
    tx: &mut Tx,
    shop: &ShopId,
    run: i64,
    days: &BTreeMap<i64, Sales>,
) -> Result<(), StorageError> {
    let days: Vec<_> = days.iter().collect();
    for chunk in days.chunks(ROWS_A_STATEMENT) {
        on_db!(tx, |connection| {
            let mut sql = sqlx::QueryBuilder::new(
                "INSERT INTO sales_days (shop_id, run, day, orders, revenue, squares) ",
            );
            sql.push_values(chunk, |mut row, (day, sales)| {
                row.push_bind(shop.as_str())
                    .push_bind(run)
                    .push_bind(**day)
                    .push_bind(sales.orders)
                    .push_bind(sales.revenue)
                    .push_bind(sales.squares);
            });
            sql.build()
                .persistent(keep_prepared(chunk.len()))
                .execute(connection)
                .await
                .map(|_| ())
        })
        .during("keep the orders of files")?;
    }
    Ok(())
}

/// An order of the last minutes: its id, when, and what it came to.
pub type Transaction = (String, i64, i64);

/// The orders since a time that count, the latest first.
pub(in crate::analytics) async fn list_since(
    db: &mut impl Handle,
    shop: &Shop,
    since: UtcMillis,
    limit: i64,
) -> Result<Vec<Transaction>, StorageError> {
    on_db!(db, |connection| {
        let mut sql = sqlx::QueryBuilder::new(
            "SELECT order_id, ordered_at, total_minor FROM orders WHERE shop_id = ",
        );
        sql.push_bind(shop.id.as_str())
            .push(" AND ordered_at >= ")
            .push_bind(since.get());
        sql.push(" AND currency = ")
            .push_bind(shop.currency.as_str());
        sql.push(" AND status IN (");
        let mut list = sql.separated(", ");
        for status in COUNTING {
            list.push_bind(status);
        }
        sql.push(") ORDER BY ordered_at DESC, order_id LIMIT ")
            .push_bind(limit);
        sql.build_query_as().fetch_all(connection).await
    })
    .during("list the latest orders")
}
