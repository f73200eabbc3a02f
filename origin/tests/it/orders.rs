//! The order intake.

use footfall_shared::time::DAY_MS;
use serde_json::{Value, json};

use crate::support::build::{due_history, entry, order, orders, take};
use crate::support::{START, TestShop, on_both};

const ADA: &str = "shopper@example.com";

async fn total_orders(shop: &TestShop, email: &str) -> Value {
    entry(&shop.edge(), shop.shop(), email).await["profile"]["total_orders"].clone()
}

on_both! {
    async fn an_order_sent_again_changes_nothing_and_a_changed_one_replaces(database) {
        let shop = TestShop::start(database).await;
        let reply = take(&shop.backend(), [order(1).item(44, 2).item(38, 1)]).await;
        assert_eq!(reply, json!({"success": true, "accepted": 1, "unchanged": 0, "refused": []}));
        let before = entry(&shop.edge(), shop.shop(), ADA).await;
        let again = take(&shop.backend(), [order(1).item(44, 2).item(38, 1)]).await;
        assert_eq!((&again["accepted"], &again["unchanged"]), (&json!(1), &json!(1)));
        assert_eq!(entry(&shop.edge(), shop.shop(), ADA).await, before);
        take(&shop.backend(), [order(1).item(44, 5)]).await;
        let after = entry(&shop.edge(), shop.shop(), ADA).await["profile"].clone();
        assert_eq!((&after["peak"]["quantity"], &after["total_orders"]), (&json!(5), &json!(1)));
        assert_eq!(after["favourites"]["products"].as_array().unwrap().len(), 1);
    }

    async fn a_bad_order_is_refused_and_the_rest_is_taken(database) {
        let shop = TestShop::start(database).await;
        let body = orders([
            order(1).item(44, 1),
            order(2).with("currency", json!("USD")),
            order(3).with("ordered_at", json!("yesterday")),
            order(4).with("items", json!([{"product_id": 1, "name": "x", "quantity": -1, "unit_price": 1}])),
            order(5).with("status", json!("a\u{0}b")),
            order(6).with("order_id", json!(true)),
            order(7).with("customer", json!({"first_name": "Ada"})),
            order(8).item(44, 1),
        ]);
        let reply = shop.backend().post("/api/orders", &body).await.expect(200);
        assert_eq!(reply["accepted"], 2);
        let refused: Vec<(u64, Value, String)> = reply["refused"].as_array().unwrap().iter()
            .map(|one| (one["index"].as_u64().unwrap(), one["order_id"].clone(), one["field"].as_str().unwrap().into()))
            .collect();
        let expected: Vec<(u64, Value, String)> = [
            (1, json!(2), "currency"), (2, json!(3), "ordered_at"), (3, json!(4), "items[0].quantity"),
            (4, json!(5), "status"), (5, Value::Null, "order_id"), (6, json!(7), "customer.email"),
        ].map(|(at, id, field)| (at, id, field.to_owned())).to_vec();
        assert_eq!(refused, expected, "{reply}");
        assert_eq!(total_orders(&shop, ADA).await, 2);
    }

    async fn what_is_no_call_is_refused_whole(database) {
        let shop = TestShop::start(database).await;
        let backend = shop.backend();
        for body in ["", "[]", "{}", "{\"orders\": 5}", "{\"orders\": {}}", "nonsense"] {
            backend.post_bytes("/api/orders", body.into()).await.expect(400);
        }
        let many = json!({"orders": vec![json!({}); 1001]});
        let reply = backend.post("/api/orders", &many).await.expect(400);
        assert_eq!(reply["details"]["field"], "orders");
        let long = vec![b' '; 4 * 1024 * 1024 + 1];
        backend.post_bytes("/api/orders", long).await.expect_error(413, "body_too_large");
        let none = backend.post("/api/orders", &json!({"orders": []})).await.expect(200);
        assert_eq!(none["accepted"], 0);
    }

    async fn only_a_secret_key_sends_orders(database) {
        let shop = TestShop::start(database).await;
        let body = orders([order(1).item(44, 1)]);
        shop.anonymous().post("/api/orders", &body).await.expect_error(401, "unauthorized");
        for client in [shop.browser(), shop.admin()] {
            client.post("/api/orders", &body).await.expect_error(403, "forbidden");
        }
        assert_eq!(total_orders(&shop, ADA).await, Value::Null);
    }

    async fn only_completed_and_processing_orders_count(database) {
        let shop = TestShop::start(database).await;
        let list = ["completed", "Processing", "pending", "cancelled", "refunded", "failed"];
        take(&shop.backend(), list.iter().zip(1..).map(|(status, id)| {
            order(id).item(44, 1).with("status", json!(status))
        })).await;
        assert_eq!(total_orders(&shop, ADA).await, 2);
    }

    async fn an_order_that_stops_counting_takes_its_profile_with_it(database) {
        let shop = TestShop::start(database).await;
        take(&shop.backend(), [order(1).item(44, 1)]).await;
        take(&shop.backend(), [order(1).item(44, 1).with("status", json!("refunded"))]).await;
        let left = entry(&shop.edge(), shop.shop(), ADA).await;
        assert_eq!(left["profile"], Value::Null);
        assert_eq!(left["card"]["first_name"], "Ada", "the customer stays");
    }

    async fn an_order_that_moves_to_another_email_recalculates_both(database) {
        let shop = TestShop::start(database).await;
        take(&shop.backend(), [order(1).item(44, 1), order(2).item(44, 1)]).await;
        take(&shop.backend(), [order(2).item(44, 1).email("bob@example.com")]).await;
        assert_eq!(total_orders(&shop, ADA).await, 1);
        assert_eq!(total_orders(&shop, "bob@example.com").await, 1);
    }

    async fn names_are_those_of_the_latest_order(database) {
        let shop = TestShop::start(database).await;
        let named = |id, days, first: &str| {
            let customer = json!({"email": ADA, "first_name": first, "customer_id": id});
            order(id).days_ago(days).item(44, 1).with("customer", customer)
        };
        take(&shop.backend(), [named(1, 5, "New"), named(2, 9, "Old")]).await;
        take(&shop.backend(), [named(3, 7, "Older")]).await;
        let card = entry(&shop.edge(), shop.shop(), ADA).await["card"].clone();
        assert_eq!((&card["first_name"], &card["external_id"]), (&json!("New"), &json!(1)));
        take(&shop.backend(), [named(4, 1, "Newest")]).await;
        let card = entry(&shop.edge(), shop.shop(), ADA).await["card"].clone();
        assert_eq!((&card["first_name"], &card["external_id"]), (&json!("Newest"), &json!(4)));
    }

    async fn of_an_order_twice_in_a_call_the_later_counts(database) {
        let shop = TestShop::start(database).await;
        let reply = take(&shop.backend(), [order(1).item(44, 9), order(1).item(44, 2)]).await;
        assert_eq!(reply["accepted"], 2);
        let profile = entry(&shop.edge(), shop.shop(), ADA).await["profile"].clone();
        assert_eq!((&profile["total_orders"], &profile["peak"]["quantity"]), (&json!(1), &json!(2)));
    }

    async fn a_thousand_orders_of_as_many_customers_go_in_at_once(database) {
        let shop = TestShop::start(database).await;
        let list = (1..=1000).map(|id| order(id).item(44, 1).item(38, 2).email(&format!("c{id}@example.com")));
        let reply = take(&shop.backend(), list).await;
        assert_eq!(reply["accepted"], 1000);
        assert_eq!(total_orders(&shop, "c1000@example.com").await, 1);
    }

    async fn products_are_known_by_the_latest_order(database) {
        let shop = TestShop::start(database).await;
        let priced = |id, days, price: &str| {
            let item = json!({"product_id": 44, "name": "Full Moon", "quantity": 1, "unit_price": price});
            order(id).days_ago(days).with("items", json!([item]))
        };
        take(&shop.backend(), [priced(1, 3, "14.95"), priced(2, 9, "9.95")]).await;
        take(&shop.backend(), [priced(3, 5, "11.95")]).await;
        let mut db = shop.app.db().read().await.unwrap();
        let products = footfall::shops::list_products(&mut db, &shop.shop().id).await.unwrap();
        assert_eq!(products.len(), 1);
        assert_eq!(products[0].unit_price.get(), 1495);
    }

    async fn an_order_with_the_bundle_makes_the_offer_purchased(database) {
        let shop = TestShop::start(database).await;
        take(&shop.backend(), due_history()).await;
        let bundle = format!("/wp-json/wg/v1/intelligence/bundle?customer_email={ADA}");
        shop.backend().get(&bundle).await.expect(200);
        shop.pass(60_000);
        // The same pieces a day before the offer was made, and only a part of them after it.
        let before = order(10).days_ago(1).item(44, 3).item(38, 2);
        let part = order(11).at(START.plus(30_000)).item(44, 3);
        take(&shop.backend(), [before, part]).await;
        let offer = entry(&shop.edge(), shop.shop(), ADA).await["offer"].clone();
        assert_eq!(offer["status"], "pending");
        let cancelled = order(12).at(START.plus(40_000)).item(44, 3).item(38, 2);
        take(&shop.backend(), [cancelled.with("status", json!("cancelled"))]).await;
        assert_eq!(entry(&shop.edge(), shop.shop(), ADA).await["offer"]["status"], "pending");
        take(&shop.backend(), [order(12).at(START.plus(40_000)).item(44, 3).item(38, 2)]).await;
        let offer = entry(&shop.edge(), shop.shop(), ADA).await["offer"].clone();
        assert_eq!(offer["status"], "purchased");
        assert_eq!(offer["responded_at"], START.plus(40_000).get());
    }

    async fn an_order_of_a_time_when_the_offer_was_over_leaves_it(database) {
        let shop = TestShop::start(database).await;
        take(&shop.backend(), due_history()).await;
        shop.backend().get(&format!("/wp-json/wg/v1/intelligence/bundle?customer_email={ADA}")).await.expect(200);
        shop.pass(8 * DAY_MS);
        take(&shop.backend(), [order(12).at(START.plus(8 * DAY_MS)).item(44, 3).item(38, 2)]).await;
        assert_eq!(entry(&shop.edge(), shop.shop(), ADA).await["offer"]["status"], "pending");
    }
}
