//! `/api/uploads`: sends files, and tells what became of them.

mod reply;
mod sent;

use axum::Json;
use axum::body::Bytes;
use axum::extract::{DefaultBodyLimit, Path, Request, State};
use axum::response::{IntoResponse, Response};
use footfall_shared::id::ShopId;
use http::header::{CONTENT_DISPOSITION, CONTENT_TYPE};
use http::{HeaderValue, StatusCode};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::queries::{self, State as Stands, content};
use crate::analytics;
use crate::app::App;
use crate::auth::SecretOrAdminShop;
use crate::behavior;
use crate::http::envelope::{AdminErrorReply, DataReply, Meta, Refusals};
use crate::http::error::AppError;
use crate::http::extract::WireQuery;
use crate::jobs;
use reply::UploadReply;
use sent::{Said, bad, receive};

/// Where files are sent.
pub const RECEIVING: &str = "/api/uploads";
/// Uploads of a page, at most.
const PAGE_MAX: i64 = 100;
/// Bad rows that are read at once.
const ERRORS_AT_ONCE: i64 = 10_000;

/// This feature's routes.
pub fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new()
        .routes(routes!(list, send))
        .routes(routes!(read, remove))
        .routes(routes!(errors))
        .layer(DefaultBodyLimit::disable())
}

/// A form with a file.
#[derive(ToSchema)]
#[expect(dead_code, reason = "only the document reads it")]
struct Form {
    /// The file: CSV or the like, or xlsx; packed with gzip or not.
    #[schema(value_type = String, format = Binary)]
    file: Vec<u8>,
    /// As in the query.
    kind: Option<String>,
    /// As in the query.
    mapping: Option<String>,
    /// As in the query.
    dates: Option<String>,
    /// As in the query.
    decimal: Option<String>,
}

/// Sends a file of rows, up to 1 GiB: as a form, or as the body itself. It is read by a job.
#[utoipa::path(
    post, path = RECEIVING, tag = "uploads",
    params(Said),
    request_body(
        content((Form = "multipart/form-data"), (Vec<u8> = "text/csv"), (Vec<u8> = "application/octet-stream")),
        description = "The file"
    ),
    responses(
        (status = 200, description = "The same file was sent before: that upload", body = DataReply<UploadReply>),
        (status = 202, description = "The file is here, and will be read", body = DataReply<UploadReply>),
        (status = 400, description = "`INVALID_REQUEST` names the field", body = AdminErrorReply),
        (status = 413, description = "The file is longer than 1 GiB", body = AdminErrorReply),
        Refusals,
    ),
    security(("bearer_key" = []), ("basic" = []), ("api_key" = []))
)]
async fn send(
    State(app): State<App>,
    SecretOrAdminShop(shop): SecretOrAdminShop,
    meta: Meta,
    WireQuery(said): WireQuery<Said>,
    request: Request,
) -> Result<Response, AppError> {
    let received = receive(&app, &shop.id, said, request).await?;
    let status = match received.known {
        true => StatusCode::OK,
        false => StatusCode::ACCEPTED,
    };
    let reply = tell(&app, &shop.id, &received.id).await?;
    Ok((status, meta.with(reply)).into_response())
}

async fn tell(app: &App, shop: &ShopId, id: &str) -> Result<UploadReply, AppError> {
    let mut db = app.db().read().await?;
    let upload = queries::find(&mut db, shop, id)
        .await?
        .ok_or(AppError::NotFound)?;
    let job = match &upload.job {
        Some(job) => jobs::find(&mut db, shop, job).await?,
        None => None,
    };
    Ok(UploadReply::of(upload, job.as_ref(), app.now()))
}

/// A page of uploads.
#[derive(Debug, Serialize, ToSchema)]
struct UploadsReply {
    /// The newest first.
    uploads: Vec<UploadReply>,
    /// What `before` takes for the next page; null on the last one.
    next: Option<String>,
}

/// Which page.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
struct Page {
    /// Uploads of the page, 1 to 100; 20 where it is missing.
    limit: Option<i64>,
    /// The `next` of the page before.
    before: Option<String>,
}

/// The files that were sent, the newest first.
#[utoipa::path(
    get, path = RECEIVING, tag = "uploads",
    params(Page),
    responses(
        (status = 200, description = "The uploads", body = DataReply<UploadsReply>),
        (status = 400, description = "`INVALID_REQUEST` names the parameter", body = AdminErrorReply),
        Refusals,
    ),
    security(("bearer_key" = []), ("basic" = []), ("api_key" = []))
)]
async fn list(
    State(app): State<App>,
    SecretOrAdminShop(shop): SecretOrAdminShop,
    meta: Meta,
    WireQuery(page): WireQuery<Page>,
) -> Result<Json<DataReply<UploadsReply>>, AppError> {
    let limit = page.limit.unwrap_or(20);
    if !(1..=PAGE_MAX).contains(&limit) {
        return Err(bad("limit", "must be 1 to 100"));
    }
    let before = page.before.unwrap_or_default();
    let mut db = app.db().read().await?;
    let found = queries::list(&mut db, &shop.id, &before, limit + 1).await?;
    let more = found.len() > usize::try_from(limit).unwrap_or(usize::MAX);
    let mut uploads = Vec::new();
    for upload in found.into_iter().take(usize::try_from(limit).unwrap_or(0)) {
        let job = match (&upload.job, upload.state) {
            (Some(job), Stands::Processing) => jobs::find(&mut db, &shop.id, job).await?,
            _ => None,
        };
        uploads.push(UploadReply::of(upload, job.as_ref(), app.now()));
    }
    let next = uploads
        .last()
        .filter(|_| more)
        .map(|last| last.upload_id.clone());
    Ok(meta.with(UploadsReply { uploads, next }))
}

