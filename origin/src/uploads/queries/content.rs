//! Statements about a file's bytes, its rows, and the bad ones among them.

use footfall_shared::id::{ShopId, UploadId};
use footfall_shared::time::UtcMillis;
use footfall_shared::upload::row::Row;

use super::{Sourced, Upload};
use crate::app::App;
use crate::db::{During, Handle, ROWS_A_STATEMENT, StorageError, Tx, keep_prepared};
use crate::on_db;
use crate::uploads::block::Block;
use crate::uploads::reading::{Piece, RowError};

/// Blocks read at once.
const BLOCKS_AT_ONCE: i64 = 4;

/// Keeps a piece of the file.
pub(in crate::uploads) async fn insert_chunk(
    tx: &mut Tx,
    shop: &ShopId,
    id: &UploadId,
    number: i64,
    bytes: &[u8],
    now: UtcMillis,
) -> Result<(), StorageError> {
    const CHUNK: &str =
        "INSERT INTO upload_chunks (shop_id, upload_id, number, bytes) VALUES ($1, $2, $3, $4)";
    const TOUCH: &str = "UPDATE uploads SET touched_at = $3 WHERE shop_id = $1 AND id = $2";
    on_db!(tx, |connection| {
        sqlx::query(CHUNK)
            .bind(shop.as_str())
            .bind(id.as_str())
            .bind(number)
            .bind(bytes)
            .execute(connection)
            .await
            .map(|_| ())
    })
    .during("keep a piece of a file")?;
    on_db!(tx, |connection| {
        sqlx::query(TOUCH)
            .bind(shop.as_str())
            .bind(id.as_str())
            .bind(now.get())
            .execute(connection)
            .await
            .map(|_| ())
    })
    .during("note that a file arrives")
}

/// A piece of the file.
pub(in crate::uploads) async fn find_chunk(
    db: &mut impl Handle,
    shop: &ShopId,
    id: &str,
    number: i64,
) -> Result<Option<Vec<u8>>, StorageError> {
    const SQL: &str =
        "SELECT bytes FROM upload_chunks WHERE shop_id = $1 AND upload_id = $2 AND number = $3";
    on_db!(db, |connection| {
        sqlx::query_scalar(SQL)
            .bind(shop.as_str())
            .bind(id)
            .bind(number)
            .fetch_optional(connection)
            .await
    })
    .during("read a piece of a file")
}

/// Writes a piece of the work down: rows, bad rows, and how far it is.
pub(in crate::uploads) async fn insert_piece(
    tx: &mut Tx,
    upload: &Upload,
    piece: &Piece,
) -> Result<(), StorageError> {
    const BLOCK: &str =
        "INSERT INTO upload_blocks (shop_id, upload_id, number, bytes) VALUES ($1, $2, $3, $4)";
    const COUNTS: &str = "UPDATE uploads SET rows_read = $3, rows_taken = $4, rows_refused = $5, first_at = $6, \
        last_at = $7, kind = $8, layout = $9 WHERE shop_id = $1 AND id = $2";
    let (shop, id, counts) = (upload.shop.as_str(), upload.id.as_str(), piece.counts);
    let layout = serde_json::to_string(&*piece.understood)
        .map_err(|cause| StorageError::corrupt("write a layout", cause))?;
    if !piece.block.is_empty() {
        on_db!(tx, |connection| {
            sqlx::query(BLOCK)
                .bind(shop)
                .bind(id)
                .bind(counts.read)
                .bind(piece.block.as_slice())
                .execute(connection)
                .await
                .map(|_| ())
        })
        .during("keep a block of rows")?;
    }
    insert_errors(tx, upload, &piece.errors).await?;
    on_db!(tx, |connection| {
        sqlx::query(COUNTS)
            .bind(shop)
            .bind(id)
            .bind(counts.read)
            .bind(counts.taken)
            .bind(counts.refused)
            .bind(counts.first_at)
            .bind(counts.last_at)
            .bind(piece.understood.kind().as_str())
            .bind(layout.as_str())
            .execute(connection)
            .await
            .map(|_| ())
    })
    .during("note how far an upload is")
}

