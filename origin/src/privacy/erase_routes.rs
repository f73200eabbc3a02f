//! `DELETE /api/privacy/subject` and what became of it.

use std::collections::BTreeMap;

use axum::Json;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use footfall_shared::customer::list::RetentionPolicy;
use footfall_shared::identity::Email;
use footfall_shared::text::InvalidField;
use footfall_shared::time::UtcMillis;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::erase::{EraseError, erase};
use super::queries::erased;
use crate::app::App;
use crate::auth::SecretOrAdminShop;
use crate::db::StorageError;
use crate::http::envelope::{DataReply, Meta, Refusals};
use crate::http::error::AppError;
use crate::http::extract::WireQuery;

/// The routes.
pub(super) fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new()
        .routes(routes!(erase_subject))
        .routes(routes!(show))
}

/// Whom, and how.
#[derive(Debug, Default, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
struct ErasureQuery {
    /// The person's email.
    #[param(required, example = "ann@shop.example")]
    email: Option<String>,
    /// `anonymize` (without it): what was done and bought stays in the figures, and nobody can tell whose it was. `erase`:
    /// that goes, too.
    #[param(example = "anonymize")]
    data_retention_policy: Option<String>,
}

/// An erasure.
#[derive(Debug, Serialize, ToSchema)]
struct ErasureReply {
    /// Its id.
    #[schema(example = "era_01KAV3ZJ6Q8W5T2N9R4X7Y0M1P")]
    erasure_id: String,
    /// `sweeping` while files and texts are looked through; then `completed`.
    #[schema(example = "sweeping")]
    status: String,
    /// `anonymize` or `erase`.
    #[schema(example = "anonymize")]
    data_retention_policy: String,
    /// When, RFC 3339.
    erased_at: String,
    /// Until when everything was looked through, RFC 3339; null while it is not.
    completed_at: Option<String>,
    /// The job that looks through the rest.
    job_id: Option<String>,
    /// What was found by keys, and is gone or nobody's any more: how many of each kind.
    #[schema(example = json!({"events": 112, "orders": 3, "devices": 4}))]
    found: BTreeMap<String, i64>,
}

/// Erases a person: no trace of them stays in the log, in projections, files, lists, at the edges, and in what models are
/// trained on next. What is left to do is done by a job.
#[utoipa::path(
    delete, path = "/api/privacy/subject", tag = "privacy",
    params(ErasureQuery),
    responses(
        (status = 202, description = "Nobody is known by this email any more; a job looks through the rest", body = DataReply<ErasureReply>),
        (status = 404, description = "Nothing is held of such a person"),
        Refusals,
    ),
    security(("bearer_key" = []), ("basic" = []), ("api_key" = []))
)]
async fn erase_subject(
    State(app): State<App>,
    SecretOrAdminShop(shop): SecretOrAdminShop,
    meta: Meta,
    WireQuery(query): WireQuery<ErasureQuery>,
) -> Result<Response, AppError> {
    let email = query
        .email
        .ok_or_else(|| InvalidField::new("email", "is required"))?;
    let email = Email::parse("email", &email)?;
    let policy = match query.data_retention_policy.as_deref() {
        None | Some("anonymize") => RetentionPolicy::Anonymize,
        Some("erase") => RetentionPolicy::Erase,
        Some(_) => {
            let fault = "must be anonymize or erase";
            return Err(InvalidField::new("data_retention_policy", fault).into());
        }
    };
    let erased = erase(&app, &shop, &email, policy, app.now()).await?;
    let erased = erased.ok_or(AppError::NotFound)?;
    let found = erased.counts.iter().filter(|(_, count)| **count > 0);
    let reply = ErasureReply {
        erasure_id: erased.id.to_string(),
        status: "sweeping".to_owned(),
        data_retention_policy: erased.policy.as_str().to_owned(),
        erased_at: erased.at.to_rfc3339(),
        completed_at: None,
        job_id: Some(erased.job.to_string()),
        found: found
            .map(|(what, count)| ((*what).to_owned(), *count))
            .collect(),
    };
    Ok((StatusCode::ACCEPTED, meta.with(reply)).into_response())
}

/// What became of an erasure. Whom it was about nobody can tell any more.
#[utoipa::path(
    get, path = "/api/privacy/erasures/{id}", tag = "privacy",
    params(("id" = String, Path, description = "The erasure")),
    responses(
        (status = 200, description = "The erasure", body = DataReply<ErasureReply>),
        (status = 404, description = "There is no such erasure"),
        Refusals,
    ),
    security(("bearer_key" = []), ("basic" = []), ("api_key" = []))
)]
async fn show(
    State(app): State<App>,
    SecretOrAdminShop(shop): SecretOrAdminShop,
    meta: Meta,
    Path(id): Path<String>,
) -> Result<Json<DataReply<ErasureReply>>, AppError> {
    let kept = erased::find(&mut app.db().read().await?, &shop.id, &id).await?;
    let kept = kept.ok_or(AppError::NotFound)?;
    let counts: BTreeMap<String, i64> = serde_json::from_str(&kept.counts)
        .map_err(|cause| StorageError::corrupt("read what was erased", cause))?;
    let time = |at: i64| UtcMillis::new(at).to_rfc3339();
    let status = match kept.swept_at {
        Some(_) => "completed",
        None => "sweeping",
    };
    Ok(meta.with(ErasureReply {
        erasure_id: id,
        status: status.to_owned(),
        data_retention_policy: kept.policy,
        erased_at: time(kept.at),
        completed_at: kept.swept_at.map(time),
        job_id: kept.job_id,
        found: counts.into_iter().filter(|(_, count)| *count > 0).collect(),
    }))
}

impl From<EraseError> for AppError {
    fn from(error: EraseError) -> Self {
        match error {
            EraseError::Storage(error) => error.into(),
            EraseError::Journal(error) => Self::internal("note an erasure", error),
        }
    }
}
