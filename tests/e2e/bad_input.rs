//! Bad input over the wire: the right 4xx in the contract's envelope, and the next request is served.

use http::Method;
use serde_json::{Value, json};

use crate::support::http::{Call, Target};
use crate::support::shop::{new_shopper, order};
use crate::support::world::World;

const WP: &str = "/wp-json/wg/v1/intelligence";
const TRACK: &str = "/api/intelligence/track-customer";
const STATUS: &str = "/api/intelligence/bundle-status-update";

#[track_caller]
fn check(call: Call, status: u16) {
    let what = format!("{} {}", call.method, call.url);
    let answer = call.send();
    let text = answer.text();
    let shown: String = text.chars().take(400).collect();
    assert_eq!(answer.status, status, "{what}: {shown}");
    let reply = answer.json();
    assert_eq!(reply["success"], false, "{what}: {shown}");
    for name in ["message", "code"] {
        let given = reply[name].as_str().unwrap_or_default();
        assert!(!given.is_empty(), "{what}: no {name}: {shown}");
    }
    assert_eq!(answer.header("content-type"), "application/json", "{what}");
    // A refusal must be found again in the logs, whoever made it: component, host or origin.
    assert!(!answer.header("x-request-id").is_empty(), "{what}");
    if what.contains(&World::shared().edge().base) {
        assert!(answer.header("server-timing").contains("dur="), "{what}");
    }
    assert!(text.len() < 2000, "the reply repeats what was sent: {what}");
}

/// Checks every case, and after each that the next request is served.
#[track_caller]
fn check_all(target: &Target, cases: Vec<(u16, Call)>) {
    for (status, call) in cases {
        check(call, status);
        assert_eq!(target.get("/health").send().status, 200);
    }
}

/// JSON bodies that no route takes: not JSON, half of it, another type, more than one, no UTF-8.
const NO_OBJECTS: [&[u8]; 8] = [
    b"",
    b"not json",
    b"{\"a\":",
    b"[]",
    b"\"text\"",
    b"{} {}",
    b"{\"a\":\"\xff\xfe\"}",
    b"null",
];

fn padded(bytes: usize) -> String {
    format!("{{\"pad\":\"{}\"}}", "x".repeat(bytes))
}

#[test]
fn the_edge_refuses_bad_bodies() {
    let edge = World::shared().edge();
    let mut cases = Vec::new();
    for path in [TRACK, STATUS, "/v1/batch", "/v1/track", "/v1/identify"] {
        cases.extend(NO_OBJECTS.map(|body| (400, edge.send_json(path, body))));
        let kib = if path == "/v1/batch" { 257 } else { 65 };
        cases.push((413, edge.send_json(path, padded(kib * 1024))));
        // More than the component reads, and more than the host does.
        cases.push((413, edge.send_json(path, padded(5 << 20))));
        cases.push((413, edge.send_json(path, padded(9 << 20))));
        let xml = edge
            .post(path, &json!({}))
            .header("content-type", "application/xml");
        cases.push((415, xml));
        for method in [Method::GET, Method::PUT, Method::DELETE, Method::PATCH] {
            cases.push((405, edge.call(method, path)));
        }
        cases.push((
            401,
            edge.post(path, &json!({})).header("x-api-key", "no-key"),
        ));
        let unknown = format!("ff_pk_{}", "z".repeat(40));
        cases.push((401, edge.with(&unknown).post(path, &json!({}))));
        cases.push((401, edge.post(path, &json!({"writeKey": unknown}))));
    }
    check_all(&edge, cases);
}

#[test]
fn the_edge_refuses_bad_fields() {
    let edge = World::shared().edge();
    let mut cases = Vec::new();
    for body in [
        json!({"email": 5}),
        json!({"email": ["a@b.cd"]}),
        json!({"email": "no-email"}),
        json!({"email": "nul\u{0}@example.com"}),
        json!({"email": format!("{}@example.com", "x".repeat(300))}),
        json!({"fingerprint": {"a": 1}}),
        json!({"fingerprint": "f".repeat(300)}),
        json!({"fingerprint": "nul\u{0}"}),
        json!({"customer_id": true}),
        json!({"customer_id": 1.5}),
        json!({"customer_id": 1e300}),
        json!({"customer_id": "c".repeat(300)}),
        json!({"event_type": "order_stolen"}),
        json!({"event_type": 7}),
    ] {
        cases.push((400, edge.post(TRACK, &body)));
    }
    cases.push((
        400,
        edge.send_json(TRACK, "{\"email\": \"\\ud800@example.com\"}"),
    ));
    cases.push((400, edge.send_json(TRACK, "{\"fingerprint\": \"\\udfff\"}")));
    for (status, body) in [
        (400, json!({})),
        (400, json!({"offer_id": 1})),
        (400, json!({"offer_id": 1, "status": "eaten"})),
        (400, json!({"offer_id": 1, "status": 7})),
        (400, json!({"offer_id": {}, "status": "viewed"})),
        (
            400,
            json!({"offer_id": 93, "status": "viewed", "customer_email": "x"}),
        ),
        (404, json!({"offer_id": 99_999_999, "status": "viewed"})),
        (
            404,
            json!({"offer_id": "off_01ARZ3NDEKTSV4RRFFQ69G5FAV", "status": "viewed"}),
        ),
    ] {
        cases.push((status, edge.post(STATUS, &body)));
    }
    check_all(&edge, cases);
}

