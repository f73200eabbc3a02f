//! `/sentiment/analysis` and `/sentiment/page/{page_type}`: what people say of the pages.

use std::collections::BTreeMap;

use axum::Json;
use axum::extract::{Path, State};
use footfall_shared::behavior::sentiment::blend::{class_of, in_hundred};
use footfall_shared::time::UtcMillis;
use footfall_shared::visits::feedback::{OTHER, PRODUCT, Topic};
use footfall_shared::visits::page::PageType;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::dashboard::Intervals;
use super::period::{PeriodReply, range};
use super::{bad, live_run, rounded, share};
use crate::analytics::calendar::{Days, Interval};
use crate::analytics::queries::feedback::{self, SaidRow, class_name};
use crate::app::App;
use crate::auth::OpenShop;
use crate::http::envelope::AnalyticsRefusals;
use crate::http::error::AppError;
use crate::http::extract::WireQuery;

/// Texts that are told of a page.
const TEXTS: i64 = 20;

pub(super) fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new()
        .routes(routes!(analysis))
        .routes(routes!(of_page))
}

/// Which days.
#[derive(Debug, Default, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
struct Range {
    /// A number of days as `30d` (as without it), two dates as `2026-11-01,2026-11-30`, or `all` (then also reviews of files
    /// count that tell no date).
    #[param(example = "30d")]
    date_range: Option<String>,
}

/// Which pages.
#[derive(Debug, Default, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
struct OfPage {
    /// `home`, `search`, `payment`, `confirmation`, `product` (reviews) or `other`; without it, all.
    page_type: Option<String>,
}

/// What is said of pages.
#[derive(Debug, Serialize, ToSchema)]
struct SentimentReply {
    /// The days that count; null for all.
    period: Option<PeriodReply>,
    /// The page; null for all.
    page_type: Option<&'static str>,
    /// All together.
    overall: SentimentCounts,
    /// Page by page.
    by_page: Vec<PageSentiment>,
    /// By what it is about, the most first.
    categories: Vec<CategorySentiment>,
    /// How the time is cut.
    interval: Interval,
    /// One for each part of the time, without gaps; empty for all days.
    trend: Vec<SentimentPoint>,
}

/// How something is meant.
#[derive(Debug, Clone, Serialize, ToSchema)]
struct SentimentCounts {
    /// Feedback and reviews.
    total: i64,
    positive: i64,
    neutral: i64,
    negative: i64,
    /// Shares; null of nothing.
    positive_share: Option<f64>,
    neutral_share: Option<f64>,
    negative_share: Option<f64>,
    /// From 0 (bad) to 100 (good), on average; null of nothing.
    score: Option<f64>,
}

/// What is said of a page.
#[derive(Debug, Serialize, ToSchema)]
struct PageSentiment {
    page_type: String,
    sentiment: SentimentCounts,
}

/// What is said about something.
#[derive(Debug, Serialize, ToSchema)]
struct CategorySentiment {
    category: Topic,
    sentiment: SentimentCounts,
}

/// What was said at a time.
#[derive(Debug, Serialize, ToSchema)]
struct SentimentPoint {
    start_date: String,
    end_date: String,
    sentiment: SentimentCounts,
}

/// Sums of what was said.
#[derive(Debug, Clone, Copy, Default)]
struct Tally {
    by_class: [i64; 3],
    /// Thousandths.
    score: i64,
}

const CLASSES: [&str; 3] = ["positive", "neutral", "negative"];

impl Tally {
    fn add(&mut self, (_, _, class, _, said, score): &SaidRow) {
        if let Some(at) = CLASSES.iter().position(|known| known == class) {
            self.by_class[at] += said;
            self.score += score;
        }
    }

    fn of<'a>(rows: impl Iterator<Item = &'a SaidRow>) -> Self {
        let mut tally = Self::default();
        rows.for_each(|row| tally.add(row));
        tally
    }

    fn total(self) -> i64 {
        self.by_class.iter().sum()
    }

    fn reply(self) -> SentimentCounts {
        let (total, [positive, neutral, negative]) = (self.total(), self.by_class);
        SentimentCounts {
            total,
            positive,
            neutral,
            negative,
            positive_share: share(positive, total),
            neutral_share: share(neutral, total),
            negative_share: share(negative, total),
            score: (total > 0)
                .then(|| rounded(in_hundred(self.score as f64 / 1000.0 / total as f64), 2)),
        }
    }
}

/// What people say of the pages, from feedback on pages and from reviews.
#[utoipa::path(
    get, path = "/sentiment/analysis", tag = "funnel analytics",
    params(OfPage, Range, Intervals),
    responses((status = 200, description = "What they say", body = SentimentReply), AnalyticsRefusals),
    security((), ("bearer_key" = []), ("basic" = []), ("api_key" = []))
)]
async fn analysis(
    State(app): State<App>,
    OpenShop(shop): OpenShop,
    WireQuery(page): WireQuery<OfPage>,
    WireQuery(asked): WireQuery<Range>,
    WireQuery(intervals): WireQuery<Intervals>,
) -> Result<Json<SentimentReply>, AppError> {
    let span = range(asked.date_range.as_deref(), &shop, app.now())?;
    let (page, interval) = (page_of(page.page_type.as_deref())?, intervals.parse()?);
    let mut db = app.db().read().await?;
    let run = live_run(&mut db, &shop).await?;
    let rows = feedback::sum_days(&mut db, &shop.id, run, span, page).await?;
    let mut by_page = BTreeMap::<&str, Tally>::new();
    for row in &rows {
        by_page.entry(&row.1).or_default().add(row);
    }
    let by_page = by_page.into_iter().map(|(page, tally)| PageSentiment {
        page_type: page.to_owned(),
        sentiment: tally.reply(),
    });
    Ok(Json(SentimentReply {
        period: span.map(PeriodReply::of),
        page_type: page,
        overall: Tally::of(rows.iter()).reply(),
        by_page: by_page.collect(),
        categories: categories(&rows),
        interval,
        trend: trend(&rows, interval, span),
    }))
}

