//! Nothing acknowledged is lost, whoever is killed meanwhile, and it counts once.

use std::collections::BTreeMap;
use std::sync::Mutex;
use std::time::Duration;

use rustix::process::Signal;
use serde_json::{Value, json};

use crate::support::http::Target;
use crate::support::process::signal;
use crate::support::shop::{bundle_path, logged, message, new_shopper};
use crate::support::world::{Home, Pair, World};
use crate::support::{PATIENCE, measured, unique, until};

const THREADS: usize = 8;
const BATCHES: usize = 25;
const MESSAGES: usize = 10;
const PAUSE: Duration = Duration::from_millis(40);

/// Sends a batch and, as an SDK does, sends it again until the edge answers for it; gives its ids.
#[track_caller]
fn send(edge: &Target, event: &str, count: usize) -> Vec<String> {
    let ids: Vec<_> = (0..count).map(|_| unique("message")).collect();
    let messages = ids.iter().map(|id| {
        let mut message = message(id);
        message["event"] = event.into();
        message
    });
    let body = json!({"batch": messages.collect::<Vec<_>>()});
    let (reply, _) = until("the edge takes a batch", PATIENCE, || {
        let answer = edge.post("/v1/batch", &body).try_send().ok()?;
        (answer.status == 200).then(|| answer.json())
    });
    let mut results = reply["results"].as_array().unwrap().iter();
    assert!(
        results.all(|result| result["status"] != "dropped"),
        "{reply}"
    );
    ids
}

/// Sends from all threads at once; `meanwhile` happens when a third is acknowledged.
#[track_caller]
fn send_from_all_threads(edge: &Target, event: &str, meanwhile: impl FnOnce()) -> Vec<String> {
    let acknowledged = Mutex::new(Vec::new());
    let count = || acknowledged.lock().unwrap().len();
    std::thread::scope(|scope| {
        for _ in 0..THREADS {
            scope.spawn(|| {
                for _ in 0..BATCHES {
                    let taken = send(edge, event, MESSAGES);
                    acknowledged.lock().unwrap().extend(taken);
                    // Spreads the batches over several flushes of the outbox.
                    std::thread::sleep(PAUSE);
                }
            });
        }
        until("a third is acknowledged", PATIENCE, || {
            (count() >= THREADS * BATCHES * MESSAGES / 3).then_some(())
        });
        meanwhile();
    });
    acknowledged.into_inner().unwrap()
}

#[track_caller]
fn assert_logged_once(origin: &Target, event: &str, acknowledged: &[String]) {
    let missing = |found: &BTreeMap<String, usize>| {
        acknowledged
            .iter()
            .filter(|id| !found.contains_key(*id))
            .count()
    };
    let (found, took) = until("every acknowledged event is in the log", PATIENCE, || {
        let found = logged(origin, event);
        (missing(&found) == 0).then_some(found)
    });
    let twice: Vec<_> = found.iter().filter(|(_, times)| **times != 1).collect();
    assert!(twice.is_empty(), "{twice:?}");
    measured(format_args!(
        "{} events acknowledged, all in the log {} ms later",
        acknowledged.len(),
        took.as_millis()
    ));
}

#[test]
fn the_origin_may_be_killed_while_events_are_sent() {
    let (world, event) = (World::start(Home::new(&[])), unique("Killed"));
    let before = world.report().pids.origin;
    let acknowledged = send_from_all_threads(&world.edge(), &event, || {
        signal(before, Signal::KILL);
    });
    until("the supervisor tells the new origin", PATIENCE, || {
        world.pids().filter(|pids| pids.origin != before)
    });
    assert_logged_once(&world.origin(), &event, &acknowledged);
}

#[test]
fn the_edge_may_be_killed_while_events_are_sent() {
    let (world, event) = (World::start(Home::new(&[])), unique("Killed"));
    let before = world.report().pids.edge;
    let acknowledged = send_from_all_threads(&world.edge(), &event, || {
        signal(before, Signal::KILL);
    });
    until("the supervisor tells the new edge", PATIENCE, || {
        world.pids().filter(|pids| pids.edge != before)
    });
    assert_logged_once(&world.origin(), &event, &acknowledged);
}

/// Origin and edge with the demo shop; gives the origin as the shop's server reaches it.
fn pair_with_demo() -> (Pair, Target) {
    let mut pair = Pair::new(&[("FOOTFALL_MODE", "development")]);
    pair.home().run(&["demo"]);
    let made = [
        "admin", "key", "create", "--shop", "demo", "--kind", "secret", "--label", "test",
    ];
    let told = pair.home().run(&made);
    let key = told
        .split_whitespace()
        .find(|word| word.starts_with("ff_sk_"));
    let origin = pair.origin().with(key.unwrap());
    pair.start_origin();
    pair.start_edge();
    (pair, origin)
}

#[test]
fn a_killed_edge_keeps_what_it_took_while_the_origin_was_down() {
    let ((mut pair, origin), event) = (pair_with_demo(), unique("Kept"));
    // The edge has seen its shop once; from then on it takes events without the origin.
    let mut acknowledged = send(&pair.edge(), &event, 1);
    pair.end_origin(Signal::TERM);
    acknowledged.extend((0..10).flat_map(|_| send(&pair.edge(), &event, 20)));
    assert_eq!(acknowledged.len(), 201);
    pair.end_edge(Signal::KILL);
    pair.start_edge();
    pair.start_origin();
    assert_logged_once(&origin, &event, &acknowledged);
}

#[test]
fn a_storefront_gets_no_5xx_while_the_origin_is_down() {
    let (mut pair, _) = pair_with_demo();
    let known = "/api/intelligence/bundle?customer_email=shopper@example.com";
    let offer = pair.edge().get(known).expect(200);
    pair.end_origin(Signal::TERM);
    assert_eq!(
        pair.edge().get(known).expect(200),
        offer,
        "the edge's own copy is shown"
    );
    // The edge may hold any of the demo shop's customers by now, but nobody else.
    let unknown = new_shopper();
    let reply = pair.edge().get(&bundle_path(&unknown)).expect(200);
    assert_eq!(reply["reason"], "temporarily_unavailable", "{reply}");
    let track = json!({"fingerprint": "unknown-device", "email": unknown});
    let reply = pair
        .edge()
        .post("/api/intelligence/track-customer", &track)
        .expect(200);
    assert_eq!(
        (&reply["success"], &reply["profile"]),
        (&json!(true), &Value::Null)
    );
}
