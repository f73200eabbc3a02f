//! Versions of recommenders, and the lists that they made.

use std::collections::HashMap;

use footfall_shared::id::ShopId;
use footfall_shared::time::UtcMillis;

use super::lists::{CustomerLists, Recommended};
use super::models::choose::Recipe;
use super::report::Report;
use crate::db::{During, Handle, ROWS_A_STATEMENT, StorageError, Tx, keep_prepared};
use crate::on_db;

/// The customer whose list those get who have no history.
pub(super) const COLD: &str = "";

/// The name of the list for who has no history but this attribute; no id of a customer begins so.
pub(super) fn cold_of(attribute: &str) -> String {
    format!("\u{1}{attribute}")
}

/// A version.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Version {
    /// Its number.
    pub(super) number: i64,
    /// Whether it serves.
    pub(super) serves: bool,
    /// When it was put in service last, later than all that were before.
    pub(super) served_at: i64,
    /// Whether its lists are still there.
    pub(super) kept: bool,
    /// When it was trained.
    pub(super) trained_at: UtcMillis,
    /// What it was trained from.
    pub(super) data_version: String,
    /// How.
    pub(super) recipe: Recipe,
    /// What came of it.
    pub(super) report: Report,
}

type Row = (i64, String, i64, i64, String, String, String);

const COLUMNS: &str = "version, state, served_at, trained_at, data_version, recipe, report";

fn read(
    (number, state, served_at, trained_at, data_version, recipe, report): Row,
) -> Result<Version, StorageError> {
    const STEP: &str = "read a version of a recommender";
    let fault = |cause| StorageError::corrupt(STEP, cause);
    Ok(Version {
        number,
        serves: state == "serving",
        served_at,
        kept: state != "forgotten",
        trained_at: UtcMillis::new(trained_at),
        data_version,
        recipe: serde_json::from_str(&recipe).map_err(fault)?,
        report: serde_json::from_str(&report).map_err(fault)?,
    })
}

/// The version that serves.
pub(super) async fn find_serving(
    db: &mut impl Handle,
    shop: &ShopId,
) -> Result<Option<Version>, StorageError> {
    let all = list(db, shop, 100).await?;
    Ok(all.into_iter().find(|version| version.serves))
}

/// The version that was trained last.
pub(super) async fn find_latest(
    db: &mut impl Handle,
    shop: &ShopId,
) -> Result<Option<Version>, StorageError> {
    Ok(list(db, shop, 1).await?.pop())
}

/// Versions that were once served, the latest first.
pub(super) async fn list(
    db: &mut impl Handle,
    shop: &ShopId,
    limit: i64,
) -> Result<Vec<Version>, StorageError> {
    let rows: Vec<Row> = on_db!(db, |connection| {
        let mut sql = sqlx::QueryBuilder::new(format!(
            "SELECT {COLUMNS} FROM recommenders WHERE state <> 'making' AND shop_id = "
        ));
        sql.push_bind(shop.as_str());
        sql.push(" ORDER BY version DESC LIMIT ").push_bind(limit);
        sql.build_query_as().fetch_all(connection).await
    })
    .during("list versions of a recommender")?;
    rows.into_iter().map(read).collect()
}

/// A version that is being made.
pub(super) struct NewVersion<'a> {
    pub(super) recipe: &'a Recipe,
    pub(super) report: &'a Report,
    pub(super) data_version: &'a str,
}

/// Keeps a version whose lists are still to come; its number.
pub(super) async fn insert_version(
    tx: &mut Tx,
    shop: &ShopId,
    new: &NewVersion<'_>,
    now: UtcMillis,
) -> Result<i64, StorageError> {
    const STEP: &str = "keep a version of a recommender";
    const SQL: &str = "INSERT INTO recommenders (shop_id, version, state, trained_at, data_version, recipe, report) \
        SELECT $1, COALESCE(MAX(version), 0) + 1, 'making', $2, $3, $4, $5 FROM recommenders WHERE shop_id = $1 \
        RETURNING version";
    let fault = |cause| StorageError::corrupt(STEP, cause);
    let recipe = serde_json::to_string(new.recipe).map_err(fault)?;
    let report = serde_json::to_string(new.report).map_err(fault)?;
    on_db!(tx, |connection| {
        sqlx::query_scalar(SQL)
            .bind(shop.as_str())
            .bind(now.get())
            .bind(new.data_version)
            .bind(recipe.as_str())
            .bind(report.as_str())
            .fetch_one(connection)
            .await
    })
    .during(STEP)
}

/// Keeps lists of a version.
pub(super) async fn insert_lists(
    tx: &mut Tx,
    shop: &ShopId,
    version: i64,
    lists: &[CustomerLists],
) -> Result<(), StorageError> {
    const STEP: &str = "keep recommendations";
    for chunk in lists.chunks(ROWS_A_STATEMENT) {
        let mut rows = Vec::with_capacity(chunk.len());
        for one in chunk {
            let fault = |cause| StorageError::corrupt(STEP, cause);
            let list = serde_json::to_string(&one.recommended).map_err(fault)?;
            let similar = serde_json::to_string(&one.similar).map_err(fault)?;
            rows.push((one.customer.as_str(), list, similar));
        }
        on_db!(tx, |connection| {
            let mut sql = sqlx::QueryBuilder::new(
                "INSERT INTO recommendations (shop_id, version, customer, list, similar_customers) ",
            );
            sql.push_values(&rows, |mut row, (customer, list, similar)| {
                row.push_bind(shop.as_str())
                    .push_bind(version)
                    .push_bind(*customer)
                    .push_bind(list.as_str())
                    .push_bind(similar.as_str());
            });
            sql.build()
                .persistent(keep_prepared(rows.len()))
                .execute(connection)
                .await
                .map(|_| ())
        })
        .during(STEP)?;
    }
    Ok(())
}

