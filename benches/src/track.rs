//! A tracked customer on the embedded host: identity, limits and the outbox in the path, each call durable; and
//! how long an event takes from the edge until the origin shows it.

use std::time::{Duration, Instant};

use anyhow::{Context, ensure};
use serde_json::{Value, json};

use crate::http::{Connection, request};
use crate::load::{Pace, run};
use crate::report::{Figure, Target};
use crate::world::World;

const CONNECTIONS: usize = 64;
const RATE: u32 = 1_000;
const TIME: Duration = Duration::from_secs(5);
const EVENTS: usize = 200;
/// How often the origin is asked whether an event is there.
const LOOK_EVERY: Duration = Duration::from_millis(5);
const PATIENCE: Duration = Duration::from_secs(10);

/// Measures tracked customers per second and their latency at a steady rate.
///
/// # Errors
/// When a reply is not the expected one.
pub fn customers(world: &World) -> anyhow::Result<Vec<Figure>> {
    let body = json!({
        "email": world.sample_email, "fingerprint": "a-device-of-the-benchmark", "event_type": "bundle_viewed",
        "anonymous_id": "8c0e1f4a-5b7d-4c39-9e02-6d1f0a3b5c7e",
    });
    let body = body.to_string();
    let track = request(
        "POST",
        "/api/intelligence/track-customer",
        &[],
        body.as_bytes(),
    );
    let saturated = run(world.edge, &track, CONNECTIONS, Pace::Closed, TIME)?;
    let pace = Pace::Open { per_second: RATE };
    let steady = run(world.edge, &track, CONNECTIONS, pace, TIME)?;
    let millis = |share: f64| steady.percentile(share).as_secs_f64() * 1000.0;
    Ok(vec![
        Figure::against(
            "track-customer, two durable events each, 64 connections",
            saturated.per_second(),
            "/s",
            Target::AtLeast(5_000.0),
        ),
        Figure::plain("track-customer at 1,000/s: p50", millis(0.5), "ms"),
        Figure::against(
            "track-customer at 1,000/s: p99",
            millis(0.99),
            "ms",
            Target::AtMost(3.0),
        ),
    ])
}

/// Measures how long an event takes from its answer at the edge until the origin's log shows it.
///
/// # Errors
/// When an event is not taken, or not shown within some seconds.
pub fn event_to_log(world: &World) -> anyhow::Result<Vec<Figure>> {
    let (mut edge, mut origin) = (
        Connection::open(world.edge)?,
        Connection::open(world.origin)?,
    );
    let bearer = format!("Bearer {}", world.secret_key);
    let mut took = Vec::with_capacity(EVENTS);
    for number in 0..EVENTS {
        let name = format!("Benchmark {number}");
        let body = json!({"event": name, "userId": "benchmark"}).to_string();
        edge.call(&request("POST", "/v1/track", &[], body.as_bytes()))?;
        let sent = Instant::now();
        let target = format!("/api/events?limit=1&event=Benchmark%20{number}");
        let look = request("GET", &target, &[("Authorization", &bearer)], b"");
        loop {
            let page: Value =
                serde_json::from_slice(origin.call(&look)?).context("no page of the log")?;
            if page["events"]
                .as_array()
                .is_some_and(|events| !events.is_empty())
            {
                break;
            }
            ensure!(sent.elapsed() < PATIENCE, "event {number} does not show");
            std::thread::sleep(LOOK_EVERY);
        }
        took.push(sent.elapsed().as_secs_f64() * 1000.0);
    }
    took.sort_by(f64::total_cmp);
    let at = |share: f64| took[((took.len() - 1) as f64 * share) as usize];
    Ok(vec![
        Figure::plain("event from edge to log: p50", at(0.5), "ms"),
        Figure::against(
            "event from edge to log: p99",
            at(0.99),
            "ms",
            Target::AtMost(1000.0),
        ),
    ])
}
