//! What people were given of their data: which exports there are, and their bytes. What is put into them is read by
//! [`personal`].

pub(in crate::privacy) mod personal;

use footfall_shared::id::{JobId, PrivacyExportId, ShopId};
use footfall_shared::identity::EmailHash;
use footfall_shared::time::UtcMillis;

use crate::db::{During, Handle, ROWS_A_STATEMENT, StorageError, Tx};
use crate::on_db;

const SELECT: &str =
    "SELECT id, email_hash, job_id, bytes, made_at, expires_at FROM privacy_exports";

/// An export as it is kept.
#[derive(Debug, Clone, PartialEq, Eq, sqlx::FromRow)]
pub(in crate::privacy) struct Kept {
    pub(in crate::privacy) id: String,
    pub(in crate::privacy) email_hash: String,
    pub(in crate::privacy) job_id: String,
    /// How long it is, once it is made.
    pub(in crate::privacy) bytes: Option<i64>,
    pub(in crate::privacy) made_at: Option<i64>,
    pub(in crate::privacy) expires_at: i64,
}

/// Keeps that an export is asked for.
pub(in crate::privacy) async fn insert(
    tx: &mut Tx,
    shop: &ShopId,
    id: &PrivacyExportId,
    (hash, job): (&EmailHash, &JobId),
    (now, expires_at): (UtcMillis, UtcMillis),
) -> Result<(), StorageError> {
    const SQL: &str = "INSERT INTO privacy_exports (shop_id, id, email_hash, job_id, created_at, expires_at) \
        VALUES ($1, $2, $3, $4, $5, $6)";
    on_db!(tx, |connection| {
        sqlx::query(SQL)
            .bind(shop.as_str())
            .bind(id.as_str())
            .bind(hash.as_str())
            .bind(job.as_str())
            .bind(now.get())
            .bind(expires_at.get())
            .execute(connection)
            .await
            .map(|_| ())
    })
    .during("keep that an export is asked for")
}

/// An export that is not over yet.
pub(in crate::privacy) async fn find(
    db: &mut impl Handle,
    shop: &ShopId,
    id: &str,
    now: UtcMillis,
) -> Result<Option<Kept>, StorageError> {
    let sql = format!("{SELECT} WHERE shop_id = $1 AND id = $2 AND expires_at > $3");
    on_db!(db, |connection| {
        sqlx::query_as(sqlx::AssertSqlSafe(sql.as_str()))
            .bind(shop.as_str())
            .bind(id)
            .bind(now.get())
            .fetch_optional(connection)
            .await
    })
    .during("find an export")
}

/// The exports of a person that are not made yet, the latest first.
pub(in crate::privacy) async fn list_unmade(
    db: &mut impl Handle,
    shop: &ShopId,
    hash: &EmailHash,
    now: UtcMillis,
) -> Result<Vec<Kept>, StorageError> {
    let sql = format!(
        "{SELECT} WHERE shop_id = $1 AND email_hash = $2 AND bytes IS NULL AND expires_at > $3 ORDER BY id DESC"
    );
    on_db!(db, |connection| {
        sqlx::query_as(sqlx::AssertSqlSafe(sql.as_str()))
            .bind(shop.as_str())
            .bind(hash.as_str())
            .bind(now.get())
            .fetch_all(connection)
            .await
    })
    .during("list exports that are under way")
}

/// Notes that an export is made; whether it is still wanted. From here to the commit nobody deletes it.
pub(in crate::privacy) async fn note_made(
    tx: &mut Tx,
    shop: &ShopId,
    id: &str,
    bytes: i64,
    now: UtcMillis,
) -> Result<bool, StorageError> {
    const SQL: &str = "UPDATE privacy_exports SET bytes = $3, made_at = $4 \
        WHERE shop_id = $1 AND id = $2 AND expires_at > $4 RETURNING id";
    let noted: Option<String> = on_db!(tx, |connection| {
        sqlx::query_scalar(SQL)
            .bind(shop.as_str())
            .bind(id)
            .bind(bytes)
            .bind(now.get())
            .fetch_optional(connection)
            .await
    })
    .during("note that an export is made")?;
    Ok(noted.is_some())
}

