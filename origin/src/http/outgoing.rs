//! The pooled client of everything that the origin calls: edges, shops, a collector of traces, and its own
//! health, over HTTP or HTTPS.
//!
//! It follows no redirect, so that what was sent to one host never reaches another. A pool for addresses that
//! strangers name ([`Outgoing::to_the_public`]) connects to public addresses only: it looks a name up once, refuses it
//! where one of its addresses is not public, and connects to what it has looked up.

use std::future::Future;
use std::net::SocketAddr;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use axum::body::Bytes;
use http::{Request, Response, StatusCode};
use http_body_util::{BodyExt, Full, LengthLimitError, Limited};
use hyper_rustls::{HttpsConnector, HttpsConnectorBuilder};
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::client::legacy::connect::dns::Name;
use hyper_util::rt::TokioExecutor;
use tower::Service;

use super::public_address::is_public;

/// Why a call got no answer.
#[derive(Debug, thiserror::Error)]
pub enum OutgoingError {
    /// Nobody answered, or the connection broke.
    #[error("it cannot be reached")]
    Unreachable(#[source] Box<dyn std::error::Error + Send + Sync>),
    /// No whole answer in time.
    #[error("it did not answer in time")]
    TimedOut,
    /// The answer is longer than the caller reads.
    #[error("its answer is longer than {bytes_max} bytes")]
    TooLong {
        /// What the caller reads.
        bytes_max: usize,
        /// The answer's status, which came before it.
        status: StatusCode,
    },
}

/// How long a caller waits and how much it reads.
#[derive(Debug, Clone, Copy)]
pub struct Patience {
    /// For the whole answer.
    pub timeout: Duration,
    /// Of its body.
    pub bytes_max: usize,
}

impl Patience {
    /// For a question about somebody's health.
    pub const SHORT: Self = Self {
        timeout: Duration::from_secs(3),
        bytes_max: 64 * 1024,
    };
}

/// A pool of connections, cheap to clone.
#[derive(Debug, Clone)]
pub struct Outgoing(Client<HttpsConnector<HttpConnector<Lookup>>, Full<Bytes>>);

impl Outgoing {
    /// A pool without connections.
    #[must_use]
    pub fn new() -> Self {
        Self::through(Lookup { only_public: false })
    }

    /// A pool that connects to public addresses only. A host that is an address itself is not looked up: callers
    /// check it before ([`public_address::check_host`](super::public_address::check_host)).
    #[must_use]
    pub fn to_the_public() -> Self {
        Self::through(Lookup { only_public: true })
    }

    fn through(lookup: Lookup) -> Self {
        let mut http = HttpConnector::new_with_resolver(lookup);
        http.enforce_http(false);
        let connector = HttpsConnectorBuilder::new()
            .with_webpki_roots()
            .https_or_http()
            .enable_http1()
            .wrap_connector(http);
        Self(Client::builder(TokioExecutor::new()).build(connector))
    }

    /// Asks a URL.
    pub async fn get(
        &self,
        url: &str,
        patience: Patience,
    ) -> Result<Response<Bytes>, OutgoingError> {
        let request = Request::get(url).body(Full::default());
        let request = request.map_err(|cause| OutgoingError::Unreachable(cause.into()))?;
        self.send(request, patience).await
    }

    /// Sends a request and reads the answer to its end, whatever its status.
    pub async fn send(
        &self,
        request: Request<Full<Bytes>>,
        patience: Patience,
    ) -> Result<Response<Bytes>, OutgoingError> {
        let Patience { timeout, bytes_max } = patience;
        tokio::time::timeout(timeout, self.exchange(request, bytes_max))
            .await
            .map_err(|_| OutgoingError::TimedOut)?
    }

    async fn exchange(
        &self,
        request: Request<Full<Bytes>>,
        bytes_max: usize,
    ) -> Result<Response<Bytes>, OutgoingError> {
        let response = self.0.request(request).await;
        let response = response.map_err(|cause| OutgoingError::Unreachable(cause.into()))?;
        let (parts, body) = response.into_parts();
        let body = Limited::new(body, bytes_max).collect().await;
        let body = body.map_err(|cause| {
            if cause.downcast_ref::<LengthLimitError>().is_some() {
                OutgoingError::TooLong {
                    bytes_max,
                    status: parts.status,
                }
            } else {
                OutgoingError::Unreachable(cause)
            }
        })?;
        Ok(Response::from_parts(parts, body.to_bytes()))
    }
}

/// Looks names up.
#[derive(Debug, Clone, Copy)]
struct Lookup {
    only_public: bool,
}

impl Service<Name> for Lookup {
    type Response = std::vec::IntoIter<SocketAddr>;
    type Error = std::io::Error;
    type Future = Pin<Box<dyn Future<Output = Result<Self::Response, Self::Error>> + Send>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Self::Error>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, name: Name) -> Self::Future {
        let only_public = self.only_public;
        Box::pin(async move {
            let found: Vec<SocketAddr> =
                tokio::net::lookup_host((name.as_str(), 0)).await?.collect();
            if only_public && !found.iter().all(|found| is_public(found.ip())) {
                return Err(std::io::Error::other("its address is not public"));
            }
            Ok(found.into_iter())
        })
    }
}

impl Default for Outgoing {
    fn default() -> Self {
        Self::new()
    }
}
