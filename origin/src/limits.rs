//! The contracts' bounds on requests: so many of a caller in a window, over all nodes.

use std::sync::{Arc, Mutex, PoisonError};

use footfall_shared::id::ShopId;
use footfall_shared::time::UtcMillis;

use crate::app::App;
use crate::db::{During, StorageError};
use crate::http::error::AppError;
use crate::on_db;

const MINUTE_MS: i64 = 60_000;
/// Counts of windows that are over go after this many minutes.
const MINUTES_KEPT: i64 = 5;

/// So many requests in so many minutes, counted from the epoch.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Bound {
    /// Requests.
    pub requests: i64,
    /// Minutes.
    pub minutes: i64,
}

/// Where a caller stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Standing {
    /// Requests of a window.
    pub limit: i64,
    /// Those that are left.
    pub remaining: i64,
    /// When the next window begins.
    pub reset: UtcMillis,
}

/// Where a request's standing is left for its response's headers.
#[derive(Debug, Clone, Default)]
pub struct StandingSlot(Arc<Mutex<Option<Standing>>>);

impl StandingSlot {
    /// Leaves it.
    pub fn set(&self, standing: Standing) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = Some(standing);
    }

    /// What was left.
    #[must_use]
    pub fn get(&self) -> Option<Standing> {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Counts a request of a caller; where it stands then, and whether the request is one too many.
pub async fn count(
    app: &App,
    shop: &ShopId,
    caller: &str,
    bound: Bound,
    now: UtcMillis,
) -> Result<(Standing, bool), StorageError> {
    let Bound { requests, minutes } = bound;
    let minute = now.get().div_euclid(MINUTE_MS);
    let next = (minute.div_euclid(minutes) + 1) * minutes;
    // By the last minute of the window, so that a window that goes on is not forgotten.
    let count = count_one(app, shop, caller, next - 1, minute - MINUTES_KEPT).await?;
    let standing = Standing {
        limit: requests,
        remaining: (requests - count).max(0),
        reset: UtcMillis::new(next * MINUTE_MS),
    };
    Ok((standing, count > requests))
}

/// Counts a request of a caller.
///
/// # Errors
/// [`AppError::RateLimited`] once the window is used up.
pub async fn spend(
    app: &App,
    shop: &ShopId,
    caller: &str,
    bound: Bound,
    now: UtcMillis,
) -> Result<(), AppError> {
    match count(app, shop, caller, bound, now).await? {
        (standing, true) => Err(used_up(standing, now)),
        (_, false) => Ok(()),
    }
}

/// What a caller is told who stands there.
#[must_use]
pub fn used_up(standing: Standing, now: UtcMillis) -> AppError {
    let left_ms = standing.reset.since(now);
    AppError::RateLimited {
        retry_after_s: u64::try_from((left_ms + 999) / 1000).unwrap_or(1),
    }
}

async fn count_one(
    app: &App,
    shop: &ShopId,
    caller: &str,
    minute: i64,
    forgotten: i64,
) -> Result<i64, StorageError> {
    const COUNT: &str = "INSERT INTO request_counts (shop_id, caller, minute, count) \
        VALUES ($1, $2, $3, 1) ON CONFLICT (shop_id, caller, minute) \
        DO UPDATE SET count = request_counts.count + 1 RETURNING count";
    const FORGET: &str = "DELETE FROM request_counts WHERE shop_id = $1 AND minute < $2";
    let mut tx = app.db().begin().await?;
    // All requests of a caller count in one row, one after the other.
    tx.may_be_lost().await?;
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
                .bind(forgotten)
                .execute(connection)
                .await
                .map(|_| ())
        })
        .during("forget old counts of requests")?;
    }
    tx.commit().await?;
    Ok(count)
}
