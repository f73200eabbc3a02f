//! Orders that a browser says it placed.

use footfall::db::During;
use footfall::orders::{LinkedDevice, linked_devices};
use footfall_shared::event::Event;
use footfall_shared::id::ExternalId;
use serde_json::{Map, Value, json};

use super::payload::{JOHN, changed_at, connected, counted, deliver, woo_order};
use crate::support::build::{email_hash, event, from_browser, from_device, recognize, send};
use crate::support::{Database, TestShop, on_both};

async fn start(database: Database) -> TestShop {
    let shop = TestShop::start(database).await;
    connected(&shop).await;
    shop
}

/// A browser's event that it placed an order.
fn completed(shop: &TestShop, id: &str, properties: Value) -> Event {
    let event = Event {
        name: Some("Order Completed".into()),
        body: Map::from_iter([("properties".to_owned(), properties)]),
        ..event(shop.shop(), id)
    };
    from_device(event, shop.shop(), "laptop")
}

async fn links(shop: &TestShop, order: u64) -> Vec<LinkedDevice> {
    let mut db = shop.app.db().read().await.unwrap();
    let orders = [&ExternalId::from(order)];
    linked_devices(&mut db, &shop.shop().id, &orders)
        .await
        .unwrap()
}

/// What happens to an order, in a sequence.
#[derive(Debug, Clone, Copy)]
enum Step {
    /// The shop's server tells.
    Told,
    /// The shop's server tells again, later.
    Changed,
    /// The browser says so.
    Said,
    /// The browser says so again, in another event.
    Repeated,
}
use Step::{Changed, Repeated, Said, Told};

async fn take(shop: &TestShop, step: Step) {
    let said = |id| completed(shop, id, json!({"order_id": 1, "total": 16.45}));
    match step {
        Told => drop(deliver(shop, "order.created", &woo_order(1)).await),
        Changed => {
            drop(deliver(shop, "order.updated", &changed_at(woo_order(1), "12:00:00")).await)
        }
        Said => drop(send(&shop.edge(), &[said("a")]).await),
        Repeated => drop(send(&shop.edge(), &[said("b"), said("a")]).await),
    }
}

