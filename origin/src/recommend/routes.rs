//! `/models/*`, `/recommendations/{user_id}` and `/users/similar/{user_id}`.

use axum::Json;
use axum::extract::{Path, State};
use axum::response::{IntoResponse, Response};
use footfall_shared::time::DAY_MS;
use http::StatusCode;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::lists::{Reason, Recommended};
use super::queries::{self, Version};
use super::report::Report;
use super::train;
use crate::app::App;
use crate::auth::OpenShop;
use crate::behavior;
use crate::http::envelope::AnalyticsRefusals;
use crate::http::error::AppError;
use crate::http::extract::WireQuery;
use crate::jobs::{self, JobKind};

/// Recommendations and similar users where nobody says how many; there are at most 20.
const USUAL: usize = 10;
const MOST: usize = 20;
/// Versions that are told.
const VERSIONS: i64 = 20;
/// How old a training may be before the model's health suffers.
const OLD_MS: i64 = 35 * DAY_MS;

/// The routes.
pub fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new()
        .routes(routes!(retrain))
        .routes(routes!(rollback))
        .routes(routes!(status))
        .routes(routes!(recommendations))
        .routes(routes!(similar))
}

fn bad(field: &str, reason: &str) -> AppError {
    AppError::BadRequest {
        field: Some(field.to_owned()),
        reason: reason.to_owned(),
    }
}

/// How a training is asked for.
#[derive(Debug, Default, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
struct Retrain {
    /// Trains also where no purchase has changed since the last training.
    #[serde(default)]
    force: bool,
}

/// A training.
#[derive(Debug, Serialize, ToSchema)]
struct RetrainReply {
    /// `queued`, or `up_to_date` where no purchase has changed since the last training.
    #[schema(example = "queued")]
    status: &'static str,
    /// What `GET /api/jobs/{id}` takes; null where nothing is to be done.
    #[schema(example = "job_01KB000000000000000000000A")]
    job_id: Option<String>,
    /// What serves until then; null before the first training.
    serving: Option<ModelVersion>,
}

/// A version of the recommender.
#[derive(Debug, Serialize, ToSchema)]
struct ModelVersion {
    /// Its number.
    #[schema(example = 3)]
    version: i64,
    /// `serving`; `retired`, which can be rolled back to; or `forgotten`.
    #[schema(example = "serving")]
    state: &'static str,
    /// RFC 3339.
    trained_at: String,
    /// What came of its training.
    report: Report,
}

impl ModelVersion {
    fn of(version: Version) -> Self {
        Self {
            version: version.number,
            state: match (version.serves, version.kept) {
                (true, _) => "serving",
                (false, true) => "retired",
                (false, false) => "forgotten",
            },
            trained_at: version.trained_at.to_rfc3339(),
            report: version.report,
        }
    }
}

/// Has the recommender trained on what customers bought until now. The best of several models on the shop's own last month
/// serves then; the one in service stays unless another one beats it there.
#[utoipa::path(
    post, path = "/models/retrain", tag = "funnel analytics",
    params(Retrain),
    responses(
        (status = 200, description = "Nothing has changed", body = RetrainReply),
        (status = 202, description = "It is asked for", body = RetrainReply),
        AnalyticsRefusals,
    ),
    security((), ("bearer_key" = []), ("basic" = []), ("api_key" = []))
)]
async fn retrain(
    State(app): State<App>,
    OpenShop(shop): OpenShop,
    WireQuery(asked): WireQuery<Retrain>,
) -> Result<Response, AppError> {
    let mut tx = app.db().begin().await?;
    let data = behavior::lines_version(&mut tx, &shop.id).await?;
    let latest = queries::find_latest(&mut tx, &shop.id).await?;
    let serving = queries::find_serving(&mut tx, &shop.id)
        .await?
        .map(ModelVersion::of);
    if !asked.force && latest.is_some_and(|latest| latest.data_version == data) {
        let reply = RetrainReply {
            status: "up_to_date",
            job_id: None,
            serving,
        };
        return Ok((StatusCode::OK, Json(reply)).into_response());
    }
    let job = train::ask(&app, &mut tx, &shop.id).await?;
    tx.commit().await?;
    let reply = RetrainReply {
        status: "queued",
        job_id: Some(job.as_str().to_owned()),
        serving,
    };
    Ok((StatusCode::ACCEPTED, Json(reply)).into_response())
}

