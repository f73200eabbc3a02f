//! Ten thousand events from concurrent senders while something breaks: every acknowledged one is in the log
//! exactly once, and the ledger balances in every instant.
//!
//! Each fault is tried with the origin on SQLite and on PostgreSQL.

use std::collections::BTreeSet;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use rustix::process::Signal;
use serde_json::{Value, json};

use crate::support::database::{OwnServer, new_database, refuse_poison};
use crate::support::http::Target;
use crate::support::shop::{logged, message};
use crate::support::world::{Pair, read_ledger};
use crate::support::{measured, unique, until};

const SENDERS: usize = 8;
const BATCHES: usize = 50;
const MESSAGES: usize = 25;
const EVENTS: usize = SENDERS * BATCHES * MESSAGES;
/// Spreads the batches over many flushes of the outbox.
const PAUSE: Duration = Duration::from_millis(50);
/// How long everything may take to be where it belongs once nothing is broken any more.
const SETTLED_WITHIN: Duration = Duration::from_secs(60);

/// Origin and edge with the demo shop, whose events are sent and counted.
struct Scene {
    pair: Pair,
    origin: Target,
    event: String,
    database: String,
}

impl Scene {
    /// `None` is SQLite, as the binary has it by default.
    fn start(database: Option<&str>) -> Self {
        let mut settings = vec![("FOOTFALL_MODE", "development")];
        settings.extend(database.map(|url| ("DATABASE_URL", url)));
        let mut pair = Pair::new(&settings);
        pair.home().run(&["demo"]);
        let made = [
            "admin", "key", "create", "--shop", "demo", "--kind", "secret", "--label", "test",
        ];
        let told = pair.home().run(&made);
        let mut words = told.split_whitespace();
        let key = words.find(|word| word.starts_with("ff_sk_")).unwrap();
        let origin = pair.origin().with(key);
        pair.start_origin();
        pair.start_edge();
        let sqlite = format!("sqlite:{}/footfall.db", pair.home().path().display());
        Self {
            origin,
            event: unique("Fault"),
            database: database.map_or(sqlite, str::to_owned),
            pair,
        }
    }

    /// Sends all events, as `send` does it; `breaks` happens meanwhile, told how many are acknowledged.
    #[track_caller]
    fn send_all(
        &mut self,
        send: impl Fn(&Target, &str, usize) -> Vec<String> + Sync,
        breaks: impl FnOnce(&mut Pair, &dyn Fn(usize)),
    ) -> BTreeSet<String> {
        let acknowledged = Mutex::new(BTreeSet::new());
        let (edge, event) = (self.pair.edge(), self.event.clone());
        let done = AtomicBool::new(false);
        std::thread::scope(|scope| {
            let watching = scope.spawn(|| watch_ledger(&edge, &done));
            let sending: Vec<_> = (0..SENDERS)
                .map(|_| {
                    scope.spawn(|| {
                        for batch in 0..BATCHES {
                            let taken = send(&edge, &event, batch);
                            acknowledged.lock().unwrap().extend(taken);
                            std::thread::sleep(PAUSE);
                        }
                    })
                })
                .collect();
            let wait_for = |count: usize| {
                until("enough is acknowledged", SETTLED_WITHIN, || {
                    (acknowledged.lock().unwrap().len() >= count).then_some(())
                });
            };
            breaks(&mut self.pair, &wait_for);
            sending.into_iter().for_each(|one| one.join().unwrap());
            done.store(true, Ordering::Relaxed);
            assert!(watching.join().unwrap() > 0, "the ledger was never read");
        });
        acknowledged.into_inner().unwrap()
    }

