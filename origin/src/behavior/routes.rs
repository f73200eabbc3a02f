//! The contract's routes, and what they share.

use axum::Json;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use footfall_shared::id::ShopId;
use footfall_shared::money::{Currency, MinorUnits};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use utoipa::{IntoParams, IntoResponses, ToSchema};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::scope::{Need, Scope, find_sources};
use super::{affinity, limit, recommendations, segments, sentiment};
use crate::app::App;
use crate::auth::CountedShop;
use crate::http::envelope::{AdminErrorReply, DataReply, Meta};
use crate::http::error::AppError;
use crate::http::extract::Wire;
use crate::jobs::{self, JobKind, NewJob};

/// This feature's routes.
pub fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new()
        .routes(routes!(compute))
        .routes(routes!(recompute))
        .merge(segments::routes())
        .merge(affinity::routes())
        .merge(sentiment::routes())
        .merge(recommendations::routes())
}

/// Which data count.
#[derive(Debug, Default, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(super) struct OfUpload {
    /// One upload; without it all of the shop's data count.
    pub(super) upload_id: Option<String>,
}

/// Why a read is not answered.
#[derive(IntoResponses)]
#[expect(dead_code, reason = "only the document reads it")]
pub(super) enum ReadRefusals {
    /// `NO_DATA`, `PROCESSING`, `INVALID_UPLOAD`, or `INVALID_REQUEST` with the parameter
    #[response(status = 400)]
    Bad(AdminErrorReply),
    /// No live credential
    #[response(status = 401)]
    Unauthorized(AdminErrorReply),
    /// The permission `behavior:read` is missing
    #[response(status = 403)]
    Forbidden(AdminErrorReply),
    /// There is no such segment or persona
    #[response(status = 404)]
    NotFound(AdminErrorReply),
    /// `RATE_LIMITED`: 100 a minute and caller
    #[response(status = 429)]
    RateLimited(AdminErrorReply),
    /// A bug of ours
    #[response(status = 500)]
    Bug(AdminErrorReply),
    /// Temporarily unavailable
    #[response(status = 503)]
    Unavailable(AdminErrorReply),
}

/// Why a computation or a mark is not taken.
#[derive(IntoResponses)]
#[expect(dead_code, reason = "only the document reads it")]
pub(super) enum WriteRefusals {
    /// `NO_DATA`, `PROCESSING`, `INVALID_UPLOAD`, or `INVALID_REQUEST` with the field
    #[response(status = 400)]
    Bad(AdminErrorReply),
    /// No live credential
    #[response(status = 401)]
    Unauthorized(AdminErrorReply),
    /// The permission `behavior:write` is missing
    #[response(status = 403)]
    Forbidden(AdminErrorReply),
    /// There is no such analysis or recommendation
    #[response(status = 404)]
    NotFound(AdminErrorReply),
    /// The body is too long
    #[response(status = 413)]
    TooLong(AdminErrorReply),
    /// The body is not JSON
    #[response(status = 415)]
    NotJson(AdminErrorReply),
    /// `RATE_LIMITED`: 10 computations or 100 marks a minute and caller
    #[response(status = 429)]
    RateLimited(AdminErrorReply),
    /// A bug of ours
    #[response(status = 500)]
    Bug(AdminErrorReply),
    /// Temporarily unavailable
    #[response(status = 503)]
    Unavailable(AdminErrorReply),
}

/// What is to be computed.
#[derive(Debug, Default, Deserialize, ToSchema)]
struct ComputeRequest {
    /// One upload; without it all of the shop's data count.
    #[schema(example = "upload_abc123")]
    upload_id: Option<String>,
}

/// A bad parameter or field.
pub(super) fn bad(field: &str, reason: &str) -> AppError {
    AppError::BadRequest {
        field: Some(field.to_owned()),
        reason: reason.to_owned(),
    }
}

/// How many of a list are wanted.
pub(super) fn top(asked: Option<usize>, usual: usize, most: usize) -> Result<usize, AppError> {
    let top = asked.unwrap_or(usual);
    if (1..=most).contains(&top) {
        Ok(top)
    } else {
        Err(bad("top_n", &format!("must be 1 to {most}")))
    }
}

/// A job that was asked for.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct AskedReply {
    /// What `GET /api/jobs/{id}` takes.
    #[schema(example = "job_01KB000000000000000000000A")]
    job_id: String,
    /// `processing`.
    #[schema(example = "processing")]
    status: &'static str,
    /// Seconds that it is thought to take.
    #[schema(example = 30)]
    estimated_time: i64,
    /// `measured` where the estimate follows from jobs before it, else `prior`.
    estimate_basis: &'static str,
}

/// Has an analysis computed: what is bought together, or what reviews say.
#[utoipa::path(
    post, path = "/api/behavior/{analysis}/compute", tag = "behavior",
    params(("analysis" = String, Path, description = "`affinity` or `sentiment`")),
    request_body = ComputeRequest,
    responses((status = 202, description = "The job", body = DataReply<AskedReply>), WriteRefusals),
    security(("bearer_key" = []), ("basic" = []), ("api_key" = []))
)]
async fn compute(
    State(app): State<App>,
    caller: CountedShop,
    meta: Meta,
    Path(analysis): Path<String>,
    Wire(asked): Wire<ComputeRequest>,
) -> Result<(StatusCode, Json<DataReply<AskedReply>>), AppError> {
    let (kind, need) = match analysis.as_str() {
        "affinity" => (JobKind::Affinity, Need::Lines),
        "sentiment" => (JobKind::Sentiment, Need::Reviews),
        _ => return Err(AppError::NotFound),
    };
    limit::compute(&app, &caller, app.now()).await?;
    let scope = Scope::of(asked.upload_id);
    let (status, reply) = ask(&app, &caller, &scope, need, kind, json!({})).await?;
    Ok((status, meta.with(reply)))
}

