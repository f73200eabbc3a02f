//! Visits, and the days of their visitors.

use std::collections::BTreeMap;

use footfall_shared::id::ShopId;
use footfall_shared::time::UtcMillis;
use footfall_shared::visits::page::PageType;
use footfall_shared::visits::sums::COUNTS;
use footfall_shared::visits::users::VisitorDays;
use footfall_shared::visits::visit::Visit;

use crate::db::{During, Handle, ROWS_A_STATEMENT, StorageError, Tx, keep_prepared};
use crate::on_db;

/// A visit's name: its key, and when it began.
pub(in crate::analytics) type Place = (String, UtcMillis);

/// The visits of keys that reach into a span of time, by key and in time. Of a key that asks for less there may be more.
pub(in crate::analytics) async fn find_near(
    db: &mut impl Handle,
    shop: &ShopId,
    run: i64,
    wanted: &[(&str, UtcMillis, UtcMillis)],
) -> Result<BTreeMap<String, Vec<Visit>>, StorageError> {
    const STEP: &str = "find the visits that events belong to";
    let mut found = BTreeMap::<String, Vec<Visit>>::new();
    for chunk in wanted.chunks(ROWS_A_STATEMENT) {
        let from = chunk.iter().map(|(_, from, _)| from.get()).min();
        let until = chunk.iter().map(|(.., until)| until.get()).max();
        let rows: Vec<(String, String)> = on_db!(db, |connection| {
            let mut sql = sqlx::QueryBuilder::new("SELECT key, body FROM visits WHERE shop_id = ");
            sql.push_bind(shop.as_str())
                .push(" AND run = ")
                .push_bind(run);
            // The signs keep SQLite from going by the times, or by their sequence: there are few visits of a key, and many
            // of a time.
            sql.push(" AND +last_at >= ").push_bind(from);
            sql.push(" AND +first_at <= ").push_bind(until);
            sql.push(" AND key IN (");
            let mut list = sql.separated(", ");
            for (key, ..) in chunk {
                list.push_bind(*key);
            }
            sql.push(") ORDER BY +first_at")
                .build_query_as()
                .persistent(keep_prepared(chunk.len()))
                .fetch_all(connection)
                .await
        })
        .during(STEP)?;
        for (key, body) in rows {
            found.entry(key).or_default().push(visit_of(&body)?);
        }
    }
    Ok(found)
}

