use footfall_shared::identity::Trust;
use footfall_shared::wire::internal::path;

use crate::support::{
    ANONYMOUS, EMAIL, SECRET, World, entry, link, publishable, secret, with_offer,
};

fn by_email() -> String {
    format!("/api/intelligence/bundle?customer_email={EMAIL}")
}

fn vouched() -> String {
    use hmac::{Hmac, KeyInit as _, Mac as _};
    let mut mac = Hmac::<sha2::Sha256>::new_from_slice(SECRET.as_bytes()).unwrap();
    mac.update(EMAIL.as_bytes());
    footfall_shared::text::hex(&mac.finalize().into_bytes())
}

#[test]
fn a_second_lookup_asks_the_origin_nothing() {
    let world = World::development().knows(with_offer(entry(30, 7)));
    let first = world.get(&by_email());
    assert_eq!(
        (first.status, first.json["success"].as_bool()),
        (200, Some(true))
    );
    let asked = world.asked();
    let second = world.get(&by_email());
    assert_eq!(world.asked(), asked);
    assert_eq!(second.json, first.json);
    assert!(
        second
            .header("server-timing")
            .unwrap()
            .contains("not asked")
    );
    assert!(first.header("server-timing").unwrap().contains("asked 2x"));
}

#[test]
fn the_offer_that_is_due_is_made_by_the_origin_once() {
    let world = World::development().knows(entry(30, 7));
    let reply = world.get(&by_email());
    assert_eq!(reply.json["bundle"][0]["quantity"], 5);
    assert_eq!(reply.json["pricing"]["base_price"], 74.75);
    assert!(reply.json["offer_id"].as_str().unwrap().starts_with("off_"));
    world.get(&by_email());
    let made = world
        .edge
        .origin
        .paths()
        .iter()
        .filter(|path| *path == path::ENSURE_OFFER)
        .count();
    assert_eq!(made, 1);
}

#[test]
fn who_is_not_due_is_told_why_from_the_edges_own_state() {
    let world = World::development().knows(entry(2, 7));
    world.get(&by_email());
    let asked = world.asked();
    let reply = world.get(&by_email());
    assert_eq!(reply.status, 200);
    assert_eq!(reply.json["reason"], "not_in_prime_window");
    assert_eq!(world.asked(), asked);
}

#[test]
fn an_unknown_customer_is_remembered_as_unknown() {
    let world = World::development();
    let first = world.get(&by_email());
    assert_eq!((first.status, first.code()), (404, "customer_not_found"));
    let asked = world.asked();
    assert_eq!(world.get(&by_email()).status, 404);
    assert_eq!(world.asked(), asked);
}

#[test]
fn an_entry_is_asked_for_again_after_a_minute() {
    let world = World::development().knows(with_offer(entry(30, 7)));
    world.get(&by_email());
    let asked = world.asked();
    world.later(60_000);
    world.get(&by_email());
    assert!(world.asked() > asked);
}

#[test]
fn the_contracts_missing_and_unknown_parameters_have_their_codes() {
    let world = World::development();
    for (query, status, code) in [
        ("", 400, "missing_parameters"),
        ("?customer_email=", 400, "missing_parameters"),
        ("?customer_email=nobody", 400, "invalid_email"),
        ("?fingerprint=unknown", 404, "fingerprint_not_found"),
    ] {
        let reply = world.get(&format!("/api/intelligence/bundle{query}"));
        assert_eq!((reply.status, reply.code()), (status, code), "{query}");
        assert_eq!(reply.json["success"], false);
    }
}

#[test]
fn without_an_origin_the_page_gets_a_neutral_answer() {
    let world = World::development().knows(with_offer(entry(30, 7)));
    world.origin.down.set(true);
    let cold = world.get(&by_email());
    assert_eq!(
        (cold.status, cold.json["reason"].as_str()),
        (200, Some("temporarily_unavailable"))
    );

    world.origin.down.set(false);
    world.get(&by_email());
    world.origin.down.set(true);
    assert_eq!(
        world.get(&by_email()).json["success"],
        true,
        "a warm edge answers by itself"
    );
    world.later(60_001);
    assert_eq!(world.get(&by_email()).status, 200);
}

#[test]
fn in_production_only_the_verified_see_an_offer() {
    let world = World::production().knows(with_offer(entry(30, 7)));
    let ask = |more: &str| world.get(&format!("{}{more}", by_email()));
    assert_eq!(ask("").code(), "invalid_key");
    let key = format!("&key={}", publishable());
    assert_eq!(ask(&key).json["reason"], "identity_not_verified");
    assert_eq!(
        ask(&format!("{key}&user_hash=00")).json["reason"],
        "identity_not_verified"
    );
    assert_eq!(
        ask(&format!("{key}&user_hash={}", vouched())).json["success"],
        true
    );
    assert_eq!(
        ask(&format!("&key={}", secret())).code(),
        "invalid_key",
        "no secrets in URLs"
    );
    let mut backend = footfall_edge::memory::request("GET", &by_email());
    backend
        .headers
        .insert("x-api-key", secret().parse().unwrap());
    assert_eq!(world.send(backend).json["success"], true);
}

#[test]
fn in_production_a_claim_learns_nothing_not_even_who_is_a_customer() {
    let key = publishable();
    let reply = |world: World| world.get(&format!("{}&key={key}", by_email())).json;
    let known = reply(World::production().knows(with_offer(entry(30, 7))));
    assert_eq!(known, reply(World::production()));
}

#[test]
fn in_production_only_the_browsers_own_id_proves_who_it_is() {
    // A fingerprint can be another device's, or be replayed.
    for (kind, trust, success) in [
        ("browser", Trust::Verified, true),
        ("browser", Trust::Claimed, false),
        ("fingerprint", Trust::Verified, false),
    ] {
        let world = World::production()
            .knows(with_offer(entry(30, 7)))
            .recognizes(kind, link(trust, 1));
        let reply = world.get(&format!(
            "/api/intelligence/bundle?fingerprint=f&anonymous_id={ANONYMOUS}&key={}",
            publishable()
        ));
        assert_eq!(reply.json["success"], success, "{kind} {trust:?}");
    }
}

#[test]
fn a_shop_may_loosen_what_proves_who_somebody_is() {
    let world = World::production().knows(with_offer(entry(30, 7)));
    world.origin.settings.borrow_mut().reveal_from = Trust::Claimed;
    let reply = world.get(&format!("{}&key={}", by_email(), publishable()));
    assert_eq!(reply.json["success"], true);
}
