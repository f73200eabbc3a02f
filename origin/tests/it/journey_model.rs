//! A shop's own conversion model: fitted on its sessions, served only if it is better.

use std::sync::Arc;
use std::sync::atomic::AtomicI64;

use footfall::app::{App, Clock};
use footfall::db::Db;
use footfall::journey::model::evaluate::Evaluation;
use footfall::journey::model::job::{ModelError, fit_due, fit_shop, model_in_service};
use footfall_shared::event::{Event, EventKind};
use footfall_shared::experiment::seed::Seed;
use footfall_shared::journey::event::{
    Conversion, Happening, Measured, Numbered, StageChange, Start, Touch,
};
use footfall_shared::journey::features::NAMES;
use footfall_shared::journey::model::Basis;
use footfall_shared::journey::stage::Stage;
use footfall_shared::money::{Currency, MinorUnits};
use footfall_shared::time::{DAY_MS, HOUR_MS};
use serde_json::json;

use crate::support::build::{event, send};
use crate::support::{START, TestShop, config_of, on_both};

/// The true coefficients: what buys is drawn by them, so that they hold at each moment of a session.
const INTERCEPT: f64 = -0.7;
const MOBILE: f64 = -2.0;
const DECISION: f64 = 1.2;
/// The share of sessions that reach the decision, on any device.
const DECIDES: f64 = 0.3;

/// A visitor: the device, whether the decision is reached, and what is bought.
struct Visitor {
    mobile: bool,
    decides: bool,
    buys: bool,
}

/// The true probability of a sale at a moment.
fn truth(mobile: bool, decision: bool) -> f64 {
    let term = |is: bool, weight: f64| if is { weight } else { 0.0 };
    let odds = INTERCEPT + term(mobile, MOBILE) + term(decision, DECISION);
    1.0 / (1.0 + (-odds).exp())
}

impl Visitor {
    /// The visitor with this number; `likes_phones` turns round what the devices are worth.
    fn drawn(number: u32, likes_phones: bool) -> Self {
        let chance = |what: &str| {
            let drawn = Seed::of(&["model", what, &number.to_string()]).below(1_000_000);
            f64::from(drawn) / 1e6
        };
        let mobile = chance("device") < 0.5;
        let decides = chance("decides") < DECIDES;
        // Before the decision nobody knows who will reach it: there the truth is the mean of those who do and do not.
        let (before, after) = (
            truth(mobile != likes_phones, false),
            truth(mobile != likes_phones, true),
        );
        let others = (before - DECIDES * after) / (1.0 - DECIDES);
        Self {
            mobile,
            decides,
            buys: chance("buys") < if decides { after } else { others },
        }
    }

    fn happenings(&self) -> Vec<Happening> {
        let start = Start {
            device: Some(if self.mobile { "mobile" } else { "desktop" }.to_owned()),
            ..Start::default()
        };
        let touch = Touch {
            kind: "product_view".to_owned(),
            page: None,
            interacted: false,
            measured: Measured::default(),
        };
        let mut happenings = vec![Happening::Started(start), Happening::Touchpoint(touch)];
        if self.decides {
            happenings.push(Happening::StageChanged(StageChange {
                to: Stage::Decision,
                trigger: None,
                measured: Measured::default(),
                features: Vec::new(),
                comparisons: Vec::new(),
            }));
        }
        if self.buys {
            happenings.push(Happening::Converted(Conversion {
                kind: Conversion::PURCHASE.to_owned(),
                value: MinorUnits::new(1495),
                currency: Currency::EUR,
                funnel_step: None,
                influencer: None,
            }));
        }
        happenings
    }

    /// The true probability at each moment before the purchase, and what became of it.
    fn moments(&self) -> impl Iterator<Item = (f64, bool)> {
        let stages = [false, false]
            .into_iter()
            .chain(self.decides.then_some(true));
        stages.map(|decision| (truth(self.mobile, decision), self.buys))
    }
}