    /// Every one of these is in the log once and nothing else is; and the books balance.
    #[track_caller]
    fn assert_nothing_lost(&self, acknowledged: &BTreeSet<String>, rejected: &BTreeSet<String>) {
        let expected: BTreeSet<_> = acknowledged.difference(rejected).cloned().collect();
        let begun = Instant::now();
        until("nothing is pending any more", SETTLED_WITHIN, || {
            let ledger = read_ledger(&self.pair.edge())?;
            ledger
                .shops
                .iter()
                .all(|shop| shop.pending == 0)
                .then_some(())
        });
        let found = logged(&self.origin, &self.event);
        assert!(
            found.values().all(|times| *times == 1),
            "an event is there twice"
        );
        let found: BTreeSet<_> = found.into_keys().collect();
        let missing = expected.difference(&found).count();
        assert_eq!(missing, 0, "acknowledged and lost");
        assert_eq!(found.difference(&expected).count(), 0, "never acknowledged");
        let told = self.pair.home().run(&["doctor", "--ledger"]);
        assert!(told.contains("the ledger balances"), "{told}");
        measured(format_args!(
            "{}: {} acknowledged, all in the log {} ms later",
            self.event,
            acknowledged.len(),
            begun.elapsed().as_millis()
        ));
    }

    fn ledger(&self) -> footfall_shared::wire::internal::ShopLedger {
        let ledger = read_ledger(&self.pair.edge()).unwrap();
        ledger.shops.into_iter().next().unwrap()
    }
}

/// Reads the ledger again and again; it balances each time. Gives how often it was read.
fn watch_ledger(edge: &Target, done: &AtomicBool) -> usize {
    let mut read = 0;
    while !done.load(Ordering::Relaxed) {
        if let Some(ledger) = read_ledger(edge) {
            for shop in &ledger.shops {
                assert!(shop.balances(), "{shop:?}");
            }
            read += 1;
        }
        std::thread::sleep(Duration::from_millis(100));
    }
    read
}

fn batch_of(ids: &[String], event: &str) -> Value {
    let messages = ids.iter().map(|id| {
        let mut message = message(id);
        message["event"] = event.into();
        message
    });
    json!({"batch": messages.collect::<Vec<_>>()})
}

/// Sends a batch again until the edge answers for it, as an SDK does.
#[track_caller]
fn deliver(edge: &Target, ids: &[String], event: &str) {
    let body = batch_of(ids, event);
    let (reply, _) = until("the edge takes a batch", SETTLED_WITHIN, || {
        let answer = edge.post("/v1/batch", &body).try_send().ok()?;
        (answer.status == 200).then(|| answer.json())
    });
    let mut results = reply["results"].as_array().unwrap().iter();
    assert!(
        results.all(|result| result["status"] != "dropped"),
        "{reply}"
    );
}

fn new_ids() -> Vec<String> {
    (0..MESSAGES).map(|_| unique("message")).collect()
}

fn send(edge: &Target, event: &str, _batch: usize) -> Vec<String> {
    let ids = new_ids();
    deliver(edge, &ids, event);
    ids
}

fn none() -> BTreeSet<String> {
    BTreeSet::new()
}

fn the_origin_is_killed_twice(database: Option<&str>) {
    let mut scene = Scene::start(database);
    let acknowledged = scene.send_all(send, |pair, wait_for| {
        for part in 1..=2 {
            wait_for(EVENTS / 4 * part);
            pair.end_origin(Signal::KILL);
            pair.start_origin();
        }
    });
    assert_eq!(acknowledged.len(), EVENTS);
    scene.assert_nothing_lost(&acknowledged, &none());
}

#[test]
fn the_origin_on_sqlite_may_be_killed_twice() {
    the_origin_is_killed_twice(None);
}

#[test]
fn the_origin_on_postgresql_may_be_killed_twice() {
    the_origin_is_killed_twice(Some(&new_database()));
}

fn the_edge_is_killed(database: Option<&str>) {
    let mut scene = Scene::start(database);
    let acknowledged = scene.send_all(send, |pair, wait_for| {
        wait_for(EVENTS / 3);
        pair.end_edge(Signal::KILL);
        pair.start_edge();
    });
    assert_eq!(acknowledged.len(), EVENTS);
    scene.assert_nothing_lost(&acknowledged, &none());
}

#[test]
fn the_edge_may_be_killed_before_an_origin_on_sqlite() {
    the_edge_is_killed(None);
}

#[test]
fn the_edge_may_be_killed_before_an_origin_on_postgresql() {
    the_edge_is_killed(Some(&new_database()));
}

