//! How a running job tells of itself.

use std::time::Duration;

use serde_json::Value;

use super::job::Job;
use super::queries;
use crate::app::App;
use crate::db::{StorageError, Tx};

/// How long a node has until it must tell of itself again.
pub(super) const LEASE_MS: i64 = 60_000;
/// How often it does, however long a step takes.
pub(super) const BEAT_EVERY: Duration = Duration::from_secs(10);

/// Why a job ends before it is done.
#[derive(Debug, thiserror::Error)]
pub enum JobFault {
    /// It can never be done; the sentence is for who asked for it.
    #[error("{0}")]
    Impossible(String),
    /// It is not wanted any more, or another node has taken it over.
    #[error("the job is no longer this node's")]
    Lost,
    /// The database said no; it is tried again.
    #[error(transparent)]
    Storage(#[from] StorageError),
    /// A bug of ours; it is tried again.
    #[error("the job broke off")]
    Broken(#[from] tokio::task::JoinError),
}

/// A job on this node.
#[derive(Debug, Clone)]
pub struct Run {
    /// Where it runs.
    pub app: App,
    /// The job.
    pub job: Job,
}

impl Run {
    /// Notes within a transaction how far the job is; what the transaction writes lasts only if the job is still this
    /// node's.
    ///
    /// # Errors
    /// [`JobFault::Lost`] where it is not.
    pub async fn note(&self, tx: &mut Tx, done: i64, total: Option<i64>) -> Result<(), JobFault> {
        let until = self.app.now().plus(LEASE_MS);
        match queries::hold(tx, &self.job, until, Some((done, total))).await? {
            true => Ok(()),
            false => Err(JobFault::Lost),
        }
    }

    /// Ends the job within the transaction that makes its work last.
    ///
    /// # Errors
    /// As [`Run::note`].
    pub async fn finish(&self, tx: &mut Tx, units: i64, result: &Value) -> Result<(), JobFault> {
        match queries::finish(tx, &self.job, units, result, self.app.now()).await? {
            true => Ok(()),
            false => Err(JobFault::Lost),
        }
    }

    /// Keeps the job this node's while it works, until it is not any more.
    pub(super) async fn beat(&self) {
        loop {
            tokio::time::sleep(BEAT_EVERY).await;
            match self.beat_once().await {
                Ok(true) => {}
                Ok(false) => return,
                Err(error) => tracing::warn!(%error, "a job cannot tell of itself"),
            }
        }
    }

    async fn beat_once(&self) -> Result<bool, StorageError> {
        let mut tx = self.app.db().begin().await?;
        let until = self.app.now().plus(LEASE_MS);
        let held = queries::hold(&mut tx, &self.job, until, None).await?;
        tx.commit().await?;
        Ok(held)
    }
}
