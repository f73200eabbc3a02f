//! The funnel, cohorts and attribution: roll-ups that grow as events arrive, in whichever sequence.

use footfall::db::During as _;
use footfall::rebuild;
use footfall_shared::event::{Event, EventKind};
use footfall_shared::journey::event::{
    Conversion, Happening, Measured, Numbered, Persona, StageChange, Start, Touch,
};
use footfall_shared::journey::observed::PriceReaction;
use footfall_shared::journey::stage::Stage;
use footfall_shared::money::{Currency, MinorUnits};
use footfall_shared::permission::Scopes;
use footfall_shared::time::{DAY_MS, UtcMillis};
use serde_json::{Value, json};

use crate::support::build::{event, send};
use crate::support::{START, TestShop, on_both};

const FUNNEL: &str = "/api/journey/analytics/funnel";
const COHORTS: &str = "/api/journey/analytics/cohorts";

/// A session in the making.
struct Journey<'a> {
    shop: &'a TestShop,
    name: String,
    at: UtcMillis,
    visit: u32,
    events: Vec<Event>,
}

impl<'a> Journey<'a> {
    fn start(shop: &'a TestShop, name: &str, device: &str, source: &str, days_ago: i64) -> Self {
        let mut journey = Self {
            shop,
            name: name.to_owned(),
            at: START.plus(-days_ago * DAY_MS),
            visit: 1,
            events: Vec::new(),
        };
        journey.happen(Happening::Started(Start {
            device: Some(device.to_owned()),
            source: Some(source.to_owned()),
            persona: Some(Persona {
                kind: "TechEarlyAdopter".to_owned(),
                confidence_milli: 850,
            }),
            ..Start::default()
        }));
        journey
    }

    fn happen(&mut self, what: Happening) -> &mut Self {
        let seq = u32::try_from(self.events.len() + 1).unwrap();
        let mut made = event(self.shop.shop(), &format!("{}-{seq}", self.name));
        made.kind = EventKind::Journey;
        made.name = Some(what.name().to_owned());
        made.session_id = Some(self.name.clone());
        made.at = self.at;
        let numbered = Numbered {
            seq,
            visit: self.visit,
            what,
        };
        numbered.put_into(&mut made.body);
        self.events.push(made);
        self.at = self.at.plus(10_000);
        self
    }

    fn touch(&mut self, kind: &str, measured: Measured) -> &mut Self {
        self.happen(Happening::Touchpoint(Touch {
            kind: kind.to_owned(),
            page: None,
            interacted: false,
            measured,
        }))
    }

    fn go(&mut self, to: Stage) -> &mut Self {
        self.happen(Happening::StageChanged(StageChange {
            to,
            trigger: None,
            measured: Measured::default(),
            features: Vec::new(),
            comparisons: Vec::new(),
        }))
    }

    fn buy(&mut self, minor: i64) -> &mut Self {
        self.happen(Happening::Converted(Conversion {
            kind: Conversion::PURCHASE.to_owned(),
            value: MinorUnits::new(minor),
            currency: Currency::EUR,
            funnel_step: None,
            influencer: None,
        }))
    }

    fn come_back(&mut self, days_later: i64) -> &mut Self {
        self.at = self.at.plus(days_later * DAY_MS);
        self.visit += 1;
        self.touch("home", Measured::default())
    }
}

/// Forty sessions of all kinds.
fn many(shop: &TestShop) -> Vec<Event> {
    let mut events = Vec::new();
    for at in 0..40_i64 {
        let device = ["mobile", "desktop", "tablet"][at as usize % 3];
        let source = ["tiktok", "google", "direct", "newsletter"][at as usize % 4];
        let mut journey = Journey::start(shop, &format!("s{at}"), device, source, at % 25);
        journey.touch(
            "product_gallery_swipe",
            Measured {
                load_ms: Some(if at % 2 == 0 { 4_000 } else { 500 }),
                ..Measured::default()
            },
        );
        if at % 2 == 1 {
            journey.go(Stage::Consideration).touch(
                "comparison_table",
                Measured {
                    price_reaction: Some(PriceReaction::Negative),
                    exit_intent: Some(at % 3 == 0),
                    ..Measured::default()
                },
            );
        }
        if at % 4 == 1 {
            journey
                .go(Stage::Decision)
                .touch("checkout", Measured::default())
                .buy(9750 + at);
        }
        if at % 5 == 1 {
            journey.come_back(1).buy(1000);
        }
        events.append(&mut journey.events);
    }
    events
}