#[test]
fn the_edge_refuses_bad_events() {
    let edge = World::shared().edge();
    let track = |change: Value| {
        let mut message = json!({"event": "Product Viewed", "anonymousId": "a"});
        for (name, value) in change.as_object().unwrap() {
            message[name] = value.clone();
        }
        edge.post("/v1/track", &message)
    };
    let message = json!({"type": "track", "event": "x", "anonymousId": "a"});
    let cases = vec![
        (400, edge.post("/v1/batch", &json!({"batch": []}))),
        (400, edge.post("/v1/batch", &json!({"batch": {}}))),
        (
            400,
            edge.post("/v1/batch", &json!({"batch": vec![message; 501]})),
        ),
        (
            400,
            edge.send_json("/v1/batch", "no gzip")
                .header("content-encoding", "gzip"),
        ),
        (
            415,
            edge.post("/v1/batch", &json!({}))
                .header("content-encoding", "br"),
        ),
        (400, edge.post("/v1/track", &json!({"anonymousId": "a"}))),
        (400, edge.post("/v1/track", &json!({"event": "nobody"}))),
        (400, track(json!({"event": ""}))),
        (400, track(json!({"event": {"a": 1}}))),
        (400, track(json!({"event": "x".repeat(300)}))),
        (400, track(json!({"event": "nul\u{0}"}))),
        (
            400,
            track(json!({"properties": {"deep": {"nul": "\u{0}"}}})),
        ),
        (400, track(json!({"properties": []}))),
        (400, track(json!({"messageId": "m".repeat(400)}))),
        (400, track(json!({"messageId": []}))),
        (400, track(json!({"timestamp": "1999-01-01T00:00:00Z"}))),
        (400, track(json!({"timestamp": "2999-01-01T00:00:00Z"}))),
        (
            400,
            edge.send_json(
                "/v1/track",
                "{\"event\": \"\\ud800\", \"anonymousId\": \"a\"}",
            ),
        ),
        (400, edge.post("/v1/group", &json!({"anonymousId": "a"}))),
        (400, edge.post("/v1/alias", &json!({"userId": "a"}))),
    ];
    check_all(&edge, cases);
}

#[test]
fn the_edge_refuses_bad_questions() {
    let edge = World::shared().edge();
    let bundle = "/api/intelligence/bundle";
    let get = |query: &str| edge.get(&format!("{bundle}?{query}"));
    let cases = vec![
        (400, get("")),
        (400, get("customer_email=")),
        (400, get("customer_email=no-email")),
        (400, get("customer_email=nul%00@example.com")),
        (
            400,
            get(&format!("customer_email={}@example.com", "x".repeat(300))),
        ),
        (400, get(&format!("fingerprint={}", "f".repeat(300)))),
        (400, get("fingerprint=%00")),
        (404, get("fingerprint=a-device-that-nobody-knows")),
        (404, get("customer_email=nobody@example.com")),
        (401, get("customer_email=a@example.com&key=ff_pk_unknown")),
        (405, edge.call(Method::DELETE, bundle)),
        (405, edge.post(bundle, &json!({}))),
        (405, edge.post("/t.js", &json!({}))),
        (405, edge.post("/health", &json!({}))),
        (405, edge.get("/internal/flush")),
        (404, edge.get("/nowhere")),
        (404, edge.get("/v1/dance")),
        (404, edge.get("/")),
        (404, edge.get("/api/nowhere")),
    ];
    check_all(&edge, cases);
}

