//! What the host itself answers when the component cannot: always the contract's error envelope.

use http::header::{CONTENT_TYPE, HeaderValue, RETRY_AFTER};
use http::{Response, StatusCode};
use http_body_util::Full;
use hyper::body::Bytes;

/// A request that gets no reply of the component.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Fault {
    /// The request's target or method is none that a component can be given.
    BadRequest,
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
    pub(crate) fn reply(self) -> Response<Full<Bytes>> {
        let mut reply = Response::new(Full::new(Bytes::from_static(self.body().as_bytes())));
        *reply.status_mut() = self.status();
        let headers = reply.headers_mut();
        headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
        if self == Self::Overloaded {
            headers.insert(RETRY_AFTER, HeaderValue::from_static("1"));
        }
        reply
    }
}
