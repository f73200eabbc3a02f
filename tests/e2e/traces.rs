//! Traces: from the edge to the database under one id, with nothing of a person in them.

use std::time::{Duration, Instant};

use rustix::process::Signal;
use serde_json::json;

use crate::support::collector::{Collector, Manners, Span};
use crate::support::deployment::only_on_the_host;
use crate::support::shop::{bundle_path, message, new_shopper, send_history};
use crate::support::world::{Home, Pair, World};
use crate::support::{PATIENCE, unique, until};

const REASON: &str = "on Cloudflare the platform itself exports";
const SERVER: i64 = 2;
const CLIENT: i64 = 3;

/// A client's own trace.
const TRACE: &str = "4bf92f3577b34da6a3ce929d0e0e4736";
const CLIENTS_SPAN: &str = "00f067aa0ba902b7";

/// Whether a span descends from another.
fn descends(spans: &[Span], from: &str, span: &Span) -> bool {
    let parent = |of: &Span| spans.iter().find(|one| one.id == of.parent).cloned();
    let line = std::iter::successors(Some(span.clone()), parent);
    line.into_iter().any(|one| one.id == from)
}

/// A span of the edge, one of the origin below it and one of the database below that, in one trace.
fn whole_line(spans: &[Span], edge_span: impl Fn(&Span) -> bool) -> Option<(Span, Span, Span)> {
    let edge = spans.iter().find(|span| edge_span(span))?;
    let mut below = spans.iter().filter(|span| {
        span.service == "footfall-origin"
            && span.kind == SERVER
            && span.trace == edge.trace
            && descends(spans, &edge.id, span)
    });
    let found = below.find_map(|origin| {
        let database = spans.iter().find(|span| {
            span.parent == origin.id
                && span.trace == origin.trace
                && !span.text("db.system.name").is_empty()
                && span.name != "get a connection"
        });
        Some((origin.clone(), database?.clone()))
    });
    found.map(|(origin, database)| (edge.clone(), origin, database))
}

#[test]
fn a_request_is_one_trace_from_the_edge_to_the_database() {
    if only_on_the_host(REASON) {
        return;
    }
    let collector = Collector::start(Manners::Answers);
    let world = World::start(Home::new(&collector.settings()));
    let (email, device, event) = (new_shopper(), unique("device"), unique("event-of-a-trace"));
    send_history(&world.origin(), &email);
    let page = world.edge();
    page.get("/ready").expect(200);
    let ask = page.get(&bundle_path(&email)).from(77);
    let ask = ask.header("traceparent", &format!("00-{TRACE}-{CLIENTS_SPAN}-00"));
    ask.header("user-agent", "a-browser-of-the-traces")
        .expect(200);
    let track = json!({"email": email, "fingerprint": device});
    page.post("/api/intelligence/track-customer", &track)
        .from(77)
        .expect(200);
    page.post("/v1/track", &message(&event))
        .from(77)
        .expect(200);

    // The client's trace goes on, whatever it says of recording.
    let asked = |span: &Span| span.parent == CLIENTS_SPAN && span.kind == SERVER;
    let ((edge, origin, database), _) = until("the request's trace is whole", PATIENCE, || {
        whole_line(&collector.spans(), asked)
    });
    assert_eq!(edge.service, "footfall-edge");
    for span in [&edge, &origin, &database] {
        assert_eq!(span.trace, TRACE, "{span:?}");
    }
    assert_eq!(edge.text("http.route"), "/api/intelligence/bundle");
    assert_eq!(edge.text("http.request.method"), "GET");
    assert_eq!(database.text("db.system.name"), "sqlite");
    assert_eq!(database.text("db.operation.name"), database.name);

    // What nobody asked for has a trace of its own: the events' way, and the pushes.
    let flush = |span: &Span| span.name == "POST /internal/events" && span.kind == CLIENT;
    let ((edge, ..), _) = until("the flush's trace is whole", PATIENCE, || {
        whole_line(&collector.spans(), flush)
    });
    assert!(edge.parent.is_empty(), "{edge:?}");
    until("a push's trace is whole", PATIENCE, || {
        let spans = collector.spans();
        let at_edge = |span: &&Span| span.name == "POST /internal/push" && span.kind == SERVER;
        let pushed = spans.iter().find(at_edge)?;
        let from = spans.iter().find(|span| span.id == pushed.parent)?;
        (from.service == "footfall-origin" && from.trace == pushed.trace).then_some(())
    });

    let sent = collector.text();
    let report = world.report();
    for private in [
        email.as_str(),
        &email.replace('@', "%40"),
        "example.com",
        "Mira",
        "127.0.0.77",
        &device,
        &event,
        "a-browser-of-the-traces",
        &report.secret_key,
        "customer_email",
        "SELECT",
        "INSERT",
        // Nor does what only watches, or asks at a clock's pace, leave anything.
        "/ready",
        "unmatched",
        "/health",
        "/internal/flush",
    ] {
        assert!(!sent.contains(private), "{private} was exported");
    }
}

#[test]
fn the_last_spans_are_sent_when_a_process_stops() {
    if only_on_the_host(REASON) {
        return;
    }
    let collector = Collector::start(Manners::Answers);
    let mut settings = collector.settings().to_vec();
    settings.push(("OTEL_BSP_SCHEDULE_DELAY", "3600000"));
    let mut pair = Pair::new(&settings);
    pair.start_origin();
    pair.start_edge();
    pair.edge().get("/openapi.json").expect(200);
    pair.end_edge(Signal::TERM);
    pair.end_origin(Signal::TERM);
    let spans = collector.spans();
    let asked = |span: &Span| span.name == "GET /openapi.json" && span.service == "footfall-edge";
    let edge = spans.iter().find(|span| asked(span)).unwrap();
    let origin = spans.iter().find(|span| {
        span.service == "footfall-origin" && span.trace == edge.trace && span.kind == SERVER
    });
    assert!(descends(&spans, &edge.id, origin.unwrap()), "{spans:?}");
}

#[test]
fn a_collector_that_is_silent_slows_nobody_and_stops_no_stop() {
    if only_on_the_host(REASON) {
        return;
    }
    let collector = Collector::start(Manners::KeepsSilent);
    let mut settings = collector.settings().to_vec();
    // A queue that is soon full.
    settings.push(("OTEL_BSP_MAX_QUEUE_SIZE", "8"));
    let mut pair = Pair::new(&settings);
    pair.start_origin();
    pair.start_edge();
    for _ in 0..100 {
        let begun = Instant::now();
        pair.edge().get("/openapi.json").expect(200);
        assert!(
            begun.elapsed() < Duration::from_secs(2),
            "{:?}",
            begun.elapsed()
        );
    }
    let begun = Instant::now();
    pair.end_edge(Signal::TERM);
    pair.end_origin(Signal::TERM);
    // Each waits for its collector for three seconds at the most.
    assert!(
        begun.elapsed() < Duration::from_secs(12),
        "{:?}",
        begun.elapsed()
    );
}
