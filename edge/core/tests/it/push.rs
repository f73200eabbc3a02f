use std::collections::BTreeSet;

use footfall_shared::id::ShopId;
use footfall_shared::wire::internal::{Change, CustomerEntry, Push, path};
use serde_json::json;

use crate::support::{
    EMAIL, World, email_hash, entry, fingerprint, link, publishable, shop, with_offer,
};

fn customer(shop: ShopId, version: i64, entry: Option<CustomerEntry>) -> Change {
    Change::Customer {
        shop,
        email_hash: email_hash(),
        version,
        entry: entry.map(Box::new),
    }
}

fn forget(key: &str) -> Change {
    Change::Forget {
        shop: shop(),
        key: key.to_owned(),
        version: crate::support::NOW.get(),
    }
}

fn push(world: &World, change: Change) {
    push_all(world, vec![change]);
}

fn push_all(world: &World, changes: Vec<Change>) {
    let count = changes.len();
    let body = serde_json::to_value(Push { changes }).unwrap();
    let reply = world.signed(path::PUSH, &body);
    assert_eq!((reply.status, &reply.json["taken"]), (200, &json!(count)));
}

/// What the cache holds of the shop: what follows the shop in each key, without the floors beside them.
fn held(world: &World) -> BTreeSet<String> {
    let dump = world.edge.cache.dump();
    let of_shop = format!("{}/", shop());
    let names = dump.lines().filter_map(|line| {
        let (key, _) = line.split_once(' ')?;
        let name = key.strip_prefix(of_shop.as_str())?;
        Some(name.strip_suffix("/floor").unwrap_or(name).to_owned())
    });
    names.collect()
}

fn offer(world: &World) -> serde_json::Value {
    world
        .get(&format!("/api/intelligence/bundle?customer_email={EMAIL}"))
        .json
}

#[test]
fn a_push_replaces_what_the_edge_shows_and_the_origin_is_not_asked() {
    let world = World::development().knows(entry(2, 7));
    assert_eq!(offer(&world)["reason"], "not_in_prime_window");
    let asked = world.asked();
    push(&world, customer(shop(), 9, Some(with_offer(entry(30, 8)))));
    assert_eq!(offer(&world)["success"], true);
    assert_eq!(world.asked(), asked);
}

#[test]
fn an_older_push_changes_nothing() {
    let world = World::development();
    push(&world, customer(shop(), 9, Some(with_offer(entry(30, 8)))));
    push(&world, customer(shop(), 8, Some(entry(2, 8))));
    assert_eq!(offer(&world)["success"], true);
}

#[test]
fn an_erased_customer_is_gone_at_once() {
    let world = World::development().knows(with_offer(entry(30, 7)));
    assert_eq!(offer(&world)["success"], true);
    push(&world, customer(shop(), 9, None));
    assert_eq!(offer(&world)["code"], "customer_not_found");
}

#[test]
fn an_erased_customer_leaves_no_key_behind() {
    let world = World::development().knows(with_offer(entry(30, 7)));
    offer(&world);
    world.get(&format!(
        "/api/intelligence/recommendations?customer_email={EMAIL}"
    ));
    push(
        &world,
        Change::Device {
            shop: shop(),
            key: fingerprint("f"),
            version: 8,
            link: Some(link(footfall_shared::identity::Trust::Claimed, 8)),
        },
    );
    // The first phase takes back what is shown, and leaves keys and floors.
    push(&world, customer(shop(), 9, None));
    push(
        &world,
        Change::Device {
            shop: shop(),
            key: fingerprint("f"),
            version: 9,
            link: None,
        },
    );
    let (email, device) = (email_hash(), fingerprint("f"));
    let (kind, device) = device.parts();
    // The origin builds these very names.
    let names = [
        format!("customer/{}", email.as_str()),
        format!("wants/{}", email.as_str()),
        format!("{kind}/{device}"),
    ];
    assert!(held(&world).contains(&names[0]) && held(&world).contains(&names[2]));
    push_all(&world, names.iter().map(|name| forget(name)).collect());
    assert!(names.iter().all(|name| !held(&world).contains(name)));
    // Whatever else was kept of whoever asked goes by its name as well.
    let rest = held(&world);
    push_all(&world, rest.iter().map(|name| forget(name)).collect());
    let dump = world.edge.cache.dump();
    assert!(
        !dump.contains(email.as_str()) && !dump.contains(device),
        "{dump}"
    );
}

