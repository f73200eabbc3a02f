//! What a key may do at the edge: its scopes, its end, and the pages that may use it.

use footfall_edge::{Request, memory};
use footfall_shared::permission::Scopes;
use serde_json::json;

use crate::support::{EMAIL, NOW, Reply, World, entry, post, publishable, secret, with_offer};

const TRACK: &str = "/api/intelligence/track-customer";

fn with_key(mut request: Request, key: &str) -> Request {
    request.headers.insert("x-api-key", key.parse().unwrap());
    request
}

fn scoped(world: &World, scope: &str) {
    let scopes = Scopes::parse("scopes", &[scope]).unwrap();
    world.origin.scopes.set(scopes);
}

fn event(world: &World) -> Reply {
    let body = json!({"event": "Product Viewed", "anonymousId": "a"}).to_string();
    world.send(with_key(post("/v1/track", body.into_bytes()), &secret()))
}

fn tracked(world: &World) -> Reply {
    let body = json!({"email": EMAIL}).to_string();
    world.send(with_key(post(TRACK, body.into_bytes()), &secret()))
}

fn look_up(world: &World, key: &str) -> Reply {
    let target = format!("/api/intelligence/bundle?customer_email={EMAIL}");
    world.send(with_key(memory::request("GET", &target), key))
}

#[test]
fn a_server_key_does_at_the_edge_only_what_its_scopes_name() {
    let table = [
        ("*", 200, 200, 200),
        ("events:write", 200, 403, 403),
        ("customers:read", 403, 403, 200),
        ("orders:write", 403, 403, 403),
    ];
    for (scope, events, track, bundle) in table {
        let world = World::production().knows(with_offer(entry(30, 7)));
        scoped(&world, scope);
        let seen = [event(&world), tracked(&world), look_up(&world, &secret())];
        let seen = seen.map(|reply| reply.status);
        assert_eq!(seen, [events, track, bundle], "{scope}");
    }
}

#[test]
fn a_key_without_the_scope_is_told_so() {
    let world = World::production();
    scoped(&world, "orders:write");
    assert_eq!(event(&world).code(), "missing_scope");
}

#[test]
fn a_key_that_ends_is_refused_by_the_edges_own_clock() {
    let world = World::production().knows(with_offer(entry(30, 7)));
    world.origin.key_expires_at.set(Some(NOW.plus(5_000)));
    for key in [publishable(), secret()] {
        world.edge.now.set(NOW);
        assert_eq!(look_up(&world, &key).status, 200);
        world.later(4_999);
        assert_eq!(look_up(&world, &key).status, 200);
        let asked = world.asked();
        world.later(1);
        assert_eq!(look_up(&world, &key).code(), "invalid_key");
        assert_eq!(world.asked(), asked, "the origin need not be asked");
    }
}

fn preflight(world: &World, target: &str, origin: &str) -> Reply {
    let mut request = memory::request("OPTIONS", target);
    let headers = [
        ("origin", origin),
        ("access-control-request-method", "POST"),
    ];
    for (name, value) in headers {
        request.headers.insert(name, value.parse().unwrap());
    }
    world.send(request)
}

#[test]
fn a_preflight_that_shows_its_key_is_answered_by_the_shops_own_list() {
    let world = World::production();
    world.origin.settings.borrow_mut().allowed_origins = vec!["https://shop.example".into()];
    let target = format!("/v1/batch?key={}", publishable());
    let welcome = preflight(&world, &target, "https://shop.example");
    assert_eq!(welcome.status, 204);
    assert_eq!(
        welcome.header("access-control-allow-origin"),
        Some("https://shop.example")
    );
    let stranger = preflight(&world, &target, "https://other.example");
    assert_eq!(stranger.code(), "origin_not_allowed");
    assert_eq!(stranger.header("access-control-allow-origin"), None);
}

#[test]
fn a_preflight_without_a_known_key_is_answered_since_the_request_itself_is_checked() {
    let world = World::production();
    world.origin.settings.borrow_mut().allowed_origins = vec!["https://shop.example".into()];
    let unknown = format!("/v1/batch?key=ff_pk_{}", "0".repeat(40));
    for target in ["/v1/batch", "/v1/batch?key=x", &unknown] {
        assert_eq!(
            preflight(&world, target, "https://other.example").status,
            204,
            "{target}"
        );
    }
    world.origin.down.set(true);
    let target = format!("/v1/batch?key={}", publishable());
    assert_eq!(
        preflight(&world, &target, "https://other.example").status,
        204
    );
}
