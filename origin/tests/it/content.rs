//! What shoppers are shown: the catalogue, the kits that follow from it, what came of each variant, and decisions that
//! are explained and made again.

use footfall::db::During as _;
use footfall::{content, rebuild};
use footfall_shared::event::{Event, EventKind};
use footfall_shared::id::EventId;
use footfall_shared::journey::content::decide::{Choosing, Decided, Whom, built_in};
use footfall_shared::journey::content::{Kit, Purpose, Seen, Slot};
use footfall_shared::journey::event::{Conversion, Happening, Numbered, Start};
use footfall_shared::journey::reducer::fold;
use footfall_shared::journey::session::Session;
use footfall_shared::money::{Currency, MinorUnits};
use footfall_shared::time::HOUR_MS;
use footfall_shared::wire::internal::path;
use http::Request;
use serde_json::{Value, json};

use crate::support::build::{due_history, event, send, take};
use crate::support::{Client, START, TestShop, on_both};

const CONTENT: &str = "/api/journey/content";

pub(crate) fn catalogue() -> Value {
    json!({"holdout": 0.2, "slots": [
        {"slot": "hero_message", "neutral": "Welcome", "variants": [
            {"id": "tiktok", "content": "Seen on TikTok", "conditions": {"source": ["tiktok"]}},
            {"id": "plain", "content": "Fresh every Tuesday"},
            {"id": "calm", "content": "Slow coffee"},
        ]},
        {"slot": "scarcity", "variants": [
            {"id": "few", "content": "Only {stock} left in stock", "product_id": "44"},
        ]},
    ]})
}

pub(crate) async fn put(client: &Client, path: &str, body: &Value) -> crate::support::Reply {
    let request = Request::put(path).header("content-type", "application/json");
    client.send(request, body.to_string().into_bytes()).await
}

pub(crate) async fn kit(shop: &TestShop) -> Kit {
    let asked = json!({"shop": shop.shop().id});
    let reply = shop.edge().post(path::KIT, &asked).await.expect(200);
    serde_json::from_value(reply["kit"].clone()).unwrap()
}

pub(crate) fn happening(shop: &TestShop, session: &str, seq: u32, what: Happening) -> Event {
    let mut made = event(shop.shop(), &format!("{session}-{seq}"));
    made.kind = EventKind::Journey;
    made.name = Some(what.name().to_owned());
    made.session_id = Some(session.to_owned());
    made.at = START.plus(i64::from(seq) * 1000);
    Numbered {
        seq,
        visit: 1,
        what,
    }
    .put_into(&mut made.body);
    made
}

pub(crate) fn started(shop: &TestShop, session: &str) -> Event {
    let start = Start {
        source: Some("tiktok".to_owned()),
        ..Start::default()
    };
    happening(shop, session, 1, Happening::Started(start))
}

pub(crate) fn sale(shop: &TestShop, session: &str, seq: u32) -> Event {
    let conversion = Conversion {
        kind: Conversion::PURCHASE.to_owned(),
        value: MinorUnits::new(1495),
        currency: Currency::EUR,
        funnel_step: None,
        influencer: None,
    };
    happening(shop, session, seq, Happening::Converted(conversion))
}

/// What an edge would decide at the start of a session, as the event by which it tells.
pub(crate) fn decision(shop: &TestShop, kit: &Kit, start: &Event) -> Event {
    let session = start.session_id.clone().unwrap();
    let on = fold(Session::default(), &Numbered::of(start).unwrap(), start.at);
    let choosing = Choosing {
        kit,
        whom: Whom {
            shop: shop.shop().id.as_str(),
            session: &session,
        },
        seen: Seen::of(&on),
        forbidden: &[],
        policy: &built_in,
    };
    let decided = Decided {
        purpose: Purpose::Start,
        on: on.seq,
        visit: on.visit,
        kit: kit.version,
        model: kit.model.version.clone(),
        forbidden: Vec::new(),
        decisions: choosing.slots(&Slot::AT_START),
    };
    let mut made = event(shop.shop(), "unused");
    made.id = EventId::parse(&format!("dec_{session}")).unwrap();
    made.kind = EventKind::Journey;
    made.name = Some(Decided::EVENT.to_owned());
    made.session_id = Some(session);
    made.at = start.at;
    let told = serde_json::to_value(decided).unwrap();
    made.body.insert(Decided::BODY_KEY.to_owned(), told);
    made
}

