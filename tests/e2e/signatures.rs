//! Signed routes: nobody gets in without the key that edge and origin share.

use footfall_shared::signing::{SigningKeys, WINDOW_MS};
use footfall_shared::time::UtcMillis;
use footfall_shared::wire::internal::path;
use serde_json::json;

use crate::support::http::{Call, Target};
use crate::support::world::{World, edge_keys};

fn now() -> UtcMillis {
    UtcMillis::new(jiff::Timestamp::now().as_millisecond())
}

/// Every signed route with a body that it would take.
fn signed_routes() -> Vec<(Target, &'static str, serde_json::Value)> {
    let world = World::shared();
    let (origin, edge) = (world.stranger(), world.edge());
    let shop = "shop_01ARZ3NDEKTSV4RRFFQ69G5FAV";
    let customer = json!({"shop": shop, "email_hash": "0".repeat(64)});
    vec![
        (origin.clone(), path::EVENTS, json!({"events": []})),
        (origin.clone(), path::RESOLVE_SHOP, json!({"slug": "demo"})),
        (
            origin.clone(),
            path::RECOGNIZE,
            json!({"shop": shop, "keys": []}),
        ),
        (origin.clone(), path::CUSTOMER_ENTRY, customer.clone()),
        (origin.clone(), path::ENSURE_OFFER, customer),
        (
            origin,
            path::MOVE_OFFER,
            json!({"shop": shop, "offer": "1", "status": "viewed", "customer_email": null}),
        ),
        (edge.clone(), path::PUSH, json!({"changes": []})),
        (edge.clone(), path::FLUSH, json!({})),
        (edge, path::LEDGER, json!({})),
    ]
}

#[track_caller]
fn assert_refused(what: &str, call: Call) {
    let url = call.url.clone();
    let answer = call.send();
    assert_eq!(answer.status, 401, "{what}, {url}: {}", answer.text());
    assert_eq!(answer.json()["success"], false);
}

#[test]
fn an_unsigned_or_wrongly_signed_call_is_refused_at_edge_and_origin() {
    let stranger = SigningKeys::parse(&"s".repeat(40)).unwrap();
    let keys = edge_keys();
    for (target, path, body) in signed_routes() {
        let call = || target.post(path, &body);
        assert_refused("no signature", call());
        assert_refused("a stranger's key", call().signed(&stranger, now()));
        let late = now().plus(-WINDOW_MS - 10_000);
        assert_refused("an old call", call().signed(&keys, late));
        let early = now().plus(WINDOW_MS + 10_000);
        assert_refused("a call from the future", call().signed(&keys, early));
        let changed = call()
            .signed(&keys, now())
            .body("{\"events\": [], \"x\": 1}");
        assert_refused("another body", changed);
        let garbage = call()
            .signed(&keys, now())
            .header("x-footfall-signature", "v1=00");
        assert_refused("half a signature", garbage);
        let elsewhere = call().signed_for("/internal/elsewhere", &keys, now());
        assert_refused("another path", elsewhere);
    }
}

#[test]
fn a_well_signed_call_is_heard() {
    for (target, path, body) in signed_routes() {
        let answer = target.post(path, &body).signed(&edge_keys(), now()).send();
        // The shop of most bodies is unknown; only the signature is in question here.
        assert!(
            [200, 404].contains(&answer.status),
            "{path}: {} {}",
            answer.status,
            answer.text()
        );
        assert_ne!(answer.json()["code"], "not_found", "{path}");
    }
}

#[test]
fn the_shops_keys_are_no_signature() {
    let world = World::shared();
    for (target, path, body) in signed_routes() {
        assert_refused(
            "a secret key",
            target.with(&world.report().secret_key).post(path, &body),
        );
    }
}

#[test]
fn the_origins_signed_routes_cannot_be_reached_through_the_edge() {
    let edge = World::shared().edge();
    for route in [path::EVENTS, path::RESOLVE_SHOP, path::CUSTOMER_ENTRY] {
        let call = edge
            .post(route, &json!({"events": []}))
            .signed(&edge_keys(), now());
        call.expect(404);
    }
}
