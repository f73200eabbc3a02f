//! The main job: orders come in at the origin, the edge answers the shopper with a personal offer.

use std::time::Duration;

use serde_json::{Value, json};

use crate::support::http::Target;
use crate::support::shop::{
    bundle_path, logged, new_shopper, order, send_history, send_orders, status_of,
};
use crate::support::world::World;
use crate::support::{PATIENCE, SHOWN_WITHIN, measured, unique, until};

const TRACK: &str = "/api/intelligence/track-customer";
const STATUS: &str = "/wp-json/wg/v1/intelligence/bundle-status";

/// The offer that the edge shows for an email.
#[track_caller]
pub(crate) fn offer_at_edge(edge: &Target, email: &str) -> Value {
    let reply = edge.get(&bundle_path(email)).expect(200);
    assert_eq!(reply["success"], true, "{reply}");
    reply
}

/// Waits until the edge's answer for an email is as wanted, at most as long as is promised.
#[track_caller]
pub(crate) fn shown_in_time(
    what: &str,
    edge: &Target,
    email: &str,
    wanted: impl Fn(&Value) -> bool,
) -> Duration {
    let (_, took) = until(what, SHOWN_WITHIN, || {
        let reply = edge.get(&bundle_path(email)).send().json();
        wanted(&reply).then_some(())
    });
    measured(format_args!(
        "{what}: shown at the edge after {} ms",
        took.as_millis()
    ));
    took
}

/// Orders in → offer at the edge, as the rule computes it, and the same as the origin's.
#[track_caller]
pub(crate) fn orders_become_an_offer(edge: &Target, origin: &Target, email: &str) -> Value {
    send_history(origin, email);
    let offer = offer_at_edge(edge, email);
    // Twice 3 × 44 and 1 × 38: the peak is 4 pieces, so 5 are offered, 60 % of them the favourite.
    let pieces = |at: usize| {
        (
            &offer["bundle"][at]["product_id"],
            &offer["bundle"][at]["quantity"],
        )
    };
    assert_eq!(
        (pieces(0), pieces(1)),
        ((&json!(44), &json!(3)), (&json!(38), &json!(2)))
    );
    let pricing = &offer["pricing"];
    assert_eq!(pricing["base_price"], 74.75);
    let cents = |name: &str| (pricing[name].as_f64().unwrap() * 100.0).round() as u64;
    let percent = pricing["discount_percentage"].as_u64().unwrap();
    assert!((12..=15).contains(&percent), "{pricing}");
    assert_eq!(
        cents("discount_amount"),
        (7475 * percent + 50) / 100,
        "{pricing}"
    );
    assert_eq!(
        cents("final_price"),
        7475 - cents("discount_amount"),
        "{pricing}"
    );
    let path = format!("/wp-json/wg/v1/intelligence/bundle?customer_email={email}");
    let at_origin = origin.get(&path).expect(200);
    for name in ["bundle", "bonus_points", "customer", "profile"] {
        assert_eq!(offer[name], at_origin[name], "{name}");
    }
    assert_eq!(pricing["final_price"], at_origin["pricing"]["final_price"]);
    offer
}

/// Buying what was offered ends the offer, at the origin and within seconds at the edge.
#[track_caller]
pub(crate) fn a_purchase_ends_the_offer(edge: &Target, origin: &Target, email: &str) {
    let offer = offer_at_edge(edge, email)["offer_id"].clone();
    send_orders(origin, &[order(email, 0, &[(44, 3), (38, 2)])]);
    let took = shown_in_time("a purchase", edge, email, |reply| reply["success"] == false);
    assert!(took < SHOWN_WITHIN);
    assert_eq!(status_of(origin, &offer), "purchased");
}

#[test]
fn orders_become_an_offer_at_the_edge() {
    let world = World::shared();
    orders_become_an_offer(&world.edge(), &world.origin(), &new_shopper());
}

