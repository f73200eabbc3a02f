//! What is sent: a raw body or a form, and what is said of the file.

use std::time::Duration;

use axum::body::Body;
use axum::extract::multipart::{Field as Part, MultipartError};
use axum::extract::{FromRequest, Multipart, Request};
use footfall_shared::id::ShopId;
use footfall_shared::text::bounded;
use footfall_shared::upload::field::Field;
use footfall_shared::upload::layout::Asked;
use http::header::CONTENT_TYPE;
use http_body_util::BodyExt as _;
use serde::Deserialize;
use utoipa::IntoParams;

use crate::app::App;
use crate::http::error::AppError;
use crate::http::extract::parse_json;
use crate::uploads::receive::{Incoming, Received};

/// How long the next piece of a file may take to arrive.
const PIECE_TIMEOUT: Duration = Duration::from_secs(30);
/// Longest field beside the file.
const FIELD_BYTES_MAX: usize = 64 * 1024;
/// Longest name of a file, in characters.
const NAME_CHARS_MAX: usize = 200;

/// What the sender may say of a raw file, in the query.
#[derive(Debug, Default, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(super) struct Said {
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

pub(super) fn bad(field: &str, reason: &str) -> AppError {
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

/// Takes a file, as the body or in a form, and what is said of it.
pub(super) async fn receive(
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
