//! `/dashboard/metrics` and `/dashboard/trends`.

use std::collections::BTreeMap;

use axum::Json;
use axum::extract::State;
use footfall_shared::experiment::change::{Moments, SIGNIFICANT, of_days, of_rates, welch};
use footfall_shared::money::{Currency, MinorUnits};
use footfall_shared::visits::sums::{BOUGHT, COUNTS};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::period::{Dates, PeriodReply};
use super::{bad, live_run, rounded, share};
use crate::analytics::calendar::{Days, Interval};
use crate::analytics::queries::rollups::{self, Sums};
use crate::analytics::queries::sales::{self, Sales};
use crate::app::App;
use crate::auth::OpenShop;
use crate::db::{Handle, StorageError};
use crate::http::envelope::AnalyticsRefusals;
use crate::http::error::AppError;
use crate::http::extract::WireQuery;
use crate::shops::Shop;

pub(super) fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new()
        .routes(routes!(metrics))
        .routes(routes!(trends))
}

/// A figure with what it was in as many days before.
#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
struct FigureReply {
    /// In the span; null where it is a share or a mean of nothing.
    value: Option<f64>,
    /// In as many days before.
    previous: Option<f64>,
    /// By which share it grew; null where it was nothing.
    change: Option<f64>,
    /// The probability of such a difference by chance: for counts by comparing days (Welch's t-test, from seven days on),
    /// for rates by the two-proportion z-test, for the mean order by Welch's t-test; null while that cannot be said.
    p_value: Option<f64>,
    /// Whether that is below 0.05.
    significant: Option<bool>,
}

impl FigureReply {
    fn of(value: Option<f64>, previous: Option<f64>, p: Option<f64>) -> Self {
        let change = value.zip(previous).filter(|(_, before)| *before != 0.0);
        Self {
            value: value.map(|value| rounded(value, 6)),
            previous: previous.map(|value| rounded(value, 6)),
            change: change.map(|(now, before)| rounded(now / before - 1.0, 6)),
            p_value: p.map(|p| rounded(p, 6)),
            significant: p.map(|p| p < SIGNIFICANT),
        }
    }
}

/// A shop's figures.
#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
struct DashboardReply {
    /// The days that count.
    period: PeriodReply,
    /// The days that they are compared with.
    previous_period: PeriodReply,
    /// The shop's time zone, by which days begin.
    #[schema(example = "Europe/Amsterdam")]
    timezone: Option<String>,
    /// ISO 4217; amounts are in its main unit.
    #[schema(example = "EUR")]
    currency: String,
    /// Visitors seen until the end of the span.
    total_users: FigureReply,
    /// Visitors in the span, each once.
    active_users: FigureReply,
    /// Visitors who were never seen before.
    new_users: FigureReply,
    /// Visits.
    sessions: FigureReply,
    /// Pages that were seen.
    page_views: FigureReply,
    /// The share of visits that bought.
    conversion_rate: FigureReply,
    /// Orders that count, of the shop and of its files.
    orders: FigureReply,
    /// What they came to.
    revenue: FigureReply,
    /// Revenue by order.
    average_order_value: FigureReply,
}

/// The figures of a span of days, each with those of as many days before and whether the change is more than chance.
#[utoipa::path(
    get, path = "/dashboard/metrics", tag = "funnel analytics",
    params(Dates),
    responses((status = 200, description = "The figures", body = DashboardReply), AnalyticsRefusals),
    security((), ("bearer_key" = []), ("basic" = []), ("api_key" = []))
)]
async fn metrics(
    State(app): State<App>,
    OpenShop(shop): OpenShop,
    WireQuery(dates): WireQuery<Dates>,
) -> Result<Json<DashboardReply>, AppError> {
    let span = dates.parse(&shop, app.now())?;
    let mut db = app.db().read().await?;
    let run = live_run(&mut db, &shop).await?;
    let now = Figures::find(&mut db, &shop, run, span).await?;
    let before = Figures::find(&mut db, &shop, run, span.before()).await?;
    Ok(Json(compare(&shop, &now, &before)))
}

/// The figures of a span, by day where days are compared.
struct Figures {
    span: Days,
    total_users: i64,
    active_users: i64,
    daily_users: Vec<f64>,
    new_users: BTreeMap<i64, i64>,
    visits: BTreeMap<(i64, usize), Sums>,
    sales: BTreeMap<i64, Sales>,
}

