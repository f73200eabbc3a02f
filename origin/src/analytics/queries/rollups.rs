//! The figures: changing them, and reading spans of them.

use std::collections::BTreeMap;

use footfall_shared::id::ShopId;
use footfall_shared::visits::sums::{COUNTS, Facet};
use footfall_shared::visits::users::NEVER;

use crate::analytics::calendar::Days;
use crate::analytics::change::Change;
use crate::db::{During, Handle, ROWS_A_STATEMENT, StorageError, Tx, keep_prepared};
use crate::on_db;

/// Adds a change; what is negative is taken away.
pub(in crate::analytics) async fn add(
    tx: &mut Tx,
    shop: &ShopId,
    run: i64,
    change: &Change,
) -> Result<(), StorageError> {
    add_days(tx, shop, run, change).await?;
    add_facets(tx, shop, run, change).await?;
    add_gaps(tx, shop, run, change).await
}

async fn add_days(
    tx: &mut Tx,
    shop: &ShopId,
    run: i64,
    change: &Change,
) -> Result<(), StorageError> {
    let days = change
        .days
        .iter()
        .filter(|(_, sums)| sums.iter().any(|sum| *sum != 0));
    let days: Vec<_> = days.collect();
    for chunk in days.chunks(ROWS_A_STATEMENT) {
        on_db!(tx, |connection| {
            let mut sql = sqlx::QueryBuilder::new(
                "INSERT INTO visit_days (shop_id, run, day, device, counted, visits, took_ms, views) ",
            );
            sql.push_values(chunk, |mut row, ((day, device, count), [visits, took_ms, views])| {
                row.push_bind(shop.as_str())
                    .push_bind(run)
                    .push_bind(*day)
                    .push_bind(*device)
                    .push_bind(*count as i64)
                    .push_bind(*visits)
                    .push_bind(*took_ms)
                    .push_bind(*views);
            });
            sql.push(
                " ON CONFLICT (shop_id, run, day, device, counted) DO UPDATE SET \
                 visits = visit_days.visits + excluded.visits, took_ms = visit_days.took_ms + excluded.took_ms, \
                 views = visit_days.views + excluded.views",
            );
            sql.build()
                .persistent(keep_prepared(chunk.len()))
                .execute(connection)
                .await
                .map(|_| ())
        })
        .during("add to the days of visits")?;
    }
    Ok(())
}

async fn add_facets(
    tx: &mut Tx,
    shop: &ShopId,
    run: i64,
    change: &Change,
) -> Result<(), StorageError> {
    let facets = change.facets.iter().filter(|(_, sums)| **sums != [0, 0]);
    let facets: Vec<_> = facets.collect();
    for chunk in facets.chunks(ROWS_A_STATEMENT) {
        on_db!(tx, |connection| {
            let mut sql = sqlx::QueryBuilder::new(
                "INSERT INTO visit_facets (shop_id, run, day, step, facet, value, visits, went_on) ",
            );
            sql.push_values(chunk, |mut row, ((day, facet), [visits, went_on])| {
                row.push_bind(shop.as_str())
                    .push_bind(run)
                    .push_bind(*day)
                    .push_bind(facet.step as i64)
                    .push_bind(facet.facet.as_str())
                    .push_bind(facet.value.as_str())
                    .push_bind(*visits)
                    .push_bind(*went_on);
            });
            sql.push(
                " ON CONFLICT (shop_id, run, day, step, facet, value) DO UPDATE SET \
                 visits = visit_facets.visits + excluded.visits, went_on = visit_facets.went_on + excluded.went_on",
            );
            sql.build()
                .persistent(keep_prepared(chunk.len()))
                .execute(connection)
                .await
                .map(|_| ())
        })
        .during("add to the marks of visits")?;
    }
    Ok(())
}

