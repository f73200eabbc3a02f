//! Up to when the log has nobody's events any more.

use footfall_shared::id::ShopId;
use footfall_shared::time::UtcMillis;

use crate::db::{During, Handle, StorageError, Tx};
use crate::on_db;

/// From when on events are kept with their people; `None` where all are.
pub(in crate::privacy) async fn find_until(
    db: &mut impl Handle,
    shop: &ShopId,
) -> Result<Option<UtcMillis>, StorageError> {
    const SQL: &str = "SELECT until FROM retention WHERE shop_id = $1";
    let until: Option<i64> = on_db!(db, |connection| {
        sqlx::query_scalar(SQL)
            .bind(shop.as_str())
            .fetch_optional(connection)
            .await
    })
    .during("find from when events are kept")?;
    Ok(until.map(UtcMillis::new))
}

/// Notes from when on events are kept with their people; it never goes back.
pub(in crate::privacy) async fn note_until(
    tx: &mut Tx,
    shop: &ShopId,
    until: UtcMillis,
) -> Result<(), StorageError> {
    const SQL: &str = "INSERT INTO retention (shop_id, until) VALUES ($1, $2) \
        ON CONFLICT (shop_id) DO UPDATE SET until = excluded.until WHERE retention.until < excluded.until";
    on_db!(tx, |connection| {
        sqlx::query(SQL)
            .bind(shop.as_str())
            .bind(until.get())
            .execute(connection)
            .await
            .map(|_| ())
    })
    .during("note from when events are kept")
}

/// Deletes what was rejected, or brought to webhooks, before a time.
pub(in crate::privacy) async fn delete_old_texts(
    tx: &mut Tx,
    shop: &ShopId,
    before: UtcMillis,
) -> Result<(), StorageError> {
    const STATEMENTS: [&str; 2] = [
        "DELETE FROM rejected_events WHERE shop_id = $1 AND rejected_at < $2",
        "DELETE FROM deliveries WHERE shop_id = $1 AND state <> 'pending' AND made_at < $2",
    ];
    for sql in STATEMENTS {
        on_db!(tx, |connection| {
            sqlx::query(sql)
                .bind(shop.as_str())
                .bind(before.get())
                .execute(connection)
                .await
                .map(|_| ())
        })
        .during("delete old texts")?;
    }
    Ok(())
}