impl Figures {
    async fn find(
        db: &mut impl Handle,
        shop: &Shop,
        run: i64,
        span: Days,
    ) -> Result<Self, StorageError> {
        let (daily, active_users) = rollups::count_daily_visitors(db, &shop.id, run, span).await?;
        let of_day = |day: i64| daily.get(&day).map_or(0.0, |visitors| *visitors as f64);
        let (new_users, total_users) = rollups::count_new(db, &shop.id, run, span).await?;
        let visits = rollups::sum_days(db, &shop.id, run, span, None).await?;
        Ok(Self {
            span,
            total_users,
            active_users,
            daily_users: (span.from..span.until).map(of_day).collect(),
            new_users,
            visits: visits
                .into_iter()
                .map(|(day, count, sums)| ((day, count), sums))
                .collect(),
            sales: sales::sum_days(db, shop, run, span).await?,
        })
    }

    fn daily(&self, of: impl Fn(i64) -> i64) -> Vec<f64> {
        (self.span.from..self.span.until)
            .map(|day| of(day) as f64)
            .collect()
    }

    fn sums(&self, day: i64, count: usize) -> Sums {
        self.visits.get(&(day, count)).copied().unwrap_or_default()
    }

    fn sales_of(&self, day: i64) -> Sales {
        self.sales.get(&day).copied().unwrap_or_default()
    }

    fn all_sales(&self) -> Sales {
        self.sales
            .values()
            .fold(Sales::default(), |all, one| all.plus(*one))
    }
}

fn compare(shop: &Shop, now: &Figures, before: &Figures) -> DashboardReply {
    let by_day = |daily: &dyn Fn(&Figures) -> Vec<f64>| {
        let (now, before) = (daily(now), daily(before));
        let p = of_days(&before, &now);
        FigureReply::of(Some(now.iter().sum()), Some(before.iter().sum()), p)
    };
    let new =
        |figures: &Figures| figures.daily(|day| figures.new_users.get(&day).copied().unwrap_or(0));
    let grown = by_day(&new);
    let total = |figures: &Figures| Some(figures.total_users as f64);
    let active = |figures: &Figures| Some(figures.active_users as f64);
    let count = |figures: &Figures, count| {
        figures
            .daily(|day| figures.sums(day, count).visits)
            .iter()
            .sum::<f64>() as i64
    };
    let rate = |figures: &Figures| (count(figures, BOUGHT), count(figures, 0));
    let of_rate = |(bought, all): (i64, i64)| share(bought, all);
    let (sold, sold_before) = (now.all_sales(), before.all_sales());
    let scale = major_of_one(shop.currency);
    let money = |figure: FigureReply| FigureReply {
        value: figure.value.map(|value| rounded(value * scale, 2)),
        previous: figure.previous.map(|value| rounded(value * scale, 2)),
        ..figure
    };
    let mean =
        |sales: Sales| (sales.orders > 0).then(|| sales.revenue as f64 / sales.orders as f64);
    let moments = |sales: Sales| Moments {
        count: sales.orders as f64,
        sum: sales.revenue as f64,
        squares: sales.squares,
    };
    DashboardReply {
        period: PeriodReply::of(now.span),
        previous_period: PeriodReply::of(before.span),
        timezone: shop.timezone.iana_name().map(str::to_owned),
        currency: shop.currency.as_str().to_owned(),
        // All who were ever seen grow by those who are new, so these are compared.
        total_users: FigureReply {
            p_value: grown.p_value,
            significant: grown.significant,
            ..FigureReply::of(total(now), total(before), None)
        },
        active_users: FigureReply::of(
            active(now),
            active(before),
            of_days(&before.daily_users, &now.daily_users),
        ),
        new_users: grown,
        sessions: by_day(&|figures| figures.daily(|day| figures.sums(day, 0).visits)),
        page_views: by_day(&|figures| figures.daily(|day| figures.sums(day, 0).views)),
        conversion_rate: FigureReply::of(
            of_rate(rate(now)),
            of_rate(rate(before)),
            of_rates(rate(before), rate(now)),
        ),
        orders: by_day(&|figures| figures.daily(|day| figures.sales_of(day).orders)),
        revenue: money(by_day(&|figures| {
            figures.daily(|day| figures.sales_of(day).revenue)
        })),
        average_order_value: money(FigureReply::of(
            mean(sold),
            mean(sold_before),
            welch(moments(sold_before), moments(sold)),
        )),
    }
}

/// What a minor unit is of the main one.
pub(super) fn major_of_one(currency: Currency) -> f64 {
    MinorUnits::new(1).to_major(currency)
}

/// How the time is cut.
#[derive(Debug, Default, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(super) struct Intervals {
    /// `daily` (as without it), `weekly` (from Monday) or `monthly`.
    #[param(example = "daily")]
    pub(super) interval: Option<String>,
}

