//! Customer management, as its contract has it.

use footfall::jobs::work_until_idle;
use footfall_shared::permission::{Permission, Scopes};
use http::Request;
use serde_json::{Value, json};

use crate::support::build::{due_history, take};
use crate::support::{Client, Credential, Reply, TestShop, everything, on_both};

const ROUTE: &str = "/api/v1/customers";

/// The contract's own example.
fn john() -> Value {
    json!({
        "name": "John Smith",
        "demographics": {"age": 35, "profession": "Software Engineer", "location": "Seattle, WA", "income_range": "75k_100k"},
        "personality_assessment": {"type": "D", "confidence": 0.78, "assessment_method": "conversation_analysis"},
        "communication_preferences": {"style": "direct", "preferred_channels": ["email", "phone"], "response_time_expectation": "same_day"},
        "decision_factors": {
            "primary": ["performance", "safety", "value"],
            "secondary": ["brand_reputation", "fuel_efficiency"],
            "deal_breakers": ["poor_reliability"]
        },
        "buying_context": {
            "budget_range": "40k_60k", "timeline": "within_3_months", "financing_preference": "lease",
            "trade_in_vehicle": "2018 Honda Civic"
        }
    })
}

fn call() -> Value {
    json!({
        "interaction_type": "sales_call",
        "date": "2026-11-24T10:30:00Z",
        "duration_minutes": 45,
        "products_discussed": ["2024 Toyota Camry Hybrid", "2024 Toyota Prius"],
        "customer_feedback": {
            "interest_level": "high",
            "primary_concerns": ["monthly_payment", "fuel_economy"],
            "positive_responses": ["safety_features", "hybrid_technology"]
        },
        "salesperson_notes": "Customer very interested in hybrid technology. Wants to compare monthly payment options.",
        "outcome": "scheduled_test_drive",
        "follow_up": {"required": true, "date": "2026-11-26T14:00:00Z", "type": "test_drive", "notes": "Focus on fuel economy demonstration"},
        "recommendation_id": "recommendation-uuid-456"
    })
}

async fn put(client: &Client, path: &str, body: &Value, if_match: Option<&str>) -> Reply {
    let mut request = Request::put(path).header("content-type", "application/json");
    if let Some(tag) = if_match {
        request = request.header("if-match", tag);
    }
    client
        .send(request, serde_json::to_vec(body).unwrap())
        .await
}

async fn add(shop: &TestShop, body: &Value) -> String {
    let made = shop.backend().post(ROUTE, body).await.expect(201);
    made["id"].as_str().unwrap().to_owned()
}

/// The names of a list in its sequence, and how many there are in all.
async fn names(shop: &TestShop, query: &str) -> (Vec<String>, u64) {
    let told = shop
        .backend()
        .get(&format!("{ROUTE}{query}"))
        .await
        .expect(200);
    let names = told["customers"].as_array().unwrap().iter();
    let names = names
        .map(|one| one["name"].as_str().unwrap().to_owned())
        .collect();
    (names, told["total_count"].as_u64().unwrap())
}

fn owned(names: &[&str]) -> Vec<String> {
    names.iter().map(|name| (*name).to_owned()).collect()
}

