//! Extractors: JSON bodies, query strings and signed calls, each bounded and with faults that name the
//! field.
//!
//! Who is asking is extracted in [`crate::auth`].

use std::time::Duration;

use axum::body::{Body, Bytes};
use axum::extract::{FromRequest, FromRequestParts, OriginalUri, Request};
use axum::http::request::Parts;
use footfall_shared::signing::{SIGNATURE_HEADER, TIMESTAMP_HEADER};
use http::header::{CONTENT_LENGTH, CONTENT_TYPE};
use http::{HeaderMap, Uri};
use http_body_util::{BodyExt, LengthLimitError, Limited};
use serde::Deserialize;
use serde::de::DeserializeOwned;

use super::error::AppError;
use super::json_fault;
use crate::app::App;

/// Longest ordinary body.
pub const BODY_BYTES_MAX: usize = 64 * 1024;
/// Longest body of an order intake: a thousand orders with their items.
pub const ORDERS_BYTES_MAX: usize = 4 * 1024 * 1024;
/// Longest signed call of an edge: a batch of events.
pub const SIGNED_BYTES_MAX: usize = 8 * 1024 * 1024;
/// How long a body may take to arrive.
const BODY_TIMEOUT: Duration = Duration::from_secs(15);
/// How much of a refused body is read on.
const DISCARDED_BYTES_MAX: usize = 32 * 1024 * 1024;
/// And for how long.
const DISCARD_TIMEOUT: Duration = Duration::from_secs(2);

/// A JSON body of at most `BYTES_MAX` bytes.
#[derive(Debug)]
pub struct Wire<T, const BYTES_MAX: usize = BODY_BYTES_MAX>(pub T);

impl<T, const BYTES_MAX: usize> FromRequest<App> for Wire<T, BYTES_MAX>
where
    T: DeserializeOwned,
{
    type Rejection = AppError;

    async fn from_request(request: Request, _: &App) -> Result<Self, AppError> {
        require_json(request.headers())?;
        let body = read_body(request, BYTES_MAX).await?;
        parse_json(&body).map(Self)
    }
}

/// The raw JSON body of at most `BYTES_MAX` bytes, for what is parsed piece by piece with
/// [`parse_shape`].
#[derive(Debug)]
pub struct JsonBody<const BYTES_MAX: usize>(pub Bytes);

impl<const BYTES_MAX: usize> FromRequest<App> for JsonBody<BYTES_MAX> {
    type Rejection = AppError;

    async fn from_request(request: Request, _: &App) -> Result<Self, AppError> {
        require_json(request.headers())?;
        read_body(request, BYTES_MAX).await.map(Self)
    }
}

/// The raw body of at most `BYTES_MAX` bytes, whatever it is called: for what is signed as it was sent.
#[derive(Debug)]
pub struct RawBody<const BYTES_MAX: usize>(pub Bytes);

impl<const BYTES_MAX: usize> FromRequest<App> for RawBody<BYTES_MAX> {
    type Rejection = AppError;

    async fn from_request(request: Request, _: &App) -> Result<Self, AppError> {
        read_body(request, BYTES_MAX).await.map(Self)
    }
}

/// A query string.
#[derive(Debug)]
pub struct WireQuery<T>(pub T);

impl<T: DeserializeOwned> FromRequestParts<App> for WireQuery<T> {
    type Rejection = AppError;

    async fn from_request_parts(parts: &mut Parts, _: &App) -> Result<Self, AppError> {
        parse_query(parts.uri.query().unwrap_or_default()).map(Self)
    }
}

/// The body of a call that an edge signed: the signature is checked over the raw bytes, then they are
/// parsed.
#[derive(Debug)]
pub struct SignedEdge<T>(pub T);

impl<T: DeserializeOwned> FromRequest<App> for SignedEdge<T> {
    type Rejection = AppError;

    async fn from_request(request: Request, app: &App) -> Result<Self, AppError> {
        let SignedBody(body) = SignedBody::from_request(request, app).await?;
        parse_json(&body).map(Self)
    }
}

/// The raw JSON body of a call that an edge signed, for what is parsed piece by piece with
/// [`parse_shape`].
#[derive(Debug)]
pub struct SignedBody(pub Bytes);