#[test]
fn the_second_lookup_asks_nobody() {
    let (world, email) = (World::shared(), new_shopper());
    send_history(&world.origin(), &email);
    let first = world.edge().get(&bundle_path(&email)).send();
    // The push of what the first one has made may still be on its way, and ends what came before it.
    until("a look-up asks nobody", SHOWN_WITHIN, || {
        let second = world.edge().get(&bundle_path(&email)).send();
        assert_eq!(first.json(), second.json());
        let timing = second.header("server-timing");
        let hit = timing.contains("cache;desc=\"hit\"");
        (hit && timing.contains("desc=\"not asked\"")).then_some(())
    });
}

#[test]
fn the_origin_tells_how_often_the_edges_cache_knew() {
    let (world, email) = (World::shared(), new_shopper());
    send_history(&world.origin(), &email);
    let counted = |result: &str| -> Option<u64> {
        let page = world.stranger().get("/metrics").send().text();
        let line = page.lines().find(|line| {
            line.starts_with("footfall_edge_cache_lookups_total{")
                && line.contains(&format!("result=\"{result}\""))
        });
        line?.rsplit(' ').next()?.parse().ok()
    };
    let (hits, misses) = (counted("hit").unwrap_or(0), counted("miss").unwrap_or(0));
    until("both are counted", PATIENCE, || {
        world.edge().get(&bundle_path(&email)).expect(200);
        world.edge().get(&bundle_path(&new_shopper())).expect(404);
        (counted("hit")? > hits && counted("miss")? > misses).then_some(())
    });
}

#[test]
fn a_device_that_told_an_email_is_recognized_on_its_second_visit() {
    let (world, email, device) = (World::shared(), new_shopper(), unique("device"));
    send_history(&world.origin(), &email);
    let first = world
        .edge()
        .post(TRACK, &json!({"email": email, "fingerprint": device}));
    let first = first.from(11).expect(200);
    assert_eq!(first["profile"]["total_orders"], 2, "{first}");
    // From another address, so that only the fingerprint can tell.
    let second = world.edge().post(TRACK, &json!({"fingerprint": device}));
    let second = second.from(12).expect(200);
    assert_eq!(
        second["tracked"]["customer_email"],
        email.as_str(),
        "{second}"
    );
    assert_eq!(second["profile"]["id"], first["profile"]["id"]);
    let by_device = format!("/api/intelligence/bundle?fingerprint={device}");
    let by_device = world.edge().get(&by_device).expect(200);
    let by_email = offer_at_edge(&world.edge(), &email);
    assert_eq!(by_device["offer_id"], by_email["offer_id"]);
}

#[test]
fn the_address_alone_recognizes_too_but_no_raw_value_leaves() {
    let (world, email, device) = (World::shared(), new_shopper(), unique("device"));
    send_history(&world.origin(), &email);
    let body = json!({"email": email, "fingerprint": device});
    let first = world.edge().post(TRACK, &body).from(13).send();
    let second = world.edge().post(TRACK, &json!({})).from(13).send();
    assert_eq!(second.json()["tracked"]["customer_email"], email.as_str());
    for answer in [first, second] {
        let text = answer.text();
        assert!(
            !text.contains(&device) && !text.contains("127.0.0.13"),
            "{text}"
        );
    }
}

#[test]
fn a_spoofed_address_recognizes_nobody() {
    let (world, email) = (World::shared(), new_shopper());
    send_history(&world.origin(), &email);
    let body = json!({"email": email});
    world.edge().post(TRACK, &body).from(14).expect(200);
    for header in [
        "x-forwarded-for",
        "x-real-ip",
        "cf-connecting-ip",
        "spin-client-addr",
    ] {
        let call = world.edge().post(TRACK, &json!({})).from(201);
        let reply = call.header(header, "127.0.0.14").expect(200);
        assert_eq!(reply["tracked"], Value::Null, "{header}: {reply}");
    }
}

