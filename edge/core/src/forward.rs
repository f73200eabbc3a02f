//! Passing what the edge does not answer on to the origin.

use footfall_shared::id::RequestId;
use footfall_shared::signing::{CALLER_HEADER, SIGNATURE_HEADER, TIMESTAMP_HEADER};
use footfall_shared::traceparent::TraceParent;
use http::header::{HeaderMap, HeaderName, HeaderValue};

use crate::error::EdgeError;
use crate::guard;
use crate::http::{Request, Response};
use crate::origin;
use crate::platform::{OriginRequest, Platform};
use crate::trace::Trace;

/// Largest body that is passed on: the order intake's own bound.
pub(crate) const FORWARD_BYTES_MAX: usize = 4 * 1024 * 1024;

/// The login, which the origin brakes by the client's address.
const LOGIN: &str = "/api/auth/login";

/// Headers that end at each hop (RFC 9110, 7.6.1), and those that the next client writes itself.
const HOP_BY_HOP: [&str; 10] = [
    "connection",
    "keep-alive",
    "proxy-authenticate",
    "proxy-authorization",
    "proxy-connection",
    "te",
    "trailer",
    "transfer-encoding",
    "upgrade",
    "content-length",
];

/// Headers in which a client could pretend to be somebody else behind us.
const SPOOFABLE: [&str; 9] = [
    "host",
    "forwarded",
    "x-real-ip",
    "x-client-ip",
    "x-cluster-client-ip",
    "true-client-ip",
    "cf-connecting-ip",
    "fastly-client-ip",
    "fly-client-ip",
];
/// Headers of tracing. Of what a client says about its trace only the ids go on, checked, from [`Trace`].
const TRACING: [&str; 3] = [TraceParent::HEADER, "tracestate", "baggage"];
const SPOOFABLE_PREFIXES: [&str; 3] = ["x-forwarded", "x-footfall-", "spin-"];

/// Whether a path belongs to the origin. Signed routes are never passed on: only edges call them.
pub(crate) fn belongs_to_origin(path: &str) -> bool {
    ["/api/", "/wp-json/", "/webhooks/", "/docs/"]
        .iter()
        .any(|prefix| path.starts_with(prefix))
        || matches!(path, "/openapi.json" | "/docs" | "/ready")
}

/// Asks the origin and gives its answer as it is.
pub(crate) async fn forward<P: Platform>(
    platform: &P,
    trace: &Trace,
    request: &Request,
) -> Result<Response, EdgeError> {
    if request.body.len() > FORWARD_BYTES_MAX {
        return Err(EdgeError::PayloadTooLarge(FORWARD_BYTES_MAX));
    }
    let mut headers = HeaderMap::new();
    let named = named_by_connection(&request.headers);
    for (name, value) in &request.headers {
        let text = name.as_str();
        let spoofed = SPOOFABLE.contains(&text)
            || TRACING.contains(&text)
            || SPOOFABLE_PREFIXES
                .iter()
                .any(|prefix| text.starts_with(prefix));
        if !spoofed && !is_hop_by_hop(name, &named) {
            headers.append(name.clone(), value.clone());
        }
    }
    tell_caller(platform, request, &mut headers);
    if let Ok(id) = HeaderValue::from_str(trace.request_id.as_str()) {
        headers.insert(HeaderName::from_static(RequestId::HEADER), id);
    }
    let path_and_query = match request.query.as_str() {
        "" => request.path.clone(),
        query => format!("{}?{query}", request.path),
    };
    let asked = OriginRequest {
        method: request.method.clone(),
        path_and_query,
        headers,
        body: request.body.clone(),
    };
    let answer = origin::send(platform, trace, asked)
        .await
        .map_err(EdgeError::OriginUnreachable)?;
    let named = named_by_connection(&answer.headers);
    let mut response = Response::empty(answer.status);
    for (name, value) in &answer.headers {
        if !is_hop_by_hop(name, &named) {
            response.headers.append(name.clone(), value.clone());
        }
    }
    response.body = answer.body;
    Ok(response)
}

/// To the origin every login that comes through here has our own address; the brake on guessing passwords
/// wants to tell the clients apart. They are told as a hash, and only where it is needed.
fn tell_caller<P: Platform>(platform: &P, request: &Request, headers: &mut HeaderMap) {
    if request.path != LOGIN {
        return;
    }
    let Some(address) = guard::client_ip(platform, request) else {
        return;
    };
    let keys = &platform.config().keys;
    let caller = keys.hash_caller(address);
    let made = keys.sign_caller(platform.now(), &caller);
    let told = [
        (CALLER_HEADER, caller.as_str()),
        (TIMESTAMP_HEADER, &made.timestamp),
        (SIGNATURE_HEADER, &made.signature),
    ];
    for (name, value) in told {
        if let Ok(value) = HeaderValue::from_str(value) {
            headers.insert(HeaderName::from_static(name), value);
        }
    }
}

fn named_by_connection(headers: &HeaderMap) -> Vec<String> {
    let values = headers
        .get_all("connection")
        .iter()
        .filter_map(|value| value.to_str().ok());
    values
        .flat_map(|value| value.split(','))
        .map(|name| name.trim().to_ascii_lowercase())
        .collect()
}

fn is_hop_by_hop(name: &HeaderName, named: &[String]) -> bool {
    HOP_BY_HOP.contains(&name.as_str()) || named.iter().any(|one| one == name.as_str())
}