impl FromRequest<App> for SignedBody {
    type Rejection = AppError;

    async fn from_request(request: Request, app: &App) -> Result<Self, AppError> {
        let headers = request.headers();
        let header = |name| {
            headers
                .get(name)
                .and_then(|value| value.to_str().ok())
                .map(str::to_owned)
        };
        let (timestamp, signature) = (header(TIMESTAMP_HEADER), header(SIGNATURE_HEADER));
        if timestamp.is_none() || signature.is_none() {
            // Nobody reads megabytes for a caller who did not even try.
            return Err(AppError::Unauthorized);
        }
        let keys = app
            .config()
            .edge_keys
            .as_ref()
            .ok_or(AppError::Unauthorized)?;
        require_json(headers)?;
        let path = path_of(&request);
        let body = read_body(request, SIGNED_BYTES_MAX).await?;
        keys.keys()
            .verify(
                app.now(),
                &path,
                &body,
                timestamp.as_deref(),
                signature.as_deref(),
            )
            .map_err(|fault| {
                tracing::debug!(reason = %fault, "signed call refused");
                AppError::Unauthorized
            })?;
        Ok(Self(body))
    }
}

fn path_of(request: &Request) -> String {
    let original = request
        .extensions()
        .get::<OriginalUri>()
        .map(|OriginalUri(uri)| uri);
    let uri: &Uri = original.unwrap_or(request.uri());
    uri.path().to_owned()
}

fn require_json(headers: &HeaderMap) -> Result<(), AppError> {
    let value = headers
        .get(CONTENT_TYPE)
        .and_then(|value| value.to_str().ok())
        .unwrap_or_default();
    let essence = value
        .split(';')
        .next()
        .unwrap_or_default()
        .trim()
        .to_ascii_lowercase();
    let json = essence == "application/json"
        || (essence.starts_with("application/") && essence.ends_with("+json"));
    if json {
        Ok(())
    } else {
        Err(AppError::UnsupportedMediaType)
    }
}

/// Reads the whole body, at most `bytes_max` of it.
async fn read_body(request: Request, bytes_max: usize) -> Result<Bytes, AppError> {
    let told = request.headers().get(CONTENT_LENGTH);
    let told = told.and_then(|value| value.to_str().ok()?.parse::<u64>().ok());
    let mut body = request.into_body();
    let read = if told.is_some_and(|told| told > bytes_max as u64) {
        Err(AppError::TooLarge { bytes_max })
    } else {
        let reading = read_at_most(&mut body, bytes_max);
        tokio::time::timeout(BODY_TIMEOUT, reading)
            .await
            .unwrap_or(Err(AppError::TimedOut))
    };
    if matches!(read, Err(AppError::TooLarge { .. })) {
        discard(&mut body).await;
    }
    read
}

async fn read_at_most(body: &mut Body, bytes_max: usize) -> Result<Bytes, AppError> {
    match Limited::new(body, bytes_max).collect().await {
        Ok(collected) => Ok(collected.to_bytes()),
        Err(error) if error.downcast_ref::<LengthLimitError>().is_some() => {
            Err(AppError::TooLarge { bytes_max })
        }
        // The client went away or sent broken framing.
        Err(_) => Err(AppError::BadRequest {
            field: None,
            reason: "The body could not be read".into(),
        }),
    }
}

/// Reads on for a while. Many clients look for the reply only when they have sent everything, and would
/// see nothing but a broken connection.
async fn discard(body: &mut Body) {
    let reading = async {
        let mut left = DISCARDED_BYTES_MAX;
        while let Some(Ok(frame)) = body.frame().await {
            left = left.saturating_sub(frame.data_ref().map_or(0, Bytes::len));
            if left == 0 {
                return;
            }
        }
    };
    let _ = tokio::time::timeout(DISCARD_TIMEOUT, reading).await;
}

/// Parses a JSON body without NUL characters; a fault names the field and never repeats its value.
pub fn parse_json<'de, T: Deserialize<'de>>(body: &'de [u8]) -> Result<T, AppError> {
    let parsed = parse_shape(body)?;
    if json_fault::has_nul_escape(body) {
        let value = serde_json::from_slice(body).unwrap_or_default();
        let field = json_fault::find_nul(&value).filter(|field| !field.is_empty());
        return Err(AppError::BadRequest {
            field,
            reason: "must not contain a NUL character".into(),
        });
    }
    Ok(parsed)
}