async fn add_gaps(
    tx: &mut Tx,
    shop: &ShopId,
    run: i64,
    change: &Change,
) -> Result<(), StorageError> {
    let gaps: Vec<_> = change.gaps.iter().collect();
    for chunk in gaps.chunks(ROWS_A_STATEMENT) {
        on_db!(tx, |connection| {
            let mut sql = sqlx::QueryBuilder::new(
                "INSERT INTO visitor_gaps (shop_id, run, counted, device, day, day_before, visitors) ",
            );
            sql.push_values(chunk, |mut row, ((count, device, day, before), visitors)| {
                row.push_bind(shop.as_str())
                    .push_bind(run)
                    .push_bind(*count as i64)
                    .push_bind(device.as_str())
                    .push_bind(*day)
                    .push_bind(*before)
                    .push_bind(**visitors);
            });
            sql.push(
                " ON CONFLICT (shop_id, run, counted, device, day, day_before) DO UPDATE SET \
                 visitors = visitor_gaps.visitors + excluded.visitors",
            );
            sql.build()
                .persistent(keep_prepared(chunk.len()))
                .execute(connection)
                .await
                .map(|_| ())
        })
        .during("add to the visitors of days")?;
    }
    Ok(())
}

/// Sums of visits: how many, their time, pages.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(in crate::analytics) struct Sums {
    pub(in crate::analytics) visits: i64,
    pub(in crate::analytics) took_ms: i64,
    pub(in crate::analytics) views: i64,
}

/// The sums of a span by day and count; without a device, of all.
pub(in crate::analytics) async fn sum_days(
    db: &mut impl Handle,
    shop: &ShopId,
    run: i64,
    span: Days,
    device: Option<&str>,
) -> Result<Vec<(i64, usize, Sums)>, StorageError> {
    let rows: Vec<(i64, i64, i64, i64, i64)> = on_db!(db, |connection| {
        let mut sql = sqlx::QueryBuilder::new(
            "SELECT day, counted, CAST(SUM(visits) AS BIGINT), CAST(SUM(took_ms) AS BIGINT), \
             CAST(SUM(views) AS BIGINT) FROM visit_days WHERE shop_id = ",
        );
        sql.push_bind(shop.as_str())
            .push(" AND run = ")
            .push_bind(run);
        sql.push(" AND day >= ").push_bind(span.from);
        sql.push(" AND day < ").push_bind(span.until);
        if let Some(device) = device {
            sql.push(" AND device = ").push_bind(device);
        }
        sql.push(" GROUP BY day, counted ORDER BY day, counted");
        sql.build_query_as().fetch_all(connection).await
    })
    .during("sum the days of visits")?;
    let read = rows
        .into_iter()
        .filter_map(|(day, count, visits, took_ms, views)| {
            let count = usize::try_from(count)
                .ok()
                .filter(|count| *count < COUNTS)?;
            Some((
                day,
                count,
                Sums {
                    visits,
                    took_ms,
                    views,
                },
            ))
        });
    Ok(read.collect())
}

/// Distinct visitors in each of some spans, for each of some counts; in the order of the spans.
pub(in crate::analytics) async fn count_visitors(
    db: &mut impl Handle,
    shop: &ShopId,
    run: i64,
    spans: &[Days],
    counts: &[usize],
    device: Option<&str>,
) -> Result<Vec<[i64; COUNTS]>, StorageError> {
    let mut found = vec![[0; COUNTS]; spans.len()];
    let numbered: Vec<(usize, &Days)> = spans.iter().enumerate().collect();
    for chunk in numbered.chunks(ROWS_A_STATEMENT) {
        let rows: Vec<(i64, i64, i64)> = on_db!(db, |connection| {
            // CROSS JOIN, here and with orders, since SQLite then begins with the short list.
            let mut sql = sqlx::QueryBuilder::new("WITH spans (place, first_day, end_day) AS (");
            sql.push_values(chunk, |mut row, (place, span)| {
                row.push_bind(*place as i64)
                    .push_bind(span.from)
                    .push_bind(span.until);
            });
            sql.push(
                ") SELECT s.place, g.counted, CAST(SUM(g.visitors) AS BIGINT) FROM spans s \
                 CROSS JOIN visitor_gaps g WHERE g.shop_id = ",
            );
            sql.push_bind(shop.as_str())
                .push(" AND g.run = ")
                .push_bind(run);
            sql.push(" AND g.counted IN (");
            let mut list = sql.separated(", ");
            for count in counts {
                list.push_bind(*count as i64);
            }
            sql.push(") AND g.device = ")
                .push_bind(device.unwrap_or_default());
            sql.push(
                " AND g.day >= s.first_day AND g.day < s.end_day AND g.day_before < s.first_day \
                 GROUP BY s.place, g.counted",
            );
            sql.build_query_as().fetch_all(connection).await
        })
        .during("count visitors")?;
        for (place, count, visitors) in rows {
            let place = usize::try_from(place)
                .ok()
                .and_then(|place| found.get_mut(place));
            let count = usize::try_from(count).ok().filter(|count| *count < COUNTS);
            if let (Some(of_span), Some(count)) = (place, count) {
                of_span[count] = visitors;
            }
        }
    }
    Ok(found)
}

