//! Statements about the members of segments.

use footfall_shared::behavior::rfm::Scores;
use footfall_shared::id::ShopId;

use crate::behavior::scope::Scope;
use crate::db::{During, Handle, ROWS_A_STATEMENT, StorageError, Tx, keep_prepared};
use crate::jobs::Job;
use crate::on_db;

/// A customer of a segment, as a run found it.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Member<'a> {
    pub(super) segment: i64,
    pub(super) customer: &'a str,
    pub(super) email: Option<&'a str>,
    pub(super) recency_days: Option<f64>,
    pub(super) frequency: i64,
    pub(super) spend: i64,
    pub(super) scores: Scores,
    pub(super) age: Option<i64>,
    pub(super) gender: Option<&'a str>,
    pub(super) location: Option<&'a str>,
}

/// A customer of a segment, as it is kept.
#[derive(Debug, Clone, PartialEq, sqlx::FromRow)]
pub(super) struct Kept {
    pub(super) customer_id: String,
    pub(super) email: Option<String>,
    pub(super) recency_days: Option<f64>,
    pub(super) frequency: i64,
    pub(super) spend_minor: i64,
    pub(super) score_r: Option<i64>,
    pub(super) score_f: i64,
    pub(super) score_m: i64,
    pub(super) age: Option<i64>,
    pub(super) gender: Option<String>,
    pub(super) location: Option<String>,
}

/// How members are sorted; equal ones by their ids.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Sort {
    Spend,
    Purchases,
    Recency,
    Customer,
}

impl Sort {
    const fn column(self) -> &'static str {
        match self {
            Self::Spend => "spend_minor",
            Self::Purchases => "frequency",
            // Where it is not known it is the longest.
            Self::Recency => "COALESCE(recency_days, 1e18)",
            Self::Customer => "customer_id",
        }
    }
}

/// Which members are asked for.
#[derive(Debug, Clone)]
pub(super) struct Asked<'a> {
    pub(super) run: &'a str,
    pub(super) segment: i64,
    pub(super) search: Option<&'a str>,
    pub(super) sort: Sort,
    pub(super) descending: bool,
    pub(super) limit: i64,
    pub(super) offset: i64,
}

/// Keeps members of a run.
pub(super) async fn insert(
    tx: &mut Tx,
    job: &Job,
    run: &str,
    members: &[Member<'_>],
) -> Result<(), StorageError> {
    const SQL: &str = "INSERT INTO segment_members (shop_id, scope, run, segment_id, customer_id, email, \
        recency_days, frequency, spend_minor, score_r, score_f, score_m, age, gender, location) ";
    for chunk in members.chunks(ROWS_A_STATEMENT) {
        on_db!(tx, |connection| {
            let mut sql = sqlx::QueryBuilder::new(SQL);
            sql.push_values(chunk, |mut row, one| {
                row.push_bind(job.shop.as_str())
                    .push_bind(job.what.subject.as_str())
                    .push_bind(run)
                    .push_bind(one.segment)
                    .push_bind(one.customer)
                    .push_bind(one.email)
                    .push_bind(one.recency_days)
                    .push_bind(one.frequency)
                    .push_bind(one.spend)
                    .push_bind(one.scores.recency.map(i64::from))
                    .push_bind(i64::from(one.scores.frequency))
                    .push_bind(i64::from(one.scores.monetary))
                    .push_bind(one.age)
                    .push_bind(one.gender)
                    .push_bind(one.location);
            });
            sql.build()
                .persistent(keep_prepared(chunk.len()))
                .execute(connection)
                .await
                .map(|_| ())
        })
        .during("keep members of segments")?;
    }
    Ok(())
}

/// Forgets the members of every other run of the scope.
pub(super) async fn delete_others(tx: &mut Tx, job: &Job, run: &str) -> Result<(), StorageError> {
    const SQL: &str = "DELETE FROM segment_members WHERE shop_id = $1 AND scope = $2 AND run <> $3";
    on_db!(tx, |connection| {
        sqlx::query(SQL)
            .bind(job.shop.as_str())
            .bind(job.what.subject.as_str())
            .bind(run)
            .execute(connection)
            .await
            .map(|_| ())
    })
    .during("forget older members of segments")
}

/// Customers of a run and their segments, in the order of their ids.
pub(super) async fn list_after(
    db: &mut impl Handle,
    shop: &ShopId,
    scope: &Scope,
    run: &str,
    after: &str,
    limit: i64,
) -> Result<Vec<(String, i64)>, StorageError> {
    const SQL: &str = "SELECT customer_id, segment_id FROM segment_members \
        WHERE shop_id = $1 AND scope = $2 AND run = $3 AND customer_id > $4 ORDER BY customer_id LIMIT $5";
    on_db!(db, |connection| {
        sqlx::query_as(SQL)
            .bind(shop.as_str())
            .bind(scope.as_str())
            .bind(run)
            .bind(after)
            .bind(limit)
            .fetch_all(connection)
            .await
    })
    .during("list members of segments")
}

/// A page of a segment's members.
pub(super) async fn list(
    db: &mut impl Handle,
    shop: &ShopId,
    scope: &Scope,
    asked: &Asked<'_>,
) -> Result<Vec<Kept>, StorageError> {
    let direction = if asked.descending { "DESC" } else { "ASC" };
    let sql = format!(
        "SELECT customer_id, email, recency_days, frequency, spend_minor, score_r, score_f, score_m, age, \
         gender, location FROM segment_members WHERE shop_id = $1 AND scope = $2 AND run = $3 \
         AND segment_id = $4 {SEARCH} ORDER BY {} {direction}, customer_id {direction} LIMIT $6 OFFSET $7",
        asked.sort.column()
    );
    on_db!(db, |connection| {
        sqlx::query_as(sqlx::AssertSqlSafe(sql.as_str()))
            .bind(shop.as_str())
            .bind(scope.as_str())
            .bind(asked.run)
            .bind(asked.segment)
            .bind(pattern(asked.search))
            .bind(asked.limit)
            .bind(asked.offset)
            .fetch_all(connection)
            .await
    })
    .during("list a segment's members")
}

const SEARCH: &str = "AND ($5 = '' OR LOWER(customer_id) LIKE $5 ESCAPE '!' \
    OR LOWER(COALESCE(email, '')) LIKE $5 ESCAPE '!')";

/// How many members are searched for.
pub(super) async fn count(
    db: &mut impl Handle,
    shop: &ShopId,
    scope: &Scope,
    asked: &Asked<'_>,
) -> Result<i64, StorageError> {
    let sql = format!(
        "SELECT COUNT(*) FROM segment_members WHERE shop_id = $1 AND scope = $2 AND run = $3 \
         AND segment_id = $4 {SEARCH}"
    );
    on_db!(db, |connection| {
        sqlx::query_scalar(sqlx::AssertSqlSafe(sql.as_str()))
            .bind(shop.as_str())
            .bind(scope.as_str())
            .bind(asked.run)
            .bind(asked.segment)
            .bind(pattern(asked.search))
            .fetch_one(connection)
            .await
    })
    .during("count a segment's members")
}

fn pattern(search: Option<&str>) -> String {
    let Some(search) = search.filter(|search| !search.is_empty()) else {
        return String::new();
    };
    let escaped = search
        .to_lowercase()
        .chars()
        .fold(String::new(), |mut text, c| {
            if matches!(c, '%' | '_' | '!') {
                text.push('!');
            }
            text.push(c);
            text
        });
    format!("%{escaped}%")
}