/// What `column`, the key or the visitor, may be for visits to be wanted.
#[derive(Debug, Clone, Copy)]
pub(in crate::analytics) enum Of<'a> {
    /// One of these keys.
    Keys(&'a [String]),
    /// One of these visitors.
    Visitors(&'a [String]),
}

impl<'a> Of<'a> {
    const fn parts(self) -> (&'static str, &'a [String]) {
        match self {
            Self::Keys(keys) => ("key", keys),
            Self::Visitors(visitors) => ("visitor", visitors),
        }
    }
}

/// All visits of some keys or visitors, with their keys.
pub(in crate::analytics) async fn find_all(
    db: &mut impl Handle,
    shop: &ShopId,
    run: i64,
    of: Of<'_>,
) -> Result<Vec<(String, Visit)>, StorageError> {
    let (column, names) = of.parts();
    let mut found = Vec::new();
    for chunk in names.chunks(ROWS_A_STATEMENT) {
        let rows: Vec<(String, String)> = on_db!(db, |connection| {
            let mut sql = sqlx::QueryBuilder::new("SELECT key, body FROM visits WHERE shop_id = ");
            sql.push_bind(shop.as_str())
                .push(" AND run = ")
                .push_bind(run);
            sql.push(format_args!(" AND {column} IN ("));
            let mut list = sql.separated(", ");
            for name in chunk {
                list.push_bind(name.as_str());
            }
            sql.push(")").build_query_as().fetch_all(connection).await
        })
        .during("find all visits of somebody")?;
        for (key, body) in rows {
            found.push((key, visit_of(&body)?));
        }
    }
    Ok(found)
}

/// Forgets what runs that nobody reads have of some keys or visitors.
pub(in crate::analytics) async fn delete_unread(
    tx: &mut Tx,
    shop: &ShopId,
    live: i64,
    of: Of<'_>,
) -> Result<(), StorageError> {
    let (column, names) = of.parts();
    let tables: &[&str] = match of {
        Of::Keys(_) => &["visits"],
        Of::Visitors(_) => &["visits", "visitor_days"],
    };
    for table in tables {
        for chunk in names.chunks(ROWS_A_STATEMENT) {
            on_db!(tx, |connection| {
                let mut sql =
                    sqlx::QueryBuilder::new(format!("DELETE FROM {table} WHERE shop_id = "));
                sql.push_bind(shop.as_str())
                    .push(" AND run IN (SELECT run FROM analytics_runs WHERE shop_id = ")
                    .push_bind(shop.as_str())
                    .push(" AND run <> ")
                    .push_bind(live);
                sql.push(format_args!(") AND {column} IN ("));
                let mut list = sql.separated(", ");
                for name in chunk {
                    list.push_bind(name.as_str());
                }
                sql.push(")").build().execute(connection).await.map(|_| ())
            })
            .during("forget somebody's visits of old runs")?;
        }
    }
    Ok(())
}

pub(in crate::analytics) fn visit_of(body: &str) -> Result<Visit, StorageError> {
    serde_json::from_str(body).map_err(|cause| StorageError::corrupt("read a visit", cause))
}

/// Forgets visits.
pub(in crate::analytics) async fn delete(
    tx: &mut Tx,
    shop: &ShopId,
    run: i64,
    places: &[Place],
) -> Result<(), StorageError> {
    const SQL: &str =
        "DELETE FROM visits WHERE shop_id = $1 AND run = $2 AND key = $3 AND first_at = $4";
    for (key, first_at) in places {
        on_db!(tx, |connection| {
            sqlx::query(SQL)
                .bind(shop.as_str())
                .bind(run)
                .bind(key.as_str())
                .bind(first_at.get())
                .execute(connection)
                .await
                .map(|_| ())
        })
        .during("forget a visit that became part of another one")?;
    }
    Ok(())
}

/// Keeps visits as they are now.
pub(in crate::analytics) async fn save(
    tx: &mut Tx,
    shop: &ShopId,
    run: i64,
    visits: &[(String, Visit)],
) -> Result<(), StorageError> {
    const STEP: &str = "save visits";
    const INSERT: &str = "INSERT INTO visits (shop_id, run, key, first_at, last_at, visitor, on_home, on_search, \
        on_payment, on_confirmation, body) ";
    const OVER: &str = " ON CONFLICT (shop_id, run, key, first_at) DO UPDATE SET last_at = excluded.last_at, \
        visitor = excluded.visitor, on_home = excluded.on_home, on_search = excluded.on_search, \
        on_payment = excluded.on_payment, on_confirmation = excluded.on_confirmation, body = excluded.body";
    for chunk in visits.chunks(ROWS_A_STATEMENT) {
        let mut rows = Vec::with_capacity(chunk.len());
        for (key, visit) in chunk {
            let body =
                serde_json::to_string(visit).map_err(|cause| StorageError::corrupt(STEP, cause))?;
            let on =
                PageType::ALL.map(|page| visit.counted_steps().any(|step| step.page == Some(page)));
            rows.push((key, visit, on, body));
        }
        on_db!(tx, |connection| {
            let mut sql = sqlx::QueryBuilder::new(INSERT);
            sql.push_values(&rows, |mut row, (key, visit, on, body)| {
                row.push_bind(shop.as_str())
                    .push_bind(run)
                    .push_bind(key.as_str())
                    .push_bind(visit.first_at.get())
                    .push_bind(visit.last_at.get())
                    .push_bind(visit.visitor(key));
                for page in on {
                    row.push_bind(*page);
                }
                row.push_bind(body.as_str());
            });
            sql.push(OVER)
                .build()
                .persistent(keep_prepared(rows.len()))
                .execute(connection)
                .await
                .map(|_| ())
        })
        .during(STEP)?;
    }
    Ok(())
}

/// The days of visitors.
pub(in crate::analytics) async fn find_visitor_days(
    db: &mut impl Handle,
    shop: &ShopId,
    run: i64,
    visitors: &[&str],
) -> Result<BTreeMap<String, VisitorDays>, StorageError> {
    const STEP: &str = "find the days of visitors";
    let mut found = BTreeMap::<String, VisitorDays>::new();
    for chunk in visitors.chunks(ROWS_A_STATEMENT) {
        let rows: Vec<(String, i64, String, String)> = on_db!(db, |connection| {
            let mut sql = sqlx::QueryBuilder::new(
                "SELECT visitor, day, device, counts FROM visitor_days WHERE shop_id = ",
            );
            sql.push_bind(shop.as_str())
                .push(" AND run = ")
                .push_bind(run);
            sql.push(" AND visitor IN (");
            let mut list = sql.separated(", ");
            for visitor in chunk {
                list.push_bind(*visitor);
            }
            sql.push(")")
                .build_query_as()
                .persistent(keep_prepared(chunk.len()))
                .fetch_all(connection)
                .await
        })
        .during(STEP)?;
        for (visitor, day, device, counts) in rows {
            let counts = serde_json::from_str(&counts)
                .map_err(|cause| StorageError::corrupt(STEP, cause))?;
            found
                .entry(visitor)
                .or_default()
                .insert((day, device), counts);
        }
    }
    Ok(found)
}

/// Keeps days of visitors; a day on which nothing is left goes.
pub(in crate::analytics) async fn save_visitor_days(
    tx: &mut Tx,
    shop: &ShopId,
    run: i64,
    days: &BTreeMap<String, VisitorDays>,
) -> Result<(), StorageError> {
    const STEP: &str = "save the days of visitors";
    const INSERT: &str = "INSERT INTO visitor_days (shop_id, run, visitor, day, device, counts) ";
    const OVER: &str =
        " ON CONFLICT (shop_id, run, visitor, day, device) DO UPDATE SET counts = excluded.counts";
    const FORGET: &str = "DELETE FROM visitor_days WHERE shop_id = $1 AND run = $2 AND visitor = $3 AND day = $4 AND device = $5";
    let mut rows = Vec::new();
    for (visitor, days) in days {
        for ((day, device), counts) in days {
            if counts.iter().any(|count| *count != 0) {
                let counts = serde_json::to_string(counts)
                    .map_err(|cause| StorageError::corrupt(STEP, cause))?;
                rows.push((visitor, *day, device, counts));
                continue;
            }
            on_db!(tx, |connection| {
                sqlx::query(FORGET)
                    .bind(shop.as_str())
                    .bind(run)
                    .bind(visitor.as_str())
                    .bind(*day)
                    .bind(device.as_str())
                    .execute(connection)
                    .await
                    .map(|_| ())
            })
            .during(STEP)?;
        }
    }
    for chunk in rows.chunks(ROWS_A_STATEMENT) {
        on_db!(tx, |connection| {
            let mut sql = sqlx::QueryBuilder::new(INSERT);
            sql.push_values(chunk, |mut row, (visitor, day, device, counts)| {
                row.push_bind(shop.as_str())
                    .push_bind(run)
                    .push_bind(visitor.as_str())
                    .push_bind(*day)
                    .push_bind(device.as_str())
                    .push_bind(counts.as_str());
            });
            sql.push(OVER)
                .build()
                .persistent(keep_prepared(chunk.len()))
                .execute(connection)
                .await
                .map(|_| ())
        })
        .during(STEP)?;
    }
    Ok(())
}

/// Which visits are wanted, the newest first.
#[derive(Debug, Default)]
pub(in crate::analytics) struct Filter<'a> {
    /// Of this visitor.
    pub(in crate::analytics) visitor: Option<&'a str>,
    /// Of these keys.
    pub(in crate::analytics) keys: Option<[String; 2]>,
    /// That were on this page.
    pub(in crate::analytics) page: Option<PageType>,
    /// This one and those that began before it.
    pub(in crate::analytics) until: Option<(UtcMillis, String)>,
}

