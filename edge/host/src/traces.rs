//! Spans: one for each request from outside, and one for each call to the origin, where a tracer is given.
//! Without one nothing is read, made or copied.
//!
//! The trace goes through the component as the header `traceparent`: the host writes its own span there, the
//! component passes it on with whatever it asks the origin, and there the call's span takes its place.
//!
//! **Invariant:** a span holds no path, query, body, header or address of a client; a route's name instead.
//! Test: `a_request_is_one_trace_from_the_edge_to_the_database` (end to end).

use footfall_shared::traceparent::TraceParent;
use footfall_shared::wire::internal::path as internal;
use http::{HeaderMap, HeaderName, HeaderValue, Method};
use opentelemetry::global::{BoxedSpan, BoxedTracer};
use opentelemetry::trace::{Span as _, SpanKind, Status, TraceContextExt as _, Tracer as _};
use opentelemetry::{Context, KeyValue};

const TRACEPARENT: HeaderName = HeaderName::from_static(TraceParent::HEADER);

/// The routes that the component answers itself, for the names of spans, and what it asks the origin.
const ROUTES: [&str; 22] = [
    "/api/intelligence/track-customer",
    "/api/intelligence/bundle",
    "/api/intelligence/bundle-status-update",
    "/v1/batch",
    "/v1/track",
    "/v1/page",
    "/v1/identify",
    "/v1/screen",
    "/v1/group",
    "/v1/alias",
    "/t.js",
    "/demo",
    "/demo/",
    internal::PUSH,
    internal::EVENTS,
    internal::RESOLVE_SHOP,
    internal::RECOGNIZE,
    internal::CUSTOMER_ENTRY,
    internal::ENSURE_OFFER,
    internal::MOVE_OFFER,
    "/openapi.json",
    "/docs",
];
/// What is passed on has its exact route in the origin's own span.
const PASSED_ON: [(&str, &str); 4] = [
    ("/api/", "/api/{rest}"),
    ("/wp-json/", "/wp-json/{rest}"),
    ("/webhooks/", "/webhooks/{rest}"),
    ("/docs/", "/docs/{rest}"),
];
/// Asked every second or so by those who watch, or by the origin's clock: no one's trace.
const UNTRACED: [&str; 4] = ["/health", "/ready", internal::FLUSH, internal::LEDGER];

/// A span under way. Dropped early, it ends without a status.
pub(crate) struct Span(BoxedSpan);

/// Begins the span of a request from outside, as a child of the client's. Of the client's word only the ids
/// count: it has no say in whether we record.
pub(crate) fn receive(
    tracer: &BoxedTracer,
    method: &Method,
    path: &str,
    headers: &mut HeaderMap,
) -> Option<Span> {
    if UNTRACED.contains(&path) {
        return None;
    }
    let parent = parent(headers)
        .and_then(|parent| TraceParent::new(parent.trace_id(), parent.span_id(), true));
    let route = route(path);
    let attributes = vec![
        KeyValue::new("http.request.method", method_name(method)),
        KeyValue::new("http.route", route),
        KeyValue::new("url.path", route),
    ];
    let span = begin(tracer, SpanKind::Server, method, route, attributes, parent);
    tell(&span, headers);
    Some(span)
}

/// Begins the span of a call to the origin, as a child of the request's, or of nobody's: the flush of the
/// outbox begins a trace of its own, and only where there is something to send.
pub(crate) fn call(
    tracer: &BoxedTracer,
    method: &Method,
    path: &str,
    headers: &mut HeaderMap,
) -> Option<Span> {
    if UNTRACED.contains(&path) {
        return None;
    }
    let route = route(path);
    let attributes = vec![
        KeyValue::new("http.request.method", method_name(method)),
        KeyValue::new("url.template", route),
        KeyValue::new("peer.service", "footfall-origin"),
    ];
    let parent = parent(headers);
    let span = begin(tracer, SpanKind::Client, method, route, attributes, parent);
    tell(&span, headers);
    Some(span)
}

impl Span {
    /// Ends it with what was answered; `None` is no answer at all. What is an error depends on the side: a
    /// server is not at fault for a 4xx, a client got no use out of it.
    pub(crate) fn end(mut self, status: Option<u16>, error_from: u16) {
        match status {
            Some(status) => {
                let code = KeyValue::new("http.response.status_code", i64::from(status));
                self.0.set_attribute(code);
                if status >= error_from {
                    self.0.set_status(Status::error(""));
                }
            }
            None => self.0.set_status(Status::error("no answer")),
        }
        self.0.end();
    }
}

fn begin(
    tracer: &BoxedTracer,
    kind: SpanKind,
    method: &Method,
    route: &'static str,
    attributes: Vec<KeyValue>,
    parent: Option<TraceParent>,
) -> Span {
    let context = match parent {
        Some(parent) => Context::new().with_remote_span_context(parent.span()),
        None => Context::new(),
    };
    let builder = tracer
        .span_builder(format!("{} {route}", method_name(method)))
        .with_kind(kind)
        .with_attributes(attributes);
    Span(builder.start_with_context(tracer, &context))
}

fn parent(headers: &HeaderMap) -> Option<TraceParent> {
    TraceParent::parse(headers.get(TRACEPARENT)?.to_str().ok()?)
}

/// Whoever is asked next is a child of this span.
fn tell(span: &Span, headers: &mut HeaderMap) {
    let parent = TraceParent::of(span.0.span_context());
    let value = parent.and_then(|parent| HeaderValue::try_from(parent.to_string()).ok());
    match value {
        Some(value) => headers.insert(TRACEPARENT, value),
        None => headers.remove(TRACEPARENT),
    };
}

fn route(path: &str) -> &'static str {
    let own = ROUTES.iter().find(|route| **route == path);
    let passed_on = || {
        let mut known = PASSED_ON.iter();
        known.find(|(prefix, _)| path.starts_with(prefix))
    };
    own.copied()
        .or_else(|| passed_on().map(|(_, name)| *name))
        .unwrap_or("unmatched")
}

/// A client may send any word as its method; those of HTTP itself are named.
fn method_name(method: &Method) -> &'static str {
    const KNOWN: [&str; 9] = [
        "GET", "HEAD", "POST", "PUT", "DELETE", "CONNECT", "OPTIONS", "TRACE", "PATCH",
    ];
    let known = KNOWN.iter().find(|known| **known == method.as_str());
    known.copied().unwrap_or("_OTHER")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_span_is_named_by_a_route_and_never_by_what_a_client_sent() {
        let check = |path: &str, expected: &str| assert_eq!(route(path), expected, "{path}");
        check("/api/intelligence/bundle", "/api/intelligence/bundle");
        check("/api/keys/key_01/rotate", "/api/{rest}");
        check("/wp-json/wg/v1/intelligence/profile", "/wp-json/{rest}");
        check("/webhooks/woocommerce/moon", "/webhooks/{rest}");
        check("/internal/events", "/internal/events");
        check("/shopper@example.com", "unmatched");
        assert_eq!(method_name(&Method::PATCH), "PATCH");
        assert_eq!(method_name(&"a@b.cd".parse().unwrap_or(Method::GET)), "GET");
        assert_eq!(method_name(&"PURGE".parse().unwrap()), "_OTHER");
    }
}
