//! Rows that are somebody's, and nobody's figure.

use footfall_shared::id::ShopId;

use crate::db::{During, ROWS_A_STATEMENT, StorageError, Tx};
use crate::on_db;

/// Deletes the rows of a table in which a column has one of these values; how many.
pub(in crate::privacy) async fn delete_rows(
    tx: &mut Tx,
    shop: &ShopId,
    (table, column): (&'static str, &'static str),
    values: &[String],
) -> Result<i64, StorageError> {
    let mut deleted = 0;
    for chunk in values.chunks(ROWS_A_STATEMENT) {
        let rows = on_db!(tx, |connection| {
            let mut sql = sqlx::QueryBuilder::new(format!("DELETE FROM {table} WHERE shop_id = "));
            sql.push_bind(shop.as_str());
            sql.push(format_args!(" AND {column} IN ("));
            let mut list = sql.separated(", ");
            for value in chunk {
                list.push_bind(value.as_str());
            }
            sql.push(")")
                .build()
                .execute(connection)
                .await
                .map(|done| done.rows_affected())
        })
        .during("delete somebody's rows")?;
        deleted += i64::try_from(rows).unwrap_or(i64::MAX);
    }
    Ok(deleted)
}

/// Deletes what the log did not take and has one of these words in it; how many. Rows without a shop belong to nobody, so
/// nobody would look for the person there.
pub(in crate::privacy) async fn delete_rejected(
    tx: &mut Tx,
    shop: &ShopId,
    words: &[String],
) -> Result<i64, StorageError> {
    const SQL: &str = "DELETE FROM rejected_events WHERE (shop_id = $1 OR shop_id = '') \
        AND LOWER(body) LIKE $2 ESCAPE '\\'";
    let mut deleted = 0;
    for word in words {
        let pattern = pattern_of(word);
        let rows = on_db!(tx, |connection| {
            sqlx::query(SQL)
                .bind(shop.as_str())
                .bind(pattern.as_str())
                .execute(connection)
                .await
                .map(|done| done.rows_affected())
        })
        .during("delete rejected events of somebody")?;
        deleted += i64::try_from(rows).unwrap_or(i64::MAX);
    }
    Ok(deleted)
}

/// The pattern of texts with a word in them, in small letters; its own signs stand for themselves.
pub(super) fn pattern_of(word: &str) -> String {
    let mut pattern = String::from("%");
    for character in word.to_lowercase().chars() {
        if matches!(character, '%' | '_' | '\\') {
            pattern.push('\\');
        }
        pattern.push(character);
    }
    pattern.push('%');
    pattern
}
