//! `/api/behavior/sentiment/…`.

use std::collections::BTreeMap;

use axum::Json;
use axum::extract::State;
use footfall_shared::behavior::sentiment::blend::in_hundred;
use footfall_shared::behavior::sentiment::trend::Trend;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::job::{Group, Heard, Word, find_heard};
use crate::app::App;
use crate::auth::CountedShop;
use crate::behavior::limit;
use crate::behavior::results::Computed;
use crate::behavior::routes::{OfUpload, ReadRefusals, no_data, rounded, top, why_missing};
use crate::behavior::scope::{Need, Scope};
use crate::http::envelope::{DataReply, Meta};
use crate::http::error::AppError;
use crate::http::extract::WireQuery;
use crate::jobs::JobKind;

/// Products, at most.
const PRODUCTS_MAX: usize = 500;
/// Words of each side, at most.
const KEYWORDS_MAX: usize = 50;

pub(in crate::behavior) fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new()
        .routes(routes!(overview))
        .routes(routes!(by_category))
        .routes(routes!(by_product))
        .routes(routes!(keywords))
}

async fn find(app: &App, caller: &CountedShop, scope: &Scope) -> Result<Computed<Heard>, AppError> {
    let found = {
        let mut db = app.db().read().await?;
        find_heard(&mut db, &caller.shop.id, scope).await?
    };
    match found {
        Some(found) if found.body.all.count == 0 => Err(no_data(scope)),
        Some(found) => Ok(found),
        None => match why_missing(
            app,
            &caller.shop.id,
            scope,
            Need::Reviews,
            JobKind::Sentiment,
        )
        .await? {},
    }
}

/// From 0 to 100.
fn score(group: &Group) -> f64 {
    rounded(in_hundred(group.score), 1)
}

fn stars(group: &Group) -> Option<f64> {
    group.stars.map(|stars| rounded(stars, 2))
}

/// Numbers of reviews by how they are meant.
#[derive(Debug, Serialize, ToSchema)]
struct DistributionReply {
    positive: i64,
    neutral: i64,
    negative: i64,
}

/// Percentages of reviews by how they are meant.
#[derive(Debug, Serialize, ToSchema)]
struct PercentagesReply {
    positive: f64,
    neutral: f64,
    negative: f64,
}

/// All reviews together.
#[derive(Debug, Serialize, ToSchema)]
struct OverviewReply {
    /// 0 to 100; 50 is neutral.
    #[schema(example = 78.5)]
    overall_score: f64,
    /// The 95 % interval of the score.
    overall_score_interval: [f64; 2],
    /// Null where nobody gave stars.
    #[schema(example = 4.2)]
    average_rating: Option<f64>,
    total_reviews: i64,
    distribution: DistributionReply,
    percentages: PercentagesReply,
    /// Reviews by what their score stands on: `text_and_rating`, `text`, `rating`, or `rating_for_language` where the text is
    /// in a language that is not read.
    basis: BTreeMap<String, i64>,
    /// Reviews without stars in a language that is not read; they count nowhere.
    unread_reviews: i64,
    /// When it was computed, RFC 3339.
    computed_at: String,
}

/// What all reviews say.
#[utoipa::path(
    get, path = "/api/behavior/sentiment/overview", tag = "behavior",
    params(OfUpload),
    responses(
        (status = 200, description = "The overview", body = DataReply<OverviewReply>),
        ReadRefusals,
    ),
    security(("bearer_key" = []), ("basic" = []), ("api_key" = []))
)]
async fn overview(
    State(app): State<App>,
    caller: CountedShop,
    meta: Meta,
    WireQuery(asked): WireQuery<OfUpload>,
) -> Result<Json<DataReply<OverviewReply>>, AppError> {
    limit::read(&app, &caller, app.now()).await?;
    let Computed { at, body, .. } = find(&app, &caller, &Scope::of(asked.upload_id)).await?;
    let Group {
        count,
        positive,
        neutral,
        negative,
        ..
    } = body.all;
    let percent = |part: i64| rounded(part as f64 * 100.0 / count.max(1) as f64, 1);
    let end = |score: f64| rounded(in_hundred(score.clamp(-1.0, 1.0)), 1);
    Ok(meta.with(OverviewReply {
        overall_score: score(&body.all),
        overall_score_interval: [
            end(body.all.score - body.all.half),
            end(body.all.score + body.all.half),
        ],
        average_rating: stars(&body.all),
        total_reviews: count,
        distribution: DistributionReply {
            positive,
            neutral,
            negative,
        },
        percentages: PercentagesReply {
            positive: percent(positive),
            neutral: percent(neutral),
            negative: percent(negative),
        },
        basis: body.bases.into_iter().collect(),
        unread_reviews: body.unread,
        computed_at: at.to_rfc3339(),
    }))
}

/// What the reviews of a category say.
#[derive(Debug, Serialize, ToSchema)]
struct CategoryReply {
    #[schema(example = "Clothing")]
    category: String,
    /// 0 to 100.
    sentiment_score: f64,
    average_rating: Option<f64>,
    review_count: i64,
    /// `improving`, `stable` or `declining`; null where there are too few months or reviews to tell.
    #[schema(example = "improving")]
    trend: Option<&'static str>,
    /// Change of the score (0 to 100) in thirty days.
    trend_slope: Option<f64>,
    /// The probability of such a slope by chance.
    trend_p: Option<f64>,
}