/// What became of a file.
#[utoipa::path(
    get, path = "/api/uploads/{id}", tag = "uploads",
    params(("id" = String, Path, description = "The upload's id")),
    responses(
        (status = 200, description = "The upload", body = DataReply<UploadReply>),
        (status = 404, description = "The shop has no such upload", body = AdminErrorReply),
        Refusals,
    ),
    security(("bearer_key" = []), ("basic" = []), ("api_key" = []))
)]
async fn read(
    State(app): State<App>,
    SecretOrAdminShop(shop): SecretOrAdminShop,
    meta: Meta,
    Path(id): Path<String>,
) -> Result<Json<DataReply<UploadReply>>, AppError> {
    Ok(meta.with(tell(&app, &shop.id, &id).await?))
}

/// What was forgotten.
#[derive(Debug, Serialize, ToSchema)]
struct RemovedReply {
    /// The upload that is gone.
    upload_id: String,
}

/// Forgets a file, its rows and what was computed from it alone; what counts all data is computed anew.
#[utoipa::path(
    delete, path = "/api/uploads/{id}", tag = "uploads",
    params(("id" = String, Path, description = "The upload's id")),
    responses(
        (status = 200, description = "It is gone", body = DataReply<RemovedReply>),
        (status = 404, description = "The shop has no such upload", body = AdminErrorReply),
        Refusals,
    ),
    security(("bearer_key" = []), ("basic" = []), ("api_key" = []))
)]
async fn remove(
    State(app): State<App>,
    SecretOrAdminShop(shop): SecretOrAdminShop,
    meta: Meta,
    Path(id): Path<String>,
) -> Result<Json<DataReply<RemovedReply>>, AppError> {
    let now = app.now();
    let mut tx = app.db().begin().await?;
    let upload = queries::find(&mut tx, &shop.id, &id)
        .await?
        .ok_or(AppError::NotFound)?;
    if let Some(job) = &upload.job {
        jobs::cancel(&mut tx, &shop.id, job, now).await?;
    }
    queries::delete(&mut tx, &shop.id, &id).await?;
    behavior::forget(&mut tx, &shop.id, &id).await?;
    if let (Stands::Done, Some(kind)) = (upload.state, upload.kind) {
        behavior::refresh(&app, &mut tx, &shop.id, kind, "", upload.counts.taken).await?;
        if analytics::depends_on(kind) {
            analytics::ask_refresh(&app, &mut tx, &shop.id).await?;
        }
    }
    tx.commit().await?;
    Ok(meta.with(RemovedReply { upload_id: id }))
}

/// The rows that were left out, as CSV: row number (the header is row 1), column, reason. Of a file with very many, the
/// first 10,000.
#[utoipa::path(
    get, path = "/api/uploads/{id}/errors.csv", tag = "uploads",
    params(("id" = String, Path, description = "The upload's id")),
    responses(
        (status = 200, description = "The bad rows", body = String, content_type = "text/csv"),
        (status = 404, description = "The shop has no such upload", body = AdminErrorReply),
        Refusals,
    ),
    security(("bearer_key" = []), ("basic" = []), ("api_key" = []))
)]
async fn errors(
    State(app): State<App>,
    SecretOrAdminShop(shop): SecretOrAdminShop,
    Path(id): Path<String>,
) -> Result<Response, AppError> {
    let mut db = app.db().read().await?;
    queries::find(&mut db, &shop.id, &id)
        .await?
        .ok_or(AppError::NotFound)?;
    let errors = content::list_errors(&mut db, &shop.id, &id, 0, ERRORS_AT_ONCE).await?;
    let text = to_csv(&errors).map_err(|cause| AppError::internal("write bad rows", cause))?;
    let mut response = Bytes::from(text).into_response();
    let headers = response.headers_mut();
    headers.insert(
        CONTENT_TYPE,
        HeaderValue::from_static("text/csv; charset=utf-8"),
    );
    headers.insert(
        CONTENT_DISPOSITION,
        HeaderValue::from_static("attachment; filename=\"errors.csv\""),
    );
    Ok(response)
}

fn to_csv(errors: &[(i64, String, String)]) -> Result<Vec<u8>, csv::Error> {
    let mut writer = csv::Writer::from_writer(Vec::new());
    writer.write_record(["row", "column", "reason"])?;
    for (row, column, reason) in errors {
        // A header that begins like a formula must not become one in a spreadsheet.
        let safe = match column.starts_with(['=', '+', '-', '@']) {
            true => format!("'{column}"),
            false => column.clone(),
        };
        writer.write_record([row.to_string().as_str(), safe.as_str(), reason.as_str()])?;
    }
    writer
        .into_inner()
        .map_err(|fault| fault.into_error().into())
}
