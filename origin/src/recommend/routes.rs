//! `/models/*`, `/recommendations/{user_id}` and `/users/similar/{user_id}`.

use axum::Json;
use axum::extract::{Path, State};
use axum::response::{IntoResponse, Response};
use axum::routing::post;
use footfall_shared::id::CustomerId;
use footfall_shared::identity::{Email, EmailHash};
use footfall_shared::order::Order;
use footfall_shared::privacy::consent::Purpose;
use footfall_shared::time::DAY_MS;
use footfall_shared::wire::internal::path;
use http::StatusCode;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::edges::{answer_edge, put_in_service};
use super::queries::{self, COLD, Version, cold_of};
use super::report::Report;
use super::told::{RecommendedProduct, without_newly_bought};
use super::train;
use crate::app::App;
use crate::auth::OpenShop;
use crate::behavior;
use crate::http::envelope::AnalyticsRefusals;
use crate::http::error::AppError;
use crate::http::extract::WireQuery;
use crate::intelligence;
use crate::jobs::{self, JobKind};
use crate::orders::counted_orders;
use crate::privacy::consent;

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
        .route(path::RECOMMENDATIONS, post(answer_edge))
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
    let all = queries::list(&mut app.db().read().await?, &shop.id, VERSIONS).await?;
    let serving = all
        .iter()
        .find(|one| one.serves)
        .map_or(i64::MAX, |one| one.number);
    let wanted = |one: &&Version| match asked.version {
        Some(number) => one.number == number && one.kept,
        None => one.number < serving && one.kept,
    };
    let to = all.iter().find(wanted).ok_or(AppError::NotFound)?.number;
    put_in_service(&app, &shop, to).await?;
    let mut db = app.db().read().await?;
    let version = queries::find_serving(&mut db, &shop.id)
        .await?
        .ok_or(AppError::NotFound)?;
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

/// What is wanted, and of whom something is known who has not bought anything.
#[derive(Debug, Default, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
struct Wanted {
    /// 1 to 20; 10 without it.
    limit: Option<usize>,
    /// Where who has not bought anything lives, as the shop's files of orders write it: places whose customers buy
    /// otherwise have lists of their own.
    #[param(example = "France")]
    place: Option<String>,
}

fn checked_limit(limit: Option<usize>) -> Result<usize, AppError> {
    let limit = limit.unwrap_or(USUAL);
    match (1..=MOST).contains(&limit) {
        true => Ok(limit),
        false => Err(bad("limit", "must be from 1 to 20")),
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
    /// `personal`; `cold` for who has not bought anything yet, or refuses personalization; `untrained` before the first
    /// training.
    #[schema(example = "personal")]
    basis: &'static str,
    /// The best first. What the user has is among them only where customers buy it again and again.
    recommendations: Vec<RecommendedProduct>,
}

/// What a user may want next. Who has not bought anything, or refuses personalization, is recommended what others without a
/// history buy.
#[utoipa::path(
    get, path = "/recommendations/{user_id}", tag = "funnel analytics",
    params(("user_id" = String, Path, description = "The shop's id of the customer, else the email"), Wanted),
    responses((status = 200, description = "The recommendations", body = RecommendationsReply), AnalyticsRefusals),
    security((), ("bearer_key" = []), ("basic" = []), ("api_key" = []))
)]
async fn recommendations(
    State(app): State<App>,
    OpenShop(shop): OpenShop,
    Path(user_id): Path<String>,
    WireQuery(wanted): WireQuery<Wanted>,
) -> Result<Json<RecommendationsReply>, AppError> {
    let limit = checked_limit(wanted.limit)?;
    let user_id = checked("user_id", user_id)?;
    let place = wanted.place.map(|place| checked("place", place));
    let place = place.transpose()?;
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
    let known = intelligence::find_by_names(&mut db, &shop, &[&user_id]).await?;
    let names: Vec<&str> = known
        .iter()
        .flat_map(|customer| [customer.id.as_str(), customer.email.as_str()])
        .chain([user_id.as_str()])
        .collect();
    let mut lists = queries::find_lists(&mut db, &shop.id, serving.number, &names).await?;
    // The id may itself be the email of somebody who is no customer here.
    let email = Email::parse("user_id", &user_id).ok();
    let typed = email.map(|email| EmailHash::of(&email, &shop.salt));
    let hashes = known.iter().map(|customer| customer.email_hash.clone());
    let hashes: Vec<EmailHash> = hashes.chain(typed).collect();
    let refused = consent::refused(&mut db, &shop.id, Purpose::Personalization, &hashes).await?;
    let own = names
        .iter()
        .rev()
        .find_map(|name| lists.remove(*name))
        .filter(|_| refused.is_empty());
    let (basis, list) = match own {
        Some(list) => {
            let ids: Vec<CustomerId> = known.iter().map(|customer| customer.id.clone()).collect();
            let orders = counted_orders(&mut db, &shop.id, &ids).await?;
            let orders: Vec<Order> = orders.into_values().flatten().collect();
            ("personal", without_newly_bought(list, &orders))
        }
        None => {
            let mut names = vec![COLD.to_owned()];
            names.extend(place.map(|place| cold_of(&format!("place={place}"))));
            let names: Vec<&str> = names.iter().map(String::as_str).collect();
            let mut cold = queries::find_lists(&mut db, &shop.id, serving.number, &names).await?;
            let of_place = names.into_iter().rev().find_map(|name| cold.remove(name));
            ("cold", of_place.unwrap_or_default())
        }
    };
    Ok(Json(RecommendationsReply {
        user_id,
        model_version: Some(serving.number),
        model: Some(serving.report.model),
        basis,
        recommendations: RecommendedProduct::list(list, limit),
    }))
}

fn checked(field: &str, text: String) -> Result<String, AppError> {
    match text.contains(['\0', '\u{1}']) || text.is_empty() {
        true => Err(bad(
            field,
            "must not be empty or contain control characters",
        )),
        false => Ok(text),
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
    let limit = checked_limit(how_many.limit)?;
    let user_id = checked("user_id", user_id)?;
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