impl Intervals {
    /// The interval.
    pub(super) fn parse(&self) -> Result<Interval, AppError> {
        let text = self.interval.as_deref().unwrap_or("daily");
        Interval::parse(text).ok_or_else(|| bad("interval", "must be daily, weekly or monthly"))
    }
}

/// Figures over time.
#[derive(Debug, Serialize, ToSchema)]
struct TrendsReply {
    /// The days that count.
    period: PeriodReply,
    /// How they are cut.
    interval: Interval,
    /// The shop's time zone, by which days begin.
    timezone: Option<String>,
    /// ISO 4217; amounts are in its main unit.
    currency: String,
    /// One for each part of the time, without gaps. The first and the last one hold only days of the period.
    points: Vec<TrendPoint>,
}

/// The figures of a part of the time.
#[derive(Debug, Serialize, ToSchema)]
struct TrendPoint {
    /// Its first day.
    #[schema(example = "2026-11-01")]
    start_date: String,
    /// Its last day.
    #[schema(example = "2026-11-01")]
    end_date: String,
    /// Visitors, each once.
    active_users: i64,
    /// Visitors who were never seen before.
    new_users: i64,
    /// Visits.
    sessions: i64,
    /// Pages that were seen.
    page_views: i64,
    /// Visits that bought.
    conversions: i64,
    /// Their share; null without visits.
    conversion_rate: Option<f64>,
    /// Orders.
    orders: i64,
    /// What they came to.
    revenue: f64,
    /// Revenue by order; null without orders.
    average_order_value: Option<f64>,
}

/// The figures over time, by the shop's clock; times without anything are zero.
#[utoipa::path(
    get, path = "/dashboard/trends", tag = "funnel analytics",
    params(Dates, Intervals),
    responses((status = 200, description = "The figures over time", body = TrendsReply), AnalyticsRefusals),
    security((), ("bearer_key" = []), ("basic" = []), ("api_key" = []))
)]
async fn trends(
    State(app): State<App>,
    OpenShop(shop): OpenShop,
    WireQuery(dates): WireQuery<Dates>,
    WireQuery(intervals): WireQuery<Intervals>,
) -> Result<Json<TrendsReply>, AppError> {
    let (span, interval) = (dates.parse(&shop, app.now())?, intervals.parse()?);
    let parts = interval.cut(span);
    let mut db = app.db().read().await?;
    let run = live_run(&mut db, &shop).await?;
    let users: Vec<i64> = if interval == Interval::Daily {
        let (daily, _) = rollups::count_daily_visitors(&mut db, &shop.id, run, span).await?;
        let of_day = |day: i64| daily.get(&day).copied().unwrap_or(0);
        (span.from..span.until).map(of_day).collect()
    } else {
        let counts = rollups::count_visitors(&mut db, &shop.id, run, &parts, &[0], None).await?;
        counts.into_iter().map(|counts| counts[0]).collect()
    };
    let (new_users, _) = rollups::count_new(&mut db, &shop.id, run, span).await?;
    let days = rollups::sum_days(&mut db, &shop.id, run, span, None).await?;
    let sales = sales::sum_days(&mut db, &shop, run, span).await?;
    let scale = major_of_one(shop.currency);
    let points = parts.iter().zip(users).map(|(part, users)| {
        let within = |day: i64| (part.from..part.until).contains(&day);
        let mut counts = [Sums::default(); COUNTS];
        for (_, count, sums) in days.iter().filter(|(day, ..)| within(*day)) {
            counts[*count].visits += sums.visits;
            counts[*count].views += sums.views;
        }
        let sold = sales
            .range(part.from..part.until)
            .fold(Sales::default(), |all, (_, one)| all.plus(*one));
        let PeriodReply {
            start_date,
            end_date,
        } = PeriodReply::of(*part);
        TrendPoint {
            start_date,
            end_date,
            active_users: users,
            new_users: new_users
                .range(part.from..part.until)
                .map(|(_, count)| count)
                .sum(),
            sessions: counts[0].visits,
            page_views: counts[0].views,
            conversions: counts[BOUGHT].visits,
            conversion_rate: share(counts[BOUGHT].visits, counts[0].visits),
            orders: sold.orders,
            revenue: rounded(sold.revenue as f64 * scale, 2),
            average_order_value: (sold.orders > 0)
                .then(|| rounded(sold.revenue as f64 * scale / sold.orders as f64, 2)),
        }
    });
    Ok(Json(TrendsReply {
        period: PeriodReply::of(span),
        interval,
        timezone: shop.timezone.iana_name().map(str::to_owned),
        currency: shop.currency.as_str().to_owned(),
        points: points.collect(),
    }))
}
