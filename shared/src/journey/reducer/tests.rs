use proptest::prelude::*;

use super::super::event::StageChange;
use super::*;
use crate::money::{Currency, MinorUnits};

const START: i64 = 1_000_000;

fn at(ms: i64) -> UtcMillis {
    UtcMillis::new(START + ms)
}

fn touch(kind: &str, dwell_ms: Option<u32>) -> Happening {
    Happening::Touchpoint(Touch {
        kind: kind.to_owned(),
        page: None,
        interacted: false,
        measured: Measured {
            dwell_ms,
            ..Measured::default()
        },
    })
}

fn stage(to: Stage) -> Happening {
    Happening::StageChanged(StageChange {
        to,
        trigger: None,
        measured: Measured::default(),
        features: Vec::new(),
        comparisons: Vec::new(),
    })
}

fn conversion(kind: &str) -> Happening {
    Happening::Converted(Conversion {
        kind: kind.to_owned(),
        value: MinorUnits::new(4990),
        currency: Currency::EUR,
        funnel_step: None,
        influencer: None,
    })
}

fn numbered(all: Vec<Happening>) -> Vec<(Numbered, UtcMillis)> {
    let number = |(seq, what)| {
        let seq = u32::try_from(seq).unwrap();
        let event = Numbered {
            seq: seq + 1,
            visit: 1,
            what,
        };
        (event, at(i64::from(seq) * 1000))
    };
    all.into_iter().enumerate().map(number).collect()
}

fn folded(session: Session, events: &[(Numbered, UtcMillis)]) -> Session {
    let step = |session, (event, at): &(Numbered, UtcMillis)| fold(session, event, *at);
    events.iter().fold(session, step)
}

fn bytes(session: &Session) -> Vec<u8> {
    serde_json::to_vec(session).unwrap()
}

fn any_happening() -> impl Strategy<Value = Happening> {
    prop_oneof![
        Just(Happening::Started(Start::default())),
        ("[a-z_]{1,12}", proptest::option::of(0..100_000_u32))
            .prop_map(|(kind, dwell)| touch(&kind, dwell)),
        (0..4_usize).prop_map(|place| stage(Stage::ALL[place])),
        prop_oneof!["email_signup", "purchase", "other"].prop_map(|kind| conversion(&kind)),
    ]
}

proptest! {
    #[test]
    fn folding_in_any_split_gives_the_same_bytes(all in prop::collection::vec(any_happening(), 0..40), cut in 0..40_usize) {
        let events = numbered(all);
        let (first, rest) = events.split_at(cut.min(events.len()));
        let stored: Session = serde_json::from_slice(&bytes(&folded(Session::default(), first))).unwrap();
        prop_assert_eq!(bytes(&folded(stored, rest)), bytes(&folded(Session::default(), &events)));
    }

    #[test]
    fn what_was_folded_in_changes_nothing_a_second_time(all in prop::collection::vec(any_happening(), 1..20), again in 0..20_usize) {
        let events = numbered(all);
        let once = folded(Session::default(), &events);
        let (event, at) = &events[again % events.len()];
        prop_assert_eq!(fold(once.clone(), event, *at), once);
    }

    #[test]
    fn an_event_of_the_log_reads_back_as_it_was(what in any_happening(), seq: u32, visit: u32) {
        let event = Numbered { seq, visit, what };
        let text = serde_json::to_string(&event).unwrap();
        prop_assert_eq!(serde_json::from_str::<Numbered>(&text).unwrap(), event);
    }
}

#[test]
fn a_session_stays_small_however_long_it_lasts() {
    let many = (0..3000).map(|nr| match nr % 4 {
        0 => stage(Stage::ALL[nr / 4 % 3]),
        1 => conversion("email_signup"),
        _ => touch(&format!("type_{nr}"), Some(10)),
    });
    let session = folded(Session::default(), &numbered(many.collect()));
    assert_eq!(session.touchpoints, 1500);
    assert_eq!(session.history.len(), HISTORY_MAX);
    assert!(bytes(&session).len() < 12_000, "{}", bytes(&session).len());
}

#[test]
fn jumps_forward_and_back_are_kept_and_only_a_sale_is_a_purchase() {
    let session = folded(
        Session::default(),
        &numbered(vec![
            stage(Stage::Decision),
            stage(Stage::Awareness),
            conversion("email_signup"),
            conversion("purchase"),
        ]),
    );
    let stages: Vec<&str> = session
        .stages
        .iter()
        .map(|step| step.stage.as_str())
        .collect();
    assert_eq!(stages, ["awareness", "decision", "awareness", "purchase"]);
    assert!(session.lead);
    assert_eq!(session.stage, Stage::Purchase);
}

#[test]
fn a_touchpoint_of_unknown_length_lasted_until_the_next_one() {
    let session = folded(
        Session::default(),
        &numbered(vec![
            touch("a", None),
            touch("b", Some(12_000)),
            touch("c", None),
        ]),
    );
    let lasted: Vec<Option<u32>> = session.history.iter().map(|met| met.duration_ms).collect();
    assert_eq!(lasted, [Some(1000), Some(12_000), None]);
    assert_eq!(session.dwell_ms, 13_000);
    // 12 seconds: 12 / (12 + 8).
    assert_eq!(session.history[1].engagement_milli, 600);
}

#[test]
fn a_visit_after_a_purchase_begins_in_retention_and_knows_the_one_before() {
    let bought = folded(Session::default(), &numbered(vec![conversion("purchase")]));
    let next = Numbered {
        seq: 2,
        visit: 2,
        what: touch("landing_page_view", None),
    };
    let session = fold(bought, &next, at(9_000_000));
    assert_eq!(session.stage, Stage::Retention);
    assert!(session.returning);
    let before = session.previous.unwrap();
    assert_eq!(
        (before.visit, before.converted, before.stage),
        (1, 1, Stage::Purchase)
    );
}
