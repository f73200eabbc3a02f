//! `/analytics/funnel/dropoffs`: where visits end, what marks those that do, and what that costs.
//!
//! A reason is a mark whose visits go on less often than those without it, the 95 % interval of the difference below zero.
//! What it costs is the number of its visits by the difference, by the share of the next step's visits that reach the
//! confirmation, by the mean order of the span.

use axum::Json;
use axum::extract::State;
use footfall_shared::experiment::lift::{Counts, Lift};
use footfall_shared::visits::funnel::STEPS;
use footfall_shared::visits::page::PageType;
use footfall_shared::visits::sums::{COUNTS, Facet};
use serde::Serialize;
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::dashboard::major_of_one;
use super::period::{Dates, PeriodReply};
use super::{live_run, rounded, share};
use crate::analytics::queries::rollups::{self, FacetRow};
use crate::analytics::queries::sales::{self, Sales};
use crate::app::App;
use crate::auth::OpenShop;
use crate::http::envelope::AnalyticsRefusals;
use crate::http::error::AppError;
use crate::http::extract::WireQuery;

/// Values that are told of a pattern.
const VALUES_MAX: usize = 10;

pub(super) fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new().routes(routes!(dropoffs))
}

/// Where visits end.
#[derive(Debug, Serialize, ToSchema)]
struct DropOffsReply {
    /// The days on which the visits began.
    period: PeriodReply,
    /// ISO 4217; amounts are in its main unit.
    currency: String,
    /// The mean order of the span, by which losses are counted; null without orders, and then losses are counted in
    /// conversions alone.
    average_order_value: Option<f64>,
    /// The dearest first.
    dropoffs: Vec<DropOff>,
    /// What may be done about the reasons, the dearest first.
    insights: Vec<Insight>,
}

/// Visits that ended between two steps.
#[derive(Debug, Serialize, ToSchema)]
struct DropOff {
    from_step: PageType,
    to_step: PageType,
    /// Visits that reached the first of them.
    sessions: i64,
    /// Those that did not reach the second.
    dropped: i64,
    /// Their share; null without visits.
    drop_off_rate: Option<f64>,
    /// Purchases that they would have come to if they had gone on like the others.
    lost_conversions: f64,
    /// What these would have been worth; null without orders.
    lost_revenue: Option<f64>,
    /// Measured reasons, the dearest first.
    reasons: Vec<Reason>,
    /// All marks of these visits, by what they are about.
    patterns: Patterns,
}

/// A mark whose visits go on less often.
#[derive(Debug, Clone, Serialize, ToSchema)]
struct Reason {
    /// `device`, `source`, `time_of_day`, `load_time` or `errors`.
    #[schema(example = "load_time")]
    pattern: &'static str,
    /// Its value.
    #[schema(example = "slow")]
    value: String,
    /// Visits that have it.
    sessions: i64,
    /// The share of them that went on.
    continued_rate: f64,
    /// The share of the others that went on.
    others_rate: f64,
    /// By how much less often they go on, with its 95 % interval.
    difference: f64,
    interval: [f64; 2],
    /// Purchases that this cost.
    lost_conversions: f64,
    /// What they would have been worth; null without orders.
    lost_revenue: Option<f64>,
}

/// Marks of visits.
#[derive(Debug, Default, Serialize, ToSchema)]
struct Patterns {
    device: Vec<PatternValue>,
    source: Vec<PatternValue>,
    /// By the shop's clock when the visit began.
    time_of_day: Vec<PatternValue>,
    /// `slow` where a page took more than 2.5 seconds, `unknown` where no page told.
    load_time: Vec<PatternValue>,
    errors: Vec<PatternValue>,
    /// Where visits ended that did not go on.
    last_page: Vec<PatternValue>,
}

/// A mark.
#[derive(Debug, Serialize, ToSchema)]
struct PatternValue {
    value: String,
    /// Visits that have it.
    sessions: i64,
    /// Those that did not go on.
    dropped: i64,
    /// Their share.
    drop_off_rate: Option<f64>,
}

/// Something to do.
#[derive(Debug, Serialize, ToSchema)]
struct Insight {
    from_step: PageType,
    to_step: PageType,
    pattern: &'static str,
    value: String,
    /// What is measured and what may be done, in words.
    message: String,
    /// Purchases that could be won back in such a span.
    recoverable_conversions: f64,
    /// What they are worth; null without orders.
    recoverable_revenue: Option<f64>,
}

