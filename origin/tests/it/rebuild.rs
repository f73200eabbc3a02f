//! `footfall rebuild`.

use footfall_shared::event::Event;
use footfall_shared::identity::Trust;
use footfall_shared::time::DAY_MS;
use serde_json::Value;

use crate::support::build::{
    due_history, entry, event, from_device, known, order, recognize, send, take,
};
use crate::support::{START, TestShop, on_both};

const PEOPLE: [&str; 3] = ["shopper@example.com", "bob@example.com", "eve@example.com"];

/// Everything that an edge can ask, without the versions, which only grow.
async fn everything(shop: &TestShop) -> Vec<Value> {
    let mut all = Vec::new();
    for email in PEOPLE {
        all.push(entry(&shop.edge(), shop.shop(), email).await);
    }
    for print in ["laptop", "phone", "tablet"] {
        all.push(recognize(&shop.edge(), shop.shop(), print).await);
    }
    all.iter_mut().for_each(forget_versions);
    all
}

fn forget_versions(value: &mut Value) {
    if let Value::Object(map) = value {
        map.remove("version");
        map.values_mut().for_each(forget_versions);
    }
}

async fn fill(shop: &TestShop) {
    take(&shop.backend(), due_history()).await;
    take(
        &shop.backend(),
        [order(9).item(44, 7).email("bob@example.com")],
    )
    .await;
    let path = "/wp-json/wg/v1/intelligence/bundle?customer_email=shopper@example.com";
    shop.backend().get(path).await.expect(200);
    let seen = |id: &str, print: &str, email: &str, trust, day| {
        let one = from_device(event(shop.shop(), id), shop.shop(), print);
        let one = Event {
            at: START.plus(day * DAY_MS),
            user_id: Some(format!("u-{email}")),
            ..one
        };
        known(one, email, trust)
    };
    send(
        &shop.edge(),
        &[
            seen("a", "laptop", PEOPLE[0], Trust::Verified, 0),
            seen("b", "laptop", PEOPLE[2], Trust::Claimed, 1),
            seen("c", "phone", PEOPLE[1], Trust::Claimed, 2),
        ],
    )
    .await;
    send(
        &shop.edge(),
        &[
            seen("d", "phone", PEOPLE[2], Trust::Claimed, 3),
            seen("e", "tablet", PEOPLE[0], Trust::Claimed, -3),
            event(shop.shop(), "f"),
        ],
    )
    .await;
}

on_both! {
    async fn a_rebuild_gives_what_was_there(database) {
        let shop = TestShop::start(database).await;
        fill(&shop).await;
        let neighbour = shop.neighbour().await;
        send(&shop.edge(), &[known(event(&neighbour.shop, "a"), "x@example.com", Trust::Claimed)]).await;
        let before = everything(&shop).await;
        let rebuilt = footfall::rebuild::run(&shop.app).await.unwrap();
        assert_eq!(everything(&shop).await, before);
        let of = |slug: &str| rebuilt.iter().find(|one| one.shop == slug).unwrap();
        let (own, other) = (of("demo"), of("neighbour"));
        assert_eq!((own.events, own.customers), (6, 3));
        assert_eq!((other.events, other.customers), (1, 1));
    }

    async fn versions_only_grow_in_a_rebuild(database) {
        let shop = TestShop::start(database).await;
        fill(&shop).await;
        let versions = || async {
            let entry = entry(&shop.edge(), shop.shop(), PEOPLE[0]).await;
            let link = recognize(&shop.edge(), shop.shop(), "laptop").await;
            (entry["version"].as_i64().unwrap(), link["fingerprint"]["version"].as_i64().unwrap())
        };
        let before = versions().await;
        footfall::rebuild::run(&shop.app).await.unwrap();
        let after = versions().await;
        assert!(after.0 > before.0 && after.1 > before.1, "{before:?} {after:?}");
    }
}
