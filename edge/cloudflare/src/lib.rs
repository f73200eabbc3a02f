//! The edge as a Cloudflare Worker: the core's capabilities over the crate `worker`.
//!
//! - cache: the KV namespace `CACHE`, and the Durable Object [`cache::recent::Recent`] for what was pushed lately
//! - outbox: the Durable Objects [`outbox::object::OutboxShard`]; the queue `EVENTS` carries the word that
//!   events wait, never the events
//! - limiter: the Durable Objects [`limiter::object::LimiterShard`] near each location
//! - journeys: a Durable Object [`sessions::object::JourneySession`] for each session
//! - settings: the variables `MODE`, `ORIGIN_URL`, `TRUSTED_PROXY_HOPS` and the secret `EDGE_KEYS`
//!
//! **Invariants**
//! - No handler gives an error to the runtime: worker makes a panic of it, and a panic ends every request
//!   that the isolate has in flight.
//! - An event leaves the outbox only when a receipt of the origin names it. A lost, doubled or dead message
//!   of the queue changes only when it is sent.

#![cfg(target_family = "wasm")]

mod border;
mod cache;
mod delivery;
mod exchange;
mod limiter;
mod object;
mod origin;
mod outbox;
mod platform;
mod sessions;
#[cfg(feature = "testing")]
mod testing;

use worker::{Context, Env, MessageBatch, Result, ScheduleContext, ScheduledEvent, event, web_sys};

use crate::delivery::Offer;
use crate::platform::CloudflarePlatform;

/// A request from outside.
#[event(fetch)]
async fn fetch(request: web_sys::Request, env: Env, context: Context) -> Result<web_sys::Response> {
    let head = match exchange::read_head(&request) {
        Ok(head) => head,
        Err(refused) => return exchange::reply(&refused.to_response()),
    };
    let platform = match CloudflarePlatform::of_request(&env, context, head.location.clone()) {
        Ok(platform) => platform,
        Err(fault) => return exchange::misconfigured(&fault),
    };
    let response = match exchange::read_body(head, request).await {
        #[cfg(feature = "testing")]
        Ok(request) if testing::is_for_us(&request) => testing::answer(&platform, &request).await,
        Ok(request) => footfall_edge::route(&platform, request).await,
        Err(broken) => broken.to_response(),
    };
    exchange::reply(&response)
}

/// Word from the queue that events wait, or from the dead-letter queue that they could not be delivered.
#[event(queue)]
async fn queue(batch: MessageBatch<Offer>, env: Env, _context: Context) -> Result<()> {
    delivery::take(&batch, &env).await;
    Ok(())
}

/// The clock: whatever waits is sent, whether the queue knows of it or not.
#[event(scheduled)]
async fn scheduled(_event: ScheduledEvent, env: Env, _context: ScheduleContext) {
    delivery::drain(&env).await;
}
