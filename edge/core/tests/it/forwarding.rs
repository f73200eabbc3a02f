use footfall_edge::memory::request;
use footfall_shared::identity::IpHash;
use serde_json::json;

use crate::support::{World, post};

#[test]
fn other_api_paths_reach_the_origin_with_their_query_and_without_spoofed_headers() {
    let world = World::production();
    let mut asked = post(
        "/wp-json/wg/v1/intelligence/profile?customer_email=a%40b.cd",
        b"{}".to_vec(),
    );
    for (name, value) in [
        ("authorization", "Bearer ff_sk_x"),
        ("connection", "close, x-secret-hop"),
        ("x-secret-hop", "1"),
        ("x-forwarded-for", "6.6.6.6"),
        ("x-real-ip", "6.6.6.6"),
        ("forwarded", "for=6.6.6.6"),
        ("x-footfall-signature", "v1=00"),
        ("spin-client-addr", "6.6.6.6:1"),
        ("x-request-id", "abc-1"),
    ] {
        asked.headers.insert(name, value.parse().unwrap());
    }
    let reply = world.send(asked);
    assert_eq!(reply.header("x-request-id"), Some("abc-1"));
    let sent = world.edge.origin.asked.borrow();
    let sent = sent.last().unwrap();
    assert_eq!(
        sent.path_and_query,
        "/wp-json/wg/v1/intelligence/profile?customer_email=a%40b.cd"
    );
    let mut names: Vec<&str> = sent.headers.keys().map(http::HeaderName::as_str).collect();
    names.sort_unstable();
    assert_eq!(names, ["authorization", "content-type", "x-request-id"]);
    assert_eq!(sent.body, b"{}");
}

#[test]
fn a_shops_webhook_reaches_the_origin_with_its_raw_body_and_its_headers() {
    let world = World::production();
    // Any byte may count: the signature is over the body as it was sent.
    let body: Vec<u8> = (0..=255).chain(*b" {\"id\" : 1}\r\n").collect();
    let mut delivery = post("/webhooks/woocommerce/demo", body.clone());
    let headers = [
        ("x-wc-webhook-source", "https://shop.example/"),
        ("x-wc-webhook-topic", "order.updated"),
        ("x-wc-webhook-resource", "order"),
        ("x-wc-webhook-event", "updated"),
        (
            "x-wc-webhook-signature",
            "yHW6H2DDkNY0AoN/I/mrHDMgY0hR9+X6Bs7at4/FL78=",
        ),
        ("x-wc-webhook-id", "5"),
        ("x-wc-webhook-delivery-id", "0c5d"),
    ];
    for (name, value) in headers {
        delivery.headers.insert(name, value.parse().unwrap());
    }
    world.send(delivery);
    let sent = world.edge.origin.asked.borrow();
    let sent = sent.last().unwrap();
    assert_eq!(sent.path_and_query, "/webhooks/woocommerce/demo");
    assert_eq!(sent.method, "POST");
    assert_eq!(sent.body, body);
    for (name, value) in headers {
        assert_eq!(sent.headers[name], value, "{name}");
    }
}

#[test]
fn each_of_the_contracts_storefront_paths_reaches_the_origin_as_it_was_asked() {
    let world = World::production();
    for (method, path) in [
        (
            "GET",
            "/wp-json/wg/v1/intelligence/profile?customer_email=a%40b.cd",
        ),
        ("POST", "/wp-json/wg/v1/intelligence/recalculate"),
        (
            "GET",
            "/wp-json/wg/v1/intelligence/bundle?customer_email=a%40b.cd",
        ),
        ("POST", "/wp-json/wg/v1/intelligence/bundle-status"),
    ] {
        let mut asked = request(method, path);
        asked.body = b"{\"customer_email\": \"a@b.cd\"}".to_vec();
        let body = asked.body.clone();
        world.send(asked);
        let sent = world.edge.origin.asked.borrow();
        let sent = sent.last().unwrap();
        assert_eq!(
            (sent.method.as_str(), sent.path_and_query.as_str()),
            (method, path)
        );
        assert_eq!(sent.body, body);
    }
}