/// Visits with their keys, the newest first.
pub(in crate::analytics) async fn list(
    db: &mut impl Handle,
    shop: &ShopId,
    run: i64,
    filter: &Filter<'_>,
    limit: i64,
) -> Result<Vec<(String, Visit)>, StorageError> {
    let rows: Vec<(String, String)> = on_db!(db, |connection| {
        let mut sql = sqlx::QueryBuilder::new("SELECT key, body FROM visits WHERE shop_id = ");
        sql.push_bind(shop.as_str())
            .push(" AND run = ")
            .push_bind(run);
        if let Some(visitor) = filter.visitor {
            sql.push(" AND visitor = ").push_bind(visitor);
        }
        if let Some([one, other]) = &filter.keys {
            sql.push(" AND key IN (").push_bind(one.as_str());
            sql.push(", ").push_bind(other.as_str()).push(")");
        }
        match filter.page {
            Some(PageType::Home) => sql.push(" AND on_home"),
            Some(PageType::Search) => sql.push(" AND on_search"),
            Some(PageType::Payment) => sql.push(" AND on_payment"),
            Some(PageType::Confirmation) => sql.push(" AND on_confirmation"),
            None => &mut sql,
        };
        if let Some((at, key)) = &filter.until {
            sql.push(" AND (first_at, key) <= (").push_bind(at.get());
            sql.push(", ").push_bind(key.as_str()).push(")");
        }
        sql.push(" ORDER BY first_at DESC, key DESC LIMIT ")
            .push_bind(limit);
        sql.build_query_as().fetch_all(connection).await
    })
    .during("list visits")?;
    rows.into_iter()
        .map(|(key, body)| Ok((key, visit_of(&body)?)))
        .collect()
}