/// Has recommendations computed from what the other analyses found.
#[utoipa::path(
    post, path = "/api/behavior/recommendations/compute", tag = "behavior",
    request_body = ComputeRequest,
    responses((status = 202, description = "The job", body = DataReply<AskedReply>), WriteRefusals),
    security(("bearer_key" = []), ("basic" = []), ("api_key" = []))
)]
async fn recompute(
    State(app): State<App>,
    caller: CountedShop,
    meta: Meta,
    Wire(asked): Wire<ComputeRequest>,
) -> Result<(StatusCode, Json<DataReply<AskedReply>>), AppError> {
    limit::compute(&app, &caller, app.now()).await?;
    let (kind, scope) = (JobKind::Recommendations, Scope::of(asked.upload_id));
    let (status, reply) = ask(&app, &caller, &scope, Need::Any, kind, json!({})).await?;
    Ok((status, meta.with(reply)))
}

/// Asks for a job over the data of a scope.
///
/// # Errors
/// `NO_DATA`, `PROCESSING` and `INVALID_UPLOAD`, as the contract has them.
pub(super) async fn ask(
    app: &App,
    caller: &CountedShop,
    scope: &Scope,
    need: Need,
    kind: JobKind,
    options: Value,
) -> Result<(StatusCode, AskedReply), AppError> {
    let shop = &caller.shop.id;
    let (rows, estimate) = {
        let mut db = app.db().read().await?;
        let sources = find_sources(&mut db, shop, scope, need).await?;
        if sources.is_empty() {
            return Err(nothing(scope, sources.more));
        }
        let rows = sources.rows();
        (rows, jobs::estimate(&mut db, shop, kind, rows).await?)
    };
    let what = NewJob {
        kind,
        subject: scope.as_str().to_owned(),
        options,
    };
    let mut tx = app.db().begin().await?;
    let job = jobs::enqueue(app, &mut tx, shop, &what, Some(rows)).await?;
    tx.commit().await?;
    let reply = AskedReply {
        job_id: job.as_str().to_owned(),
        status: "processing",
        estimated_time: estimate.seconds,
        estimate_basis: estimate.basis,
    };
    Ok((StatusCode::ACCEPTED, reply))
}

/// Why there is nothing to read: no data, or nobody computed anything of them yet. What is missing is asked for.
///
/// # Errors
/// Always.
pub(super) async fn why_missing(
    app: &App,
    shop: &ShopId,
    scope: &Scope,
    need: Need,
    kind: JobKind,
) -> Result<std::convert::Infallible, AppError> {
    let (sources, under_way) = {
        let mut db = app.db().read().await?;
        let sources = find_sources(&mut db, shop, scope, need).await?;
        let under_way = jobs::find_running_or_queued(&mut db, shop, kind, scope.as_str()).await?;
        (sources, under_way)
    };
    if sources.is_empty() {
        return Err(nothing(scope, sources.more));
    }
    if !under_way {
        let what = NewJob {
            kind,
            subject: scope.as_str().to_owned(),
            options: json!({}),
        };
        let mut tx = app.db().begin().await?;
        jobs::enqueue(app, &mut tx, shop, &what, Some(sources.rows())).await?;
        tx.commit().await?;
    }
    Err(processing(scope))
}

fn nothing(scope: &Scope, more: bool) -> AppError {
    match more {
        true => processing(scope),
        false => no_data(scope),
    }
}

/// The contract's `NO_DATA`.
pub(super) fn no_data(scope: &Scope) -> AppError {
    AppError::NoData {
        of_upload: scope.upload().is_some(),
    }
}

fn processing(scope: &Scope) -> AppError {
    AppError::Processing {
        of_upload: scope.upload().is_some(),
    }
}

/// An amount for people who read JSON: in the currency's main unit.
pub(super) fn major(minor: f64, currency: Currency) -> f64 {
    let whole = MinorUnits::new(minor.round() as i64);
    whole.to_major(currency)
}

/// Rounded to so many places, for figures that nobody reads further.
pub(super) fn rounded(value: f64, places: i32) -> f64 {
    let scale = 10f64.powi(places);
    (value * scale).round() / scale
}

/// An email, if the caller may see whose it is; else what shows that there is one.
pub(super) fn shown_email(email: Option<String>, caller: &CountedShop) -> Option<String> {
    email.map(|email| match caller.sees_people {
        true => email,
        false => mask(&email),
    })
}

fn mask(email: &str) -> String {
    let (name, domain) = email.split_once('@').unwrap_or((email, ""));
    let first = |text: &str| text.chars().next().map_or(String::new(), |c| c.to_string());
    let end = domain.rsplit_once('.').map_or("", |(_, end)| end);
    format!("{}***@{}***.{end}", first(name), first(domain))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_masked_email_tells_nobody() {
        assert_eq!(mask("ann.example@shop.example"), "a***@s***.example");
        assert_eq!(mask("broken"), "b***@***.");
    }
}
