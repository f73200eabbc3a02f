//! Statements about jobs.

use footfall_shared::id::{JobId, ShopId};
use footfall_shared::time::UtcMillis;
use serde_json::Value;

use super::job::{Job, JobKind, JobState, NewJob};
use crate::app::App;
use crate::db::{During, Handle, Link, StorageError, Tx};
use crate::on_db;

const COLUMNS: &str = "shop_id, id, kind, subject, options, state, attempt, done, total, created_at, \
    started_at, finished_at, fault, result";

#[derive(sqlx::FromRow)]
struct Row {
    shop_id: String,
    id: String,
    kind: String,
    subject: String,
    options: String,
    state: String,
    attempt: i64,
    done: i64,
    total: Option<i64>,
    created_at: i64,
    started_at: Option<i64>,
    finished_at: Option<i64>,
    fault: Option<String>,
    result: Option<String>,
}

impl Row {
    fn read(self) -> Result<Job, StorageError> {
        const STEP: &str = "read a job";
        let unknown =
            |what: &str| StorageError::corrupt(STEP, std::io::Error::other(what.to_owned()));
        let json = |text: &str| {
            serde_json::from_str(text).map_err(|cause| StorageError::corrupt(STEP, cause))
        };
        Ok(Job {
            shop: ShopId::parse(&self.shop_id)
                .map_err(|cause| StorageError::corrupt(STEP, cause))?,
            id: JobId::parse(&self.id).map_err(|cause| StorageError::corrupt(STEP, cause))?,
            what: NewJob {
                kind: JobKind::parse(&self.kind).ok_or_else(|| unknown("no kind of jobs"))?,
                subject: self.subject,
                options: json(&self.options)?,
            },
            state: JobState::parse(&self.state).ok_or_else(|| unknown("no state of a job"))?,
            attempt: self.attempt,
            done: self.done,
            total: self.total,
            created_at: UtcMillis::new(self.created_at),
            started_at: self.started_at.map(UtcMillis::new),
            finished_at: self.finished_at.map(UtcMillis::new),
            fault: self.fault,
            result: self.result.as_deref().map(json).transpose()?,
        })
    }
}

/// Asks for a job. One that waits for the same already is that job, with the newer options.
pub async fn enqueue(
    app: &App,
    tx: &mut Tx,
    shop: &ShopId,
    what: &NewJob,
    total: Option<i64>,
) -> Result<JobId, StorageError> {
    const STEP: &str = "ask for a job";
    const SQL: &str = "INSERT INTO jobs (shop_id, id, kind, subject, options, state, attempt, due_at, done, \
        total, cancelling, created_at) VALUES ($1, $2, $3, $4, $5, 'queued', 0, $6, 0, $7, FALSE, $6) \
        ON CONFLICT (shop_id, kind, subject) WHERE state = 'queued' \
        DO UPDATE SET options = excluded.options, total = excluded.total RETURNING id";
    let now = app.now();
    let id = JobId::generate(now, app.entropy());
    let kept: String = on_db!(tx, |connection| {
        sqlx::query_scalar(SQL)
            .bind(shop.as_str())
            .bind(id.as_str())
            .bind(what.kind.as_str())
            .bind(what.subject.as_str())
            .bind(what.options.to_string())
            .bind(now.get())
            .bind(total)
            .fetch_one(connection)
            .await
    })
    .during(STEP)?;
    JobId::parse(&kept).map_err(|cause| StorageError::corrupt(STEP, cause))
}

/// A job of the shop.
pub async fn find(
    db: &mut impl Handle,
    shop: &ShopId,
    id: &str,
) -> Result<Option<Job>, StorageError> {
    let sql = format!("SELECT {COLUMNS} FROM jobs WHERE shop_id = $1 AND id = $2");
    let row: Option<Row> = on_db!(db, |connection| {
        sqlx::query_as(sqlx::AssertSqlSafe(sql.as_str()))
            .bind(shop.as_str())
            .bind(id)
            .fetch_optional(connection)
            .await
    })
    .during("find a job")?;
    row.map(Row::read).transpose()
}

/// Whether one of the kind is under way or waits for the subject.
pub async fn find_running_or_queued(
    db: &mut impl Handle,
    shop: &ShopId,
    kind: JobKind,
    subject: &str,
) -> Result<bool, StorageError> {
    const SQL: &str = "SELECT COUNT(*) FROM jobs WHERE shop_id = $1 AND kind = $2 AND subject = $3 \
        AND state IN ('queued', 'running')";
    let found: i64 = on_db!(db, |connection| {
        sqlx::query_scalar(SQL)
            .bind(shop.as_str())
            .bind(kind.as_str())
            .bind(subject)
            .fetch_one(connection)
            .await
    })
    .during("look for a job that is under way")?;
    Ok(found > 0)
}

