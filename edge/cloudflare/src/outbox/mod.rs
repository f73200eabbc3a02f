//! The outbox: Durable Objects with SQLite tables each, and every event in the one of its shop.
//!
//! A handle names the shard and the event's place in it, so that it can be settled without a search.

pub(crate) mod object;
mod queries;

use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};
use std::rc::Rc;

use footfall_edge::platform::{
    Outbox, OutboxError, QueuedEvent, Settled, Tally, TallyError, WaitingEvent,
};
use footfall_shared::id::{OutboxId, ShopId};
use footfall_shared::wire::internal::{Lookups, ShopLedger, Verdict};
use futures_util::future::try_join_all;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

use crate::object::ask;
use crate::platform::Bindings;

/// How many objects share the shops. Fixed: another number would look for waiting events in the wrong place.
const SHARDS: i64 = 4;
/// The shard that keeps the outbox's id, and the tally of look-ups.
const SHARD_OF_ID: i64 = 0;

thread_local! {
    /// The outbox's id, which never changes.
    static ID: RefCell<Option<OutboxId>> = const { RefCell::new(None) };
}

/// What a shard is asked.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Question {
    /// The outbox's id, made where there is none yet.
    Id,
    /// Append these, all or none; answered with [`Appended`].
    Append(Vec<NewEvent>),
    /// The longest waiting that are not on their way; answered with [`Waiting`] each.
    Peek { limit: usize },
    /// Those of these that still wait; answered with [`Waiting`] each.
    Read { seqs: Vec<i64> },
    /// Forget these and count what became of them.
    Settle(Vec<SettledSeq>),
    /// Offer these to the queue again, soon.
    OfferAgain { seqs: Vec<i64> },
    /// How many wait; answered with a number.
    Pending,
    /// What became of all that was accepted; answered with [`ShopLedger`] each.
    Ledger,
    /// Add these to the look-ups; answered with all of them.
    Count(Lookups),
}

/// An event that is to be appended.
#[derive(Debug, Serialize, Deserialize)]
struct NewEvent {
    shop: String,
    id: String,
    /// JSON already, and so it stays.
    body: Box<RawValue>,
}

/// What became of a batch.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Appended {
    /// The places of those that were new.
    Taken(BTreeSet<usize>),
    /// None was taken: the shard holds as much as it may.
    Full,
}

/// An event that waits.
#[derive(Debug, Serialize, Deserialize)]
struct Waiting {
    seq: i64,
    body: Box<RawValue>,
}

/// What a receipt says of an event.
#[derive(Debug, Serialize, Deserialize)]
struct SettledSeq {
    seq: i64,
    verdict: Verdict,
}

/// The shards, as one outbox.
pub(crate) struct ShardedOutbox(Rc<Bindings>);

impl ShardedOutbox {
    /// The outbox of the Worker's bindings.
    pub(crate) fn new(bindings: &Rc<Bindings>) -> Self {
        Self(Rc::clone(bindings))
    }

    /// Those of these events that still wait.
    pub(crate) async fn read(&self, handles: &[i64]) -> Result<Vec<WaitingEvent>, OutboxError> {
        let shards = by_shard(handles.iter().map(|handle| (*handle, ())));
        let asked = shards.into_iter().map(|(shard, seqs)| async move {
            let seqs = seqs.into_iter().map(|(seq, ())| seq).collect();
            let waiting: Vec<Waiting> = self.ask(shard, &Question::Read { seqs }).await?;
            Ok(with_handles(shard, waiting))
        });
        Ok(try_join_all(asked).await?.into_iter().flatten().collect())
    }

    /// Has events offered to the queue again: those whose delivery was given up.
    pub(crate) async fn offer_again(&self, handles: &[i64]) -> Result<(), OutboxError> {
        let shards = by_shard(handles.iter().map(|handle| (*handle, ())));
        let asked = shards.into_iter().map(|(shard, seqs)| async move {
            let seqs = seqs.into_iter().map(|(seq, ())| seq).collect();
            self.ask(shard, &Question::OfferAgain { seqs }).await
        });
        try_join_all(asked).await.map(|_: Vec<()>| ())
    }

