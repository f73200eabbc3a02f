//! What people allow: recorded, and obeyed.

use std::collections::BTreeMap;

use footfall::db::During;
use footfall::intelligence::take_turn;
use footfall::jobs::work_until_idle;
use footfall::on_db;
use footfall::privacy::consent;
use footfall::shops::Role;
use footfall_shared::event::Event;
use footfall_shared::identity::Trust;
use footfall_shared::mode::Mode;
use footfall_shared::time::{DAY_MS, UtcMillis};
use http::Request;
use serde_json::{Value, json};

use crate::support::build::{
    browser_id, due_history, email_hash, entry, event, from_browser, from_device, known, recognize,
    send, take,
};
use crate::support::{Credential, START, TestShop, everything, on_both};
use crate::uploads::import;

const ROUTE: &str = "/api/privacy/consent";
const ADA: &str = "shopper@example.com";

fn word(email: &str, purpose: &str, granted: bool, at: UtcMillis) -> Value {
    json!({"email": email, "purpose": purpose, "granted": granted, "source": "preference centre", "at": at.to_rfc3339()})
}

/// Records Ada's word of this moment.
async fn say(shop: &TestShop, purpose: &str, granted: bool) {
    let word = word(ADA, purpose, granted, shop.app.now());
    shop.backend().post(ROUTE, &word).await.expect(201);
}

/// What is recorded of somebody: `email=…` or `anonymous_id=…`.
async fn recorded(shop: &TestShop, whose: &str) -> Value {
    let told = shop.backend().get(&format!("{ROUTE}?{whose}")).await;
    told.expect(200)["data"].clone()
}

/// Whether the edges will be told of a subject at this version.
async fn is_queued(shop: &TestShop, subject: &str, version: &Value) -> bool {
    const SQL: &str = "SELECT COUNT(*) FROM edge_pushes WHERE subject = $1 AND version = $2";
    let mut db = shop.app.db().read().await.unwrap();
    let rows: i64 = on_db!(&mut db, |connection| {
        sqlx::query_scalar(SQL)
            .bind(subject)
            .bind(version.as_i64())
            .fetch_one(connection)
            .await
    })
    .during("count pushes in a test")
    .unwrap();
    rows > 0
}

/// An event in the browser called phone, perhaps with what it says of tracking.
fn seen(shop: &TestShop, id: &str, at: UtcMillis, allows: Option<bool>) -> Event {
    let mut one = from_browser(event(shop.shop(), id), "phone");
    (one.at, one.received_at) = (at, at);
    if let Some(allows) = allows {
        let consent = json!({"consent": {"categoryPreferences": {"Analytics": allows}}});
        one.body.insert("context".to_owned(), consent);
    }
    one
}

/// Has consent recorded as events tell it.
async fn tell(shop: &TestShop, events: &[&Event]) {
    let mut tx = shop.app.db().begin().await.unwrap();
    take_turn(&mut tx, &shop.shop().id).await.unwrap();
    let now = shop.app.now();
    consent::record_told(&shop.app, &mut tx, shop.shop(), events, now)
        .await
        .unwrap();
    tx.commit().await.unwrap();
}

async fn untracked(shop: &TestShop, events: &[&Event]) -> Vec<bool> {
    let mut db = shop.app.db().read().await.unwrap();
    consent::untracked(&mut db, shop.shop(), events)
        .await
        .unwrap()
}

/// The emails of all segments' customers, by their ids.
async fn addresses(shop: &TestShop) -> BTreeMap<String, Value> {
    let backend = shop.backend();
    let found = backend.get("/api/behavior/segments").await.expect(200);
    let mut all = BTreeMap::new();
    for id in found["data"]["segment_mapping"].as_object().unwrap().keys() {
        let path = format!("/api/behavior/segments/{id}/customers?limit=500");
        let page = backend.get(&path).await.expect(200);
        for one in page["data"]["customers"].as_array().unwrap() {
            let customer = one["customer_id"].as_str().unwrap().to_owned();
            all.insert(customer, one["email"].clone());
        }
    }
    all
}

