//! A shop's own conversion model: fitted on its sessions, served only if it is better.

use footfall::journey::model::job::{fit_due, fit_shop, model_in_service};
use footfall_shared::event::{Event, EventKind};
use footfall_shared::experiment::seed::Seed;
use footfall_shared::journey::event::{
    Conversion, Happening, Measured, Numbered, StageChange, Start, Touch,
};
use footfall_shared::journey::model::Basis;
use footfall_shared::journey::stage::Stage;
use footfall_shared::money::{Currency, MinorUnits};
use footfall_shared::time::{DAY_MS, HOUR_MS};

use crate::support::build::{event, send};
use crate::support::{START, TestShop, on_both};

/// Sessions of which a third of the desktops and a twentieth of the phones buy, those who decide twice as often: what the
/// prior does not know.
fn sessions(shop: &TestShop, count: u32) -> Vec<Event> {
    let mut events = Vec::new();
    for at in 0..count {
        let chance = |what: &str| Seed::of(&["model", what, &at.to_string()]).below(1000);
        let mobile = chance("device") < 500;
        let decides = chance("decides") < 300;
        let begun = START.plus(i64::from(at) * HOUR_MS / 4 - 30 * DAY_MS);
        let start = Start {
            device: Some(if mobile { "mobile" } else { "desktop" }.to_owned()),
            ..Start::default()
        };
        let mut happenings = vec![
            Happening::Started(start),
            Happening::Touchpoint(Touch {
                kind: "product_view".to_owned(),
                page: None,
                interacted: false,
                measured: Measured::default(),
            }),
        ];
        if decides {
            happenings.push(Happening::StageChanged(StageChange {
                to: Stage::Decision,
                trigger: None,
                measured: Measured::default(),
                features: Vec::new(),
                comparisons: Vec::new(),
            }));
        }
        let buys = if mobile { 50 } else { 330 } * if decides { 2 } else { 1 };
        if chance("buys") < buys {
            happenings.push(Happening::Converted(Conversion {
                kind: Conversion::PURCHASE.to_owned(),
                value: MinorUnits::new(1495),
                currency: Currency::EUR,
                funnel_step: None,
                influencer: None,
            }));
        }
        for (seq, what) in (1..).zip(happenings) {
            let mut made = event(shop.shop(), &format!("m{at}-{seq}"));
            made.kind = EventKind::Journey;
            made.name = Some(what.name().to_owned());
            made.session_id = Some(format!("m{at}"));
            made.at = begun.plus(i64::from(seq) * 20_000);
            let visit = 1;
            Numbered { seq, visit, what }.put_into(&mut made.body);
            events.push(made);
        }
    }
    events
}

on_both! {
    async fn a_better_model_of_the_shops_own_is_served_and_one_that_is_no_better_is_not(database) {
        let shop = TestShop::start(database).await;
        for batch in sessions(&shop, 1200).chunks(400) {
            send(&shop.edge(), batch).await;
        }
        let told = shop.backend().get("/api/journey/model").await.expect(200);
        assert_eq!(told["data"]["basis"], "prior");
        assert!(told["data"]["buyers"].as_i64().unwrap() >= 200, "{told}");
        // Two nodes at once: one of them fits.
        let (one, other) = tokio::join!(fit_due(&shop.app), fit_due(&shop.app));
        assert_eq!(one.unwrap() + other.unwrap(), 1);
        let told = shop.backend().get("/api/journey/model").await.expect(200);
        let told = &told["data"];
        assert_eq!((&told["basis"], &told["version"]), (&"fitted".into(), &"shop-1".into()));
        let figures = &told["tries"][0]["figures"];
        let of = |whose: &str, name: &str| figures[whose][name].as_f64().unwrap();
        assert!(of("own", "log_loss") < of("in_service", "log_loss"), "{figures}");
        assert!(of("own", "auc") > 0.68 && of("own", "auc") > of("in_service", "auc"), "{figures}");
        assert!(of("own", "calibration_error") < 0.06, "{figures}");
        // The edges decide by it, and replies say so.
        let asked = serde_json::json!({"shop": shop.shop().id});
        let kit = shop.edge().post("/internal/journey/kit", &asked).await.expect(200);
        assert_eq!(kit["kit"]["model"]["version"], "shop-1");
        let state = shop.backend().get("/api/journey/sessions/m1/state").await.expect(200);
        assert_eq!(state["journeyState"]["basis"], "fitted");
        // The same sessions again give the same model, which is no better than itself.
        assert_eq!(fit_due(&shop.app).await.unwrap(), 0, "once a day");
        let again = fit_shop(&shop.app, shop.shop()).await.unwrap();
        assert!(!again.is_better());
        let mut db = shop.app.db().read().await.unwrap();
        let serving = model_in_service(&mut db, &shop.shop().id).await.unwrap();
        assert_eq!((serving.version.as_str(), serving.basis), ("shop-1", Basis::Fitted));
    }

    async fn a_shop_with_few_conversions_keeps_the_prior(database) {
        let shop = TestShop::start(database).await;
        send(&shop.edge(), &sessions(&shop, 60)).await;
        assert_eq!(fit_due(&shop.app).await.unwrap(), 0);
        let none = fit_shop(&shop.app, shop.shop()).await.unwrap_err();
        assert!(none.to_string().contains("200"), "{none}");
        let told = shop.backend().get("/api/journey/model").await.expect(200);
        assert_eq!(told["data"]["basis"], "prior");
        assert_eq!(told["data"]["tries"], serde_json::json!([]));
    }
}
