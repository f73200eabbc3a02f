//! Draining the outbox: a component has no clock, so whoever has one calls `POST /internal/flush`. A platform
//! that wakes by itself calls [`drain`] or, with events that it chose, [`deliver`].
//!
//! **Invariant:** an event leaves the outbox only when a receipt of the origin names it
//! (`what_no_receipt_names_is_sent_again`).

use footfall_shared::id::RequestId;
use footfall_shared::time::UtcMillis;
use footfall_shared::wire::internal::{AppendReceipt, FlushReply, Ledger, path};
use http::StatusCode;
use serde::{Deserialize, Serialize};

use crate::error::EdgeError;
use crate::guard;
use crate::http::{Request, Response};
use crate::journey::FORGOTTEN_AFTER_MS;
use crate::origin::send_signed;
use crate::platform::{Cache, Limiter, Outbox, Platform, Sessions, Settled, Tally, WaitingEvent};
use crate::trace::Trace;

/// Most events in one call to the origin.
const BATCH_EVENTS_MAX: usize = 500;
/// Most bytes of events in one call; the origin takes 8 MiB.
const BATCH_BYTES_MAX: usize = 2 * 1024 * 1024;
/// Most calls in one flush, so that a flush ends before its caller's patience does.
const ROUNDS_MAX: usize = 20;
/// First wait after a failure, doubled with each further one.
const BACKOFF_MS_MIN: i64 = 250;
/// Longest wait after a failure.
const BACKOFF_MS_MAX: i64 = 15_000;
/// Where the state of the backoff is kept. It may vanish: then the origin is tried a little early.
const BACKOFF_KEY: &str = "outbox/backoff";

/// How often the origin failed in a row, and until when it is left alone.
#[derive(Debug, Clone, Copy, Default, Serialize, Deserialize)]
struct Backoff {
    failures: u32,
    until: UtcMillis,
}

pub(crate) async fn flush<P: Platform>(
    platform: &P,
    trace: &Trace,
    request: &Request,
) -> Result<Response, EdgeError> {
    let _: serde::de::IgnoredAny = guard::signed(platform, request)?;
    let settled = drain_for(platform, trace).await?;
    // Whoever has a clock gives it to limiter and sessions, too; what they keep a little longer harms nobody.
    let _ = platform.limiter().sweep(platform.now()).await;
    let old = platform.now().plus(-FORGOTTEN_AFTER_MS);
    let _ = platform.sessions().forget(old).await;
    let pending = platform
        .outbox()
        .pending()
        .await
        .map_err(EdgeError::OutboxFailed)?;
    Ok(Response::json(
        StatusCode::OK,
        &FlushReply { settled, pending },
    ))
}

/// What became of everything that was ever accepted here.
pub(crate) async fn ledger<P: Platform>(
    platform: &P,
    request: &Request,
) -> Result<Response, EdgeError> {
    let _: serde::de::IgnoredAny = guard::signed(platform, request)?;
    let outbox = platform.outbox();
    let ledger = Ledger {
        outbox: outbox.id().await.map_err(EdgeError::OutboxFailed)?,
        shops: outbox.ledger().await.map_err(EdgeError::OutboxFailed)?,
        // Events must be accounted for also where nobody knows how often the cache was asked.
        lookups: platform.tally().total().await.unwrap_or_default(),
    };
    Ok(Response::json(StatusCode::OK, &ledger))
}

/// Sends what waits, as long as the origin takes it. The answer counts what was settled.
///
/// # Errors
/// [`EdgeError::OutboxFailed`] when the outbox does not answer; what was sent until then may be sent again.
pub async fn drain<P: Platform>(platform: &P) -> Result<u64, EdgeError> {
    drain_for(platform, &own_trace(platform)).await
}

/// Sends these events and gives what receipts of the origin say of them, for the caller to settle. It stops
/// where the origin gives no good answer.
pub async fn deliver<P: Platform>(platform: &P, mut waiting: Vec<WaitingEvent>) -> Vec<Settled> {
    let trace = own_trace(platform);
    let mut settled = Vec::new();
    while !waiting.is_empty() {
        let rest = waiting.split_off(fitting(&waiting));
        let told = send(platform, &trace, &waiting).await;
        if told.is_empty() {
            break;
        }
        settled.extend(told);
        waiting = rest;
    }
    settled
}