/// Where to roll back to.
#[derive(Debug, Default, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
struct Rollback {
    /// A retired version; without it, the latest of them before the one that serves.
    version: Option<i64>,
}

/// Puts a retired version back in service, with the lists that it made. The next training may replace it again.
#[utoipa::path(
    post, path = "/models/rollback", tag = "funnel analytics",
    params(Rollback),
    responses((status = 200, description = "It serves", body = ModelVersion), AnalyticsRefusals),
    security((), ("bearer_key" = []), ("basic" = []), ("api_key" = []))
)]
async fn rollback(
    State(app): State<App>,
    OpenShop(shop): OpenShop,
    WireQuery(asked): WireQuery<Rollback>,
) -> Result<Json<ModelVersion>, AppError> {
    let mut tx = app.db().begin().await?;
    let all = queries::list(&mut tx, &shop.id, VERSIONS).await?;
    let serving = all
        .iter()
        .find(|one| one.serves)
        .map_or(i64::MAX, |one| one.number);
    let wanted = |one: &&Version| match asked.version {
        Some(number) => one.number == number && one.kept,
        None => one.number < serving && one.kept,
    };
    let to = all.iter().find(wanted).ok_or(AppError::NotFound)?.number;
    queries::serve(&mut tx, &shop.id, to).await?;
    let version = queries::find_serving(&mut tx, &shop.id)
        .await?
        .ok_or(AppError::NotFound)?;
    tx.commit().await?;
    Ok(Json(ModelVersion::of(version)))
}

/// How the recommender does.
#[derive(Debug, Serialize, ToSchema)]
struct ModelsReply {
    /// `ready`, or `untrained` before the first training.
    #[schema(example = "ready")]
    status: &'static str,
    /// The version that serves; null before the first training.
    #[schema(example = 3)]
    serving_version: Option<i64>,
    /// RFC 3339.
    last_trained_at: Option<String>,
    /// Whether a training is under way or waits.
    training: bool,
    health: ModelHealth,
    /// The latest versions first, each with its figures and those of all models on the same month.
    versions: Vec<ModelVersion>,
}

/// Whether the recommender is well.
#[derive(Debug, Serialize, ToSchema)]
struct ModelHealth {
    /// `healthy`, `degraded` where a check fails, or `untrained`.
    #[schema(example = "healthy")]
    status: &'static str,
    checks: Vec<HealthCheck>,
}

/// A check.
#[derive(Debug, Serialize, ToSchema)]
struct HealthCheck {
    #[schema(example = "trained_lately")]
    name: &'static str,
    ok: bool,
    /// In words.
    detail: String,
}

