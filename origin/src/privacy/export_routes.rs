//! `GET /api/privacy/export`, and the files that a job makes.

use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::http::header::{CACHE_CONTROL, CONTENT_DISPOSITION, CONTENT_TYPE};
use axum::response::{IntoResponse, Response};
use footfall_shared::identity::{Email, EmailHash};
use footfall_shared::text::InvalidField;
use footfall_shared::time::UtcMillis;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::export::collect;
use super::export_job::ask;
use super::queries::export::{self as queries, Export};
use super::subject::find_subject;
use crate::app::App;
use crate::auth::SecretOrAdminShop;
use crate::http::envelope::{DataReply, Meta, Refusals};
use crate::http::error::AppError;
use crate::http::extract::WireQuery;
use crate::uploads;

/// Most events of a person whose file is made at once.
const EVENTS_AT_ONCE: usize = 5_000;

/// The routes.
pub(super) fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new()
        .routes(routes!(export))
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

/// A file that is being made.
#[derive(Debug, Serialize, ToSchema)]
struct PrivacyExportReply {
    /// Its id.
    #[schema(example = "export_01KAV3ZJ6Q8W5T2N9R4X7Y0M1P")]
    export_id: String,
    /// The job that makes it.
    job_id: String,
    /// Where the job tells how far it is.
    #[schema(example = "/api/jobs/job_01KAV3ZJ6Q8W5T2N9R4X7Y0M1P")]
    status_url: String,
    /// Where the file is once it is made.
    #[schema(example = "/api/privacy/exports/export_01KAV3ZJ6Q8W5T2N9R4X7Y0M1P")]
    download_url: String,
    /// Until when it is there, RFC 3339.
    expires_at: String,
}

impl From<Export> for PrivacyExportReply {
    fn from(export: Export) -> Self {
        Self {
            status_url: format!("/api/jobs/{}", export.job_id),
            download_url: format!("/api/privacy/exports/{}", export.id),
            expires_at: UtcMillis::new(export.expires_at).to_rfc3339(),
            export_id: export.id,
            job_id: export.job_id,
        }
    }
}

/// Everything held about a person: a ZIP of JSON files with a manifest. Where files of the shop have to be looked through, or
/// there is much of the person, a job makes it.
#[utoipa::path(
    get, path = "/api/privacy/export", tag = "privacy",
    params(ExportQuery),
    responses(
        (status = 200, description = "The file", body = Vec<u8>, content_type = "application/zip"),
        (status = 202, description = "A job makes the file", body = DataReply<PrivacyExportReply>),
        (status = 404, description = "Nothing is held of such a person"),
        Refusals,
    ),
    security(("bearer_key" = []), ("basic" = []), ("api_key" = []))
)]
async fn export(
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
    let (is_large, is_known) = {
        let mut db = app.db().read().await?;
        let subject = find_subject(&mut db, &shop, &email).await?;
        let has_files = !uploads::list_sources(&mut db, &shop.id).await?.is_empty();
        let is_large = has_files || subject.places.len() > EVENTS_AT_ONCE;
        let hash = EmailHash::of(&email, &shop.salt);
        let found = queries::find_email(&mut db, &shop.id, hash.as_str()).await?;
        (is_large, found.is_some())
    };
    // Who is known from files alone has no row that a job could find them by, so it is done at once.
    if is_large && is_known {
        let hash = EmailHash::of(&email, &shop.salt);
        let asked = ask(&app, &shop, &hash, now).await?;
        let reply = meta.with(PrivacyExportReply::from(asked));
        return Ok((StatusCode::ACCEPTED, reply).into_response());
    }
    let bytes = collect(&app, &shop, &email, now).await?;
    Ok(file(bytes.ok_or(AppError::NotFound)?, now))
}

/// A file that a job made.
#[utoipa::path(
    get, path = "/api/privacy/exports/{id}", tag = "privacy",
    params(("id" = String, Path, description = "The export")),
    responses(
        (status = 200, description = "The file", body = Vec<u8>, content_type = "application/zip"),
        (status = 202, description = "It is being made", body = DataReply<PrivacyExportReply>),
        (status = 404, description = "There is no such file, or its time is over"),
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
    let mut db = app.db().read().await?;
    let export = queries::find(&mut db, &shop.id, &id, app.now()).await?;
    let export = export.ok_or(AppError::NotFound)?;
    if export.bytes.is_none() {
        let reply = meta.with(PrivacyExportReply::from(export));
        return Ok((StatusCode::ACCEPTED, reply).into_response());
    }
    let made = UtcMillis::new(export.created_at);
    let bytes = queries::read_bytes(&mut db, &shop.id, &id).await?;
    Ok(file(bytes, made))
}

fn file(bytes: Vec<u8>, made: UtcMillis) -> Response {
    let day: String = made.to_rfc3339().chars().take(10).collect();
    let headers = [
        (CONTENT_TYPE, "application/zip".to_owned()),
        (
            CONTENT_DISPOSITION,
            format!("attachment; filename=\"export-{day}.zip\""),
        ),
        (CACHE_CONTROL, "no-store".to_owned()),
    ];
    (headers, bytes).into_response()
}
