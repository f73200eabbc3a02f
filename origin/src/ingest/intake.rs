//! Group commit: batches that arrive while a transaction is under way go together into the next one.
//!
//! A commit to disk costs as much for two thousand events as for five hundred, and neighbouring pages of
//! the indexes are written once instead of four times: with four senders this doubles the intake.

use std::sync::{Mutex, PoisonError};

use footfall_shared::time::UtcMillis;
use footfall_shared::wire::internal::{AppendReceipt, EventBatch};
use tokio::sync::oneshot;

use super::append::{Batch, append_batches};
use crate::app::App;
use crate::db::{Fault, StorageError};
use crate::edges;
use crate::traces;

/// Events in one transaction, unless a single batch has more. More gains little and makes everybody wait.
const EVENTS_A_COMMIT: usize = 4000;

type Answer = Result<AppendReceipt, StorageError>;

/// The batches that wait, and the turn to append them.
#[derive(Debug, Default)]
pub struct Intake {
    waiting: Mutex<Vec<Waiting>>,
    turn: tokio::sync::Mutex<()>,
}

#[derive(Debug)]
struct Waiting {
    batch: Batch,
    answer: oneshot::Sender<Answer>,
}

impl Intake {
    fn push(&self, waiting: Waiting) {
        self.lock().push(waiting);
    }

    /// What goes into the next transaction, the longest waiting first.
    fn take(&self) -> Vec<Waiting> {
        let mut waiting = self.lock();
        let (mut events, mut count) = (0, 0);
        for one in waiting.iter() {
            events += one.batch.len();
            if count > 0 && events > EVENTS_A_COMMIT {
                break;
            }
            count += 1;
        }
        waiting.drain(..count).collect()
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Vec<Waiting>> {
        // Nothing under the lock can panic half way.
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Appends a batch and answers what became of each event, once it is durable.
pub async fn append(app: &App, batch: &EventBatch<'_>, now: UtcMillis) -> Answer {
    let (answer, mut answered) = oneshot::channel();
    let batch = Batch::read(batch);
    app.intake().push(Waiting { batch, answer });
    loop {
        // Whoever gets the turn appends for all who wait. On a task of its own, because a caller who goes
        // away must not take the others' transaction along.
        let for_all = tokio::spawn(traces::carried({
            let app = app.clone();
            async move {
                let _turn = app.intake().turn.lock().await;
                append_waiting(&app, now).await;
            }
        }));
        tokio::select! {
            biased;
            answer = &mut answered => return answer.unwrap_or_else(|_| Err(lost())),
            _ = for_all => {}
        }
        match answered.try_recv() {
            Ok(answer) => return answer,
            // The transaction was full before this batch had its place.
            Err(oneshot::error::TryRecvError::Empty) => {}
            Err(oneshot::error::TryRecvError::Closed) => return Err(lost()),
        }
    }
}

fn lost() -> StorageError {
    StorageError::corrupt("append events", "the task that appends ended early")
}

async fn append_waiting(app: &App, now: UtcMillis) {
    let waiting = app.intake().take();
    if waiting.is_empty() {
        return;
    }
    let batches: Vec<&Batch> = waiting.iter().map(|one| &one.batch).collect();
    match append_together(app, &batches, now).await {
        Ok(receipts) => {
            for (one, receipt) in waiting.into_iter().zip(receipts) {
                // A caller who went away sends the batch again, and then it is a duplicate.
                let _ = one.answer.send(Ok(receipt));
            }
        }
        Err(error) => {
            // Whatever it was, it must not be the others' fault.
            if waiting.len() > 1 {
                tracing::warn!(%error, batches = waiting.len(), "a group is appended one by one");
            }
            for one in waiting {
                let _ = one.answer.send(append_alone(app, one.batch, now).await);
            }
        }
    }
}

/// Appends one batch; where an event of it can never be stored, that event alone is given up and kept with
/// the rejected ones. A database that is busy or away is no event's fault: then nothing is settled.
async fn append_alone(app: &App, batch: Batch, now: UtcMillis) -> Answer {
    let error = match append_single(app, &batch, now).await {
        Err(error) if is_the_events_fault(&error) => error,
        answer => return answer,
    };
    tracing::warn!(%error, events = batch.len(), "a batch is appended event by event");
    let mut whole = AppendReceipt::default();
    for one in batch.one_by_one() {
        let answer = match append_single(app, &one, now).await {
            Err(error) if is_the_events_fault(&error) => {
                tracing::error!(error = ?error, "an event cannot be stored and is kept as rejected");
                append_single(app, &one.given_up(), now).await
            }
            answer => answer,
        };
        match answer {
            Ok(receipt) => whole.receipts.extend(receipt.receipts),
            // What was settled until then is told; the edge sends the rest again.
            Err(_) if !whole.receipts.is_empty() => break,
            Err(error) => return Err(error),
        }
    }
    whole.receipts.sort_by_key(|receipt| receipt.index);
    Ok(whole)
}

fn is_the_events_fault(error: &StorageError) -> bool {
    matches!(error.fault(), Fault::Conflict | Fault::Bug)
}

async fn append_single(app: &App, batch: &Batch, now: UtcMillis) -> Answer {
    let mut receipts = append_together(app, &[batch], now).await?;
    receipts.pop().ok_or_else(lost)
}

async fn append_together(
    app: &App,
    batches: &[&Batch],
    now: UtcMillis,
) -> Result<Vec<AppendReceipt>, StorageError> {
    let mut tx = app.db().begin().await?;
    let receipts = append_batches(app, &mut tx, batches, now).await?;
    edges::commit(app, tx).await?;
    app.live().wake();
    for receipt in receipts.iter().flat_map(|receipt| &receipt.receipts) {
        app.metrics().judged(receipt.verdict.as_str(), 1);
    }
    Ok(receipts)
}