/// Versions of the recommender with their figures, and whether it is well.
#[utoipa::path(
    get, path = "/models/status", tag = "funnel analytics",
    responses((status = 200, description = "How it does", body = ModelsReply), AnalyticsRefusals),
    security((), ("bearer_key" = []), ("basic" = []), ("api_key" = []))
)]
async fn status(
    State(app): State<App>,
    OpenShop(shop): OpenShop,
) -> Result<Json<ModelsReply>, AppError> {
    let mut db = app.db().read().await?;
    let all = queries::list(&mut db, &shop.id, VERSIONS).await?;
    let training = jobs::find_running_or_queued(&mut db, &shop.id, JobKind::Retrain, "").await?;
    let serving = all.iter().find(|one| one.serves);
    let checks = serving.map_or_else(Vec::new, |serving| {
        let age_days = app.now().since(serving.trained_at) / DAY_MS;
        let metrics = serving.report.metrics.as_ref();
        let better = metrics.and_then(|metrics| metrics.recall_vs_popularity);
        vec![
            HealthCheck {
                name: "trained_lately",
                ok: app.now().since(serving.trained_at) <= OLD_MS,
                detail: format!("trained {age_days} days ago"),
            },
            HealthCheck {
                name: "measured",
                ok: metrics.is_some(),
                detail: metrics.map_or_else(
                    || "no customer came back within the last two months, so what is popular serves as a prior".to_owned(),
                    |metrics| format!("measured on {} customers of the last month", metrics.customers),
                ),
            },
            HealthCheck {
                name: "better_than_popularity",
                ok: better.is_some_and(|better| better >= 1.0),
                detail: better.map_or_else(
                    || "not measured".to_owned(),
                    |better| format!("its recall is {better} times that of what is popular"),
                ),
            },
        ]
    });
    Ok(Json(ModelsReply {
        status: if serving.is_some() {
            "ready"
        } else {
            "untrained"
        },
        serving_version: serving.map(|serving| serving.number),
        last_trained_at: all.first().map(|latest| latest.trained_at.to_rfc3339()),
        training,
        health: ModelHealth {
            status: match (serving, checks.iter().all(|check| check.ok)) {
                (None, _) => "untrained",
                (Some(_), true) => "healthy",
                (Some(_), false) => "degraded",
            },
            checks,
        },
        versions: all.into_iter().map(ModelVersion::of).collect(),
    }))
}

/// How many are wanted.
#[derive(Debug, Default, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
struct HowMany {
    /// 1 to 20; 10 without it.
    limit: Option<usize>,
}

impl HowMany {
    fn parse(&self) -> Result<usize, AppError> {
        let limit = self.limit.unwrap_or(USUAL);
        match (1..=MOST).contains(&limit) {
            true => Ok(limit),
            false => Err(bad("limit", "must be from 1 to 20")),
        }
    }
}

/// What somebody may want next.
#[derive(Debug, Serialize, ToSchema)]
struct RecommendationsReply {
    user_id: String,
    /// The version that made them; null before the first training.
    model_version: Option<i64>,
    /// What serves: `popularity`, `item_knn`, `ease` or `two_tower`.
    model: Option<String>,
    /// `personal`; `cold` for who has not bought anything yet; `untrained` before the first training.
    #[schema(example = "personal")]
    basis: &'static str,
    /// The best first. What the user has is among them only where customers buy it again and again.
    recommendations: Vec<RecommendedProduct>,
}

/// A product.
#[derive(Debug, Serialize, ToSchema)]
struct RecommendedProduct {
    /// From 1.
    rank: usize,
    #[schema(example = "44")]
    product_id: String,
    /// Null where nobody tells it.
    name: Option<String>,
    /// Null where nobody tells it.
    category: Option<String>,
    /// The share of recommendations with such a score that were bought within a month, counted on the last month; null
    /// where too few were counted.
    confidence: Option<f64>,
    /// `bought_before`, `bought_together` or `popular`.
    reason: &'static str,
    /// The reason in words.
    #[schema(example = "Customers who bought Teapot also bought it")]
    explanation: String,
}

impl RecommendedProduct {
    fn of(rank: usize, one: Recommended) -> Self {
        let Recommended {
            product,
            name,
            category,
            confidence,
            reason,
        } = one;
        let told = |text: String| Some(text).filter(|text| !text.is_empty());
        let (reason, explanation) = match reason {
            Reason::BoughtBefore { times: 1 } => (
                "bought_before",
                "Bought once before, and it is used up".to_owned(),
            ),
            Reason::BoughtBefore { times } => {
                ("bought_before", format!("Bought {times} times before"))
            }
            Reason::BoughtTogether { with } => (
                "bought_together",
                format!("Customers who bought {with} also bought it"),
            ),
            Reason::Popular => ("popular", "Bought by many customers lately".to_owned()),
        };
        Self {
            rank,
            product_id: product,
            name: told(name),
            category: told(category),
            confidence,
            reason,
            explanation,
        }
    }
}

