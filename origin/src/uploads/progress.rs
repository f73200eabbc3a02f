//! How far an upload is, for who waits for it.

use footfall_shared::id::ShopId;
use footfall_shared::upload::field::Kind;

use super::queries::{self, State};
use crate::db::{Handle, StorageError};
use crate::jobs;

/// How far an upload is.
#[derive(Debug, Clone, PartialEq)]
pub struct Progress {
    /// What its rows are, once that is recognized.
    pub kind: Option<Kind>,
    /// How much of the file is read, 0 to 1.
    pub share: f64,
    /// Rows that were read.
    pub read: i64,
    /// That were taken.
    pub taken: i64,
    /// That were left out.
    pub refused: i64,
    /// How it ended, if it has: why it failed, if it did.
    pub ended: Option<Result<(), String>>,
}

/// How far an upload is; `None` where the shop has none of this id.
pub async fn find_progress(
    db: &mut impl Handle,
    shop: &ShopId,
    id: &str,
) -> Result<Option<Progress>, StorageError> {
    let Some(upload) = queries::find(db, shop, id).await? else {
        return Ok(None);
    };
    let job = match &upload.job {
        Some(job) => jobs::find(db, shop, job).await?,
        None => None,
    };
    let done = job.map_or(0, |job| job.done);
    Ok(Some(Progress {
        kind: upload.kind,
        share: (done as f64 / upload.bytes.max(1) as f64).min(1.0),
        read: upload.counts.read,
        taken: upload.counts.taken,
        refused: upload.counts.refused,
        ended: match upload.state {
            State::Arriving | State::Processing => None,
            State::Done => Some(Ok(())),
            State::Failed => Some(Err(upload.fault.unwrap_or_default())),
        },
    }))
}
