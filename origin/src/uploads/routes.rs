//! `/api/uploads`: sends files, and tells what became of them.

use std::collections::BTreeMap;
use std::time::Duration;

use axum::Json;
use axum::body::{Body, Bytes};
use axum::extract::multipart::{Field as Part, MultipartError};
use axum::extract::{DefaultBodyLimit, FromRequest, Multipart, Path, Request, State};
use axum::response::{IntoResponse, Response};
use footfall_shared::id::ShopId;
use footfall_shared::text::bounded;
use footfall_shared::time::UtcMillis;
use footfall_shared::upload::date::DateOrder;
use footfall_shared::upload::field::{Field, Kind};
use footfall_shared::upload::layout::{Asked, Program};
use footfall_shared::upload::number::Decimal;
use http::header::{CONTENT_DISPOSITION, CONTENT_TYPE};
use http::{HeaderValue, StatusCode};
use http_body_util::BodyExt as _;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::queries::{self, State as Stands, Upload};
use super::receive::{Incoming, Received};
use super::source::Format;
use crate::app::App;
use crate::auth::SecretOrAdminShop;
use crate::behavior;
use crate::http::envelope::{AdminErrorReply, DataReply, Meta};
use crate::http::error::AppError;
use crate::http::extract::{WireQuery, parse_json};
use crate::jobs;

/// Where files are sent.
pub const RECEIVING: &str = "/api/uploads";
/// How long the next piece of a file may take to arrive.
const PIECE_TIMEOUT: Duration = Duration::from_secs(30);
/// Longest field beside the file.
const FIELD_BYTES_MAX: usize = 64 * 1024;
/// Longest name of a file, in characters.
const NAME_CHARS_MAX: usize = 200;
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

/// Where an upload stands.
#[derive(Debug, Clone, Copy, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
enum Status {
    /// The file comes in.
    Receiving,
    /// Its rows are read, or wait for it.
    Processing,
    /// Its rows count.
    Done,
    /// They never will; `error` says why.
    Failed,
}

/// A file that was sent.
#[derive(Debug, Serialize, ToSchema)]
struct UploadReply {
    /// Its id: what `upload_id` takes elsewhere.
    #[schema(example = "upload_01KB000000000000000000000A")]
    upload_id: String,
    /// The file's name, as it was sent.
    name: String,
    /// What the rows are; null until that is recognized.
    kind: Option<Kind>,
    /// Where it stands.
    status: Status,
    /// Bytes of the file.
    bytes: i64,
    /// What kind of file it is.
    format: Option<Format>,
    /// Which program wrote it.
    program: Option<Program>,
    /// The headers, by the field that they were taken for.
    columns: BTreeMap<Field, String>,
    /// The decimal sign.
    decimal: Option<Decimal>,
    /// The order of dates.
    dates: Option<DateOrder>,
    /// Whether the file shows that order; else it is the shop's habit.
    dates_shown: Option<bool>,
    /// Rows that were read so far.
    rows_read: i64,
    /// That were taken.
    rows_taken: i64,
    /// That were left out: see `errors.csv`.
    rows_refused: i64,
    /// How much of the file is read, 0 to 1; null while nobody reads it.
    progress: Option<f64>,
    /// Rows that were read a second; null while that cannot be said.
    rows_per_second: Option<f64>,
    /// How long it will still take at that rate; null while that cannot be said.
    seconds_left: Option<f64>,
    /// When the first thing happened that the rows tell, RFC 3339.
    first_at: Option<String>,
    /// And the last.
    last_at: Option<String>,
    /// Why it failed.
    error: Option<String>,
    /// The job that reads it.
    job_id: Option<String>,
    /// When it was sent.
    created_at: String,
    /// When its rows were read.
    finished_at: Option<String>,
}