/// What a user may want next. Who has not bought anything is recommended what others without a history buy.
#[utoipa::path(
    get, path = "/recommendations/{user_id}", tag = "funnel analytics",
    params(("user_id" = String, Path, description = "The shop's id of the customer, else the email"), HowMany),
    responses((status = 200, description = "The recommendations", body = RecommendationsReply), AnalyticsRefusals),
    security((), ("bearer_key" = []), ("basic" = []), ("api_key" = []))
)]
async fn recommendations(
    State(app): State<App>,
    OpenShop(shop): OpenShop,
    Path(user_id): Path<String>,
    WireQuery(how_many): WireQuery<HowMany>,
) -> Result<Json<RecommendationsReply>, AppError> {
    let (limit, user_id) = (how_many.parse()?, checked(user_id)?);
    let mut db = app.db().read().await?;
    let Some(serving) = queries::find_serving(&mut db, &shop.id).await? else {
        let reply = RecommendationsReply {
            user_id,
            model_version: None,
            model: None,
            basis: "untrained",
            recommendations: Vec::new(),
        };
        return Ok(Json(reply));
    };
    let own = queries::find_list(&mut db, &shop.id, serving.number, &user_id).await?;
    let (basis, list) = match own {
        Some(list) => ("personal", list),
        None => {
            let cold = queries::find_list(&mut db, &shop.id, serving.number, "").await?;
            ("cold", cold.unwrap_or_default())
        }
    };
    let told = list.into_iter().take(limit).enumerate();
    Ok(Json(RecommendationsReply {
        user_id,
        model_version: Some(serving.number),
        model: Some(serving.report.model),
        basis,
        recommendations: told
            .map(|(at, one)| RecommendedProduct::of(at + 1, one))
            .collect(),
    }))
}

fn checked(user_id: String) -> Result<String, AppError> {
    match user_id.contains('\0') || user_id.is_empty() {
        true => Err(bad(
            "user_id",
            "must not be empty or contain a NUL character",
        )),
        false => Ok(user_id),
    }
}

/// Whom a user is like.
#[derive(Debug, Serialize, ToSchema)]
struct SimilarUsersReply {
    user_id: String,
    /// The version whose towers made the vectors.
    model_version: i64,
    /// The likest first.
    similar_users: Vec<SimilarUser>,
}

/// A user.
#[derive(Debug, Serialize, ToSchema)]
struct SimilarUser {
    user_id: String,
    /// The cosine of the vectors that the user tower makes of both, −1 to 1.
    similarity: f64,
}

/// Customers who buy alike, by the vectors of the two-tower model. Who has not bought anything is a 404.
#[utoipa::path(
    get, path = "/users/similar/{user_id}", tag = "funnel analytics",
    params(("user_id" = String, Path, description = "The shop's id of the customer, else the email"), HowMany),
    responses((status = 200, description = "Who is like them", body = SimilarUsersReply), AnalyticsRefusals),
    security((), ("bearer_key" = []), ("basic" = []), ("api_key" = []))
)]
async fn similar(
    State(app): State<App>,
    OpenShop(shop): OpenShop,
    Path(user_id): Path<String>,
    WireQuery(how_many): WireQuery<HowMany>,
) -> Result<Json<SimilarUsersReply>, AppError> {
    let (limit, user_id) = (how_many.parse()?, checked(user_id)?);
    let mut db = app.db().read().await?;
    let serving = queries::find_serving(&mut db, &shop.id).await?;
    let version = serving.ok_or(AppError::UserNotFound)?.number;
    let found = queries::find_similar(&mut db, &shop.id, version, &user_id).await?;
    let found = found.ok_or(AppError::UserNotFound)?;
    let told = found
        .into_iter()
        .take(limit)
        .map(|(user_id, similarity)| SimilarUser {
            user_id,
            similarity: super::report::rounded(f64::from(similarity)),
        });
    Ok(Json(SimilarUsersReply {
        similar_users: told.collect(),
        user_id,
        model_version: version,
    }))
}
