//! `/api/behavior/recommendations`.

use axum::Json;
use axum::extract::{Path, State};
use footfall_shared::behavior::advice::{Advice, Category, Priority};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::job::find_advised;
use super::queries::{self, Mark};
use crate::app::App;
use crate::auth::CountedShop;
use crate::behavior::limit;
use crate::behavior::routes::{ReadRefusals, WriteRefusals, bad, why_missing};
use crate::behavior::scope::{Need, Scope};
use crate::http::envelope::{DataReply, Meta};
use crate::http::error::AppError;
use crate::http::extract::{Wire, WireQuery};
use crate::jobs::JobKind;

pub(in crate::behavior) fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new()
        .routes(routes!(list))
        .routes(routes!(mark))
}

/// Which recommendations.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
struct Asked {
    /// One upload; without it all of the shop's data count.
    upload_id: Option<String>,
    /// `Merchandising`, `Marketing` or `Product`.
    category: Option<String>,
    /// `High`, `Medium` or `Low`.
    priority: Option<String>,
}

/// A recommendation.
#[derive(Debug, Serialize, ToSchema)]
struct RecommendationReply {
    /// The same for the same finding in every run.
    #[schema(example = "MERCH-001")]
    id: String,
    category: Category,
    title: String,
    description: String,
    /// An interval from the data, for a stated case.
    expected_impact: String,
    priority: Priority,
    timeline: String,
    implementation_steps: Vec<String>,
    /// The measured facts.
    #[schema(value_type = Object)]
    data_support: Map<String, Value>,
}

impl RecommendationReply {
    fn of(id: String, advice: Advice) -> Self {
        Self {
            id,
            category: advice.category,
            title: advice.title,
            description: advice.description,
            expected_impact: advice.expected_impact,
            priority: advice.priority,
            timeline: advice.timeline,
            implementation_steps: advice.steps,
            data_support: advice.support,
        }
    }
}

/// How many there are.
#[derive(Debug, Serialize, ToSchema)]
struct SummaryReply {
    total: usize,
    high_priority: usize,
    medium_priority: usize,
    low_priority: usize,
}

/// Recommendations.
#[derive(Debug, Serialize, ToSchema)]
struct AdviceReply {
    /// The greatest effect first; what was done or dismissed is left out.
    recommendations: Vec<RecommendationReply>,
    summary: SummaryReply,
}

/// What the shop may do next.
#[utoipa::path(
    get, path = "/api/behavior/recommendations", tag = "behavior",
    params(Asked),
    responses(
        (status = 200, description = "The recommendations", body = DataReply<AdviceReply>),
        ReadRefusals,
    ),
    security(("bearer_key" = []), ("basic" = []), ("api_key" = []))
)]
async fn list(
    State(app): State<App>,
    caller: CountedShop,
    meta: Meta,
    WireQuery(asked): WireQuery<Asked>,
) -> Result<Json<DataReply<AdviceReply>>, AppError> {
    limit::read(&app, &caller, app.now()).await?;
    let category = asked.category.as_deref().map(|text| {
        let known = Category::ALL
            .into_iter()
            .find(|one| one.as_str().eq_ignore_ascii_case(text));
        known.ok_or_else(|| bad("category", "must be Merchandising, Marketing or Product"))
    });
    let priority = asked.priority.as_deref().map(|text| {
        let known = Priority::ALL
            .into_iter()
            .find(|one| one.as_str().eq_ignore_ascii_case(text));
        known.ok_or_else(|| bad("priority", "must be High, Medium or Low"))
    });
    let (category, priority) = (category.transpose()?, priority.transpose()?);
    let scope = Scope::of(asked.upload_id);
    let (found, settled) = {
        let mut db = app.db().read().await?;
        let found = find_advised(&mut db, &caller.shop.id, &scope).await?;
        (
            found,
            queries::list_settled(&mut db, &caller.shop.id).await?,
        )
    };
    let Some(found) = found else {
        let kind = JobKind::Recommendations;
        match why_missing(&app, &caller.shop.id, &scope, Need::Any, kind).await? {}
    };
    let wanted = |(id, advice): &(String, Advice)| {
        !settled.contains(id)
            && category.is_none_or(|category| advice.category == category)
            && priority.is_none_or(|priority| advice.priority == priority)
    };
    let told = found
        .body
        .all
        .into_iter()
        .filter(wanted)
        .map(|(id, advice)| RecommendationReply::of(id, advice));
    let recommendations: Vec<RecommendationReply> = told.collect();
    let count = |priority: Priority| {
        recommendations
            .iter()
            .filter(|one| one.priority == priority)
            .count()
    };
    Ok(meta.with(AdviceReply {
        summary: SummaryReply {
            total: recommendations.len(),
            high_priority: count(Priority::High),
            medium_priority: count(Priority::Medium),
            low_priority: count(Priority::Low),
        },
        recommendations,
    }))
}

/// What somebody made of a recommendation.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
struct MarkRequest {
    /// `done` and `dismissed` keep it away; `open` brings it back.
    status: Mark,
}

/// What is noted now.
#[derive(Debug, Serialize, ToSchema)]
struct MarkReply {
    #[schema(example = "MERCH-001")]
    id: String,
    status: Mark,
}

/// Notes what was made of a recommendation.
#[utoipa::path(
    put, path = "/api/behavior/recommendations/{id}", tag = "behavior",
    params(("id" = String, Path, description = "The recommendation's id")),
    request_body = MarkRequest,
    responses(
        (status = 200, description = "It is noted", body = DataReply<MarkReply>),
        WriteRefusals,
    ),
    security(("bearer_key" = []), ("basic" = []), ("api_key" = []))
)]
async fn mark(
    State(app): State<App>,
    caller: CountedShop,
    meta: Meta,
    Path(id): Path<String>,
    Wire(asked): Wire<MarkRequest>,
) -> Result<Json<DataReply<MarkReply>>, AppError> {
    limit::read(&app, &caller, app.now()).await?;
    let mut tx = app.db().begin().await?;
    if !queries::mark(&mut tx, &caller.shop.id, &id, asked.status, app.now()).await? {
        return Err(AppError::NotFound);
    }
    tx.commit().await?;
    Ok(meta.with(MarkReply {
        id,
        status: asked.status,
    }))
}
