use footfall_shared::identity::Trust;
use footfall_shared::intelligence::Owner;
use footfall_shared::wire::internal::DeviceLink;
use serde_json::{Value, json};

use crate::support::{ANONYMOUS, EMAIL, World, entry, link, post, publishable, with_offer};

const PATH: &str = "/api/intelligence/track-customer";

fn waiting(world: &World) -> Vec<Value> {
    world
        .edge
        .outbox
        .waiting()
        .iter()
        .map(|event| serde_json::from_str(event).unwrap())
        .collect()
}

#[test]
fn the_same_device_is_recognized_on_its_second_visit() {
    let world = World::development().knows(entry(30, 7));
    world.post(PATH, &json!({"email": EMAIL, "fingerprint": "f"}));
    let asked = world.asked();
    let second = world.post(PATH, &json!({"fingerprint": "f"}));
    assert_eq!(second.json["tracked"]["customer_email"], EMAIL);
    assert_eq!(second.json["profile"]["total_orders"], 3);
    assert_eq!(world.asked(), asked, "from the edge's own state");
}

#[test]
fn a_stranger_is_nobody_and_the_origin_is_asked_once() {
    let world = World::development();
    let reply = world.post(PATH, &json!({"fingerprint": "f"}));
    assert_eq!(
        reply.json,
        json!({"success": true, "tracked": null, "profile": null})
    );
    let asked = world.asked();
    world.post(PATH, &json!({"fingerprint": "f"}));
    assert_eq!(world.asked(), asked);
    assert!(waiting(&world).is_empty());
}

#[test]
fn an_email_and_an_event_become_two_durable_events() {
    let world = World::development();
    let body = json!({"email": EMAIL, "customer_id": 42, "event_type": "checkout_email_entered", "fingerprint": "f"});
    assert_eq!(world.post(PATH, &body).status, 200);
    let events = waiting(&world);
    assert_eq!(
        (events[0]["type"].as_str(), events[1]["type"].as_str()),
        (Some("identify"), Some("track"))
    );
    assert_eq!(events[1]["name"], "checkout_email_entered");
    assert_eq!(
        (events[0]["email"].as_str(), events[0]["trust"].as_str()),
        (Some(EMAIL), Some("claimed"))
    );
    assert_eq!(events[0]["user_id"], "42");
}

#[test]
fn an_event_is_durable_before_it_is_answered() {
    let world = World::development();
    world.edge.outbox.broken.set(true);
    let reply = world.post(PATH, &json!({"email": EMAIL}));
    assert_eq!(
        (reply.status, reply.json["success"].as_bool()),
        (503, Some(false))
    );
    assert!(reply.header("retry-after").is_some());
}

#[test]
fn no_raw_address_or_fingerprint_is_kept() {
    let world = World::development().knows(entry(30, 7));
    let reply = world.post(PATH, &json!({"email": EMAIL, "fingerprint": "raw-print"}));
    let kept = format!(
        "{}{}{}",
        world.edge.cache.dump(),
        waiting(&world).len(),
        json!(waiting(&world))
    );
    for raw in ["127.0.0.9", "raw-print"] {
        assert!(
            !kept.contains(raw) && !reply.json.to_string().contains(raw),
            "{raw}"
        );
    }
    let keys = world.edge.cache.dump();
    let keys = keys.lines().map(|line| line.split(' ').next().unwrap());
    assert!(
        keys.into_iter().all(|key| !key.contains('@')),
        "emails are keyed in keys"
    );
}

