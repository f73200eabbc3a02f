//! `GET /api/journey/analytics/funnel` and `…/cohorts`.

use axum::Json;
use axum::extract::State;
use footfall_shared::journey::context::DeviceType;
use footfall_shared::text::{InvalidField, required};
use footfall_shared::time::UtcMillis;
use footfall_shared::wire::error::ErrorReply;
use serde::Deserialize;
use utoipa::IntoParams;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::cohorts::CohortsReply;
use super::contribution::{day_of, week_of};
use super::funnel::FunnelReply;
use super::rollup::{Filter, list_weeks, sum_credits, sum_days};
use crate::app::App;
use crate::auth::CountedShop;
use crate::http::error::AppError;
use crate::http::extract::WireQuery;
use crate::limits::{Bound, spend};

/// The ranges and their days, the usual one second.
const RANGES: [(&str, i64); 3] = [("7d", 7), ("30d", 30), ("90d", 90)];
/// Requests of a caller, the contract's number.
const BOUND: Bound = Bound {
    requests: 100,
    minutes: 1,
};
/// Weeks of cohorts, whatever the range of the rest.
const WEEKS: i64 = 12;
/// Longest name of a persona or source, in characters.
const NAME_CHARS_MAX: usize = 64;

pub(in crate::journey) fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new()
        .routes(routes!(funnel))
        .routes(routes!(cohorts))
}

/// What is asked for.
#[derive(Debug, Default, Deserialize, IntoParams)]
#[serde(rename_all = "camelCase")]
#[into_params(parameter_in = Query, rename_all = "camelCase")]
struct Asked {
    /// `7d`, `30d` (the default) or `90d`, whole days until today (UTC).
    time_range: Option<String>,
    /// One persona, whatever the case.
    persona: Option<String>,
    /// `mobile`, `desktop` or `tablet`.
    device_type: Option<String>,
    /// One source, whatever the case.
    traffic_source: Option<String>,
}

impl Asked {
    /// The first day and whom to count.
    fn parse(self, now: UtcMillis) -> Result<(i64, Filter), InvalidField> {
        let range = self.time_range.as_deref().unwrap_or(RANGES[1].0);
        let days = RANGES.iter().find(|(name, _)| *name == range);
        let (_, days) =
            days.ok_or_else(|| InvalidField::new("timeRange", "must be 7d, 30d or 90d"))?;
        let name = |field: &str, text: Option<String>| {
            text.map(|text| required(field, &text, NAME_CHARS_MAX).map(str::to_lowercase))
                .transpose()
        };
        let device = self.device_type.map(|text| match DeviceType::of(&text) {
            DeviceType::Other => {
                let rule = "must be mobile, desktop or tablet";
                Err(InvalidField::new("deviceType", rule))
            }
            device => Ok(device.as_str()),
        });
        let filter = Filter {
            persona: name("persona", self.persona)?,
            device: device.transpose()?,
            source: name("trafficSource", self.traffic_source)?,
        };
        Ok((day_of(now) - days + 1, filter))
    }
}

/// How many reach each stage, why they leave, and what sales are credited to.
#[utoipa::path(
    get, path = "/api/journey/analytics/funnel", tag = "journey",
    params(Asked),
    responses(
        (status = 200, description = "The funnel", body = FunnelReply),
        (status = 400, description = "`invalid_field` names the parameter", body = ErrorReply),
        (status = 401, description = "No live credential", body = ErrorReply),
        (status = 403, description = "Not a secret key and not a person", body = ErrorReply),
        (status = 429, description = "`rate_limit_exceeded`: 100 a minute and caller", body = ErrorReply),
        (status = 500, description = "A bug of ours", body = ErrorReply),
        (status = 503, description = "Temporarily unavailable", body = ErrorReply),
    ),
    security(("bearer_key" = []), ("basic" = []), ("api_key" = []))
)]
async fn funnel(
    State(app): State<App>,
    CountedShop { shop, caller, .. }: CountedShop,
    WireQuery(asked): WireQuery<Asked>,
) -> Result<Json<FunnelReply>, AppError> {
    let now = app.now();
    spend(&app, &shop.id, &caller, BOUND, now).await?;
    let (from, filter) = asked.parse(now)?;
    let mut db = app.db().read().await?;
    let groups = sum_days(&mut db, &shop.id, from, &filter).await?;
    let credits = sum_credits(&mut db, &shop.id, from).await?;
    Ok(Json(FunnelReply::of(&groups, credits, shop.currency)))
}

/// Visits by how they began, and visitors by their first week.
#[utoipa::path(
    get, path = "/api/journey/analytics/cohorts", tag = "journey",
    params(Asked),
    responses(
        (status = 200, description = "The cohorts", body = CohortsReply),
        (status = 400, description = "`invalid_field` names the parameter", body = ErrorReply),
        (status = 401, description = "No live credential", body = ErrorReply),
        (status = 403, description = "Not a secret key and not a person", body = ErrorReply),
        (status = 429, description = "`rate_limit_exceeded`: 100 a minute and caller", body = ErrorReply),
        (status = 500, description = "A bug of ours", body = ErrorReply),
        (status = 503, description = "Temporarily unavailable", body = ErrorReply),
    ),
    security(("bearer_key" = []), ("basic" = []), ("api_key" = []))
)]
async fn cohorts(
    State(app): State<App>,
    CountedShop { shop, caller, .. }: CountedShop,
    WireQuery(asked): WireQuery<Asked>,
) -> Result<Json<CohortsReply>, AppError> {
    let now = app.now();
    spend(&app, &shop.id, &caller, BOUND, now).await?;
    let (from, filter) = asked.parse(now)?;
    let mut db = app.db().read().await?;
    let groups = sum_days(&mut db, &shop.id, from, &filter).await?;
    let weeks = list_weeks(&mut db, &shop.id, week_of(now) - 7 * (WEEKS - 1)).await?;
    Ok(Json(CohortsReply::of(&groups, &weeks, shop.currency)))
}
