//! Behaviour analytics: computed by jobs, read as the contract has it.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use axum::Json;
use axum::extract::State;
use footfall::behavior::refresh_due;
use footfall::jobs::work_until_idle;
use footfall::webhooks::{Postman, deliver_due};
use footfall_shared::mode::Mode;
use footfall_shared::permission::Scopes;
use http::Request;
use serde_json::{Value, json};

use crate::support::{Client, TestShop, on_both};
use crate::uploads::{import, send};

const BEHAVIOR: &str = "/api/behavior";

async fn data(client: &Client, path: &str) -> Value {
    let reply = client.get(&format!("{BEHAVIOR}{path}")).await.expect(200);
    assert_eq!(reply["success"], true);
    assert!(reply["meta"]["request_id"].is_string() && reply["meta"]["timestamp"].is_string());
    reply["data"].clone()
}

/// Four kinds of customers: who buys much and lately, who did so long ago, who bought once lately, and once long ago. Tea is
/// bought with cups.
fn orders() -> String {
    let mut text = "order,product id,product,category,quantity,price,customer id,email,date,payment method,age,gender,country,discount\n".to_owned();
    let mut number = 0;
    let mut add = |customer: &str, day: u32, month: u32, lines: &[(&str, f64)]| {
        number += 1;
        for (product, price) in lines {
            let id = product.to_lowercase();
            let age = 20 + customer.len() * 7 % 30;
            text += &format!(
                "{number},{id},{product},Kitchen,1,{price},{customer},{customer}@shop.example,2026-{month:02}-{day:02} 10:00:00,Card,{age},Female,NL,No\n"
            );
        }
    };
    for n in 0..20 {
        for month in [7, 8, 9, 10, 11] {
            add(
                &format!("best{n}"),
                n % 20 + 1,
                month,
                &[("Tea", 20.0), ("Cup", 30.0), ("Pot", 50.0)],
            );
        }
        for month in [1, 2, 3] {
            add(
                &format!("gone{n}"),
                n % 20 + 1,
                month,
                &[("Tea", 20.0), ("Cup", 30.0)],
            );
        }
        add(&format!("new{n}"), n % 20 + 1, 11, &[("Hat", 10.0)]);
        add(&format!("once{n}"), n % 20 + 1, 1, &[("Sock", 5.0)]);
    }
    text
}

fn reviews() -> String {
    let mut text = "product id,product name,category,rating,review,date\n".to_owned();
    for month in 1..=6 {
        for n in 0..6 {
            text += &format!(
                "tea,Tea,Kitchen,5,\"Lovely tea, great taste\",2026-{month:02}-0{}\n",
                n + 1
            );
            let stars = [3, 3, 2, 2, 1, 1][month - 1];
            text += &format!(
                "hat,Hat,Clothing,{stars},\"The hat is ugly, awful fabric\",2026-{month:02}-0{}\n",
                n + 1
            );
        }
    }
    text + "tea,Tea,Kitchen,5,Der Tee ist sehr gut und nicht zu teuer,2026-06-01\n"
}

/// What an endpoint was told: path and body.
#[derive(Clone, Default)]
struct Heard(Arc<Mutex<Vec<(String, Value)>>>);

async fn hear(State(heard): State<Heard>, uri: http::Uri, Json(body): Json<Value>) {
    heard.0.lock().unwrap().push((uri.path().to_owned(), body));
}

