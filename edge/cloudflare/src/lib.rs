//! The edge as a Cloudflare Worker: the core's capabilities over the crate `worker`.
//!
//! - cache: the KV namespace `CACHE`, and the Durable Object [`cache::recent::Recent`] for what was pushed lately
//! - outbox: the Durable Objects [`outbox::object::OutboxShard`]; the queue `EVENTS` carries the word that
//!   events wait, never the events
//! - settings: the variables `MODE`, `ORIGIN_URL`, `TRUSTED_PROXY_HOPS` and the secret `EDGE_KEYS`
//!
//! **Invariants**
//! - No handler gives an error to the runtime: worker makes a panic of it, and a panic ends every request
//!   that the isolate has in flight.
//! - An event leaves the outbox only when a receipt of the origin names it. A lost, doubled or dead message
//!   of the queue changes only when it is sent.

#![cfg(target_family = "wasm")]

mod cache;
mod delivery;
mod exchange;
mod object;
mod origin;
mod outbox;
mod platform;
#[cfg(feature = "testing")]
mod testing;

use worker::{
    Context, Env, MessageBatch, Request, Response, Result, ScheduleContext, ScheduledEvent, event,
};

use crate::delivery::Offer;
use crate::platform::CloudflarePlatform;

/// A request from outside.
#[event(fetch)]
async fn fetch(request: Request, env: Env, context: Context) -> Result<Response> {
    let platform = match CloudflarePlatform::open(&env, Some(context)) {
        Ok(platform) => platform,
        Err(fault) => return Ok(exchange::misconfigured(&fault)),
    };
    #[cfg(feature = "testing")]
    if let Some(response) = testing::answer(&platform, &request).await {
        return Ok(response);
    }
    let response = match exchange::read(request).await {
        Ok(request) => footfall_edge::route(&platform, request).await,
        Err(broken) => broken.to_response(),
    };
    Ok(exchange::reply(response))
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
