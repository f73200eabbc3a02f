//! Delivery to the origin: what the queue, the dead-letter queue and the clock set going.
//!
//! A message carries handles, not events: an event is read where it waits, so a message that comes twice
//! or late sends nothing that was settled meanwhile, no event is too large for one, and none lies in a
//! queue after it was erased.

use footfall_edge::outbox;
use footfall_edge::platform::{Outbox as _, OutboxError};
use serde::{Deserialize, Serialize};
use worker::{
    Env, Message, MessageBatch, MessageExt as _, Queue, QueueRetryOptionsBuilder, console_error,
    console_warn,
};

use crate::outbox::handle;
use crate::platform::{CloudflarePlatform, now};

/// The binding of the queue.
const BINDING: &str = "EVENTS";
/// How the name of a dead-letter queue ends.
const DEAD: &str = "-dead";
/// Most events that one message tells of.
const EVENTS_MAX: usize = 500;
/// Longest wait before a message is tried again, in seconds.
const RETRY_S_MAX: u32 = 15;

/// The word that these events wait.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Offer {
    handles: Vec<i64>,
}

impl Offer {
    /// The messages that tell of these events of a shard.
    pub(crate) fn of(shard: i64, seqs: &[i64]) -> Vec<Self> {
        let offers = seqs.chunks(EVENTS_MAX).map(|seqs| Self {
            handles: seqs.iter().map(|seq| handle(shard, *seq)).collect(),
        });
        offers.collect()
    }
}

/// The queue, where one is bound.
pub(crate) fn queue(env: &Env) -> Option<Queue> {
    env.queue(BINDING).ok()
}

/// Delivers what the messages tell of. Each is acknowledged or comes again; nothing is thrown.
pub(crate) async fn take(batch: &MessageBatch<Offer>, env: &Env) {
    let platform = match CloudflarePlatform::in_background(env) {
        Ok(platform) => platform,
        Err(fault) => {
            console_error!("the Worker cannot deliver: {fault}");
            return batch.retry_all();
        }
    };
    let is_dead = batch.queue().ends_with(DEAD);
    let mut reachable = true;
    for message in batch.iter() {
        let Ok(message) = message else {
            // None of ours. The handler ends well, so it is acknowledged.
            console_error!("the queue holds a message that is not readable");
            continue;
        };
        let handles = &message.body().handles;
        let done = if is_dead {
            platform.shards().offer_again(handles).await.map(|()| true)
        } else if reachable {
            deliver(&platform, handles).await
        } else {
            Ok(false)
        };
        match done {
            Ok(true) => message.ack(),
            Ok(false) => {
                // The rest would meet the same origin.
                reachable = false;
                retry_later(&message);
            }
            Err(fault) => {
                console_warn!("{fault}");
                retry_later(&message);
            }
        }
    }
}

/// Sends those of the events that still wait; whether all of them are settled.
async fn deliver(platform: &CloudflarePlatform, handles: &[i64]) -> Result<bool, OutboxError> {
    loop {
        // An answer of the outbox is bounded, so there may be more than one.
        let waiting = platform.shards().read(handles).await?;
        if waiting.is_empty() {
            return Ok(true);
        }
        let sent = waiting.len();
        let settled = outbox::deliver(platform, waiting).await;
        platform.shards().settle(&settled).await?;
        if settled.len() < sent {
            return Ok(false);
        }
    }
}

/// Has a message come again after as long as it has been tried: one second, two, four …
fn retry_later(message: &Message<Offer>) {
    let sent = i64::try_from(message.timestamp().as_millis()).unwrap_or(i64::MAX);
    let age_s = u32::try_from((now().get() - sent) / 1000).unwrap_or(0);
    let delay = QueueRetryOptionsBuilder::new().with_delay_seconds(age_s.clamp(1, RETRY_S_MAX));
    message.retry_with_options(&delay.build());
}

/// Sends whatever waits and is not on its way.
pub(crate) async fn drain(env: &Env) {
    let platform = match CloudflarePlatform::in_background(env) {
        Ok(platform) => platform,
        Err(fault) => return console_error!("the Worker cannot drain: {fault}"),
    };
    if let Err(fault) = outbox::drain(&platform).await {
        console_warn!("{fault}");
    }
}