on_both! {
    async fn an_order_and_its_event_count_once_in_every_sequence(database) {
        for steps in [
            &[Said, Told][..], &[Told, Said], &[Said, Told, Changed, Repeated], &[Told, Told, Said, Repeated],
            &[Said, Repeated, Told, Told], &[Told, Changed, Said],
        ] {
            let shop = start(database).await;
            for step in steps {
                take(&shop, *step).await;
            }
            assert_eq!(counted(&shop, JOHN).await, 1, "{steps:?}");
            let links = links(&shop, 1).await;
            assert_eq!(links.len(), 1, "{steps:?}");
            assert_eq!(links[0].anonymous_id, "anonymous-1");
            let said = completed(&shop, "a", json!({"order_id": 1}));
            let keys = said.device.keys(Some("anonymous-1"), &shop.shop().salt);
            assert_eq!(links[0].keys(&shop.shop().salt), keys);
            assert_eq!(keys.len(), 2, "a fingerprint and an address; the id is too short to be random");
            assert_eq!(links[0].status, "processing");
        }
    }

    async fn an_event_alone_makes_no_order_and_an_order_alone_has_no_device(database) {
        let shop = start(database).await;
        take(&shop, Said).await;
        assert_eq!(counted(&shop, JOHN).await, 0);
        assert_eq!(links(&shop, 1).await, []);
        deliver(&shop, "order.created", &woo_order(2)).await;
        assert_eq!(counted(&shop, JOHN).await, 1);
        assert_eq!(links(&shop, 2).await, []);
    }

    async fn only_a_page_that_knew_the_orders_key_proves_its_link(database) {
        let shop = start(database).await;
        deliver(&shop, "order.created", &woo_order(1)).await;
        let say = async |id: &str, visitor: &str, key: Value| {
            let said = completed(&shop, id, json!({"order_id": "1", "order_key": key}));
            send(&shop.edge(), &[Event { anonymous_id: Some(visitor.into()), ..said }]).await;
        };
        say("a", "guesser", Value::Null).await;
        say("b", "liar", json!("wc_order_2")).await;
        say("c", "shopper", json!("wc_order_1")).await;
        let links: Vec<(String, bool)> = links(&shop, 1).await.into_iter()
            .map(|link| (link.anonymous_id, link.proven)).collect();
        let expected = [("guesser", false), ("liar", false), ("shopper", true)];
        assert_eq!(links, expected.map(|(visitor, proven)| (visitor.to_owned(), proven)));
    }

    async fn only_the_orders_key_proves_the_buyers_browser(database) {
        // Whichever comes first, and told twice.
        for first in [Told, Said] {
            let shop = start(database).await;
            let say = async || {
                for (id, browser, key) in [("a", "guesser", "wc_order_2"), ("b", "buyer", "wc_order_1")] {
                    let said = completed(&shop, id, json!({"order_id": "1", "order_key": key}));
                    send(&shop.edge(), &[from_browser(said, browser)]).await;
                }
            };
            if let Said = first { say().await }
            deliver(&shop, "order.created", &woo_order(1)).await;
            say().await;
            let of = async |browser| recognize(&shop.edge(), shop.shop(), browser).await["browser"].clone();
            let john = email_hash(shop.shop(), JOHN);
            assert_eq!(of("buyer").await["email_hash"], json!(john), "{first:?}");
            assert_eq!(of("buyer").await["trust"], "verified");
            assert_eq!(of("guesser").await, Value::Null);
            footfall::rebuild::run(&shop.app).await.unwrap();
            assert_eq!(of("buyer").await["trust"], "verified", "the log tells it again");
        }
    }

    async fn an_order_that_does_not_count_proves_nothing(database) {
        let shop = start(database).await;
        let mut unpaid = woo_order(1);
        unpaid["status"] = json!("pending");
        deliver(&shop, "order.created", &unpaid).await;
        let said = completed(&shop, "a", json!({"order_id": "1", "order_key": "wc_order_1"}));
        send(&shop.edge(), &[from_browser(said, "buyer")]).await;
        let seen = async || recognize(&shop.edge(), shop.shop(), "buyer").await["browser"].clone();
        assert_eq!(seen().await, Value::Null);
        deliver(&shop, "order.updated", &changed_at(woo_order(1), "12:00:00")).await;
        assert_eq!(seen().await["trust"], "verified", "paid meanwhile");
    }

    async fn what_names_no_order_or_no_browser_links_nothing(database) {
        let shop = start(database).await;
        deliver(&shop, "order.created", &woo_order(1)).await;
        let said = |id, properties| completed(&shop, id, properties);
        let by_nobody = Event { anonymous_id: None, user_id: Some("u".into()), ..said("a", json!({"order_id": 1})) };
        let other = Event { name: Some("Order Refunded".into()), ..said("b", json!({"order_id": 1})) };
        let batch = [by_nobody, other, said("c", json!({})), said("d", json!({"order_id": [1]})), said("e", json!({"order_id": ""}))];
        assert_eq!(send(&shop.edge(), &batch).await, ["appended"; 5]);
        assert_eq!(links(&shop, 1).await, []);
        let old_name = Event { name: Some("completed order".into()), ..said("f", json!({"order_id": 1})) };
        send(&shop.edge(), &[old_name]).await;
        assert_eq!(links(&shop, 1).await.len(), 1);
    }

    async fn a_rebuild_makes_the_links_again(database) {
        let shop = start(database).await;
        for step in [Said, Told, Repeated] {
            take(&shop, step).await;
        }
        let before = links(&shop, 1).await;
        footfall::rebuild::run(&shop.app).await.unwrap();
        assert_eq!(links(&shop, 1).await, before);
        assert_eq!(before.len(), 1);
        // What is not in the log any more links nothing.
        let mut tx = shop.app.db().begin().await.unwrap();
        footfall::on_db!(&mut tx, |connection| {
            sqlx::query("DELETE FROM events").execute(connection).await.map(|_| ())
        }).during("test").unwrap();
        tx.commit().await.unwrap();
        footfall::rebuild::run(&shop.app).await.unwrap();
        assert_eq!(links(&shop, 1).await, []);
    }

    async fn a_neighbours_link_is_not_ours(database) {
        let shop = start(database).await;
        let neighbour = shop.neighbour().await;
        deliver(&shop, "order.created", &woo_order(1)).await;
        let said = Event { shop: neighbour.shop.id.clone(), ..completed(&shop, "a", json!({"order_id": 1})) };
        assert_eq!(send(&shop.edge(), &[said]).await, ["appended"]);
        assert_eq!(links(&shop, 1).await, []);
    }
}
