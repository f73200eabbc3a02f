//! The roll-ups in the database.

use footfall_shared::id::ShopId;

use super::contribution::{COLUMNS, Contribution, CreditSums, Sums};
use crate::db::{During, Handle, ROWS_A_STATEMENT, StorageError, Tx, keep_prepared};
use crate::on_db;

/// What the funnel and the cohorts are asked for; `None` is everybody.
#[derive(Debug, Clone, Default)]
pub(super) struct Filter {
    pub(super) persona: Option<String>,
    pub(super) device: Option<&'static str>,
    pub(super) source: Option<String>,
}

/// Adds a contribution; what is negative is taken away.
pub(in crate::journey) async fn add(
    tx: &mut Tx,
    shop: &ShopId,
    change: &Contribution,
) -> Result<(), StorageError> {
    let days: Vec<_> = change
        .days
        .iter()
        .filter(|(_, sums)| is_change(*sums))
        .collect();
    for chunk in days.chunks(ROWS_A_STATEMENT / 3) {
        on_db!(tx, |connection| {
            let names = COLUMNS.join(", ");
            let mut sql = sqlx::QueryBuilder::new(format!(
                "INSERT INTO journey_days (shop_id, day, stage, persona, device, source, came_back, {names}) "
            ));
            sql.push_values(chunk, |mut row, (key, sums)| {
                row.push_bind(shop.as_str())
                    .push_bind(key.day)
                    .push_bind(key.stage)
                    .push_bind(key.persona.as_str())
                    .push_bind(key.device)
                    .push_bind(key.source.as_str())
                    .push_bind(i64::from(key.returning));
                for sum in *sums {
                    row.push_bind(*sum);
                }
            });
            sql.push(" ON CONFLICT (shop_id, day, stage, persona, device, source, came_back) DO UPDATE SET ");
            sql.push(additions("journey_days", &COLUMNS));
            sql.build()
                .persistent(keep_prepared(chunk.len()))
                .execute(connection)
                .await
                .map(|_| ())
        })
        .during("add to the days of journeys")?;
    }
    add_weeks(tx, shop, change).await?;
    add_credits(tx, shop, change).await
}

fn is_change(sums: &[i64]) -> bool {
    sums.iter().any(|sum| *sum != 0)
}

/// `a = table.a + excluded.a, …`
fn additions(table: &str, columns: &[&str]) -> String {
    let each = columns
        .iter()
        .map(|column| format!("{column} = {table}.{column} + excluded.{column}"));
    each.collect::<Vec<_>>().join(", ")
}

async fn add_weeks(tx: &mut Tx, shop: &ShopId, change: &Contribution) -> Result<(), StorageError> {
    const COLUMNS: [&str; 5] = ["began", "visits", "buyers", "orders", "revenue"];
    let weeks: Vec<_> = change
        .weeks
        .iter()
        .filter(|(_, sums)| is_change(*sums))
        .collect();
    for chunk in weeks.chunks(ROWS_A_STATEMENT) {
        on_db!(tx, |connection| {
            let mut sql = sqlx::QueryBuilder::new(
                "INSERT INTO journey_weeks (shop_id, first_week, week, began, visits, buyers, orders, revenue) ",
            );
            sql.push_values(chunk, |mut row, ((first, week), sums)| {
                row.push_bind(shop.as_str()).push_bind(*first).push_bind(*week);
                for sum in *sums {
                    row.push_bind(*sum);
                }
            });
            sql.push(" ON CONFLICT (shop_id, first_week, week) DO UPDATE SET ");
            sql.push(additions("journey_weeks", &COLUMNS));
            sql.build()
                .persistent(keep_prepared(chunk.len()))
                .execute(connection)
                .await
                .map(|_| ())
        })
        .during("add to the weeks of journeys")?;
    }
    Ok(())
}

async fn add_credits(
    tx: &mut Tx,
    shop: &ShopId,
    change: &Contribution,
) -> Result<(), StorageError> {
    let credits: Vec<_> = change
        .credits
        .iter()
        .filter(|(_, sums)| is_change(*sums))
        .collect();
    for chunk in credits.chunks(ROWS_A_STATEMENT) {
        on_db!(tx, |connection| {
            let mut sql = sqlx::QueryBuilder::new(
                "INSERT INTO journey_credits (shop_id, day, model, touchpoint, sales, revenue) ",
            );
            sql.push_values(chunk, |mut row, ((day, model, touchpoint), sums)| {
                row.push_bind(shop.as_str())
                    .push_bind(*day)
                    .push_bind(*model)
                    .push_bind(touchpoint.as_str())
                    .push_bind(sums[0])
                    .push_bind(sums[1]);
            });
            sql.push(" ON CONFLICT (shop_id, day, model, touchpoint) DO UPDATE SET ");
            sql.push(additions("journey_credits", &["sales", "revenue"]));
            sql.build()
                .persistent(keep_prepared(chunk.len()))
                .execute(connection)
                .await
                .map(|_| ())
        })
        .during("add to the credits of journeys")?;
    }
    Ok(())
}

