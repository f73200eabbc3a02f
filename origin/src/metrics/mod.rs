//! What the origin can be watched by: counts of this process, and the state of the whole at the moment it is
//! asked for, in the text format of Prometheus.
//!
//! **Invariant:** no label holds personal data, and each has few values: routes, codes, verdicts, shops, edges.

mod render;
mod routes;

use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::histogram::{Histogram, exponential_buckets};
use prometheus_client::registry::Registry;

pub use routes::routes;

/// One label.
type Label = [(&'static str, String); 1];

/// The counts of this process.
#[derive(Debug)]
pub struct Metrics {
    registry: Registry,
    requests: Family<[(&'static str, String); 2], Counter>,
    refusals: Family<Label, Counter>,
    events: Family<Label, Counter>,
    event_lag: Histogram,
    push_delay: Histogram,
}

impl Metrics {
    /// Requests answered, by the route's pattern and the status.
    pub fn answered(&self, route: &str, status: u16) {
        let labels = [("route", route.to_owned()), ("status", status.to_string())];
        self.requests.get_or_create(&labels).inc();
    }

    /// A request was refused for this reason.
    pub fn refused(&self, code: &str) {
        self.refusals
            .get_or_create(&[("code", code.to_owned())])
            .inc();
    }

    /// An event of a batch got its verdict.
    pub fn judged(&self, verdict: &str, events: u64) {
        let labels = [("verdict", verdict.to_owned())];
        self.events.get_or_create(&labels).inc_by(events);
    }

    /// An event was stored so long after an edge had accepted it.
    pub fn stored_after(&self, millis: i64) {
        self.event_lag.observe(seconds(millis));
    }

    /// A change reached an edge so long after it was made.
    pub fn pushed_after(&self, millis: i64) {
        self.push_delay.observe(seconds(millis));
    }
}

impl Default for Metrics {
    fn default() -> Self {
        // 5 ms to 80 s.
        let delays = || Histogram::new(exponential_buckets(0.005, 2.0, 15));
        let (requests, refusals, events) = <(Family<_, _>, Family<_, _>, Family<_, _>)>::default();
        let (event_lag, push_delay) = (delays(), delays());
        let mut registry = Registry::with_prefix("footfall");
        registry.register("requests", "Requests answered", requests.clone());
        registry.register(
            "refusals",
            "Requests refused, by their code",
            refusals.clone(),
        );
        registry.register("events", "Events from edges, by verdict", events.clone());
        let help = "From an event's acceptance at the edge until it is stored";
        registry.register("event_lag_seconds", help, event_lag.clone());
        let help = "From a change until an edge has taken it";
        registry.register("push_delay_seconds", help, push_delay.clone());
        Self {
            registry,
            requests,
            refusals,
            events,
            event_lag,
            push_delay,
        }
    }
}

#[expect(clippy::cast_precision_loss, reason = "delays are far below 2^52 ms")]
fn seconds(millis: i64) -> f64 {
    millis.max(0) as f64 / 1000.0
}
