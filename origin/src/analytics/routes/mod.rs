//! The contract's routes, and what they share.

mod dashboard;
mod dropoffs;
mod funnel;
mod period;
mod rates;
mod refresh;
mod segments;
mod sentiment;
mod users;

use footfall_shared::journey::context::DeviceType;
use footfall_shared::visits::page::PageType;
use utoipa_axum::router::OpenApiRouter;

use super::change::Rules;
use super::queries::runs::{self, Run};
use crate::app::App;
use crate::db::{Handle, StorageError};
use crate::http::error::AppError;
use crate::shops::Shop;

/// This feature's routes.
pub fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new()
        .merge(dashboard::routes())
        .merge(funnel::routes())
        .merge(dropoffs::routes())
        .merge(rates::routes())
        .merge(users::routes())
        .merge(segments::routes())
        .merge(sentiment::routes())
        .merge(refresh::routes())
}

/// A wrong value of a parameter.
fn bad(field: &str, reason: &str) -> AppError {
    AppError::BadRequest {
        field: Some(field.to_owned()),
        reason: reason.to_owned(),
    }
}

/// The number of the run that is read; one that does not exist where there are no figures yet.
async fn live_run(db: &mut impl Handle, shop: &Shop) -> Result<i64, StorageError> {
    let run: Option<Run> = runs::find_live(db, &shop.id).await?;
    Ok(run.map_or(0, |run| run.number))
}

/// The number of the run that is read, and what it is made by: the settings may be newer.
async fn live_run_with_rules(
    db: &mut impl Handle,
    shop: &Shop,
) -> Result<(i64, Rules), StorageError> {
    let run = runs::find_live(db, &shop.id).await?;
    Ok(match run {
        Some(run) => (run.number, run.rules),
        None => (0, Rules::of(&shop.settings)),
    })
}

/// A kind of device, as the contract names them.
fn device(text: Option<&str>) -> Result<Option<&'static str>, AppError> {
    let Some(text) = text else { return Ok(None) };
    let known = DeviceType::of(text);
    match known {
        DeviceType::Other if text != known.as_str() => Err(bad(
            "device_type",
            "must be desktop, mobile, tablet or other",
        )),
        known => Ok(Some(known.as_str())),
    }
}

/// A page, as the contract names them.
fn page(text: &str) -> Result<PageType, AppError> {
    let page = PageType::parse(text);
    page.ok_or_else(|| bad("page_type", "must be home, search, payment or confirmation"))
}

/// A share; `None` of nothing.
fn share(part: i64, whole: i64) -> Option<f64> {
    (whole > 0).then(|| rounded(part as f64 / whole as f64, 6))
}

/// Rounded to so many places, for figures that nobody reads further.
fn rounded(value: f64, places: i32) -> f64 {
    let scale = 10f64.powi(places);
    (value * scale).round() / scale
}

/// Seconds of milliseconds, on average over so many; `None` over none.
fn mean_seconds(ms: i64, count: i64) -> Option<f64> {
    (count > 0).then(|| rounded(ms as f64 / count as f64 / 1000.0, 3))
}
