//! Signed calls to edges, over HTTP or HTTPS.

use std::time::Duration;

use axum::body::Bytes;
use footfall_shared::signing::{SIGNATURE_HEADER, TIMESTAMP_HEADER};
use http::header::CONTENT_TYPE;
use http_body_util::Full;
use hyper_rustls::{HttpsConnector, HttpsConnectorBuilder};
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;

use crate::app::App;

/// How long one call may take.
const CALL_TIMEOUT: Duration = Duration::from_secs(5);

/// Why an edge did not take a call.
#[derive(Debug, thiserror::Error)]
pub enum CallError {
    /// No signing key is set.
    #[error("FOOTFALL_EDGE_KEYS is not set, so nothing can be signed")]
    NoKeys,
    /// The edge's URL is no URL.
    #[error("the call cannot be built")]
    Unbuildable(#[source] http::Error),
    /// The edge was not reached.
    #[error("the edge cannot be reached")]
    Unreachable(#[source] hyper_util::client::legacy::Error),
    /// The edge did not answer in time.
    #[error("the edge did not answer in time")]
    TimedOut,
    /// The edge said no.
    #[error("the edge answered {0}")]
    Refused(http::StatusCode),
}

/// A pool of connections to the edges.
#[derive(Debug, Clone)]
pub(super) struct Caller(Client<HttpsConnector<HttpConnector>, Full<Bytes>>);

impl Caller {
    /// A pool without connections.
    pub(super) fn new() -> Self {
        let connector = HttpsConnectorBuilder::new()
            .with_webpki_roots()
            .https_or_http()
            .enable_http1()
            .build();
        Self(Client::builder(TokioExecutor::new()).build(connector))
    }

    /// Posts a JSON body to a signed route of an edge; anything but a 2xx is an error.
    pub(super) async fn post(
        &self,
        app: &App,
        edge: &str,
        path: &str,
        body: Vec<u8>,
    ) -> Result<(), CallError> {
        let keys = app.config().edge_keys.as_ref().ok_or(CallError::NoKeys)?;
        let signature = keys.keys().sign(app.now(), path, &body);
        let request = http::Request::post(format!("{edge}{path}"))
            .header(CONTENT_TYPE, "application/json")
            .header(TIMESTAMP_HEADER, signature.timestamp)
            .header(SIGNATURE_HEADER, signature.signature)
            .body(Full::new(Bytes::from(body)))
            .map_err(CallError::Unbuildable)?;
        let response = tokio::time::timeout(CALL_TIMEOUT, self.0.request(request))
            .await
            .map_err(|_| CallError::TimedOut)?
            .map_err(CallError::Unreachable)?;
        if response.status().is_success() {
            Ok(())
        } else {
            Err(CallError::Refused(response.status()))
        }
    }
}
