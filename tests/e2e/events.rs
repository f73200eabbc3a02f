//! Events: what the edge takes is in the origin's log, once.

use std::io::Write;

use flate2::Compression;
use flate2::write::GzEncoder;
use serde_json::{Value, json};

use crate::support::http::Target;
use crate::support::shop::{logged, message};
use crate::support::world::World;
use crate::support::{PATIENCE, unique, until};

/// A batch of track messages of an event that no other test has.
fn batch(event: &str, ids: &[String]) -> Value {
    let messages = ids.iter().map(|id| {
        let mut message = message(id);
        message["event"] = event.into();
        message
    });
    json!({"batch": messages.collect::<Vec<_>>()})
}

fn ids(count: usize) -> Vec<String> {
    (0..count).map(|_| unique("message")).collect()
}

#[track_caller]
fn wait_for(origin: &Target, event: &str, count: usize) -> Vec<(String, usize)> {
    let (found, _) = until("the events are in the log", PATIENCE, || {
        let found = logged(origin, event);
        (found.len() >= count).then_some(found)
    });
    found.into_iter().collect()
}

#[test]
fn a_batch_that_is_sent_three_times_is_in_the_log_once() {
    let (world, event, ids) = (World::shared(), unique("Thrice"), ids(7));
    for _ in 0..3 {
        let reply = world
            .edge()
            .post("/v1/batch", &batch(&event, &ids))
            .expect(200);
        for (result, id) in reply["results"].as_array().unwrap().iter().zip(&ids) {
            assert_eq!(result["messageId"], id.as_str());
            assert_ne!(result["status"], "dropped", "{reply}");
        }
    }
    let expected: Vec<_> = ids.into_iter().map(|id| (id, 1)).collect();
    let mut found = wait_for(&world.origin(), &event, 7);
    found.sort_by_key(|(id, _)| expected.iter().position(|(known, _)| known == id));
    assert_eq!(found, expected);
}

#[test]
fn an_event_is_shown_in_the_log_as_it_was_told() {
    let (world, event, id) = (World::shared(), unique("Told"), unique("message"));
    let mut told = message(&id);
    told["event"] = event.as_str().into();
    told["userId"] = "42".into();
    told["context"] = json!({"page": {"path": "/moon"}});
    world.edge().post("/v1/track", &told).expect(200);
    wait_for(&world.origin(), &event, 1);
    let page = world
        .origin()
        .get(&format!("/api/events?event={event}"))
        .expect(200);
    let logged = &page["events"][0];
    for name in [
        "messageId",
        "type",
        "event",
        "userId",
        "anonymousId",
        "properties",
    ] {
        assert_eq!(logged[name], told[name], "{name}: {logged}");
    }
    assert_eq!(logged["context"]["page"]["path"], "/moon");
    assert!(!logged.to_string().contains("127.0.0.1"), "{logged}");
}

#[test]
fn what_is_dropped_is_told_and_the_rest_is_taken() {
    let (world, event) = (World::shared(), unique("Mixed"));
    let good = ids(1);
    let mut body = batch(&event, &good);
    body["batch"]
        .as_array_mut()
        .unwrap()
        .push(json!({"type": "dance", "messageId": "m"}));
    let answer = world.edge().post("/v1/batch", &body).send();
    let reply = answer.json();
    let status = |at: usize| reply["results"][at]["status"].as_str().unwrap();
    assert_eq!(
        (answer.status, status(0), status(1)),
        (200, "accepted", "dropped")
    );
    assert!(
        answer.header("x-footfall-dropped").starts_with("1; type"),
        "{reply}"
    );
    assert_eq!(wait_for(&world.origin(), &event, 1), [(good[0].clone(), 1)]);
}

#[test]
fn a_key_is_taken_from_wherever_sdks_put_it_and_so_are_gzip_and_beacons() {
    let (world, event) = (World::shared(), unique("Ways"));
    let (edge, key) = (world.edge(), world.report().publishable_key.as_str());
    let body = || batch(&event, &ids(1));
    let mut keyed = body();
    keyed["writeKey"] = key.into();
    let mut gzip = GzEncoder::new(Vec::new(), Compression::default());
    gzip.write_all(body().to_string().as_bytes()).unwrap();
    let ways = [
        edge.post("/v1/batch", &body()).basic(key, ""),
        edge.post("/v1/batch", &body()).header("x-api-key", key),
        edge.with(key).post("/v1/batch", &body()),
        edge.post(&format!("/v1/batch?key={key}"), &body()),
        edge.post("/v1/batch", &keyed)
            .header("content-type", "text/plain;charset=UTF-8"),
        edge.send_json("/v1/batch", gzip.finish().unwrap())
            .header("content-encoding", "gzip"),
    ];
    let count = ways.len();
    for way in ways {
        assert_eq!(way.expect(200)["results"][0]["status"], "accepted");
    }
    assert_eq!(wait_for(&world.origin(), &event, count).len(), count);
}

#[test]
fn the_log_is_read_page_by_page_and_filtered() {
    let (world, event) = (World::shared(), unique("Paged"));
    world
        .edge()
        .post("/v1/batch", &batch(&event, &ids(5)))
        .expect(200);
    let origin = world.origin();
    wait_for(&origin, &event, 5);
    let first = origin
        .get(&format!("/api/events?event={event}&limit=3"))
        .expect(200);
    assert_eq!(first["events"].as_array().unwrap().len(), 3);
    let cursor = first["next_cursor"].as_str().unwrap();
    let path = format!("/api/events?event={event}&limit=3&cursor={cursor}");
    let second = origin.get(&path).expect(200);
    assert_eq!(second["events"].as_array().unwrap().len(), 2);
    assert_eq!(second["next_cursor"], Value::Null);
    let none = origin
        .get(&format!("/api/events?event={event}&type=page"))
        .expect(200);
    assert_eq!(none["events"], json!([]));
}
