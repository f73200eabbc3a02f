//! What surrounds every handler: request id, span, panic guard, time limit, and the envelope where no
//! handler was reached.
//!
//! **Invariant:** no query string, header, body or address reaches a span or a log line. Test:
//! `a_request_id_runs_through_and_a_wild_one_is_replaced` and the span's fields below.

use std::any::Any;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::extract::{MatchedPath, Request, State};
use axum::middleware::{Next, from_fn, from_fn_with_state};
use axum::response::{IntoResponse, Response};
use footfall_shared::id::RequestId;
use http::header::{ALLOW, CONTENT_TYPE};
use http::{HeaderName, HeaderValue, Method, StatusCode};
use tower_http::catch_panic::CatchPanicLayer;
use tracing::Instrument;

use super::envelope;
use super::error::{AppError, RefusalCode};
use crate::app::{Clock, system_entropy};
use crate::audit::AuditSlot;
use crate::metrics::Metrics;
use crate::traces;

/// The header that carries a request's id in and out.
pub const REQUEST_ID: HeaderName = HeaderName::from_static(RequestId::HEADER);
/// How long a handler may work. Longer work is a job, not a request.
const HANDLER_TIMEOUT: Duration = Duration::from_secs(30);

/// Wraps the router, the first named layer innermost.
pub fn surround(router: Router, metrics: Arc<Metrics>) -> Router {
    router
        .layer(from_fn(answer_in_the_envelope))
        .layer(from_fn(limit_time))
        .layer(CatchPanicLayer::custom(answer_panic))
        .layer(from_fn(envelope::dress))
        .layer(from_fn_with_state(metrics, identify))
}

/// Gives the request an id, a span and a line in the log.
async fn identify(
    State(metrics): State<Arc<Metrics>>,
    mut request: Request,
    next: Next,
) -> Response {
    let id = request_id(&request);
    request.headers_mut().insert(REQUEST_ID, id.clone());
    // The route's pattern, never the path: a path may hold an email or an id.
    let route = request
        .extensions()
        .get::<MatchedPath>()
        .map_or("unmatched", MatchedPath::as_str)
        .to_owned();
    let kept = AuditSlot::default();
    request.extensions_mut().insert(kept.clone());
    let span = tracing::info_span!(
        "request",
        request.id = id.to_str().unwrap_or_default(),
        http.method = %request.method(),
        http.route = route,
    );
    let traced = traces::Request::receive(request.method(), &route, request.headers());
    let begun = std::time::Instant::now();
    let answered = async {
        let response = next.run(request).await;
        let duration_ms = u64::try_from(begun.elapsed().as_millis()).unwrap_or(u64::MAX);
        let status = response.status().as_u16();
        tracing::info!(http.status = status, duration_ms, "request answered");
        response
    }
    .instrument(span);
    let mut response = traced.around(answered).await;
    if let Some(begun) = kept.take() {
        begun.settle(response.status()).await;
    }
    traced.end(response.status().as_u16());
    response.headers_mut().insert(REQUEST_ID, id);
    metrics.answered(&route, response.status().as_u16());
    if let Some(RefusalCode(code)) = response.extensions().get() {
        metrics.refused(code);
    }
    response
}

fn request_id(request: &Request) -> HeaderValue {
    let given = request.headers().get(REQUEST_ID);
    let given = given
        .and_then(|value| value.to_str().ok())
        .and_then(RequestId::parse);
    let id = given.unwrap_or_else(|| RequestId::generate(Clock::System.now(), system_entropy()));
    // Letters and digits always fit a header; the fallback only satisfies the type.
    HeaderValue::from_str(id.as_str()).unwrap_or(HeaderValue::from_static("unknown"))
}

async fn limit_time(request: Request, next: Next) -> Response {
    // A large file takes its time; its route looks after its own.
    if request.method() == Method::POST && request.uri().path() == crate::uploads::RECEIVING {
        return next.run(request).await;
    }
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
