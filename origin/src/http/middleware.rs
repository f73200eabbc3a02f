//! What surrounds every handler: request id, span, panic guard, time limit, and the envelope where no
//! handler was reached.
//!
//! **Invariant:** no query string, header, body or address reaches a span or a log line. Test:
//! `a_request_id_runs_through_and_a_wild_one_is_replaced` and the span's fields below.

use std::any::Any;
use std::time::Duration;

use axum::Router;
use axum::extract::{MatchedPath, Request};
use axum::middleware::{Next, from_fn};
use axum::response::{IntoResponse, Response};
use footfall_shared::text::hex;
use http::header::{ALLOW, CONTENT_TYPE};
use http::{HeaderName, HeaderValue, StatusCode};
use tower_http::catch_panic::CatchPanicLayer;
use tracing::Instrument;

use super::error::AppError;
use crate::app::system_entropy;

/// The header that carries a request's id in and out.
pub const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");
/// Longest id taken from outside, in characters.
const REQUEST_ID_CHARS_MAX: usize = 64;
/// How long a handler may work. Longer work is a job, not a request.
const HANDLER_TIMEOUT: Duration = Duration::from_secs(30);

/// Wraps the router, the first named layer innermost.
pub fn surround(router: Router) -> Router {
    router
        .layer(from_fn(answer_in_the_envelope))
        .layer(from_fn(limit_time))
        .layer(CatchPanicLayer::custom(answer_panic))
        .layer(from_fn(identify))
}

/// Gives the request an id, a span and a line in the log.
async fn identify(mut request: Request, next: Next) -> Response {
    let id = request_id(&request);
    request.headers_mut().insert(REQUEST_ID, id.clone());
    // The route's pattern, never the path: a path may hold an email or an id.
    let route = request
        .extensions()
        .get::<MatchedPath>()
        .map_or("unmatched", MatchedPath::as_str);
    let span = tracing::info_span!(
        "request",
        request.id = id.to_str().unwrap_or_default(),
        http.method = %request.method(),
        http.route = route,
    );
    let begun = std::time::Instant::now();
    let mut response = async {
        let response = next.run(request).await;
        let duration_ms = u64::try_from(begun.elapsed().as_millis()).unwrap_or(u64::MAX);
        let status = response.status().as_u16();
        tracing::info!(http.status = status, duration_ms, "request answered");
        response
    }
    .instrument(span)
    .await;
    response.headers_mut().insert(REQUEST_ID, id);
    response
}

fn request_id(request: &Request) -> HeaderValue {
    let given = request.headers().get(REQUEST_ID);
    if let Some(given) = given.filter(|value| is_request_id(value.as_bytes())) {
        return given.clone();
    }
    let made = hex(&system_entropy::<16>());
    // Hexadecimal digits always fit a header; the fallback only satisfies the type.
    HeaderValue::from_str(&made).unwrap_or(HeaderValue::from_static("unknown"))
}

fn is_request_id(text: &[u8]) -> bool {
    let plain = |byte: &u8| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-');
    !text.is_empty() && text.len() <= REQUEST_ID_CHARS_MAX && text.iter().all(plain)
}

async fn limit_time(request: Request, next: Next) -> Response {
    match tokio::time::timeout(HANDLER_TIMEOUT, next.run(request)).await {
        Ok(response) => response,
        Err(_) => AppError::TimedOut.into_response(),
    }
}

fn answer_panic(cause: Box<dyn Any + Send>) -> Response {
    let text = cause
        .downcast_ref::<String>()
        .cloned()
        .or_else(|| cause.downcast_ref::<&str>().map(|text| (*text).to_owned()));
    let panic = text.unwrap_or_else(|| "a value that is no text".into());
    AppError::internal("a handler panicked", panic).into_response()
}

/// axum answers an unknown path or method with an empty or plain body; the contract wants its envelope.
async fn answer_in_the_envelope(request: Request, next: Next) -> Response {
    let response = next.run(request).await;
    let enveloped = response
        .headers()
        .get(CONTENT_TYPE)
        .is_some_and(|value| value.as_bytes().starts_with(b"application/json"));
    if enveloped {
        return response;
    }
    match response.status() {
        StatusCode::NOT_FOUND => AppError::NotFound.into_response(),
        StatusCode::METHOD_NOT_ALLOWED => {
            let allowed = response.headers().get(ALLOW).cloned();
            AppError::MethodNotAllowed { allowed }.into_response()
        }
        _ => response,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_short_plain_ids_are_taken_from_outside() {
        for id in ["a", "req_01-X", &"a".repeat(64)] {
            assert!(is_request_id(id.as_bytes()), "{id}");
        }
        for id in ["", "a b", "a\"", "é", "../x", &"a".repeat(65)] {
            assert!(!is_request_id(id.as_bytes()), "{id}");
        }
    }
}