#[test]
fn postgresql_may_be_killed() {
    let server = OwnServer::start();
    let mut scene = Scene::start(Some(&server.url));
    let acknowledged = scene.send_all(send, |_, wait_for| {
        for part in 1..=2 {
            wait_for(EVENTS / 4 * part);
            server.crash();
        }
    });
    assert_eq!(acknowledged.len(), EVENTS);
    scene.assert_nothing_lost(&acknowledged, &none());
}

fn the_origin_is_away_for_a_minute(database: Option<&str>) {
    let mut scene = Scene::start(database);
    let acknowledged = scene.send_all(send, |pair, wait_for| {
        wait_for(EVENTS / 10);
        pair.end_origin(Signal::TERM);
        std::thread::sleep(Duration::from_secs(60));
        pair.start_origin();
    });
    assert_eq!(acknowledged.len(), EVENTS);
    scene.assert_nothing_lost(&acknowledged, &none());
}

#[test]
fn an_origin_on_sqlite_may_be_away_for_a_minute() {
    the_origin_is_away_for_a_minute(None);
}

#[test]
fn an_origin_on_postgresql_may_be_away_for_a_minute() {
    the_origin_is_away_for_a_minute(Some(&new_database()));
}

/// Each batch comes twice, the second time reordered and after a while, once it is in the log already.
fn batches_are_duplicated_reordered_and_delayed(database: Option<&str>) {
    let mut scene = Scene::start(database);
    let late = Mutex::new(Vec::new());
    let twice = |edge: &Target, event: &str, batch: usize| {
        let mut ids = send(edge, event, batch);
        let first = ids.clone();
        ids.reverse();
        late.lock().unwrap().push(ids);
        if batch % 3 == 2 {
            // Some at once, while they may still wait in the outbox.
            let ids = late.lock().unwrap().pop().unwrap();
            deliver(edge, &ids, event);
        }
        first
    };
    let acknowledged = scene.send_all(twice, |_, _| {});
    scene.assert_nothing_lost(&acknowledged, &none());
    let (edge, event) = (scene.pair.edge(), scene.event.clone());
    for ids in late.into_inner().unwrap() {
        deliver(&edge, &ids, &event);
    }
    assert_eq!(acknowledged.len(), EVENTS);
    scene.assert_nothing_lost(&acknowledged, &none());
    let ledger = scene.ledger();
    assert_eq!(ledger.stored, EVENTS as u64);
    assert!(ledger.duplicate > 0, "{ledger:?}");
}

#[test]
fn batches_may_come_twice_reordered_and_late_on_sqlite() {
    batches_are_duplicated_reordered_and_delayed(None);
}

#[test]
fn batches_may_come_twice_reordered_and_late_on_postgresql() {
    batches_are_duplicated_reordered_and_delayed(Some(&new_database()));
}

/// One event in a thousand makes every attempt to store it fail.
fn an_event_is_poison(database: Option<&str>) {
    let mut scene = Scene::start(database);
    refuse_poison(&scene.database);
    let poisoned = Mutex::new(BTreeSet::new());
    let send = |edge: &Target, event: &str, batch: usize| {
        let mut ids = new_ids();
        if batch % 40 == 7 {
            ids[13] = unique("poison");
            poisoned.lock().unwrap().insert(ids[13].clone());
        }
        deliver(edge, &ids, event);
        ids
    };
    let acknowledged = scene.send_all(send, |_, _| {});
    assert_eq!(acknowledged.len(), EVENTS);
    let poisoned = poisoned.into_inner().unwrap();
    scene.assert_nothing_lost(&acknowledged, &poisoned);
    assert_eq!(scene.ledger().rejected, poisoned.len() as u64);
    let kept = scene.origin.get("/api/events/rejected").expect(200);
    let kept: BTreeSet<_> = kept["events"]
        .as_array()
        .unwrap()
        .iter()
        .map(|one| one["event"]["id"].as_str().unwrap().to_owned())
        .collect();
    assert_eq!(kept, poisoned);
}

#[test]
fn a_poison_event_stops_nobody_on_sqlite() {
    an_event_is_poison(None);
}

#[test]
fn a_poison_event_stops_nobody_on_postgresql() {
    an_event_is_poison(Some(&new_database()));
}
