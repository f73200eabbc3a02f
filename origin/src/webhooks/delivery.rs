//! Brings events to their endpoints, by any number of nodes at once.
//!
//! A node takes a delivery by moving the time at which it may be tried next; one that dies leaves it to the others after
//! [`LEASE_MS`]. Only the first of a session's deliveries that wait for an endpoint may be taken, so a session's events
//! arrive in their sequence and the other sessions do not wait for them. Nor does one endpoint wait for another: each call
//! is settled when it ends, and an endpoint that takes its time has only so many of a node's calls.

use std::collections::HashMap;
use std::future::Future;
use std::time::Duration;

use axum::body::Bytes;
use footfall_shared::mode::Mode;
use footfall_shared::time::{DAY_MS, UtcMillis};
use http::header::CONTENT_TYPE;
use http::{Request, StatusCode, Uri};
use http_body_util::Full;
use tokio::task::{Id, JoinSet};

use super::endpoint::{EventType, is_of_this_machine};
use super::queries::{self, Due, Outcome};
use super::signature::sign;
use crate::app::App;
use crate::db::StorageError;
use crate::http::outgoing::{Outgoing, OutgoingError, Patience};
use crate::http::public_address::check_host;
use crate::intelligence::take_turn;

/// How often this process looks for what is due.
const LOOK_EVERY: Duration = Duration::from_millis(500);
/// Calls that a node has under way at most: what it holds of connections and bodies.
const CALLS_MAX: usize = 128;
/// Of them to one endpoint: sixteen that hang at once still hold nobody up.
const CALLS_MAX_OF_ENDPOINT: usize = 8;
/// How long a node has for one delivery: more than a call may take.
const LEASE_MS: i64 = 30_000;
/// How long an endpoint may take, and what is read of its answer.
const PATIENCE: Patience = Patience {
    timeout: Duration::from_secs(10),
    bytes_max: 64 * 1024,
};
/// The wait after the first failure; it doubles with each further one.
const BACKOFF_MS: i64 = 5_000;
/// The longest wait.
const BACKOFF_MS_MAX: i64 = 60 * 60 * 1000;
/// How long what was delivered is kept to be looked at.
const KEPT_MS: i64 = 7 * DAY_MS;
/// How often what was delivered longer ago is forgotten.
const FORGET_EVERY_MS: i64 = 60 * 60 * 1000;

/// Who brings deliveries: one pool for public addresses, one for this machine, which only development uses.
#[derive(Debug, Clone)]
pub struct Postman {
    public: Outgoing,
    loopback: Outgoing,
    mode: Mode,
}

impl Postman {
    /// A postman without connections.
    #[must_use]
    pub fn new(mode: Mode) -> Self {
        Self {
            public: Outgoing::to_the_public(),
            loopback: Outgoing::new(),
            mode,
        }
    }
}

/// The calls of this process that are under way, each with its endpoint.
#[derive(Debug, Default)]
struct Calls {
    running: JoinSet<()>,
    endpoints: HashMap<Id, String>,
}

impl Calls {
    fn begin(&mut self, endpoint: String, call: impl Future<Output = ()> + Send + 'static) {
        let begun = self.running.spawn(call);
        self.endpoints.insert(begun.id(), endpoint);
    }

    /// Waits until one has ended; false where there is none.
    async fn end_one(&mut self) -> bool {
        let ended = self.running.join_next_with_id().await;
        // A panic: what it had taken is free again when the lease runs out.
        let id = ended.map(|ended| ended.map_or_else(|panicked| panicked.id(), |(id, ())| id));
        id.is_some_and(|id| self.endpoints.remove(&id).is_some())
    }

    fn room(&self) -> usize {
        CALLS_MAX.saturating_sub(self.endpoints.len())
    }

    fn has_room_for(&self, endpoint: &str) -> bool {
        let same = self.endpoints.values().filter(|other| *other == endpoint);
        same.count() < CALLS_MAX_OF_ENDPOINT
    }

    /// Endpoints that get no further call now.
    fn full(&self) -> Vec<&str> {
        let mut full: Vec<&str> = self.endpoints.values().map(String::as_str).collect();
        full.sort_unstable();
        full.dedup();
        full.retain(|endpoint| !self.has_room_for(endpoint));
        full
    }
}

/// Delivers what is due, until `stop` is done.
pub async fn keep_delivering(app: App, stop: impl Future<Output = ()> + Send) {
    let postman = Postman::new(app.config().mode);
    let delivering = async {
        let mut forget_at = app.now();
        let mut calls = Calls::default();
        loop {
            let begun = begin_due(&app, &postman, &mut calls).await;
            let begun = begun.unwrap_or_else(|error| {
                tracing::warn!(%error, "webhooks cannot be delivered");
                0
            });
            if app.now().since(forget_at) >= 0 {
                forget_at = app.now().plus(FORGET_EVERY_MS);
                if let Err(error) = forget(&app).await {
                    tracing::warn!(%error, "delivered webhooks cannot be forgotten");
                }
            }
            // What has begun ends soon, and a session's next event may follow; else the clock wakes us.
            let wait = if begun > 0 {
                Duration::ZERO
            } else {
                LOOK_EVERY
            };
            tokio::select! {
                biased;
                true = calls.end_one() => {}
                () = tokio::time::sleep(wait) => {}
            }
        }
    };
    tokio::select! {
        () = delivering => {}
        () = stop => {}
    }
}

async fn forget(app: &App) -> Result<(), StorageError> {
    let mut tx = app.db().begin().await?;
    queries::forget_delivered(&mut tx, app.now().plus(-KEPT_MS)).await?;
    tx.commit().await
}

