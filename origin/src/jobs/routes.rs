//! `GET /api/jobs/{id}` and `DELETE /api/jobs/{id}`.

use axum::Json;
use axum::extract::{Path, State};
use serde::Serialize;
use serde_json::Value;
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::job::{Job, JobKind, JobState};
use super::queries;
use crate::app::App;
use crate::auth::SecretOrAdminShop;
use crate::http::envelope::{AdminErrorReply, DataReply, Meta, Refusals};
use crate::http::error::AppError;

/// This feature's routes.
pub fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new().routes(routes!(read, cancel))
}

/// A job.
#[derive(Debug, Serialize, ToSchema)]
struct JobReply {
    /// Its id.
    #[schema(example = "job_01KB000000000000000000000A")]
    job_id: String,
    /// What is done.
    kind: JobKind,
    /// The upload that it is about; null for all of the shop's data.
    upload_id: Option<String>,
    /// Where it stands.
    status: JobState,
    /// How much is done, 0 to 1; null while that cannot be said.
    progress: Option<f64>,
    /// How long it will still take at the rate so far, in seconds; null while that cannot be said.
    seconds_left: Option<f64>,
    /// How often it was begun.
    attempts: i64,
    /// When it was asked for, RFC 3339.
    created_at: String,
    /// When the last try began.
    started_at: Option<String>,
    /// When it ended.
    finished_at: Option<String>,
    /// Why it failed.
    error: Option<String>,
    /// What came of it.
    result: Option<Value>,
}

impl JobReply {
    fn of(job: Job, now: footfall_shared::time::UtcMillis) -> Self {
        let share = job
            .total
            .filter(|total| *total > 0)
            .map(|total| (job.done as f64 / total as f64).min(1.0));
        let progress = match job.state {
            JobState::Done => Some(1.0),
            _ => share,
        };
        let running = job.started_at.filter(|_| job.state == JobState::Running);
        let seconds_left = running.zip(share).and_then(|(since, share)| {
            let spent = now.since(since) as f64 / 1000.0;
            (share > 0.0).then(|| spent * (1.0 - share) / share)
        });
        let text = |at: Option<footfall_shared::time::UtcMillis>| at.map(|at| at.to_rfc3339());
        Self {
            job_id: job.id.as_str().to_owned(),
            kind: job.what.kind,
            upload_id: Some(job.what.subject).filter(|subject| !subject.is_empty()),
            status: job.state,
            progress,
            seconds_left,
            attempts: job.attempt,
            created_at: job.created_at.to_rfc3339(),
            started_at: text(job.started_at),
            finished_at: text(job.finished_at),
            error: job.fault,
            result: job.result,
        }
    }
}

/// Where a job stands.
#[utoipa::path(
    get, path = "/api/jobs/{id}", tag = "jobs",
    params(("id" = String, Path, description = "The job's id")),
    responses(
        (status = 200, description = "The job", body = DataReply<JobReply>),
        (status = 404, description = "The shop has no such job", body = AdminErrorReply),
        Refusals,
    ),
    security(("bearer_key" = []), ("basic" = []), ("api_key" = []))
)]
async fn read(
    State(app): State<App>,
    SecretOrAdminShop(shop): SecretOrAdminShop,
    meta: Meta,
    Path(id): Path<String>,
) -> Result<Json<DataReply<JobReply>>, AppError> {
    let mut db = app.db().read().await?;
    let job = queries::find(&mut db, &shop.id, &id).await?;
    let job = job.ok_or(AppError::NotFound)?;
    Ok(meta.with(JobReply::of(job, app.now())))
}

/// Ends a job that has not ended: at once where it waits, within seconds where it runs.
#[utoipa::path(
    delete, path = "/api/jobs/{id}", tag = "jobs",
    params(("id" = String, Path, description = "The job's id")),
    responses(
        (status = 200, description = "The job as it stands now", body = DataReply<JobReply>),
        (status = 404, description = "The shop has no such job", body = AdminErrorReply),
        (status = 409, description = "It has ended already", body = AdminErrorReply),
        Refusals,
    ),
    security(("bearer_key" = []), ("basic" = []), ("api_key" = []))
)]
async fn cancel(
    State(app): State<App>,
    SecretOrAdminShop(shop): SecretOrAdminShop,
    meta: Meta,
    Path(id): Path<String>,
) -> Result<Json<DataReply<JobReply>>, AppError> {
    let now = app.now();
    let mut tx = app.db().begin().await?;
    let cancelled = queries::cancel(&mut tx, &shop.id, &id, now).await?;
    let job = queries::find(&mut tx, &shop.id, &id).await?;
    let job = job.ok_or(AppError::NotFound)?;
    if !cancelled {
        return Err(AppError::Conflict {
            reason: "The job has ended already".into(),
        });
    }
    if job.what.kind == JobKind::Import && job.state == JobState::Cancelled {
        crate::uploads::give_up(&app, &mut tx, &job, "its import was cancelled", now).await?;
    }
    tx.commit().await?;
    Ok(meta.with(JobReply::of(job, now)))
}