/// Whether there may be something to claim.
pub(super) async fn is_any_due(db: &mut impl Handle, now: UtcMillis) -> Result<bool, StorageError> {
    const SQL: &str =
        "SELECT id FROM jobs WHERE state IN ('queued', 'running') AND due_at <= $1 LIMIT 1";
    let due: Option<String> = on_db!(db, |connection| {
        sqlx::query_scalar(SQL)
            .bind(now.get())
            .fetch_optional(connection)
            .await
    })
    .during("look for jobs that are due")?;
    Ok(due.is_some())
}

/// Takes the job that waits longest, of those whose shop and kind have none under way, or that a node left behind.
pub(super) async fn claim(
    tx: &mut Tx,
    now: UtcMillis,
    until: UtcMillis,
) -> Result<Option<Job>, StorageError> {
    // Nodes that look at once each take another one; SQLite has one writer, and no such words.
    let skip = match tx.link() {
        Link::Lite(_) => "",
        Link::Pg(_) => "FOR UPDATE SKIP LOCKED",
    };
    let sql = format!(
        "UPDATE jobs SET state = 'running', attempt = attempt + 1, due_at = $2, started_at = $1 \
         WHERE (shop_id, id) = (SELECT j.shop_id, j.id FROM jobs j \
            WHERE j.state IN ('queued', 'running') AND j.due_at <= $1 AND NOT EXISTS ( \
                SELECT 1 FROM jobs o WHERE o.shop_id = j.shop_id AND o.kind = j.kind \
                AND o.state = 'running' AND o.id <> j.id) \
            ORDER BY j.due_at, j.id LIMIT 1 {skip}) RETURNING {COLUMNS}"
    );
    let row: Option<Row> = on_db!(tx, |connection| {
        sqlx::query_as(sqlx::AssertSqlSafe(sql.as_str()))
            .bind(now.get())
            .bind(until.get())
            .fetch_optional(connection)
            .await
    })
    .during("claim a job")?;
    row.map(Row::read).transpose()
}

/// Keeps a job for longer, and notes how far it is; whether it is still this try's and still wanted.
pub(super) async fn hold(
    tx: &mut Tx,
    job: &Job,
    until: UtcMillis,
    progress: Option<(i64, Option<i64>)>,
) -> Result<bool, StorageError> {
    const SQL: &str = "UPDATE jobs SET due_at = $4, done = COALESCE($5, done), total = COALESCE($6, total) \
        WHERE shop_id = $1 AND id = $2 AND attempt = $3 AND state = 'running' AND NOT cancelling RETURNING id";
    let held: Option<String> = on_db!(tx, |connection| {
        sqlx::query_scalar(SQL)
            .bind(job.shop.as_str())
            .bind(job.id.as_str())
            .bind(job.attempt)
            .bind(until.get())
            .bind(progress.map(|(done, _)| done))
            .bind(progress.and_then(|(_, total)| total))
            .fetch_optional(connection)
            .await
    })
    .during("hold a job")?;
    Ok(held.is_some())
}

/// Ends a job as done; whether it was still this try's.
pub(super) async fn finish(
    tx: &mut Tx,
    job: &Job,
    units: i64,
    result: &Value,
    now: UtcMillis,
) -> Result<bool, StorageError> {
    const SQL: &str = "UPDATE jobs SET state = 'done', done = $4, total = $4, result = $5, finished_at = $6 \
        WHERE shop_id = $1 AND id = $2 AND attempt = $3 AND state = 'running' AND NOT cancelling RETURNING id";
    let ended: Option<String> = on_db!(tx, |connection| {
        sqlx::query_scalar(SQL)
            .bind(job.shop.as_str())
            .bind(job.id.as_str())
            .bind(job.attempt)
            .bind(units)
            .bind(result.to_string())
            .bind(now.get())
            .fetch_optional(connection)
            .await
    })
    .during("end a job")?;
    Ok(ended.is_some())
}

/// Ends a job as failed; whether it was still this try's.
pub(super) async fn fail(
    tx: &mut Tx,
    job: &Job,
    fault: &str,
    now: UtcMillis,
) -> Result<bool, StorageError> {
    const SQL: &str = "UPDATE jobs SET state = 'failed', fault = $4, finished_at = $5 \
        WHERE shop_id = $1 AND id = $2 AND attempt = $3 AND state = 'running' RETURNING id";
    let ended: Option<String> = on_db!(tx, |connection| {
        sqlx::query_scalar(SQL)
            .bind(job.shop.as_str())
            .bind(job.id.as_str())
            .bind(job.attempt)
            .bind(fault)
            .bind(now.get())
            .fetch_optional(connection)
            .await
    })
    .during("fail a job")?;
    Ok(ended.is_some())
}