/// As [`parse_json`], but lets NUL characters pass: for an envelope of parts that are each checked when
/// they are parsed, so that one bad part does not fail the rest.
pub fn parse_shape<'de, T: Deserialize<'de>>(body: &'de [u8]) -> Result<T, AppError> {
    let not_json = || AppError::BadRequest {
        field: None,
        reason: "The body is not valid JSON".into(),
    };
    let mut deserializer = serde_json::Deserializer::from_slice(body);
    let parsed = serde_path_to_error::deserialize(&mut deserializer).map_err(|fault| {
        let path = fault.path().to_string();
        let cause = fault.into_inner();
        match (cause.classify(), json_fault::field_of(&path)) {
            (serde_json::error::Category::Data, _) => {
                json_fault::bad_request(&path, &cause.to_string())
            }
            // A lone surrogate or a control character: the text is broken at a known place.
            (serde_json::error::Category::Syntax, Some(field)) => AppError::BadRequest {
                field: Some(field),
                reason: "is not valid JSON".into(),
            },
            _ => not_json(),
        }
    })?;
    deserializer.end().map_err(|_| not_json())?;
    Ok(parsed)
}

fn parse_query<T: DeserializeOwned>(query: &str) -> Result<T, AppError> {
    if let Some((name, _)) = form_urlencoded::parse(query.as_bytes())
        .find(|(name, value)| name.contains('\0') || value.contains('\0'))
    {
        let field = (!name.contains('\0')).then(|| name.into_owned());
        return Err(AppError::BadRequest {
            field,
            reason: "must not contain a NUL character".into(),
        });
    }
    let pairs = form_urlencoded::parse(query.as_bytes());
    serde_path_to_error::deserialize(serde_urlencoded::Deserializer::new(pairs)).map_err(|fault| {
        let path = fault.path().to_string();
        json_fault::bad_request(&path, &fault.into_inner().to_string())
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug, serde::Deserialize)]
    struct Body {
        #[expect(dead_code, reason = "only its parsing is under test")]
        name: String,
        #[expect(dead_code, reason = "only its parsing is under test")]
        quantity: u32,
    }

    fn message(body: &[u8]) -> String {
        parse_json::<Body>(body).unwrap_err().public_message()
    }

    #[test]
    fn a_broken_body_names_its_field() {
        let cases: [(&[u8], &str); 10] = [
            (b"", "The body is not valid JSON"),
            (b"{", "The body is not valid JSON"),
            (b"\xff\xfe", "The body is not valid JSON"),
            (
                b"{\"name\":\"a\",\"quantity\":1} x",
                "The body is not valid JSON",
            ),
            (b"{\"quantity\":1}", "name is required"),
            (b"{\"name\":5,\"quantity\":1}", "name must be a string"),
            (b"{\"name\":\"a\",\"quantity\":-1}", "quantity must be u32"),
            (
                b"{\"name\":\"a\",\"quantity\":1e99}",
                "quantity must be u32",
            ),
            (
                b"{\"name\":\"\\ud800\",\"quantity\":1}",
                "name is not valid JSON",
            ),
            (
                b"{\"name\":\"\\u0000\",\"quantity\":1}",
                "name must not contain a NUL character",
            ),
        ];
        for (body, expected) in cases {
            assert_eq!(message(body), expected, "{}", String::from_utf8_lossy(body));
        }
    }

    #[test]
    fn a_broken_query_names_its_field() {
        #[derive(Debug, serde::Deserialize)]
        struct Query {
            #[expect(dead_code, reason = "only its parsing is under test")]
            limit: Option<u32>,
        }
        let message = |query| parse_query::<Query>(query).unwrap_err().public_message();
        assert!(message("limit=many").starts_with("limit "));
        assert!(!message("limit=many").contains("many"));
        assert_eq!(message("limit=1&limit=2"), "limit stands there twice");
        assert_eq!(message("q=%00"), "q must not contain a NUL character");
    }

    proptest::proptest! {
        #[test]
        fn arbitrary_bytes_never_panic(body: Vec<u8>) {
            let _ = parse_json::<Body>(&body);
        }
    }
}
