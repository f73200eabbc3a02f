//! Sessions, folded from the log.

use std::collections::BTreeMap;

use footfall::journey::find_journey;
use footfall_shared::event::{Event, EventKind};
use footfall_shared::journey::event::{Happening, Measured, Numbered, StageChange, Start, Touch};
use footfall_shared::journey::reducer::fold;
use footfall_shared::journey::session::Session;
use footfall_shared::journey::stage::Stage;

use crate::support::build::{event, send};
use crate::support::{START, TestShop, on_both};

const SESSIONS: [&str; 3] = ["one", "two", "three"];

/// Event number `seq` of a session, of which every fifth moves it and the rest are touchpoints.
fn happening(shop: &TestShop, session: &str, seq: u32) -> Event {
    let what = match seq {
        1 => Happening::Started(Start::default()),
        _ if seq.is_multiple_of(5) => Happening::StageChanged(StageChange {
            to: Stage::ALL[seq as usize / 5 % 3],
            trigger: None,
            measured: Measured::default(),
            features: Vec::new(),
            comparisons: Vec::new(),
        }),
        _ => Happening::Touchpoint(Touch {
            kind: format!("type_{}", seq % 7),
            page: None,
            interacted: seq.is_multiple_of(2),
            measured: Measured::default(),
        }),
    };
    let mut made = event(shop.shop(), &format!("{session}-{seq}"));
    made.kind = EventKind::Journey;
    made.name = Some(what.name().to_owned());
    made.session_id = Some(session.to_owned());
    made.at = START.plus(i64::from(seq) * 1000);
    Numbered {
        seq,
        visit: 1 + seq / 20,
        what,
    }
    .put_into(&mut made.body);
    made
}

fn folded(events: &[Event]) -> Session {
    events.iter().fold(Session::default(), |session, event| {
        fold(session, &Numbered::of(event).unwrap(), event.at)
    })
}

async fn stored(shop: &TestShop, session: &str) -> String {
    let mut db = shop.app.db().read().await.unwrap();
    let found = find_journey(&mut db, &shop.shop().id, session)
        .await
        .unwrap();
    serde_json::to_string(&found.unwrap()).unwrap()
}

on_both! {
    async fn events_in_any_sequence_give_the_same_session(database) {
        let shop = TestShop::start(database).await;
        let mut all = BTreeMap::new();
        let mut arriving = Vec::new();
        for session in SESSIONS {
            let events: Vec<Event> = (1..=40).map(|seq| happening(&shop, session, seq)).collect();
            arriving.extend(events.clone());
            all.insert(session, events);
        }
        // Far apart, interleaved, and a part of them twice.
        let mut mixed: Vec<Event> = (0..arriving.len()).map(|at| arriving[at * 77 % arriving.len()].clone()).collect();
        mixed.extend_from_slice(&mixed.clone()[..30]);
        for batch in mixed.chunks(17) {
            send(&shop.edge(), batch).await;
        }
        for (session, events) in &all {
            let expected = serde_json::to_string(&folded(events)).unwrap();
            assert_eq!(stored(&shop, session).await, expected, "{session}");
        }
        footfall::rebuild::run(&shop.app).await.unwrap();
        for (session, events) in &all {
            let expected = serde_json::to_string(&folded(events)).unwrap();
            assert_eq!(stored(&shop, session).await, expected, "{session} after a rebuild");
        }
    }
}