/// The sessions of visitors with these numbers, each 12 minutes after the one before; the last is over long ago.
async fn visit(shop: &TestShop, numbers: std::ops::Range<u32>, likes_phones: bool) {
    let mut events = Vec::<Event>::new();
    for number in numbers {
        let begun = START.plus(i64::from(number) * HOUR_MS / 5 - 30 * DAY_MS);
        let happenings = Visitor::drawn(number, likes_phones).happenings();
        for (seq, what) in (1..).zip(happenings) {
            let mut made = event(shop.shop(), &format!("m{number}-{seq}"));
            made.kind = EventKind::Journey;
            made.name = Some(what.name().to_owned());
            made.session_id = Some(format!("m{number}"));
            made.at = begun.plus(i64::from(seq) * 20_000);
            Numbered {
                seq,
                visit: 1,
                what,
            }
            .put_into(&mut made.body);
            events.push(made);
        }
    }
    for batch in events.chunks(400) {
        send(&shop.edge(), batch).await;
    }
}

/// Another node over the shop's database.
async fn other_node(shop: &TestShop) -> App {
    let config = config_of(shop, &[]);
    let db = Db::connect(config.database_url.reveal()).await.unwrap();
    let clock = Clock::Held(Arc::new(AtomicI64::new(START.get())));
    App::with_clock(config, db, clock)
}

async fn model(shop: &TestShop) -> serde_json::Value {
    let told = shop.backend().get("/api/journey/model").await.expect(200);
    told["data"].clone()
}

