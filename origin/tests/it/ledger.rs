//! What became of every accepted event: verdicts that a retry does not change, rejections that can be
//! looked at and mended, and the alarm when nothing comes any more.

use footfall::db::Db;
use footfall::ingest::{silence, stored_of_outbox};
use footfall_shared::event::Event;
use footfall_shared::id::OutboxId;
use footfall_shared::time::HOUR_MS;
use serde_json::{Value, json};

use crate::support::build::{event, send, verdicts};
use crate::support::{Credential, START, TestShop, on_both};

fn outbox(number: u8) -> OutboxId {
    OutboxId::generate(START, [number; 10])
}

/// Sends events as an edge does, each under its handle.
async fn deliver(shop: &TestShop, from: &OutboxId, events: &[(i64, Event)]) -> Vec<String> {
    let (handles, events): (Vec<_>, Vec<_>) = events.iter().cloned().unzip();
    let batch = json!({"outbox": from, "handles": handles, "events": events});
    let receipt = shop
        .edge()
        .post("/internal/events", &batch)
        .await
        .expect(200);
    verdicts(&receipt)
}

/// Makes every attempt to store the event of this id fail.
async fn poison(db: &Db, id: &str) {
    let lite = format!(
        "CREATE TRIGGER poison BEFORE INSERT ON events WHEN new.id = '{id}' \
         BEGIN SELECT RAISE(ABORT, 'poison'); END"
    );
    let pg = format!(
        "CREATE FUNCTION poison() RETURNS trigger AS $$ BEGIN RAISE 'poison'; END $$ LANGUAGE plpgsql; \
         CREATE TRIGGER poison BEFORE INSERT ON events FOR EACH ROW WHEN (new.id = '{id}') \
         EXECUTE FUNCTION poison()"
    );
    execute(db, lite, pg).await;
}

async fn mend(db: &Db) {
    execute(
        db,
        "DROP TRIGGER poison".into(),
        "DROP TRIGGER poison ON events".into(),
    )
    .await;
}

async fn execute(db: &Db, lite: String, pg: String) {
    match db {
        Db::Lite { writer, .. } => {
            let done = sqlx::raw_sql(sqlx::AssertSqlSafe(lite))
                .execute(writer)
                .await;
            done.map(|_| ()).unwrap();
        }
        Db::Pg(pool) => {
            let done = sqlx::raw_sql(sqlx::AssertSqlSafe(pg)).execute(pool).await;
            done.map(|_| ()).unwrap();
        }
    }
}

async fn rejected(shop: &TestShop, query: &str) -> Value {
    let path = format!("/api/events/rejected{query}");
    shop.backend().get(&path).await.expect(200)
}

async fn stored(shop: &TestShop, from: &OutboxId) -> Option<u64> {
    let mut db = shop.app.db().read().await.unwrap();
    let counts = stored_of_outbox(&mut db, from).await.unwrap();
    counts.get(shop.shop().id.as_str()).copied()
}

