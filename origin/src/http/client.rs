//! A small client for questions on plain HTTP: health checks of the supervisor and of `footfall doctor`.

use std::time::Duration;

use axum::body::Bytes;
use http::request::Builder;
use http::{Request, Response};
use http_body_util::{BodyExt, Full, Limited};
use hyper_util::client::legacy::Client;
use hyper_util::rt::TokioExecutor;

/// Longest answer read.
const ANSWER_BYTES_MAX: usize = 64 * 1024;
/// How long one question may take.
const TIMEOUT: Duration = Duration::from_secs(3);

/// Why a question got no answer.
#[derive(Debug, thiserror::Error)]
pub enum AskError {
    /// Not a URL of plain HTTP.
    #[error("only http:// URLs can be asked from here")]
    Url,
    /// Nobody listens, or the connection broke.
    #[error("nothing answers there")]
    Unreachable(#[source] Box<dyn std::error::Error + Send + Sync>),
    /// No answer in time.
    #[error("no answer within {} s", TIMEOUT.as_secs())]
    Timeout,
}

/// Asks `url` with GET.
pub async fn get(url: &str) -> Result<Response<Bytes>, AskError> {
    send(Request::get(url), Bytes::new()).await
}

/// Sends one request, and reads the answer to its end.
pub async fn send(request: Builder, body: Bytes) -> Result<Response<Bytes>, AskError> {
    let request = request.body(Full::new(body)).map_err(|_| AskError::Url)?;
    if request.uri().scheme_str() != Some("http") {
        return Err(AskError::Url);
    }
    tokio::time::timeout(TIMEOUT, exchange(request))
        .await
        .map_err(|_| AskError::Timeout)?
}

async fn exchange(request: Request<Full<Bytes>>) -> Result<Response<Bytes>, AskError> {
    let client = Client::builder(TokioExecutor::new()).build_http();
    let response = client
        .request(request)
        .await
        .map_err(|cause| AskError::Unreachable(cause.into()))?;
    let (parts, body) = response.into_parts();
    let body = Limited::new(body, ANSWER_BYTES_MAX);
    let body = body.collect().await.map_err(AskError::Unreachable)?;
    Ok(Response::from_parts(parts, body.to_bytes()))
}