impl UploadReply {
    fn of(upload: Upload, job: Option<&jobs::Job>, now: UtcMillis) -> Self {
        let Upload {
            id,
            name,
            bytes,
            state,
            kind,
            understood,
            counts,
            fault,
            job: job_id,
            created_at,
            finished_at,
            ..
        } = upload;
        let running = job.filter(|job| job.state == jobs::JobState::Running);
        let spent_s = job.and_then(|job| {
            let until = job.finished_at.unwrap_or(now);
            Some(until.since(job.started_at?) as f64 / 1000.0)
        });
        let share = match state {
            Stands::Done => Some(1.0),
            _ => running.map(|job| (job.done as f64 / bytes.max(1) as f64).min(1.0)),
        };
        let seconds_left = running
            .and(spent_s)
            .zip(share)
            .and_then(|(spent, share)| (share > 0.0).then(|| spent * (1.0 - share) / share));
        let rows_per_second = spent_s
            .filter(|spent| *spent > 0.0 && counts.read > 0)
            .map(|spent| (counts.read as f64 / spent).round());
        let text = |at: Option<i64>| at.map(|at| UtcMillis::new(at).to_rfc3339());
        let (format, layout) = understood.map(|known| (known.format, known.layout)).unzip();
        let columns = layout.as_ref().map(|layout| {
            let named = layout.columns.iter().map(|(field, at)| {
                let header = layout.headers.get(*at).cloned();
                (*field, header.unwrap_or_default())
            });
            named.collect()
        });
        Self {
            upload_id: id,
            name,
            kind,
            status: match state {
                Stands::Arriving => Status::Receiving,
                Stands::Processing => Status::Processing,
                Stands::Done => Status::Done,
                Stands::Failed => Status::Failed,
            },
            bytes,
            format,
            program: layout.as_ref().map(|layout| layout.program),
            columns: columns.unwrap_or_default(),
            decimal: layout.as_ref().map(|layout| layout.decimal),
            dates: layout.as_ref().map(|layout| layout.dates),
            dates_shown: layout.as_ref().map(|layout| layout.dates_shown),
            rows_read: counts.read,
            rows_taken: counts.taken,
            rows_refused: counts.refused,
            progress: share,
            rows_per_second,
            seconds_left,
            first_at: text(counts.first_at),
            last_at: text(counts.last_at),
            error: fault,
            job_id,
            created_at: created_at.to_rfc3339(),
            finished_at: finished_at.map(UtcMillis::to_rfc3339),
        }
    }
}

/// What the sender may say of a raw file, in the query.
#[derive(Debug, Default, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
struct Said {
    /// What the rows are: `transactions`, `reviews`, `customers`, `products` or `page_events`. Else it is recognized.
    kind: Option<String>,
    /// Headers by field, as JSON: `{"order": "Bill", "total": "Sum"}`. Else they are recognized.
    mapping: Option<String>,
    /// The order of dates where the year is last: `day_first` or `month_first`. Else it is recognized.
    dates: Option<String>,
    /// The decimal sign: `point` or `comma`. Else it is recognized.
    decimal: Option<String>,
    /// The file's name.
    name: Option<String>,
}

impl Said {
    fn set(&mut self, field: &str, value: String) -> Result<(), AppError> {
        let place = match field {
            "kind" => &mut self.kind,
            "mapping" => &mut self.mapping,
            "dates" => &mut self.dates,
            "decimal" => &mut self.decimal,
            "name" => &mut self.name,
            other => return Err(bad(other, "is no field of this form")),
        };
        *place = Some(value).filter(|value| !value.is_empty());
        Ok(())
    }

    fn parse(&self) -> Result<Asked, AppError> {
        fn word<T: serde::de::DeserializeOwned>(
            field: &str,
            text: Option<&str>,
            rule: &str,
        ) -> Result<Option<T>, AppError> {
            let parse =
                |text: &str| serde_json::from_value(text.into()).map_err(|_| bad(field, rule));
            text.map(parse).transpose()
        }
        let kinds = "must be transactions, reviews, customers, products or page_events";
        let mapping = self.mapping.as_deref().map(|text| {
            let known = Field::ALL.iter().map(|field| field.as_str());
            let rule = format!(
                "must be JSON of headers by field: {}",
                known.collect::<Vec<_>>().join(", ")
            );
            parse_json(text.as_bytes()).map_err(|_| bad("mapping", &rule))
        });
        Ok(Asked {
            kind: word("kind", self.kind.as_deref(), kinds)?,
            mapping: mapping.transpose()?.unwrap_or_default(),
            dates: word(
                "dates",
                self.dates.as_deref(),
                "must be day_first or month_first",
            )?,
            decimal: word("decimal", self.decimal.as_deref(), "must be point or comma")?,
        })
    }
}

fn bad(field: &str, reason: &str) -> AppError {
    AppError::BadRequest {
        field: Some(field.to_owned()),
        reason: reason.to_owned(),
    }
}

