//! The demo shop answers the contract's own examples in the contract's shape.

use std::sync::Arc;
use std::sync::atomic::AtomicI64;

use footfall::app::{App, Clock};
use footfall::behavior::refresh_due;
use footfall::config::Config;
use footfall::db::Db;
use footfall::demo;
use footfall::jobs::work_until_idle;
use footfall_shared::identity::{DeviceKey, FingerprintHash};
use serde_json::{Value, json};

use crate::support::{Client, Credential, Database, EDGE_KEY, START, Store, on_both};

const BASE: &str = "/wp-json/wg/v1/intelligence";

/// The origin in development mode with nothing but the demo shop in it.
struct Demo {
    app: App,
    client: Client,
    edge: Client,
    _store: Store,
}

async fn start(database: Database) -> Demo {
    start_with(database, "0").await
}

/// With so many sessions behind it.
async fn start_with(database: Database, sessions: &str) -> Demo {
    let store = Store::make(database).await;
    let db = Db::connect(store.url()).await.unwrap();
    let settings = [
        ("FOOTFALL_MODE", "development"),
        ("DATABASE_URL", store.url()),
        ("FOOTFALL_EDGE_KEYS", EDGE_KEY),
        ("FOOTFALL_DEMO_SESSIONS", sessions),
    ];
    let find = |name: &str| {
        settings
            .iter()
            .find(|(key, _)| *key == name)
            .map(|(_, value)| (*value).to_owned())
    };
    let config = Config::load(None, find).unwrap();
    let clock = Clock::Held(Arc::new(AtomicI64::new(START.get())));
    let app = App::with_clock(config, db, clock);
    demo::seed(&app, &|_| {}).await.unwrap().unwrap();
    let router = footfall::router::router(app.clone());
    let client = Client::new(router.clone(), app.clone(), Credential::None);
    let edge = Client::new(router, app.clone(), Credential::Edge(EDGE_KEY.to_owned()));
    Demo {
        app,
        client,
        edge,
        _store: store,
    }
}

impl Demo {
    /// The shop's server, with a key of its own.
    async fn client_of_server(&self) -> Client {
        let mut db = self.app.db().read().await.unwrap();
        let shop = footfall::shops::find_by_slug(&mut db, demo::SLUG)
            .await
            .unwrap()
            .unwrap();
        drop(db);
        let mut tx = self.app.db().begin().await.unwrap();
        let made = footfall::shops::create::create_key(
            &mut tx,
            &shop.id,
            footfall_shared::keys::KeyKind::Secret,
            "test",
            self.app.now(),
        );
        let (_, key) = made.await.unwrap();
        tx.commit().await.unwrap();
        let router = footfall::router::router(self.app.clone());
        Client::new(router, self.app.clone(), Credential::Key(key))
    }
}

/// The contract's examples, as they stand in it; `...` were shortened there.
fn profile_example() -> Value {
    json!({"success": true, "profile": {
        "id": 123, "customer_id": 42, "customer_email": "shopper@example.com",
        "ip_hash": "a3f5d2c1...", "browser_fingerprint": "990eb8b7...",
        "geo_country": "NL", "geo_city": "Amsterdam",
        "favorite_products": [{
            "product_id": 44, "name": "Full Moon", "slug": "full-moon", "score": 15,
            "total_quantity": 6, "appearances": 3, "order_numbers": ["1001", "1045", "1067"]
        }],
        "peak_spending_quantity": 3, "peak_spending_amount": 44.85, "avg_order_value": 38.50,
        "total_orders": 42, "last_order_date": "2024-10-01 12:34:56", "days_since_last_order": 30,
        "purchase_cycle_days": 10, "next_prime_window_start": "2024-10-07 00:00:00",
        "next_prime_window_end": "2024-10-11 23:59:59", "profile_score": 72.5,
        "last_recalculated": "2024-10-01 12:35:00", "created_at": "2024-01-15 10:20:30",
        "updated_at": "2024-10-01 12:35:00"
    }})
}

/// Asserts that `found` has exactly the keys and the types of `example`, at every depth.
#[track_caller]
fn assert_shape(found: &Value, example: &Value, path: &str) {
    match (found, example) {
        (Value::Object(found), Value::Object(example)) => {
            let names =
                |map: &serde_json::Map<String, Value>| map.keys().cloned().collect::<Vec<_>>();
            let (mut a, mut b) = (names(found), names(example));
            a.sort();
            b.sort();
            assert_eq!(a, b, "{path}");
            for (name, value) in example {
                assert_shape(&found[name], value, &format!("{path}.{name}"));
            }
        }
        (Value::Array(found), Value::Array(example)) => {
            assert!(!found.is_empty(), "{path} is empty");
            for one in found {
                assert_shape(one, &example[0], &format!("{path}[]"));
            }
        }
        (found, example) => assert_eq!(
            std::mem::discriminant(found),
            std::mem::discriminant(example),
            "{path}: {found} or {example}"
        ),
    }
}