#[test]
fn in_production_whoever_is_not_verified_is_masked() {
    let track = |kind, trust| {
        let world = World::production()
            .knows(with_offer(entry(30, 7)))
            .recognizes(kind, link(trust, 1));
        let body =
            json!({"fingerprint": "f", "anonymous_id": ANONYMOUS, "writeKey": publishable()});
        world.post(PATH, &body).json
    };
    let verified = track("browser", Trust::Verified);
    assert_eq!(verified["profile"]["total_orders"], 3);
    let keys = |profile: &Value| {
        profile
            .as_object()
            .unwrap()
            .keys()
            .cloned()
            .collect::<Vec<_>>()
    };
    for (kind, trust) in [
        ("browser", Trust::Claimed),
        ("fingerprint", Trust::Verified),
        ("ip", Trust::Verified),
    ] {
        let masked = track(kind, trust);
        assert_eq!(masked["tracked"]["customer_email"], "***@***.***");
        assert_eq!(masked["profile"]["customer_email"], "***@***.***");
        assert!(masked["profile"]["favorite_products"].is_null());
        assert_eq!(
            keys(&masked["profile"]),
            keys(&verified["profile"]),
            "the shape stays"
        );
    }
}

#[test]
fn in_production_a_claim_is_answered_alike_whether_there_is_such_a_customer() {
    let claim = |world: World| {
        let body = json!({"email": EMAIL, "fingerprint": "f", "writeKey": publishable()});
        let first = world.post(PATH, &body).json;
        let device = json!({"fingerprint": "f", "writeKey": publishable()});
        (first, world.post(PATH, &device).json)
    };
    let known = claim(World::production().knows(with_offer(entry(30, 7))));
    assert_eq!(known, claim(World::production()));
    assert!(known.0["profile"]["total_orders"].is_null());
}

#[test]
fn a_device_that_two_people_share_recognizes_nobody_by_itself() {
    let shared = DeviceLink {
        owner: Owner::Shared,
        version: 2,
    };
    let world = World::development()
        .knows(entry(30, 7))
        .recognizes("fingerprint", shared);
    let stranger = json!({"success": true, "tracked": null, "profile": null});
    assert_eq!(
        world.post(PATH, &json!({"fingerprint": "f"})).json,
        stranger
    );
    // Not even after somebody typed an email there.
    world.post(PATH, &json!({"fingerprint": "f", "email": EMAIL}));
    assert_eq!(
        world.post(PATH, &json!({"fingerprint": "f"})).json,
        stranger
    );
}

#[test]
fn a_claim_never_displaces_the_verified_person_of_a_device() {
    let world = World::development()
        .knows(entry(30, 7))
        .recognizes("fingerprint", link(Trust::Verified, 1));
    world.post(PATH, &json!({"fingerprint": "f"}));
    world.post(
        PATH,
        &json!({"fingerprint": "f", "email": "thief@example.com"}),
    );
    let reply = world.post(PATH, &json!({"fingerprint": "f"}));
    assert_eq!(reply.json["tracked"]["customer_email"], EMAIL);
}

#[test]
fn without_an_origin_a_known_shop_still_tracks() {
    let world = World::development();
    world.post(PATH, &json!({"fingerprint": "f"}));
    world.origin.down.set(true);
    world.later(3_600_000);
    let reply = world.post(PATH, &json!({"email": EMAIL, "fingerprint": "f"}));
    assert_eq!(
        (
            reply.status,
            reply.json["tracked"]["customer_email"].as_str()
        ),
        (200, Some(EMAIL))
    );
    assert_eq!(waiting(&world).len(), 1);
}

#[test]
fn a_cold_edge_without_an_origin_acknowledges_nothing() {
    let world = World::development();
    world.origin.down.set(true);
    let reply = world.post(PATH, &json!({"email": EMAIL}));
    assert_eq!(
        (reply.status, reply.json["success"].as_bool()),
        (200, Some(false))
    );
}

#[test]
fn a_page_of_another_origin_cannot_use_the_shops_key() {
    let world = World::production();
    world.origin.settings.borrow_mut().allowed_origins = vec!["https://shop.example".into()];
    let from = |origin: &str| {
        let body = json!({"writeKey": publishable()}).to_string().into_bytes();
        let mut request = post(PATH, body);
        request.headers.insert("origin", origin.parse().unwrap());
        world.send(request)
    };
    let own = from("https://shop.example");
    assert_eq!(own.status, 200);
    assert_eq!(
        own.header("access-control-allow-origin"),
        Some("https://shop.example")
    );
    let other = from("https://evil.example");
    assert_eq!((other.status, other.code()), (403, "origin_not_allowed"));
}
