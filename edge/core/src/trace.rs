//! What the edge did for one request, for the `Server-Timing` header, the request id and the trace that the
//! request belongs to. The runtime makes the spans; the core passes on whose they are.

use std::cell::Cell;

use footfall_shared::id::RequestId;
use footfall_shared::time::UtcMillis;
use footfall_shared::traceparent::TraceParent;
use footfall_shared::wire::internal::Lookups;

use crate::limits::RateLimit;

/// Counts the look-ups and calls of one request.
#[derive(Debug)]
pub(crate) struct Trace {
    /// The id that this request has at edge and origin.
    pub(crate) request_id: RequestId,
    /// The trace that the request belongs to, where there is one; calls to the origin belong to it, too.
    pub(crate) parent: Option<TraceParent>,
    started: UtcMillis,
    cache_hits: Cell<u32>,
    cache_misses: Cell<u32>,
    origin_calls: Cell<u32>,
    origin_ms: Cell<i64>,
    /// How the caller stands with its limit, where the route has one.
    pub(crate) rate_limit: Cell<Option<RateLimit>>,
}

impl Trace {
    /// Starts at `now`.
    pub(crate) fn start(
        request_id: RequestId,
        parent: Option<TraceParent>,
        now: UtcMillis,
    ) -> Self {
        Self {
            request_id,
            parent,
            started: now,
            cache_hits: Cell::new(0),
            cache_misses: Cell::new(0),
            origin_calls: Cell::new(0),
            origin_ms: Cell::new(0),
            rate_limit: Cell::new(None),
        }
    }

    /// Notes whether the cache had what was looked up.
    pub(crate) fn cache(&self, hit: bool) {
        let counter = if hit {
            &self.cache_hits
        } else {
            &self.cache_misses
        };
        counter.set(counter.get() + 1);
    }

    /// What was looked up.
    pub(crate) fn lookups(&self) -> Lookups {
        Lookups {
            hits: self.cache_hits.get().into(),
            misses: self.cache_misses.get().into(),
        }
    }

    /// Notes a call to the origin and how long it took.
    pub(crate) fn origin(&self, millis: i64) {
        self.origin_calls.set(self.origin_calls.get() + 1);
        self.origin_ms.set(self.origin_ms.get() + millis.max(0));
    }

    /// The `Server-Timing` value (W3C), milliseconds.
    pub(crate) fn server_timing(&self, now: UtcMillis) -> String {
        let cache = match (self.cache_hits.get(), self.cache_misses.get()) {
            (0, 0) => "unused".to_owned(),
            (_, 0) => "hit".to_owned(),
            (hits, misses) => format!("{misses} of {} missed", hits + misses),
        };
        let calls = self.origin_calls.get();
        let origin = if calls == 0 {
            "not asked".to_owned()
        } else {
            format!("asked {calls}x")
        };
        format!(
            "edge;dur={}, cache;desc=\"{cache}\", origin;dur={};desc=\"{origin}\"",
            now.since(self.started).max(0),
            self.origin_ms.get(),
        )
    }
}
