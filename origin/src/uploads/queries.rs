//! Statements about uploads.

pub(super) mod content;

use footfall_shared::id::{JobId, ShopId, UploadId};
use footfall_shared::time::UtcMillis;
use footfall_shared::upload::field::Kind;
use footfall_shared::upload::layout::Asked;

use super::reading::{Counts, Understood};
use crate::db::{During, Handle, StorageError, Tx};
use crate::on_db;

/// Where an upload stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum State {
    /// The file comes in.
    Arriving,
    /// Its rows are read, or wait for it.
    Processing,
    /// Its rows count.
    Done,
    /// They never will.
    Failed,
}

impl State {
    fn parse(text: &str) -> Option<Self> {
        match text {
            "arriving" => Some(Self::Arriving),
            "processing" => Some(Self::Processing),
            "done" => Some(Self::Done),
            "failed" => Some(Self::Failed),
            _ => None,
        }
    }
}

/// An upload.
#[derive(Debug, Clone)]
pub(super) struct Upload {
    pub(super) shop: ShopId,
    pub(super) id: String,
    pub(super) asked: Asked,
    pub(super) name: String,
    pub(super) bytes: i64,
    pub(super) state: State,
    pub(super) kind: Option<Kind>,
    pub(super) understood: Option<Understood>,
    pub(super) counts: Counts,
    pub(super) fault: Option<String>,
    pub(super) job: Option<String>,
    pub(super) created_at: UtcMillis,
    pub(super) finished_at: Option<UtcMillis>,
}

const COLUMNS: &str = "id, asked, name, bytes, state, kind, layout, rows_read, rows_taken, rows_refused, first_at, \
    last_at, fault, job_id, created_at, finished_at";

#[derive(sqlx::FromRow)]
struct Found {
    id: String,
    asked: String,
    name: String,
    bytes: i64,
    state: String,
    kind: Option<String>,
    layout: Option<String>,
    rows_read: i64,
    rows_taken: i64,
    rows_refused: i64,
    first_at: Option<i64>,
    last_at: Option<i64>,
    fault: Option<String>,
    job_id: Option<String>,
    created_at: i64,
    finished_at: Option<i64>,
}

impl Found {
    fn read(self, shop: &ShopId) -> Result<Upload, StorageError> {
        const STEP: &str = "read an upload";
        let corrupt = |cause| StorageError::corrupt(STEP, cause);
        let layout = self.layout.as_deref();
        let state = State::parse(&self.state);
        Ok(Upload {
            shop: shop.clone(),
            id: self.id,
            asked: serde_json::from_str(&self.asked).map_err(corrupt)?,
            name: self.name,
            bytes: self.bytes,
            state: state
                .ok_or_else(|| StorageError::corrupt(STEP, std::io::Error::other("no state")))?,
            kind: self.kind.as_deref().and_then(Kind::parse),
            understood: layout
                .map(serde_json::from_str)
                .transpose()
                .map_err(corrupt)?,
            counts: Counts {
                read: self.rows_read,
                taken: self.rows_taken,
                refused: self.rows_refused,
                first_at: self.first_at,
                last_at: self.last_at,
            },
            fault: self.fault,
            job: self.job_id,
            created_at: UtcMillis::new(self.created_at),
            finished_at: self.finished_at.map(UtcMillis::new),
        })
    }
}

/// Begins an upload that arrives.
pub(super) async fn insert(
    tx: &mut Tx,
    shop: &ShopId,
    id: &UploadId,
    now: UtcMillis,
) -> Result<(), StorageError> {
    const SQL: &str = "INSERT INTO uploads (shop_id, id, digest, asked, name, bytes, state, rows_read, rows_taken, \
        rows_refused, created_at, touched_at) VALUES ($1, $2, '', '{}', '', 0, 'arriving', 0, 0, 0, $3, $3)";
    on_db!(tx, |connection| {
        sqlx::query(SQL)
            .bind(shop.as_str())
            .bind(id.as_str())
            .bind(now.get())
            .execute(connection)
            .await
            .map(|_| ())
    })
    .during("begin an upload")
}

