//! The contracts' bounds on analytics: so many requests a minute and caller, over all nodes.

use footfall_shared::id::ShopId;
use footfall_shared::time::UtcMillis;

use crate::app::App;
use crate::db::{During, StorageError};
use crate::http::error::AppError;
use crate::on_db;

const MINUTE_MS: i64 = 60_000;
/// Counts of minutes that are over go after this many.
const MINUTES_KEPT: i64 = 5;

/// Counts a request of a caller, who has `a_minute` of them.
///
/// # Errors
/// [`AppError::RateLimited`] once the minute is used up.
pub async fn spend(
    app: &App,
    shop: &ShopId,
    caller: &str,
    a_minute: i64,
    now: UtcMillis,
) -> Result<(), AppError> {
    let minute = now.get().div_euclid(MINUTE_MS);
    if count(app, shop, caller, minute).await? > a_minute {
        let left_ms = MINUTE_MS - now.get().rem_euclid(MINUTE_MS);
        return Err(AppError::RateLimited {
            retry_after_s: u64::try_from((left_ms + 999) / 1000).unwrap_or(1),
        });
    }
    Ok(())
}

async fn count(app: &App, shop: &ShopId, caller: &str, minute: i64) -> Result<i64, StorageError> {
    const COUNT: &str = "INSERT INTO request_counts (shop_id, caller, minute, count) \
        VALUES ($1, $2, $3, 1) ON CONFLICT (shop_id, caller, minute) \
        DO UPDATE SET count = request_counts.count + 1 RETURNING count";
    const FORGET: &str = "DELETE FROM request_counts WHERE shop_id = $1 AND minute < $2";
    let mut tx = app.db().begin().await?;
    let count: i64 = on_db!(&mut tx, |connection| {
        sqlx::query_scalar(COUNT)
            .bind(shop.as_str())
            .bind(caller)
            .bind(minute)
            .fetch_one(connection)
            .await
    })
    .during("count a request")?;
    if count == 1 {
        on_db!(&mut tx, |connection| {
            sqlx::query(FORGET)
                .bind(shop.as_str())
                .bind(minute - MINUTES_KEPT)
                .execute(connection)
                .await
                .map(|_| ())
        })
        .during("forget old counts of requests")?;
    }
    tx.commit().await?;
    Ok(count)
}
