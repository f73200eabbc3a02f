//! Figures that grow are figures that are made anew.

use footfall::db::{self, During};
use footfall::jobs::work_until_idle;
use footfall::on_db;
use footfall_shared::event::Event;
use proptest::collection::{SizeRange, vec};
use proptest::sample::select;
use proptest::strategy::{Strategy, ValueTree};
use proptest::test_runner::{Config, TestRunner};
use serde_json::json;
use tokio::runtime::Handle;
use tokio::task::block_in_place;

use super::{Did, did, get, refresh, tell};
use crate::support::build::send;
use crate::support::{Database, TestShop, on_both};

/// The tables, and what is read of them; the run is left out.
const TABLES: [(&str, &str); 6] = [
    (
        "visits",
        "key || '|' || first_at || '|' || last_at || '|' || visitor || '|' || body",
    ),
    (
        "visit_days",
        "day || '|' || device || '|' || counted || '|' || visits || '|' || took_ms || '|' || views",
    ),
    (
        "visit_facets",
        "day || '|' || step || '|' || facet || '|' || value || '|' || visits || '|' || went_on",
    ),
    (
        "visitor_days",
        "visitor || '|' || day || '|' || device || '|' || counts",
    ),
    (
        "visitor_gaps",
        "counted || '|' || device || '|' || day || '|' || day_before || '|' || visitors",
    ),
    (
        "feedback_days",
        "day || '|' || page || '|' || class || '|' || topic || '|' || said || '|' || score",
    ),
];

/// All figures of the live run; sums that came back to nothing are left out.
pub(crate) async fn figures(shop: &TestShop) -> Vec<String> {
    let mut all = Vec::new();
    let mut db = shop.app.db().read().await.unwrap();
    for (table, text) in TABLES {
        let nothing = match table {
            "visit_days" | "visit_facets" => " AND t.visits <> 0",
            "visitor_gaps" => " AND visitors <> 0",
            _ => "",
        };
        let sql = format!(
            "SELECT {text} FROM {table} t JOIN analytics_runs r ON r.shop_id = t.shop_id AND r.run = t.run \
             AND r.state = 'live' WHERE t.shop_id = $1{nothing} ORDER BY 1"
        );
        let rows: Vec<String> = read(&mut db, &sql, shop.shop().id.as_str()).await;
        all.extend(rows.into_iter().map(|row| format!("{table}: {row}")));
    }
    all
}

async fn read(db: &mut impl db::Handle, sql: &str, shop: &str) -> Vec<String> {
    on_db!(db, |connection| {
        sqlx::query_scalar(sqlx::AssertSqlSafe(sql))
            .bind(shop)
            .fetch_all(connection)
            .await
    })
    .during("read figures in a test")
    .unwrap()
}

/// What visitors do, close together in time, so that visits touch and merge.
fn deeds(count: impl Into<SizeRange>) -> impl Strategy<Value = Vec<Did>> {
    const PAGES: [&str; 7] = [
        "/",
        "/search",
        "/checkout",
        "/product/tea",
        "Order Completed",
        "Payment Failed",
        "Feedback",
    ];
    let deed = (
        select(&["ann", "bob", "eve"][..]),
        -288_i64..72,
        select(&PAGES[..]),
        select(&[None, None, Some("s1"), Some("s2")][..]),
        select(&["mobile", "desktop", "fridge"][..]),
    );
    let deed = deed.prop_map(|(visitor, at, page, session, device)| {
        let deed = did(visitor, at * 20, page).on(device);
        match session {
            Some(session) => deed.session(session),
            None => deed,
        }
    });
    vec(deed, count)
}

/// Sends what was done in batches of these sizes, and compares the figures with those that are made anew.
async fn grow_and_make_anew(database: Database, deeds: &[Did], batches: &[usize]) {
    let shop = TestShop::start(database).await;
    let mut events: Vec<Event> = Vec::new();
    for (n, did) in deeds.iter().enumerate() {
        let mut event = did.event(&shop, &format!("e{n}"));
        if did.what == "Feedback" {
            let said =
                json!({"comment": "I love this", "page_type": "search", "rating": n % 5 + 1});
            event.body.insert("properties".into(), said);
        }
        if n % 7 == 0 {
            event.user_id = Some("known".into());
        }
        events.push(event);
    }
    // Some come twice.
    events.extend(events[..events.len().min(20)].to_vec());
    for size in batches {
        let rest = events.split_off(events.len().min(*size));
        send(&shop.edge(), &events).await;
        events = rest;
    }
    let grown = figures(&shop).await;
    refresh(&shop).await;
    let made = figures(&shop).await;
    assert!(!grown.is_empty());
    assert_eq!(grown, made);
    footfall::rebuild::run(&shop.app).await.unwrap();
    assert_eq!(figures(&shop).await, made, "rebuilt");
}