on_both! {
    async fn the_contracts_profile_example_is_answered_in_its_shape(database) {
        let demo = start(database).await;
        let path = format!("{BASE}/profile?customer_email=shopper@example.com");
        let reply = demo.client.get(&path).await.expect(200);
        assert_shape(&reply, &profile_example(), "reply");
        let (profile, example) = (&reply["profile"], &profile_example()["profile"]);
        for same in ["id", "customer_id", "customer_email", "geo_country", "geo_city", "total_orders",
                     "days_since_last_order", "purchase_cycle_days"] {
            assert_eq!(profile[same], example[same], "{same}");
        }
        assert_eq!(profile["favorite_products"][0], example["favorite_products"][0]);
    }

    async fn the_contracts_recalculation_example_is_answered_in_its_shape(database) {
        let demo = start(database).await;
        let body = json!({"customer_email": "shopper@example.com"});
        let reply = demo.client.post(&format!("{BASE}/recalculate"), &body).await.expect(200);
        let example = json!({"success": true, "message": "Profile recalculated successfully", "data": {
            "favorite_products": [{"product_id": 44, "name": "Full Moon", "slug": "full-moon",
                "score": 15, "total_quantity": 6, "appearances": 3}],
            "peak_spending": {"quantity": 3, "amount": 44.85, "order_id": 12345,
                "order_number": "1045", "order_date": "2024-08-15 10:20:30"},
            "purchase_cycle": 10,
            "prime_window": {"start": "2024-10-07 00:00:00", "end": "2024-10-11 23:59:59"},
            "profile_score": 72.5
        }});
        assert_shape(&reply, &example, "reply");
        let peak = &reply["data"]["peak_spending"];
        assert_eq!((&peak["order_id"], &peak["order_number"]), (&json!(12345), &json!("1045")));
    }

    async fn the_contracts_bundle_example_is_answered_to_the_cent(database) {
        let demo = start(database).await;
        let path = format!("{BASE}/bundle?customer_email=shopper@example.com");
        let reply = demo.client.get(&path).await.expect(200);
        let bundle = json!([
            {"product_id": 44, "name": "Full Moon", "slug": "full-moon", "quantity": 3,
             "unit_price": 14.95, "subtotal": 44.85},
            {"product_id": 38, "name": "Blossom Drip", "slug": "blossom-drip", "quantity": 2,
             "unit_price": 14.95, "subtotal": 29.90}
        ]);
        assert_eq!((&reply["offer_id"], &reply["bundle"]), (&json!(93), &bundle));
        assert_eq!(reply["pricing"], json!({
            "base_price": 74.75, "discount_percentage": 14, "discount_amount": 10.47,
            "final_price": 64.28, "bundle_items": bundle,
        }));
        assert_eq!(reply["target_quantity"], 5);
        // The contract's 64 forgets the multiplier that its own rule gives this score.
        assert_eq!(reply["bonus_points"], 80);
        assert_eq!(reply["message"], "🎁 Speciale aanbieding! Bestel 3x Full Moon + 2x Blossom Drip voor slechts \
            €64.28 (normaal €74.75) en ontvang 80 loyaliteitspunten!");
        assert_eq!(reply["customer"], json!({
            "first_name": "Ada", "last_name": "Example", "email": "shopper@example.com",
        }));
        assert_eq!(reply["profile"]["days_since_last_order"], 30);
    }

    async fn the_contracts_status_examples_work_as_they_stand(database) {
        let demo = start(database).await;
        for body in [
            json!({"offer_id": 93, "status": "viewed", "customer_email": "shopper@example.com"}),
            json!({"offer_id": 93, "status": "added_to_cart", "customer_email": "shopper@example.com"}),
        ] {
            let reply = demo.client.post(&format!("{BASE}/bundle-status"), &body).await.expect(200);
            assert_eq!(reply, json!({
                "success": true, "message": "Status updated successfully", "offer_id": 93,
                "status": body["status"],
            }));
        }
    }

    async fn the_curl_examples_customer_is_eligible(database) {
        let demo = start(database).await;
        let path = format!("{BASE}/bundle?customer_email=test@example.com");
        let reply = demo.client.get(&path).await.expect(200);
        assert_eq!(reply["success"], true, "{reply}");
    }

    async fn the_contracts_fingerprints_are_recognized(database) {
        let demo = start(database).await;
        let mut db = demo.app.db().read().await.unwrap();
        let shop = footfall::shops::find_by_slug(&mut db, demo::SLUG).await.unwrap().unwrap();
        drop(db);
        for print in [
            "990eb8b7fb69ad20206fb31cda3944a701ea3a3b6aae5f23316cbdaea789075a",
            "990eb8b7fb69ad20206fb31cda3944a701ea3a3b...",
        ] {
            let key = DeviceKey::Fingerprint(FingerprintHash::of(print, &shop.salt));
            let question = json!({"shop": shop.id, "keys": [key]});
            let seen = demo.edge.post("/internal/devices/recognize", &question).await.expect(200);
            assert_eq!(seen["links"][0]["owner"]["trust"], "claimed");
        }
    }

    async fn a_year_of_sessions_gives_every_reply_something_to_tell(database) {
        let demo = start_with(database, "1000").await;
        let get = async |path: &str| demo.client_of_server().await.get(path).await.expect(200);
        let funnel = get("/api/journey/analytics/funnel?timeRange=90d").await;
        let metrics = &funnel["funnelMetrics"];
        for stage in ["awareness", "consideration", "decision", "purchase"] {
            assert!(metrics[stage]["visitors"].as_i64().unwrap() > 10, "{stage}: {metrics}");
        }
        assert!(metrics["purchase"]["averageOrderValue"].as_f64().unwrap() > 10.0);
        assert_eq!(funnel["attribution"].as_object().unwrap().len(), 5);
        let cohorts = get("/api/journey/analytics/cohorts?timeRange=90d").await;
        for name in ["mobileVideoTraffic", "desktopResearchers", "returningCustomers"] {
            assert!(cohorts["cohortAnalysis"][name]["cohortSize"].as_i64().unwrap() > 10, "{cohorts}");
        }
        assert!(cohorts["byFirstWeek"].as_object().unwrap().len() >= 12, "{cohorts}");
        let state = get("/api/journey/sessions/year-900/state").await;
        assert!(state["journeyState"]["totalTouchpoints"].as_i64().unwrap() > 0);
        let decision = get("/api/decisions/dec_year-900_1").await;
        assert_eq!(decision["data"]["replay"]["same"], true, "{decision}");
        // Most kits have learned something from the months before.
        let content = get("/api/journey/content").await;
        assert!(content["data"]["kit_version"].as_i64().unwrap() >= 10, "{content}");
        // Who bought in a session has an order, and some wrote what they think of it.
        work_until_idle(&demo.app).await.unwrap();
        refresh_due(&demo.app).await.unwrap();
        work_until_idle(&demo.app).await.unwrap();
        let segments = get("/api/behavior/segments").await;
        assert!(segments["data"]["total_customers"].as_i64().unwrap() > 60, "{segments}");
        let personas = get("/api/behavior/personas").await;
        assert!(personas.to_string().contains("Netherlands"), "{personas}");
        let rules = get("/api/behavior/affinity/rules?min_lift=1.1&min_confidence=0.1").await;
        assert!(rules["data"]["rules"].as_array().unwrap().iter().any(|rule| rule["antecedent"] == "Full Moon"), "{rules}");
        let reviews = get("/api/behavior/sentiment/overview").await;
        assert!(reviews["data"]["total_reviews"].as_i64().unwrap() > 15, "{reviews}");
        assert!(get("/api/behavior/recommendations").await["data"]["summary"]["total"].as_i64().unwrap() > 2);
    }

    async fn every_refusal_can_be_seen_in_the_demo_shop(database) {
        let demo = start(database).await;
        for (who, status, code) in [
            ("hugo.peeters", 200, "not_in_prime_window"),
            ("lars.nilsson", 200, "only_excluded"),
            ("noor.kaya", 200, "no_favorites"),
            ("pien.mulder", 200, "peak_too_low"),
            ("sem.willems", 404, "profile_not_found"),
            ("new.visitor", 404, "profile_not_found"),
        ] {
            let path = format!("{BASE}/bundle?customer_email={who}@example.com");
            demo.client.get(&path).await.expect_error(status, code);
        }
    }

    async fn the_demo_shop_is_made_once_and_whole(database) {
        let demo = start(database).await;
        assert!(demo::seed(&demo.app, &|_| {}).await.unwrap().is_none());
        let mut db = demo.app.db().read().await.unwrap();
        let shop = footfall::shops::find_by_slug(&mut db, demo::SLUG).await.unwrap().unwrap();
        let products = footfall::shops::list_products(&mut db, &shop.id).await.unwrap();
        drop(db);
        for id in ["44", "38", "51", "62"] {
            assert!(products.iter().any(|product| product.id.as_str() == id), "{id}");
        }
        let made = demo::make_credentials(&demo.app, &shop).await.unwrap();
        let login = Credential::Login(made.identifier, made.password);
        let router = footfall::router::router(demo.app.clone());
        let admin = Client::new(router, demo.app.clone(), login);
        let page = admin.get("/api/events?limit=500").await.expect(200);
        assert_eq!(page["events"].as_array().unwrap().len(), 24);
    }
}