/// Visits in which something happened since a time, the latest first.
pub(in crate::analytics) async fn list_active(
    db: &mut impl Handle,
    shop: &ShopId,
    run: i64,
    since: UtcMillis,
    limit: i64,
) -> Result<Vec<Visit>, StorageError> {
    const SQL: &str = "SELECT body FROM visits WHERE shop_id = $1 AND run = $2 AND last_at >= $3 \
        ORDER BY last_at DESC LIMIT $4";
    let rows: Vec<String> = on_db!(db, |connection| {
        sqlx::query_scalar(SQL)
            .bind(shop.as_str())
            .bind(run)
            .bind(since.get())
            .bind(limit)
            .fetch_all(connection)
            .await
    })
    .during("list active visits")?;
    rows.iter().map(|body| visit_of(body)).collect()
}

/// Visitors and visits in which something happened since a time, and those of the visits that were on the confirmation.
pub(in crate::analytics) async fn count_active(
    db: &mut impl Handle,
    shop: &ShopId,
    run: i64,
    since: UtcMillis,
) -> Result<(i64, i64, i64), StorageError> {
    const SQL: &str = "SELECT COUNT(DISTINCT visitor), COUNT(*), \
        COALESCE(SUM(CASE WHEN on_confirmation THEN 1 ELSE 0 END), 0) \
        FROM visits WHERE shop_id = $1 AND run = $2 AND last_at >= $3";
    on_db!(db, |connection| {
        sqlx::query_as(SQL)
            .bind(shop.as_str())
            .bind(run)
            .bind(since.get())
            .fetch_one(connection)
            .await
    })
    .during("count active visitors")
}

/// A visitor's day: visitor, day, device, and the visits by count.
pub(in crate::analytics) type VisitorDay = (String, i64, String, [i64; COUNTS]);

/// Days of visitors behind one, by visitor.
pub(in crate::analytics) async fn list_visitor_days(
    db: &mut impl Handle,
    shop: &ShopId,
    run: i64,
    after: Option<&(String, i64, String)>,
    limit: i64,
) -> Result<Vec<VisitorDay>, StorageError> {
    const STEP: &str = "list the days of visitors";
    let rows: Vec<(String, i64, String, String)> = on_db!(db, |connection| {
        let mut sql = sqlx::QueryBuilder::new(
            "SELECT visitor, day, device, counts FROM visitor_days WHERE shop_id = ",
        );
        sql.push_bind(shop.as_str())
            .push(" AND run = ")
            .push_bind(run);
        if let Some((visitor, day, device)) = after {
            sql.push(" AND (visitor, day, device) > (")
                .push_bind(visitor.as_str());
            sql.push(", ").push_bind(*day);
            sql.push(", ").push_bind(device.as_str()).push(")");
        }
        sql.push(" ORDER BY visitor, day, device LIMIT ")
            .push_bind(limit);
        sql.build_query_as().fetch_all(connection).await
    })
    .during(STEP)?;
    let read = rows.into_iter().map(|(visitor, day, device, counts)| {
        let counts =
            serde_json::from_str(&counts).map_err(|cause| StorageError::corrupt(STEP, cause))?;
        Ok((visitor, day, device, counts))
    });
    read.collect()
}

/// The last day with visits.
pub(in crate::analytics) async fn last_day(
    db: &mut impl Handle,
    shop: &ShopId,
    run: i64,
) -> Result<Option<i64>, StorageError> {
    const SQL: &str = "SELECT MAX(day) FROM visit_days WHERE shop_id = $1 AND run = $2";
    on_db!(db, |connection| {
        sqlx::query_scalar(SQL)
            .bind(shop.as_str())
            .bind(run)
            .fetch_one(connection)
            .await
    })
    .during("find the last day of visits")
}