/// What marks visits: step, what it is, visits, and those that went on.
pub(in crate::analytics) type FacetRow = (usize, Facet, String, i64, i64);

/// The marks of a span's visits.
pub(in crate::analytics) async fn sum_facets(
    db: &mut impl Handle,
    shop: &ShopId,
    run: i64,
    span: Days,
) -> Result<Vec<FacetRow>, StorageError> {
    const SQL: &str = "SELECT step, facet, value, CAST(SUM(visits) AS BIGINT), CAST(SUM(went_on) AS BIGINT) \
        FROM visit_facets WHERE shop_id = $1 AND run = $2 AND day >= $3 AND day < $4 \
        GROUP BY step, facet, value ORDER BY step, facet, value";
    let rows: Vec<(i64, String, String, i64, i64)> = on_db!(db, |connection| {
        sqlx::query_as(SQL)
            .bind(shop.as_str())
            .bind(run)
            .bind(span.from)
            .bind(span.until)
            .fetch_all(connection)
            .await
    })
    .during("sum the marks of visits")?;
    let read = rows
        .into_iter()
        .filter_map(|(step, facet, value, visits, went_on)| {
            Some((
                usize::try_from(step).ok()?,
                Facet::parse(&facet)?,
                value,
                visits,
                went_on,
            ))
        });
    Ok(read.filter(|(.., visits, _)| *visits > 0).collect())
}

/// Distinct visitors of each day of a span, days without any left out; and those of the whole span.
pub(in crate::analytics) async fn count_daily_visitors(
    db: &mut impl Handle,
    shop: &ShopId,
    run: i64,
    span: Days,
) -> Result<(BTreeMap<i64, i64>, i64), StorageError> {
    // Of one day every day before lies outside; of the span those before its first day.
    const SQL: &str = "SELECT day, CAST(SUM(visitors) AS BIGINT), \
        CAST(SUM(CASE WHEN day_before < $3 THEN visitors ELSE 0 END) AS BIGINT) \
        FROM visitor_gaps WHERE shop_id = $1 AND run = $2 \
        AND counted = 0 AND device = '' AND day >= $3 AND day < $4 GROUP BY day";
    let rows: Vec<(i64, i64, i64)> = on_db!(db, |connection| {
        sqlx::query_as(SQL)
            .bind(shop.as_str())
            .bind(run)
            .bind(span.from)
            .bind(span.until)
            .fetch_all(connection)
            .await
    })
    .during("count the visitors of days")?;
    let of_span = rows.iter().map(|(.., first)| first).sum();
    let daily = rows.into_iter().map(|(day, visitors, _)| (day, visitors));
    Ok((daily.collect(), of_span))
}

/// Visitors who were never seen before, by day of a span, and how many were seen until its end in all.
pub(in crate::analytics) async fn count_new(
    db: &mut impl Handle,
    shop: &ShopId,
    run: i64,
    span: Days,
) -> Result<(BTreeMap<i64, i64>, i64), StorageError> {
    // The day before them all is written out, as it is in the index that has only these.
    const SQL: &str = "SELECT day, visitors FROM visitor_gaps WHERE shop_id = $1 AND run = $2 \
        AND counted = 0 AND device = '' AND day < $3 AND day_before = -1000000";
    const { assert!(NEVER == -1_000_000) };
    let rows: Vec<(i64, i64)> = on_db!(db, |connection| {
        sqlx::query_as(SQL)
            .bind(shop.as_str())
            .bind(run)
            .bind(span.until)
            .fetch_all(connection)
            .await
    })
    .during("count new visitors")?;
    let total = rows.iter().map(|(_, visitors)| visitors).sum();
    let of_span = rows.into_iter().filter(|(day, _)| *day >= span.from);
    Ok((of_span.collect(), total))
}