/// Tries what is due now, once and to its end; how much was tried. No endpoint is called too often at once, so this may
/// not be all.
pub async fn deliver_due(app: &App, postman: &Postman) -> Result<usize, StorageError> {
    let mut calls = Calls::default();
    let begun = begin_due(app, postman, &mut calls).await;
    while calls.end_one().await {}
    begun
}

/// Begins what is due and has room; how much it was.
async fn begin_due(app: &App, postman: &Postman, calls: &mut Calls) -> Result<usize, StorageError> {
    let Some(room) = i64::try_from(calls.room()).ok().filter(|room| *room > 0) else {
        return Ok(0);
    };
    let due = {
        let mut db = app.db().read().await?;
        queries::find_due(&mut db, app.now(), &calls.full(), room).await?
    };
    let mut begun = 0;
    for mut one in due {
        if !calls.has_room_for(&one.webhook) {
            continue;
        }
        let now = app.now();
        let mut tx = app.db().begin().await?;
        let taken = queries::take(&mut tx, &mut one, now.plus(LEASE_MS)).await?;
        tx.commit().await?;
        if taken {
            begun += 1;
            let endpoint = one.webhook.clone();
            calls.begin(endpoint, bring(app.clone(), postman.clone(), one, now));
        }
    }
    Ok(begun)
}

/// What an endpoint did with a delivery.
enum Answer {
    Taken,
    /// It wants no more.
    Gone,
    Failed(String),
}

/// Calls the endpoint and writes down what became of it.
async fn bring(app: App, postman: Postman, due: Due, now: UtcMillis) {
    let answer = match call(&postman, &due, now).await {
        Ok(status) if status.is_success() => Answer::Taken,
        Ok(StatusCode::GONE) => Answer::Gone,
        Ok(status) => Answer::Failed(format!("it answered {}", status.as_u16())),
        Err(fault) => Answer::Failed(fault),
    };
    let now = app.now();
    let outcome = settle(&due, answer, now, app.entropy());
    if let Err(error) = keep(&app, &due, &outcome, now).await {
        // The lease runs out, and it is tried again.
        tracing::warn!(shop.id = %due.shop, %error, "what became of a webhook cannot be kept");
    }
}

async fn keep(app: &App, due: &Due, outcome: &Outcome, now: UtcMillis) -> Result<(), StorageError> {
    let mut tx = app.db().begin().await?;
    if matches!(outcome, Outcome::Gone) {
        // Who announces holds the turn, too: nothing is left on its way to an endpoint that wants no more.
        take_turn(&mut tx, &due.shop).await?;
    }
    queries::settle(&mut tx, due, outcome, now).await?;
    tx.commit().await
}

async fn call(postman: &Postman, due: &Due, now: UtcMillis) -> Result<StatusCode, String> {
    let url = format!("{}{}", due.url, EventType::path_of(&due.event_type));
    let uri: Uri = url
        .parse()
        .map_err(|_| "its address cannot be read".to_owned())?;
    let pool = if is_of_this_machine(&uri, postman.mode) {
        &postman.loopback
    } else {
        // Names are looked at when they are looked up; what is an address already is looked at here.
        let host = uri.host().unwrap_or_default();
        check_host(host).map_err(|reason| format!("its host {reason}"))?;
        if uri.scheme_str() != Some("https") {
            return Err("its address is not https".to_owned());
        }
        &postman.public
    };
    let seconds = now.get().div_euclid(1000);
    let request = Request::post(uri)
        .header(CONTENT_TYPE, "application/json")
        .header("webhook-id", &due.event)
        .header("webhook-timestamp", seconds)
        .header(
            "webhook-signature",
            sign(&due.secret, &due.event, seconds, &due.body),
        )
        .body(Full::new(Bytes::from(due.body.clone())))
        .map_err(|_| "the request cannot be made".to_owned())?;
    let answer = pool.send(request, PATIENCE).await;
    match answer {
        Ok(response) => Ok(response.status()),
        // A long answer is an answer; what counts is its status.
        Err(OutgoingError::TooLong { status, .. }) => Ok(status),
        Err(fault) => Err(fault.to_string()),
    }
}

/// What becomes of a delivery. `entropy` spreads the next tries of many.
fn settle(due: &Due, answer: Answer, now: UtcMillis, entropy: [u8; 2]) -> Outcome {
    match answer {
        Answer::Taken => Outcome::Delivered,
        Answer::Gone => Outcome::Gone,
        Answer::Failed(fault) => {
            let next = now.plus(wait_ms(due.attempts, entropy));
            if next.since(due.until) >= 0 {
                Outcome::Parked(fault)
            } else {
                Outcome::Later(next, fault)
            }
        }
    }
}

/// The wait after so many failures before this one: doubled each time, and 20 % more or less.
fn wait_ms(attempts: i64, entropy: [u8; 2]) -> i64 {
    let doubled = BACKOFF_MS << attempts.clamp(0, 20);
    let wait = doubled.min(BACKOFF_MS_MAX);
    let spread = i64::from(u16::from_be_bytes(entropy)) * wait * 2 / 5 / 65_536;
    wait * 4 / 5 + spread
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waits_double_up_to_an_hour_and_are_spread() {
        assert_eq!(wait_ms(0, [0, 0]), 4_000);
        assert_eq!(wait_ms(0, [255, 255]), 5_999);
        assert_eq!(wait_ms(3, [128, 0]), 40_000);
        assert_eq!(wait_ms(1000, [128, 0]), BACKOFF_MS_MAX);
    }
}