/// Forgets all roll-ups of a shop, before its log is replayed.
pub async fn clear_rollups(tx: &mut Tx, shop: &ShopId) -> Result<(), StorageError> {
    const STATEMENTS: [&str; 3] = [
        "DELETE FROM journey_days WHERE shop_id = $1",
        "DELETE FROM journey_weeks WHERE shop_id = $1",
        "DELETE FROM journey_credits WHERE shop_id = $1",
    ];
    for sql in STATEMENTS {
        on_db!(tx, |connection| {
            sqlx::query(sql)
                .bind(shop.as_str())
                .execute(connection)
                .await
                .map(|_| ())
        })
        .during("clear the roll-ups of journeys")?;
    }
    Ok(())
}

/// Whose sums: the place of the stage, the device, the source, and whether they came back.
pub(super) type Group = (i64, String, String, bool);

/// The sums since a day, by stage, device, source and return.
pub(super) async fn sum_days(
    db: &mut impl Handle,
    shop: &ShopId,
    from: i64,
    filter: &Filter,
) -> Result<Vec<(Group, Sums)>, StorageError> {
    use sqlx::Row as _;
    const STEP: &str = "sum the days of journeys";
    // PostgreSQL sums whole numbers to NUMERIC.
    let sums: Vec<String> = COLUMNS
        .iter()
        .map(|column| format!("CAST(SUM({column}) AS BIGINT)"))
        .collect();
    let sums = sums.join(", ");
    on_db!(db, |connection| {
        let mut sql = sqlx::QueryBuilder::new(format!(
            "SELECT stage, device, source, came_back, {sums} FROM journey_days WHERE shop_id = "
        ));
        sql.push_bind(shop.as_str())
            .push(" AND day >= ")
            .push_bind(from);
        for (column, value) in [
            (" AND persona = ", filter.persona.as_deref()),
            (" AND device = ", filter.device),
            (" AND source = ", filter.source.as_deref()),
        ] {
            if let Some(value) = value {
                sql.push(column).push_bind(value);
            }
        }
        sql.push(" GROUP BY stage, device, source, came_back");
        let rows = sql.build().fetch_all(connection).await;
        rows.map(|rows| {
            let read = rows.iter().map(|row| {
                let mut sums = Sums::default();
                for (place, sum) in sums.iter_mut().enumerate() {
                    *sum = row.get(place + 4);
                }
                let returning: i64 = row.get(3);
                ((row.get(0), row.get(1), row.get(2), returning == 1), sums)
            });
            read.collect()
        })
    })
    .during(STEP)
}

/// First week, week, and first visits, visits, buyers and revenue.
pub(super) type WeekRow = (i64, i64, i64, i64, i64, i64);

/// What visitors came to by their first week, since a day.
pub(super) async fn list_weeks(
    db: &mut impl Handle,
    shop: &ShopId,
    from: i64,
) -> Result<Vec<WeekRow>, StorageError> {
    const SQL: &str = "SELECT first_week, week, began, visits, buyers, revenue FROM journey_weeks \
        WHERE shop_id = $1 AND first_week >= $2 AND visits <> 0 ORDER BY first_week, week";
    on_db!(db, |connection| {
        sqlx::query_as(SQL)
            .bind(shop.as_str())
            .bind(from)
            .fetch_all(connection)
            .await
    })
    .during("list the weeks of journeys")
}

/// What sales since a day are credited to, by model, the most first.
pub(super) async fn sum_credits(
    db: &mut impl Handle,
    shop: &ShopId,
    from: i64,
) -> Result<Vec<(String, String, CreditSums)>, StorageError> {
    const SQL: &str = "SELECT model, touchpoint, CAST(SUM(sales) AS BIGINT), \
        CAST(SUM(revenue) AS BIGINT) FROM journey_credits WHERE shop_id = $1 AND day >= $2 \
        GROUP BY model, touchpoint HAVING SUM(sales) > 0 ORDER BY 1, 3 DESC, 2";
    let rows: Vec<(String, String, i64, i64)> = on_db!(db, |connection| {
        sqlx::query_as(SQL)
            .bind(shop.as_str())
            .bind(from)
            .fetch_all(connection)
            .await
    })
    .during("sum the credits of journeys")?;
    let rows = rows.into_iter();
    Ok(rows
        .map(|(model, touchpoint, sales, revenue)| (model, touchpoint, [sales, revenue]))
        .collect())
}
