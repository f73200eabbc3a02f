//! The outbox: Durable Objects with a SQLite table each, and every event in the one of its shop.
//!
//! A handle names the shard and the event's place in it, so that it can be settled without a search.

pub(crate) mod object;
mod queries;

use std::collections::{BTreeMap, BTreeSet};

use footfall_edge::platform::{Outbox, OutboxError, QueuedEvent, WaitingEvent};
use footfall_shared::id::ShopId;
use futures_util::future::try_join_all;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use worker::{Env, ObjectNamespace};

use crate::object::ask;

/// The binding of the objects.
const BINDING: &str = "OUTBOX";
/// How many objects share the shops. Fixed: another number would look for waiting events in the wrong place.
const SHARDS: i64 = 4;

/// What a shard is asked.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Question {
    /// Append these, all or none; answered with the places of those that were new.
    Append(Vec<NewEvent>),
    /// The longest waiting that are not on their way; answered with [`Waiting`] each.
    Peek { limit: usize },
    /// Those of these that still wait; answered with [`Waiting`] each.
    Read { seqs: Vec<i64> },
    /// Forget these.
    Settle { seqs: Vec<i64> },
    /// Offer these to the queue again, soon.
    OfferAgain { seqs: Vec<i64> },
    /// How many wait; answered with a number.
    Pending,
}

/// An event that is to be appended.
#[derive(Debug, Serialize, Deserialize)]
struct NewEvent {
    shop: String,
    id: String,
    /// JSON already, and so it stays.
    body: Box<RawValue>,
}

/// An event that waits.
#[derive(Debug, Serialize, Deserialize)]
struct Waiting {
    seq: i64,
    body: Box<RawValue>,
}

/// The shards, as one outbox.
pub(crate) struct ShardedOutbox(ObjectNamespace);

impl ShardedOutbox {
    /// The outbox of the Worker's bindings.
    pub(crate) fn open(env: &Env) -> worker::Result<Self> {
        Ok(Self(env.durable_object(BINDING)?))
    }

    /// Those of these events that still wait.
    pub(crate) async fn read(&self, handles: &[i64]) -> Result<Vec<WaitingEvent>, OutboxError> {
        let asked = by_shard(handles)
            .into_iter()
            .map(|(shard, seqs)| async move {
                let waiting: Vec<Waiting> = self.ask(shard, &Question::Read { seqs }).await?;
                Ok(with_handles(shard, waiting))
            });
        Ok(try_join_all(asked).await?.into_iter().flatten().collect())
    }

    /// Has events offered to the queue again: those whose delivery was given up.
    pub(crate) async fn offer_again(&self, handles: &[i64]) -> Result<(), OutboxError> {
        let asked =
            by_shard(handles)
                .into_iter()
                .map(|(shard, seqs)| async move {
                    self.ask(shard, &Question::OfferAgain { seqs }).await
                });
        try_join_all(asked).await.map(|_: Vec<()>| ())
    }

    async fn ask<R: DeserializeOwned>(
        &self,
        shard: i64,
        question: &Question,
    ) -> Result<R, OutboxError> {
        let failed = |fault: worker::Error| OutboxError(fault.to_string());
        let stub = self.0.get_by_name(&shard.to_string()).map_err(failed)?;
        ask(&stub, question).await.map_err(failed)
    }
}

impl Outbox for ShardedOutbox {
    /// A batch comes in one request and so from one shop: the first event's shop decides for all.
    async fn append(&self, events: &[QueuedEvent]) -> Result<BTreeSet<usize>, OutboxError> {
        let Some(first) = events.first() else {
            return Ok(BTreeSet::new());
        };
        let new = events.iter().map(|event| {
            let body = RawValue::from_string(event.json.clone())
                .map_err(|fault| OutboxError(fault.to_string()))?;
            Ok(NewEvent {
                shop: event.shop.as_str().to_owned(),
                id: event.id.as_str().to_owned(),
                body,
            })
        });
        let new = new.collect::<Result<Vec<_>, OutboxError>>()?;
        self.ask(shard_of(&first.shop), &Question::Append(new))
            .await
    }

    async fn peek(&self, limit: usize) -> Result<Vec<WaitingEvent>, OutboxError> {
        let asked = (0..SHARDS).map(|shard| async move {
            let waiting: Vec<Waiting> = self.ask(shard, &Question::Peek { limit }).await?;
            Ok(with_handles(shard, waiting))
        });
        let mut waiting: Vec<_> = try_join_all(asked).await?.into_iter().flatten().collect();
        waiting.truncate(limit);
        Ok(waiting)
    }

    async fn settle(&self, handles: &[i64]) -> Result<(), OutboxError> {
        let asked = by_shard(handles)
            .into_iter()
            .map(|(shard, seqs)| async move { self.ask(shard, &Question::Settle { seqs }).await });
        try_join_all(asked).await.map(|_: Vec<()>| ())
    }

    async fn pending(&self) -> Result<u64, OutboxError> {
        let asked = (0..SHARDS).map(|shard| self.ask::<u64>(shard, &Question::Pending));
        Ok(try_join_all(asked).await?.into_iter().sum())
    }
}

/// The shard of a shop: the end of its id is random, so shops spread evenly.
fn shard_of(shop: &ShopId) -> i64 {
    let last = shop.as_str().bytes().last().unwrap_or_default();
    i64::from(last) % SHARDS
}

/// The handle of an event by its shard and its number there.
pub(crate) fn handle(shard: i64, seq: i64) -> i64 {
    seq * SHARDS + shard
}

fn by_shard(handles: &[i64]) -> BTreeMap<i64, Vec<i64>> {
    let mut shards = BTreeMap::<i64, Vec<i64>>::new();
    for handle in handles {
        let (shard, seq) = (handle.rem_euclid(SHARDS), handle.div_euclid(SHARDS));
        shards.entry(shard).or_default().push(seq);
    }
    shards
}

fn with_handles(shard: i64, waiting: Vec<Waiting>) -> Vec<WaitingEvent> {
    let waiting = waiting.into_iter().map(|event| WaitingEvent {
        handle: handle(shard, event.seq),
        json: String::from(Box::<str>::from(event.body)),
    });
    waiting.collect()
}
