//! What people said of pages.

use std::collections::{BTreeMap, HashSet};

use footfall_shared::behavior::sentiment::blend::Class;
use footfall_shared::id::ShopId;
use footfall_shared::time::UtcMillis;
use footfall_shared::visits::feedback::{Feedback, Topic};

use crate::analytics::calendar::{Days, local_time};
use crate::db::{During, Handle, ROWS_A_STATEMENT, StorageError, Tx, keep_prepared};
use crate::on_db;
use crate::shops::Shop;

/// Day, page, class, topic.
pub(in crate::analytics) type SaidPlace = (i64, &'static str, &'static str, &'static str);
/// How many, and the sum of their scores in thousandths.
pub(in crate::analytics) type Said = [i64; 2];

/// The class's name.
pub(in crate::analytics) const fn class_name(class: Class) -> &'static str {
    match class {
        Class::Positive => "positive",
        Class::Neutral => "neutral",
        Class::Negative => "negative",
    }
}

/// Adds what was said to sums.
pub(in crate::analytics) fn count(sums: &mut BTreeMap<SaidPlace, Said>, day: i64, said: &Feedback) {
    let place = (
        day,
        said.page,
        class_name(said.score.class()),
        said.topic.as_str(),
    );
    let sum = sums.entry(place).or_default();
    sum[0] += 1;
    sum[1] += thousandths(said);
}

fn thousandths(said: &Feedback) -> i64 {
    (said.score.score * 1000.0).round() as i64
}

/// Keeps what events said. Their ids are new in the run.
pub(in crate::analytics) async fn add(
    tx: &mut Tx,
    shop: &Shop,
    run: i64,
    said: &[(&str, UtcMillis, Feedback)],
) -> Result<(), StorageError> {
    const INSERT: &str =
        "INSERT INTO feedback (shop_id, run, id, at, page, score, topic, rating, said) ";
    for chunk in said.chunks(ROWS_A_STATEMENT) {
        on_db!(tx, |connection| {
            let mut sql = sqlx::QueryBuilder::new(INSERT);
            sql.push_values(chunk, |mut row, (id, at, one)| {
                row.push_bind(shop.id.as_str())
                    .push_bind(run)
                    .push_bind(*id)
                    .push_bind(at.get())
                    .push_bind(one.page)
                    .push_bind(thousandths(one))
                    .push_bind(one.topic.as_str())
                    .push_bind(one.rating)
                    .push_bind(one.text.as_deref());
            });
            sql.build()
                .persistent(keep_prepared(chunk.len()))
                .execute(connection)
                .await
                .map(|_| ())
        })
        .during("keep what was said of pages")?;
    }
    let mut sums = BTreeMap::new();
    for (_, at, one) in said {
        count(&mut sums, local_time(*at, &shop.timezone).day, one);
    }
    add_days(tx, &shop.id, run, &sums).await
}

/// Takes back what these events said, in all runs; the sums of the live one go with it.
pub(in crate::analytics) async fn take_back(
    tx: &mut Tx,
    shop: &Shop,
    live: i64,
    said: &[(&str, UtcMillis, Feedback)],
) -> Result<(), StorageError> {
    let mut counted: HashSet<String> = HashSet::new();
    for chunk in said.chunks(ROWS_A_STATEMENT) {
        let rows: Vec<(i64, String)> = on_db!(tx, |connection| {
            let mut sql = sqlx::QueryBuilder::new("DELETE FROM feedback WHERE shop_id = ");
            sql.push_bind(shop.id.as_str());
            sql.push(" AND run IN (SELECT run FROM analytics_runs WHERE shop_id = ");
            sql.push_bind(shop.id.as_str()).push(") AND id IN (");
            let mut list = sql.separated(", ");
            for (id, ..) in chunk {
                list.push_bind(*id);
            }
            sql.push(") RETURNING run, id")
                .build_query_as()
                .fetch_all(connection)
                .await
        })
        .during("take back what was said")?;
        let of_live = rows.into_iter().filter(|(run, _)| *run == live);
        counted.extend(of_live.map(|(_, id)| id));
    }
    let mut sums = BTreeMap::new();
    for (_, at, one) in said.iter().filter(|(id, ..)| counted.contains(*id)) {
        count(&mut sums, local_time(*at, &shop.timezone).day, one);
    }
    for sum in sums.values_mut() {
        *sum = [-sum[0], -sum[1]];
    }
    add_days(tx, &shop.id, live, &sums).await
}