/// What is known of a file once it has arrived.
#[derive(Debug)]
pub(super) struct Arrived<'a> {
    pub(super) digest: &'a str,
    pub(super) asked: &'a str,
    pub(super) name: &'a str,
    pub(super) bytes: i64,
    pub(super) job: &'a JobId,
}

/// Notes that all of a file is there.
pub(super) async fn set_processing(
    tx: &mut Tx,
    shop: &ShopId,
    id: &UploadId,
    arrived: &Arrived<'_>,
) -> Result<(), StorageError> {
    const SQL: &str = "UPDATE uploads SET state = 'processing', digest = $3, asked = $4, name = $5, bytes = $6, \
        job_id = $7 WHERE shop_id = $1 AND id = $2";
    on_db!(tx, |connection| {
        sqlx::query(SQL)
            .bind(shop.as_str())
            .bind(id.as_str())
            .bind(arrived.digest)
            .bind(arrived.asked)
            .bind(arrived.name)
            .bind(arrived.bytes)
            .bind(arrived.job.as_str())
            .execute(connection)
            .await
            .map(|_| ())
    })
    .during("note that a file has arrived")
}

/// The upload that is the same file, read the same way.
pub(super) async fn find_same(
    db: &mut impl Handle,
    shop: &ShopId,
    digest: &str,
    asked: &str,
) -> Result<Option<String>, StorageError> {
    const SQL: &str = "SELECT id FROM uploads WHERE shop_id = $1 AND digest = $2 AND asked = $3 \
        AND state IN ('processing', 'done')";
    on_db!(db, |connection| {
        sqlx::query_scalar(SQL)
            .bind(shop.as_str())
            .bind(digest)
            .bind(asked)
            .fetch_optional(connection)
            .await
    })
    .during("look for the same file")
}

/// An upload of the shop.
pub(super) async fn find(
    db: &mut impl Handle,
    shop: &ShopId,
    id: &str,
) -> Result<Option<Upload>, StorageError> {
    let sql = format!("SELECT {COLUMNS} FROM uploads WHERE shop_id = $1 AND id = $2");
    let row: Option<Found> = on_db!(db, |connection| {
        sqlx::query_as(sqlx::AssertSqlSafe(sql.as_str()))
            .bind(shop.as_str())
            .bind(id)
            .fetch_optional(connection)
            .await
    })
    .during("find an upload")?;
    row.map(|row| row.read(shop)).transpose()
}

/// The shop's uploads before a place, the newest first.
pub(super) async fn list(
    db: &mut impl Handle,
    shop: &ShopId,
    before: &str,
    limit: i64,
) -> Result<Vec<Upload>, StorageError> {
    // Ids begin with the time.
    let sql = format!(
        "SELECT {COLUMNS} FROM uploads WHERE shop_id = $1 AND ($2 = '' OR id < $2) ORDER BY id DESC LIMIT $3"
    );
    let rows: Vec<Found> = on_db!(db, |connection| {
        sqlx::query_as(sqlx::AssertSqlSafe(sql.as_str()))
            .bind(shop.as_str())
            .bind(before)
            .bind(limit)
            .fetch_all(connection)
            .await
    })
    .during("list uploads")?;
    rows.into_iter().map(|row| row.read(shop)).collect()
}

/// What an upload's rows are.
pub(super) async fn find_kind(
    db: &mut impl Handle,
    shop: &ShopId,
    id: &str,
) -> Result<Option<Kind>, StorageError> {
    Ok(find(db, shop, id).await?.and_then(|upload| upload.kind))
}

/// Notes that an upload's rows count.
pub(super) async fn set_done(
    tx: &mut Tx,
    shop: &ShopId,
    id: &str,
    now: UtcMillis,
) -> Result<(), StorageError> {
    const SQL: &str =
        "UPDATE uploads SET state = 'done', finished_at = $3 WHERE shop_id = $1 AND id = $2";
    on_db!(tx, |connection| {
        sqlx::query(SQL)
            .bind(shop.as_str())
            .bind(id)
            .bind(now.get())
            .execute(connection)
            .await
            .map(|_| ())
    })
    .during("end an upload")
}

