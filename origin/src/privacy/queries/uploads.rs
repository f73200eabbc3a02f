//! Rows of files, written anew without somebody.

use footfall_shared::id::ShopId;

use crate::db::{During, StorageError, Tx};
use crate::on_db;

/// Writes a block of rows over the one that was read, and takes the rows that are gone out of the upload's count.
pub(in crate::privacy) async fn rewrite_block(
    tx: &mut Tx,
    shop: &ShopId,
    (upload, number): (&str, i64),
    bytes: &[u8],
    gone: i64,
) -> Result<(), StorageError> {
    const BLOCK: &str = "UPDATE upload_blocks SET bytes = $4 \
        WHERE shop_id = $1 AND upload_id = $2 AND number = $3";
    const COUNT: &str =
        "UPDATE uploads SET rows_taken = rows_taken - $3 WHERE shop_id = $1 AND id = $2";
    on_db!(tx, |connection| {
        sqlx::query(BLOCK)
            .bind(shop.as_str())
            .bind(upload)
            .bind(number)
            .bind(bytes)
            .execute(connection)
            .await
            .map(|_| ())
    })
    .during("take somebody out of a block of rows")?;
    on_db!(tx, |connection| {
        sqlx::query(COUNT)
            .bind(shop.as_str())
            .bind(upload)
            .bind(gone)
            .execute(connection)
            .await
            .map(|_| ())
    })
    .during("count the rows of an upload anew")
}