/// All roll-ups of the shop, as text.
async fn rollups(shop: &TestShop) -> Vec<String> {
    let mut lines = Vec::new();
    let mut db = shop.app.db().read().await.unwrap();
    for sql in [
        "SELECT day || ' ' || stage || ' ' || persona || ' ' || device || ' ' || source || ' ' || came_back \
            || ': ' || visitors || ' ' || went_on || ' ' || time_ms || ' ' || slow || ' ' || slow_on || ' ' \
            || leaving || ' ' || price || ' ' || price_on || ' ' || visual || ' ' || compared || ' ' || orders \
            || ' ' || revenue || ' ' || order_ms FROM journey_days WHERE visitors <> 0 ORDER BY 1",
        "SELECT first_week || ' ' || week || ': ' || visits || ' ' || buyers || ' ' || orders || ' ' || revenue \
            FROM journey_weeks WHERE visits <> 0 ORDER BY 1",
        "SELECT day || ' ' || model || ' ' || touchpoint || ': ' || sales || ' ' || revenue \
            FROM journey_credits WHERE sales <> 0 ORDER BY 1",
    ] {
        let rows: Vec<String> = footfall::on_db!(&mut db, |connection| {
            sqlx::query_scalar(sql).fetch_all(connection).await
        })
        .during("read the roll-ups")
        .unwrap();
        lines.extend(rows);
    }
    lines
}

