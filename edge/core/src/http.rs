//! Requests and responses as the core sees them: whole bodies, standard header types.

use std::net::IpAddr;

use footfall_shared::identity::Geo;
use http::header::{CONTENT_TYPE, HeaderName, HeaderValue};
use http::{HeaderMap, Method, StatusCode};
use serde::Serialize;

/// A request, read whole by the platform (which bounds the body).
#[derive(Debug, Clone)]
pub struct Request {
    /// The method.
    pub method: Method,
    /// The path, beginning with `/`.
    pub path: String,
    /// The query without `?`; empty where there is none.
    pub query: String,
    /// The headers.
    pub headers: HeaderMap,
    /// The body as it was sent.
    pub body: Vec<u8>,
    /// The socket's address, as the platform tells it.
    pub peer: Option<IpAddr>,
    /// Where the client is, where the platform tells it.
    pub geo: Option<Geo>,
}

impl Request {
    /// A header's value where it is plain text.
    #[must_use]
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).and_then(|value| value.to_str().ok())
    }

    /// The first value of a query parameter, decoded.
    #[must_use]
    pub fn query_value(&self, name: &str) -> Option<String> {
        form_urlencoded::parse(self.query.as_bytes())
            .find(|(key, _)| key == name)
            .map(|(_, value)| value.into_owned())
    }

    /// The path as it is told to people and programs that list routes; never with a query.
    #[must_use]
    pub fn segments(&self) -> Vec<&str> {
        self.path.trim_matches('/').split('/').collect()
    }
}

/// A response with its whole body.
#[derive(Debug, Clone)]
pub struct Response {
    /// The status.
    pub status: StatusCode,
    /// The headers.
    pub headers: HeaderMap,
    /// The body.
    pub body: Vec<u8>,
}

impl Response {
    /// A response without body.
    #[must_use]
    pub fn empty(status: StatusCode) -> Self {
        Self {
            status,
            headers: HeaderMap::new(),
            body: Vec::new(),
        }
    }

    /// A JSON response that no cache keeps.
    #[must_use]
    pub fn json(status: StatusCode, body: &impl Serialize) -> Self {
        // The replies hold texts, numbers and maps with text keys: none of them fails to serialize.
        let body = serde_json::to_vec(body).unwrap_or_default();
        Self {
            status,
            headers: HeaderMap::new(),
            body,
        }
        .with(CONTENT_TYPE, "application/json")
        .with(http::header::CACHE_CONTROL, "no-store")
    }

    /// This response with a header set; a value that is no header value is left out.
    #[must_use]
    pub fn with(mut self, name: HeaderName, value: &str) -> Self {
        self.set(name, value);
        self
    }

    /// Sets a header; a value that is no header value is left out.
    pub fn set(&mut self, name: HeaderName, value: &str) {
        if let Ok(value) = HeaderValue::from_str(value) {
            self.headers.insert(name, value);
        }
    }
}
