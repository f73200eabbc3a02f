//! What follows from what was done.

use serde_json::json;

use super::super::disc::Personality;
use super::super::engagement::{self, InterestChange, SuccessIndicator};
use super::super::history::{History, RecordedInteraction};
use super::super::interaction::{FollowUp, Interaction, InteractionKind, InterestLevel};
use super::super::record::PersonalityType;
use super::super::stage::{self, SalesStage};
use super::super::success::{self, COUNT, Line, Sample, SuccessModel};
use super::{interaction, named, recorded};
use crate::journey::model::Basis;
use crate::time::{DAY_MS, UtcMillis};

/// Ones with these outcomes, a day after each other.
fn history(outcomes: &[&str]) -> History {
    let days = (0_u8..).zip(outcomes).map(|(day, outcome)| {
        let outcome = Some((*outcome).to_owned());
        let interaction = interaction(i64::from(day) * 1440);
        recorded(
            day,
            Interaction {
                outcome,
                ..interaction
            },
        )
    });
    History::new(days.collect())
}

#[test]
fn nobody_has_a_type_before_anything_is_known() {
    let personality = Personality::of(&named("a", json!({})), &History::default());
    assert_eq!((personality.kind, personality.second), (None, None));
    for kind in PersonalityType::ALL {
        assert_eq!(personality.traits.get(*kind), 0.5);
    }
    assert_eq!(personality.decision_making_style(), None);
}

#[test]
fn enough_evidence_shifts_the_type() {
    let record = named(
        "a",
        json!({ "personality_assessment": { "type": "D", "confidence": 0.5 } }),
    );
    let talks: Vec<RecordedInteraction> = (0..6)
        .map(|number| {
            let notes = Some("Compared all the data; not direct at all.".to_owned());
            let one = interaction(i64::from(number) * 1440);
            recorded(
                number,
                Interaction {
                    salesperson_notes: notes,
                    ..one
                },
            )
        })
        .collect();
    let before = Personality::of(&record, &History::default());
    let after = Personality::of(&record, &History::new(talks));
    assert_eq!(
        (before.kind, after.kind),
        (Some(PersonalityType::D), Some(PersonalityType::C))
    );
    assert_eq!(
        after.confirmation(&before).as_deref(),
        Some("Communication style shifted from direct to detailed")
    );
    assert_eq!(after.confirmation(&after), None);
    assert_eq!(
        after.decision_making_style().as_deref(),
        Some("measured_decisive")
    );
}

#[test]
fn a_closed_sale_is_opened_again_by_an_outcome_only() {
    use SalesStage::{ClosedLost, ClosedWon, Negotiation, Presentation, Prospecting};
    for (outcomes, expected) in [
        (
            vec!["interested", "not_interested", "no_answer"],
            vec![Prospecting, Presentation, ClosedLost],
        ),
        (
            vec!["lost", "quote_requested", "purchased"],
            vec![Prospecting, ClosedLost, Negotiation, ClosedWon],
        ),
        (
            vec!["quote_requested", "interested"],
            vec![Prospecting, Negotiation],
        ),
    ] {
        assert_eq!(
            stage::progression(&history(&outcomes)),
            expected,
            "{outcomes:?}"
        );
    }
}

#[test]
fn a_test_drive_is_a_negotiation_whatever_is_said_of_it() {
    for (kind, outcome, expected) in [
        (
            InteractionKind::TestDrive,
            Some("interested"),
            SalesStage::Negotiation,
        ),
        (InteractionKind::TestDrive, None, SalesStage::Negotiation),
        (
            InteractionKind::TestDrive,
            Some("lost"),
            SalesStage::ClosedLost,
        ),
        (
            InteractionKind::ShowroomVisit,
            Some("thinking"),
            SalesStage::Presentation,
        ),
        (
            InteractionKind::Email,
            Some("no_answer"),
            SalesStage::Prospecting,
        ),
    ] {
        let outcome = outcome.map(str::to_owned);
        let one = Interaction {
            kind,
            outcome,
            ..interaction(1)
        };
        assert_eq!(
            stage::current(&History::new(vec![recorded(1, one)])),
            expected
        );
    }
}