on_both! {
    async fn the_funnel_counts_who_reached_each_stage(database) {
        let shop = TestShop::start(database).await;
        let mut events = Vec::new();
        for at in 0..10 {
            let mut journey = Journey::start(&shop, &format!("s{at}"), "mobile", "tiktok", 1);
            journey.touch("gallery", Measured::default());
            if at < 6 {
                journey.go(Stage::Consideration);
            }
            // A jump: who decides at once has considered, too.
            if at < 3 || at == 9 {
                journey.go(Stage::Decision);
            }
            if at < 2 {
                journey.buy(9750);
            }
            events.append(&mut journey.events);
        }
        send(&shop.edge(), &events).await;
        let told = shop.backend().get(FUNNEL).await.expect(200);
        let metrics = &told["funnelMetrics"];
        let visitors = ["awareness", "consideration", "decision", "purchase"].map(|stage| metrics[stage]["visitors"].clone());
        assert_eq!(visitors, [json!(10), json!(7), json!(4), json!(2)]);
        assert_eq!(metrics["awareness"]["conversionRate"], 0.7);
        assert_eq!(metrics["purchase"]["conversionRate"], 1.0);
        assert_eq!(metrics["purchase"]["averageOrderValue"], 97.5);
        assert_eq!(told["attribution"]["linear"], json!([{"touchpoint": "gallery", "conversions": 2.0, "value": 195.0}]));
        for (query, awareness) in [
            ("?persona=techearlyadopter&deviceType=mobile&trafficSource=TikTok&timeRange=7d", 10),
            ("?deviceType=desktop", 0), ("?persona=RemoteDad", 0), ("?trafficSource=google", 0),
        ] {
            let told = shop.backend().get(&format!("{FUNNEL}{query}")).await.expect(200);
            assert_eq!(told["funnelMetrics"]["awareness"]["visitors"], awareness, "{query}");
        }
        let nobody = shop.backend().get(&format!("{FUNNEL}?deviceType=desktop")).await.expect(200);
        assert_eq!(nobody["funnelMetrics"]["decision"]["conversionRate"], Value::Null);
        assert_eq!(nobody["funnelMetrics"]["purchase"]["averageOrderValue"], Value::Null);
        for (query, field) in [("?timeRange=1y", "timeRange"), ("?deviceType=fridge", "deviceType"), ("?persona=", "persona")] {
            let fault = shop.backend().get(&format!("{FUNNEL}{query}")).await.expect_error(400, "invalid_field");
            assert_eq!(fault["details"]["field"], field);
        }
        shop.browser().get(FUNNEL).await.expect_error(403, "forbidden");
        let neighbour = shop.neighbour().await;
        let other = shop.client(crate::support::Credential::Key(neighbour.secret_key));
        assert_eq!(other.get(FUNNEL).await.expect(200)["funnelMetrics"]["awareness"]["visitors"], 0);
    }

    async fn a_sale_is_credited_to_earlier_visits_and_a_long_visit_forgets_none(database) {
        let shop = TestShop::start(database).await;
        let mut journey = Journey::start(&shop, "s", "mobile", "tiktok", 9);
        journey.touch("video_ad", Measured::default());
        journey.come_back(7).buy(1000);
        send(&shop.edge(), &journey.events).await;
        let told = shop.backend().get(FUNNEL).await.expect(200);
        assert_eq!(told["attribution"]["first"][0]["touchpoint"], "video_ad", "{told}");
        assert_eq!(told["attribution"]["last"][0]["touchpoint"], "home");
        assert_eq!(told["attribution"]["linear"].as_array().unwrap().len(), 2);
        // More sales and more steps than a session remembers.
        let mut long = Journey::start(&shop, "long", "desktop", "google", 1);
        for _ in 0..25 {
            long.buy(1000);
        }
        for at in 0..40 {
            long.go(if at % 2 == 0 { Stage::Consideration } else { Stage::Awareness });
        }
        for batch in long.events.chunks(7) {
            send(&shop.edge(), batch).await;
        }
        let told = shop.backend().get(&format!("{FUNNEL}?deviceType=desktop")).await.expect(200);
        assert_eq!(told["funnelMetrics"]["purchase"]["visitors"], 1);
        assert_eq!(told["funnelMetrics"]["purchase"]["averageOrderValue"], 10.0);
        let before = rollups(&shop).await;
        assert!(before.iter().any(|line| line.contains(" 25 25000 ")), "{before:?}");
        rebuild::run(&shop.app).await.unwrap();
        assert_eq!(rollups(&shop).await, before, "after a rebuild");
    }

    async fn cohorts_are_told_by_how_a_visit_began_and_by_the_first_week(database) {
        let shop = TestShop::start(database).await;
        send(&shop.edge(), &many(&shop)).await;
        let told = shop.backend().get(COHORTS).await.expect(200);
        let cohorts = &told["cohortAnalysis"];
        let size = |name: &str| cohorts[name]["cohortSize"].as_i64().unwrap();
        let all = ["mobileVideoTraffic", "desktopResearchers", "returningCustomers", "otherVisitors"].map(size);
        assert_eq!(all.iter().sum::<i64>(), 48, "40 first visits and 8 second ones: {cohorts}");
        assert_eq!(size("returningCustomers"), 8);
        assert_eq!(cohorts["returningCustomers"]["conversionRate"], 1.0);
        assert_eq!(cohorts["returningCustomers"]["lifeTimeValue"], 10.0);
        assert!(cohorts["returningCustomers"]["averageTimeToConversion"].as_f64().unwrap() > 0.0);
        let weeks = told["byFirstWeek"].as_object().unwrap();
        let first: i64 = weeks.values().map(|week| week["cohortSize"].as_i64().unwrap()).sum();
        assert_eq!(first, 40, "{told}");
        assert!(weeks.contains_key("2026-W48"), "{told}");
    }

    async fn the_roll_ups_do_not_depend_on_the_sequence_of_arrival(database) {
        let (shop, other) = (TestShop::start(database).await, TestShop::start(database).await);
        let events = many(&shop);
        for batch in events.chunks(50) {
            send(&shop.edge(), batch).await;
        }
        let in_sequence = rollups(&shop).await;
        assert!(in_sequence.len() > 40, "{in_sequence:?}");
        let events = many(&other);
        // Far apart, and a part of them twice.
        let mut mixed: Vec<Event> = (0..events.len()).map(|at| events[at * 101 % events.len()].clone()).collect();
        mixed.extend_from_slice(&events[..30]);
        for batch in mixed.chunks(13) {
            send(&other.edge(), batch).await;
        }
        assert_eq!(rollups(&other).await, in_sequence);
        rebuild::run(&other.app).await.unwrap();
        assert_eq!(rollups(&other).await, in_sequence, "after a rebuild");
    }

    async fn a_hundred_analyses_a_minute_and_caller_are_the_most_also_at_once(database) {
        let shop = TestShop::start(database).await;
        let calls = (0..120).map(|_| {
            let client = shop.backend();
            tokio::spawn(async move { client.get(FUNNEL).await.status })
        });
        let calls: Vec<_> = calls.collect();
        let mut answered = 0;
        for call in calls {
            match call.await.unwrap().as_u16() {
                200 => answered += 1,
                status => assert_eq!(status, 429),
            }
        }
        assert_eq!(answered, 100);
        let refused = shop.backend().get(COHORTS).await;
        refused.expect_error(429, "rate_limit_exceeded");
        let wait: i64 = refused.headers["retry-after"].to_str().unwrap().parse().unwrap();
        assert!((1..=60).contains(&wait), "{wait}");
        let other = shop.scoped(Scopes::ALL).await;
        other.get(FUNNEL).await.expect(200);
        shop.pass(60_000);
        shop.backend().get(FUNNEL).await.expect(200);
    }
}