#[test]
fn both_phases_in_one_push_leave_no_floor_behind() {
    let world = World::development();
    let name = format!("customer/{}", email_hash().as_str());
    push_all(&world, vec![forget(&name), customer(shop(), 9, None)]);
    assert_eq!(held(&world), BTreeSet::new());
}

#[test]
fn an_erased_session_is_gone_and_its_events_still_go() {
    let world = World::development();
    world.post("/api/journey/sessions/start", &json!({"sessionId": "s"}));
    let told = world.edge.outbox.waiting();
    let state = || world.get("/api/journey/sessions/s/state").status;
    assert_eq!((told.is_empty(), state()), (false, 200));
    push(&world, forget("session/s"));
    assert_eq!(state(), 404);
    assert_eq!(world.edge.outbox.waiting(), told);
}

#[test]
fn a_key_that_names_nothing_is_refused_and_one_that_cannot_be_removed_is_not_acknowledged() {
    let world = World::development();
    let send = |key: &str| {
        let push = Push {
            changes: vec![forget(key)],
        };
        let reply = world.signed(path::PUSH, &serde_json::to_value(push).unwrap());
        (reply.status, reply.code().to_owned())
    };
    assert_eq!(send(""), (400, "invalid_json".to_owned()));
    world.edge.cache.broken.set(true);
    assert_eq!(send("customer/x"), (503, "not_kept".to_owned()));
}

#[test]
fn a_pushed_link_recognizes_and_a_withdrawn_one_does_not() {
    let world = World::development().knows(entry(30, 7));
    let fingerprint_change = |version, link| Change::Device {
        shop: shop(),
        key: fingerprint("f"),
        version,
        link,
    };
    let track = |world: &World| {
        world
            .post(
                "/api/intelligence/track-customer",
                &json!({"fingerprint": "f"}),
            )
            .json["tracked"]
            .clone()
    };
    push(
        &world,
        fingerprint_change(2, Some(link(footfall_shared::identity::Trust::Claimed, 2))),
    );
    assert_eq!(track(&world)["customer_email"], EMAIL);
    push(&world, fingerprint_change(3, None));
    assert!(track(&world).is_null());
}

#[test]
fn a_revoked_key_is_asked_for_anew() {
    let world = World::production();
    let target = format!(
        "/api/intelligence/bundle?fingerprint=f&key={}",
        publishable()
    );
    world.get(&target);
    let asked = world.asked();
    world.get(&target);
    assert_eq!(world.asked(), asked);
    let hash = footfall_shared::keys::ApiKey::parse(&publishable())
        .unwrap()
        .hash;
    push(
        &world,
        Change::Key {
            key: hash,
            version: crate::support::NOW.get() + 1,
        },
    );
    world.later(10);
    world.get(&target);
    assert_eq!(world.asked(), asked + 1);
}

#[test]
fn only_a_signed_push_is_taken() {
    let world = World::development();
    let body = serde_json::to_value(Push { changes: vec![] }).unwrap();
    assert_eq!(world.post(path::PUSH, &body).status, 401);
}

#[test]
fn a_revoked_key_is_refused_by_other_instances_within_a_second() {
    use footfall_edge::cache::{self, Entry, key};
    use footfall_edge::platform::Cache;
    use footfall_edge::shops::MEMO_MS;
    use footfall_shared::shop::ShopEntry;
    use footfall_shared::time::UtcMillis;

    let world = World::development().knows(with_offer(entry(30, 7)));
    let started = world.edge.now.get();
    // The first look-up asks the origin, the second reads the cache and is remembered.
    offer(&world);
    offer(&world);
    // Another instance takes the push: this one sees it only in the cache that they share.
    let gone = Entry::<ShopEntry> {
        version: i64::MAX,
        until: UtcMillis::new(0),
        value: None,
    };
    let gone = cache::pushed(key::shop("demo"), &gone);
    futures_executor::block_on(world.edge.cache.push(&[gone])).unwrap();
    let asked = world.asked();
    world.edge.now.set(started.plus(MEMO_MS - 1));
    offer(&world);
    assert_eq!(world.asked(), asked);
    world.edge.now.set(started.plus(MEMO_MS));
    offer(&world);
    assert!(world.edge.origin.paths()[asked..].contains(&path::RESOLVE_SHOP.to_owned()));
}

#[test]
fn what_the_cache_does_not_keep_is_not_acknowledged() {
    let world = World::development();
    world.edge.cache.broken.set(true);
    let change = customer(shop(), 9, None);
    let body = serde_json::to_value(Push {
        changes: vec![change],
    })
    .unwrap();
    let reply = world.signed(path::PUSH, &body);
    assert_eq!((reply.status, reply.code()), (503, "not_kept"));
}