/// The shop's routes, at the origin and through the edge.
#[test]
fn the_shops_routes_refuse_bad_input() {
    let world = World::shared();
    for target in [world.stranger(), world.edge()] {
        let mut cases = Vec::new();
        for name in ["recalculate", "bundle-status"] {
            let path = format!("{WP}/{name}");
            cases.extend(NO_OBJECTS.map(|body| (400, target.send_json(&path, body))));
            cases.push((413, target.send_json(&path, padded(65 * 1024))));
            cases.push((
                415,
                target
                    .post(&path, &json!({}))
                    .header("content-type", "text/html"),
            ));
            cases.push((405, target.get(&path)));
            cases.push((401, target.with("ff_sk_unknown").post(&path, &json!({}))));
        }
        for name in ["profile", "bundle"] {
            let path = format!("{WP}/{name}");
            for query in [
                "",
                "?customer_email=",
                "?customer_email=no-email",
                "?customer_email=a%00@example.com",
            ] {
                cases.push((400, target.get(&format!("{path}{query}"))));
            }
            cases.push((
                404,
                target.get(&format!("{path}?customer_email=nobody@example.com")),
            ));
            cases.push((405, target.post(&path, &json!({}))));
        }
        let recalculate = |body: Value| target.post(&format!("{WP}/recalculate"), &body);
        for email in [
            json!(null),
            json!(5),
            json!("x"),
            json!("nul\u{0}@example.com"),
            json!({}),
        ] {
            cases.push((400, recalculate(json!({"customer_email": email}))));
        }
        let lone = "{\"customer_email\": \"\\ud800@example.com\"}";
        cases.push((400, target.send_json(&format!("{WP}/recalculate"), lone)));
        let status = |body: Value| target.post(&format!("{WP}/bundle-status"), &body);
        cases.push((400, status(json!({"offer_id": 1e300, "status": "viewed"}))));
        cases.push((400, status(json!({"offer_id": 93, "status": "nul\u{0}"}))));
        cases.push((400, status(json!({"offer_id": -1, "status": "viewed"}))));
        cases.push((
            404,
            status(json!({"offer_id": i64::MAX, "status": "viewed"})),
        ));
        check_all(&target, cases);
    }
}

#[test]
fn the_intake_and_the_log_refuse_bad_input() {
    let world = World::shared();
    let publishable = &world.report().publishable_key;
    for base in [world.stranger(), world.edge()] {
        let server = base.with(&world.report().secret_key);
        let mut cases = vec![
            (401, base.post("/api/orders", &json!({"orders": []}))),
            (
                403,
                base.with(publishable)
                    .post("/api/orders", &json!({"orders": []})),
            ),
            (400, server.post("/api/orders", &json!({}))),
            (400, server.post("/api/orders", &json!({"orders": {}}))),
            (
                400,
                server.post("/api/orders", &json!({"orders": vec![json!({}); 1001]})),
            ),
            (
                413,
                server.send_json("/api/orders", padded(4 * 1024 * 1024 + 1)),
            ),
            (
                415,
                server
                    .post("/api/orders", &json!({}))
                    .header("content-type", "text/csv"),
            ),
            (405, server.get("/api/orders")),
            (401, base.get("/api/events")),
            (403, base.with(publishable).get("/api/events")),
            (
                401,
                base.get("/api/events").basic("admin@demo.example", "wrong"),
            ),
            (405, server.post("/api/events", &json!({}))),
        ];
        cases.extend(NO_OBJECTS.map(|body| (400, server.send_json("/api/orders", body))));
        for query in [
            "type=dance",
            "limit=0",
            "limit=501",
            "limit=x",
            "cursor=x",
            "cursor=-1",
            "since=soon",
        ] {
            cases.push((400, server.get(&format!("/api/events?{query}"))));
        }
        check_all(&base, cases);
    }
}

#[test]
fn a_bad_order_is_refused_by_name_and_the_good_ones_are_taken() {
    let world = World::shared();
    let email = new_shopper();
    let bad = |name: &str, value: Value| {
        let mut order = order(&email, 3, &[(44, 1)]);
        order[name] = value;
        order
    };
    let orders = json!([
        order(&email, 3, &[(44, 1)]),
        bad("ordered_at", json!("2999-01-01T00:00:00Z")),
        bad("ordered_at", json!("1970-01-01T00:00:00Z")),
        bad("currency", json!("XXX")),
        bad("status", json!("nul\u{0}")),
        bad("customer", json!({"email": "no-email"})),
        bad(
            "items",
            json!([{"product_id": 1, "name": "x", "quantity": 0, "unit_price": 1}])
        ),
        bad(
            "items",
            json!([{"product_id": 1, "name": "x", "quantity": 1, "unit_price": 1e300}])
        ),
        bad("order_id", json!(null)),
        5,
    ]);
    let reply = world
        .origin()
        .post("/api/orders", &json!({"orders": orders}))
        .expect(200);
    assert_eq!(
        (&reply["success"], &reply["accepted"]),
        (&json!(true), &json!(1)),
        "{reply}"
    );
    let refused: Vec<_> = reply["refused"].as_array().unwrap().iter().collect();
    let fields: Vec<_> = refused
        .iter()
        .map(|one| one["field"].as_str().unwrap())
        .collect();
    let expected = [
        "ordered_at",
        "ordered_at",
        "currency",
        "status",
        "customer.email",
        "items[0].quantity",
        "items[0].unit_price",
        "order_id",
        "order",
    ];
    assert_eq!(fields, expected, "{reply}");
    assert!(
        refused
            .iter()
            .zip(1..)
            .all(|(one, index)| one["index"] == index),
        "{reply}"
    );
}