on_both! {
    async fn the_contracts_examples_are_answered_as_it_has_them(database) {
        let shop = TestShop::start(database).await;
        let made = shop.backend().post(ROUTE, &john()).await;
        assert_eq!(made.header("x-ratelimit-limit"), Some("500"));
        assert_eq!(made.header("x-ratelimit-remaining"), Some("499"));
        let made = made.expect(201);
        let id = made["id"].as_str().unwrap();
        assert_eq!(
            (&made["profile_completeness"], &made["personality_type"], &made["recommendation_readiness"]),
            (&json!(0.85), &json!("D"), &json!(true))
        );
        assert_eq!(made["profile_summary"], json!({
            "key_traits": ["direct_communicator", "performance_focused", "value_conscious"],
            "optimal_sales_approach": "facts_and_benefits",
            "potential_objections": ["price_sensitivity", "decision_timeline"]
        }));

        let change = json!({
            "demographics": {"age": 36, "profession": "Senior Software Engineer"},
            "decision_factors": {"primary": ["performance", "safety", "value", "technology"], "secondary": ["brand_reputation", "fuel_efficiency"]},
            "buying_context": {"budget_range": "45k_65k", "timeline": "within_2_months"}
        });
        let path = format!("{ROUTE}/{id}");
        let changed = put(&shop.backend(), &path, &change, None).await.expect(200);
        assert_eq!(changed["updated_fields"], json!(["demographics", "decision_factors", "buying_context"]));
        assert_eq!(changed["profile_completeness"], 0.9);
        assert_eq!(changed["changes_summary"], json!({
            "budget_range": "40k_60k → 45k_65k", "timeline": "within_3_months → within_2_months", "new_decision_factor": "technology"
        }));

        let visit = json!({"interaction_type": "showroom_visit", "date": "2026-11-23T14:30:00Z", "outcome": "interested",
            "products_discussed": ["2024 Toyota Camry Hybrid"], "duration_minutes": 31});
        shop.backend().post(&format!("{path}/interactions"), &visit).await.expect(201);
        let recorded = shop.backend().post(&format!("{path}/interactions"), &call()).await;
        assert_eq!(recorded.header("x-ratelimit-limit"), Some("1000"));
        let recorded = recorded.expect(201);
        assert_eq!(recorded["customer_id"], id);
        assert_eq!(recorded["profile_updates"]["sales_stage_progression"], "presentation → negotiation");
        assert_eq!(recorded["ai_insights"]["basis"], "prior");

        let told = shop.backend().get(&path).await;
        assert!(told.header("etag").is_some());
        let told = told.expect(200);
        assert_eq!(told["demographics"]["location"], "Seattle, WA", "what is not named stays");
        assert_eq!((&told["interaction_history"][0]["type"], &told["recommendations_generated"]), (&json!("sales_call"), &json!(1)));
        let done = shop.backend().get(&format!("{path}/interactions?limit=10&include_recommendations=true")).await.expect(200);
        assert_eq!(done["interactions"][0]["recommendation_used"]["id"], "recommendation-uuid-456");
        assert_eq!((&done["interaction_summary"]["total_interactions"], &done["interaction_summary"]["average_duration"]), (&json!(2), &json!(38)));

        let listed = shop.backend().get(&format!("{ROUTE}?personality_type=D&budget_range=45k_65k&search=engineer&limit=20&offset=0")).await;
        assert_eq!(listed.header("x-ratelimit-limit"), Some("100"));
        let listed = listed.expect(200);
        let one = &listed["customers"][0];
        assert_eq!((&one["sales_stage"], &one["interaction_count"], &one["current_interest"]), (&json!("negotiation"), &json!(2), &json!("2024 Toyota Camry Hybrid")));
        assert_eq!(listed["pagination"], json!({"limit": 20, "offset": 0, "has_more": false}));
    }

    async fn what_is_wrong_is_told_in_the_contracts_words(database) {
        let shop = TestShop::start(database).await;
        let mut wrong = john();
        wrong["personality_assessment"]["type"] = json!("X");
        let fault = shop.backend().post(ROUTE, &wrong).await.expect(400);
        assert_eq!((&fault["error"], &fault["message"]), (&json!("validation_failed"), &json!("Invalid personality type specified")));
        assert_eq!(fault["details"], json!({"field": "personality_assessment.type", "allowed_values": ["D", "I", "S", "C"], "received_value": "X"}));
        assert!(fault["timestamp"].is_string() && fault["request_id"].is_string());
        let fault = shop.backend().post(ROUTE, &json!({"name": 5})).await.expect(400);
        assert_eq!((&fault["error"], &fault["details"]["field"]), (&json!("validation_failed"), &json!("name")));
        let fault = shop.backend().get(&format!("{ROUTE}?limit=0")).await.expect(400);
        assert_eq!(fault["details"]["field"], "limit");
        for path in ["customer_01KB000000000000000000000A", "nobody", "%00"] {
            let fault = shop.backend().get(&format!("{ROUTE}/{path}")).await.expect(404);
            assert_eq!(fault["error"], "customer_not_found");
        }
        let id = add(&shop, &john()).await;
        let path = format!("{ROUTE}/{id}/interactions");
        let first = shop.backend().post(&path, &call()).await.expect(201);
        let again = shop.backend().post(&path, &call()).await.expect(409);
        assert_eq!((&again["error"], &again["details"]["interaction_id"]), (&json!("interaction_conflict"), &first["interaction_id"]));
        let bare = add(&shop, &json!({"name": "Jane Roe"})).await;
        let mail = json!({"interaction_type": "sales_call", "date": "2026-11-24T09:00:00Z", "follow_up": {"type": "email"}});
        let fault = shop.backend().post(&format!("{ROUTE}/{bare}/interactions"), &mail).await.expect(422);
        assert_eq!((&fault["error"], &fault["details"]), (&json!("profile_incomplete"), &json!({"missing_fields": ["email"]})));
        let reader = shop.scoped(Scopes::parse("scopes", &[Permission::CustomersRead.as_str()]).unwrap()).await;
        reader.get(ROUTE).await.expect(200);
        let fault = reader.post(ROUTE, &john()).await.expect(403);
        assert_eq!(fault["error"], "unauthorized_access");
        let fault = shop.browser().get(ROUTE).await.expect(403);
        assert_eq!(fault["error"], "unauthorized_access");
        shop.anonymous().get(ROUTE).await.expect(401);
        let other = shop.neighbour().await;
        let stranger = shop.client(Credential::Key(other.secret_key.clone()));
        stranger.get(&format!("{ROUTE}/{id}")).await.expect(404);
    }

    async fn the_same_person_is_found_by_email_or_by_name_and_demographics(database) {
        let shop = TestShop::start(database).await;
        let id = add(&shop, &john()).await;
        let mut same = john();
        same["name"] = json!("JOHN  smith");
        same["demographics"]["location"] = json!("seattle WA");
        let fault = shop.backend().post(ROUTE, &same).await.expect(409);
        assert_eq!((&fault["error"], &fault["details"]), (&json!("duplicate_customer"), &json!({"customer_id": id, "matched_by": "name_and_demographics"})));
        same["demographics"]["age"] = json!(36);
        same["email"] = json!("John@Example.com");
        let second = add(&shop, &same).await;
        let fault = shop.backend().post(ROUTE, &json!({"name": "J.", "email": "john@example.com"})).await.expect(409);
        assert_eq!(fault["details"], json!({"customer_id": second, "matched_by": "email"}));
        // Nor can one become the other.
        let path = format!("{ROUTE}/{second}");
        let fault = put(&shop.backend(), &path, &json!({"demographics": {"age": 35}}), None).await.expect(409);
        assert_eq!(fault["details"]["customer_id"], id.as_str());
        assert_eq!(names(&shop, "").await.1, 2);
    }

    async fn nobody_overwrites_what_they_have_not_seen(database) {
        let shop = TestShop::start(database).await;
        let path = format!("{ROUTE}/{}", add(&shop, &john()).await);
        let seen = shop.backend().get(&path).await.header("etag").unwrap().to_owned();
        let change = |age: i64| json!({"demographics": {"age": age}});
        let first = put(&shop.backend(), &path, &change(40), Some(&seen)).await;
        let now = first.header("etag").unwrap().to_owned();
        first.expect(200);
        let late = put(&shop.backend(), &path, &change(50), Some(&seen)).await.expect(412);
        assert_eq!((&late["error"], &late["details"]["current_etag"]), (&json!("precondition_failed"), &json!(now)));
        let same = put(&shop.backend(), &path, &change(40), Some(&now)).await;
        assert_eq!(same.header("etag"), Some(now.as_str()), "nothing changed, so nothing is new");
        same.expect(200);
        // Changes at once are made one after the other, none is lost.
        let factors = (0..8).map(|n| {
            let (client, path) = (shop.backend(), path.clone());
            tokio::spawn(async move {
                let key = ["age", "profession", "location", "income_range"][n % 4];
                let value = [json!(41), json!("Pilot"), json!("Oslo"), json!("50k_60k")][n % 4].clone();
                put(&client, &path, &json!({"demographics": {key: value}}), None).await.expect(200);
            })
        }).collect::<Vec<_>>();
        for one in factors {
            one.await.unwrap();
        }
        let told = shop.backend().get(&path).await.expect(200);
        assert_eq!(told["demographics"], json!({"age": 41, "profession": "Pilot", "location": "Oslo", "income_range": "50k_60k"}));
    }

    async fn lists_and_counts_are_those_of_the_records(database) {
        let shop = TestShop::start(database).await;
        let person = |name: &str, kind: &str, budget: &str, profession: &str, notes: &str| json!({
            "name": name, "personality_assessment": {"type": kind}, "buying_context": {"budget_range": budget},
            "demographics": {"profession": profession, "location": "Zürich"}, "notes": notes
        });
        add(&shop, &person("Ada Lovelace", "D", "40k_60k", "Engineer", "")).await;
        let bob = add(&shop, &person("Bob O'Brien", "D", "20k_30k", "Baker", "likes engines")).await;
        add(&shop, &person("Иван Петров", "S", "40k_60k", "Engineer", "wants a van")).await;
        let other = shop.neighbour().await;
        shop.client(Credential::Key(other.secret_key.clone())).post(ROUTE, &person("Stranger", "D", "40k_60k", "Engineer", "")).await.expect(201);

        let all = owned(&["Иван Петров", "Bob O'Brien", "Ada Lovelace"]);
        assert_eq!(names(&shop, "").await, (all.clone(), 3));
        assert_eq!(names(&shop, "?limit=1&offset=1").await, (owned(&["Bob O'Brien"]), 3));
        assert_eq!(names(&shop, "?personality_type=D").await, (owned(&["Bob O'Brien", "Ada Lovelace"]), 2));
        assert_eq!(names(&shop, "?personality_type=D&budget_range=40k_60k").await, (owned(&["Ada Lovelace"]), 1));
        assert_eq!(names(&shop, "?sales_stage=negotiation").await, (Vec::new(), 0));
        assert_eq!(names(&shop, "?search=engin").await, (all.clone(), 3));
        assert_eq!(names(&shop, "?search=engineer").await, (owned(&["Иван Петров", "Ada Lovelace"]), 2));
        assert_eq!(names(&shop, "?search=zurich%20OBRIEN").await, (owned(&["Bob O'Brien"]), 1));
        assert_eq!(names(&shop, "?search=%D0%B8%D0%B2%D0%B0").await, (owned(&["Иван Петров"]), 1));
        assert_eq!(names(&shop, "?search=engin&personality_type=D&limit=1&offset=1").await, (owned(&["Ada Lovelace"]), 2));
        assert_eq!(names(&shop, "?search=engin&limit=1&offset=9").await, (Vec::new(), 3));
        for search in ["%22", "*", "AND", "NOT%20x", "%27%20%7C%20%27", "=type_d", "%3A%2A"] {
            assert_eq!(names(&shop, &format!("?search={search}")).await.1, 0, "{search}");
        }

        // What changes is found as it is now, and what was noted of a talk, too.
        let path = format!("{ROUTE}/{bob}");
        put(&shop.backend(), &path, &json!({"notes": null, "personality_assessment": {"type": "C"}}), None).await.expect(200);
        assert_eq!(names(&shop, "?search=engines").await.1, 0);
        assert_eq!(names(&shop, "?personality_type=D").await.1, 1);
        assert_eq!(names(&shop, "?personality_type=C&search=baker").await.1, 1);
        shop.backend().post(&format!("{path}/interactions"), &call()).await.expect(201);
        assert_eq!(names(&shop, "?search=hybrid%20technology").await, (owned(&["Bob O'Brien"]), 1));
        let stage = shop.backend().get(&path).await.expect(200)["sales_stage"].as_str().unwrap().to_owned();
        assert_eq!(names(&shop, &format!("?sales_stage={stage}")).await.1, 1);
    }

    async fn what_is_deleted_is_gone_or_names_nobody(database) {
        for (policy, done) in [("?data_retention_policy=anonymize", "anonymized"), ("?data_retention_policy=erase", "erased"), ("", "anonymized")] {
            let shop = TestShop::start(database).await;
            let mut body = john();
            body["email"] = json!("john@example.com");
            let path = format!("{ROUTE}/{}", add(&shop, &body).await);
            shop.backend().post(&format!("{path}/interactions"), &call()).await.expect(201);
            shop.backend().send(Request::delete(format!("{path}?data_retention_policy=keep")), Vec::new()).await.expect(400);
            let gone = shop.backend().send(Request::delete(format!("{path}{policy}")), Vec::new()).await;
            assert_eq!(gone.header("x-data-retention"), Some(done));
            assert_eq!(gone.header("x-related-records-updated"), Some("1"));
            gone.expect(204);
            shop.backend().get(&path).await.expect(404);
            shop.backend().get(&format!("{path}/interactions")).await.expect(404);
            assert_eq!(names(&shop, "").await.1 + names(&shop, "?search=john").await.1, 0);
            let left = everything(&shop).await;
            for word in ["John", "john@example.com", "Seattle", "Civic", "Software", "hybrid", "Prius"] {
                assert!(!left.contains(word), "{word} is still there: {policy}");
            }
            let figures = left.lines().any(|line| line.starts_with("customer_interactions:"));
            assert_eq!(figures, done == "anonymized", "that something was done stays a figure");
            // The person may come back.
            add(&shop, &body).await;
        }
    }

    async fn a_shopper_with_the_same_email_is_the_same_person(database) {
        let shop = TestShop::start(database).await;
        let id = add(&shop, &json!({"name": "Ada Example", "email": "Shopper@example.com"})).await;
        let path = format!("{ROUTE}/{id}");
        assert!(shop.backend().get(&path).await.expect(200).get("shopper").is_none());
        take(&shop.backend(), due_history()).await;
        shop.backend().get("/wp-json/wg/v1/intelligence/bundle?customer_email=shopper@example.com").await.expect(200);
        let shopper = shop.backend().get(&path).await.expect(200)["shopper"].clone();
        assert_eq!(shopper["profile"]["total_orders"], 3, "{shopper}");
        assert_eq!(shopper["offer"]["status"], "pending");
    }

    async fn a_shop_learns_how_its_sales_succeed(database) {
        let shop = TestShop::start(database).await;
        // Who is very interested buys, who is not does not, but for every eighth.
        for n in 0..64 {
            let id = add(&shop, &json!({"name": format!("Customer {n}"), "demographics": {"age": 20 + n}})).await;
            let path = format!("{ROUTE}/{id}/interactions");
            let keen = n % 2 == 0;
            let won = keen != (n % 8 == 1 || n % 8 == 4);
            let first = json!({"interaction_type": "sales_call", "date": "2026-11-01T10:00:00Z", "customer_feedback": {"interest_level": if keen { "high" } else { "low" }}});
            let last = json!({"interaction_type": "showroom_visit", "date": "2026-11-02T10:00:00Z", "outcome": if won { "purchased" } else { "lost" }});
            shop.backend().post(&path, &first).await.expect(201);
            let told = shop.backend().post(&path, &last).await.expect(201);
            assert_eq!(told["ai_insights"]["success_probability"], if won { 1.0 } else { 0.0 });
        }
        work_until_idle(&shop.app).await.unwrap();
        let ask = async |interest: &str| {
            let id = add(&shop, &json!({"name": interest, "demographics": {"age": 99}})).await;
            let body = json!({"interaction_type": "sales_call", "date": "2026-11-03T10:00:00Z", "customer_feedback": {"interest_level": interest}});
            let told = shop.backend().post(&format!("{ROUTE}/{id}/interactions"), &body).await.expect(201);
            assert_eq!(told["ai_insights"]["basis"], "fitted", "{told}");
            told["ai_insights"]["success_probability"].as_f64().unwrap()
        };
        let (keen, cool) = (ask("high").await, ask("low").await);
        assert!(keen > 0.6 && cool < 0.4, "{keen} {cool}");
    }

    async fn bounds_are_the_contracts_and_come_back_with_the_hour(database) {
        let shop = TestShop::start(database).await;
        for left in (0..100).rev() {
            let told = shop.backend().get(ROUTE).await;
            assert_eq!(told.header("x-ratelimit-remaining"), Some(left.to_string().as_str()));
            told.expect(200);
        }
        let refused = shop.backend().get(ROUTE).await;
        assert_eq!((refused.header("x-ratelimit-remaining"), refused.header("retry-after").is_some()), (Some("0"), true));
        let reset: i64 = refused.header("x-ratelimit-reset").unwrap().parse().unwrap();
        assert_eq!(refused.expect(429)["error"], "rate_limit_exceeded");
        shop.backend().post(ROUTE, &john()).await.expect(201);
        shop.admin().get(ROUTE).await.expect(200);
        shop.pass(reset * 1000 - shop.app.now().get());
        shop.backend().get(ROUTE).await.expect(200);
    }
}