#[test]
fn a_new_order_and_its_cancellation_are_shown_at_the_edge_in_time() {
    let (world, email) = (World::shared(), new_shopper());
    let (edge, origin) = (world.edge(), world.origin());
    send_history(&origin, &email);
    offer_at_edge(&edge, &email);
    let mut third = order(&email, 15, &[(44, 1)]);
    let orders = |count: u64| move |reply: &Value| reply["profile"]["total_orders"] == count;
    send_orders(&origin, &[third.clone()]);
    shown_in_time("a new order", &edge, &email, orders(3));
    third["status"] = "cancelled".into();
    send_orders(&origin, &[third]);
    shown_in_time("a cancellation", &edge, &email, orders(2));
}

#[test]
fn an_offer_that_was_rejected_at_the_origin_is_soon_gone_from_the_edge() {
    let (world, email) = (World::shared(), new_shopper());
    let (edge, origin) = (world.edge(), world.origin());
    send_history(&origin, &email);
    let offer = offer_at_edge(&edge, &email)["offer_id"].clone();
    let body = json!({"offer_id": offer, "status": "rejected", "customer_email": email});
    origin.post(STATUS, &body).expect(200);
    shown_in_time("a rejection", &edge, &email, |reply| {
        reply["offer_id"] != offer
    });
    assert_eq!(status_of(&origin, &offer), "rejected");
}

#[test]
fn buying_what_was_offered_makes_it_purchased() {
    let (world, email) = (World::shared(), new_shopper());
    send_history(&world.origin(), &email);
    a_purchase_ends_the_offer(&world.edge(), &world.origin(), &email);
}

#[test]
fn the_deprecated_status_route_works_and_says_where_to_go() {
    let (world, email) = (World::shared(), new_shopper());
    send_history(&world.origin(), &email);
    let offer = offer_at_edge(&world.edge(), &email)["offer_id"].clone();
    let path = "/api/intelligence/bundle-status-update";
    let body = json!({"offer_id": offer, "status": "added_to_cart", "customer_email": email});
    let answer = world.edge().post(path, &body).send();
    assert_eq!(
        answer.json()["status"],
        "added_to_cart",
        "{}",
        answer.text()
    );
    for header in ["deprecation", "sunset", "link"] {
        assert_ne!(answer.header(header), "", "{header}");
    }
    assert_eq!(status_of(&world.origin(), &offer), "added_to_cart");
}

#[test]
fn a_status_with_an_email_is_logged_as_the_contract_names_it() {
    let (world, email) = (World::shared(), new_shopper());
    let origin = world.origin();
    send_history(&origin, &email);
    let offer = offer_at_edge(&world.edge(), &email)["offer_id"].clone();
    for (status, event) in [
        ("viewed", "bundle_viewed"),
        ("added_to_cart", "bundle_accepted"),
        ("rejected", "bundle_rejected"),
    ] {
        let body = json!({"offer_id": offer, "status": status, "customer_email": email});
        origin.post(STATUS, &body).expect(200);
        let path = format!("/api/events?customer={email}&event={event}");
        let page = origin.get(&path).expect(200);
        assert_eq!(page["events"][0]["properties"]["status"], status, "{page}");
    }
}

#[test]
fn what_the_tracker_reports_moves_the_offer() {
    let (world, email) = (World::shared(), new_shopper());
    let origin = world.origin();
    send_history(&origin, &email);
    let offer = offer_at_edge(&world.edge(), &email)["offer_id"].clone();
    let id = unique("accepted");
    let event = json!({"type": "track", "event": "bundle_accepted", "messageId": id, "anonymousId": "a",
                       "properties": {"offer_id": offer}});
    let reply = world
        .edge()
        .post("/v1/batch", &json!({"batch": [event]}))
        .expect(200);
    assert_eq!(reply["results"][0]["status"], "accepted", "{reply}");
    until("the report moves the offer", PATIENCE, || {
        (status_of(&origin, &offer) == "added_to_cart").then_some(())
    });
    assert_eq!(logged(&origin, "bundle_accepted").get(&id), Some(&1));
}
