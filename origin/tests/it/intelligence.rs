//! The contract's four routes, and the same questions asked by an edge.

use footfall_shared::identity::Trust;
use footfall_shared::mode::Mode;
use footfall_shared::time::DAY_MS;
use serde_json::{Value, json};

use crate::support::build::{
    due_history, email_hash, entry, event, from_device, known, order, send, take,
};
use crate::support::{Client, START, TestShop, on_both};

const BASE: &str = "/wp-json/wg/v1/intelligence";
const ADA: &str = "shopper@example.com";

async fn bundle(client: &Client) -> Value {
    client
        .get(&format!("{BASE}/bundle?customer_email={ADA}"))
        .await
        .expect(200)
}

async fn move_to(client: &Client, offer: &Value, status: &str) -> crate::support::Reply {
    let body = json!({"offer_id": offer, "status": status, "customer_email": ADA});
    client.post(&format!("{BASE}/bundle-status"), &body).await
}

async fn due(shop: &TestShop) -> Value {
    take(&shop.backend(), due_history()).await;
    bundle(&shop.backend()).await["offer_id"].clone()
}

on_both! {
    async fn each_route_says_what_is_missing_in_the_contracts_words(database) {
        let shop = TestShop::start(database).await;
        let backend = shop.backend();
        for route in ["profile", "bundle"] {
            for query in ["", "?customer_email=", "?customer_email=%20"] {
                let reply = backend.get(&format!("{BASE}/{route}{query}")).await;
                let body = reply.expect_error(400, "missing_email");
                assert_eq!(body["message"], "customer_email parameter is required");
            }
            let reply = backend.get(&format!("{BASE}/{route}?customer_email=nobody")).await;
            reply.expect_error(400, "invalid_email");
        }
        for body in [json!({}), json!({"customer_email": ""}), json!({"customer_email": null})] {
            let reply = backend.post(&format!("{BASE}/recalculate"), &body).await;
            let body = reply.expect_error(400, "missing_email");
            assert_eq!(body["message"], "customer_email is required");
        }
        let reply = backend.post(&format!("{BASE}/recalculate"), &json!({"customer_email": "x"})).await;
        reply.expect_error(400, "invalid_email");
    }

    async fn an_unknown_customer_is_told_in_the_contracts_words(database) {
        let shop = TestShop::start(database).await;
        let backend = shop.backend();
        let reply = backend.get(&format!("{BASE}/profile?customer_email={ADA}")).await;
        let body = reply.expect_error(404, "profile_not_found");
        assert_eq!(body["message"], "Customer profile not found");
        let reply = backend.get(&format!("{BASE}/bundle?customer_email={ADA}")).await;
        let body = reply.expect_error(404, "profile_not_found");
        assert_eq!(body["message"], "Customer profile not found. Please recalculate profile first.");
        let reply = backend.post(&format!("{BASE}/recalculate"), &json!({"customer_email": ADA})).await;
        let body = reply.expect_error(404, "no_orders");
        assert_eq!(body["message"], "No orders found for customer");
    }

    async fn who_never_ordered_has_no_profile_yet(database) {
        let shop = TestShop::start(database).await;
        send(&shop.edge(), &[known(event(shop.shop(), "a"), ADA, Trust::Claimed)]).await;
        let backend = shop.backend();
        let profile = backend.get(&format!("{BASE}/profile?customer_email={ADA}")).await;
        profile.expect_error(404, "profile_not_found");
        let again = backend.post(&format!("{BASE}/recalculate"), &json!({"customer_email": ADA})).await;
        again.expect_error(404, "no_orders");
    }

    async fn the_profile_tells_orders_and_device(database) {
        let shop = TestShop::start(database).await;
        take(&shop.backend(), due_history()).await;
        let seen = from_device(event(shop.shop(), "a"), shop.shop(), "laptop");
        send(&shop.edge(), &[known(seen, ADA, Trust::Claimed)]).await;
        let reply = shop.backend().get(&format!("{BASE}/profile?customer_email=Shopper@Example.com")).await;
        let profile = reply.expect(200)["profile"].clone();
        for (field, expected) in [
            ("id", json!(1)),
            ("customer_email", json!(ADA)),
            ("geo_country", json!("NL")),
            ("peak_spending_quantity", json!(4)),
            ("peak_spending_amount", json!(59.8)),
            ("total_orders", json!(3)),
            ("last_order_date", json!("2026-11-04 13:00:00")),
            ("days_since_last_order", json!(20)),
            ("purchase_cycle_days", json!(10)),
            ("next_prime_window_start", json!("2026-11-12 00:00:00")),
            ("last_recalculated", json!("2026-11-24 13:00:00")),
        ] {
            assert_eq!(profile[field], expected, "{field}");
        }
        assert_eq!(profile["favorite_products"][0]["order_numbers"], json!(["1", "2", "3"]));
    }

    async fn recalculation_follows_the_clock_and_keeps_the_contracts_shape(database) {
        let shop = TestShop::start(database).await;
        take(&shop.backend(), due_history()).await;
        let before = entry(&shop.edge(), shop.shop(), ADA).await;
        shop.pass(10 * DAY_MS);
        let body = json!({"customer_email": ADA});
        let reply = shop.backend().post(&format!("{BASE}/recalculate"), &body).await.expect(200);
        assert_eq!(reply["message"], "Profile recalculated successfully");
        assert_eq!(reply["data"]["peak_spending"], json!({
            "quantity": 4, "amount": 59.8, "order_id": 2, "order_number": "2",
            "order_date": "2026-10-25 13:00:00",
        }));
        let after = entry(&shop.edge(), shop.shop(), ADA).await;
        assert!(after["profile"]["score"].as_u64() < before["profile"]["score"].as_u64());
        assert!(after["version"].as_i64() > before["version"].as_i64());
    }

    async fn a_due_bundle_is_made_and_then_returned(database) {
        let shop = TestShop::start(database).await;
        take(&shop.backend(), due_history()).await;
        let first = bundle(&shop.backend()).await;
        assert_eq!(first["success"], true);
        assert_eq!(first["bundle"][0]["quantity"], 3);
        assert_eq!(first["bundle"][1]["quantity"], 2);
        assert_eq!(first["pricing"]["base_price"], 74.75);
        shop.pass(6 * DAY_MS);
        let second = bundle(&shop.backend()).await;
        assert_eq!(second["offer_id"], first["offer_id"]);
        shop.pass(2 * DAY_MS);
        let third = bundle(&shop.backend()).await;
        assert_ne!(third["offer_id"], first["offer_id"], "a week later a new one is made");
    }

    async fn concurrent_bundle_calls_get_one_offer(database) {
        let shop = TestShop::start(database).await;
        take(&shop.backend(), due_history()).await;
        let calls: Vec<_> = (0..16).map(|_| {
            let client = shop.backend();
            tokio::spawn(async move { bundle(&client).await["offer_id"].clone() })
        }).collect();
        let mut offers = Vec::new();
        for call in calls {
            offers.push(call.await.unwrap());
        }
        assert!(offers.iter().all(|offer| *offer == json!(1)), "{offers:?}");
    }

    async fn each_refusal_has_its_code_and_the_too_early_one_its_day(database) {
        let shop = TestShop::start(database).await;
        take(&shop.backend(), [
            order(1).days_ago(1).item(44, 3).email("early@example.com"),
            order(2).days_ago(20).email("nothing@example.com"),
            order(3).days_ago(20).item(1893, 9).email("excluded@example.com"),
            order(4).days_ago(20).item(44, 2).email("small@example.com"),
        ]).await;
        for (who, code) in [
            ("early", "not_in_prime_window"), ("nothing", "no_favorites"),
            ("excluded", "only_excluded"), ("small", "peak_too_low"),
        ] {
            let path = format!("{BASE}/bundle?customer_email={who}@example.com");
            let reply = shop.backend().get(&path).await.expect_error(200, code);
            let next = reply.get("next_window").cloned();
            assert_eq!(next, (who == "early").then(|| json!("2026-12-07 13:00:00")), "{who}");
        }
    }

    async fn an_offer_moves_through_its_life_and_says_what_is_legal(database) {
        let shop = TestShop::start(database).await;
        let offer = due(&shop).await;
        let backend = shop.backend();
        let moved = move_to(&backend, &offer, "viewed").await.expect(200);
        assert_eq!(moved, json!({
            "success": true, "message": "Status updated successfully", "offer_id": offer, "status": "viewed",
        }));
        move_to(&backend, &offer, "added_to_cart").await.expect(200);
        let back = move_to(&backend, &offer, "viewed").await.expect_error(400, "illegal_move");
        assert!(back["message"].as_str().unwrap().contains("legal moves: purchased, expired, rejected"));
        move_to(&backend, &offer, "added_to_cart").await.expect(200);
        move_to(&backend, &offer, "rejected").await.expect(200);
        let end = move_to(&backend, &offer, "purchased").await.expect_error(400, "illegal_move");
        assert!(end["message"].as_str().unwrap().contains("final"));
        let again = backend.get(&format!("{BASE}/bundle?customer_email={ADA}")).await.expect(200);
        assert_ne!(again["offer_id"], offer, "a rejected offer is over");
    }

    async fn a_status_call_is_checked_in_the_contracts_words(database) {
        let shop = TestShop::start(database).await;
        let offer = due(&shop).await;
        let backend = shop.backend();
        for (body, status, code) in [
            (json!({}), 400, "missing_parameters"),
            (json!({"offer_id": offer}), 400, "missing_parameters"),
            (json!({"status": "viewed"}), 400, "missing_parameters"),
            (json!({"offer_id": offer, "status": ""}), 400, "missing_parameters"),
            (json!({"offer_id": offer, "status": "dancing"}), 400, "invalid_status"),
            (json!({"offer_id": 999, "status": "viewed"}), 404, "offer_not_found"),
            (json!({"offer_id": "off_x", "status": "viewed"}), 404, "offer_not_found"),
            (json!({"offer_id": offer, "status": "viewed", "customer_email": "x"}), 400, "invalid_email"),
            (json!({"offer_id": -1, "status": "viewed"}), 400, "invalid_request"),
            (json!({"offer_id": [offer], "status": "viewed"}), 400, "invalid_request"),
        ] {
            let reply = backend.post(&format!("{BASE}/bundle-status"), &body).await;
            reply.expect_error(status, code);
        }
    }

    async fn each_answer_is_logged_once_as_the_contracts_event(database) {
        let shop = TestShop::start(database).await;
        let offer = due(&shop).await;
        for status in ["viewed", "viewed", "added_to_cart", "rejected"] {
            move_to(&shop.backend(), &offer, status).await.expect(200);
        }
        let page = shop.backend().get(&format!("/api/events?customer={ADA}")).await.expect(200);
        let logged: Vec<(Value, Value)> = page["events"].as_array().unwrap().iter()
            .map(|one| (one["event"].clone(), one["properties"].clone())).collect();
        assert_eq!(logged, [
            (json!("bundle_rejected"), json!({"offer_id": offer, "status": "rejected"})),
            (json!("bundle_accepted"), json!({"offer_id": offer, "status": "added_to_cart"})),
            (json!("bundle_viewed"), json!({"offer_id": offer, "status": "viewed"})),
        ]);
    }

    async fn without_an_email_no_event_is_logged(database) {
        let shop = TestShop::start(database).await;
        let offer = due(&shop).await;
        let body = json!({"offer_id": offer, "status": "viewed"});
        shop.backend().post(&format!("{BASE}/bundle-status"), &body).await.expect(200);
        let page = shop.backend().get("/api/events").await.expect(200);
        assert_eq!(page["events"], json!([]));
    }

    async fn another_shops_offer_is_not_found(database) {
        let shop = TestShop::start(database).await;
        let offer = due(&shop).await;
        let id = entry(&shop.edge(), shop.shop(), ADA).await["offer"]["id"].clone();
        let neighbour = shop.neighbour().await;
        let theirs = shop.client(crate::support::Credential::Key(neighbour.secret_key.clone()));
        for named in [offer, id] {
            move_to(&theirs, &named, "viewed").await.expect_error(404, "offer_not_found");
        }
        let profile = theirs.get(&format!("{BASE}/profile?customer_email={ADA}")).await;
        profile.expect_error(404, "profile_not_found");
    }

    async fn in_production_the_routes_want_a_secret_key_and_in_development_none(database) {
        for (mode, anonymous, browser) in [(Mode::Production, 401, 403), (Mode::Development, 200, 200)] {
            let shop = TestShop::start_in(database, mode).await;
            take(&shop.backend(), due_history()).await;
            let path = format!("{BASE}/profile?customer_email={ADA}");
            assert_eq!(shop.anonymous().get(&path).await.status, anonymous, "{mode:?}");
            assert_eq!(shop.browser().get(&path).await.status, browser, "{mode:?}");
            for client in [shop.backend(), shop.admin()] {
                client.get(&path).await.expect(200);
            }
        }
    }

    async fn an_edge_makes_the_offer_that_is_due_and_gets_the_entry(database) {
        let shop = TestShop::start(database).await;
        take(&shop.backend(), due_history()).await;
        let question = json!({"shop": shop.shop().id, "email_hash": email_hash(shop.shop(), ADA)});
        assert_eq!(entry(&shop.edge(), shop.shop(), ADA).await["offer"], Value::Null);
        let made = shop.edge().post("/internal/offers/ensure", &question).await.expect(200);
        assert_eq!(made["entry"]["offer"]["status"], "pending");
        let again = shop.edge().post("/internal/offers/ensure", &question).await.expect(200);
        assert_eq!(again, made);
        assert_eq!(bundle(&shop.backend()).await["offer_id"], made["entry"]["offer"]["number"]);
        let stranger = json!({"shop": shop.shop().id, "email_hash": email_hash(shop.shop(), "x@example.com")});
        let none = shop.edge().post("/internal/offers/ensure", &stranger).await.expect(200);
        assert_eq!(none, json!({"entry": null}));
    }

    async fn an_edge_moves_an_offer_by_id_or_number(database) {
        let shop = TestShop::start(database).await;
        let number = due(&shop).await;
        let id = entry(&shop.edge(), shop.shop(), ADA).await["offer"]["id"].clone();
        let call = |offer: Value, status: &'static str| {
            let (edge, shop) = (shop.edge(), shop.shop().id.clone());
            async move {
                let body = json!({"shop": shop, "offer": offer, "status": status, "customer_email": null});
                edge.post("/internal/offers/status", &body).await
            }
        };
        let moved = call(id.clone(), "viewed").await.expect(200);
        assert_eq!((&moved["offer_id"], &moved["status"]), (&id, &json!("viewed")));
        let moved = call(json!(number.to_string()), "rejected").await.expect(200);
        assert_eq!(moved["offer_id"], number);
        call(id.clone(), "viewed").await.expect_error(400, "illegal_move");
        call(id, "dancing").await.expect_error(400, "invalid_status");
        call(json!("off_x"), "viewed").await.expect_error(404, "offer_not_found");
    }

    async fn an_event_of_the_edge_moves_the_offer_it_reports_on(database) {
        let shop = TestShop::start(database).await;
        due(&shop).await;
        let offer = entry(&shop.edge(), shop.shop(), ADA).await["offer"].clone();
        let report = |id: &str, name: &str, offer: &Value| {
            let mut one = event(shop.shop(), id);
            one.name = Some(name.to_owned());
            one.body.insert("properties".into(), json!({"offer_id": offer}));
            one
        };
        let accepted = report("b", "bundle_accepted", &offer["id"]);
        send(&shop.edge(), &[report("a", "bundle_viewed", &offer["id"]), accepted]).await;
        let moved = entry(&shop.edge(), shop.shop(), ADA).await["offer"].clone();
        assert_eq!((&moved["status"], &moved["viewed_at"]), (&json!("added_to_cart"), &json!(START.get())));
        // Too late, by a guessed number, and about nothing: ignored.
        let number = json!(offer["number"].to_string());
        send(&shop.edge(), &[
            report("c", "bundle_viewed", &offer["id"]),
            report("d", "bundle_rejected", &number),
            report("e", "bundle_rejected", &json!("off_01ARZ3NDEKTSV4RRFFQ69G5FAV")),
        ]).await;
        assert_eq!(entry(&shop.edge(), shop.shop(), ADA).await["offer"]["status"], "added_to_cart");
    }

    async fn the_signed_routes_refuse_everybody_else(database) {
        let shop = TestShop::start(database).await;
        for path in ["customers/entry", "offers/ensure", "offers/status", "devices/recognize", "shops/resolve"] {
            for client in [shop.anonymous(), shop.backend(), shop.admin()] {
                let reply = client.post(&format!("/internal/{path}"), &json!({})).await;
                reply.expect_error(401, "unauthorized");
            }
            shop.edge().post(&format!("/internal/{path}"), &json!({})).await.expect(400);
        }
    }
}
