use footfall_edge::memory::request;
use footfall_shared::identity::Trust;
use footfall_shared::wire::internal::{Change, Push, path};
use serde_json::{Value, json};

use crate::support::{
    ANONYMOUS, EMAIL, World, email_hash, link, list_of, publishable, secret, shop,
};

const ROUTE: &str = "/api/intelligence/recommendations";

fn world(world: World) -> World {
    *world.origin.wanted.borrow_mut() = (vec!["tea", "pot"], vec!["cup"]);
    world
}

fn of_email(world: &World) -> Value {
    world.get(&format!("{ROUTE}?customer_email={EMAIL}")).json
}

fn products(reply: &Value) -> Vec<&str> {
    let list = reply["recommendations"].as_array().unwrap();
    list.iter()
        .map(|one| one["product_id"].as_str().unwrap())
        .collect()
}

#[test]
fn a_list_is_fetched_once_and_then_told_from_the_edges_own_state() {
    let world = world(World::development());
    let first = of_email(&world);
    assert_eq!(
        (products(&first), &first["basis"]),
        (vec!["tea", "pot"], &json!("personal"))
    );
    assert_eq!(
        (&first["success"], &first["reason"]),
        (&json!(true), &Value::Null)
    );
    assert_eq!(first["model_version"], 3);
    let asked = world.asked();
    // The shop's own entry is asked for again each minute; a list is not.
    world.later(30_000);
    let fewer = world.get(&format!("{ROUTE}?customer_email={EMAIL}&limit=1"));
    assert_eq!(products(&fewer.json), ["tea"]);
    assert_eq!(world.asked(), asked);
    for limit in ["0", "21", "x"] {
        let refused = world.get(&format!("{ROUTE}?limit={limit}"));
        assert_eq!(
            (refused.status, refused.json["details"]["field"].as_str()),
            (400, Some("limit"))
        );
    }
}

#[test]
fn a_pushed_list_replaces_the_one_that_is_held_for_a_day() {
    let world = world(World::development());
    assert_eq!(products(&of_email(&world)), ["tea", "pot"]);
    let push = |version, entry| {
        let change = Change::Recommendations {
            shop: shop(),
            email_hash: Some(email_hash()),
            version,
            entry,
        };
        let body = serde_json::to_value(Push {
            changes: vec![change],
        })
        .unwrap();
        assert_eq!(world.signed(path::PUSH, &body).status, 200);
    };
    let newer = serde_json::to_value(list_of("personal", &["kettle"])).unwrap();
    push(9, Some(newer));
    push(
        8,
        Some(serde_json::to_value(list_of("personal", &["old"])).unwrap()),
    );
    assert_eq!(products(&of_email(&world)), ["kettle"]);
    world.later(23 * 3_600_000);
    assert_eq!(products(&of_email(&world)), ["kettle"]);
    world.later(2 * 3_600_000);
    *world.origin.wanted.borrow_mut() = (vec!["new"], vec![]);
    assert_eq!(
        products(&of_email(&world)),
        ["new"],
        "a day later the origin is asked"
    );
    push(10, None);
    assert_eq!(
        of_email(&world)["basis"],
        "cold",
        "who was erased is nobody"
    );
}

#[test]
fn in_production_only_the_verified_see_their_own_and_everybody_sees_something() {
    let world = world(World::production()).recognizes("browser", link(Trust::Verified, 1));
    let get = |key: &str, query: &str| {
        let reply = world.get(&format!("{ROUTE}?key={key}&{query}"));
        assert_eq!(reply.status, 200);
        let reason = reply.json["reason"].as_str().map(str::to_owned);
        (products(&reply.json).join(" "), reason)
    };
    let claimed = format!("customer_email={EMAIL}");
    let unproven = ("cup".to_owned(), Some("identity_not_verified".to_owned()));
    let stranger = ("cup".to_owned(), Some("not_recognized".to_owned()));
    let own = ("tea pot".to_owned(), None);
    assert_eq!(get(&publishable(), &claimed), unproven);
    assert_eq!(get(&publishable(), "fingerprint=abc"), stranger);
    assert_eq!(get(&publishable(), ""), stranger);
    assert_eq!(
        get(&publishable(), &format!("anonymous_id={ANONYMOUS}")),
        own
    );
    let mut backend = request("GET", &format!("{ROUTE}?{claimed}"));
    let bearer = format!("Bearer {}", secret());
    backend
        .headers
        .insert("authorization", bearer.parse().unwrap());
    assert_eq!(products(&world.send(backend).json), ["tea", "pot"]);
    assert_eq!(world.get(ROUTE).status, 401);
}

#[test]
fn without_an_origin_what_is_held_is_told_and_else_nothing() {
    let world = world(World::development());
    of_email(&world);
    world.origin.down.set(true);
    world.later(30_000);
    assert_eq!(products(&of_email(&world)), ["tea", "pot"]);
    let nobody = world.get(ROUTE);
    assert_eq!(
        (nobody.status, &nobody.json["success"]),
        (200, &json!(false))
    );
    assert_eq!(
        (&nobody.json["reason"], products(&nobody.json).len()),
        (&json!("temporarily_unavailable"), 0)
    );
}
