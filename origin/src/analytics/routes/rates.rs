//! `/analytics/conversion-rates`: from step to step, over time, against another span.

use axum::Json;
use axum::extract::State;
use footfall_shared::experiment::change::{SIGNIFICANT, of_rates};
use footfall_shared::experiment::lift::{Counts, interval as interval_of};
use footfall_shared::journey::context::DeviceType;
use footfall_shared::visits::funnel::STEPS;
use footfall_shared::visits::page::PageType;
use footfall_shared::visits::sums::{BOUGHT, COUNTS};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::dashboard::Intervals;
use super::funnel::OfDevice;
use super::period::{Dates, PeriodReply};
use super::{device, live_run, rounded, share};
use crate::analytics::calendar::{Days, Interval};
use crate::analytics::queries::rollups::{self, Sums};
use crate::app::App;
use crate::auth::OpenShop;
use crate::http::envelope::AnalyticsRefusals;
use crate::http::error::AppError;
use crate::http::extract::WireQuery;

pub(super) fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new().routes(routes!(conversion_rates))
}

/// What the span is compared with.
#[derive(Debug, Default, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
struct Compared {
    /// The first day; without it, as many days before the span.
    compare_start_date: Option<String>,
    /// The last day.
    compare_end_date: Option<String>,
}

/// Conversion rates of visits.
#[derive(Debug, Serialize, ToSchema)]
struct ConversionRatesReply {
    /// The days on which the visits began.
    period: PeriodReply,
    /// The days that they are compared with.
    compared_period: PeriodReply,
    /// The kind of device; null for all.
    device_type: Option<&'static str>,
    /// From step to step.
    steps: Vec<RateReply>,
    /// From the first step to the confirmation.
    funnel: RateReply,
    /// All visits, by whatever way they bought.
    all_sessions: RateReply,
    /// The same by kind of device, where all are asked for.
    by_device: Vec<DeviceRates>,
    /// How the time is cut.
    interval: Interval,
    /// One for each part of the time, without gaps.
    trend: Vec<RatePoint>,
}

/// A rate.
#[derive(Debug, Clone, Serialize, ToSchema)]
struct RateReply {
    /// What it is the rate of.
    #[schema(example = "home_to_search")]
    name: String,
    /// Visits that could convert.
    sessions: i64,
    /// Visits that did.
    conversions: i64,
    /// Their share; null without visits.
    rate: Option<f64>,
    /// Its 95 % interval (Wilson); null without visits.
    interval: Option<[f64; 2]>,
    /// The rate of the days that they are compared with.
    previous_rate: Option<f64>,
    /// The difference of the two rates.
    change: Option<f64>,
    /// The probability of such a difference by chance (two-proportion z-test); null for fewer than five of either outcome.
    p_value: Option<f64>,
    /// Whether that is below 0.05.
    significant: Option<bool>,
}

/// The rates of a kind of device.
#[derive(Debug, Serialize, ToSchema)]
struct DeviceRates {
    device_type: &'static str,
    /// From step to step.
    steps: Vec<RateReply>,
    /// From the first step to the confirmation.
    funnel: RateReply,
}

/// The rates of a part of the time.
#[derive(Debug, Serialize, ToSchema)]
struct RatePoint {
    /// Its first day.
    start_date: String,
    /// Its last day.
    end_date: String,
    /// Visits.
    sessions: i64,
    /// From step to step.
    steps: Vec<PointRate>,
    /// From the first step to the confirmation.
    funnel: PointRate,
}

/// A rate at a time.
#[derive(Debug, Serialize, ToSchema)]
struct PointRate {
    /// What it is the rate of.
    name: String,
    /// Visits that could convert.
    sessions: i64,
    /// Their share that did; null without visits.
    rate: Option<f64>,
    /// Its 95 % interval; null without visits.
    interval: Option<[f64; 2]>,
}

