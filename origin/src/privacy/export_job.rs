//! Exports that are longer than a request: asked for, made by a job, kept in pieces, and over after a week.
//!
//! Neither the job nor the row that is kept has the email: the job finds the person by its keyed hash.
//!
//! **Invariant:** nobody gets an export of a person who was erased meanwhile: an erasure deletes the row, and without
//! it nothing is kept (`an_export_that_is_being_made_ends_with_the_erasure_of_its_person`).

use footfall_shared::id::{JobId, PrivacyExportId};
use footfall_shared::identity::EmailHash;
use footfall_shared::time::{DAY_MS, UtcMillis};
use serde_json::json;

use super::export::{self, Export};
use super::queries::export::{self as queries, Kept};
use crate::app::App;
use crate::db::StorageError;
use crate::jobs::{self, JobFault, JobKind, JobState, NewJob, Run};
use crate::shops::{self, Shop};

/// How long an export is kept, in milliseconds.
const KEPT_MS: i64 = 7 * DAY_MS;
/// Bytes of a piece.
const PIECE_BYTES: usize = 1024 * 1024;

/// An export that was asked for.
#[derive(Debug)]
pub(super) struct Asked {
    pub(super) id: String,
    pub(super) job: String,
    pub(super) expires_at: UtcMillis,
}

impl Asked {
    fn of(kept: Kept) -> Self {
        Self {
            id: kept.id,
            job: kept.job_id,
            expires_at: UtcMillis::new(kept.expires_at),
        }
    }
}

/// Asks for the export of whoever has an email with this hash; one that is under way already is that export.
pub(super) async fn ask(
    app: &App,
    shop: &Shop,
    hash: &EmailHash,
    now: UtcMillis,
) -> Result<Asked, StorageError> {
    let mut tx = app.db().begin().await?;
    tx.serialize("privacy_export", shop.id.as_str()).await?;
    for kept in queries::list_unmade(&mut tx, &shop.id, hash, now).await? {
        let job = jobs::find(&mut tx, &shop.id, &kept.job_id).await?;
        if job.is_some_and(|job| is_under_way(job.state)) {
            return Ok(Asked::of(kept));
        }
    }
    let id = PrivacyExportId::generate(now, app.entropy());
    let what = NewJob {
        kind: JobKind::PrivacyExport,
        subject: id.to_string(),
        options: json!({}),
    };
    let job: JobId = jobs::enqueue(app, &mut tx, &shop.id, &what, None).await?;
    let expires_at = now.plus(KEPT_MS);
    queries::insert(&mut tx, &shop.id, &id, (hash, &job), (now, expires_at)).await?;
    tx.commit().await?;
    Ok(Asked {
        id: id.to_string(),
        job: job.to_string(),
        expires_at,
    })
}

const fn is_under_way(state: JobState) -> bool {
    matches!(state, JobState::Queued | JobState::Running)
}

/// What became of an export.
#[derive(Debug)]
pub(super) enum Found {
    /// It is being made.
    UnderWay(Asked),
    /// Nobody makes it any more.
    NotMade,
    /// The ZIP, and when it was made.
    Made(Vec<u8>, UtcMillis),
}

/// What became of an export; `None` where there is none, or it is over.
pub(super) async fn find(
    app: &App,
    shop: &Shop,
    id: &str,
    now: UtcMillis,
) -> Result<Option<Found>, StorageError> {
    let mut db = app.db().read().await?;
    let Some(kept) = queries::find(&mut db, &shop.id, id, now).await? else {
        return Ok(None);
    };
    let (Some(bytes), Some(made_at)) = (kept.bytes, kept.made_at) else {
        let job = jobs::find(&mut db, &shop.id, &kept.job_id).await?;
        return Ok(Some(match job.is_some_and(|job| is_under_way(job.state)) {
            true => Found::UnderWay(Asked::of(kept)),
            false => Found::NotMade,
        }));
    };
    let bytes = usize::try_from(bytes).unwrap_or_default();
    let mut zip = Vec::with_capacity(bytes);
    for number in (0..).take(bytes.div_ceil(PIECE_BYTES)) {
        // An erasure may have come in between.
        let Some(piece) = queries::find_piece(&mut db, &shop.id, id, number).await? else {
            return Ok(None);
        };
        zip.extend_from_slice(&piece);
    }
    Ok(Some(Found::Made(zip, UtcMillis::new(made_at))))
}

/// Makes an export.
///
/// # Errors
/// [`JobFault::Impossible`] where nothing is held of the person any more, or nobody may have the export.
pub async fn export(run: &Run) -> Result<(), JobFault> {
    let (app, job) = (&run.app, &run.job);
    let id = job.what.subject.as_str();
    let now = app.now();
    let (shop, kept) = {
        let mut db = app.db().read().await?;
        let shop = shops::find_by_id(&mut db, &job.shop).await?;
        let shop = shop.ok_or(JobFault::Lost)?;
        let kept = queries::find(&mut db, &shop.id, id, now).await?;
        (shop, kept.ok_or_else(over)?)
    };
    let hash = EmailHash::parse(&kept.email_hash);
    let hash = hash.ok_or_else(|| StorageError::corrupt("read an export", "email hash"))?;
    match export::make(app, &shop, &hash, now).await? {
        Some(made) => keep(run, id, &made).await,
        None => {
            forget(app, &shop, &hash).await?;
            Err(over())
        }
    }
}

fn over() -> JobFault {
    JobFault::Impossible("nothing is held about this person any more, or the export is over".into())
}

/// Keeps an export in pieces, if it is still wanted.
async fn keep(run: &Run, id: &str, made: &Export) -> Result<(), JobFault> {
    let (app, shop) = (&run.app, &run.job.shop);
    let bytes = i64::try_from(made.zip.len()).unwrap_or(i64::MAX);
    let rows = i64::try_from(made.rows).unwrap_or(i64::MAX);
    let mut tx = app.db().begin().await?;
    if !queries::note_made(&mut tx, shop, id, bytes, app.now()).await? {
        return Err(over());
    }
    for (number, piece) in (0..).zip(made.zip.chunks(PIECE_BYTES)) {
        queries::insert_piece(&mut tx, shop, id, number, piece).await?;
    }
    let result = json!({"bytes": bytes, "rows": rows});
    run.finish(&mut tx, rows, &result).await?;
    tx.commit().await?;
    Ok(())
}

/// Forgets that somebody asked of whom nothing is held.
async fn forget(app: &App, shop: &Shop, hash: &EmailHash) -> Result<(), StorageError> {
    let mut tx = app.db().begin().await?;
    queries::delete_exports_of(&mut tx, &shop.id, hash).await?;
    tx.commit().await
}