async fn insert_errors(
    tx: &mut Tx,
    upload: &Upload,
    errors: &[RowError],
) -> Result<(), StorageError> {
    const SQL: &str =
        "INSERT INTO upload_errors (shop_id, upload_id, row_number, column_name, reason) ";
    for chunk in errors.chunks(ROWS_A_STATEMENT) {
        on_db!(tx, |connection| {
            let mut sql = sqlx::QueryBuilder::new(SQL);
            sql.push_values(chunk, |mut row, error| {
                row.push_bind(upload.shop.as_str())
                    .push_bind(upload.id.as_str())
                    .push_bind(error.row)
                    .push_bind(error.column.as_str())
                    .push_bind(error.reason);
            });
            sql.build()
                .persistent(keep_prepared(chunk.len()))
                .execute(connection)
                .await
                .map(|_| ())
        })
        .during("keep bad rows")?;
    }
    Ok(())
}

/// Bad rows behind a row: number, column, reason.
pub(in crate::uploads) async fn list_errors(
    db: &mut impl Handle,
    shop: &ShopId,
    id: &str,
    after: i64,
    limit: i64,
) -> Result<Vec<(i64, String, String)>, StorageError> {
    const SQL: &str = "SELECT row_number, column_name, reason FROM upload_errors \
        WHERE shop_id = $1 AND upload_id = $2 AND row_number > $3 ORDER BY row_number LIMIT $4";
    on_db!(db, |connection| {
        sqlx::query_as(SQL)
            .bind(shop.as_str())
            .bind(id)
            .bind(after)
            .bind(limit)
            .fetch_all(connection)
            .await
    })
    .during("list bad rows")
}

/// Hands on each row of an upload.
pub async fn each_row(
    app: &App,
    shop: &ShopId,
    upload: &Sourced,
    mut take: impl FnMut(&Row<'_>),
) -> Result<(), StorageError> {
    let mut after = 0;
    loop {
        let blocks = {
            let mut db = app.db().read().await?;
            read_blocks(&mut db, shop, &upload.id, after, BLOCKS_AT_ONCE).await?
        };
        let Some((last, _)) = blocks.last() else {
            return Ok(());
        };
        after = *last;
        for (_, bytes) in &blocks {
            let block = Block::decode(bytes)
                .map_err(|cause| StorageError::corrupt("read a block of rows", cause))?;
            block.rows(upload.kind).for_each(|row| take(&row));
        }
    }
}

/// The next block of an upload's rows behind a place, with its own place; `None` at the end.
pub async fn read_rows(
    app: &App,
    shop: &ShopId,
    upload: &Sourced,
    after: i64,
) -> Result<Option<(i64, Block)>, StorageError> {
    let mut blocks = {
        let mut db = app.db().read().await?;
        read_blocks(&mut db, shop, &upload.id, after, 1).await?
    };
    let Some((place, bytes)) = blocks.pop() else {
        return Ok(None);
    };
    let block = Block::decode(&bytes)
        .map_err(|cause| StorageError::corrupt("read a block of rows", cause))?;
    Ok(Some((place, block)))
}

/// Blocks of an upload behind a place, with their places.
pub async fn read_blocks(
    db: &mut impl Handle,
    shop: &ShopId,
    id: &str,
    after: i64,
    limit: i64,
) -> Result<Vec<(i64, Vec<u8>)>, StorageError> {
    const SQL: &str = "SELECT number, bytes FROM upload_blocks \
        WHERE shop_id = $1 AND upload_id = $2 AND number > $3 ORDER BY number LIMIT $4";
    on_db!(db, |connection| {
        sqlx::query_as(SQL)
            .bind(shop.as_str())
            .bind(id)
            .bind(after)
            .bind(limit)
            .fetch_all(connection)
            .await
    })
    .during("read blocks of rows")
}