    async fn ask<R: DeserializeOwned>(
        &self,
        shard: i64,
        question: &Question,
    ) -> Result<R, OutboxError> {
        let failed = |fault: worker::Error| OutboxError::Failed(fault.to_string());
        let name = shard.to_string();
        let stub = self.0.outbox.get_by_name(&name).map_err(failed)?;
        ask(&stub, question).await.map_err(failed)
    }

    async fn count(&self, lookups: Lookups) -> Result<Lookups, TallyError> {
        let counted = self.ask(SHARD_OF_ID, &Question::Count(lookups)).await;
        counted.map_err(|fault| TallyError(fault.to_string()))
    }

    async fn ask_all<R: DeserializeOwned>(
        &self,
        question: &Question,
    ) -> Result<Vec<R>, OutboxError> {
        try_join_all((0..SHARDS).map(|shard| self.ask(shard, question))).await
    }
}

impl Outbox for ShardedOutbox {
    async fn id(&self) -> Result<OutboxId, OutboxError> {
        if let Some(id) = ID.with_borrow(Clone::clone) {
            return Ok(id);
        }
        let id: OutboxId = self.ask(SHARD_OF_ID, &Question::Id).await?;
        ID.with_borrow_mut(|known| *known = Some(id.clone()));
        Ok(id)
    }

    /// A batch comes in one request and so from one shop: the first event's shop decides for all.
    async fn append(&self, events: &[QueuedEvent]) -> Result<BTreeSet<usize>, OutboxError> {
        let Some(first) = events.first() else {
            return Ok(BTreeSet::new());
        };
        let new = events.iter().map(|event| {
            let body = RawValue::from_string(event.json.clone())
                .map_err(|fault| OutboxError::Failed(fault.to_string()))?;
            Ok(NewEvent {
                shop: event.shop.as_str().to_owned(),
                id: event.id.as_str().to_owned(),
                body,
            })
        });
        let new = new.collect::<Result<Vec<_>, OutboxError>>()?;
        match self
            .ask(shard_of(&first.shop), &Question::Append(new))
            .await?
        {
            Appended::Taken(places) => Ok(places),
            Appended::Full => Err(OutboxError::Full),
        }
    }

    async fn peek(&self, limit: usize) -> Result<Vec<WaitingEvent>, OutboxError> {
        let answers: Vec<Vec<Waiting>> = self.ask_all(&Question::Peek { limit }).await?;
        let waiting = (0..).zip(answers);
        let mut waiting: Vec<_> = waiting
            .flat_map(|(shard, waiting)| with_handles(shard, waiting))
            .collect();
        waiting.truncate(limit);
        Ok(waiting)
    }

    async fn settle(&self, settled: &[Settled]) -> Result<(), OutboxError> {
        let shards = by_shard(settled.iter().map(|one| (one.handle, one.verdict)));
        let asked = shards.into_iter().map(|(shard, settled)| async move {
            let settled = settled
                .into_iter()
                .map(|(seq, verdict)| SettledSeq { seq, verdict })
                .collect();
            self.ask(shard, &Question::Settle(settled)).await
        });
        try_join_all(asked).await.map(|_: Vec<()>| ())
    }

    async fn pending(&self) -> Result<u64, OutboxError> {
        Ok(self
            .ask_all::<u64>(&Question::Pending)
            .await?
            .into_iter()
            .sum())
    }

    async fn ledger(&self) -> Result<Vec<ShopLedger>, OutboxError> {
        let shards: Vec<Vec<ShopLedger>> = self.ask_all(&Question::Ledger).await?;
        Ok(shards.into_iter().flatten().collect())
    }
}

/// The tally is with the ledger, whose reader is the only one that asks for it.
impl Tally for ShardedOutbox {
    async fn add(&self, lookups: Lookups) -> Result<(), TallyError> {
        self.count(lookups).await.map(|_| ())
    }

    async fn total(&self) -> Result<Lookups, TallyError> {
        self.count(Lookups::default()).await
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

/// What is known of handles, as each shard knows the event by its number.
fn by_shard<T>(handles: impl Iterator<Item = (i64, T)>) -> BTreeMap<i64, Vec<(i64, T)>> {
    let mut shards = BTreeMap::<i64, Vec<(i64, T)>>::new();
    for (handle, known) in handles {
        let (shard, seq) = (handle.rem_euclid(SHARDS), handle.div_euclid(SHARDS));
        shards.entry(shard).or_default().push((seq, known));
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