/// Where visits end between the steps of the funnel, with reasons and patterns, the dearest first.
#[utoipa::path(
    get, path = "/analytics/funnel/dropoffs", tag = "funnel analytics",
    params(Dates),
    responses((status = 200, description = "Where visits end", body = DropOffsReply), AnalyticsRefusals),
    security((), ("bearer_key" = []), ("basic" = []), ("api_key" = []))
)]
async fn dropoffs(
    State(app): State<App>,
    OpenShop(shop): OpenShop,
    WireQuery(dates): WireQuery<Dates>,
) -> Result<Json<DropOffsReply>, AppError> {
    let span = dates.parse(&shop, app.now())?;
    let mut db = app.db().read().await?;
    let run = live_run(&mut db, &shop).await?;
    let mut visits = [0; COUNTS];
    for (_, count, sums) in rollups::sum_days(&mut db, &shop.id, run, span, None).await? {
        visits[count] += sums.visits;
    }
    let facets = rollups::sum_facets(&mut db, &shop.id, run, span).await?;
    let sales = sales::sum_days(&mut db, &shop, run, span).await?;
    let sold = sales
        .values()
        .fold(Sales::default(), |all, one| all.plus(*one));
    let scale = major_of_one(shop.currency);
    let order =
        (sold.orders > 0).then(|| rounded(sold.revenue as f64 * scale / sold.orders as f64, 2));
    let mut dropoffs: Vec<DropOff> = (0..STEPS - 1)
        .map(|step| drop_off(step, &visits, &facets, order))
        .collect();
    dropoffs.sort_by(|one, other| other.lost_conversions.total_cmp(&one.lost_conversions));
    let mut insights: Vec<Insight> = dropoffs
        .iter()
        .flat_map(|one| one.reasons.iter().map(|reason| insight(one, reason)))
        .collect();
    insights.sort_by(|one, other| {
        other
            .recoverable_conversions
            .total_cmp(&one.recoverable_conversions)
    });
    Ok(Json(DropOffsReply {
        period: PeriodReply::of(span),
        currency: shop.currency.as_str().to_owned(),
        average_order_value: order,
        dropoffs,
        insights,
    }))
}

fn drop_off(
    step: usize,
    visits: &[i64; COUNTS],
    facets: &[FacetRow],
    order: Option<f64>,
) -> DropOff {
    let (here, next, end) = (visits[step + 1], visits[step + 2], visits[STEPS]);
    // The share of those who go on that come to the end.
    let worth = share(end, next).unwrap_or(0.0);
    let of_step: Vec<&FacetRow> = facets.iter().filter(|(of, ..)| *of == step).collect();
    let mut reasons: Vec<Reason> = of_step
        .iter()
        .filter_map(|row| reason((here, next), row, worth, order))
        .collect();
    reasons.sort_by(|one, other| other.lost_conversions.total_cmp(&one.lost_conversions));
    let values = |facet: Facet| -> Vec<PatternValue> {
        let mut rows: Vec<&&FacetRow> = of_step.iter().filter(|(_, of, ..)| *of == facet).collect();
        rows.sort_by_key(|(_, _, _, visits, went_on)| went_on - visits);
        let values = rows
            .into_iter()
            .take(VALUES_MAX)
            .map(|(_, _, value, visits, went_on)| PatternValue {
                value: value.clone(),
                sessions: *visits,
                dropped: visits - went_on,
                drop_off_rate: share(visits - went_on, *visits),
            });
        values.collect()
    };
    let lost = (here - next) as f64 * worth;
    DropOff {
        from_step: PageType::ALL[step],
        to_step: PageType::ALL[step + 1],
        sessions: here,
        dropped: here - next,
        drop_off_rate: share(here - next, here),
        lost_conversions: rounded(lost, 2),
        lost_revenue: order.map(|order| rounded(lost * order, 2)),
        reasons,
        patterns: Patterns {
            device: values(Facet::Device),
            source: values(Facet::Source),
            time_of_day: values(Facet::TimeOfDay),
            load_time: values(Facet::LoadTime),
            errors: values(Facet::Errors),
            last_page: values(Facet::LastPage),
        },
    }
}

