//! A session as it comes along: what the reducer's benchmark folds, natively and as wasm.

use footfall_shared::journey::event::{
    Conversion, Happening, Measured, Numbered, StageChange, Start, Touch,
};
use footfall_shared::journey::reducer::fold;
use footfall_shared::journey::session::Session;
use footfall_shared::journey::stage::Stage;
use footfall_shared::money::{Currency, MinorUnits};
use footfall_shared::time::UtcMillis;

/// Events of one session.
pub const EVENTS: u32 = 16;

/// Folds sessions of [`EVENTS`] events until this many are folded; a number that depends on all of them.
#[must_use]
pub fn fold_events(events: u32) -> u32 {
    let told = events_of_a_session();
    let mut sum = 0_u32;
    for session in 0..events / EVENTS {
        let mut state = Session::default();
        let begun = i64::from(session) * 1000;
        for event in &told {
            let at = UtcMillis::new(begun + i64::from(event.seq) * 5000);
            state = fold(state, event, at);
        }
        sum = sum
            .wrapping_mul(31)
            .wrapping_add(u32::from(state.engagement_milli) + state.touchpoints);
    }
    sum
}

fn events_of_a_session() -> Vec<Numbered> {
    let touch = |kind: &str, dwell_ms| {
        Happening::Touchpoint(Touch {
            kind: kind.to_owned(),
            page: None,
            interacted: true,
            measured: Measured {
                dwell_ms: Some(dwell_ms),
                load_ms: Some(900),
                exit_intent: Some(false),
                ..Measured::default()
            },
        })
    };
    let to = |stage| {
        Happening::StageChanged(StageChange {
            to: stage,
            trigger: Some("viewed".to_owned()),
            measured: Measured::default(),
            features: vec!["battery".to_owned()],
            comparisons: Vec::new(),
        })
    };
    let start = Start {
        device: Some("mobile".to_owned()),
        source: Some("tiktok".to_owned()),
        ..Start::default()
    };
    let mut all = vec![Happening::Started(start)];
    all.extend((0..6).map(|at| touch(["gallery", "video", "specs"][at % 3], 4_000)));
    all.push(to(Stage::Consideration));
    all.extend((0..4).map(|at| touch(["comparison", "reviews"][at % 2], 9_000)));
    all.push(to(Stage::Decision));
    all.extend((0..2).map(|_| touch("checkout", 12_000)));
    all.push(Happening::Converted(Conversion {
        kind: Conversion::PURCHASE.to_owned(),
        value: MinorUnits::new(1495),
        currency: Currency::EUR,
        funnel_step: None,
        influencer: None,
    }));
    all.into_iter()
        .zip(1..)
        .map(|(what, seq)| Numbered {
            seq,
            visit: 1,
            what,
        })
        .collect()
}