/// Keeps a piece of an export.
pub(in crate::privacy) async fn insert_piece(
    tx: &mut Tx,
    shop: &ShopId,
    id: &str,
    number: i64,
    bytes: &[u8],
) -> Result<(), StorageError> {
    const SQL: &str = "INSERT INTO privacy_export_pieces (shop_id, export_id, number, bytes) VALUES ($1, $2, $3, $4)";
    on_db!(tx, |connection| {
        sqlx::query(SQL)
            .bind(shop.as_str())
            .bind(id)
            .bind(number)
            .bind(bytes)
            .execute(connection)
            .await
            .map(|_| ())
    })
    .during("keep a piece of an export")
}

/// A piece of an export.
pub(in crate::privacy) async fn find_piece(
    db: &mut impl Handle,
    shop: &ShopId,
    id: &str,
    number: i64,
) -> Result<Option<Vec<u8>>, StorageError> {
    const SQL: &str = "SELECT bytes FROM privacy_export_pieces WHERE shop_id = $1 AND export_id = $2 AND number = $3";
    on_db!(db, |connection| {
        sqlx::query_scalar(SQL)
            .bind(shop.as_str())
            .bind(id)
            .bind(number)
            .fetch_optional(connection)
            .await
    })
    .during("read a piece of an export")
}

/// Deletes the exports of all shops that are over; how many.
pub(in crate::privacy) async fn delete_expired(
    tx: &mut Tx,
    now: UtcMillis,
) -> Result<u64, StorageError> {
    const PIECES: &str = "DELETE FROM privacy_export_pieces WHERE (shop_id, export_id) IN \
        (SELECT shop_id, id FROM privacy_exports WHERE expires_at <= $1)";
    const EXPORTS: &str = "DELETE FROM privacy_exports WHERE expires_at <= $1";
    const STEP: &str = "delete exports that are over";
    on_db!(tx, |connection| {
        sqlx::query(PIECES)
            .bind(now.get())
            .execute(connection)
            .await
            .map(|_| ())
    })
    .during(STEP)?;
    on_db!(tx, |connection| {
        sqlx::query(EXPORTS)
            .bind(now.get())
            .execute(connection)
            .await
            .map(|done| done.rows_affected())
    })
    .during(STEP)
}

/// Deletes the exports of a person, also those that are being made; how many. The exports go first: a job that is
/// about to keep one is waited for, so that its pieces are seen here.
pub(in crate::privacy) async fn delete_exports_of(
    tx: &mut Tx,
    shop: &ShopId,
    hash: &EmailHash,
) -> Result<u64, StorageError> {
    const SQL: &str =
        "DELETE FROM privacy_exports WHERE shop_id = $1 AND email_hash = $2 RETURNING id";
    let gone: Vec<String> = on_db!(tx, |connection| {
        sqlx::query_scalar(SQL)
            .bind(shop.as_str())
            .bind(hash.as_str())
            .fetch_all(connection)
            .await
    })
    .during("delete somebody's exports")?;
    for chunk in gone.chunks(ROWS_A_STATEMENT) {
        on_db!(tx, |connection| {
            let mut sql =
                sqlx::QueryBuilder::new("DELETE FROM privacy_export_pieces WHERE shop_id = ");
            sql.push_bind(shop.as_str()).push(" AND export_id IN (");
            let mut list = sql.separated(", ");
            for id in chunk {
                list.push_bind(id.as_str());
            }
            sql.push(")").build().execute(connection).await.map(|_| ())
        })
        .during("delete the pieces of somebody's exports")?;
    }
    Ok(gone.len() as u64)
}