on_both! {
    async fn customers_are_segmented_as_the_contract_tells(database) {
        let shop = TestShop::start(database).await;
        let upload = import(&shop, "", orders().as_bytes()).await;
        assert_eq!(upload["rows_refused"], 0, "{upload}");
        let backend = shop.backend();
        let found = data(&backend, "/segments").await;
        let segments = found["segments"].as_array().unwrap();
        let names: Vec<&str> = segments.iter().map(|one| one["segment_name"].as_str().unwrap()).collect();
        assert_eq!((segments.len(), names[0]), (4, "Champions"), "{names:?}");
        let best = &segments[0];
        assert_eq!((&best["segment_id"], &best["customer_count"]), (&json!(0), &json!(20)));
        assert_eq!((&best["total_revenue"], &best["avg_order_value"]), (&json!(10_000.0), &json!(100.0)));
        assert_eq!(best["characteristics"]["avg_frequency"], 5.0);
        assert_eq!(best["characteristics"]["avg_monetary"], 500.0);
        assert!(best["characteristics"]["avg_rfm_score"].as_f64().unwrap() > 450.0);
        assert_eq!(found["segment_mapping"]["0"], "Champions");
        let scoped = data(&backend, &format!("/segments?upload_id={}", upload["upload_id"].as_str().unwrap())).await;
        assert_eq!(scoped["segments"], found["segments"]);

        let page = data(&backend, "/segments/0/customers?limit=8&page=3").await;
        assert_eq!(page["pagination"], json!({"page": 3, "limit": 8, "total": 20, "total_pages": 3}));
        assert_eq!(page["customers"].as_array().unwrap().len(), 4);
        let sorted = data(&backend, "/segments/0/customers?sort=customer_id&search=BEST1").await;
        let ids: Vec<&str> = sorted["customers"].as_array().unwrap().iter().map(|one| one["customer_id"].as_str().unwrap()).collect();
        assert_eq!((ids.len(), ids[0], ids[1]), (11, "best1", "best10"));
        let first = &sorted["customers"][0];
        assert_eq!((&first["email"], &first["total_purchases"], &first["total_spend"]), (&json!("best1@shop.example"), &json!(5), &json!(500.0)));
        assert_eq!((&first["rfm_scores"]["frequency"], &first["rfm_scores"]["monetary"]), (&json!(5), &json!(5)));
        backend.get(&format!("{BEHAVIOR}/segments/99/customers")).await.expect(404);
        backend.get(&format!("{BEHAVIOR}/segments/x/customers")).await.expect(404);
        for (query, field) in [("sort=name", "sort"), ("page=0", "page"), ("limit=501", "limit")] {
            let fault = backend.get(&format!("{BEHAVIOR}/segments/0/customers?{query}")).await.expect(400);
            assert_eq!(fault["error"]["details"][0]["field"], field);
        }
    }

    async fn segments_keep_their_ids_from_run_to_run(database) {
        let shop = TestShop::start(database).await;
        import(&shop, "", orders().as_bytes()).await;
        let backend = shop.backend();
        let by_name = |found: &Value| -> BTreeMap<String, i64> {
            let all = found["segments"].as_array().unwrap().iter();
            all.map(|one| (one["segment_name"].as_str().unwrap().to_owned(), one["segment_id"].as_i64().unwrap())).collect()
        };
        let before = by_name(&data(&backend, "/segments").await);
        // Who was gone comes back with very large orders: the one who spends most is another one now.
        let back: String = (0..20).map(|n| format!("b{n},Safe,9000,gone{n},gone{n}@shop.example,2026-11-21\n")).collect();
        import(&shop, "", ("order,product,price,customer id,email,date\n".to_owned() + &back).as_bytes()).await;
        let after = data(&backend, "/segments").await;
        let gone = data(&backend, "/segments/0/customers?search=gone").await;
        assert_eq!(gone["customers"].as_array().unwrap().len(), 0, "segment 0 keeps its customers: {after}");
        assert_eq!(by_name(&after).len(), before.len());
        let asked = backend.post(&format!("{BEHAVIOR}/segments/compute"), &json!({"n_clusters": 2})).await.expect(202);
        assert_eq!(asked["data"]["status"], "processing");
        assert_eq!(asked["data"]["estimate_basis"], "measured");
        work_until_idle(&shop.app).await.unwrap();
        assert_eq!(data(&backend, "/segments").await["segments"].as_array().unwrap().len(), 2);
        // What was asked for holds.
        backend.post(&format!("{BEHAVIOR}/segments/compute"), &json!({})).await.expect(202);
        work_until_idle(&shop.app).await.unwrap();
        assert_eq!(data(&backend, "/segments").await["segments"].as_array().unwrap().len(), 2);
        let fault = backend.post(&format!("{BEHAVIOR}/segments/compute"), &json!({"n_clusters": 1})).await.expect(400);
        assert_eq!(fault["error"]["details"][0]["field"], "n_clusters");
    }

    async fn personas_tell_what_is_known_and_nothing_else(database) {
        let shop = TestShop::start(database).await;
        import(&shop, "", orders().as_bytes()).await;
        let backend = shop.backend();
        let personas = data(&backend, "/personas").await;
        let best = &personas["personas"][0];
        assert_eq!((&best["name"], &best["role"], &best["avatar_initials"], &best["color"]), (&json!("Premium Alex"), &json!("Champions"), &json!("PA"), &json!("#00F0FF")));
        assert_eq!(best["demographics"]["gender_split"], json!({"Female": 1.0}));
        assert_eq!(best["demographics"]["top_locations"], json!({"NL": 20}));
        assert_eq!(best["behavior"]["purchase_frequency"], "Monthly");
        assert_eq!(best["preferences"], json!({"preferred_payment": "Card", "preferred_shipping": null, "discount_sensitivity": 0.0}));
        let detail = data(&backend, "/personas/0/detail").await;
        assert_eq!(detail["persona"], *best);
        assert_eq!(detail["sample_customers"].as_array().unwrap().len(), 5);
        assert_eq!(detail["marketing_recommendations"].as_array().unwrap().len(), 3);
        backend.get(&format!("{BEHAVIOR}/personas/77/detail")).await.expect(404);
        // Who may not see customers sees no addresses.
        let reader = shop.scoped(Scopes::parse("scopes", &["behavior:read"]).unwrap()).await;
        let masked = data(&reader, "/personas/0/detail").await;
        assert_eq!(masked["sample_customers"][0]["email"], "b***@s***.example");
        let masked = data(&reader, "/segments/0/customers").await;
        assert!(!masked.to_string().contains("@shop.example"), "{masked}");
    }

    async fn what_is_bought_together_is_found(database) {
        let shop = TestShop::start(database).await;
        import(&shop, "", orders().as_bytes()).await;
        let backend = shop.backend();
        // 160 of 200 orders have tea, and these have a cup, too.
        let found = data(&backend, "/affinity/rules?min_lift=1.2&product_id=Tea").await;
        let rule = found["rules"].as_array().unwrap().iter().find(|rule| rule["antecedent"] == "Tea" && rule["consequent"] == "Cup").unwrap();
        assert_eq!((&rule["support"], &rule["confidence"], &rule["lift"], &rule["transactions"]), (&json!(0.8), &json!(1.0), &json!(1.25), &json!(160)));
        assert_eq!((&rule["conviction"], &rule["antecedent_ids"]), (&Value::Null, &json!(["tea"])));
        assert!(found["rules"].as_array().unwrap().iter().any(|rule| rule["antecedent"] == "Tea + Cup"), "{found}");
        assert_eq!((&found["metadata"]["total_transactions"], &found["metadata"]["min_confidence_used"]), (&json!(200), &json!(0.3)));
        assert_eq!(data(&backend, "/affinity/rules?min_lift=9").await["metadata"]["total_rules"], 0);
        let network = data(&backend, "/affinity/network?top_n=2").await;
        assert_eq!(network["links"].as_array().unwrap().len(), 2);
        let tea = network["nodes"].as_array().unwrap().iter().find(|node| node["id"] == "tea").unwrap();
        assert_eq!((&tea["label"], &tea["category"], &tea["value"], &tea["color"]), (&json!("Tea"), &json!("Kitchen"), &json!(160), &json!("#00F0FF")));
        let bundles = data(&backend, "/affinity/bundles").await;
        let bundles = bundles["suggested_bundles"].as_array().unwrap();
        let sets: Vec<Value> = bundles.iter().map(|one| one["product_ids"].clone()).collect();
        assert_eq!(sets.len(), 4, "each set of products once: {sets:?}");
        assert!(bundles.iter().any(|one| one["bundle_name"] == "Tea + Cup" && one["estimated_lift"] == "25%"), "{bundles:?}");
        for path in ["/affinity/rules?min_confidence=2", "/affinity/rules?min_lift=-1", "/affinity/network?top_n=0", "/affinity/bundles?top_n=x"] {
            backend.get(&format!("{BEHAVIOR}{path}")).await.expect(400);
        }
    }

    async fn reviews_are_scored_and_told(database) {
        let shop = TestShop::start(database).await;
        let upload = import(&shop, "", reviews().as_bytes()).await;
        assert_eq!((&upload["kind"], &upload["rows_taken"]), (&json!("reviews"), &json!(73)), "{upload}");
        let backend = shop.backend();
        let overview = data(&backend, "/sentiment/overview").await;
        assert_eq!(overview["total_reviews"], 73);
        assert_eq!(overview["distribution"], json!({"positive": 37, "neutral": 0, "negative": 36}));
        assert_eq!(overview["percentages"], json!({"positive": 50.7, "neutral": 0.0, "negative": 49.3}));
        assert_eq!(overview["basis"], json!({"text_and_rating": 72, "rating_for_language": 1}));
        let categories = data(&backend, "/sentiment/by-category").await;
        let trends: Vec<(&str, &str)> = categories["categories"].as_array().unwrap().iter().map(|one| (one["category"].as_str().unwrap(), one["trend"].as_str().unwrap())).collect();
        assert_eq!(trends, [("Kitchen", "stable"), ("Clothing", "declining")]);
        let products = data(&backend, "/sentiment/by-product?top_n=1").await;
        assert_eq!((&products["products"][0]["product_name"], &products["products"][0]["review_count"], &products["products"][0]["purchase_count"]), (&json!("Tea"), &json!(37), &Value::Null));
        let words = data(&backend, "/sentiment/keywords").await;
        let has = |side: &str, word: &str| words[side].as_array().unwrap().iter().any(|one| one["word"].as_str().unwrap().contains(word));
        assert!(has("positive_keywords", "lovely tea") && has("negative_keywords", "ugly"), "{words}");
        assert!(!has("positive_keywords", "ugly"));
    }

    async fn recommendations_keep_their_ids_and_stay_away_once_marked(database) {
        let shop = TestShop::start(database).await;
        import(&shop, "", orders().as_bytes()).await;
        import(&shop, "", reviews().as_bytes()).await;
        let backend = shop.backend();
        let found = data(&backend, "/recommendations").await;
        let all = found["recommendations"].as_array().unwrap();
        let ids: Vec<&str> = all.iter().map(|one| one["id"].as_str().unwrap()).collect();
        assert!(ids.contains(&"MERCH-001") && ids.contains(&"MKT-001") && ids.contains(&"PROD-001"), "{ids:?}");
        assert_eq!(found["summary"]["total"], all.len());
        let bundle = all.iter().find(|one| one["category"] == "Merchandising").unwrap();
        assert!(bundle["data_support"]["transactions"].as_i64().unwrap() >= 100 && bundle["expected_impact"].as_str().unwrap().contains("EUR"), "{bundle}");
        let high = data(&backend, "/recommendations?priority=high&category=Marketing").await;
        assert!(high["recommendations"].as_array().unwrap().iter().all(|one| one["priority"] == "High" && one["category"] == "Marketing"));
        let mark = |id: &str, status: &str| {
            let request = Request::put(format!("{BEHAVIOR}/recommendations/{id}")).header("content-type", "application/json");
            (request, json!({"status": status}).to_string().into_bytes())
        };
        for (id, status, code) in [("MERCH-001", "dismissed", 200), ("MKT-001", "done", 200), ("MERCH-999", "done", 404), ("MKT-001", "gone", 400)] {
            let (request, body) = mark(id, status);
            backend.send(request, body).await.expect(code);
        }
        backend.post(&format!("{BEHAVIOR}/recommendations/compute"), &json!({})).await.expect(202);
        work_until_idle(&shop.app).await.unwrap();
        let after = data(&backend, "/recommendations").await;
        let left: Vec<&str> = after["recommendations"].as_array().unwrap().iter().map(|one| one["id"].as_str().unwrap()).collect();
        let expected: Vec<&str> = ids.iter().copied().filter(|id| !["MERCH-001", "MKT-001"].contains(id)).collect();
        assert_eq!(left, expected);
        let (request, body) = mark("MKT-001", "open");
        backend.send(request, body).await.expect(200);
        assert!(data(&backend, "/recommendations").await.to_string().contains("MKT-001"));
        for query in ["priority=urgent", "category=Sales"] {
            backend.get(&format!("{BEHAVIOR}/recommendations?{query}")).await.expect(400);
        }
    }

    async fn what_is_not_computed_yet_is_said(database) {
        let shop = TestShop::start(database).await;
        let backend = shop.backend();
        let paths = ["/segments", "/segments/0/customers", "/personas", "/personas/0/detail", "/affinity/network", "/affinity/rules", "/affinity/bundles",
            "/sentiment/overview", "/sentiment/by-category", "/sentiment/by-product", "/sentiment/keywords", "/recommendations"];
        for path in paths {
            let fault = backend.get(&format!("{BEHAVIOR}{path}")).await.expect(400);
            assert_eq!(fault["error"]["code"], "NO_DATA", "{path}");
            let fault = backend.get(&format!("{BEHAVIOR}{path}?upload_id=upload_abc123")).await.expect(400);
            assert_eq!((&fault["error"]["code"], &fault["error"]["details"][0]["field"]), (&json!("INVALID_UPLOAD"), &json!("upload_id")), "{path}");
        }
        let sent = send(&backend, "", orders().as_bytes()).await.expect(202);
        let of_upload = format!("{BEHAVIOR}/segments?upload_id={}", sent["data"]["upload_id"].as_str().unwrap());
        assert_eq!(backend.get(&of_upload).await.expect(400)["error"]["code"], "PROCESSING");
        assert_eq!(backend.get(&format!("{BEHAVIOR}/segments")).await.expect(400)["error"]["code"], "PROCESSING");
        let fault = backend.post(&format!("{BEHAVIOR}/segments/compute"), &json!({"upload_id": sent["data"]["upload_id"]})).await.expect(400);
        assert_eq!(fault["error"]["code"], "PROCESSING");
        work_until_idle(&shop.app).await.unwrap();
        backend.get(&of_upload).await.expect(200);
        // Lines without stars are no reviews.
        assert_eq!(backend.get(&format!("{BEHAVIOR}/sentiment/overview")).await.expect(400)["error"]["code"], "NO_DATA");
        // What an upload alone gave goes with it, and the rest is computed anew.
        let path = format!("/api/uploads/{}", sent["data"]["upload_id"].as_str().unwrap());
        backend.send(Request::delete(&path), Vec::new()).await.expect(200);
        assert_eq!(backend.get(&of_upload).await.expect(400)["error"]["code"], "INVALID_UPLOAD");
        work_until_idle(&shop.app).await.unwrap();
        assert_eq!(backend.get(&format!("{BEHAVIOR}/segments")).await.expect(400)["error"]["code"], "NO_DATA");
    }

    async fn the_shops_own_orders_count_and_each_order_once(database) {
        let shop = TestShop::start(database).await;
        let order = |id: &str, email: &str, price: &str| json!({
            "order_id": id, "number": id, "status": "completed", "customer": {"email": email}, "ordered_at": "2026-11-20T10:00:00Z", "currency": "EUR",
            "items": [{"product_id": "tea", "name": "Tea", "slug": "tea", "quantity": 2, "unit_price": price}],
        });
        let body = json!({"orders": [order("1", "ann@shop.example", "10.00"), order("2", "bob@shop.example", "20.00")]});
        let taken = shop.backend().post("/api/orders", &body).await.expect(200);
        assert_eq!(taken["accepted"], 2, "{taken}");
        assert_eq!(refresh_due(&shop.app).await.unwrap(), 2);
        work_until_idle(&shop.app).await.unwrap();
        let total = |found: &Value| found["segments"].as_array().unwrap().iter().map(|one| one["total_revenue"].as_f64().unwrap()).sum::<f64>();
        assert_eq!(total(&data(&shop.backend(), "/segments").await), 60.0);
        assert_eq!(refresh_due(&shop.app).await.unwrap(), 0, "nothing changed");
        // The export has order 2, too, and one more of Bob's.
        let export = "order id,product,price,email,date\n2,Tea,99,bob@shop.example,2026-11-20\n3,Cup,7,BOB@shop.example,2026-11-21\n";
        import(&shop, "", export.as_bytes()).await;
        let found = data(&shop.backend(), "/segments").await;
        assert_eq!((total(&found), &found["total_customers"]), (67.0, &json!(2)));
    }

    async fn endpoints_hear_of_what_was_computed(database) {
        let shop = TestShop::start_in(database, Mode::Development).await;
        let heard = Heard::default();
        let router = axum::Router::new().fallback(hear).with_state(heard.clone());
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}/hooks", listener.local_addr().unwrap());
        tokio::spawn(async move { axum::serve(listener, router).await });
        shop.backend().post("/api/webhooks", &json!({"url": url, "event_types": []})).await.expect(201);
        let upload = import(&shop, "", orders().as_bytes()).await;
        deliver_due(&shop.app, &Postman::new(Mode::Development)).await.unwrap();
        let heard = heard.0.lock().unwrap().clone();
        assert!(heard.iter().all(|(path, _)| path == "/hooks/behavior/events"), "{heard:?}");
        let of = |event: &str, upload: &Value| {
            let mut bodies = heard.iter().map(|(_, body)| body);
            bodies.find(|body| body["event"] == event && body["data"]["upload_id"] == *upload).cloned()
        };
        let told = of("segmentation.completed", &upload["upload_id"]).unwrap();
        assert_eq!(told["data"]["segments_count"], 4);
        assert!(told["timestamp"].is_string() && told["data"]["job_id"].as_str().unwrap().starts_with("job_"));
        for event in ["segmentation.completed", "affinity.completed", "recommendations.ready"] {
            assert!(of(event, &upload["upload_id"]).is_some() && of(event, &Value::Null).is_some(), "{event}: {heard:?}");
        }
    }

    async fn callers_have_so_many_requests_a_minute(database) {
        let shop = TestShop::start(database).await;
        import(&shop, "", orders().as_bytes()).await;
        let backend = shop.backend();
        for _ in 0..100 {
            backend.get(&format!("{BEHAVIOR}/sentiment/keywords")).await.expect(400);
        }
        let refused = backend.get(&format!("{BEHAVIOR}/segments")).await;
        assert_eq!(refused.expect(429)["error"]["code"], "RATE_LIMITED");
        assert!(refused.headers.contains_key("retry-after"));
        for _ in 0..10 {
            backend.post(&format!("{BEHAVIOR}/affinity/compute"), &json!({})).await.expect(202);
        }
        backend.post(&format!("{BEHAVIOR}/affinity/compute"), &json!({})).await.expect(429);
        // Others have theirs, and a minute later it is again so many.
        shop.scoped(Scopes::parse("scopes", &["behavior:read"]).unwrap()).await.get(&format!("{BEHAVIOR}/segments")).await.expect(200);
        shop.pass(60_000);
        backend.get(&format!("{BEHAVIOR}/segments")).await.expect(200);
    }
}
