use std::io::Write as _;

use serde_json::{Value, json};

use crate::support::{World, post, publishable, secret};

fn statuses(reply: &Value) -> Vec<&str> {
    let results = reply["results"].as_array().unwrap();
    results
        .iter()
        .map(|result| result["status"].as_str().unwrap())
        .collect()
}

fn page(id: &str) -> Value {
    json!({"type": "page", "messageId": id, "anonymousId": "a"})
}

#[test]
fn each_message_gets_its_verdict_and_a_broken_one_costs_no_other() {
    let world = World::development();
    let reply = world.post(
        "/v1/batch",
        &json!({"batch": [page("1"), {"type": "buy"}, page("1"), "text", page("2")]}),
    );
    assert_eq!(reply.status, 200);
    assert_eq!(
        statuses(&reply.json),
        ["accepted", "dropped", "duplicate", "dropped", "accepted"]
    );
    let expected = "2; type must be track, page, identify, screen, group or alias";
    assert_eq!(reply.header("x-footfall-dropped"), Some(expected));
    assert_eq!(world.edge.outbox.waiting().len(), 2);
    let again = world.post("/v1/batch", &json!({"batch": [page("1")]}));
    assert_eq!(statuses(&again.json), ["duplicate"]);
}

#[test]
fn a_lone_surrogate_or_nul_costs_only_its_own_message() {
    let world = World::development();
    let body = br#"{"batch":[{"type":"page","userId":"\ud800","messageId":"m"},{"type":"page","userId":"a\u0000"},{"type":"page","userId":"u"}]}"#;
    let reply = world.send(post("/v1/batch", body.to_vec()));
    assert_eq!(statuses(&reply.json), ["dropped", "dropped", "accepted"]);
    assert_eq!(
        reply.json["results"][0]["messageId"], "m",
        "its sender can forget it"
    );
}

#[test]
fn what_sdks_and_beacons_send_is_taken() {
    let world = World::production();
    let body =
        json!({"batch": [page("1")], "sentAt": "2026-01-01T00:00:00Z", "writeKey": publishable()});
    let mut beacon = post("/v1/batch", body.to_string().into_bytes());
    beacon
        .headers
        .insert("content-type", "text/plain;charset=UTF-8".parse().unwrap());
    assert_eq!(world.send(beacon).status, 200);

    let mut gzip = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::default());
    gzip.write_all(json!({"batch": [page("2")]}).to_string().as_bytes())
        .unwrap();
    let mut sdk = post("/v1/batch", gzip.finish().unwrap());
    sdk.headers
        .insert("content-encoding", "gzip".parse().unwrap());
    sdk.headers
        .insert("x-api-key", publishable().parse().unwrap());
    assert_eq!(world.send(sdk).status, 200);
    assert_eq!(world.edge.outbox.waiting().len(), 2);
}

#[test]
fn a_single_message_takes_its_kind_from_the_route() {
    let world = World::development();
    for (route, kind, body) in [
        (
            "/v1/track",
            "track",
            json!({"event": "Order Completed", "userId": "u"}),
        ),
        ("/v1/page", "page", json!({"userId": "u"})),
        ("/v1/identify", "identify", json!({"userId": "u"})),
        ("/v1/screen", "screen", json!({"userId": "u"})),
        ("/v1/group", "group", json!({"userId": "u", "groupId": "g"})),
        (
            "/v1/alias",
            "alias",
            json!({"userId": "u", "previousId": "p"}),
        ),
        (
            "/v1/t",
            "track",
            json!({"event": "Product Viewed", "userId": "u"}),
        ),
    ] {
        assert_eq!(world.post(route, &body).status, 200, "{route}");
        let event: Value =
            serde_json::from_str(world.edge.outbox.waiting().last().unwrap()).unwrap();
        assert_eq!(event["type"], kind);
    }
    let broken = world.post("/v1/track", &json!({"userId": "u"}));
    assert_eq!((broken.status, broken.code()), (400, "invalid_message"));
    assert_eq!(broken.json["details"]["field"], "event");
}

#[test]
fn an_outbox_that_fails_acknowledges_nothing() {
    let world = World::development();
    world.edge.outbox.broken.set(true);
    let reply = world.post("/v1/batch", &json!({"batch": [page("1")]}));
    assert_eq!((reply.status, reply.code()), (503, "not_stored"));
}

#[test]
fn a_batch_without_an_origin_is_taken_by_a_warm_edge_and_refused_by_a_cold_one() {
    let world = World::development();
    world.origin.down.set(true);
    assert_eq!(
        world
            .post("/v1/batch", &json!({"batch": [page("1")]}))
            .status,
        503
    );
    world.origin.down.set(false);
    world.post("/v1/batch", &json!({"batch": [page("2")]}));
    world.origin.down.set(true);
    world.later(600_000);
    assert_eq!(
        world
            .post("/v1/batch", &json!({"batch": [page("3")]}))
            .status,
        200
    );
}

#[test]
fn the_shops_server_vouches_for_emails_and_speaks_for_visitors() {
    let world = World::production();
    let message = json!({"type": "identify", "userId": "u", "traits": {"email": "a@b.cd"},
        "context": {"ip": "203.0.113.7"}});
    let send = |key: String| {
        let mut request = post("/v1/identify", message.to_string().into_bytes());
        request.headers.insert("x-api-key", key.parse().unwrap());
        assert_eq!(world.send(request).status, 200);
        let event: Value =
            serde_json::from_str(world.edge.outbox.waiting().last().unwrap()).unwrap();
        (event["trust"].clone(), event["device"]["ip"].clone())
    };
    let (from_server, from_browser) = (send(secret()), send(publishable()));
    assert_eq!(
        (from_server.0.as_str(), from_browser.0.as_str()),
        (Some("verified"), Some("claimed"))
    );
    assert_ne!(
        from_server.1, from_browser.1,
        "the visitor's address, not the server's"
    );
    assert!(from_server.1.is_string());
}
