//! One shard of the outbox: the table, and the alarm that tells the queue of what waits.
//!
//! **Invariant:** only [`Question::Settle`] removes an event, and only receipts of the origin lead to it.
//!
//! What the queue was told of is *offered*. An offer that came to nothing (its message was lost, or nobody
//! delivered for [`OFFER_MS`]) is made again; a drain that goes round the queue waits for it
//! [`UNDERWAY_MS`] only, because sending an event twice is harmless and waiting is not.

use footfall_shared::id::OutboxId;
use worker::{DurableObject, Env, Queue, Request, Response, State, durable_object};

use super::{Appended, NewEvent, Question, queries};
use crate::delivery::{self, Offer};
use crate::object::{answer, question, transaction};
use crate::platform::{entropy, now};

/// How long events are gathered before the queue is told: each message has its price.
const GATHER_MS: i64 = 50;
/// After how long an event is offered anew. Longer than a message lives in the queue.
const OFFER_MS: i64 = 5 * 60_000;
/// How long an offered event is left to the queue.
const UNDERWAY_MS: i64 = 5_000;
/// How long an event rests after its message ended in the dead-letter queue.
const AGAIN_MS: i64 = 15_000;
/// How soon the queue is tried again when it took nothing.
const QUEUE_PAUSE_MS: i64 = 1_000;
/// Most bytes of events in one answer: memory is bounded, here and at the asker.
const ANSWER_BYTES_MAX: usize = 2 * 1024 * 1024;
/// Bytes of events that a shard holds where the variable does not say: 1 GiB, a tenth of what an object may.
const BYTES_MAX: i64 = 1 << 30;
/// Most events that one alarm offers.
const OFFERED_MAX: i64 = 10_000;

/// A shard of the outbox.
#[durable_object]
pub struct OutboxShard {
    state: State,
    /// `None` where no queue is bound: then drains alone empty the outbox.
    queue: Option<Queue>,
    /// Before it holds more bytes of events than this, it takes no further ones.
    bytes_max: i64,
    /// What went wrong when the table was made.
    broken: Option<String>,
}

impl DurableObject for OutboxShard {
    fn new(state: State, env: Env) -> Self {
        let created = queries::create(&state.storage().sql());
        Self {
            state,
            queue: delivery::queue(&env),
            bytes_max: env
                .var("OUTBOX_BYTES_MAX")
                .ok()
                .and_then(|text| text.to_string().parse().ok())
                .unwrap_or(BYTES_MAX),
            broken: created.err().map(|fault| fault.to_string()),
        }
    }

    async fn fetch(&self, mut request: Request) -> worker::Result<Response> {
        if let Some(fault) = &self.broken {
            return answer(Err::<(), _>(fault.as_str().into()));
        }
        match question(&mut request).await {
            Ok(question) => self.reply(question).await,
            Err(fault) => answer(Err::<(), _>(fault)),
        }
    }

    async fn alarm(&self) -> worker::Result<Response> {
        self.offer().await?;
        Response::empty()
    }
}

impl OutboxShard {
    async fn reply(&self, question: Question) -> worker::Result<Response> {
        let sql = self.state.storage().sql();
        match question {
            Question::Id => {
                let new = OutboxId::generate(now(), entropy());
                answer(transaction(&self.state, || queries::name(&sql, &new)))
            }
            Question::Append(events) => answer(self.append(&events).await),
            Question::Peek { limit } => {
                let before = now().get() - UNDERWAY_MS;
                answer(queries::offered_before(
                    &sql,
                    before,
                    limit,
                    ANSWER_BYTES_MAX,
                ))
            }
            Question::Read { seqs } => answer(queries::read(&sql, &seqs, ANSWER_BYTES_MAX)),
            Question::Settle(settled) => {
                answer(transaction(&self.state, || queries::settle(&sql, &settled)))
            }
            Question::OfferAgain { seqs } => {
                let marked = queries::mark(&sql, &seqs, now().get() - OFFER_MS + AGAIN_MS);
                let woken = self.wake_in(AGAIN_MS + 1).await;
                answer(marked.and(woken))
            }
            Question::Pending => answer(queries::pending(&sql)),
            Question::Ledger => answer(queries::ledger(&sql)),
            Question::Count(lookups) => answer(queries::count(&sql, lookups)),
        }
    }

    async fn append(&self, events: &[NewEvent]) -> worker::Result<Appended> {
        let sql = self.state.storage().sql();
        if queries::bytes(&sql)? >= self.bytes_max {
            return Ok(Appended::Full);
        }
        let taken = transaction(&self.state, || queries::insert(&sql, events))?;
        // An event whose alarm cannot be set is stored all the same, and drains find it.
        if !taken.is_empty() {
            let _ = self.wake_in(GATHER_MS).await;
        }
        Ok(Appended::Taken(taken.into_iter().collect()))
    }

    /// Tells the queue of what waits, and sets the alarm for what will have waited too long.
    async fn offer(&self) -> worker::Result<()> {
        let Some(queue) = &self.queue else {
            return Ok(());
        };
        let sql = self.state.storage().sql();
        let now = now().get();
        let seqs = queries::offer(&sql, now - OFFER_MS, now, OFFERED_MAX)?;
        if !seqs.is_empty() {
            let offers = Offer::of(self.shard()?, &seqs);
            if let Err(fault) = queue.send_batch(offers).await {
                worker::console_warn!("the queue takes nothing: {fault}");
                queries::mark(&sql, &seqs, 0)?;
                return self.wake_in(QUEUE_PAUSE_MS).await;
            }
        }
        match queries::first_offer(&sql)? {
            Some(offered) => {
                self.wake_in((offered + OFFER_MS + 1 - now).max(GATHER_MS))
                    .await
            }
            None => Ok(()),
        }
    }

    /// Sets the alarm, unless it rings before anyway.
    async fn wake_in(&self, millis: i64) -> worker::Result<()> {
        if self.queue.is_none() {
            return Ok(());
        }
        let storage = self.state.storage();
        let due = now().get() + millis;
        match storage.get_alarm().await? {
            Some(rings) if rings <= due => Ok(()),
            _ => storage.set_alarm(millis).await,
        }
    }

    /// Which shard this is; its name says so.
    fn shard(&self) -> worker::Result<i64> {
        let name = self.state.id().name().unwrap_or_default();
        name.parse()
            .map_err(|_| format!("an outbox has the name {name:?}").into())
    }
}
