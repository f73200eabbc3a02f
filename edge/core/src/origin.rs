//! Signed questions to the origin.

use footfall_shared::id::RequestId;
use footfall_shared::signing::{SIGNATURE_HEADER, TIMESTAMP_HEADER};
use footfall_shared::traceparent::TraceParent;
use http::header::{CONTENT_TYPE, HeaderMap, HeaderName, HeaderValue};
use http::{Method, StatusCode};
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::platform::{OriginLink, OriginRequest, OriginResponse, OriginUnreachable, Platform};
use crate::trace::Trace;

/// Asks a signed route and reads its JSON answer. Anything but a 200 with the expected body counts as no
/// answer: the edge cannot tell a broken origin from an absent one.
pub(crate) async fn ask<P: Platform, T: DeserializeOwned>(
    platform: &P,
    trace: &Trace,
    path: &'static str,
    question: &impl Serialize,
) -> Result<T, OriginUnreachable> {
    let body =
        serde_json::to_vec(question).map_err(|fault| OriginUnreachable(fault.to_string()))?;
    let answer = send_signed(platform, trace, path, body).await?;
    if answer.status != StatusCode::OK {
        return Err(OriginUnreachable(format!(
            "{path} answered {}",
            answer.status
        )));
    }
    serde_json::from_slice(&answer.body)
        .map_err(|fault| OriginUnreachable(format!("{path} answered unreadably: {fault}")))
}

/// Sends a signed POST and gives the answer as it is.
pub(crate) async fn send_signed<P: Platform>(
    platform: &P,
    trace: &Trace,
    path: &'static str,
    body: Vec<u8>,
) -> Result<OriginResponse, OriginUnreachable> {
    let signed = platform.config().keys.sign(platform.now(), path, &body);
    let mut headers = HeaderMap::new();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    for (name, value) in [
        (TIMESTAMP_HEADER, signed.timestamp.as_str()),
        (SIGNATURE_HEADER, signed.signature.as_str()),
        (RequestId::HEADER, trace.request_id.as_str()),
    ] {
        if let Ok(value) = HeaderValue::from_str(value) {
            headers.insert(HeaderName::from_static(name), value);
        }
    }
    let request = OriginRequest {
        method: Method::POST,
        path_and_query: path.to_owned(),
        headers,
        body,
    };
    send(platform, trace, request).await
}

/// Sends any request to the origin, as part of the caller's trace, and notes how long it took.
pub(crate) async fn send<P: Platform>(
    platform: &P,
    trace: &Trace,
    mut request: OriginRequest,
) -> Result<OriginResponse, OriginUnreachable> {
    let parent = trace.parent.map(|parent| parent.to_string());
    if let Some(parent) = parent.and_then(|text| HeaderValue::try_from(text).ok()) {
        let name = HeaderName::from_static(TraceParent::HEADER);
        request.headers.insert(name, parent);
    }
    let started = platform.now();
    let answer = platform.origin().send(request).await;
    trace.origin(platform.now().since(started));
    answer
}