fn reason(
    (here, next): (i64, i64),
    (_, facet, value, visits, went_on): &FacetRow,
    worth: f64,
    order: Option<f64>,
) -> Option<Reason> {
    // The last page tells where visits ended, not why; and a page whose time nobody told is no reason.
    if *facet == Facet::LastPage || value == "unknown" {
        return None;
    }
    let of = |sessions: i64, conversions: i64| {
        Some(Counts {
            sessions: u32::try_from(sessions).ok()?,
            conversions: u32::try_from(conversions).ok()?,
        })
    };
    let lift = Lift::between(of(here - visits, next - went_on)?, of(*visits, *went_on)?)?;
    if lift.high >= 0.0 {
        return None;
    }
    let lost = *visits as f64 * -lift.difference * worth;
    Some(Reason {
        pattern: facet.as_str(),
        value: value.clone(),
        sessions: *visits,
        continued_rate: share(*went_on, *visits)?,
        others_rate: share(next - went_on, here - visits)?,
        difference: rounded(lift.difference, 6),
        interval: [rounded(lift.low, 6), rounded(lift.high, 6)],
        lost_conversions: rounded(lost, 2),
        lost_revenue: order.map(|order| rounded(lost * order, 2)),
    })
}

fn insight(one: &DropOff, reason: &Reason) -> Insight {
    let who = match reason.pattern {
        "device" => format!("Visits on {} devices", reason.value),
        "source" => format!("Visits from {}", reason.value),
        "time_of_day" => format!("Visits that begin between {} o'clock", reason.value),
        "load_time" => "Visits with a page that took more than 2.5 seconds".to_owned(),
        _ => "Visits in which something did not work".to_owned(),
    };
    let what = match reason.pattern {
        "device" => "Try this step on such a device and mend what is in the way.",
        "source" => "Compare what the source promises with the page that it leads to.",
        "time_of_day" => {
            "Look for what is different then: help, deliveries, campaigns, maintenance."
        }
        "load_time" => "Make the pages before this step faster.",
        _ => "Look for the errors of this step in the shop's log, and mend them.",
    };
    Insight {
        from_step: one.from_step,
        to_step: one.to_step,
        pattern: reason.pattern,
        value: reason.value.clone(),
        message: format!(
            "{who} go on from {} to {} in {:.1} % of cases, the others in {:.1} %. {what}",
            one.from_step.as_str(),
            one.to_step.as_str(),
            reason.continued_rate * 100.0,
            reason.others_rate * 100.0,
        ),
        recoverable_conversions: reason.lost_conversions,
        recoverable_revenue: reason.lost_revenue,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_reason_is_a_mark_whose_visits_go_on_less_often_by_more_than_chance() {
        let mut visits = [0; COUNTS];
        visits[..=STEPS].copy_from_slice(&[2_000, 1_000, 500, 200, 100]);
        let row =
            |facet, value: &str, visits, went_on| (0, facet, value.to_owned(), visits, went_on);
        let facets = [
            row(Facet::LoadTime, "slow", 400, 100),
            row(Facet::LoadTime, "unknown", 600, 100),
            row(Facet::Device, "mobile", 500, 245),
            row(Facet::LastPage, "/product", 300, 0),
        ];
        let told = drop_off(0, &visits, &facets, Some(50.0));
        assert_eq!(
            (told.sessions, told.dropped, told.drop_off_rate),
            (1_000, 500, Some(0.5))
        );
        // A fifth of those who search come to the end.
        assert_eq!(
            (told.lost_conversions, told.lost_revenue),
            (100.0, Some(5_000.0))
        );
        let reasons: Vec<&str> = told
            .reasons
            .iter()
            .map(|reason| reason.value.as_str())
            .collect();
        assert_eq!(reasons, ["slow"]);
        // A quarter goes on, of the others two thirds: 400 visits lose 5/12 each, and of these a fifth is a purchase.
        let slow = &told.reasons[0];
        assert!((slow.lost_conversions - 400.0 * 5.0 / 12.0 / 5.0).abs() < 0.01);
        assert!(slow.interval[0] < slow.difference && slow.interval[1] < 0.0);
        assert_eq!(told.patterns.last_page[0].dropped, 300);
        assert!(insight(&told, slow).message.contains("25.0 %"));
    }
}
