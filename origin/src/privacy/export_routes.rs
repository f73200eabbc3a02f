//! `GET /api/privacy/export` and `GET /api/privacy/exports/{id}`.

use axum::extract::{Path, State};
use axum::http::header::{CONTENT_DISPOSITION, CONTENT_TYPE};
use axum::http::{HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};
use footfall_shared::identity::{Email, EmailHash};
use footfall_shared::text::InvalidField;
use footfall_shared::time::UtcMillis;
use serde::{Deserialize, Serialize};
use serde_json::Map;
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::export::{self, Answer};
use super::export_job::{self, Asked, Found};
use crate::app::App;
use crate::auth::SecretOrAdminShop;
use crate::http::envelope::{AdminErrorReply, DataReply, Meta, Refusals};
use crate::http::error::AppError;
use crate::http::extract::WireQuery;

/// The routes.
pub(super) fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new()
        .routes(routes!(ask))
        .routes(routes!(download))
}

/// Whose data.
#[derive(Debug, Default, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
struct ExportQuery {
    /// The person's email.
    #[param(required, example = "ann@shop.example")]
    email: Option<String>,
}

/// An export that is being made.
#[derive(Debug, Serialize, ToSchema)]
struct PrivacyExportReply {
    /// Its id.
    #[schema(example = "export_01KAV3ZJ6Q8W5T2N9R4X7Y0M1P")]
    export_id: String,
    /// The job that makes it.
    #[schema(example = "job_01KAV3ZJ6Q8W5T2N9R4X7Y0M1Q")]
    job_id: String,
    /// Where the job tells how far it is.
    status_url: String,
    /// Where the ZIP is once the job is done.
    download_url: String,
    /// Until when it is kept, RFC 3339.
    expires_at: String,
}

impl From<Asked> for PrivacyExportReply {
    fn from(asked: Asked) -> Self {
        let Asked {
            id,
            job,
            expires_at,
        } = asked;
        Self {
            status_url: format!("/api/jobs/{job}"),
            download_url: format!("/api/privacy/exports/{id}"),
            export_id: id,
            job_id: job,
            expires_at: expires_at.to_rfc3339(),
        }
    }
}

/// Why there is no export.
#[derive(Debug, thiserror::Error)]
enum ExportError {
    /// Nothing is held of such a person.
    #[error("nothing is held about this person")]
    NothingHeld,
    /// There is no such export, or it is over.
    #[error("there is no such export")]
    NoSuchExport,
    /// Its job was ended, or failed.
    #[error("the export could not be made")]
    NotMade,
}

impl From<ExportError> for AppError {
    fn from(error: ExportError) -> Self {
        match error {
            ExportError::NothingHeld => Self::Refused {
                status: StatusCode::NOT_FOUND,
                code: "nothing_held",
                message: "Nothing is held about this person".to_owned(),
                details: Map::new(),
            },
            ExportError::NoSuchExport => Self::NotFound,
            ExportError::NotMade => Self::Conflict {
                reason: "The export could not be made, please ask for it again".to_owned(),
            },
        }
    }
}

/// Everything that is held about a person.
///
/// A ZIP with a JSON file for each kind of data, and `manifest.json`, which says what each is, why and how long it is
/// kept. Of a person with more than 5,000 events, or of a shop that uploaded files, a job makes it; the same question
/// meanwhile has the same answer. It is in the audit log that somebody asked, but not about whom.
#[utoipa::path(
    get, path = "/api/privacy/export", tag = "privacy",
    params(ExportQuery),
    responses(
        (status = 200, description = "The ZIP", body = String, content_type = "application/zip"),
        (status = 202, description = "A job makes it", body = DataReply<PrivacyExportReply>),
        (status = 400, description = "`INVALID_FIELD` names the field", body = AdminErrorReply),
        (status = 404, description = "`NOTHING_HELD`: nothing is held about this person", body = AdminErrorReply),
        Refusals,
    ),
    security(("bearer_key" = []), ("basic" = []), ("api_key" = []))
)]
async fn ask(
    State(app): State<App>,
    SecretOrAdminShop(shop): SecretOrAdminShop,
    meta: Meta,
    WireQuery(query): WireQuery<ExportQuery>,
) -> Result<Response, AppError> {
    let email = query
        .email
        .ok_or_else(|| InvalidField::new("email", "is required"))?;
    let email = Email::parse("email", &email)?;
    let now = app.now();
    match export::answer(&app, &shop, &email, now).await? {
        Answer::Nothing => Err(ExportError::NothingHeld.into()),
        Answer::Made(zip) => Ok(as_file(zip, now)),
        Answer::Job => {
            let hash = EmailHash::of(&email, &shop.salt);
            let asked = export_job::ask(&app, &shop, &hash, now).await?;
            Ok(under_way(meta, asked))
        }
    }
}

/// An export that a job made. It is kept for seven days.
#[utoipa::path(
    get, path = "/api/privacy/exports/{id}", tag = "privacy",
    params(("id" = String, Path, description = "The export")),
    responses(
        (status = 200, description = "The ZIP", body = String, content_type = "application/zip"),
        (status = 202, description = "It is still being made", body = DataReply<PrivacyExportReply>),
        (status = 404, description = "There is no such export, or it is over", body = AdminErrorReply),
        (status = 409, description = "It could not be made: ask for it again", body = AdminErrorReply),
        Refusals,
    ),
    security(("bearer_key" = []), ("basic" = []), ("api_key" = []))
)]
async fn download(
    State(app): State<App>,
    SecretOrAdminShop(shop): SecretOrAdminShop,
    meta: Meta,
    Path(id): Path<String>,
) -> Result<Response, AppError> {
    let found = export_job::find(&app, &shop, &id, app.now()).await?;
    match found.ok_or(ExportError::NoSuchExport)? {
        Found::Made(zip, made_at) => Ok(as_file(zip, made_at)),
        Found::UnderWay(asked) => Ok(under_way(meta, asked)),
        Found::NotMade => Err(ExportError::NotMade.into()),
    }
}

fn under_way(meta: Meta, asked: Asked) -> Response {
    let reply = PrivacyExportReply::from(asked);
    (StatusCode::ACCEPTED, meta.with(reply)).into_response()
}

/// A ZIP to keep. The envelope sees to it that no cache keeps it.
fn as_file(zip: Vec<u8>, made_at: UtcMillis) -> Response {
    let mut date = made_at.to_rfc3339();
    date.truncate("2026-11-24".len());
    let name = HeaderValue::try_from(format!("attachment; filename=\"export-{date}.zip\""));
    let mut response = zip.into_response();
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/zip"));
    // A date has no sign that a header cannot have; the plain word is never sent.
    let plain = HeaderValue::from_static("attachment");
    headers.insert(CONTENT_DISPOSITION, name.unwrap_or(plain));
    response
}
