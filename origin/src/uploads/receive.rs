//! Takes a file, piece by piece, into the database, where any node can read it.

use footfall_shared::id::{JobId, ShopId, UploadId};
use footfall_shared::text::hex;
use footfall_shared::time::HOUR_MS;
use footfall_shared::upload::layout::Asked;
use serde_json::json;
use sha2::{Digest as _, Sha256};

use super::queries::{self, Arrived, content};
use crate::app::App;
use crate::db::StorageError;
use crate::http::error::AppError;
use crate::jobs::{self, JobKind, NewJob};

/// Largest file.
const BYTES_MAX: usize = 1024 * 1024 * 1024;
/// Bytes of a piece.
const CHUNK_BYTES: usize = 1024 * 1024;
/// How long a file may stop arriving before it is forgotten.
const STALLED_MS: i64 = HOUR_MS;

/// A file that comes in.
#[derive(Debug)]
pub struct Incoming {
    app: App,
    shop: ShopId,
    id: UploadId,
    digest: Sha256,
    waiting: Vec<u8>,
    chunks: i64,
    bytes: usize,
}

/// A file that has come in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Received {
    /// The upload.
    pub id: String,
    /// Whether it was there before.
    pub known: bool,
    /// The job that reads it, where it is new.
    pub job: Option<JobId>,
}

impl Incoming {
    /// Begins to take a file.
    pub async fn begin(app: &App, shop: &ShopId) -> Result<Self, StorageError> {
        let now = app.now();
        let id = UploadId::generate(now, app.entropy());
        let mut tx = app.db().begin().await?;
        for stalled in queries::list_stalled(&mut tx, shop, now.plus(-STALLED_MS)).await? {
            queries::delete(&mut tx, shop, &stalled).await?;
        }
        queries::insert(&mut tx, shop, &id, now).await?;
        tx.commit().await?;
        Ok(Self {
            app: app.clone(),
            shop: shop.clone(),
            id,
            digest: Sha256::new(),
            waiting: Vec::with_capacity(CHUNK_BYTES),
            chunks: 0,
            bytes: 0,
        })
    }

    /// Takes more of it.
    ///
    /// # Errors
    /// [`AppError::TooLarge`] beyond 1 GiB.
    pub async fn push(&mut self, mut bytes: &[u8]) -> Result<(), AppError> {
        self.bytes += bytes.len();
        if self.bytes > BYTES_MAX {
            return Err(AppError::TooLarge {
                bytes_max: BYTES_MAX,
            });
        }
        self.digest.update(bytes);
        while !bytes.is_empty() {
            let (now, rest) = bytes.split_at(bytes.len().min(CHUNK_BYTES - self.waiting.len()));
            self.waiting.extend_from_slice(now);
            bytes = rest;
            if self.waiting.len() == CHUNK_BYTES {
                self.keep().await?;
            }
        }
        Ok(())
    }

    async fn keep(&mut self) -> Result<(), StorageError> {
        let mut tx = self.app.db().begin().await?;
        let now = self.app.now();
        content::insert_chunk(
            &mut tx,
            &self.shop,
            &self.id,
            self.chunks,
            &self.waiting,
            now,
        )
        .await?;
        tx.commit().await?;
        self.chunks += 1;
        self.waiting.clear();
        Ok(())
    }

    /// Ends it: the same file, read the same way, is the upload that it was before.
    ///
    /// # Errors
    /// [`AppError::BadRequest`] where nothing came.
    pub async fn finish(mut self, asked: &Asked, name: &str) -> Result<Received, AppError> {
        if self.bytes == 0 {
            self.abandon().await;
            return Err(AppError::BadRequest {
                field: Some("file".into()),
                reason: "is empty".into(),
            });
        }
        if !self.waiting.is_empty() {
            self.keep().await?;
        }
        let digest = hex(&self.digest.finalize_reset());
        let asked = serde_json::to_string(asked)
            .map_err(|cause| AppError::internal("write what is asked", cause))?;
        let mut tx = self.app.db().begin().await?;
        tx.serialize("upload", &format!("{}\n{digest}", self.shop))
            .await?;
        if let Some(same) = queries::find_same(&mut tx, &self.shop, &digest, &asked).await? {
            queries::delete(&mut tx, &self.shop, self.id.as_str()).await?;
            tx.commit().await?;
            return Ok(Received {
                id: same,
                known: true,
                job: None,
            });
        }
        let bytes = i64::try_from(self.bytes).unwrap_or(i64::MAX);
        let what = NewJob {
            kind: JobKind::Import,
            subject: self.id.as_str().to_owned(),
            options: json!({}),
        };
        let job = jobs::enqueue(&self.app, &mut tx, &self.shop, &what, Some(bytes)).await?;
        let arrived = Arrived {
            digest: &digest,
            asked: &asked,
            name,
            bytes,
            job: &job,
        };
        queries::set_processing(&mut tx, &self.shop, &self.id, &arrived).await?;
        tx.commit().await?;
        Ok(Received {
            id: self.id.as_str().to_owned(),
            known: false,
            job: Some(job),
        })
    }

    /// Forgets what came of it. What cannot be forgotten now is when the next file comes.
    pub async fn abandon(&self) {
        let forgotten = async {
            let mut tx = self.app.db().begin().await?;
            queries::delete(&mut tx, &self.shop, self.id.as_str()).await?;
            tx.commit().await
        };
        if let Err(error) = forgotten.await {
            tracing::warn!(%error, "a file that broke off cannot be forgotten yet");
        }
    }
}
