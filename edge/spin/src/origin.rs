//! The way to the origin: outgoing HTTP to `origin_url` alone.

use anyhow::Context as _;
use bytes::Bytes;
use footfall_edge::platform::{OriginLink, OriginRequest, OriginResponse, OriginUnreachable};
use http_body_util::{BodyExt as _, Full, Limited};
use spin_sdk::http::Uri;

/// Largest answer read, in bytes.
const ANSWER_BYTES_MAX: usize = 16 * 1024 * 1024;

/// Sends requests to the origin.
pub(crate) struct SpinOrigin {
    base: String,
}

impl SpinOrigin {
    /// The origin at this URL, without a trailing slash.
    pub(crate) fn new(url: &str) -> anyhow::Result<Self> {
        let base = url.trim().trim_end_matches('/').to_owned();
        let parsed: Uri = base.parse().context("origin_url")?;
        anyhow::ensure!(
            parsed.authority().is_some(),
            "origin_url must be an absolute URL"
        );
        Ok(Self { base })
    }
}

impl OriginLink for SpinOrigin {
    async fn send(&self, request: OriginRequest) -> Result<OriginResponse, OriginUnreachable> {
        let unreachable = |fault: String| OriginUnreachable(fault);
        let uri: Uri = format!("{}{}", self.base, request.path_and_query)
            .parse()
            .map_err(|_| unreachable("not a path".to_owned()))?;
        let mut outgoing = spin_sdk::http::Request::new(Full::new(Bytes::from(request.body)));
        *outgoing.method_mut() = request.method;
        *outgoing.uri_mut() = uri;
        *outgoing.headers_mut() = request.headers;
        let answer = spin_sdk::http::send(outgoing)
            .await
            .map_err(|fault| unreachable(fault.to_string()))?;
        let (head, body) = answer.into_parts();
        let body = Limited::new(body, ANSWER_BYTES_MAX)
            .collect()
            .await
            .map_err(|fault| unreachable(fault.to_string()))?;
        Ok(OriginResponse {
            status: head.status,
            headers: head.headers,
            body: body.to_bytes().into(),
        })
    }
}