/// Leaves a job for a later try: it stays this shop's and kind's one under way, so that nothing overtakes it.
pub(super) async fn retry(tx: &mut Tx, job: &Job, due: UtcMillis) -> Result<(), StorageError> {
    const SQL: &str = "UPDATE jobs SET due_at = $4 \
        WHERE shop_id = $1 AND id = $2 AND attempt = $3 AND state = 'running'";
    on_db!(tx, |connection| {
        sqlx::query(SQL)
            .bind(job.shop.as_str())
            .bind(job.id.as_str())
            .bind(job.attempt)
            .bind(due.get())
            .execute(connection)
            .await
            .map(|_| ())
    })
    .during("leave a job for later")
}

/// Asks that a job be ended: one that waits is at once, one that runs when it next tells of itself. Whether it had not
/// ended before.
pub async fn cancel(
    tx: &mut Tx,
    shop: &ShopId,
    id: &str,
    now: UtcMillis,
) -> Result<bool, StorageError> {
    const SQL: &str = "UPDATE jobs SET cancelling = TRUE, \
        finished_at = CASE WHEN state = 'queued' THEN $3 ELSE finished_at END, \
        state = CASE WHEN state = 'queued' THEN 'cancelled' ELSE state END \
        WHERE shop_id = $1 AND id = $2 AND state IN ('queued', 'running') RETURNING id";
    let found: Option<String> = on_db!(tx, |connection| {
        sqlx::query_scalar(SQL)
            .bind(shop.as_str())
            .bind(id)
            .bind(now.get())
            .fetch_optional(connection)
            .await
    })
    .during("cancel a job")?;
    Ok(found.is_some())
}

/// Ends the jobs that compute something from everybody's data, and asks for them anew: what one has read already may be
/// somebody's who is there no longer. Imports go on.
pub async fn begin_again(app: &App, tx: &mut Tx, shop: &ShopId) -> Result<(), StorageError> {
    const SQL: &str = "UPDATE jobs SET cancelling = TRUE WHERE shop_id = $1 AND state = 'running' \
        AND NOT cancelling AND kind NOT IN ('import', 'privacy_export') RETURNING kind, subject, options";
    let ended: Vec<(String, String, String)> = on_db!(tx, |connection| {
        sqlx::query_as(SQL)
            .bind(shop.as_str())
            .fetch_all(connection)
            .await
    })
    .during("end jobs to begin them again")?;
    for (kind, subject, options) in ended {
        const STEP: &str = "begin a job again";
        let kind = JobKind::parse(&kind);
        let kind = kind.ok_or_else(|| StorageError::corrupt(STEP, "no kind of jobs"))?;
        let options =
            serde_json::from_str(&options).map_err(|cause| StorageError::corrupt(STEP, cause))?;
        let what = NewJob {
            kind,
            subject,
            options,
        };
        enqueue(app, tx, shop, &what, None).await?;
    }
    Ok(())
}

/// Ends a job that was cancelled while this try worked on it; whether that is what happened.
pub(super) async fn settle_cancelled(
    tx: &mut Tx,
    job: &Job,
    now: UtcMillis,
) -> Result<bool, StorageError> {
    const SQL: &str = "UPDATE jobs SET state = 'cancelled', finished_at = $4 \
        WHERE shop_id = $1 AND id = $2 AND attempt = $3 AND state = 'running' AND cancelling RETURNING id";
    let ended: Option<String> = on_db!(tx, |connection| {
        sqlx::query_scalar(SQL)
            .bind(job.shop.as_str())
            .bind(job.id.as_str())
            .bind(job.attempt)
            .bind(now.get())
            .fetch_optional(connection)
            .await
    })
    .during("end a cancelled job")?;
    Ok(ended.is_some())
}

/// Units and milliseconds of the latest jobs that were done.
pub(super) async fn list_done(
    db: &mut impl Handle,
    shop: &ShopId,
    kind: JobKind,
    limit: i64,
) -> Result<Vec<(i64, i64)>, StorageError> {
    const SQL: &str = "SELECT done, finished_at - started_at FROM jobs \
        WHERE shop_id = $1 AND kind = $2 AND state = 'done' ORDER BY finished_at DESC LIMIT $3";
    on_db!(db, |connection| {
        sqlx::query_as(SQL)
            .bind(shop.as_str())
            .bind(kind.as_str())
            .bind(limit)
            .fetch_all(connection)
            .await
    })
    .during("list jobs that are done")
}