/// Notes that an upload's rows will never count, and why.
pub(super) async fn set_failed(
    tx: &mut Tx,
    shop: &ShopId,
    id: &str,
    fault: &str,
    now: UtcMillis,
) -> Result<(), StorageError> {
    const SQL: &str = "UPDATE uploads SET state = 'failed', fault = $3, finished_at = $4 \
        WHERE shop_id = $1 AND id = $2";
    on_db!(tx, |connection| {
        sqlx::query(SQL)
            .bind(shop.as_str())
            .bind(id)
            .bind(fault)
            .bind(now.get())
            .execute(connection)
            .await
            .map(|_| ())
    })
    .during("fail an upload")
}

/// Forgets a file's bytes.
pub(super) async fn delete_chunks(
    tx: &mut Tx,
    shop: &ShopId,
    id: &str,
) -> Result<(), StorageError> {
    delete_from(
        tx,
        "DELETE FROM upload_chunks WHERE shop_id = $1 AND upload_id = $2",
        shop,
        id,
    )
    .await
}

/// Forgets a file's rows.
pub(super) async fn delete_blocks(
    tx: &mut Tx,
    shop: &ShopId,
    id: &str,
) -> Result<(), StorageError> {
    delete_from(
        tx,
        "DELETE FROM upload_blocks WHERE shop_id = $1 AND upload_id = $2",
        shop,
        id,
    )
    .await
}

/// Forgets an upload altogether.
pub(super) async fn delete(tx: &mut Tx, shop: &ShopId, id: &str) -> Result<(), StorageError> {
    delete_chunks(tx, shop, id).await?;
    delete_blocks(tx, shop, id).await?;
    delete_from(
        tx,
        "DELETE FROM upload_errors WHERE shop_id = $1 AND upload_id = $2",
        shop,
        id,
    )
    .await?;
    delete_from(
        tx,
        "DELETE FROM uploads WHERE shop_id = $1 AND id = $2",
        shop,
        id,
    )
    .await
}

async fn delete_from(
    tx: &mut Tx,
    sql: &'static str,
    shop: &ShopId,
    id: &str,
) -> Result<(), StorageError> {
    on_db!(tx, |connection| {
        sqlx::query(sql)
            .bind(shop.as_str())
            .bind(id)
            .execute(connection)
            .await
            .map(|_| ())
    })
    .during("forget an upload")
}

/// Uploads of the shop that stopped arriving before then.
pub(super) async fn list_stalled(
    db: &mut impl Handle,
    shop: &ShopId,
    before: UtcMillis,
) -> Result<Vec<String>, StorageError> {
    const SQL: &str =
        "SELECT id FROM uploads WHERE shop_id = $1 AND state = 'arriving' AND touched_at < $2";
    on_db!(db, |connection| {
        sqlx::query_scalar(SQL)
            .bind(shop.as_str())
            .bind(before.get())
            .fetch_all(connection)
            .await
    })
    .during("list uploads that stopped arriving")
}

/// An upload whose rows count.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sourced {
    /// Its id.
    pub id: String,
    /// What its rows are.
    pub kind: Kind,
    /// How many there are.
    pub rows: i64,
    /// Whether they count already, or are still to be read.
    pub done: bool,
    /// When the file came.
    pub created_at: UtcMillis,
}

/// The shop's uploads whose rows count or will, the newest first.
pub async fn list_sources(
    db: &mut impl Handle,
    shop: &ShopId,
) -> Result<Vec<Sourced>, StorageError> {
    const SQL: &str = "SELECT id, kind, rows_taken, state, created_at FROM uploads \
        WHERE shop_id = $1 AND state IN ('processing', 'done') ORDER BY id DESC";
    let rows: Vec<(String, Option<String>, i64, String, i64)> = on_db!(db, |connection| {
        sqlx::query_as(SQL)
            .bind(shop.as_str())
            .fetch_all(connection)
            .await
    })
    .during("list uploads whose rows count")?;
    let sourced = rows
        .into_iter()
        .filter_map(|(id, kind, rows, state, created_at)| {
            let done = state == "done";
            // One that waits may yet be of any kind.
            let kind = kind
                .as_deref()
                .and_then(Kind::parse)
                .or((!done).then_some(Kind::Transactions))?;
            Some(Sourced {
                id,
                kind,
                rows,
                done,
                created_at: UtcMillis::new(created_at),
            })
        });
    Ok(sourced.collect())
}