/// How often visits go on from step to step.
#[utoipa::path(
    get, path = "/analytics/conversion-rates", tag = "funnel analytics",
    params(Dates, Intervals, OfDevice, Compared),
    responses((status = 200, description = "The rates", body = ConversionRatesReply), AnalyticsRefusals),
    security((), ("bearer_key" = []), ("basic" = []), ("api_key" = []))
)]
async fn conversion_rates(
    State(app): State<App>,
    OpenShop(shop): OpenShop,
    WireQuery(dates): WireQuery<Dates>,
    WireQuery(intervals): WireQuery<Intervals>,
    WireQuery(of_device): WireQuery<OfDevice>,
    WireQuery(compared): WireQuery<Compared>,
) -> Result<Json<ConversionRatesReply>, AppError> {
    let now = app.now();
    let (span, interval) = (dates.parse(&shop, now)?, intervals.parse()?);
    let device = device(of_device.device_type.as_deref())?;
    let before = match (compared.compare_start_date, compared.compare_end_date) {
        (None, None) => span.before(),
        (start_date, end_date) => Dates {
            start_date,
            end_date,
        }
        .parse(&shop, now)?,
    };
    let mut db = app.db().read().await?;
    let run = live_run(&mut db, &shop).await?;
    let days = rollups::sum_days(&mut db, &shop.id, run, span, device).await?;
    let days_before = rollups::sum_days(&mut db, &shop.id, run, before, device).await?;
    let mut by_device = Vec::new();
    for kind in [
        DeviceType::Desktop,
        DeviceType::Mobile,
        DeviceType::Tablet,
        DeviceType::Other,
    ] {
        let kind = kind.as_str();
        if device.is_some() {
            break;
        }
        let days = rollups::sum_days(&mut db, &shop.id, run, span, Some(kind)).await?;
        let days_before = rollups::sum_days(&mut db, &shop.id, run, before, Some(kind)).await?;
        let counts = (visits_of(&days, span), visits_of(&days_before, before));
        if counts.0[0] + counts.1[0] > 0 {
            by_device.push(DeviceRates {
                device_type: kind,
                steps: steps(&counts.0, &counts.1),
                funnel: whole(&counts.0, &counts.1),
            });
        }
    }
    let (counts, counts_before) = (visits_of(&days, span), visits_of(&days_before, before));
    let trend = interval
        .cut(span)
        .into_iter()
        .map(|part| point(part, &visits_of(&days, part)));
    Ok(Json(ConversionRatesReply {
        period: PeriodReply::of(span),
        compared_period: PeriodReply::of(before),
        device_type: device,
        steps: steps(&counts, &counts_before),
        funnel: whole(&counts, &counts_before),
        all_sessions: rate("sessions_to_purchase", (0, BOUGHT), &counts, &counts_before),
        by_device,
        interval,
        trend: trend.collect(),
    }))
}

fn visits_of(days: &[(i64, usize, Sums)], span: Days) -> [i64; COUNTS] {
    let mut visits = [0; COUNTS];
    for (_, count, sums) in days
        .iter()
        .filter(|(day, ..)| (span.from..span.until).contains(day))
    {
        visits[*count] += sums.visits;
    }
    visits
}

/// Each step's name with the counts that it lies between.
fn names() -> impl Iterator<Item = (String, (usize, usize))> {
    let pairs = PageType::ALL.windows(2);
    pairs.map(|pair| {
        (
            format!("{}_to_{}", pair[0].as_str(), pair[1].as_str()),
            (pair[0].place() + 1, pair[1].place() + 1),
        )
    })
}

const WHOLE: (&str, (usize, usize)) = ("home_to_confirmation", (1, STEPS));

fn steps(now: &[i64; COUNTS], before: &[i64; COUNTS]) -> Vec<RateReply> {
    names()
        .map(|(name, between)| rate(&name, between, now, before))
        .collect()
}

fn whole(now: &[i64; COUNTS], before: &[i64; COUNTS]) -> RateReply {
    rate(WHOLE.0, WHOLE.1, now, before)
}

fn rate(
    name: &str,
    (all, some): (usize, usize),
    now: &[i64; COUNTS],
    before: &[i64; COUNTS],
) -> RateReply {
    let (value, previous) = (share(now[some], now[all]), share(before[some], before[all]));
    let p = of_rates((before[some], before[all]), (now[some], now[all]));
    RateReply {
        name: name.to_owned(),
        sessions: now[all],
        conversions: now[some],
        rate: value,
        interval: interval(now[some], now[all]),
        previous_rate: previous,
        change: value
            .zip(previous)
            .map(|(now, before)| rounded(now - before, 6)),
        p_value: p.map(|p| rounded(p, 6)),
        significant: p.map(|p| p < SIGNIFICANT),
    }
}

fn interval(some: i64, all: i64) -> Option<[f64; 2]> {
    let (low, high) = interval_of(Counts {
        sessions: u32::try_from(all).ok()?,
        conversions: u32::try_from(some).ok()?,
    })?;
    Some([rounded(low, 6), rounded(high, 6)])
}

fn point(part: Days, visits: &[i64; COUNTS]) -> RatePoint {
    let at = |name: &str, (all, some): (usize, usize)| PointRate {
        name: name.to_owned(),
        sessions: visits[all],
        rate: share(visits[some], visits[all]),
        interval: interval(visits[some], visits[all]),
    };
    let PeriodReply {
        start_date,
        end_date,
    } = PeriodReply::of(part);
    RatePoint {
        start_date,
        end_date,
        sessions: visits[0],
        steps: names().map(|(name, between)| at(&name, between)).collect(),
        funnel: at(WHOLE.0, WHOLE.1),
    }
}