on_both! {
    async fn figures_that_are_made_anew_are_those_that_grew(database) {
        let config = Config { cases: 5, max_shrink_iters: 40, failure_persistence: None, ..Config::default() };
        let cases = (deeds(20..120), vec(1..40_usize, 120));
        let proven = block_in_place(|| TestRunner::new(config).run(&cases, |(deeds, batches)| {
            Handle::current().block_on(grow_and_make_anew(database, &deeds, &batches));
            Ok(())
        }));
        proven.unwrap();
    }

    async fn a_refresh_beside_arriving_events_loses_and_repeats_none(database) {
        let shop = TestShop::start(database).await;
        let deeds = deeds(600).new_tree(&mut TestRunner::default()).unwrap().current();
        for (n, batch) in deeds.chunks(60).enumerate() {
            let events: Vec<Event> = batch.iter().enumerate().map(|(m, did)| did.event(&shop, &format!("e{n}-{m}"))).collect();
            if n == 4 {
                shop.backend().post("/analytics/refresh", &json!({})).await.expect(202);
            }
            let edge = shop.edge();
            let (_, worked) = tokio::join!(send(&edge, &events), work_until_idle(&shop.app));
            worked.unwrap();
        }
        let grown = figures(&shop).await;
        refresh(&shop).await;
        assert_eq!(figures(&shop).await, grown);
    }

    async fn a_shop_of_an_earlier_release_gets_its_figures(database) {
        let shop = TestShop::start(database).await;
        tell(&shop, &[did("ann", 0, "/"), did("bob", 0, "/")]).await;
        work_until_idle(&shop.app).await.unwrap();
        assert_eq!(footfall::analytics::ask_where_missing(&shop.app).await.unwrap(), 0);
        let mut tx = shop.app.db().begin().await.unwrap();
        footfall::analytics::clear(&mut tx, &shop.shop().id).await.unwrap();
        tx.commit().await.unwrap();
        assert_eq!(crate::analytics::users_of(&get(&shop, "/analytics/funnel").await)[0], 0);
        assert_eq!(footfall::analytics::ask_where_missing(&shop.app).await.unwrap(), 1);
        work_until_idle(&shop.app).await.unwrap();
        assert_eq!(crate::analytics::users_of(&get(&shop, "/analytics/funnel").await)[0], 2);
    }

    async fn another_window_or_pause_makes_other_figures(database) {
        let shop = TestShop::start(database).await;
        tell(&shop, &[did("ann", 0, "/"), did("ann", 20, "/search"), did("ann", 45, "/checkout")]).await;
        let users = |funnel: serde_json::Value| crate::analytics::users_of(&funnel);
        assert_eq!(users(get(&shop, "/analytics/funnel").await), [1, 1, 1, 0]);
        let change = |settings: serde_json::Value| {
            let shop = &shop;
            async move {
                let request = http::Request::patch("/api/settings").header("content-type", "application/json");
                shop.admin().send(request, serde_json::to_vec(&settings).unwrap()).await.expect(200);
                work_until_idle(&shop.app).await.unwrap();
            }
        };
        change(json!({"funnel_window_minutes": 30})).await;
        assert_eq!(users(get(&shop, "/analytics/funnel").await), [1, 1, 0, 0]);
        change(json!({"funnel_window_minutes": null, "session_idle_minutes": 10})).await;
        assert_eq!(users(get(&shop, "/analytics/funnel").await), [1, 0, 0, 0]);
        change(json!({"session_idle_minutes": null, "funnel_pages": ["confirmation=/checkout"]})).await;
        assert_eq!(users(get(&shop, "/analytics/funnel").await), [1, 1, 0, 0]);
    }

    async fn what_bots_do_is_not_counted_until_people_say_that_they_are_none(database) {
        let shop = TestShop::start(database).await;
        let mut deed = did("crawler", 0, "/");
        deed.context = json!({"userAgent": "curl/8.5.0"});
        tell(&shop, &[deed, did("ann", 0, "/")]).await;
        assert_eq!(crate::analytics::users_of(&get(&shop, "/analytics/funnel").await)[0], 1);
        let moved = json!({"user_agent": "curl/8.5.0", "lane": "people"});
        shop.admin().post("/api/bots/reclassify", &moved).await.expect(200);
        work_until_idle(&shop.app).await.unwrap();
        assert_eq!(crate::analytics::users_of(&get(&shop, "/analytics/funnel").await)[0], 2);
    }
}
