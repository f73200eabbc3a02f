//! The background task that empties the queue.

use std::future::Future;
use std::time::Duration;

use footfall_shared::wire::internal::{Change, Push, path};
use tokio::task::JoinSet;

use super::call::{CallError, Caller};
use super::changes::{self, Outgoing};
use super::flusher::keep_flushing;
use super::queries::{self, Due};
use crate::app::App;
use crate::db::StorageError;

/// How often the queue is looked at without being woken: other nodes and the command line queue too.
const LOOK_EVERY: Duration = Duration::from_millis(500);
/// How long changes are gathered once there is one: what comes in bursts goes out in one call, and its
/// settlement does not take SQLite's writer, and a sync, after each of them.
const GATHER: Duration = Duration::from_millis(20);
/// Most keys that an edge is told to forget in one call: on Workers it goes to another store for each, one after the
/// other.
const FORGOTTEN_MAX: usize = 20;
/// Longest pause of the whole task after a failure, in milliseconds: an edge that is back is seen soon.
const PAUSE_MS_MAX: i64 = 4_000;
/// Delay after the first failed try, in milliseconds; it doubles with each further one.
const BACKOFF_MS: i64 = 250;
/// Longest delay, in milliseconds.
const BACKOFF_MS_MAX: i64 = 30_000;

/// Why a push failed. Each is tried again.
#[derive(Debug, thiserror::Error)]
pub enum PushError {
    /// The queue could not be read or written.
    #[error(transparent)]
    Storage(#[from] StorageError),
    /// The changes are no JSON.
    #[error("the changes cannot be written as JSON")]
    Unwritable(#[source] serde_json::Error),
    /// The edge did not take them.
    #[error(transparent)]
    Call(#[from] CallError),
}

/// Pushes to every configured edge, and gives it the pace of its outbox, until `stop` is done, each edge on its own, so that one that is down
/// keeps no other waiting.
pub async fn run(app: App, stop: impl Future<Output = ()> + Send) {
    let caller = Caller::new();
    let mut tasks = JoinSet::new();
    for edge in &app.config().edges {
        tasks.spawn(keep_flushing(app.clone(), caller.clone(), edge.clone()));
        tasks.spawn(keep_pushing(app.clone(), caller.clone(), edge.clone()));
    }
    stop.await;
    tasks.shutdown().await;
}

async fn keep_pushing(app: App, caller: Caller, edge: String) {
    let mut woken = app.pushes().subscribe();
    let mut failures = 0;
    loop {
        match push_once(&app, &caller, &edge).await {
            Ok((sent, more)) => {
                if failures > 0 && sent > 0 {
                    tracing::info!(edge, "pushes reach the edge again");
                    failures = 0;
                }
                if more {
                    continue;
                }
            }
            Err(error) => {
                tell_failure(&edge, failures, &error);
                // Whoever changes something now does not make an edge that is down answer.
                let pause = backoff_ms(failures, app.entropy()).min(PAUSE_MS_MAX);
                failures += 1;
                tokio::time::sleep(Duration::from_millis(pause.unsigned_abs())).await;
                continue;
            }
        }
        tokio::select! {
            // The sender lives in `app`, which this task holds, so the channel never closes.
            _ = woken.changed() => tokio::time::sleep(GATHER).await,
            () = tokio::time::sleep(LOOK_EVERY) => {}
        }
    }
}

/// The first failure is told aloud, the ones that follow it are more of the same.
fn tell_failure(edge: &str, before: i64, error: &PushError) {
    let cause = std::error::Error::source(error).map(ToString::to_string);
    if before == 0 {
        tracing::warn!(%error, cause, edge, "push failed and will be tried again");
    } else {
        tracing::debug!(%error, cause, edge, failures = before + 1, "push failed again");
    }
}

/// Sends everything that is due now, once, to every edge; how many changes were taken. For the command
/// line and for tests; [`run`] does the same for as long as the process lives.
pub async fn drain(app: &App) -> Result<usize, PushError> {
    let caller = Caller::new();
    let mut taken = 0;
    for edge in &app.config().edges {
        loop {
            let (sent, more) = push_once(app, &caller, edge).await?;
            taken += sent;
            if !more {
                break;
            }
        }
    }
    Ok(taken)
}

/// Tells one edge what is due; how many changes it took, and whether more may be due.
///
/// What it is to forget goes in a call of its own, once nothing else waits: an edge of an older release refuses such a
/// call, and must not miss a revoked key for it.
async fn push_once(app: &App, caller: &Caller, edge: &str) -> Result<(usize, bool), PushError> {
    let now = app.now();
    let most = Push::CHANGES_MAX;
    let due = queries::find_due(&mut app.db().read().await?, edge, most, now).await?;
    let changed = send(app, caller, edge, due).await?;
    if changed == most {
        return Ok((changed, true));
    }
    let most = FORGOTTEN_MAX;
    let due = queries::find_forgotten(&mut app.db().read().await?, edge, most, now).await?;
    let forgotten = send(app, caller, edge, due).await?;
    Ok((changed + forgotten, forgotten == most))
}

/// One call to one edge, if there is something to tell; how many changes it took.
async fn send(app: &App, caller: &Caller, edge: &str, due: Vec<Due>) -> Result<usize, PushError> {
    if due.is_empty() {
        return Ok(0);
    }
    let now = app.now();
    let outgoing = changes::build(&mut app.db().read().await?, due).await?;
    let (rows, changes): (Vec<_>, Vec<Change>) = outgoing.into_iter().unzip();
    let push = Push { changes };
    let body = serde_json::to_vec(&push).map_err(PushError::Unwritable)?;
    let sent = caller.post(app, edge, path::PUSH, body).await;
    let mut outgoing: Vec<Outgoing> = rows.into_iter().zip(push.changes).collect();
    outgoing.sort_by_cached_key(|(due, _)| due.lock_order());
    let mut tx = app.db().begin().await?;
    for (due, change) in &outgoing {
        match &sent {
            Ok(_) => {
                queries::settle(&mut tx, edge, due, changes::version_of(change)).await?;
                let delay = app.now().since(due.created_at);
                app.metrics().pushed_after(delay);
            }
            Err(_) => {
                let delay = backoff_ms(due.attempts, app.entropy());
                queries::postpone(&mut tx, edge, due, now.plus(delay)).await?;
            }
        }
    }
    tx.commit().await?;
    sent?;
    Ok(outgoing.len())
}

/// The delay after `attempts` failed tries before this one: doubling, with up to a half of it at random,
/// so that many rows do not come back in one moment.
fn backoff_ms(attempts: i64, entropy: [u8; 2]) -> i64 {
    let doublings = u32::try_from(attempts.clamp(0, 10)).unwrap_or(0);
    let full = (BACKOFF_MS << doublings).min(BACKOFF_MS_MAX);
    full - full / 2 * i64::from(u16::from_be_bytes(entropy)) / i64::from(u16::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_delay_doubles_up_to_half_a_minute_and_is_never_shorter_than_half() {
        assert_eq!(backoff_ms(0, [0, 0]), 250);
        assert_eq!(backoff_ms(0, [255, 255]), 125);
        assert_eq!(backoff_ms(3, [0, 0]), 2000);
        assert_eq!(backoff_ms(i64::MAX, [0, 0]), 30_000);
    }
}