/// Categories.
#[derive(Debug, Serialize, ToSchema)]
struct CategoriesReply {
    /// The one with the most reviews first. Reviews whose category nobody knows are in none.
    categories: Vec<CategoryReply>,
}

/// What reviews say, by category.
#[utoipa::path(
    get, path = "/api/behavior/sentiment/by-category", tag = "behavior",
    params(OfUpload),
    responses(
        (status = 200, description = "The categories", body = DataReply<CategoriesReply>),
        ReadRefusals,
    ),
    security(("bearer_key" = []), ("basic" = []), ("api_key" = []))
)]
async fn by_category(
    State(app): State<App>,
    caller: CountedShop,
    meta: Meta,
    WireQuery(asked): WireQuery<OfUpload>,
) -> Result<Json<DataReply<CategoriesReply>>, AppError> {
    limit::read(&app, &caller, app.now()).await?;
    let found = find(&app, &caller, &Scope::of(asked.upload_id)).await?.body;
    let told = found.categories.into_iter().map(|one| CategoryReply {
        category: one.name,
        sentiment_score: score(&one.reviews),
        average_rating: stars(&one.reviews),
        review_count: one.reviews.count,
        trend: one.trend.map(|trend: Trend| trend.direction.as_str()),
        trend_slope: one.trend.map(|trend| rounded(trend.slope * 50.0, 3)),
        trend_p: one.trend.map(|trend| rounded(trend.p, 6)),
    });
    Ok(meta.with(CategoriesReply {
        categories: told.collect(),
    }))
}

/// How many.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
struct TopQuery {
    /// One upload; without it all of the shop's data count.
    upload_id: Option<String>,
    /// How many; 20 where it is missing.
    top_n: Option<usize>,
}

/// What the reviews of a product say.
#[derive(Debug, Serialize, ToSchema)]
struct ProductReply {
    #[schema(example = "Wireless Headphones")]
    product_name: String,
    product_id: String,
    /// 0 to 100.
    sentiment_score: f64,
    average_rating: Option<f64>,
    review_count: i64,
    /// Lines of orders; null where the data have no orders.
    purchase_count: Option<i64>,
}

/// Products.
#[derive(Debug, Serialize, ToSchema)]
struct ProductsReply {
    /// The one with the most reviews first.
    products: Vec<ProductReply>,
}

/// What reviews say, by product.
#[utoipa::path(
    get, path = "/api/behavior/sentiment/by-product", tag = "behavior",
    params(TopQuery),
    responses(
        (status = 200, description = "The products", body = DataReply<ProductsReply>),
        ReadRefusals,
    ),
    security(("bearer_key" = []), ("basic" = []), ("api_key" = []))
)]
async fn by_product(
    State(app): State<App>,
    caller: CountedShop,
    meta: Meta,
    WireQuery(asked): WireQuery<TopQuery>,
) -> Result<Json<DataReply<ProductsReply>>, AppError> {
    limit::read(&app, &caller, app.now()).await?;
    let top = top(asked.top_n, 20, PRODUCTS_MAX)?;
    let found = find(&app, &caller, &Scope::of(asked.upload_id)).await?.body;
    let told = found
        .products
        .into_iter()
        .take(top)
        .map(|one| ProductReply {
            product_name: one.name,
            product_id: one.id,
            sentiment_score: score(&one.reviews),
            average_rating: stars(&one.reviews),
            review_count: one.reviews.count,
            purchase_count: one.purchases,
        });
    Ok(meta.with(ProductsReply {
        products: told.collect(),
    }))
}

/// A word that tells.
#[derive(Debug, Serialize, ToSchema)]
struct KeywordReply {
    #[schema(example = "fast shipping")]
    word: String,
    /// Reviews of its side that have it.
    count: u32,
    /// The mean score of all reviews that have it, −1 to 1.
    sentiment: f64,
    /// By how many deviations the log-odds of both sides differ.
    z: f64,
}

/// Words that tell.
#[derive(Debug, Serialize, ToSchema)]
struct KeywordsReply {
    /// The clearest first.
    positive_keywords: Vec<KeywordReply>,
    /// The clearest first.
    negative_keywords: Vec<KeywordReply>,
}

/// The words that tell good reviews from bad ones.
#[utoipa::path(
    get, path = "/api/behavior/sentiment/keywords", tag = "behavior",
    params(TopQuery),
    responses(
        (status = 200, description = "The words", body = DataReply<KeywordsReply>),
        ReadRefusals,
    ),
    security(("bearer_key" = []), ("basic" = []), ("api_key" = []))
)]
async fn keywords(
    State(app): State<App>,
    caller: CountedShop,
    meta: Meta,
    WireQuery(asked): WireQuery<TopQuery>,
) -> Result<Json<DataReply<KeywordsReply>>, AppError> {
    limit::read(&app, &caller, app.now()).await?;
    let top = top(asked.top_n, 20, KEYWORDS_MAX)?;
    let found = find(&app, &caller, &Scope::of(asked.upload_id)).await?.body;
    let told = |words: Vec<Word>| {
        let told = words.into_iter().take(top).map(|one| KeywordReply {
            word: one.word,
            count: one.count,
            sentiment: rounded(one.sentiment, 4),
            z: rounded(one.z, 2),
        });
        told.collect()
    };
    Ok(meta.with(KeywordsReply {
        positive_keywords: told(found.praise),
        negative_keywords: told(found.complaints),
    }))
}
