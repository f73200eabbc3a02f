//! Deliveries.

use http::Request;
use serde_json::{Value, json};

use super::payload::{
    JOHN, SECRET, changed_at, connected, counted, deliver, deliver_as, deliver_bytes, sign, with,
    woo_order, woo_product,
};
use crate::support::build::entry;
use crate::support::{Database, TestShop, on_both};

async fn start(database: Database) -> TestShop {
    let shop = TestShop::start(database).await;
    connected(&shop).await;
    shop
}

/// Every order of permuting three things.
const SEQUENCES: [[usize; 3]; 6] = [
    [0, 1, 2],
    [0, 2, 1],
    [1, 0, 2],
    [1, 2, 0],
    [2, 0, 1],
    [2, 1, 0],
];

async fn peak(shop: &TestShop, email: &str) -> Value {
    entry(&shop.edge(), shop.shop(), email).await["profile"]["peak"]["quantity"].clone()
}

/// The pointer of each value in a payload.
fn pointers(payload: &Value, at: &str, found: &mut Vec<String>) {
    let children: Vec<(String, &Value)> = match payload {
        Value::Object(fields) => fields
            .iter()
            .map(|(name, value)| (name.clone(), value))
            .collect(),
        Value::Array(items) => items
            .iter()
            .enumerate()
            .map(|(at, value)| (at.to_string(), value))
            .collect(),
        _ => Vec::new(),
    };
    for (name, value) in children {
        let pointer = format!("{at}/{name}");
        pointers(value, &pointer, found);
        found.push(pointer);
    }
}

/// Name, address part and price of a product.
async fn product(shop: &TestShop, id: &str) -> Option<(String, String, i64)> {
    let mut db = shop.app.db().read().await.unwrap();
    let found = footfall::shops::find_products(&mut db, &shop.shop().id, &[id]).await;
    let found = found.unwrap().remove(id)?;
    Some((found.name, found.slug, found.unit_price.get()))
}