/// What nobody asked for has an id of its own.
fn own_trace<P: Platform>(platform: &P) -> Trace {
    let id = RequestId::generate(platform.now(), platform.entropy());
    Trace::start(id, None, platform.now())
}

async fn drain_for<P: Platform>(platform: &P, trace: &Trace) -> Result<u64, EdgeError> {
    let mut settled = 0;
    let mut backoff = backoff(platform).await;
    for _ in 0..ROUNDS_MAX {
        let mut batch = platform
            .outbox()
            .peek(BATCH_EVENTS_MAX)
            .await
            .map_err(EdgeError::OutboxFailed)?;
        if batch.is_empty() || platform.now() < backoff.until {
            break;
        }
        let all = batch.len();
        batch.truncate(fitting(&batch));
        let told = send(platform, trace, &batch).await;
        if told.is_empty() {
            fail(platform, &mut backoff).await;
            break;
        }
        platform
            .outbox()
            .settle(&told)
            .await
            .map_err(EdgeError::OutboxFailed)?;
        settled += told.len() as u64;
        if backoff.failures > 0 {
            backoff = Backoff::default();
            keep(platform, backoff).await;
        }
        if told.len() == all && all < BATCH_EVENTS_MAX {
            break;
        }
    }
    Ok(settled)
}

/// How many of the first events fit in one call; always at least one, for a message is bounded.
fn fitting(waiting: &[WaitingEvent]) -> usize {
    let mut bytes = 0;
    let fits = waiting.iter().take(BATCH_EVENTS_MAX).take_while(|event| {
        bytes += event.json.len();
        bytes <= BATCH_BYTES_MAX
    });
    fits.count().max(1)
}

/// Sends a batch and gives what the receipt says; nothing where there is no good answer.
async fn send<P: Platform>(platform: &P, trace: &Trace, batch: &[WaitingEvent]) -> Vec<Settled> {
    let Ok(outbox) = platform.outbox().id().await else {
        return Vec::new();
    };
    // The events are JSON already; joining them spares parsing and printing each again.
    let events: Vec<&str> = batch.iter().map(|event| event.json.as_str()).collect();
    let handles: Vec<String> = batch.iter().map(|event| event.handle.to_string()).collect();
    let (handles, events) = (handles.join(","), events.join(","));
    let body = format!("{{\"outbox\":\"{outbox}\",\"handles\":[{handles}],\"events\":[{events}]}}");
    let answer = send_signed(platform, trace, path::EVENTS, body.into_bytes()).await;
    let Ok(answer) = answer.as_ref().map(|answer| (answer.status, &answer.body)) else {
        return Vec::new();
    };
    let receipt = match answer {
        (StatusCode::OK, body) => serde_json::from_slice::<AppendReceipt>(body).ok(),
        _ => None,
    };
    let receipts = receipt.map(|receipt| receipt.receipts).unwrap_or_default();
    let settled = receipts.iter().filter_map(|receipt| {
        let handle = batch.get(receipt.index)?.handle;
        Some(Settled {
            handle,
            verdict: receipt.verdict,
        })
    });
    settled.collect()
}

async fn backoff<P: Platform>(platform: &P) -> Backoff {
    let held = platform.cache().get(BACKOFF_KEY).await.ok().flatten();
    held.and_then(|bytes| serde_json::from_slice(&bytes).ok())
        .unwrap_or_default()
}

async fn keep<P: Platform>(platform: &P, backoff: Backoff) {
    if let Ok(bytes) = serde_json::to_vec(&backoff) {
        let _ = platform.cache().put(BACKOFF_KEY, &bytes).await;
    }
}

/// Waits twice as long after each failure, with up to a half more by chance, so that many edges do not
/// come back at once.
async fn fail<P: Platform>(platform: &P, backoff: &mut Backoff) {
    let step = BACKOFF_MS_MIN
        .saturating_mul(1 << backoff.failures.min(16))
        .min(BACKOFF_MS_MAX);
    let chance = i64::from(platform.entropy()[0]);
    backoff.failures = backoff.failures.saturating_add(1);
    backoff.until = platform.now().plus(step + step * chance / 512);
    keep(platform, *backoff).await;
}
