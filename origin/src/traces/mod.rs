//! Spans of OpenTelemetry: one for each request, for each statement that it runs, and for each push to an
//! edge, where a collector is configured. Without one, nothing is read or made.
//!
//! What has no request behind it (the queue that is looked at, the alarm, the clean-up) has no trace, so that
//! what is recorded is what somebody waited for.
//!
//! **Invariant:** a span holds no path, query, body, header, address or SQL value: the route's pattern and
//! the step's own name instead. Test: `a_request_is_one_trace_from_the_edge_to_the_database` (end to end).

mod export;

use std::sync::OnceLock;

use footfall_shared::traceparent::TraceParent;
use http::{HeaderMap, HeaderName, HeaderValue, Method};
use opentelemetry::context::FutureExt;
use opentelemetry::global::{BoxedSpan, BoxedTracer};
use opentelemetry::trace::{Span as _, SpanKind, Status, TraceContextExt, Tracer as _};
use opentelemetry::{Context, KeyValue};

pub use export::{Export, ExportError, start};

const TRACEPARENT: HeaderName = HeaderName::from_static(TraceParent::HEADER);
/// Asked again and again by those who watch: no one's trace.
const UNTRACED: [&str; 3] = ["/health", "/ready", "/metrics"];

/// Set once at the start of a process that exports, before anything is served.
static TRACER: OnceLock<BoxedTracer> = OnceLock::new();

/// A request under way, and what it is told of.
#[derive(Debug)]
pub struct Request(Option<Context>);

impl Request {
    /// Begins the span of a request to a route, as a child of the caller's.
    #[must_use]
    pub fn receive(method: &Method, route: &str, headers: &HeaderMap) -> Self {
        let traced = TRACER.get().filter(|_| !UNTRACED.contains(&route));
        Self(traced.map(|tracer| {
            let parent = match parent(headers) {
                Some(parent) => Context::new().with_remote_span_context(parent.span()),
                None => Context::new(),
            };
            let method = method_name(method);
            let builder = tracer
                .span_builder(format!("{method} {route}"))
                .with_kind(SpanKind::Server)
                .with_attributes([
                    KeyValue::new("http.request.method", method),
                    KeyValue::new("http.route", route.to_owned()),
                    KeyValue::new("url.path", route.to_owned()),
                ]);
            let span = builder.start_with_context(tracer, &parent);
            parent.with_span(span)
        }))
    }

    /// Does its work: what that begins are its children.
    pub async fn around<T>(&self, work: impl Future<Output = T>) -> T {
        match &self.0 {
            Some(context) => work.with_context(context.clone()).await,
            None => work.await,
        }
    }

    /// Ends the span with what was answered.
    pub fn end(self, status: u16) {
        let Some(context) = self.0 else { return };
        let span = context.span();
        span.set_attribute(KeyValue::new(
            "http.response.status_code",
            i64::from(status),
        ));
        if status >= 500 {
            span.set_status(Status::error(""));
        }
        span.end();
    }
}

/// Takes the current request along into work that goes on in a task of its own.
pub fn carried<T>(work: impl Future<Output = T>) -> impl Future<Output = T> {
    work.with_current_context()
}

/// A call to somebody else, or a statement, under way. Dropped early, it ends without a status.
#[derive(Debug)]
pub struct Call(Option<BoxedSpan>);

impl Call {
    /// Begins a statement of the current request; nothing where there is none.
    #[must_use]
    pub fn statement(system: &'static str) -> Self {
        let Some(tracer) = TRACER.get() else {
            return Self(None);
        };
        Self(Context::map_current(|request| {
            let asked = request.has_active_span() && request.span().is_recording();
            // Its name is known when its step is.
            let builder = tracer
                .span_builder("statement")
                .with_kind(SpanKind::Client)
                .with_attributes([KeyValue::new("db.system.name", system)]);
            asked.then(|| builder.start_with_context(tracer, request))
        }))
    }

    /// Begins a call to an edge's route, and tells the edge in `headers`.
    #[must_use]
    pub fn to_edge(path: &'static str, headers: &mut HeaderMap) -> Self {
        let span = TRACER.get().map(|tracer| {
            let builder = tracer
                .span_builder(format!("POST {path}"))
                .with_kind(SpanKind::Client)
                .with_attributes([
                    KeyValue::new("http.request.method", "POST"),
                    KeyValue::new("url.template", path),
                    KeyValue::new("peer.service", "footfall-edge"),
                ]);
            builder.start(tracer)
        });
        let parent = span
            .as_ref()
            .and_then(|span| TraceParent::of(span.span_context()));
        if let Some(value) = parent.and_then(|told| HeaderValue::try_from(told.to_string()).ok()) {
            headers.insert(TRACEPARENT, value);
        }
        Self(span)
    }

    /// Ends a statement under the name of its step, with the kind of its fault.
    pub fn end_statement(self, step: &'static str, fault: Option<&'static str>) {
        let Some(mut span) = self.0 else { return };
        span.update_name(step);
        span.set_attribute(KeyValue::new("db.operation.name", step));
        if let Some(fault) = fault {
            span.set_attribute(KeyValue::new("error.type", fault));
            span.set_status(Status::error(""));
        }
        span.end();
    }

    /// Ends a call with the status that was answered, `None` for no answer.
    pub fn end(self, status: Option<u16>) {
        let Some(mut span) = self.0 else { return };
        if let Some(status) = status {
            let code = KeyValue::new("http.response.status_code", i64::from(status));
            span.set_attribute(code);
        }
        if status.is_none_or(|status| status >= 400) {
            span.set_status(Status::error(""));
        }
        span.end();
    }
}

fn parent(headers: &HeaderMap) -> Option<TraceParent> {
    TraceParent::parse(headers.get(TRACEPARENT)?.to_str().ok()?)
}

/// A client may send any word as its method; those of HTTP itself are named.
fn method_name(method: &Method) -> &'static str {
    const KNOWN: [&str; 9] = [
        "GET", "HEAD", "POST", "PUT", "DELETE", "CONNECT", "OPTIONS", "TRACE", "PATCH",
    ];
    let known = KNOWN.iter().find(|known| **known == method.as_str());
    known.copied().unwrap_or("_OTHER")
}
