//! Signed calls to edges, over HTTP or HTTPS.

use std::time::Duration;

use axum::body::Bytes;
use footfall_shared::signing::{SIGNATURE_HEADER, TIMESTAMP_HEADER};
use footfall_shared::wire::internal::path::PUSH;
use http::header::CONTENT_TYPE;
use http_body_util::Full;

use crate::app::App;
use crate::http::outgoing::{Outgoing, OutgoingError, Patience};
use crate::traces::Call;

/// How long one call may take, and how much of an edge's answer is read: a ledger of some thousand shops.
const PATIENCE: Patience = Patience {
    timeout: Duration::from_secs(5),
    bytes_max: 1024 * 1024,
};

/// Why an edge did not take a call.
#[derive(Debug, thiserror::Error)]
pub enum CallError {
    /// No signing key is set.
    #[error("FOOTFALL_EDGE_KEYS is not set, so nothing can be signed")]
    NoKeys,
    /// The edge's URL is no URL.
    #[error("the call cannot be built")]
    Unbuildable(#[source] http::Error),
    /// The edge did not answer.
    #[error("the edge does not answer")]
    NoAnswer(#[source] OutgoingError),
    /// The edge said no.
    #[error("the edge answered {0}")]
    Refused(http::StatusCode),
}

/// A pool of connections to the edges.
#[derive(Debug, Clone)]
pub(super) struct Caller(Outgoing);

impl Caller {
    /// A pool without connections.
    pub(super) fn new() -> Self {
        Self(Outgoing::new())
    }

    /// Posts a JSON body to a signed route of an edge and gives the answer; anything but a 2xx is an error.
    pub(super) async fn post(
        &self,
        app: &App,
        edge: &str,
        path: &'static str,
        body: Vec<u8>,
    ) -> Result<Bytes, CallError> {
        let keys = app.config().edge_keys.as_ref().ok_or(CallError::NoKeys)?;
        let signature = keys.keys().sign(app.now(), path, &body);
        let mut request = http::Request::post(format!("{edge}{path}"))
            .header(CONTENT_TYPE, "application/json")
            .header(TIMESTAMP_HEADER, signature.timestamp)
            .header(SIGNATURE_HEADER, signature.signature)
            .body(Full::new(Bytes::from(body)))
            .map_err(CallError::Unbuildable)?;
        // The questions of a clock, each second, are no one's trace.
        let call = (path == PUSH).then(|| Call::to_edge(path, request.headers_mut()));
        let response = self.0.send(request, PATIENCE).await;
        if let Some(call) = call {
            let status = response.as_ref().ok().map(http::Response::status);
            call.end(status.map(|status| status.as_u16()));
        }
        let response = response.map_err(CallError::NoAnswer)?;
        if response.status().is_success() {
            Ok(response.into_body())
        } else {
            Err(CallError::Refused(response.status()))
        }
    }
}
