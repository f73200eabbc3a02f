//! What the host itself answers when the component cannot: always the contract's error envelope, with the
//! headers that the component's own replies have.

use footfall_shared::id::{Entropy, RequestId};
use footfall_shared::time::UtcMillis;
use http::header::{
    ACCESS_CONTROL_ALLOW_ORIGIN, ACCESS_CONTROL_EXPOSE_HEADERS, CONTENT_TYPE, HeaderValue, ORIGIN,
    RETRY_AFTER, VARY,
};
use http::{HeaderMap, HeaderName, Response, StatusCode};
use http_body_util::Full;
use hyper::body::Bytes;
use std::time::{SystemTime, UNIX_EPOCH};

const SERVER_TIMING: HeaderName = HeaderName::from_static("server-timing");

/// What a fault's reply needs of its request.
pub(crate) struct Asked {
    request_id: Option<HeaderValue>,
    /// The page that asked, where one did: without leave it could not read why it was refused.
    page: Option<HeaderValue>,
    at: SystemTime,
}

impl Asked {
    pub(crate) fn of(headers: &HeaderMap) -> Self {
        Self {
            request_id: headers.get(RequestId::HEADER).cloned(),
            page: headers.get(ORIGIN).cloned(),
            at: SystemTime::now(),
        }
    }

    fn request_id(&self) -> RequestId {
        let given = self.request_id.as_ref().and_then(|id| id.to_str().ok());
        given.and_then(RequestId::parse).unwrap_or_else(|| {
            let since = self.at.duration_since(UNIX_EPOCH).unwrap_or_default();
            let now = i64::try_from(since.as_millis()).unwrap_or(i64::MAX);
            let mut entropy = Entropy::default();
            // Without randomness two ids of one millisecond could be equal, which harms nobody here.
            let _ = getrandom::fill(&mut entropy);
            RequestId::generate(UtcMillis::new(now), entropy)
        })
    }
}

/// A request that gets no reply of the component.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Fault {
    /// No HTTP, or a target or method that a component cannot be given.
    BadRequest,
    UriTooLong,
    /// Too many headers, or too long ones.
    HeadersTooLarge,
    /// The body did not arrive in time, or broke off.
    BodyIncomplete,
    PayloadTooLarge,
    /// The component trapped, returned an error or broke off its reply.
    Internal,
    /// No instance became free, or none could be made.
    Overloaded,
    Timeout,
}

impl Fault {
    fn status(self) -> StatusCode {
        match self {
            Self::BadRequest => StatusCode::BAD_REQUEST,
            Self::UriTooLong => StatusCode::URI_TOO_LONG,
            Self::HeadersTooLarge => StatusCode::REQUEST_HEADER_FIELDS_TOO_LARGE,
            Self::BodyIncomplete => StatusCode::REQUEST_TIMEOUT,
            Self::PayloadTooLarge => StatusCode::PAYLOAD_TOO_LARGE,
            Self::Internal => StatusCode::INTERNAL_SERVER_ERROR,
            Self::Overloaded => StatusCode::SERVICE_UNAVAILABLE,
            Self::Timeout => StatusCode::GATEWAY_TIMEOUT,
        }
    }

    fn body(self) -> &'static str {
        match self {
            Self::BadRequest => r#"{"success":false,"message":"Bad request","code":"bad_request"}"#,
            Self::UriTooLong => {
                r#"{"success":false,"message":"The URL is too long","code":"uri_too_long"}"#
            }
            Self::HeadersTooLarge => {
                r#"{"success":false,"message":"The request's headers are too many or too long","code":"headers_too_large"}"#
            }
            Self::BodyIncomplete => {
                r#"{"success":false,"message":"The request body did not arrive","code":"request_timeout"}"#
            }
            Self::PayloadTooLarge => {
                r#"{"success":false,"message":"Payload too large","code":"payload_too_large"}"#
            }
            Self::Internal => {
                r#"{"success":false,"message":"Internal server error","code":"internal_error"}"#
            }
            Self::Overloaded => {
                r#"{"success":false,"message":"Too many requests at once","code":"overloaded"}"#
            }
            Self::Timeout => {
                r#"{"success":false,"message":"The request took too long","code":"timeout"}"#
            }
        }
    }

    /// The reply that the client sees.
    pub(crate) fn reply(self, asked: Asked) -> Response<Full<Bytes>> {
        let mut reply = Response::new(Full::new(Bytes::from_static(self.body().as_bytes())));
        *reply.status_mut() = self.status();
        let headers = reply.headers_mut();
        headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
        if self == Self::Overloaded {
            headers.insert(RETRY_AFTER, HeaderValue::from_static("1"));
        }
        if let Ok(id) = HeaderValue::from_str(asked.request_id().as_str()) {
            headers.insert(RequestId::HEADER, id);
        }
        let took = asked.at.elapsed().unwrap_or_default().as_millis();
        if let Ok(timing) = HeaderValue::try_from(format!("host;dur={took}")) {
            headers.insert(SERVER_TIMING, timing);
        }
        if let Some(page) = asked.page {
            headers.insert(ACCESS_CONTROL_ALLOW_ORIGIN, page);
            headers.insert(VARY, HeaderValue::from_static("Origin"));
            let exposed = HeaderValue::from_static("Server-Timing, X-Request-Id, Retry-After");
            headers.insert(ACCESS_CONTROL_EXPOSE_HEADERS, exposed);
        }
        reply
    }

    /// The reply as bytes of HTTP/1.1, the last ones of their connection.
    pub(crate) fn written(self, asked: Asked) -> Vec<u8> {
        let reply = self.reply(asked);
        let status = reply.status();
        let mut bytes = format!("HTTP/1.1 {status}\r\n").into_bytes();
        for (name, value) in reply.headers() {
            bytes.extend_from_slice(name.as_str().as_bytes());
            bytes.extend_from_slice(b": ");
            bytes.extend_from_slice(value.as_bytes());
            bytes.extend_from_slice(b"\r\n");
        }
        let body = self.body();
        let ending = format!(
            "content-length: {}\r\nconnection: close\r\n\r\n{body}",
            body.len()
        );
        bytes.extend_from_slice(ending.as_bytes());
        bytes
    }
}
