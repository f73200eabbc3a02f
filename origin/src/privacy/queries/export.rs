//! What tables have of a person, and the files that are made of it.

use footfall_shared::id::ShopId;
use footfall_shared::identity::EmailHash;
use footfall_shared::time::UtcMillis;
use sqlx::Row as _;

use crate::db::{During, Handle, ROWS_A_STATEMENT, StorageError, Tx};
use crate::on_db;

/// What a column holds, and how it is told.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::privacy) enum Holds {
    /// A text.
    Text,
    /// Epoch milliseconds.
    Time,
    /// Minor units of the row's currency, or of the shop's.
    Money,
    /// A number.
    Number,
    /// True or false.
    Flag,
    /// JSON as text.
    Json,
}

/// Columns of a table that tell of a person, and the column that says whose row it is.
#[derive(Debug, Clone, Copy)]
pub(in crate::privacy) struct Table {
    /// Its name.
    pub(in crate::privacy) name: &'static str,
    /// The column by which a row is somebody's.
    pub(in crate::privacy) by: &'static str,
    /// What else holds of rows that are told: SQL over the table `t`.
    pub(in crate::privacy) only: &'static str,
    /// What is told.
    pub(in crate::privacy) columns: &'static [(&'static str, Holds)],
}

/// The rows that have one of these values, as texts in the sequence of the columns.
pub(in crate::privacy) async fn find_rows(
    db: &mut impl Handle,
    shop: &ShopId,
    table: &Table,
    values: &[String],
) -> Result<Vec<Vec<Option<String>>>, StorageError> {
    let columns: Vec<String> = table
        .columns
        .iter()
        .map(|(name, _)| format!("CAST(t.{name} AS TEXT)"))
        .collect();
    let (columns, width) = (columns.join(", "), columns.len());
    let mut found = Vec::new();
    for chunk in values.chunks(ROWS_A_STATEMENT) {
        let rows: Vec<Vec<Option<String>>> = on_db!(db, |connection| {
            let mut sql = sqlx::QueryBuilder::new(format!(
                "SELECT {columns} FROM {} t WHERE t.shop_id = ",
                table.name
            ));
            sql.push_bind(shop.as_str());
            sql.push(format_args!("{} AND t.{} IN (", table.only, table.by));
            let mut list = sql.separated(", ");
            for value in chunk {
                list.push_bind(value.as_str());
            }
            let rows = sql.push(")").build().fetch_all(connection).await;
            rows.and_then(|rows| {
                rows.iter()
                    .map(|row| (0..width).map(|at| row.try_get(at)).collect())
                    .collect()
            })
        })
        .during("find what there is of somebody")?;
        found.extend(rows);
    }
    Ok(found)
}

/// Bodies of events that the log did not take, with one of these words in them.
pub(in crate::privacy) async fn find_rejected(
    db: &mut impl Handle,
    shop: &ShopId,
    word: &str,
) -> Result<Vec<String>, StorageError> {
    const SQL: &str =
        "SELECT body FROM rejected_events WHERE shop_id = $1 AND LOWER(body) LIKE $2 ESCAPE '\\'";
    let pattern = super::erasure::pattern_of(word);
    on_db!(db, |connection| {
        sqlx::query_scalar(SQL)
            .bind(shop.as_str())
            .bind(pattern.as_str())
            .fetch_all(connection)
            .await
    })
    .during("find rejected events of somebody")
}

/// The email whose keyed hash it is: of a shopper, of the log, or of a sales record's JSON.
pub(in crate::privacy) async fn find_email(
    db: &mut impl Handle,
    shop: &ShopId,
    hash: &str,
) -> Result<Option<String>, StorageError> {
    const SQL: [&str; 3] = [
        "SELECT email FROM customers WHERE shop_id = $1 AND email_hash = $2 LIMIT 1",
        "SELECT email FROM events WHERE shop_id = $1 AND email_hash = $2 AND email IS NOT NULL LIMIT 1",
        "SELECT body FROM customer_records WHERE shop_id = $1 AND email_hash = $2 LIMIT 1",
    ];
    for sql in SQL {
        let found: Option<String> = on_db!(db, |connection| {
            sqlx::query_scalar(sql)
                .bind(shop.as_str())
                .bind(hash)
                .fetch_optional(connection)
                .await
        })
        .during("find an email by its hash")?;
        if let Some(text) = found {
            let record: Option<serde_json::Value> = serde_json::from_str(&text).ok();
            let of_record =
                record.and_then(|record| Some(record.get("email")?.as_str()?.to_owned()));
            return Ok(Some(of_record.unwrap_or(text)));
        }
    }
    Ok(None)
}

/// A file for somebody, as it is kept.
#[derive(Debug, Clone, PartialEq, Eq, sqlx::FromRow)]
pub(in crate::privacy) struct Export {
    pub(in crate::privacy) id: String,
    pub(in crate::privacy) email_hash: String,
    pub(in crate::privacy) job_id: String,
    pub(in crate::privacy) bytes: Option<i64>,
    pub(in crate::privacy) created_at: i64,
    pub(in crate::privacy) expires_at: i64,
}

const EXPORT: &str =
    "SELECT id, email_hash, job_id, bytes, created_at, expires_at FROM privacy_exports WHERE ";