fn broken_off() -> AppError {
    AppError::BadRequest {
        field: None,
        reason: "The body could not be read".into(),
    }
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
        (status = 401, description = "No live credential", body = AdminErrorReply),
        (status = 403, description = "The permission `uploads:write` is missing", body = AdminErrorReply),
        (status = 413, description = "The file is longer than 1 GiB", body = AdminErrorReply),
        (status = 500, description = "A bug of ours", body = AdminErrorReply),
        (status = 503, description = "It did not arrive in time, or nothing can be stored now", body = AdminErrorReply),
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

async fn receive(
    app: &App,
    shop: &ShopId,
    said: Said,
    request: Request,
) -> Result<Received, AppError> {
    let is_form = request
        .headers()
        .get(CONTENT_TYPE)
        .is_some_and(|value| value.as_bytes().starts_with(b"multipart/form-data"));
    // What is wrong with the query is said before a gigabyte was sent.
    said.parse()?;
    let mut incoming = Incoming::begin(app, shop).await?;
    let taken = match is_form {
        true => take_form(&mut incoming, said, request).await,
        false => take_body(&mut incoming, request.into_body())
            .await
            .map(|()| said),
    };
    let parsed = taken.and_then(|said| {
        let name = said.name.as_deref().unwrap_or_default();
        let name = bounded("name", name, NAME_CHARS_MAX)?.to_owned();
        Ok((said.parse()?, name))
    });
    match parsed {
        Ok((asked, name)) => incoming.finish(&asked, &name).await,
        Err(fault) => {
            incoming.abandon().await;
            Err(fault)
        }
    }
}

async fn take_body(incoming: &mut Incoming, mut body: Body) -> Result<(), AppError> {
    while let Some(frame) = in_time(body.frame()).await? {
        let frame = frame.map_err(|_| broken_off())?;
        if let Ok(bytes) = frame.into_data() {
            incoming.push(&bytes).await?;
        }
    }
    Ok(())
}

async fn take_form(
    incoming: &mut Incoming,
    mut said: Said,
    request: Request,
) -> Result<Said, AppError> {
    let form = Multipart::from_request(request, &()).await;
    let mut form = form.map_err(|_| bad("Content-Type", "must have the form's boundary"))?;
    let mut files = 0;
    while let Some(mut part) = in_time(form.next_field()).await?.map_err(of_form)? {
        let name = part.name().unwrap_or_default().to_owned();
        if name != "file" {
            let value = read_field(&mut part, &name).await?;
            said.set(&name, value)?;
            continue;
        }
        files += 1;
        if files > 1 {
            return Err(bad("file", "must stand there once"));
        }
        if said.name.is_none() {
            said.name = part
                .file_name()
                .map(|name| name.chars().take(NAME_CHARS_MAX).collect());
        }
        while let Some(bytes) = in_time(part.chunk()).await?.map_err(of_form)? {
            incoming.push(&bytes).await?;
        }
    }
    if files == 0 {
        return Err(bad("file", "is required"));
    }
    Ok(said)
}

async fn read_field(part: &mut Part<'_>, name: &str) -> Result<String, AppError> {
    let mut value = Vec::new();
    while let Some(bytes) = in_time(part.chunk()).await?.map_err(of_form)? {
        value.extend_from_slice(&bytes);
        if value.len() > FIELD_BYTES_MAX {
            return Err(bad(name, "is too long"));
        }
    }
    String::from_utf8(value).map_err(|_| bad(name, "must be UTF-8"))
}

fn of_form(_: MultipartError) -> AppError {
    broken_off()
}

async fn in_time<T>(piece: impl Future<Output = T>) -> Result<T, AppError> {
    tokio::time::timeout(PIECE_TIMEOUT, piece)
        .await
        .map_err(|_| AppError::TimedOut)
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
        (status = 401, description = "No live credential", body = AdminErrorReply),
        (status = 403, description = "The permission `uploads:read` is missing", body = AdminErrorReply),
        (status = 500, description = "A bug of ours", body = AdminErrorReply),
        (status = 503, description = "Temporarily unavailable", body = AdminErrorReply),
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
        (status = 401, description = "No live credential", body = AdminErrorReply),
        (status = 403, description = "The permission `uploads:read` is missing", body = AdminErrorReply),
        (status = 404, description = "The shop has no such upload", body = AdminErrorReply),
        (status = 500, description = "A bug of ours", body = AdminErrorReply),
        (status = 503, description = "Temporarily unavailable", body = AdminErrorReply),
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
        (status = 401, description = "No live credential", body = AdminErrorReply),
        (status = 403, description = "The permission `uploads:write` is missing", body = AdminErrorReply),
        (status = 404, description = "The shop has no such upload", body = AdminErrorReply),
        (status = 500, description = "A bug of ours", body = AdminErrorReply),
        (status = 503, description = "Temporarily unavailable", body = AdminErrorReply),
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
        (status = 401, description = "No live credential", body = AdminErrorReply),
        (status = 403, description = "The permission `uploads:read` is missing", body = AdminErrorReply),
        (status = 404, description = "The shop has no such upload", body = AdminErrorReply),
        (status = 500, description = "A bug of ours", body = AdminErrorReply),
        (status = 503, description = "Temporarily unavailable", body = AdminErrorReply),
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
    let errors = queries::list_errors(&mut db, &shop.id, &id, 0, ERRORS_AT_ONCE).await?;
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
