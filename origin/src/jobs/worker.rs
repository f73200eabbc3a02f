//! Claims what is due and runs it.

use std::future::Future;
use std::time::Duration;

use super::job::{Job, JobKind};
use super::queries;
use super::run::{JobFault, LEASE_MS, Run};
use crate::app::App;
use crate::db::StorageError;

/// How often a worker looks for what is due.
const LOOK_EVERY: Duration = Duration::from_millis(500);
/// Jobs that a node works on at once, of different shops or kinds.
const AT_ONCE: usize = 2;
/// Tries of a job that breaks off.
const ATTEMPTS_MAX: i64 = 5;
/// How long a job waits after it broke off, for each try that it had.
const PAUSE_MS: i64 = 5_000;

/// Works on what is due, until `stop` is done. What is under way then is taken up by whoever comes next.
pub async fn keep_working(app: App, stop: impl Future<Output = ()> + Send) {
    let workers = (0..AT_ONCE).map(|_| work(app.clone()));
    let mut workers: tokio::task::JoinSet<()> = workers.collect();
    tokio::select! {
        _ = workers.join_next() => {}
        () = stop => workers.shutdown().await,
    }
}

async fn work(app: App) {
    loop {
        match work_once(&app).await {
            Ok(true) => continue,
            Ok(false) => {}
            Err(error) => tracing::warn!(%error, "jobs cannot be worked on"),
        }
        tokio::time::sleep(LOOK_EVERY).await;
    }
}

/// Works until nothing is due; how many jobs that were.
pub async fn work_until_idle(app: &App) -> Result<usize, StorageError> {
    let mut worked = 0;
    while work_once(app).await? {
        worked += 1;
    }
    Ok(worked)
}

async fn work_once(app: &App) -> Result<bool, StorageError> {
    let now = app.now();
    // Nobody waits for the right to write while there is nothing to do.
    if !queries::is_any_due(&mut app.db().read().await?, now).await? {
        return Ok(false);
    }
    let claimed = {
        let mut tx = app.db().begin().await?;
        let claimed = queries::claim(&mut tx, now, now.plus(LEASE_MS)).await?;
        tx.commit().await?;
        claimed
    };
    let Some(job) = claimed else { return Ok(false) };
    tracing::info!(shop.id = %job.shop, job.id = %job.id, kind = job.what.kind.as_str(), attempt = job.attempt, "a job begins");
    let run = Run {
        app: app.clone(),
        job,
    };
    let ended = tokio::select! {
        ended = perform(&run) => ended,
        () = run.beat() => Err(JobFault::Lost),
    };
    let job = &run.job;
    match ended {
        Ok(()) => {
            tracing::info!(shop.id = %job.shop, job.id = %job.id, "a job is done");
        }
        Err(JobFault::Lost) => {
            tracing::info!(shop.id = %job.shop, job.id = %job.id, "a job is no longer this node's");
            settle_cancelled(app, job).await?;
        }
        Err(JobFault::Impossible(reason)) => {
            tracing::info!(shop.id = %job.shop, job.id = %job.id, "a job cannot be done");
            fail(app, job, &reason).await?;
        }
        Err(fault @ (JobFault::Storage(_) | JobFault::Broken(_))) => {
            tracing::warn!(shop.id = %job.shop, job.id = %job.id, %fault, "a job broke off");
            if job.attempt >= ATTEMPTS_MAX {
                fail(app, job, "it broke off several times").await?;
            } else {
                let mut tx = app.db().begin().await?;
                let due = app.now().plus(PAUSE_MS * job.attempt);
                queries::retry(&mut tx, job, due).await?;
                tx.commit().await?;
            }
        }
    }
    Ok(true)
}

async fn perform(run: &Run) -> Result<(), JobFault> {
    match run.job.what.kind {
        JobKind::Import => crate::uploads::import(run).await,
        JobKind::Segments => crate::behavior::segment(run).await,
        JobKind::Affinity => crate::behavior::relate(run).await,
        JobKind::Sentiment => crate::behavior::listen(run).await,
        JobKind::Recommendations => crate::behavior::recommend(run).await,
        JobKind::Analytics => crate::analytics::refresh(run).await,
        JobKind::UserSegments => crate::analytics::segment(run).await,
        JobKind::Retrain => crate::recommend::train(run).await,
        JobKind::SalesSuccess => crate::customers::fit(run).await,
        JobKind::Erasure => crate::privacy::sweep(run).await,
        JobKind::PrivacyExport => crate::privacy::export(run).await,
    }
}

async fn fail(app: &App, job: &Job, reason: &str) -> Result<(), StorageError> {
    let mut tx = app.db().begin().await?;
    let failed = queries::fail(&mut tx, job, reason, app.now()).await?;
    if failed && job.what.kind == JobKind::Import {
        crate::uploads::give_up(app, &mut tx, job, reason, app.now()).await?;
    }
    tx.commit().await
}

/// A job that somebody cancelled while it ran ends as cancelled; one that another node took over is that node's.
async fn settle_cancelled(app: &App, job: &Job) -> Result<(), StorageError> {
    let mut tx = app.db().begin().await?;
    let cancelled = queries::settle_cancelled(&mut tx, job, app.now()).await?;
    if cancelled && job.what.kind == JobKind::Import {
        crate::uploads::give_up(app, &mut tx, job, "its import was cancelled", app.now()).await?;
    }
    tx.commit().await
}
