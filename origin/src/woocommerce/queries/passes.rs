//! SQL over the progress of readings.

use footfall_shared::id::ShopId;
use footfall_shared::time::UtcMillis;

use super::super::sync::{Counts, Pass, Resource};
use crate::db::{During, Handle, StorageError, Tx};
use crate::on_db;

/// The progress of a list's reading, as it may be shown.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PassRecord {
    /// Which list.
    pub resource: String,
    /// Whether a reading is under way.
    pub under_way: bool,
    /// Counts of the reading under way, or of the last.
    pub counts: Counts,
    /// When the last whole reading ended.
    pub finished_at: Option<UtcMillis>,
}

#[derive(sqlx::FromRow)]
struct Row {
    resource: String,
    modified_after: Option<i64>,
    began_at: Option<i64>,
    page: i64,
    total: Option<i64>,
    checked: i64,
    missing: i64,
    mended: i64,
    refused: i64,
    read_until: Option<i64>,
    finished_at: Option<i64>,
}

impl Row {
    fn counts(&self) -> Counts {
        Counts {
            checked: self.checked,
            missing: self.missing,
            mended: self.mended,
            refused: self.refused,
        }
    }
}

/// A reading of this list that is under way, and from where the next one asks.
pub(in super::super) async fn find_pass(
    db: &mut impl Handle,
    shop: &ShopId,
    resource: Resource,
) -> Result<(Option<Pass>, Option<UtcMillis>), StorageError> {
    const SQL: &str = "SELECT resource, modified_after, began_at, page, total, checked, missing, mended, \
        refused, read_until, finished_at FROM woocommerce_passes WHERE shop_id = $1 AND resource = $2";
    let row: Option<Row> = on_db!(db, |connection| {
        sqlx::query_as(SQL)
            .bind(shop.as_str())
            .bind(resource.as_str())
            .fetch_optional(connection)
            .await
    })
    .during("find a reading's progress")?;
    let Some(row) = row else {
        return Ok((None, None));
    };
    let pass = row.began_at.map(|began_at| Pass {
        modified_after: row.modified_after.map(UtcMillis::new),
        began_at: Some(UtcMillis::new(began_at)),
        page: row.page,
        total: row.total,
        counts: row.counts(),
    });
    Ok((pass, row.read_until.map(UtcMillis::new)))
}

/// The progress of each list of the shop.
pub async fn list_passes(
    db: &mut impl Handle,
    shop: &ShopId,
) -> Result<Vec<PassRecord>, StorageError> {
    const SQL: &str = "SELECT resource, modified_after, began_at, page, total, checked, missing, mended, \
        refused, read_until, finished_at FROM woocommerce_passes WHERE shop_id = $1 ORDER BY resource";
    let rows: Vec<Row> = on_db!(db, |connection| {
        sqlx::query_as(SQL)
            .bind(shop.as_str())
            .fetch_all(connection)
            .await
    })
    .during("list the readings' progress")?;
    let record = |row: Row| PassRecord {
        under_way: row.began_at.is_some(),
        counts: row.counts(),
        finished_at: row.finished_at.map(UtcMillis::new),
        resource: row.resource,
    };
    Ok(rows.into_iter().map(record).collect())
}

/// Begins a reading, or begins it anew.
pub(in super::super) async fn begin_pass(
    tx: &mut Tx,
    shop: &ShopId,
    resource: Resource,
    pass: &Pass,
) -> Result<(), StorageError> {
    const SQL: &str = "INSERT INTO woocommerce_passes \
        (shop_id, resource, modified_after, began_at, page, total, checked, missing, mended, refused) \
        VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10) \
        ON CONFLICT (shop_id, resource) DO UPDATE SET modified_after = excluded.modified_after, \
        began_at = excluded.began_at, page = excluded.page, total = excluded.total, \
        checked = excluded.checked, missing = excluded.missing, mended = excluded.mended, \
        refused = excluded.refused";
    let Pass {
        modified_after,
        began_at,
        page,
        total,
        counts,
    } = pass;
    on_db!(tx, |connection| {
        sqlx::query(SQL)
            .bind(shop.as_str())
            .bind(resource.as_str())
            .bind(modified_after.map(UtcMillis::get))
            .bind(began_at.map(UtcMillis::get))
            .bind(page)
            .bind(total)
            .bind(counts.checked)
            .bind(counts.missing)
            .bind(counts.mended)
            .bind(counts.refused)
            .execute(connection)
            .await
            .map(|_| ())
    })
    .during("begin a reading")
}

/// Moves a reading on; false where it is not this one any more that is under way.
pub(in super::super) async fn advance_pass(
    tx: &mut Tx,
    shop: &ShopId,
    resource: Resource,
    pass: &Pass,
) -> Result<bool, StorageError> {
    const SQL: &str = "UPDATE woocommerce_passes SET page = $4, total = $5, checked = $6, missing = $7, \
        mended = $8, refused = $9 WHERE shop_id = $1 AND resource = $2 AND began_at = $3 RETURNING page";
    let Pass {
        modified_after: _,
        began_at,
        page,
        total,
        counts,
    } = pass;
    let moved: Option<i64> = on_db!(tx, |connection| {
        sqlx::query_scalar(SQL)
            .bind(shop.as_str())
            .bind(resource.as_str())
            .bind(began_at.map(UtcMillis::get))
            .bind(page)
            .bind(total)
            .bind(counts.checked)
            .bind(counts.missing)
            .bind(counts.mended)
            .bind(counts.refused)
            .fetch_optional(connection)
            .await
    })
    .during("move a reading on")?;
    Ok(moved.is_some())
}

/// Ends a reading: the next one asks from where this one began.
pub(in super::super) async fn finish_pass(
    tx: &mut Tx,
    shop: &ShopId,
    resource: Resource,
    now: UtcMillis,
) -> Result<(), StorageError> {
    const SQL: &str = "UPDATE woocommerce_passes SET read_until = began_at, began_at = NULL, \
        finished_at = $3 WHERE shop_id = $1 AND resource = $2 AND began_at IS NOT NULL";
    on_db!(tx, |connection| {
        sqlx::query(SQL)
            .bind(shop.as_str())
            .bind(resource.as_str())
            .bind(now.get())
            .execute(connection)
            .await
            .map(|_| ())
    })
    .during("end a reading")
}