on_both! {
    async fn a_lost_receipt_is_told_again(database) {
        let shop = TestShop::start(database).await;
        let (one, other) = (outbox(1), outbox(2));
        let batch = [(7, event(shop.shop(), "a")), (8, event(shop.shop(), "b"))];
        for _ in 0..3 {
            assert_eq!(deliver(&shop, &one, &batch).await, ["appended", "appended"]);
        }
        // The same id, accepted anew here or elsewhere, is a duplicate, however often it is told.
        for _ in 0..2 {
            let again = [(9, event(shop.shop(), "a"))];
            assert_eq!(deliver(&shop, &one, &again).await, ["duplicate"]);
            let elsewhere = [(7, event(shop.shop(), "a"))];
            assert_eq!(deliver(&shop, &other, &elsewhere).await, ["duplicate"]);
        }
        assert_eq!((stored(&shop, &one).await, stored(&shop, &other).await), (Some(2), None));
    }

    async fn one_batch_may_hold_an_id_twice_and_be_told_twice_at_once(database) {
        let shop = TestShop::start(database).await;
        let from = outbox(1);
        let batch = [(1, event(shop.shop(), "a")), (2, event(shop.shop(), "a"))];
        let (one, again) = tokio::join!(deliver(&shop, &from, &batch), deliver(&shop, &from, &batch));
        let verdicts = vec!["appended".to_owned(), "duplicate".to_owned()];
        assert_eq!((one, again), (verdicts.clone(), verdicts));
        assert_eq!(stored(&shop, &from).await, Some(1));
    }

    async fn an_event_that_cannot_be_stored_is_given_up_alone_and_mended_later(database) {
        let shop = TestShop::start(database).await;
        poison(shop.app.db(), "b").await;
        let batch: Vec<_> = (1..).zip(["a", "b", "c"].map(|id| event(shop.shop(), id))).collect();
        for _ in 0..2 {
            let verdicts = deliver(&shop, &outbox(1), &batch).await;
            assert_eq!(verdicts, ["appended", "rejected", "appended"]);
        }
        let page = rejected(&shop, "").await;
        assert_eq!(page["events"].as_array().unwrap().len(), 1);
        let kept = &page["events"][0];
        assert_eq!((&kept["code"], &kept["event"]["id"]), (&json!("not_storable"), &json!("b")));
        assert!(!kept["reason"].as_str().unwrap().is_empty());

        let replay = "/api/events/rejected/replay";
        let still = shop.backend().post(replay, &json!({})).await.expect(200);
        assert_eq!((&still["replayed"], &still["rejected"]), (&json!(0), &json!(1)));
        mend(shop.app.db()).await;
        let named = json!({"ids": [kept["id"]]});
        let mended = shop.admin().post(replay, &named).await.expect(200);
        assert_eq!((&mended["replayed"], &mended["rejected"]), (&json!(1), &json!(0)));
        assert_eq!(rejected(&shop, "").await["events"], json!([]));
        let log = shop.backend().get("/api/events").await.expect(200);
        assert_eq!(log["events"][0]["messageId"], "b");
    }

    async fn a_database_that_is_away_is_no_events_fault(database) {
        let shop = TestShop::start(database).await;
        shop.app.db().close().await;
        let batch = json!({"events": [event(shop.shop(), "a")]});
        let reply = shop.edge().post("/internal/events", &batch).await;
        reply.expect_error(503, "unavailable");
    }

    async fn rejected_events_are_told_page_by_page_to_their_shop_alone(database) {
        let shop = TestShop::start(database).await;
        for number in 0..5 {
            let unread = json!({"shop": shop.shop().id, "number": number});
            shop.edge().post("/internal/events", &json!({"events": [unread]})).await.expect(200);
            shop.pass(1000);
        }
        let mut numbers = Vec::new();
        let mut query = "?limit=2".to_owned();
        loop {
            let page = rejected(&shop, &query).await;
            let events = page["events"].as_array().unwrap();
            numbers.extend(events.iter().map(|one| one["event"]["number"].as_i64().unwrap()));
            assert!(events.iter().all(|one| one["code"] == "invalid_event"));
            let Some(next) = page["next_cursor"].as_str() else { break };
            query = format!("?limit=2&cursor={next}");
        }
        assert_eq!(numbers, [4, 3, 2, 1, 0]);
        let neighbour = shop.neighbour().await;
        let other = shop.client(Credential::Key(neighbour.secret_key));
        assert_eq!(other.get("/api/events/rejected").await.expect(200)["events"], json!([]));
        shop.browser().get("/api/events/rejected").await.expect(403);
        for wrong in ["?limit=0", "?limit=501", "?cursor=x", "?cursor=1:zz"] {
            let path = format!("/api/events/rejected{wrong}");
            shop.backend().get(&path).await.expect_error(400, "invalid_field");
        }
        let no_ids = json!({"ids": []});
        shop.backend().post("/api/events/rejected/replay", &no_ids).await.expect(400);
    }

    async fn a_shop_whose_events_stop_is_noticed(database) {
        let shop = TestShop::start(database).await;
        for hour in 0..30 {
            let received_at = shop.app.now();
            let one = Event { received_at, ..event(shop.shop(), &format!("event-{hour}")) };
            deliver(&shop, &outbox(1), &[(hour, one)]).await;
            shop.pass(HOUR_MS);
        }
        let silent = async || {
            let mut db = shop.app.db().read().await.unwrap();
            let found = silence::find_silent(&mut db, shop.app.now()).await.unwrap();
            found.into_iter().map(|one| (one.shop, one.hours)).collect::<Vec<_>>()
        };
        assert_eq!(silent().await, []);
        shop.pass(2 * HOUR_MS);
        assert_eq!(silent().await, [("demo".to_owned(), 2)]);
        // What the origin makes itself is no sign of life of the shop's pages.
        send(&shop.edge(), &[event(shop.shop(), "without an outbox")]).await;
        assert_eq!(silent().await.len(), 1);
    }

    async fn bots_have_a_lane_of_their_own_and_the_shop_may_know_better(database) {
        let shop = TestShop::start(database).await;
        const APP: &str = "OurShopApp/2.1 (compatible; okhttp/4.12)";
        let by = |id: &str, agent: &str| {
            let mut one = event(shop.shop(), id);
            one.body.insert("context".to_owned(), json!({"userAgent": agent}));
            one
        };
        let mozilla = "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/142.0.0.0 Safari/537.36";
        let batch = [by("bot", "curl/8.5.0"), by("app", APP), by("person", mozilla), event(shop.shop(), "unnamed")];
        assert_eq!(send(&shop.edge(), &batch).await, ["appended"; 4]);
        let lane = async |lane: &str| {
            let page = shop.backend().get(&format!("/api/events?lane={lane}")).await.expect(200);
            let ids = page["events"].as_array().unwrap().iter();
            ids.map(|one| one["messageId"].as_str().unwrap().to_owned()).collect::<Vec<_>>()
        };
        assert_eq!(lane("bots").await, ["app", "bot"]);
        assert_eq!(lane("people").await, ["unnamed", "person"]);
        let listed = shop.admin().get("/api/bots").await.expect(200);
        assert_eq!(listed["bots"].as_array().unwrap().len(), 2);

        let better = json!({"user_agent": APP, "lane": "people"});
        let reply = shop.admin().post("/api/bots/reclassify", &better).await.expect(200);
        assert_eq!(reply["moved"], 1);
        assert_eq!(lane("bots").await, ["bot"]);
        send(&shop.edge(), &[by("later", APP)]).await;
        assert_eq!(lane("people").await, ["later", "unnamed", "person", "app"]);
        let neighbour = shop.neighbour().await;
        let other = shop.client(Credential::Key(neighbour.secret_key));
        assert_eq!(other.get("/api/bots").await.expect(200)["bots"], json!([]));
        for wrong in [json!({"user_agent": "", "lane": "bots"}), json!({"user_agent": "x", "lane": "cats"})] {
            shop.admin().post("/api/bots/reclassify", &wrong).await.expect(400);
        }
        shop.backend().get("/api/events?lane=cats").await.expect_error(400, "invalid_field");
    }
}