/// Adds to the sums of days.
pub(in crate::analytics) async fn add_days(
    tx: &mut Tx,
    shop: &ShopId,
    run: i64,
    sums: &BTreeMap<SaidPlace, Said>,
) -> Result<(), StorageError> {
    let sums: Vec<_> = sums.iter().collect();
    for chunk in sums.chunks(ROWS_A_STATEMENT) {
        on_db!(tx, |connection| {
            let mut sql = sqlx::QueryBuilder::new(
                "INSERT INTO feedback_days (shop_id, run, day, page, class, topic, said, score) ",
            );
            sql.push_values(chunk, |mut row, ((day, page, class, topic), [said, score])| {
                row.push_bind(shop.as_str())
                    .push_bind(run)
                    .push_bind(*day)
                    .push_bind(*page)
                    .push_bind(*class)
                    .push_bind(*topic)
                    .push_bind(*said)
                    .push_bind(*score);
            });
            sql.push(
                " ON CONFLICT (shop_id, run, day, page, class, topic) DO UPDATE SET \
                 said = feedback_days.said + excluded.said, score = feedback_days.score + excluded.score",
            );
            sql.build()
                .persistent(keep_prepared(chunk.len()))
                .execute(connection)
                .await
                .map(|_| ())
        })
        .during("add to what was said on days")?;
    }
    Ok(())
}

/// What was said on a day: the day, the page, the class, the topic, how many, and the sum of their scores.
pub(in crate::analytics) type SaidRow = (i64, String, String, String, i64, i64);

/// What was said, by day; without a span all, also what no day is known of; without a page of all.
pub(in crate::analytics) async fn sum_days(
    db: &mut impl Handle,
    shop: &ShopId,
    run: i64,
    span: Option<Days>,
    page: Option<&str>,
) -> Result<Vec<SaidRow>, StorageError> {
    on_db!(db, |connection| {
        let mut sql = sqlx::QueryBuilder::new(
            "SELECT day, page, class, topic, said, score FROM feedback_days WHERE shop_id = ",
        );
        sql.push_bind(shop.as_str())
            .push(" AND run = ")
            .push_bind(run);
        if let Some(span) = span {
            sql.push(" AND day >= ").push_bind(span.from);
            sql.push(" AND day < ").push_bind(span.until);
        }
        if let Some(page) = page {
            sql.push(" AND page = ").push_bind(page);
        }
        sql.push(" ORDER BY day, page, class, topic");
        sql.build_query_as().fetch_all(connection).await
    })
    .during("sum what was said")
}

/// Something that was said: when, its score in thousandths, its topic, stars in hundredths, and the text.
pub(in crate::analytics) type SaidOne = (i64, i64, String, Option<i64>, Option<String>);

/// What was said of a page lately, the latest first.
pub(in crate::analytics) async fn list(
    db: &mut impl Handle,
    shop: &ShopId,
    run: i64,
    page: &str,
    topic: Option<Topic>,
    times: (UtcMillis, UtcMillis),
    limit: i64,
) -> Result<Vec<SaidOne>, StorageError> {
    on_db!(db, |connection| {
        let mut sql = sqlx::QueryBuilder::new(
            "SELECT at, score, topic, rating, said FROM feedback WHERE shop_id = ",
        );
        sql.push_bind(shop.as_str())
            .push(" AND run = ")
            .push_bind(run);
        sql.push(" AND page = ").push_bind(page);
        sql.push(" AND at >= ").push_bind(times.0.get());
        sql.push(" AND at < ").push_bind(times.1.get());
        if let Some(topic) = topic {
            sql.push(" AND topic = ").push_bind(topic.as_str());
        }
        sql.push(" ORDER BY at DESC, id DESC LIMIT ")
            .push_bind(limit);
        sql.build_query_as().fetch_all(connection).await
    })
    .during("list what was said of a page")
}
