//! Pushes: what changed reaches the edge, once it can.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::Router;
use axum::body::Bytes;
use axum::extract::State;
use axum::routing::post;
use footfall::edges;
use footfall::jobs::work_until_idle;
use footfall_shared::identity::{EmailHash, Trust};
use footfall_shared::mode::Mode;
use footfall_shared::signing::{SIGNATURE_HEADER, SigningKeys, TIMESTAMP_HEADER};
use footfall_shared::wire::internal::{Change, Push};
use http::{HeaderMap, StatusCode};
use serde_json::json;

use crate::support::build::{
    due_history, email_hash, event, from_device, known, order, send, take,
};
use crate::support::{Database, EDGE_KEY, START, TestShop, on_both};

/// An edge that keeps what it is told, and refuses everything while it is down.
#[derive(Clone, Default)]
struct Edge {
    taken: Arc<Mutex<Vec<Change>>>,
    calls: Arc<Mutex<usize>>,
    flushes: Arc<Mutex<usize>>,
    down: Arc<AtomicBool>,
}

impl Edge {
    async fn start(self) -> String {
        let router = Router::new()
            .route("/internal/push", post(take_push))
            .route("/internal/flush", post(take_flush))
            .with_state(self);
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        tokio::spawn(async move { axum::serve(listener, router).await });
        format!("http://{address}")
    }

    fn taken(&self) -> Vec<Change> {
        std::mem::take(&mut self.taken.lock().unwrap())
    }
}

fn is_signed(path: &str, headers: &HeaderMap, body: &[u8]) -> bool {
    let header = |name: &str| headers.get(name).and_then(|value| value.to_str().ok());
    let keys = SigningKeys::parse(EDGE_KEY).unwrap();
    // The test's clock stands near its start, and so does the signature's time.
    let (at, signature) = (header(TIMESTAMP_HEADER), header(SIGNATURE_HEADER));
    keys.verify(START, path, body, at, signature).is_ok()
}

async fn take_flush(State(edge): State<Edge>, headers: HeaderMap, body: Bytes) -> StatusCode {
    if !is_signed("/internal/flush", &headers, &body) {
        return StatusCode::UNAUTHORIZED;
    }
    *edge.flushes.lock().unwrap() += 1;
    StatusCode::OK
}

async fn take_push(State(edge): State<Edge>, headers: HeaderMap, body: Bytes) -> StatusCode {
    *edge.calls.lock().unwrap() += 1;
    if !is_signed("/internal/push", &headers, &body) {
        return StatusCode::UNAUTHORIZED;
    }
    if edge.down.load(Ordering::SeqCst) {
        return StatusCode::SERVICE_UNAVAILABLE;
    }
    let Push { changes } = serde_json::from_slice(&body).unwrap();
    edge.taken.lock().unwrap().extend(changes);
    StatusCode::NO_CONTENT
}

async fn start(database: Database) -> (TestShop, Edge) {
    let edge = Edge::default();
    let url = edge.clone().start().await;
    let shop = TestShop::start_with(database, Mode::Production, &[("FOOTFALL_EDGES", &url)]).await;
    (shop, edge)
}

fn statuses(changes: &[Change]) -> Vec<String> {
    let status = |change: &Change| match change {
        Change::Customer {
            entry: Some(entry), ..
        } => entry
            .offer
            .as_ref()
            .map_or("none", |offer| offer.status.as_str())
            .to_owned(),
        _ => "other".to_owned(),
    };
    changes.iter().map(status).collect()
}

/// The lists among changes, by whose they are: version and products.
fn lists(changes: &[Change]) -> Vec<(Option<EmailHash>, i64, Vec<String>)> {
    let list = |change: &Change| match change {
        Change::Recommendations {
            email_hash,
            version,
            entry: Some(entry),
            ..
        } => {
            let products = entry["recommendations"].as_array().unwrap().iter();
            let products = products.map(|one| one["product_id"].as_str().unwrap().to_owned());
            Some((email_hash.clone(), *version, products.collect()))
        }
        _ => None,
    };
    let mut lists: Vec<_> = changes.iter().filter_map(list).collect();
    lists.sort();
    lists
}

