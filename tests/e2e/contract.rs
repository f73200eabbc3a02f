//! The contract's own examples, sent as they stand with only the host changed, and its example replies.

use serde_json::json;

use crate::support::example::Example;
use crate::support::http::Target;
use crate::support::shape;
use crate::support::world::{Home, World};

const SHOP: &str = "/wp-json/wg/v1/intelligence";
const STOREFRONT: &str = "/api/intelligence";
/// Fields that Footfall adds to the contract's replies, as the README tells.
const ADDITIONS: [&str; 3] = [".pricing.currency", ".code", ".details"];

fn fixture(name: &str) -> String {
    let path = format!("{}/fixtures/contract/{name}", env!("CARGO_MANIFEST_DIR"));
    std::fs::read_to_string(&path).unwrap_or_else(|fault| panic!("{path}: {fault}"))
}

/// Where an example may be sent: the shop's routes to the origin and through the edge, the storefront's to
/// the edge. None of them gets a key.
fn targets(world: &World, example: &Example) -> Vec<Target> {
    if example.path.starts_with(SHOP) {
        vec![world.stranger(), world.edge()]
    } else {
        vec![world.edge()]
    }
}

#[track_caller]
fn check(world: &World, request: &str, reply: &str) {
    let path = match request.split('.').next().unwrap() {
        "track-customer" => format!("{STOREFRONT}/track-customer"),
        name => format!("{SHOP}/{name}"),
    };
    let example = Example::read(request, &fixture(request), &path);
    for target in targets(world, &example) {
        let actual = example.to(&target).expect(200);
        let faults = shape::faults(&shape::read(&fixture(reply)), &actual, &ADDITIONS);
        assert_eq!(faults, [""; 0], "{request} to {}: {actual:#}", target.base);
    }
}

#[test]
fn every_example_request_works_without_a_key_and_is_answered_in_the_contracts_shape() {
    let world = World::start(Home::new(&[]));
    for (request, reply) in [
        // First of all: who has told an email from this address is recognized by it.
        ("edge-bundle.http", "edge-bundle.200.json"),
        ("edge-bundle.curl", "edge-bundle.200.json"),
        ("track-customer.http", "track-customer.200.json"),
        ("track-customer.body.json", "track-customer.200.json"),
        ("track-customer.curl", "track-customer.200.json"),
        ("profile.http", "profile.200.json"),
        ("profile.curl", "profile.200.json"),
        ("recalculate.http", "recalculate.200.json"),
        ("recalculate.body.json", "recalculate.200.json"),
        ("recalculate.curl", "recalculate.200.json"),
        ("bundle.http", "bundle.200.json"),
        ("bundle.curl", "bundle.200.json"),
        ("bundle-status.http", "bundle-status.200.json"),
        ("bundle-status.curl", "bundle-status.200.json"),
        // The contract prints it first, but a cart is filled after the offer was viewed.
        ("bundle-status.body.json", "bundle-status.200.json"),
    ] {
        check(&world, request, reply);
    }
}

#[test]
fn every_refusal_of_the_contract_is_given_in_its_own_words() {
    let world = World::shared();
    let get = |path: &str| world.stranger().get(&format!("{SHOP}/{path}"));
    let post = |path: &str, body| world.stranger().post(&format!("{SHOP}/{path}"), &body);
    let edge = |path: &str| world.edge().get(&format!("{STOREFRONT}/{path}"));
    let status = |body| post("bundle-status", body);
    let of = |name: &str| format!("bundle?customer_email={name}@example.com");
    for (call, status, reply) in [
        (
            get("profile?customer_email=nobody@example.com"),
            404,
            "profile.404.json",
        ),
        (get("profile"), 400, "profile.400.json"),
        (
            post(
                "recalculate",
                json!({"customer_email": "nobody@example.com"}),
            ),
            404,
            "recalculate.404.json",
        ),
        (post("recalculate", json!({})), 400, "recalculate.400.json"),
        (get(&of("noor.kaya")), 200, "bundle.no-favorites.json"),
        (get(&of("lars.nilsson")), 200, "bundle.only-excluded.json"),
        (get(&of("pien.mulder")), 200, "bundle.peak-too-low.json"),
        (get(&of("nobody")), 404, "bundle.404.json"),
        (
            status(json!({"offer_id": 93, "status": "eaten"})),
            400,
            "bundle-status.400-invalid.json",
        ),
        (
            status(json!({"status": "viewed"})),
            400,
            "bundle-status.400-missing.json",
        ),
        (
            status(json!({"offer_id": 99_999_999, "status": "viewed"})),
            404,
            "bundle-status.404.json",
        ),
        (edge(&of("hugo.peeters")), 200, "edge-bundle.none.json"),
        (edge(&of("nobody")), 404, "edge-bundle.404.json"),
        (edge("bundle"), 400, "edge-bundle.400.json"),
    ] {
        let what = format!("{} {}", call.method, call.url);
        let actual = call.expect(status);
        let example = shape::read(&fixture(reply));
        for (name, value) in example.as_object().unwrap() {
            assert_eq!(&actual[name], value, "{what}: {name}");
        }
        assert_eq!(
            shape::faults(&example, &actual, &ADDITIONS),
            [""; 0],
            "{what}"
        );
    }
}

#[test]
fn who_is_not_due_yet_is_told_when() {
    let path = format!("{SHOP}/bundle?customer_email=hugo.peeters@example.com");
    let actual = World::shared().stranger().get(&path).expect(200);
    let mut example = shape::read(&fixture("bundle.not-in-window.json"));
    assert_eq!(actual["message"], example["message"]);
    let given = actual["next_window"].as_str().unwrap_or_default();
    assert!(
        given.ends_with(" 00:00:00") && given.len() == 19,
        "{actual}"
    );
    example["next_window"] = given.into();
    assert_eq!(shape::faults(&example, &actual, &ADDITIONS), [""; 0]);
}

#[test]
fn a_stranger_is_not_recognized() {
    let example = shape::read(&fixture("track-customer.not-recognized.json"));
    let call = World::shared().edge().post(
        &format!("{STOREFRONT}/track-customer"),
        &json!({"fingerprint": "a-device-that-nobody-has-seen"}),
    );
    assert_eq!(call.from(200).expect(200), example);
}

#[test]
fn the_demo_shops_customer_is_the_contracts() {
    let world = World::shared();
    let path = format!("{SHOP}/profile?customer_email=shopper@example.com");
    let profile = &world.stranger().get(&path).expect(200)["profile"];
    let example = &shape::read(&fixture("profile.200.json"))["profile"];
    for name in [
        "id",
        "customer_id",
        "customer_email",
        "geo_country",
        "geo_city",
    ] {
        assert_eq!(profile[name], example[name], "{name}");
    }
    for name in [
        "total_orders",
        "days_since_last_order",
        "purchase_cycle_days",
    ] {
        assert_eq!(profile[name], example[name], "{name}");
    }
    assert_eq!(profile["favorite_products"][0]["score"], 15);
    let names = [
        "name",
        "slug",
        "product_id",
        "order_numbers",
        "total_quantity",
    ];
    for name in names {
        let (actual, expected) = (
            &profile["favorite_products"][0][name],
            &example["favorite_products"][0][name],
        );
        assert_eq!(actual, expected, "{name}");
    }
    let path = format!("{SHOP}/bundle?customer_email=shopper@example.com");
    let bundle = world.edge().get(&path).expect(200);
    assert_eq!(
        (&bundle["offer_id"], &bundle["customer"]["first_name"]),
        (&json!(93), &json!("Ada"))
    );
}