fn page_of(text: Option<&str>) -> Result<Option<&'static str>, AppError> {
    let Some(text) = text else { return Ok(None) };
    let known = PageType::ALL.map(PageType::as_str);
    let found = known
        .into_iter()
        .chain([PRODUCT, OTHER])
        .find(|known| *known == text);
    let wrong = || {
        bad(
            "page_type",
            "must be home, search, payment, confirmation, product or other",
        )
    };
    found.map(Some).ok_or_else(wrong)
}

fn categories(rows: &[SaidRow]) -> Vec<CategorySentiment> {
    let all = Topic::ALL.into_iter().map(|topic| {
        let of_topic = rows.iter().filter(|row| row.3 == topic.as_str());
        (topic, Tally::of(of_topic))
    });
    let mut said: Vec<(Topic, Tally)> = all.filter(|(_, tally)| tally.total() > 0).collect();
    said.sort_by_key(|(_, tally)| -tally.total());
    let told = said.into_iter().map(|(category, tally)| CategorySentiment {
        category,
        sentiment: tally.reply(),
    });
    told.collect()
}

fn trend(rows: &[SaidRow], interval: Interval, span: Option<Days>) -> Vec<SentimentPoint> {
    let parts = span.map_or_else(Vec::new, |span| interval.cut(span));
    let points = parts.into_iter().map(|part| {
        let PeriodReply {
            start_date,
            end_date,
        } = PeriodReply::of(part);
        let within = rows
            .iter()
            .filter(|row| (part.from..part.until).contains(&row.0));
        SentimentPoint {
            start_date,
            end_date,
            sentiment: Tally::of(within).reply(),
        }
    });
    points.collect()
}

/// What is said of a page.
#[derive(Debug, Serialize, ToSchema)]
struct PageSentimentReply {
    page_type: &'static str,
    /// The days that count; null for all.
    period: Option<PeriodReply>,
    overall: SentimentCounts,
    /// By what it is about, the most first.
    categories: Vec<CategorySentiment>,
    /// How the time is cut.
    interval: Interval,
    /// One for each part of the time, without gaps; empty for all days.
    trend: Vec<SentimentPoint>,
    /// What was said last, at most 20; without who said it.
    feedback: Vec<FeedbackReply>,
}

/// Something that was said.
#[derive(Debug, Serialize, ToSchema)]
struct FeedbackReply {
    /// RFC 3339.
    timestamp: String,
    /// `positive`, `neutral` or `negative`.
    sentiment: &'static str,
    /// From 0 (bad) to 100 (good).
    score: f64,
    /// What it is about.
    category: String,
    /// Stars, 1 to 5; null without.
    rating: Option<f64>,
    /// Null where there were only stars.
    text: Option<String>,
}

/// Which category.
#[derive(Debug, Default, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
struct OfCategory {
    /// `performance`, `usability`, `payment`, `price`, `delivery`, `product`, `service` or `other`: of which the last texts
    /// are told; without it, of all.
    category: Option<String>,
}

/// What people say of a page: home, search, payment or confirmation. A page that does not exist is a 404.
#[utoipa::path(
    get, path = "/sentiment/page/{page_type}", tag = "funnel analytics",
    params(("page_type" = String, Path, description = "`home`, `search`, `payment` or `confirmation`"), Range, Intervals, OfCategory),
    responses((status = 200, description = "What they say", body = PageSentimentReply), AnalyticsRefusals),
    security((), ("bearer_key" = []), ("basic" = []), ("api_key" = []))
)]
async fn of_page(
    State(app): State<App>,
    OpenShop(shop): OpenShop,
    Path(page): Path<String>,
    WireQuery(asked): WireQuery<Range>,
    WireQuery(intervals): WireQuery<Intervals>,
    WireQuery(of_category): WireQuery<OfCategory>,
) -> Result<Json<PageSentimentReply>, AppError> {
    let page = PageType::parse(&page).ok_or(AppError::NotFound)?.as_str();
    let span = range(asked.date_range.as_deref(), &shop, app.now())?;
    let interval = intervals.parse()?;
    let topic = of_category.category.as_deref().map(|text| {
        Topic::parse(text)
            .ok_or_else(|| bad("category", "must be one of the categories of feedback"))
    });
    let topic = topic.transpose()?;
    let times = span.map_or(
        (UtcMillis::new(i64::MIN), UtcMillis::new(i64::MAX)),
        |span| span.times(&shop.timezone),
    );
    let mut db = app.db().read().await?;
    let run = live_run(&mut db, &shop).await?;
    let rows = feedback::sum_days(&mut db, &shop.id, run, span, Some(page)).await?;
    let said = feedback::list(&mut db, &shop.id, run, page, topic, times, TEXTS).await?;
    let told = said.into_iter().map(|(at, score, topic, rating, text)| {
        let score = score as f64 / 1000.0;
        FeedbackReply {
            timestamp: UtcMillis::new(at).to_rfc3339(),
            sentiment: class_name(class_of(score)),
            score: rounded(in_hundred(score), 2),
            category: topic,
            rating: rating.map(|hundredths| hundredths as f64 / 100.0),
            text,
        }
    });
    Ok(Json(PageSentimentReply {
        page_type: page,
        period: span.map(PeriodReply::of),
        overall: Tally::of(rows.iter()).reply(),
        categories: categories(&rows),
        interval,
        trend: trend(&rows, interval, span),
        feedback: told.collect(),
    }))
}