on_both! {
    async fn an_edge_without_a_clock_is_called_to_drain_its_outbox(database) {
        let (shop, edge) = start(database).await;
        let flushed_twice = async {
            while *edge.flushes.lock().unwrap() < 2 {
                tokio::time::sleep(Duration::from_millis(10)).await;
            }
        };
        let (stop, stopped) = tokio::sync::oneshot::channel::<()>();
        let running = tokio::spawn(edges::run(shop.app.clone(), async { stopped.await.unwrap_or(()) }));
        tokio::time::timeout(Duration::from_secs(20), flushed_twice).await.unwrap();
        stop.send(()).unwrap();
        running.await.unwrap();
        // Once stopped it leaves the edge alone.
        let then = *edge.flushes.lock().unwrap();
        tokio::time::sleep(Duration::from_millis(1200)).await;
        assert_eq!(*edge.flushes.lock().unwrap(), then);
    }

    async fn each_change_of_a_customer_reaches_the_edge(database) {
        let (shop, edge) = start(database).await;
        take(&shop.backend(), due_history()).await;
        edges::drain(&shop.app).await.unwrap();
        assert_eq!(statuses(&edge.taken()), ["none"]);
        let path = "/wp-json/wg/v1/intelligence/bundle?customer_email=shopper@example.com";
        let offer = shop.backend().get(path).await.expect(200)["offer_id"].clone();
        edges::drain(&shop.app).await.unwrap();
        assert_eq!(statuses(&edge.taken()), ["pending"]);
        let body = json!({"offer_id": offer, "status": "rejected"});
        shop.backend().post("/wp-json/wg/v1/intelligence/bundle-status", &body).await.expect(200);
        edges::drain(&shop.app).await.unwrap();
        assert_eq!(statuses(&edge.taken()), ["rejected"]);
        assert_eq!(edges::drain(&shop.app).await.unwrap(), 0);
    }

    async fn a_list_reaches_the_edge_when_it_is_made_and_when_something_on_it_is_bought(database) {
        let (shop, edge) = start(database).await;
        take(&shop.backend(), [
            order(1).item(1, 1).item(2, 1),
            order(2).email("b@example.com").item(2, 1).item(3, 1),
            order(3).email("c@example.com").item(4, 1).with("status", json!("completed")),
        ]).await;
        edges::drain(&shop.app).await.unwrap();
        edge.taken();
        let whom = email_hash(shop.shop(), "shopper@example.com");
        let ask = json!({"shop": shop.shop().id.as_str(), "whom": whom.as_str()});
        let untrained = shop.edge().post("/internal/recommendations", &ask).await.expect(200);
        assert_eq!(untrained["list"], json!(null));

        shop.backend().post("/models/retrain", &json!({})).await.expect(202);
        work_until_idle(&shop.app).await.unwrap();
        edges::drain(&shop.app).await.unwrap();
        let pushed = lists(&edge.taken());
        assert_eq!(pushed.len(), 4, "everybody's and three customers': {pushed:?}");
        let own = pushed.iter().find(|one| one.0.as_ref() == Some(&whom)).unwrap();
        assert_eq!(own.2, ["3", "4"]);
        let everybody = pushed.iter().find(|one| one.0.is_none()).unwrap();
        assert_eq!(everybody.2, ["2", "1", "3", "4"]);
        let asked = shop.edge().post("/internal/recommendations", &ask).await.expect(200);
        assert_eq!((asked["version"].as_i64(), &asked["list"]["basis"]), (Some(own.1), &json!("personal")));

        take(&shop.backend(), [order(4).item(4, 1)]).await;
        edges::drain(&shop.app).await.unwrap();
        let pushed_again = lists(&edge.taken());
        let again = pushed_again.iter().find(|one| one.0.as_ref() == Some(&whom)).unwrap();
        assert!(pushed_again.len() == 1 && again.1 > own.1, "{pushed_again:?}");
        assert_eq!(again.2, ["3"]);
        let told = shop.backend().get("/recommendations/shopper@example.com").await.expect(200);
        assert_eq!(told["recommendations"].as_array().unwrap().len(), 1, "{told}");

        // What is put back in service is pushed again, and is newer than what it replaces.
        shop.backend().post("/models/retrain?force=true", &json!({})).await.expect(202);
        work_until_idle(&shop.app).await.unwrap();
        edges::drain(&shop.app).await.unwrap();
        let second = lists(&edge.taken());
        shop.backend().post("/models/rollback", &json!({})).await.expect(200);
        edges::drain(&shop.app).await.unwrap();
        let back = lists(&edge.taken());
        assert_eq!((second.len(), back.len()), (4, 4));
        assert!(back.iter().zip(&second).all(|(back, second)| back.0 == second.0 && back.1 > second.1));
    }

    async fn changes_of_one_customer_are_one_push(database) {
        let (shop, edge) = start(database).await;
        for id in 1..=5 {
            take(&shop.backend(), [order(id).item(44, 1)]).await;
        }
        assert_eq!(edges::drain(&shop.app).await.unwrap(), 1);
        match edge.taken().as_slice() {
            [Change::Customer { version, entry: Some(entry), email_hash: hash, .. }] => {
                // The clock at the first change, and one more for each of the four that followed.
                let expected = shop.app.now().get() + 4;
                assert_eq!((*version, entry.version), (expected, expected));
                assert_eq!(entry.profile.as_ref().unwrap().total_orders, 5);
                assert_eq!(*hash, email_hash(shop.shop(), "shopper@example.com"));
            }
            other => panic!("{other:?}"),
        }
    }

    async fn a_device_and_its_customer_are_told_by_one_event(database) {
        let (shop, edge) = start(database).await;
        let seen = from_device(event(shop.shop(), "a"), shop.shop(), "laptop");
        send(&shop.edge(), &[known(seen, "ada@example.com", Trust::Verified)]).await;
        edges::drain(&shop.app).await.unwrap();
        let mut told: Vec<(&str, i64, Option<Trust>)> = Vec::new();
        let taken = edge.taken();
        for change in &taken {
            told.push(match change {
                Change::Customer { version, .. } => ("customer", *version, None),
                Change::Device { version, key, link, .. } => {
                    let link = link.as_ref().unwrap();
                    let (_, trust) = link.owner.recognized_by(key).unwrap();
                    (key.parts().0, *version, Some(trust))
                }
                Change::Kit { version, .. } => ("kit", *version, None),
                Change::Recommendations { version, .. } => ("list", *version, None),
                Change::Key { version, .. } => ("key", *version, None),
                Change::Forget { version, .. } => ("forget", *version, None),
            });
        }
        told.sort_by_key(|(kind, ..)| *kind);
        let expected = [
            ("customer", shop.app.now().get(), None),
            ("fingerprint", shop.app.now().get() + 1, Some(Trust::Claimed)),
            ("ip", shop.app.now().get() + 1, Some(Trust::Address)),
        ];
        assert_eq!(told, expected);
    }

    async fn a_push_that_fails_is_sent_again_until_the_edge_takes_it(database) {
        let (shop, edge) = start(database).await;
        edge.down.store(true, Ordering::SeqCst);
        take(&shop.backend(), [order(1).item(44, 1)]).await;
        edges::drain(&shop.app).await.unwrap_err();
        assert_eq!(edges::drain(&shop.app).await.unwrap(), 0, "it waits before the next try");
        assert_eq!(*edge.calls.lock().unwrap(), 1);
        edge.down.store(false, Ordering::SeqCst);
        shop.pass(250);
        assert_eq!(edges::drain(&shop.app).await.unwrap(), 1);
        assert_eq!(edge.taken().len(), 1);
    }

    async fn an_edge_that_is_down_keeps_no_other_waiting(database) {
        let edge = Edge::default();
        let url = edge.clone().start().await;
        // Nothing listens on the discard port.
        let both = format!("http://127.0.0.1:9,{url}");
        let shop = TestShop::start_with(database, Mode::Production, &[("FOOTFALL_EDGES", &both)]).await;
        let pusher = tokio::spawn(edges::run(shop.app.clone(), std::future::pending()));
        take(&shop.backend(), [order(1).item(44, 1)]).await;
        let arrived = async {
            while edge.taken.lock().unwrap().is_empty() {
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
        };
        tokio::time::timeout(Duration::from_secs(4), arrived).await.expect("pushed in time");
        pusher.abort();
    }

    async fn more_changes_than_one_call_takes_go_in_several(database) {
        let (shop, edge) = start(database).await;
        let list = (1..=250).map(|id| order(id).item(44, 1).email(&format!("c{id}@example.com")));
        take(&shop.backend(), list).await;
        assert_eq!(edges::drain(&shop.app).await.unwrap(), 250);
        assert_eq!((edge.taken().len(), *edge.calls.lock().unwrap()), (250, 3));
    }

    async fn a_shops_changed_settings_are_told_for_each_of_its_keys(database) {
        let (shop, edge) = start(database).await;
        let mut tx = shop.app.db().begin().await.unwrap();
        let (id, slug) = (&shop.shop().id, &shop.shop().slug);
        edges::queue_shop_keys(&shop.app, &mut tx, id, slug, START).await.unwrap();
        edges::commit(&shop.app, tx).await.unwrap();
        edges::drain(&shop.app).await.unwrap();
        let taken = edge.taken();
        assert_eq!(taken.len(), 3, "two keys and the slug");
        assert!(taken.contains(&Change::Key { key: "demo".into(), version: START.get() }));
    }

    async fn a_revoked_key_is_told_and_resolves_to_nothing(database) {
        let (shop, edge) = start(database).await;
        let key = footfall_shared::keys::ApiKey::parse(&shop.tenant.publishable_key).unwrap();
        let question = json!({"key_hash": key.hash});
        let found = shop.edge().post("/internal/shops/resolve", &question).await.expect(200);
        assert_eq!(found["shop"]["slug"], "demo");
        let mut db = shop.app.db().read().await.unwrap();
        let keys = footfall::shops::list_keys(&mut db, &shop.shop().id).await.unwrap();
        drop(db);
        let page = keys.iter().find(|one| one.kind == "publishable").unwrap();
        let id = footfall_shared::id::KeyId::parse(&page.id).unwrap();
        let mut tx = shop.app.db().begin().await.unwrap();
        let revoke = footfall::shops::keys::revoke_key;
        assert!(revoke(&shop.app, &mut tx, &shop.shop().id, &id, START).await.unwrap());
        edges::commit(&shop.app, tx).await.unwrap();
        edges::drain(&shop.app).await.unwrap();
        assert_eq!(edge.taken(), [Change::Key { key: key.hash, version: START.get() }]);
        let gone = shop.edge().post("/internal/shops/resolve", &question).await.expect(200);
        assert_eq!(gone, json!({"shop": null}));
    }

    async fn an_erased_key_is_forgotten_a_minute_after_its_entry(database) {
        let (shop, edge) = start(database).await;
        let hash = email_hash(shop.shop(), "shopper@example.com");
        let keys = vec![format!("customer/{}", hash.as_str()), "session/s".to_owned()];
        let (id, now) = (&shop.shop().id, shop.app.now());
        let mut tx = shop.app.db().begin().await.unwrap();
        let gone = [(edges::Subject::Customer(hash), now.get())];
        edges::queue(&shop.app, &mut tx, id, gone, now).await.unwrap();
        edges::queue_forgotten(&shop.app, &mut tx, id, keys, now).await.unwrap();
        edges::commit(&shop.app, tx).await.unwrap();
        edge.down.store(true, Ordering::SeqCst);
        edges::drain(&shop.app).await.unwrap_err();
        edge.down.store(false, Ordering::SeqCst);
        assert_eq!(edges::drain(&shop.app).await.unwrap(), 0, "not before a minute");
        edge.down.store(true, Ordering::SeqCst);
        shop.pass(edges::FORGOTTEN_AFTER_MS);
        edges::drain(&shop.app).await.unwrap_err();
        edge.down.store(false, Ordering::SeqCst);
        assert_eq!(edges::drain(&shop.app).await.unwrap(), 1, "the customer's key waits for its entry");
        shop.pass(500);
        assert_eq!(edges::drain(&shop.app).await.unwrap(), 2);
        let taken = edge.taken();
        assert!(matches!(taken.as_slice(),
            [Change::Forget { key, .. }, Change::Customer { entry: None, .. }, Change::Forget { .. }]
            if key == "session/s"), "{taken:?}");
        let mut db = shop.app.db().read().await.unwrap();
        assert!(edges::count_waiting(&mut db).await.unwrap().is_empty());
    }
}

#[test]
fn the_document_names_the_edges_routes_too() {
    let document = footfall::router::document();
    for path in [
        "/api/intelligence/track-customer",
        "/api/intelligence/bundle",
        "/api/intelligence/bundle-status-update",
        "/v1/batch",
        "/v1/track",
        "/v1/page",
        "/v1/identify",
        "/v1/screen",
        "/v1/group",
        "/v1/alias",
        "/t.js",
        "/demo/",
        "/health",
        "/api/orders",
        "/api/events",
        "/wp-json/wg/v1/intelligence/bundle",
    ] {
        assert!(document.paths.paths.contains_key(path), "{path}");
    }
    let schemas = document.components.unwrap().schemas;
    for name in [
        "TrackCustomerReply",
        "BundleReply",
        "OrdersReply",
        "LoggedEvent",
        "ErrorReply",
    ] {
        assert!(schemas.contains_key(name), "{name}");
    }
}