on_both! {
    async fn every_word_is_kept_and_the_latest_decision_counts(database) {
        let shop = TestShop::start(database).await;
        let backend = shop.backend();
        let (early, late) = (START.plus(-2 * DAY_MS), START.plus(-DAY_MS));
        let refused = backend.post(ROUTE, &word(ADA, "email", false, late)).await.expect(201);
        assert_eq!(refused["data"], json!({
            "purpose": "email", "granted": false, "source": "preference centre", "at": late.to_rfc3339(),
        }));
        // What was decided earlier and comes later, comes again, or is of the same time, changes nothing.
        backend.post(ROUTE, &word(ADA, "email", true, early)).await.expect(201);
        backend.post(ROUTE, &word(ADA, "email", true, early)).await.expect(201);
        let same = backend.post(ROUTE, &word(ADA, "email", true, late)).await.expect(201);
        assert_eq!(same["data"]["granted"], false);
        let told = recorded(&shop, &format!("email={ADA}")).await;
        assert_eq!(told["state"]["email"], json!({
            "granted": false, "allowed": false, "since": late.to_rfc3339(), "source": "preference centre",
        }));
        assert_eq!(told["state"]["tracking"], json!({"granted": null, "allowed": true, "since": null, "source": null}));
        let answers: Vec<&Value> = told["history"].as_array().unwrap().iter().map(|one| &one["granted"]).collect();
        assert_eq!(answers, [false, true]);
        // A browser's word is its own, and neither of both is kept as text.
        let phone = browser_id("phone");
        let body = json!({"anonymous_id": phone, "purpose": "tracking", "granted": false, "source": "banner"});
        backend.post(ROUTE, &body).await.expect(201);
        let told = recorded(&shop, &format!("anonymous_id={phone}")).await;
        assert_eq!((&told["state"]["tracking"]["granted"], &told["state"]["email"]["granted"]), (&json!(false), &Value::Null));
        let all = everything(&shop).await;
        let kept: Vec<&str> = all.lines().filter(|line| line.starts_with("consents:")).collect();
        assert!(kept.len() == 3 && kept.iter().all(|line| !line.contains(ADA) && !line.contains(&phone)), "{kept:?}");
        // Nor does another shop hear of it.
        let other = shop.neighbour().await;
        let theirs = shop.client(Credential::Key(other.secret_key.clone()));
        let told = theirs.get(&format!("{ROUTE}?email={ADA}")).await.expect(200);
        assert_eq!(told["data"]["history"], json!([]));
    }

    async fn what_cannot_be_a_word_is_refused_and_analysts_only_read(database) {
        let shop = TestShop::start(database).await;
        let ahead = START.plus(6 * 60_000).to_rfc3339();
        for (field, value, fault) in [
            ("email", json!("nobody"), "email"),
            ("email", Value::Null, "email"),
            ("anonymous_id", json!(browser_id("phone")), "email"),
            ("purpose", json!("profit"), "purpose"),
            ("source", json!(" "), "source"),
            ("at", json!(ahead), "at"),
            ("at", json!("yesterday"), "at"),
        ] {
            let mut wrong = word(ADA, "email", true, START);
            wrong[field] = value;
            let told = shop.backend().post(ROUTE, &wrong).await.expect(400);
            assert_eq!(told["error"]["details"][0]["field"], fault, "{wrong}");
        }
        let guessable = json!({"anonymous_id": "anonymous-1", "purpose": "email", "granted": true, "source": "form"});
        let told = shop.backend().post(ROUTE, &guessable).await.expect(400);
        assert_eq!(told["error"]["details"][0]["field"], "anonymous_id");
        shop.backend().get(ROUTE).await.expect(400);
        let analyst = shop.person(Role::Analyst).await;
        analyst.post(ROUTE, &word(ADA, "email", true, START)).await.expect(403);
        let told = analyst.get(&format!("{ROUTE}?email={ADA}")).await.expect(200);
        assert_eq!(told["data"]["history"], json!([]));
    }

    async fn a_refusal_of_personalization_reaches_the_edges_and_a_grant_undoes_it(database) {
        let edges = [("FOOTFALL_EDGES", "http://127.0.0.1:9")];
        let shop = TestShop::start_with(database, Mode::Production, &edges).await;
        take(&shop.backend(), due_history()).await;
        let hash = email_hash(shop.shop(), ADA);
        let question = json!({"shop": shop.shop().id, "email_hash": hash});
        let made = shop.edge().post("/internal/offers/ensure", &question).await.expect(200)["entry"].clone();
        assert!(made["offer"].is_object() && made["profile"].is_object(), "{made}");

        say(&shop, "personalization", false).await;
        let neutral = entry(&shop.edge(), shop.shop(), ADA).await;
        assert_eq!((&neutral["profile"], &neutral["offer"]), (&Value::Null, &Value::Null));
        assert!(neutral["version"].as_i64() > made["version"].as_i64());
        assert!(is_queued(&shop, &format!("customer:{}", hash.as_str()), &neutral["version"]).await);
        // Nobody makes an offer meanwhile, and whoever asks for one finds no profile.
        let asked = shop.edge().post("/internal/offers/ensure", &question).await.expect(200);
        assert_eq!(asked["entry"], neutral);
        let path = format!("/wp-json/wg/v1/intelligence/bundle?customer_email={ADA}");
        shop.backend().get(&path).await.expect_error(404, "profile_not_found");

        shop.pass(1000);
        say(&shop, "personalization", true).await;
        let again = entry(&shop.edge(), shop.shop(), ADA).await;
        assert_eq!((&again["profile"], &again["offer"]), (&made["profile"], &made["offer"]));
        assert!(is_queued(&shop, &format!("customer:{}", hash.as_str()), &again["version"]).await);
    }

    async fn who_refuses_personalization_is_recommended_what_everybody_is(database) {
        let shop = TestShop::start(database).await;
        let bought = format!("order,product id,email,quantity,price,date\n1,tea,{ADA},1,5.00,2026-11-01\n2,pot,bob@example.com,1,5.00,2026-11-02\n");
        import(&shop, "", bought.as_bytes()).await;
        shop.backend().post("/models/retrain", &json!({})).await.expect(202);
        work_until_idle(&shop.app).await.unwrap();
        let basis = async |email: &str| {
            let path = format!("/recommendations/{email}");
            shop.backend().get(&path).await.expect(200)["basis"].clone()
        };
        assert_eq!(basis(ADA).await, "personal");
        say(&shop, "personalization", false).await;
        assert_eq!(basis(ADA).await, "cold");
        assert_eq!(basis("bob@example.com").await, "personal");
    }

    async fn who_refuses_tracking_is_recognized_on_no_device(database) {
        let shop = TestShop::start(database).await;
        let visit = |id: &str, at: UtcMillis| {
            let one = from_browser(from_device(event(shop.shop(), id), shop.shop(), "laptop"), "laptop");
            Event { at, received_at: at, ..known(one, ADA, Trust::Verified) }
        };
        let edge = shop.edge();
        let is_known = async || recognize(&edge, shop.shop(), "laptop").await["browser"].is_object();
        send(&edge, &[visit("a", shop.app.now())]).await;
        assert!(is_known().await);
        say(&shop, "tracking", false).await;
        assert!(!is_known().await);
        shop.pass(1000);
        send(&edge, &[visit("b", shop.app.now())]).await;
        assert!(!is_known().await);
        shop.pass(1000);
        say(&shop, "tracking", true).await;
        shop.pass(1000);
        send(&edge, &[visit("c", shop.app.now())]).await;
        assert!(is_known().await, "whoever allows it is recognized when seen anew");
    }

    async fn events_tell_consent_and_are_untracked_where_it_was_refused_then(database) {
        let shop = TestShop::start(database).await;
        let before = seen(&shop, "a", START.plus(-3000), None);
        let refusal = seen(&shop, "b", START.plus(-2000), Some(false));
        let after = seen(&shop, "c", START.plus(-1000), None);
        let grant = seen(&shop, "d", START.plus(-500), Some(true));
        let then = seen(&shop, "e", START.plus(-400), None);
        tell(&shop, &[&refusal]).await;
        assert_eq!(untracked(&shop, &[&before, &refusal, &after, &grant, &then]).await, [false, true, true, false, true]);
        tell(&shop, &[&grant, &refusal]).await;
        assert_eq!(untracked(&shop, &[&after, &then]).await, [true, false]);
        // What only repeats what stands is no row of its own.
        tell(&shop, &[&seen(&shop, "f", START.plus(-300), Some(true))]).await;
        let told = recorded(&shop, &format!("anonymous_id={}", browser_id("phone"))).await;
        assert_eq!((told["history"].as_array().unwrap().len(), &told["state"]["tracking"]["source"]), (2, &json!("event")));

        // Who only claims an email says nothing for its person; who is proven to be the person does.
        let claimed = known(seen(&shop, "g", START.plus(-200), Some(false)), ADA, Trust::Claimed);
        tell(&shop, &[&claimed]).await;
        assert_eq!(recorded(&shop, &format!("email={ADA}")).await["history"], json!([]));
        let proven = known(seen(&shop, "h", START.plus(-100), Some(false)), ADA, Trust::Verified);
        tell(&shop, &[&proven]).await;
        let told = recorded(&shop, &format!("email={ADA}")).await;
        assert_eq!(told["state"]["tracking"]["granted"], false);
        let elsewhere = known(from_browser(event(shop.shop(), "i"), "desktop"), ADA, Trust::Claimed);
        assert_eq!(untracked(&shop, &[&elsewhere]).await, [true]);
    }

    async fn who_may_not_be_written_to_gets_no_follow_up_by_email(database) {
        let shop = TestShop::start(database).await;
        let made = shop.backend().post("/api/v1/customers", &json!({"name": "Ada Example", "email": ADA})).await.expect(201);
        let path = format!("/api/v1/customers/{}/interactions", made["id"].as_str().unwrap());
        let mail = async |hour: u32| {
            let date = format!("2026-11-24T0{hour}:00:00Z");
            let talk = json!({"interaction_type": "sales_call", "date": date, "follow_up": {"type": "email"}});
            shop.backend().post(&path, &talk).await
        };
        mail(1).await.expect(201);
        say(&shop, "email", false).await;
        let fault = mail(2).await.expect(422);
        assert_eq!((&fault["error"], &fault["details"]), (&json!("profile_incomplete"), &json!({"missing_fields": ["email_consent"]})));
        shop.pass(1000);
        say(&shop, "email", true).await;
        mail(3).await.expect(201);
        // A shop may want a word from everybody.
        let strict = Request::patch("/api/settings").header("content-type", "application/json");
        shop.admin().send(strict, json!({"email_needs_consent": true}).to_string().into_bytes()).await.expect(200);
        mail(4).await.expect(201);
        let told = recorded(&shop, "email=bob@example.com").await;
        assert_eq!((&told["state"]["email"]["granted"], &told["state"]["email"]["allowed"]), (&Value::Null, &json!(false)));
    }

    async fn segments_tell_no_address_of_who_refuses_mails(database) {
        let shop = TestShop::start(database).await;
        let mut orders = "order,product,price,customer id,email,date\n".to_owned();
        for n in 0..20 {
            for month in 7..12 {
                orders += &format!("b{n}-{month},Safe,100,best{n},best{n}@shop.example,2026-{month:02}-{:02}\n", n + 1);
            }
            orders += &format!("o{n},Sock,5,once{n},once{n}@shop.example,2026-01-{:02}\n", n + 1);
        }
        import(&shop, "", orders.as_bytes()).await;
        assert_eq!(addresses(&shop).await["best1"], "best1@shop.example");
        let refusal = word("Best1@Shop.example", "email", false, START);
        shop.backend().post(ROUTE, &refusal).await.expect(201);
        let told = addresses(&shop).await;
        assert_eq!((&told["best1"], &told["best2"]), (&Value::Null, &json!("best2@shop.example")));
    }
}