/// The chosen variant of the hero's slot, or none where the session is held out.
fn hero(decision: &Event) -> Option<&str> {
    decision.body[Decided::BODY_KEY]["decisions"][0]["chosen"].as_str()
}

/// All counts of the shop, as text.
async fn counts(shop: &TestShop) -> Vec<String> {
    const SQL: &str = "SELECT slot, variant, held_out, sessions, conversions FROM exposure_counts \
        WHERE sessions <> 0 ORDER BY slot, variant, held_out";
    let mut db = shop.app.db().read().await.unwrap();
    let rows: Vec<(String, String, i64, i64, i64)> = footfall::on_db!(&mut db, |connection| {
        sqlx::query_as(SQL).fetch_all(connection).await
    })
    .during("count")
    .unwrap();
    let line = |(slot, variant, held_out, sessions, conversions)| {
        format!("{slot}/{variant} [{held_out}, {sessions}, {conversions}]")
    };
    rows.into_iter().map(line).collect()
}

on_both! {
    async fn a_changed_catalogue_is_a_new_kit_that_the_edges_hear_of(database) {
        let shop = TestShop::start_with(
            database, footfall_shared::mode::Mode::Production, &[("FOOTFALL_EDGES", "http://127.0.0.1:9")]).await;
        let client = shop.backend();
        let empty = client.get(CONTENT).await.expect(200);
        assert_eq!(empty["data"]["content"]["slots"], json!([]));
        assert_eq!(empty["data"]["kit_version"], Value::Null);
        take(&client, due_history()).await;
        let before = waiting(&shop).await;
        let reply = put(&client, CONTENT, &catalogue()).await.expect(200);
        assert_eq!(reply["data"]["kit_version"], 1);
        assert_eq!(waiting(&shop).await, before + 1, "the edge hears of it");
        let first = kit(&shop).await;
        assert_eq!((first.version, first.holdout_permille), (1, 200));
        assert!(first.filling(Slot::Scarcity).unwrap().variants.is_empty(), "no stock is known");
        // The same again is no new kit.
        put(&client, CONTENT, &catalogue()).await.expect(200);
        assert_eq!(kit(&shop).await.version, 1);
        let stocks = json!({"stocks": [{"product_id": "44", "quantity": 23}, {"product_id": "none", "quantity": 1}]});
        let told = put(&client, "/api/products/stock", &stocks).await.expect(200);
        assert_eq!(told["data"], json!({"updated": 1, "unknown": ["none"]}));
        let second = kit(&shop).await;
        assert_eq!(second.version, 2);
        assert_eq!(second.filling(Slot::Scarcity).unwrap().variants[0].content, "Only 23 left in stock");
        assert_eq!(client.get(CONTENT).await.expect(200)["data"]["content"], {
            let mut whole = catalogue();
            whole["goals"] = json!(["email_signup", "purchase", "repeat"]);
            for slot in whole["slots"].as_array_mut().unwrap() {
                for variant in slot["variants"].as_array_mut().unwrap() {
                    if variant.get("conditions").is_none() {
                        variant["conditions"] = json!({});
                    }
                }
            }
            whole
        });
    }

    async fn a_catalogue_that_breaks_a_rule_changes_nothing(database) {
        let shop = TestShop::start(database).await;
        put(&shop.backend(), CONTENT, &catalogue()).await.expect(200);
        for (field, at, value) in [
            ("holdout", "/holdout", json!(0.9)),
            ("slots[1].slot", "/slots/1/slot", json!("hero_message")),
            ("slots[0].variants[1].id", "/slots/0/variants/1/id", json!("tiktok")),
            ("slots[1].variants[0].content", "/slots/1/variants/0/content", json!("Hurry!")),
            ("slots[0].variants[0].conditions.source[0]", "/slots/0/variants/0/conditions/source/0", json!("")),
        ] {
            let mut wrong = catalogue();
            *wrong.pointer_mut(at).unwrap() = value;
            let refused = put(&shop.backend(), CONTENT, &wrong).await;
            let fault = &refused.expect(400)["error"];
            assert_eq!(fault["code"], "INVALID_FIELD");
            assert_eq!(fault["details"][0]["field"], field);
        }
        assert_eq!(kit(&shop).await.version, 1);
        let neighbour = shop.neighbour().await;
        let asked = json!({"shop": neighbour.shop.id});
        let reply = shop.edge().post(path::KIT, &asked).await.expect(200);
        assert_eq!(reply, json!({"version": 0, "kit": null}));
    }

    async fn counts_do_not_depend_on_the_sequence_of_arrival(database) {
        let shop = TestShop::start(database).await;
        put(&shop.backend(), CONTENT, &catalogue()).await.expect(200);
        let kit = kit(&shop).await;
        let mut events = Vec::new();
        let (mut shown, mut sold) = ([0_u32; 2], 0);
        for at in 0..40 {
            let session = format!("s{at}");
            let start = started(&shop, &session);
            let decided = decision(&shop, &kit, &start);
            shown[usize::from(hero(&decided).is_none())] += 1;
            if at % 4 == 0 {
                sold += u32::from(hero(&decided).is_some());
                events.push(sale(&shop, &session, 2));
            }
            events.extend([start, decided]);
        }
        // What a visit buys before it is shown anything counts for nothing.
        let early = started(&shop, "early");
        let mut late = decision(&shop, &kit, &early);
        late.body[Decided::BODY_KEY]["on"] = json!(2);
        events.extend([early, sale(&shop, "early", 2), late.clone()]);
        shown[usize::from(hero(&late).is_none())] += 1;
        // Far apart, and a part of them twice.
        let mixed: Vec<Event> = (0..events.len()).map(|at| events[at * 67 % events.len()].clone()).collect();
        for batch in mixed.chunks(7) {
            send(&shop.edge(), batch).await;
        }
        send(&shop.edge(), &events[..20]).await;
        let arrived = counts(&shop).await;
        let whole = format!("/ [0, {}, {sold}]", shown[0]);
        assert!(arrived.contains(&whole), "{whole}: {arrived:?}");
        rebuild::run(&shop.app).await.unwrap();
        assert_eq!(counts(&shop).await, arrived, "after a rebuild");
    }

    async fn what_sells_is_shown_more_with_the_next_hour(database) {
        let shop = TestShop::start(database).await;
        put(&shop.backend(), CONTENT, &catalogue()).await.expect(200);
        let first = kit(&shop).await;
        let mut events = Vec::new();
        for at in 0..300 {
            let session = format!("s{at}");
            let start = started(&shop, &session);
            let decided = decision(&shop, &first, &start);
            if hero(&decided) == Some("calm") {
                events.push(sale(&shop, &session, 2));
            }
            events.extend([start, decided]);
        }
        for batch in events.chunks(50) {
            send(&shop.edge(), batch).await;
        }
        assert_eq!(content::publish_due(&shop.app).await.unwrap(), 0, "not with every sale");
        shop.pass(HOUR_MS);
        assert_eq!(content::publish_due(&shop.app).await.unwrap(), 1);
        let second = kit(&shop).await;
        let start = started(&shop, "next");
        let told = decision(&shop, &second, &start);
        let candidates = &told.body[Decided::BODY_KEY]["decisions"][0]["candidates"];
        assert_eq!(candidates[2]["variant"], "calm");
        assert!(candidates[2]["probability"].as_u64().unwrap() > 900_000, "{candidates}");
        shop.pass(HOUR_MS);
        assert_eq!(content::publish_due(&shop.app).await.unwrap(), 0, "nothing has moved");
    }

    async fn a_decision_is_explained_and_made_again_from_the_log(database) {
        let shop = TestShop::start(database).await;
        put(&shop.backend(), CONTENT, &catalogue()).await.expect(200);
        let kit = kit(&shop).await;
        let start = started(&shop, "s");
        let decided = decision(&shop, &kit, &start);
        send(&shop.edge(), &[start, decided.clone(), sale(&shop, "s", 2)]).await;
        // A newer kit does not change what was decided.
        let mut other = catalogue();
        other["slots"][0]["variants"][1]["content"] = json!("Something else");
        put(&shop.backend(), CONTENT, &other).await.expect(200);
        let reply = shop.backend().get("/api/decisions/dec_s").await.expect(200);
        let told = &reply["data"];
        assert_eq!(told["replay"]["same"], true);
        assert_eq!(told["replay"]["logged"], told["replay"]["replayed"]);
        assert_eq!((&told["kit_version"], &told["input"]["source"]), (&json!(1), &json!("tiktok")));
        let hero_slot = &told["decisions"][0];
        assert_eq!(hero_slot["chosen"].as_str(), hero(&decided));
        assert_eq!(hero_slot["candidates"].as_array().unwrap().len(), 3);
        assert!(!hero_slot["reasoning"].as_str().unwrap().is_empty());
        let drawn = hero_slot["drawn"].as_u64().unwrap();
        if let Some(chosen) = hero(&decided) {
            let candidate = hero_slot["candidates"].as_array().unwrap().iter()
                .find(|one| one["variant"] == chosen).unwrap();
            let range = |at: usize| candidate["range"][at].as_u64().unwrap();
            assert!((range(0)..range(1)).contains(&drawn));
        }
        shop.backend().get("/api/decisions/dec_none").await.expect(404);
        shop.backend().get("/api/decisions/s-2").await.expect(404);
    }

    async fn an_offer_is_explained_and_made_again_from_the_profile_it_was_decided_on(database) {
        let shop = TestShop::start(database).await;
        take(&shop.backend(), due_history()).await;
        let path = "/wp-json/wg/v1/intelligence/bundle?customer_email=shopper@example.com";
        shop.backend().get(path).await.expect(200);
        let entry = crate::support::build::entry(&shop.edge(), shop.shop(), "shopper@example.com").await;
        let id = entry["offer"]["id"].as_str().unwrap().to_owned();
        // A later order changes the profile, not what was decided.
        take(&shop.backend(), [crate::support::build::order(99).item(51, 9)]).await;
        let reply = shop.backend().get(&format!("/api/decisions/{id}")).await.expect(200);
        let told = &reply["data"];
        assert_eq!((&told["purpose"], &told["same"]), (&json!("offer"), &json!(true)), "{told}");
        assert_eq!(told["logged"], told["replayed"]);
        assert_eq!(told["bundle"]["target_quantity"], 5);
        assert!(told["reasoning"].to_string().contains("largest order so far, which had 4"), "{told}");
        let neighbour = shop.neighbour().await;
        let other = shop.client(crate::support::Credential::Key(neighbour.secret_key));
        other.get(&format!("/api/decisions/{id}")).await.expect(404);
    }

    async fn a_decision_that_was_tampered_with_is_not_the_same(database) {
        let shop = TestShop::start(database).await;
        put(&shop.backend(), CONTENT, &catalogue()).await.expect(200);
        let kit = kit(&shop).await;
        let start = started(&shop, "s");
        let mut decided = decision(&shop, &kit, &start);
        let probability = &mut decided.body[Decided::BODY_KEY]["decisions"][0]["candidates"][0]["probability"];
        *probability = json!(probability.as_u64().unwrap() + 1);
        send(&shop.edge(), &[start, decided]).await;
        let reply = shop.backend().get("/api/decisions/dec_s").await.expect(200);
        assert_eq!(reply["data"]["replay"]["same"], false);
    }
}

/// Pushes that wait for the edge.
async fn waiting(shop: &TestShop) -> i64 {
    let mut db = shop.app.db().read().await.unwrap();
    let waiting = footfall::edges::count_waiting(&mut db).await.unwrap();
    waiting.iter().map(|(_, count)| count).sum()
}
