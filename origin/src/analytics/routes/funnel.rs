//! `/analytics/funnel`: how many come how far.

use axum::Json;
use axum::extract::State;
use footfall_shared::visits::funnel::STEPS;
use footfall_shared::visits::page::PageType;
use footfall_shared::visits::sums::{BOUGHT, COUNTS};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::period::{Dates, PeriodReply};
use super::{device, live_run_with_rules, mean_seconds, share};
use crate::analytics::queries::rollups::{self, Sums};
use crate::app::App;
use crate::auth::OpenShop;
use crate::http::envelope::AnalyticsRefusals;
use crate::http::error::AppError;
use crate::http::extract::WireQuery;

pub(super) fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new().routes(routes!(funnel))
}

/// Whose visits.
#[derive(Debug, Default, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(super) struct OfDevice {
    /// `desktop`, `mobile`, `tablet` or `other`; without it, all.
    #[param(example = "mobile")]
    pub(super) device_type: Option<String>,
}

/// A shop's funnel.
#[derive(Debug, Serialize, ToSchema)]
struct ShopFunnelReply {
    /// The days on which the visits began.
    period: PeriodReply,
    /// The kind of device; null for all.
    device_type: Option<&'static str>,
    /// Within how many minutes of the first step the others count.
    window_minutes: i64,
    /// The steps in their order: each counts after the one before, within one visit; other pages may lie between.
    steps: Vec<FunnelStep>,
    /// Visitors of the last step by those of the first; null without any.
    overall_conversion_rate: Option<f64>,
    /// All visits, also those that begin elsewhere, and those of them that bought.
    all_sessions: SessionCounts,
    /// Between which steps most visitors are lost; null without any.
    biggest_drop_off: Option<DropOffPoint>,
}

/// A step of the funnel.
#[derive(Debug, Serialize, ToSchema)]
struct FunnelStep {
    /// Which page.
    step: PageType,
    /// From 1.
    position: usize,
    /// Visitors who reached it, each once.
    #[schema(example = 45_200)]
    users: i64,
    /// Visits that reached it.
    sessions: i64,
    /// Its users by those of the first step; null without any.
    conversion_rate: Option<f64>,
    /// Its users by those of the step before; null for the first step, and without any.
    step_conversion_rate: Option<f64>,
    /// Users who did not reach the next step; null for the last one.
    drop_off: Option<i64>,
    /// Their share; null for the last step, and without users.
    drop_off_rate: Option<f64>,
    /// Seconds from the step before, on average over the visits; null for the first step, and without visits.
    average_seconds_from_previous: Option<f64>,
}

/// Visits.
#[derive(Debug, Serialize, ToSchema)]
struct SessionCounts {
    /// All.
    sessions: i64,
    /// Those that bought, by whatever way.
    conversions: i64,
    /// Their share; null without visits.
    conversion_rate: Option<f64>,
}

/// Where visitors are lost.
#[derive(Debug, Serialize, ToSchema)]
struct DropOffPoint {
    from_step: PageType,
    to_step: PageType,
    /// Users who did not go on.
    users: i64,
    /// Their share of those who were there.
    rate: Option<f64>,
}

/// How many come from the first page over search and payment to the confirmation.
#[utoipa::path(
    get, path = "/analytics/funnel", tag = "funnel analytics",
    params(Dates, OfDevice),
    responses((status = 200, description = "The funnel", body = ShopFunnelReply), AnalyticsRefusals),
    security((), ("bearer_key" = []), ("basic" = []), ("api_key" = []))
)]
async fn funnel(
    State(app): State<App>,
    OpenShop(shop): OpenShop,
    WireQuery(dates): WireQuery<Dates>,
    WireQuery(asked): WireQuery<OfDevice>,
) -> Result<Json<ShopFunnelReply>, AppError> {
    let span = dates.parse(&shop, app.now())?;
    let device = device(asked.device_type.as_deref())?;
    let mut db = app.db().read().await?;
    let (run, rules) = live_run_with_rules(&mut db, &shop).await?;
    let counted: Vec<usize> = (1..=STEPS).collect();
    let users = rollups::count_visitors(&mut db, &shop.id, run, &[span], &counted, device).await?;
    let users = users.first().copied().unwrap_or([0; COUNTS]);
    let mut sums = [Sums::default(); COUNTS];
    for (_, count, of_day) in rollups::sum_days(&mut db, &shop.id, run, span, device).await? {
        sums[count].visits += of_day.visits;
        sums[count].took_ms += of_day.took_ms;
    }
    let steps: Vec<FunnelStep> = PageType::ALL
        .into_iter()
        .map(|step| step_of(step, &users, &sums))
        .collect();
    let lost = PageType::ALL
        .windows(2)
        .zip(&steps)
        .filter_map(|(pair, step)| {
            let point = DropOffPoint {
                from_step: pair[0],
                to_step: pair[1],
                users: step.drop_off?,
                rate: step.drop_off_rate,
            };
            (point.users > 0).then_some(point)
        });
    Ok(Json(ShopFunnelReply {
        period: PeriodReply::of(span),
        device_type: device,
        window_minutes: rules.window_ms / 60_000,
        overall_conversion_rate: share(users[STEPS], users[1]),
        biggest_drop_off: lost.max_by_key(|point| point.users),
        all_sessions: SessionCounts {
            sessions: sums[0].visits,
            conversions: sums[BOUGHT].visits,
            conversion_rate: share(sums[BOUGHT].visits, sums[0].visits),
        },
        steps,
    }))
}

fn step_of(step: PageType, users: &[i64; COUNTS], sums: &[Sums; COUNTS]) -> FunnelStep {
    let count = step.place() + 1;
    let next = (count < STEPS).then(|| users[count + 1]);
    let drop_off = next.map(|next| users[count] - next);
    FunnelStep {
        step,
        position: count,
        users: users[count],
        sessions: sums[count].visits,
        conversion_rate: share(users[count], users[1]),
        step_conversion_rate: (count > 1)
            .then(|| share(users[count], users[count - 1]))
            .flatten(),
        drop_off,
        drop_off_rate: drop_off.and_then(|lost| share(lost, users[count])),
        average_seconds_from_previous: (count > 1)
            .then(|| mean_seconds(sums[count].took_ms, sums[count].visits))
            .flatten(),
    }
}