on_both! {
    async fn a_better_model_of_the_shops_own_is_served(database) {
        let shop = TestShop::start(database).await;
        visit(&shop, 0..1200, false).await;
        let told = model(&shop).await;
        assert_eq!(told["basis"], "prior");
        assert!(told["buyers"].as_i64().unwrap() >= 200, "{told}");
        assert_eq!(fit_due(&shop.app).await.unwrap(), 1);
        let told = model(&shop).await;
        assert_eq!((&told["basis"], &told["version"]), (&"fitted".into(), &"shop-1".into()));
        assert_eq!(told["tries"][0]["state"], "published");
        let figures = &told["tries"][0]["figures"];
        let of = |whose: &str, name: &str| figures[whose][name].as_f64().unwrap();
        assert!(of("own", "log_loss") < of("in_service", "log_loss"), "{figures}");
        assert!(of("own", "auc") > of("in_service", "auc"), "{figures}");
        // The edges decide by it, and replies say so.
        let asked = json!({"shop": shop.shop().id});
        let kit = shop.edge().post("/internal/journey/kit", &asked).await.expect(200);
        assert_eq!(kit["kit"]["model"]["version"], "shop-1");
        let state = shop.backend().get("/api/journey/sessions/m1/state").await.expect(200);
        assert_eq!(state["journeyState"]["basis"], "fitted");
    }

    async fn a_fitted_model_tells_buyers_apart_as_well_as_the_truth_does(database) {
        let shop = TestShop::start(database).await;
        visit(&shop, 0..1600, false).await;
        let fitted = fit_shop(&shop.app, shop.shop()).await.unwrap();
        assert_eq!(fitted.model.sessions, 1600 * 70 / 100, "each session is read once");
        let late = (1600 * 70 / 100..1600).flat_map(|number| {
            Visitor::drawn(number, false).moments().collect::<Vec<_>>()
        });
        let truth = Evaluation::of(late.collect()).unwrap();
        assert!((fitted.own.auc - truth.auc).abs() < 0.01, "{fitted:?} {truth:?}");
        assert!(fitted.own.log_loss < truth.log_loss + 0.01, "{fitted:?} {truth:?}");
        assert!(fitted.own.calibration_error < 0.05, "{fitted:?}");
        let weight = |name| fitted.model.weights.0[NAMES.iter().position(|one| *one == name).unwrap()];
        assert!((weight("mobile") - MOBILE).abs() < 0.4, "{}", weight("mobile"));
        assert!((weight("stage_decision") - DECISION).abs() < 0.4, "{}", weight("stage_decision"));
    }

    async fn a_model_of_worse_data_is_kept_but_does_not_serve(database) {
        let shop = TestShop::start(database).await;
        visit(&shop, 0..1200, false).await;
        assert_eq!(fit_due(&shop.app).await.unwrap(), 1);
        // For a while phones buy and desktops do not, then all is as it was: what judges is like the beginning.
        visit(&shop, 1200..2000, true).await;
        visit(&shop, 2000..2900, false).await;
        assert_eq!(fit_due(&shop.app).await.unwrap(), 0, "once a day");
        shop.pass(DAY_MS);
        assert_eq!(fit_due(&shop.app).await.unwrap(), 1);
        let told = model(&shop).await;
        let states = [&told["tries"][0]["state"], &told["tries"][1]["state"]];
        assert_eq!(states, ["beaten", "published"], "{told}");
        let figures = &told["tries"][0]["figures"];
        let loss = |whose: &str| figures[whose]["log_loss"].as_f64().unwrap();
        assert!(loss("own") > loss("in_service") + 0.005, "{figures}");
        let mut db = shop.app.db().read().await.unwrap();
        let serving = model_in_service(&mut db, &shop.shop().id).await.unwrap();
        assert_eq!((serving.version.as_str(), serving.basis), ("shop-1", Basis::Fitted));
    }

    async fn of_two_nodes_one_fits(database) {
        let shop = TestShop::start(database).await;
        visit(&shop, 0..1200, false).await;
        let other = other_node(&shop).await;
        let (one, another) = tokio::join!(fit_due(&shop.app), fit_due(&other));
        assert_eq!(one.unwrap() + another.unwrap(), 1);
        assert_eq!(model(&shop).await["tries"].as_array().unwrap().len(), 1);
    }

    async fn of_two_fits_at_once_no_one_serves_unjudged_beside_the_other(database) {
        let shop = TestShop::start(database).await;
        visit(&shop, 0..1200, false).await;
        let other = other_node(&shop).await;
        let tries = tokio::join!(fit_shop(&shop.app, shop.shop()), fit_shop(&other, shop.shop()));
        // Where they do not overlap the second is judged beside the first, and is no better than itself.
        let late = match tries {
            (Ok(first), late) if first.is_better() => late,
            (late, first) => { assert!(first.unwrap().is_better()); late }
        };
        match late {
            Ok(late) => assert!(!late.is_better(), "{late:?}"),
            Err(late) => assert!(matches!(late, ModelError::Overtaken), "{late:?}"),
        }
        assert_eq!(model(&shop).await["version"], "shop-1");
    }

    async fn a_shop_with_few_conversions_keeps_the_prior_and_is_told_why(database) {
        let shop = TestShop::start(database).await;
        visit(&shop, 0..60, false).await;
        assert_eq!(fit_due(&shop.app).await.unwrap(), 0);
        let none = fit_shop(&shop.app, shop.shop()).await.unwrap_err();
        assert!(none.to_string().contains("200"), "{none}");
        let told = model(&shop).await;
        assert_eq!(told["basis"], "prior");
        let bought = |numbers: std::ops::Range<u32>| numbers.filter(|one| Visitor::drawn(*one, false).buys).count();
        let tried = &told["tries"][0];
        assert_eq!((&tried["state"], &tried["visits"]), (&"too_few".into(), &60.into()), "{told}");
        assert_eq!((&tried["conversions"], &tried["judging"]), (&bought(0..60).into(), &bought(42..60).into()));
    }

    async fn buyers_that_are_all_early_judge_nothing(database) {
        let shop = TestShop::start(database).await;
        visit(&shop, 0..1200, false).await;
        // Many sessions without a sale come after them.
        let numbers = (1200..2900).filter(|one| !Visitor::drawn(*one, false).buys);
        for number in numbers {
            visit(&shop, number..number + 1, false).await;
        }
        assert_eq!(fit_due(&shop.app).await.unwrap(), 1);
        let told = model(&shop).await;
        assert_eq!((&told["basis"], &told["tries"][0]["state"]), (&"prior".into(), &"too_few".into()));
        assert_eq!(told["tries"][0]["judging"], 0);
        assert_eq!(fit_due(&shop.app).await.unwrap(), 0, "and it is looked at again in a day");
    }

    async fn a_session_that_goes_on_is_left_out(database) {
        let shop = TestShop::start(database).await;
        visit(&shop, 0..60, false).await;
        let mut live = event(shop.shop(), "live-1");
        live.kind = EventKind::Journey;
        live.session_id = Some("live".to_owned());
        live.at = START.plus(-60_000);
        let what = Happening::Started(Start::default());
        live.name = Some(what.name().to_owned());
        Numbered { seq: 1, visit: 1, what }.put_into(&mut live.body);
        send(&shop.edge(), &[live]).await;
        let visits = async || {
            fit_shop(&shop.app, shop.shop()).await.unwrap_err();
            model(&shop).await["tries"][0]["visits"].clone()
        };
        assert_eq!(visits().await, 60);
        shop.pass(HOUR_MS);
        assert_eq!(visits().await, 61);
    }
}