/// A file that is being made for somebody.
pub(in crate::privacy) async fn find_unmade(
    db: &mut impl Handle,
    shop: &ShopId,
    hash: &EmailHash,
) -> Result<Option<Export>, StorageError> {
    let sql = format!("{EXPORT}shop_id = $1 AND email_hash = $2 AND bytes IS NULL");
    on_db!(db, |connection| {
        sqlx::query_as(sqlx::AssertSqlSafe(sql.as_str()))
            .bind(shop.as_str())
            .bind(hash.as_str())
            .fetch_optional(connection)
            .await
    })
    .during("find an export that is being made")
}

/// A file that is not over.
pub(in crate::privacy) async fn find(
    db: &mut impl Handle,
    shop: &ShopId,
    id: &str,
    now: UtcMillis,
) -> Result<Option<Export>, StorageError> {
    let sql = format!("{EXPORT}shop_id = $1 AND id = $2 AND expires_at > $3");
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

/// Keeps that a file is being made.
pub(in crate::privacy) async fn insert(
    tx: &mut Tx,
    shop: &ShopId,
    export: &Export,
) -> Result<(), StorageError> {
    const SQL: &str = "INSERT INTO privacy_exports (shop_id, id, email_hash, job_id, bytes, created_at, made_at, expires_at) \
        VALUES ($1, $2, $3, $4, NULL, $5, NULL, $6)";
    on_db!(tx, |connection| {
        sqlx::query(SQL)
            .bind(shop.as_str())
            .bind(export.id.as_str())
            .bind(export.email_hash.as_str())
            .bind(export.job_id.as_str())
            .bind(export.created_at)
            .bind(export.expires_at)
            .execute(connection)
            .await
            .map(|_| ())
    })
    .during("keep that an export is being made")
}

/// Keeps the bytes of a file; whether it is still wanted: its person may have been erased meanwhile.
pub(in crate::privacy) async fn put_bytes(
    tx: &mut Tx,
    shop: &ShopId,
    id: &str,
    bytes: &[u8],
    now: UtcMillis,
) -> Result<bool, StorageError> {
    const MADE: &str = "UPDATE privacy_exports SET bytes = $3, made_at = $4 \
        WHERE shop_id = $1 AND id = $2 AND bytes IS NULL RETURNING id";
    const PIECE: &str = "INSERT INTO privacy_export_pieces (shop_id, export_id, number, bytes) \
        VALUES ($1, $2, $3, $4)";
    let wanted: Option<String> = on_db!(tx, |connection| {
        sqlx::query_scalar(MADE)
            .bind(shop.as_str())
            .bind(id)
            .bind(i64::try_from(bytes.len()).unwrap_or(i64::MAX))
            .bind(now.get())
            .fetch_optional(connection)
            .await
    })
    .during("keep an export")?;
    if wanted.is_none() {
        return Ok(false);
    }
    for (number, piece) in (0_i64..).zip(bytes.chunks(PIECE_BYTES)) {
        on_db!(tx, |connection| {
            sqlx::query(PIECE)
                .bind(shop.as_str())
                .bind(id)
                .bind(number)
                .bind(piece)
                .execute(connection)
                .await
                .map(|_| ())
        })
        .during("keep a piece of an export")?;
    }
    Ok(true)
}

/// Bytes of a piece.
const PIECE_BYTES: usize = 1 << 20;

/// The bytes of a file.
pub(in crate::privacy) async fn read_bytes(
    db: &mut impl Handle,
    shop: &ShopId,
    id: &str,
) -> Result<Vec<u8>, StorageError> {
    const SQL: &str = "SELECT bytes FROM privacy_export_pieces WHERE shop_id = $1 AND export_id = $2 ORDER BY number";
    let pieces: Vec<Vec<u8>> = on_db!(db, |connection| {
        sqlx::query_scalar(SQL)
            .bind(shop.as_str())
            .bind(id)
            .fetch_all(connection)
            .await
    })
    .during("read an export")?;
    Ok(pieces.concat())
}

/// Deletes files that are over, of all shops.
pub(in crate::privacy) async fn delete_expired(
    tx: &mut Tx,
    now: UtcMillis,
) -> Result<(), StorageError> {
    const STATEMENTS: [&str; 2] = [
        "DELETE FROM privacy_export_pieces WHERE (shop_id, export_id) IN \
            (SELECT shop_id, id FROM privacy_exports WHERE expires_at <= $1)",
        "DELETE FROM privacy_exports WHERE expires_at <= $1",
    ];
    for sql in STATEMENTS {
        on_db!(tx, |connection| {
            sqlx::query(sql)
                .bind(now.get())
                .execute(connection)
                .await
                .map(|_| ())
        })
        .during("delete exports that are over")?;
    }
    Ok(())
}

/// Deletes the files of somebody; how many.
pub(in crate::privacy) async fn delete_exports_of(
    tx: &mut Tx,
    shop: &ShopId,
    hash: &EmailHash,
) -> Result<u64, StorageError> {
    const PIECES: &str = "DELETE FROM privacy_export_pieces WHERE shop_id = $1 AND export_id IN \
        (SELECT id FROM privacy_exports WHERE shop_id = $1 AND email_hash = $2)";
    const EXPORTS: &str = "DELETE FROM privacy_exports WHERE shop_id = $1 AND email_hash = $2";
    let mut deleted = 0;
    for sql in [PIECES, EXPORTS] {
        deleted = on_db!(tx, |connection| {
            sqlx::query(sql)
                .bind(shop.as_str())
                .bind(hash.as_str())
                .execute(connection)
                .await
                .map(|done| done.rows_affected())
        })
        .during("delete somebody's exports")?;
    }
    Ok(deleted)
}