#[test]
fn interest_is_compared_with_what_was_before() {
    let level = |minute, level| Interaction {
        interest_level: level,
        ..interaction(minute)
    };
    let before = History::new(vec![recorded(1, level(1, Some(InterestLevel::High)))]);
    for (earlier, now, expected) in [
        (
            &History::default(),
            Some(InterestLevel::High),
            Some(InterestChange::Increased),
        ),
        (
            &before,
            Some(InterestLevel::High),
            Some(InterestChange::Unchanged),
        ),
        (
            &before,
            Some(InterestLevel::Low),
            Some(InterestChange::Decreased),
        ),
        (&before, None, None),
    ] {
        assert_eq!(
            engagement::interest_change(earlier, &level(2, now)),
            expected
        );
    }
}

#[test]
fn follow_ups_that_were_kept_and_steady_contact_speak_for_a_success() {
    let promised = |day: i64, due: i64| Interaction {
        follow_up: Some(FollowUp {
            required: true,
            at: Some(UtcMillis::new(due * DAY_MS)),
            kind: None,
            notes: None,
        }),
        ..interaction(day * 1440)
    };
    let indicators = |days: [i64; 3], now: i64| {
        let all = (0_u8..)
            .zip(days)
            .map(|(number, day)| recorded(number, promised(day, day + 3)));
        engagement::success_indicators(&History::new(all.collect()), UtcMillis::new(now * DAY_MS))
    };
    let (steady, kept) = (
        SuccessIndicator::ConsistentEngagement,
        SuccessIndicator::FollowUpCompliance,
    );
    assert_eq!(indicators([1, 4, 8], 10), [steady, kept]);
    assert_eq!(indicators([1, 4, 10], 11), [steady]);
    assert_eq!(indicators([1, 4, 8], 30), []);
}

/// Gradient descent with a small ridge: what the origin has a library for.
fn solve(samples: &[Sample]) -> Option<Line> {
    let mut line = Line {
        intercept: 0.0,
        weights: [0.0; COUNT],
    };
    for _ in 0..300 {
        for sample in samples {
            let sum = line
                .weights
                .iter()
                .zip(sample.features)
                .fold(line.intercept, |sum, (w, x)| sum + w * x);
            let error = f64::from(sample.won) - 1.0 / (1.0 + libm::exp(-sum));
            line.intercept += 0.01 * error;
            for (weight, x) in line.weights.iter_mut().zip(sample.features) {
                *weight += 0.01 * (error * x - 0.001 * *weight);
            }
        }
    }
    Some(line)
}

/// So many closed sales, every other one won; `tells` makes the interest of the won ones high.
fn closed(count: usize, tells: bool) -> Vec<Sample> {
    let sale = |at: usize| {
        let won = at.is_multiple_of(2);
        let mut features = [0.0; COUNT];
        // Without a meaning it comes by turns of three, in won and lost sales alike.
        let high = if tells { won } else { at.is_multiple_of(3) };
        features[2] = if high { 1.0 } else { -1.0 };
        Sample { features, won }
    };
    (0..count).map(sale).collect()
}

#[test]
fn a_model_serves_only_when_it_has_proven_itself() {
    let fitted = SuccessModel::fit(&closed(60, true), solve).unwrap();
    assert_eq!(
        (fitted.basis, fitted.samples, fitted.won),
        (Basis::Fitted, 60, 30)
    );
    assert!(fitted.brier.unwrap() < 0.1);
    assert_eq!(SuccessModel::fit(&closed(49, true), solve), None);
    assert_eq!(SuccessModel::fit(&closed(60, false), solve), None);
    let one_outcome: Vec<Sample> = closed(200, true)
        .into_iter()
        .filter(|one| one.won)
        .collect();
    assert_eq!(SuccessModel::fit(&one_outcome, solve), None);
}

#[test]
fn a_sample_knows_nothing_of_its_end() {
    let record = named("a", json!({}));
    let open = history(&["interested", "quote_requested"]);
    let closed = history(&["interested", "quote_requested", "purchased", "no_answer"]);
    assert_eq!(Sample::of(&record, &open), None);
    let sample = Sample::of(&record, &closed).unwrap();
    let seen = success::features(&record, &open, UtcMillis::new(2 * DAY_MS));
    assert_eq!(
        sample,
        Sample {
            features: seen,
            won: true
        }
    );
}
