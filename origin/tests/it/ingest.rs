//! The log: what an edge sends counts once, and what is projected from it.

use footfall::intelligence::devices;
use footfall_shared::event::{Event, EventKind};
use footfall_shared::id::ShopId;
use footfall_shared::identity::Trust;
use footfall_shared::time::{DAY_MS, UtcMillis};
use serde_json::{Value, json};

use crate::support::build::{
    email_hash, entry, event, from_browser, from_device, known, order, recognize, send, take,
    verdicts,
};
use crate::support::{Credential, START, TestShop, on_both};

async fn logged(shop: &TestShop, query: &str) -> Vec<String> {
    let page = shop
        .backend()
        .get(&format!("/api/events?{query}"))
        .await
        .expect(200);
    ids(&page)
}

fn ids(page: &Value) -> Vec<String> {
    let events = page["events"].as_array().unwrap();
    events
        .iter()
        .map(|one| one["messageId"].as_str().unwrap().to_owned())
        .collect()
}

on_both! {
    async fn a_retried_batch_counts_once(database) {
        let shop = TestShop::start(database).await;
        let one = from_device(event(shop.shop(), "a"), shop.shop(), "laptop");
        let batch = [known(one, "ada@example.com", Trust::Claimed), event(shop.shop(), "b")];
        assert_eq!(send(&shop.edge(), &batch).await, ["appended", "appended"]);
        let version = entry(&shop.edge(), shop.shop(), "ada@example.com").await["version"].clone();
        assert_eq!(send(&shop.edge(), &batch).await, ["duplicate", "duplicate"]);
        assert_eq!(logged(&shop, "").await, ["b", "a"]);
        let after = entry(&shop.edge(), shop.shop(), "ada@example.com").await;
        assert_eq!(after["version"], version, "a duplicate is not projected again");
    }

    async fn the_same_id_twice_in_a_batch_counts_once(database) {
        let shop = TestShop::start(database).await;
        let batch = [event(shop.shop(), "a"), event(shop.shop(), "a"), event(shop.shop(), "b")];
        assert_eq!(send(&shop.edge(), &batch).await, ["appended", "duplicate", "appended"]);
    }

    async fn a_poison_event_does_not_stop_the_rest(database) {
        let shop = TestShop::start(database).await;
        let good = |id| serde_json::to_value(event(shop.shop(), id)).unwrap();
        let with = |field: &str, value: Value| {
            let mut event = good("poison");
            event[field] = value;
            event
        };
        let bad = [
            json!(5),
            json!({}),
            with("type", json!("dance")),
            with("id", json!("")),
            with("shop", json!("shop_x")),
            with("session_id", json!("x".repeat(5000))),
            with("user_id", json!("a\u{0}b")),
            with("body", json!({"properties": {"a": "\u{0}"}})),
            with("at", json!(i64::MAX)),
            with("email", json!("nobody")),
        ];
        let mut batch: Vec<Value> = bad.to_vec();
        batch.insert(3, good("first"));
        batch.push(good("last"));
        let receipt = shop.edge().post("/internal/events", &json!({"events": batch})).await.expect(200);
        let verdicts = verdicts(&receipt);
        let appended: Vec<usize> =
            (0..verdicts.len()).filter(|at| verdicts[*at] == "appended").collect();
        assert_eq!(appended, [3, 11], "{receipt}");
        assert!(receipt["receipts"][0]["reason"].is_string());
        assert_eq!(logged(&shop, "").await, ["last", "first"]);
    }

    async fn a_rejected_event_is_kept_once_with_its_reason(database) {
        let shop = TestShop::start(database).await;
        let mut unread = serde_json::to_value(event(shop.shop(), "a")).unwrap();
        unread["type"] = json!("dance");
        let batch = json!({"events": [unread]});
        for _ in 0..2 {
            let receipt = shop.edge().post("/internal/events", &batch).await.expect(200);
            assert_eq!(verdicts(&receipt), ["rejected"]);
        }
        let mut db = shop.app.db().read().await.unwrap();
        let kept = footfall::ingest::count_rejected(&mut db, shop.shop().id.as_str()).await;
        assert_eq!(kept.unwrap(), 1);
    }

    async fn an_event_of_an_unknown_shop_is_rejected(database) {
        let shop = TestShop::start(database).await;
        let stranger = ShopId::generate(START, [1; 10]);
        let batch = [Event { shop: stranger, ..event(shop.shop(), "a") }, event(shop.shop(), "b")];
        assert_eq!(send(&shop.edge(), &batch).await, ["rejected", "appended"]);
    }

    async fn events_of_two_shops_stay_apart(database) {
        let shop = TestShop::start(database).await;
        let neighbour = shop.neighbour().await;
        let batch = [event(shop.shop(), "a"), event(&neighbour.shop, "a")];
        assert_eq!(send(&shop.edge(), &batch).await, ["appended", "appended"]);
        assert_eq!(logged(&shop, "").await, ["a"]);
    }

    async fn only_a_signed_call_appends(database) {
        let shop = TestShop::start(database).await;
        let batch = json!({"events": [event(shop.shop(), "a")]});
        for client in [shop.anonymous(), shop.browser(), shop.backend(), shop.admin()] {
            client.post("/internal/events", &batch).await.expect_error(401, "unauthorized");
        }
        assert!(logged(&shop, "").await.is_empty());
    }

    async fn a_thousand_events_and_more_go_in_at_once(database) {
        let shop = TestShop::start(database).await;
        let batch: Vec<Event> = (0..2100).map(|at| {
            let email = format!("customer-{}@example.com", at % 1100);
            let one = from_device(event(shop.shop(), &format!("e{at}")), shop.shop(), &email);
            known(one, &email, Trust::Claimed)
        }).collect();
        let verdicts = send(&shop.edge(), &batch).await;
        assert!(verdicts.iter().all(|verdict| verdict == "appended"));
        let seen = entry(&shop.edge(), shop.shop(), "customer-1099@example.com").await;
        assert_eq!(seen["card"]["number"], 1100);
    }

    async fn batches_that_arrive_at_once_get_each_their_own_receipt(database) {
        let shop = TestShop::start(database).await;
        let calls: Vec<_> = (0..12)
            .map(|call| {
                // Every third sends the same events; one of each batch is nobody's.
                let ids = (0..40).map(|at| format!("{}-{at}", call % 4));
                let mut batch: Vec<Value> = ids
                    .map(|id| serde_json::to_value(event(shop.shop(), &id)).unwrap())
                    .collect();
                batch.insert(call, json!({"poison": call}));
                let edge = shop.edge();
                tokio::spawn(async move {
                    let body = json!({"events": batch});
                    let receipt = edge.post("/internal/events", &body).await.expect(200);
                    (call, verdicts(&receipt))
                })
            })
            .collect();
        let mut appended = 0;
        for call in calls {
            let (call, verdicts) = call.await.unwrap();
            assert_eq!((verdicts.len(), verdicts[call].as_str()), (41, "rejected"));
            appended += verdicts.iter().filter(|verdict| *verdict == "appended").count();
        }
        assert_eq!(appended, 160, "each event once, whoever sent it first");
    }

    async fn a_sender_who_goes_away_takes_no_other_batch_along(database) {
        let shop = TestShop::start(database).await;
        let gone: Vec<_> = (0..8)
            .map(|call| {
                let (edge, one) = (shop.edge(), event(shop.shop(), &format!("gone-{call}")));
                tokio::spawn(async move { send(&edge, &[one]).await })
            })
            .collect();
        tokio::task::yield_now().await;
        gone.iter().for_each(tokio::task::JoinHandle::abort);
        assert_eq!(send(&shop.edge(), &[event(shop.shop(), "stays")]).await, ["appended"]);
    }

    async fn a_device_is_recognized_by_each_of_its_keys(database) {
        let shop = TestShop::start(database).await;
        let one = from_device(from_browser(event(shop.shop(), "a"), "laptop"), shop.shop(), "laptop");
        send(&shop.edge(), &[known(one, "ada@example.com", Trust::Verified)]).await;
        let seen = recognize(&shop.edge(), shop.shop(), "laptop").await;
        let ada = email_hash(shop.shop(), "ada@example.com");
        for kind in ["browser", "fingerprint", "ip"] {
            let expected = json!({"is": "person", "email_hash": ada, "trust": "verified",
                "version": shop.app.now().get() + 1});
            assert_eq!(seen[kind], expected, "{kind}");
        }
        let other = recognize(&shop.edge(), shop.shop(), "phone").await;
        assert_eq!((&other["browser"], &other["fingerprint"]), (&Value::Null, &Value::Null));
        let neighbour = shop.neighbour().await;
        let there = recognize(&shop.edge(), &neighbour.shop, "laptop").await;
        assert_eq!(there, json!({"browser": null, "fingerprint": null, "ip": null}));
    }

    async fn a_second_verified_person_makes_a_device_shared(database) {
        let shop = TestShop::start(database).await;
        for (id, email) in [("a", "ada@example.com"), ("b", "bob@example.com"), ("c", "ada@example.com")] {
            let seen = from_device(from_browser(event(shop.shop(), id), "family"), shop.shop(), "family");
            send(&shop.edge(), &[known(seen, email, Trust::Verified)]).await;
        }
        let seen = recognize(&shop.edge(), shop.shop(), "family").await;
        for kind in ["browser", "fingerprint", "ip"] {
            let version = shop.app.now().get() + 2;
            assert_eq!(seen[kind], json!({"is": "shared", "version": version}), "{kind}");
        }
        let listed = shop.admin().get("/api/devices").await.expect(200);
        assert_eq!(listed["devices"].as_array().unwrap().len(), 3);
        assert_eq!(listed["devices"][0]["state"], "shared");
    }

    async fn a_link_that_was_undone_stays_undone(database) {
        let shop = TestShop::start(database).await;
        let at_laptop = |id: &str, email| {
            let seen = from_device(from_browser(event(shop.shop(), id), "laptop"), shop.shop(), "laptop");
            known(seen, email, Trust::Verified)
        };
        send(&shop.edge(), &[at_laptop("a", "ada@example.com"), at_laptop("b", "bob@example.com")]).await;
        shop.pass(1000);
        let listed = shop.backend().get("/api/devices").await.expect(200);
        for device in listed["devices"].as_array().unwrap() {
            let key = json!({"kind": device["kind"], "hash": device["hash"]});
            let reply = shop.backend().post("/api/devices/reset", &key).await.expect(200);
            assert_eq!(reply["reset"], 1);
        }
        let nobody = json!({"browser": null, "fingerprint": null, "ip": null});
        assert_eq!(recognize(&shop.edge(), shop.shop(), "laptop").await, nobody);
        footfall::rebuild::run(&shop.app).await.unwrap();
        assert_eq!(recognize(&shop.edge(), shop.shop(), "laptop").await, nobody);
        // What is seen from now on counts again, here of a customer whose links are then undone together.
        let later = Event { at: shop.app.now().plus(1), ..at_laptop("c", "ada@example.com") };
        send(&shop.edge(), &[later]).await;
        assert_eq!(recognize(&shop.edge(), shop.shop(), "laptop").await["browser"]["trust"], "verified");
        let ada = json!({"customer_email": "ada@example.com"});
        let reply = shop.admin().post("/api/devices/reset", &ada).await.expect(200);
        assert_eq!(reply["reset"], 3);
        let gone = shop.admin().get("/api/devices?customer_email=ada@example.com").await.expect(200);
        assert_eq!(gone["devices"], json!([]));
    }

    async fn a_device_that_is_not_seen_for_a_year_is_forgotten(database) {
        let shop = TestShop::start(database).await;
        let seen = |id: &str, print: &str, at| {
            let one = from_device(from_browser(event(shop.shop(), id), print), shop.shop(), print);
            known(Event { at, ..one }, "ada@example.com", Trust::Verified)
        };
        send(&shop.edge(), &[seen("a", "laptop", START), seen("b", "phone", START.plus(DAY_MS))]).await;
        let version = recognize(&shop.edge(), shop.shop(), "laptop").await["browser"]["version"].as_i64();
        shop.pass(365 * DAY_MS + 1);
        assert_eq!(devices::retire(&shop.app, shop.app.now()).await.unwrap(), 2, "a fingerprint and a browser");
        let of = async |print| recognize(&shop.edge(), shop.shop(), print).await;
        assert_eq!(of("laptop").await["browser"], Value::Null);
        assert_eq!(of("laptop").await["fingerprint"], Value::Null);
        assert_eq!(of("phone").await["browser"]["trust"], "verified");
        // Should it come again, every edge takes what is told then.
        send(&shop.edge(), &[seen("c", "laptop", shop.app.now())]).await;
        assert!(of("laptop").await["browser"]["version"].as_i64() > version);
    }

    async fn only_the_shops_own_people_see_and_undo_its_devices(database) {
        let shop = TestShop::start(database).await;
        let seen = from_device(event(shop.shop(), "a"), shop.shop(), "laptop");
        send(&shop.edge(), &[known(seen, "ada@example.com", Trust::Claimed)]).await;
        let path = "/api/devices?customer_email=ada@example.com";
        let listed = shop.backend().get(path).await.expect(200);
        let device = &listed["devices"][0];
        let key = json!({"kind": device["kind"], "hash": device["hash"]});
        shop.browser().get(path).await.expect(403);
        shop.anonymous().post("/api/devices/reset", &key).await.expect(401);
        let neighbour = shop.neighbour().await;
        let other = shop.client(Credential::Key(neighbour.secret_key));
        assert_eq!(other.get(path).await.expect(200)["devices"], json!([]));
        other.post("/api/devices/reset", &key).await.expect_error(404, "not_found");
        for wrong in [json!({}), json!({"kind": "ip"}), json!({"kind": "ip", "hash": "x"})] {
            shop.backend().post("/api/devices/reset", &wrong).await.expect(400);
        }
    }

    async fn a_verified_email_beats_a_claimed_one(database) {
        let shop = TestShop::start(database).await;
        let seen = |id, email, trust| {
            known(from_device(event(shop.shop(), id), shop.shop(), "laptop"), email, trust)
        };
        send(&shop.edge(), &[seen("a", "bob@example.com", Trust::Claimed)]).await;
        let bob = recognize(&shop.edge(), shop.shop(), "laptop").await["fingerprint"].clone();
        send(&shop.edge(), &[seen("b", "ada@example.com", Trust::Verified)]).await;
        send(&shop.edge(), &[seen("c", "bob@example.com", Trust::Claimed)]).await;
        let now = recognize(&shop.edge(), shop.shop(), "laptop").await["fingerprint"].clone();
        assert_eq!(now["trust"], "verified");
        assert_ne!(now["email_hash"], bob["email_hash"]);
        assert_eq!(now["version"], shop.app.now().get() + 2);
    }

    async fn a_claimed_email_never_overwrites_names(database) {
        let shop = TestShop::start(database).await;
        take(&shop.backend(), [order(1).item(44, 1)]).await;
        let claim = Event {
            kind: EventKind::Identify,
            name: None,
            user_id: Some("7".into()),
            body: serde_json::from_value(json!({"traits": {"firstName": "Eve", "lastName": "Evil"}})).unwrap(),
            ..event(shop.shop(), "a")
        };
        send(&shop.edge(), &[known(claim, "shopper@example.com", Trust::Claimed)]).await;
        let card = entry(&shop.edge(), shop.shop(), "shopper@example.com").await["card"].clone();
        assert_eq!((&card["first_name"], &card["last_name"]), (&json!("Ada"), &json!("Example")));
        assert_eq!(card["external_id"], 7, "none was known");
    }

    async fn a_known_shop_id_is_not_replaced_by_a_claim(database) {
        let shop = TestShop::start(database).await;
        let claim = |id: &str, user: &str| {
            let event = Event { user_id: Some(user.into()), ..event(shop.shop(), id) };
            known(event, "ada@example.com", Trust::Claimed)
        };
        send(&shop.edge(), &[claim("a", "42"), claim("b", "43")]).await;
        let card = entry(&shop.edge(), shop.shop(), "ada@example.com").await["card"].clone();
        assert_eq!(card["external_id"], 42);
    }

    async fn the_device_seen_last_stands_in_the_profile(database) {
        let shop = TestShop::start(database).await;
        let seen = |id: &str, print: &str, days| {
            let one = from_device(event(shop.shop(), id), shop.shop(), print);
            let one = Event { at: START.plus(days * DAY_MS), ..one };
            known(one, "ada@example.com", Trust::Claimed)
        };
        send(&shop.edge(), &[seen("a", "laptop", 2), seen("b", "phone", 1)]).await;
        let card = entry(&shop.edge(), shop.shop(), "ada@example.com").await["card"].clone();
        let laptop = footfall_shared::identity::FingerprintHash::of("laptop", &shop.shop().salt);
        assert_eq!(card["fingerprint"], json!(laptop), "an event that arrives late changes nothing");
        assert_eq!(card["geo"], json!({"country": "NL", "city": "Amsterdam"}));
    }

    async fn the_log_shows_the_segment_message_with_what_was_added(database) {
        let shop = TestShop::start(database).await;
        let one = known(event(shop.shop(), "a"), "ada@example.com", Trust::Claimed);
        send(&shop.edge(), &[Event { name: Some("Completed Order".into()), ..one }]).await;
        let page = shop.admin().get("/api/events").await.expect(200);
        assert_eq!(page, json!({"next_cursor": null, "events": [{
            "messageId": "a", "type": "track", "event": "Completed Order",
            "standardEvent": "Order Completed", "timestamp": "2026-11-24T12:00:00.000Z",
            "receivedAt": "2026-11-24T12:00:00.000Z", "anonymousId": "anonymous-1",
            "sessionId": "session-1", "email": "ada@example.com", "properties": {"product_id": 44},
        }]}));
    }

    async fn each_filter_finds_its_events(database) {
        let shop = TestShop::start(database).await;
        let plain = |id| event(shop.shop(), id);
        send(&shop.edge(), &[
            Event { kind: EventKind::Page, name: Some("Home".into()), ..plain("page") },
            Event { session_id: Some("other".into()), ..plain("session") },
            Event { name: Some("Cart Viewed".into()), ..plain("name") },
            known(Event { user_id: Some("42".into()), ..plain("mail") }, "ada@example.com", Trust::Claimed),
            known(plain("mail2"), "ada@example.com", Trust::Claimed),
            Event { anonymous_id: Some("visitor-9".into()), ..plain("anonymous") },
            Event { at: START.plus(DAY_MS), ..plain("late") },
        ]).await;
        let since = UtcMillis::new(START.get() + 1);
        for (query, expected) in [
            ("type=page".to_owned(), vec!["page"]),
            ("session=other".to_owned(), vec!["session"]),
            ("event=Cart%20Viewed".to_owned(), vec!["name"]),
            ("event=Home".to_owned(), vec![]),
            ("customer=Ada@example.com".to_owned(), vec!["mail2", "mail"]),
            ("customer=42".to_owned(), vec!["mail2", "mail"]),
            ("customer=visitor-9".to_owned(), vec!["anonymous"]),
            (format!("since={}", since.get()), vec!["late"]),
            (format!("since={}", since.to_rfc3339()), vec!["late"]),
            ("type=track&event=Product%20Viewed&limit=2".to_owned(), vec!["late", "anonymous"]),
        ] {
            assert_eq!(logged(&shop, &query).await, expected, "{query}");
        }
    }

    async fn pages_stay_stable_while_events_arrive(database) {
        let shop = TestShop::start(database).await;
        for id in ["a", "b", "c", "d", "e"] {
            send(&shop.edge(), &[event(shop.shop(), id)]).await;
        }
        let first = shop.backend().get("/api/events?limit=2").await.expect(200);
        assert_eq!(ids(&first), ["e", "d"]);
        send(&shop.edge(), &[event(shop.shop(), "f")]).await;
        let cursor = first["next_cursor"].as_str().unwrap();
        let second = shop.backend().get(&format!("/api/events?limit=2&cursor={cursor}")).await.expect(200);
        assert_eq!(ids(&second), ["c", "b"]);
        let cursor = second["next_cursor"].as_str().unwrap();
        let last = shop.backend().get(&format!("/api/events?limit=2&cursor={cursor}")).await.expect(200);
        assert_eq!((ids(&last), &last["next_cursor"]), (vec!["a".to_owned()], &Value::Null));
    }

    async fn a_bad_filter_is_refused_with_its_name(database) {
        let shop = TestShop::start(database).await;
        for (query, field) in [
            ("type=dance", "type"),
            ("limit=0", "limit"),
            ("limit=501", "limit"),
            ("limit=many", "limit"),
            ("cursor=-1", "cursor"),
            ("cursor=x", "cursor"),
            ("since=yesterday", "since"),
            ("customer=a@b", "customer"),
            ("event=%00", "event"),
            ("session=", "session"),
        ] {
            let reply = shop.backend().get(&format!("/api/events?{query}")).await.expect(400);
            assert_eq!(reply["details"]["field"], field, "{query}");
        }
    }

    async fn the_log_is_shown_to_server_and_admin_only(database) {
        let shop = TestShop::start(database).await;
        shop.anonymous().get("/api/events").await.expect_error(401, "unauthorized");
        shop.browser().get("/api/events").await.expect_error(403, "forbidden");
        shop.backend().get("/api/events").await.expect(200);
        shop.admin().get("/api/events").await.expect(200);
    }
}