#[test]
fn a_login_tells_the_origin_a_signed_hash_of_the_clients_address_and_nothing_else_does() {
    let world = World::production();
    let told = |path: &str, peer: &str| {
        let mut asked = post(path, b"{}".to_vec());
        asked.peer = Some(peer.parse().unwrap());
        let spoofed = "ab".repeat(32).parse().unwrap();
        asked.headers.insert("x-footfall-caller", spoofed);
        world.send(asked);
        let sent = world.edge.origin.asked.borrow();
        let headers = sent.last().unwrap().headers.clone();
        let text = |name: &str| Some(headers.get(name)?.to_str().unwrap().to_owned());
        let [caller, at, signature] = [
            "x-footfall-caller",
            "x-footfall-timestamp",
            "x-footfall-signature",
        ]
        .map(text);
        let caller = IpHash::parse(&caller?).unwrap();
        let keys = &world.edge.config.keys;
        let now = world.edge.now.get();
        keys.verify_caller(now, &caller, at.as_deref(), signature.as_deref())
            .unwrap();
        assert!(!format!("{headers:?}").contains(peer));
        Some(caller)
    };
    let first = told("/api/auth/login", "192.0.2.7");
    assert!(first.is_some());
    assert_eq!(told("/api/auth/login", "192.0.2.7"), first);
    assert_ne!(told("/api/auth/login", "192.0.2.8"), first);
    assert_eq!(told("/api/auth/refresh", "192.0.2.7"), None);
}

#[test]
fn signed_routes_of_the_origin_are_not_reachable_through_the_edge() {
    let world = World::development();
    for path in [
        "/internal/events",
        "/internal/shops/resolve",
        "/metrics",
        "/",
    ] {
        assert_eq!(world.get(path).status, 404, "{path}");
    }
    assert_eq!(world.asked(), 0);
}

#[test]
fn an_origin_that_is_down_is_said_so() {
    let world = World::development();
    world.origin.down.set(true);
    let reply = world.get("/api/events");
    assert_eq!((reply.status, reply.code()), (503, "origin_unreachable"));
}

#[test]
fn the_tracker_is_cached_by_its_tag() {
    let world = World::production();
    let first = world.get("/t.js");
    let tag = first.header("etag").unwrap().to_owned();
    assert!(
        first
            .header("cache-control")
            .unwrap()
            .contains("max-age=3600")
    );
    let mut again = request("GET", "/t.js");
    again.headers.insert("if-none-match", tag.parse().unwrap());
    assert_eq!(world.send(again).status, 304);
}

#[test]
fn the_demo_shop_exists_in_development_only() {
    assert_eq!(World::development().get("/demo/").status, 200);
    assert_eq!(World::production().get("/demo/").status, 404);
}

#[test]
fn the_deprecated_status_route_answers_and_says_where_to_go() {
    let world = World::development();
    let path = "/api/intelligence/bundle-status-update";
    let reply = world.post(path, &json!({"offer_id": 93, "status": "viewed"}));
    assert_eq!(reply.status, 200);
    for name in ["deprecation", "sunset", "link"] {
        assert!(reply.header(name).is_some(), "{name}");
    }
    let missing = world.post(path, &json!({"status": "viewed"}));
    assert_eq!(
        (missing.status, missing.code()),
        (400, "missing_parameters")
    );
    let invalid = world.post(path, &json!({"offer_id": 93, "status": "sold"}));
    assert_eq!((invalid.status, invalid.code()), (400, "invalid_status"));
    assert!(invalid.header("deprecation").is_some());
}

#[test]
fn a_page_may_ask_across_origins() {
    let mut preflight = request("OPTIONS", "/v1/batch");
    preflight
        .headers
        .insert("origin", "https://shop.example".parse().unwrap());
    preflight
        .headers
        .insert("access-control-request-method", "POST".parse().unwrap());
    let reply = World::production().send(preflight);
    assert_eq!(reply.status, 204);
    assert_eq!(
        reply.header("access-control-allow-origin"),
        Some("https://shop.example")
    );
    assert!(
        reply
            .header("access-control-allow-headers")
            .unwrap()
            .contains("X-API-Key")
    );
}
