//! What a job is.

use footfall_shared::id::{JobId, ShopId};
use footfall_shared::time::UtcMillis;
use serde::Serialize;
use serde_json::Value;
use utoipa::ToSchema;

/// What is to be done.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum JobKind {
    /// Reads an upload's rows.
    Import,
    /// Customers into segments, and who they are.
    Segments,
    /// What is bought together.
    Affinity,
    /// What reviews say.
    Sentiment,
    /// What follows from the other three.
    Recommendations,
    /// Visits and their figures, made anew.
    Analytics,
    /// Visitors into segments.
    UserSegments,
    /// The recommender, trained.
    Retrain,
    /// How probably sales succeed, fitted.
    SalesSuccess,
    /// Looks for erased people where only looking finds them.
    Erasure,
    /// Everything held about a person, as a file for them.
    PrivacyExport,
}

impl JobKind {
    /// All of them.
    pub const ALL: [Self; 11] = [
        Self::Import,
        Self::Segments,
        Self::Affinity,
        Self::Sentiment,
        Self::Recommendations,
        Self::Analytics,
        Self::UserSegments,
        Self::Retrain,
        Self::SalesSuccess,
        Self::Erasure,
        Self::PrivacyExport,
    ];

    /// As it is stored and written.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Import => "import",
            Self::Segments => "segments",
            Self::Affinity => "affinity",
            Self::Sentiment => "sentiment",
            Self::Recommendations => "recommendations",
            Self::Analytics => "analytics",
            Self::UserSegments => "user_segments",
            Self::Retrain => "retrain",
            Self::SalesSuccess => "sales_success",
            Self::Erasure => "erasure",
            Self::PrivacyExport => "privacy_export",
        }
    }

    pub(super) fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.as_str() == text)
    }
}

/// Where a job stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum JobState {
    /// It waits for its turn.
    Queued,
    /// A node works on it.
    Running,
    /// It is done.
    Done,
    /// It cannot be done; `fault` says why.
    Failed,
    /// Somebody did not want it any more.
    Cancelled,
}

impl JobState {
    /// As it is stored.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Queued => "queued",
            Self::Running => "running",
            Self::Done => "done",
            Self::Failed => "failed",
            Self::Cancelled => "cancelled",
        }
    }

    pub(super) fn parse(text: &str) -> Option<Self> {
        let all = [
            Self::Queued,
            Self::Running,
            Self::Done,
            Self::Failed,
            Self::Cancelled,
        ];
        all.into_iter().find(|state| state.as_str() == text)
    }
}

/// A job that is asked for.
#[derive(Debug, Clone, PartialEq)]
pub struct NewJob {
    /// What is to be done.
    pub kind: JobKind,
    /// The upload that it is about; empty for all of the shop's data.
    pub subject: String,
    /// As the kind reads it.
    pub options: Value,
}

/// A job.
#[derive(Debug, Clone, PartialEq)]
pub struct Job {
    /// Whose it is.
    pub shop: ShopId,
    /// Its id.
    pub id: JobId,
    /// What is to be done, about what, and how.
    pub what: NewJob,
    /// Where it stands.
    pub state: JobState,
    /// The number of the try, from 1 once it runs.
    pub attempt: i64,
    /// Units of work that are done.
    pub done: i64,
    /// And that there are, once that is known.
    pub total: Option<i64>,
    /// When it was asked for.
    pub created_at: UtcMillis,
    /// When the last try began.
    pub started_at: Option<UtcMillis>,
    /// When it ended.
    pub finished_at: Option<UtcMillis>,
    /// Why it failed.
    pub fault: Option<String>,
    /// What came of it, as the kind tells it.
    pub result: Option<Value>,
}