on_both! {
    async fn a_guests_order_counts_with_what_was_paid_for_a_piece(database) {
        let shop = start(database).await;
        assert_eq!(deliver(&shop, "order.created", &woo_order(1)).await, "taken");
        let known = entry(&shop.edge(), shop.shop(), JOHN).await;
        assert_eq!(known["profile"]["total_orders"], 1);
        assert_eq!(known["card"]["first_name"], "John");
        assert_eq!(known["card"]["external_id"], Value::Null, "a guest has no id");
        assert_eq!(product(&shop, "44").await.unwrap().2, 323, "(6.00 + 0.45) / 2");
    }

    async fn a_delivery_without_the_shops_signature_changes_nothing(database) {
        let shop = TestShop::start(database).await;
        let body = serde_json::to_vec(&woo_order(1)).unwrap();
        let good = sign(SECRET, &body);
        let deliver = async |signature: Option<&str>, body: &[u8]| {
            let topic = ("x-wc-webhook-topic", "order.created");
            let headers: Vec<(&str, &str)> = std::iter::once(topic)
                .chain(signature.map(|text| ("x-wc-webhook-signature", text))).collect();
            deliver_bytes(&shop, &headers, body.to_vec()).await
        };
        deliver(Some(&good), &body).await.expect_error(401, "unauthorized");
        connected(&shop).await;
        let other = sign("another secret", &body);
        let longer = [&body[..], b" "].concat();
        for (signature, body) in [
            (None, &body), (Some(""), &body), (Some("not base64!"), &body), (Some(other.as_str()), &body),
            (Some(&good[1..]), &body), (Some(good.as_str()), &longer),
        ] {
            deliver(signature, body).await.expect_error(401, "unauthorized");
        }
        assert_eq!(counted(&shop, JOHN).await, 0);
        deliver(Some(&good), &body).await.expect(200);
        assert_eq!(counted(&shop, JOHN).await, 1);
    }

    async fn a_shop_is_named_by_its_slug_or_id_and_a_neighbours_secret_opens_nothing(database) {
        let shop = start(database).await;
        let neighbour = shop.neighbour().await;
        let body = serde_json::to_vec(&woo_order(1)).unwrap();
        let signature = sign(SECRET, &body);
        let post = async |named: &str| {
            let request = Request::post(format!("/webhooks/woocommerce/{named}"))
                .header("x-wc-webhook-topic", "order.created")
                .header("x-wc-webhook-signature", &signature);
            shop.anonymous().send(request, body.clone()).await
        };
        post(neighbour.shop.id.as_str()).await.expect_error(401, "unauthorized");
        for named in ["nobody", "%00", "%ff", "Demo", "demo%27--", &"x".repeat(300)] {
            post(named).await.expect_error(404, "not_found");
        }
        post(shop.shop().id.as_str()).await.expect(200);
        assert_eq!(counted(&shop, JOHN).await, 1);
    }

    async fn the_ping_of_a_new_webhook_is_answered(database) {
        let shop = TestShop::start(database).await;
        for signature in ["", "c29tZXRoaW5n"] {
            let request = Request::post("/webhooks/woocommerce/demo")
                .header("content-type", "application/x-www-form-urlencoded")
                .header("x-wc-webhook-signature", signature);
            let reply = shop.anonymous().send(request, b"webhook_id=123".to_vec()).await.expect(200);
            assert_eq!(reply, json!({"success": true, "result": "pong"}));
        }
        let elsewhere = Request::post("/webhooks/woocommerce/nobody");
        shop.anonymous().send(elsewhere, b"webhook_id=123".to_vec()).await.expect_error(404, "not_found");
    }

    async fn what_is_nothing_for_us_is_answered_with_its_reason(database) {
        let shop = start(database).await;
        for (topic, change, reason) in [
            ("customer.created", json!({}), "topic"), ("coupon.updated", json!({}), "topic"),
            ("action.woocommerce_add_to_cart", json!({}), "topic"), ("", json!({}), "topic"),
            ("order.created", json!({"/currency": "USD"}), "currency"),
            ("order.created", json!({"/billing/email": ""}), "email"),
            ("order.created", json!({"/billing": null}), "email"),
        ] {
            let reply = deliver_as(&shop, "d", topic, &with(woo_order(1), &change)).await.expect(200);
            assert_eq!(reply["result"], "ignored", "{topic}");
            assert!(reply["reason"].as_str().unwrap().contains(reason), "{reply}");
        }
        assert_eq!(counted(&shop, JOHN).await, 0);
    }

    async fn a_signed_body_that_is_broken_is_a_400_that_names_the_field(database) {
        let shop = start(database).await;
        let post = async |topic: &str, body: Vec<u8>| {
            let signature = sign(SECRET, &body);
            let headers = [("x-wc-webhook-topic", topic), ("x-wc-webhook-signature", signature.as_str())];
            deliver_bytes(&shop, &headers, body).await
        };
        for (change, field) in [
            (json!({"/id": null}), "id"), (json!({"/id": -1}), "id"), (json!({"/status": ""}), "status"),
            (json!({"/line_items": 5}), "line_items"),
            (json!({"/line_items/0/quantity": {"a": 1}}), "line_items[0].quantity"),
            (json!({"/line_items/0/total": "six"}), "line_items[0].total"),
            (json!({"/date_created_gmt": "1990-01-01T00:00:00"}), "date_created_gmt"),
        ] {
            let body = serde_json::to_vec(&with(woo_order(1), &change)).unwrap();
            let reply = post("order.updated", body).await.expect(400);
            assert_eq!(reply["details"]["field"], field, "{reply}");
        }
        for body in ["", "[]", "null", "{", "{}", "nonsense", "{\"id\":{}}", "\u{0}"] {
            for topic in ["order.created", "order.deleted", "product.updated", "product.deleted"] {
                let reply = post(topic, body.into()).await;
                assert_eq!(reply.status, 400, "{topic} {body}");
            }
        }
        post("order.created", vec![0xff; 100]).await.expect_error(400, "invalid_request");
        let deep = "[".repeat(100_000).into_bytes();
        post("order.created", deep).await.expect_error(400, "invalid_request");
        post("order.created", vec![b' '; 1024 * 1024 + 1]).await.expect_error(413, "body_too_large");
        assert_eq!(deliver(&shop, "order.created", &woo_order(1)).await, "taken");
    }

    async fn whatever_stands_in_a_field_is_taken_or_refused_and_never_a_fault_of_ours(database) {
        let shop = start(database).await;
        let strange = [
            json!(null), json!(true), json!(-1), json!(1.5), json!(u64::MAX), json!(1e300), json!(""), json!("0"),
            json!("a\u{0}b\u{feff}"), json!("😀".repeat(3000)), json!("99999999999999999999.999999999"), json!([]), json!([[{}]]),
            json!({}), json!({"a": {"b": null}}), json!("9999-12-31T23:59:59"),
        ];
        for (payload, topic) in [(woo_order(1), "order.updated"), (woo_product(44), "product.updated")] {
            let mut found = Vec::new();
            pointers(&payload, "", &mut found);
            for (pointer, place) in found.iter().zip(0..) {
                for (value, number) in strange.iter().zip(0..) {
                    let changed = with(payload.clone(), &json!({pointer: value}));
                    let reply = deliver_as(&shop, &format!("{place}-{number}"), topic, &changed).await;
                    let status = reply.status.as_u16();
                    assert!([200, 400].contains(&status), "{pointer} {value}: {status}");
                    assert!(status == 200 || reply.json()["details"]["field"].is_string(), "{pointer} {value}");
                }
            }
        }
        assert_eq!(deliver(&shop, "order.created", &woo_order(2)).await, "taken");
    }

    async fn deliveries_in_any_sequence_and_number_end_alike(database) {
        let shop = start(database).await;
        for (sequence, id) in SEQUENCES.iter().zip(1..) {
            let email = format!("c{id}@example.com");
            let order = |quantity: u64, time| {
                let change = json!({"/billing/email": email, "/line_items/0/quantity": quantity});
                changed_at(with(woo_order(id), &change), time)
            };
            let words = [order(2, "10:00:08"), order(3, "10:05:00"), order(5, "10:09:00")];
            for at in sequence.iter().chain(sequence) {
                let topic = if *at == 0 { "order.created" } else { "order.updated" };
                deliver(&shop, topic, &words[*at]).await;
            }
            assert_eq!((counted(&shop, &email).await, peak(&shop, &email).await), (1, json!(5)), "{sequence:?}");
        }
        assert_eq!(deliver(&shop, "order.created", &changed_at(woo_order(9), "10:00:00")).await, "taken");
        assert_eq!(deliver(&shop, "order.updated", &changed_at(woo_order(9), "10:00:00")).await, "unchanged");
        assert_eq!(deliver(&shop, "order.updated", &changed_at(woo_order(9), "09:00:00")).await, "stale");
    }

    async fn an_order_stops_counting_when_it_is_refunded_whole_or_no_purchase(database) {
        let shop = start(database).await;
        for (change, counts) in [
            (json!({"/refunds": [{"id": 1, "reason": "", "total": "-10.00"}]}), 1),
            (json!({"/refunds": [{"id": 1, "total": "-10.00"}, {"id": 2, "total": "-6.45"}]}), 0),
            (json!({"/status": "completed"}), 1), (json!({"/status": "refunded"}), 0),
            (json!({"/status": "on-hold"}), 0), (json!({"/status": "wc-processing"}), 1),
            (json!({"/status": "trash"}), 0), (json!({"/status": "cancelled"}), 0),
        ] {
            deliver(&shop, "order.updated", &with(woo_order(1), &change)).await;
            assert_eq!(counted(&shop, JOHN).await, counts, "{change}");
        }
    }

    async fn a_deleted_order_stops_counting_until_it_is_restored(database) {
        let shop = start(database).await;
        let gone = json!({"id": 1});
        deliver(&shop, "order.created", &woo_order(1)).await;
        deliver_as(&shop, "first", "order.deleted", &gone).await.expect(200);
        assert_eq!(counted(&shop, JOHN).await, 0);
        // An update that was under way does not bring it back.
        assert_eq!(deliver(&shop, "order.updated", &changed_at(woo_order(1), "11:00:00")).await, "ignored");
        assert_eq!(counted(&shop, JOHN).await, 0);
        assert_eq!(deliver(&shop, "order.restored", &woo_order(1)).await, "taken");
        assert_eq!(counted(&shop, JOHN).await, 1);
        let later = with(changed_at(woo_order(1), "12:00:00"), &json!({"/line_items/0/quantity": 7}));
        assert_eq!(deliver(&shop, "order.updated", &later).await, "taken", "it is there again");
        assert_eq!(peak(&shop, JOHN).await, 7);
        let replay = deliver_as(&shop, "first", "order.deleted", &gone).await.expect(200);
        assert_eq!((replay["result"].as_str(), counted(&shop, JOHN).await), (Some("unchanged"), 1));
        deliver_as(&shop, "second", "order.deleted", &gone).await.expect(200);
        assert_eq!(counted(&shop, JOHN).await, 0, "a second deletion is no replay");
    }

    async fn an_order_that_was_deleted_before_it_came_does_not_count(database) {
        let shop = start(database).await;
        deliver(&shop, "order.deleted", &json!({"id": "1"})).await;
        assert_eq!(deliver(&shop, "order.created", &woo_order(1)).await, "ignored");
        assert_eq!(counted(&shop, JOHN).await, 0);
    }

    async fn the_catalogue_tells_a_products_name_address_and_price(database) {
        let shop = start(database).await;
        deliver(&shop, "order.created", &woo_order(1)).await;
        assert_eq!(product(&shop, "44").await, Some(("Full Moon".into(), "full-moon".into(), 323)));
        let catalogue = Some(("Full Moon".to_owned(), "full-moon-2".to_owned(), 1495));
        assert_eq!(deliver(&shop, "product.created", &woo_product(44)).await, "taken");
        assert_eq!(product(&shop, "44").await, catalogue);
        deliver(&shop, "order.created", &woo_order(2)).await;
        assert_eq!(product(&shop, "44").await, catalogue, "an order knows only what was paid");
        let profile = entry(&shop.edge(), shop.shop(), JOHN).await["profile"].clone();
        assert_eq!(profile["favourites"]["products"][0]["slug"], "full-moon-2");
        let older = with(woo_product(44), &json!({"/date_modified_gmt": "2026-10-02T00:00:00", "/price": "1.00"}));
        assert_eq!(deliver(&shop, "product.updated", &older).await, "stale");
        let nameless = with(woo_product(44), &json!({"/date_modified_gmt": "2026-11-02T00:00:00", "/price": "", "/name": "Moon"}));
        deliver(&shop, "product.updated", &nameless).await;
        assert_eq!(product(&shop, "44").await, Some(("Moon".into(), "full-moon-2".into(), 1495)));
        deliver(&shop, "product.deleted", &json!({"id": 44})).await;
        assert_eq!(product(&shop, "44").await, None);
        assert_eq!(deliver(&shop, "product.updated", &nameless).await, "ignored");
        assert_eq!(deliver(&shop, "product.restored", &with(nameless, &json!({"/price": "9.95"}))).await, "taken");
        assert_eq!(product(&shop, "44").await.unwrap().2, 995);
        let unpriced = with(woo_product(45), &json!({"/price": "", "/type": "variable"}));
        assert_eq!(deliver(&shop, "product.created", &unpriced).await, "ignored");
        assert_eq!(product(&shop, "45").await, None);
    }

    async fn the_documentations_sample_is_signed_as_we_check_it(database) {
        let shop = start(database).await;
        let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).ancestors()
            .map(|folder| folder.join("shared/data/payloads/woocommerce")).find(|folder| folder.is_dir());
        let Some(folder) = folder else {
            eprintln!("skipped: the samples do not lie beside the project");
            return;
        };
        let example = std::fs::read(folder.join("SIGNATURE_EXAMPLE.json")).unwrap();
        let example: Value = serde_json::from_slice(&example).unwrap();
        assert_eq!(example["secret"], SECRET);
        let body = std::fs::read(folder.join(example["file"].as_str().unwrap())).unwrap();
        let signature = example["signature"].as_str().unwrap();
        let headers = [("x-wc-webhook-topic", "order.created"), ("x-wc-webhook-signature", signature)];
        let reply = deliver_bytes(&shop, &headers, body).await.expect(200);
        assert!(reply["reason"].as_str().unwrap().contains("currency"), "it is in dollars: {reply}");
    }
}