/// Puts a version in service; whether there is such a one with lists.
pub(super) async fn serve(
    tx: &mut Tx,
    shop: &ShopId,
    version: i64,
    now: UtcMillis,
) -> Result<bool, StorageError> {
    const RETIRE: &str =
        "UPDATE recommenders SET state = 'retired' WHERE shop_id = $1 AND state = 'serving'";
    const SERVE: &str = "UPDATE recommenders SET state = 'serving', served_at = \
        (SELECT CASE WHEN MAX(served_at) >= $3 THEN MAX(served_at) + 1 ELSE $3 END FROM recommenders \
            WHERE shop_id = $1) \
        WHERE shop_id = $1 AND version = $2 AND state <> 'forgotten' RETURNING version";
    on_db!(tx, |connection| {
        sqlx::query(RETIRE)
            .bind(shop.as_str())
            .execute(connection)
            .await
            .map(|_| ())
    })
    .during("retire a recommender")?;
    let served: Option<i64> = on_db!(tx, |connection| {
        sqlx::query_scalar(SERVE)
            .bind(shop.as_str())
            .bind(version)
            .bind(now.get())
            .fetch_optional(connection)
            .await
    })
    .during("put a recommender in service")?;
    Ok(served.is_some())
}

/// Forgets the lists of all but the latest versions, and what a training left that broke off.
pub(super) async fn forget_old(tx: &mut Tx, shop: &ShopId, kept: i64) -> Result<(), StorageError> {
    const MARK: &str = "UPDATE recommenders SET state = 'forgotten' WHERE shop_id = $1 AND state <> 'serving' \
        AND version <= (SELECT MAX(version) FROM recommenders WHERE shop_id = $1) - $2";
    const FORGET: &str = "DELETE FROM recommendations WHERE shop_id = $1 AND version IN \
        (SELECT version FROM recommenders WHERE shop_id = $1 AND state IN ('forgotten', 'making'))";
    const LEFT: &str = "DELETE FROM recommenders WHERE shop_id = $1 AND state = 'making'";
    on_db!(tx, |connection| {
        sqlx::query(MARK)
            .bind(shop.as_str())
            .bind(kept)
            .execute(connection)
            .await
            .map(|_| ())
    })
    .during("mark old recommenders")?;
    for sql in [FORGET, LEFT] {
        on_db!(tx, |connection| {
            sqlx::query(sql)
                .bind(shop.as_str())
                .execute(connection)
                .await
                .map(|_| ())
        })
        .during("forget old recommendations")?;
    }
    Ok(())
}

/// Whom a customer is like, in a version.
pub(super) async fn find_similar(
    db: &mut impl Handle,
    shop: &ShopId,
    version: i64,
    customer: &str,
) -> Result<Option<Vec<(String, f32)>>, StorageError> {
    const STEP: &str = "find similar customers";
    const SQL: &str = "SELECT similar_customers FROM recommendations \
        WHERE shop_id = $1 AND version = $2 AND customer = $3";
    let list: Option<String> = on_db!(db, |connection| {
        sqlx::query_scalar(SQL)
            .bind(shop.as_str())
            .bind(version)
            .bind(customer)
            .fetch_optional(connection)
            .await
    })
    .during(STEP)?;
    let read = |list: String| {
        serde_json::from_str(&list).map_err(|cause| StorageError::corrupt(STEP, cause))
    };
    list.map(read).transpose()
}

/// The lists of customers in a version.
pub(super) async fn find_lists(
    db: &mut impl Handle,
    shop: &ShopId,
    version: i64,
    customers: &[&str],
) -> Result<HashMap<String, Vec<Recommended>>, StorageError> {
    const STEP: &str = "find lists of recommendations";
    let mut found = HashMap::with_capacity(customers.len());
    for chunk in customers.chunks(ROWS_A_STATEMENT) {
        let rows: Vec<(String, String)> = on_db!(db, |connection| {
            let mut sql = sqlx::QueryBuilder::new(
                "SELECT customer, list FROM recommendations WHERE shop_id = ",
            );
            sql.push_bind(shop.as_str());
            sql.push(" AND version = ").push_bind(version);
            sql.push(" AND customer IN (");
            let mut names = sql.separated(", ");
            for customer in chunk {
                names.push_bind(*customer);
            }
            sql.push(")")
                .build_query_as()
                .persistent(keep_prepared(chunk.len()))
                .fetch_all(connection)
                .await
        })
        .during(STEP)?;
        for (customer, list) in rows {
            let list =
                serde_json::from_str(&list).map_err(|cause| StorageError::corrupt(STEP, cause))?;
            found.insert(customer, list);
        }
    }
    Ok(found)
}

/// Customers who have a list in one of two versions, after a name: their names, in the sequence of them.
pub(super) async fn list_customers(
    db: &mut impl Handle,
    shop: &ShopId,
    versions: (i64, i64),
    after: &str,
    limit: i64,
) -> Result<Vec<String>, StorageError> {
    const SQL: &str = "SELECT DISTINCT customer FROM recommendations WHERE shop_id = $1 \
        AND version IN ($2, $3) AND customer > $4 ORDER BY customer LIMIT $5";
    on_db!(db, |connection| {
        sqlx::query_scalar(SQL)
            .bind(shop.as_str())
            .bind(versions.0)
            .bind(versions.1)
            .bind(after)
            .bind(limit)
            .fetch_all(connection)
            .await
    })
    .during("list whom something is recommended")
}
