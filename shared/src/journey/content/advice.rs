//! What the page is advised to do, in the contract's words: by rules over the session, and by what was chosen.

use super::decide::{Decision, Seen};
use super::kit::{Filling, Kit, Measured};
use super::slot::Slot;
use crate::journey::next::{snake, touchpoint};
use crate::journey::observed::PriceReaction;
use crate::journey::session::Session;
use crate::journey::stage::Stage;

/// From this intent on the shopper is on the direct way, in thousandths.
const INTENT_HIGH: u16 = 600;
/// From this intent on the shopper compares, in thousandths.
const INTENT_MEDIUM: u16 = 300;

/// How soon an advice should be followed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Priority {
    /// First.
    High,
    /// Then.
    Medium,
    /// If nothing else is left.
    Low,
}

impl Priority {
    /// The contract's name.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::High => "high",
            Self::Medium => "medium",
            Self::Low => "low",
        }
    }

    /// By what was measured: a gain comes first, a loss last.
    #[must_use]
    pub fn of(lift: Option<Measured>) -> Self {
        match lift {
            Some(lift) if lift.is_gain() => Self::High,
            Some(lift) if lift.is_loss() => Self::Low,
            _ => Self::Medium,
        }
    }

    const fn of_intent(milli: u16) -> Self {
        match milli {
            INTENT_HIGH.. => Self::High,
            INTENT_MEDIUM..INTENT_HIGH => Self::Medium,
            0..INTENT_MEDIUM => Self::Low,
        }
    }
}

/// One thing to do.
#[derive(Debug, Clone, PartialEq)]
pub struct Advice {
    /// `next_touchpoint`, `content_adaptation` or `timing_optimization`.
    pub kind: &'static str,
    /// What.
    pub what: String,
    /// Why.
    pub why: String,
    /// What it is worth, measured; `None` while nobody knows.
    pub lift: Option<Measured>,
    /// How soon.
    pub priority: Priority,
}

/// The slots that recommendations for a session look at: a feature that the shopper likes best needs no choice.
#[must_use]
pub fn slots(session: &Session, kit: &Kit) -> Vec<Slot> {
    let content = [Slot::FeatureHighlight, Slot::HeroMessage];
    let filled = content
        .into_iter()
        .find(|slot| kit.filling(*slot).is_some());
    let content = filled.filter(|_| session.features.is_empty());
    content.into_iter().chain([Slot::Timing]).collect()
}

/// What to do with a session, given what was decided for [`slots`].
#[must_use]
pub fn advise(session: &Session, kit: &Kit, decisions: &[Decision]) -> Vec<Advice> {
    let intent = session.intent_strength_milli();
    let mut advice = vec![Advice {
        kind: "next_touchpoint",
        what: touchpoint(session).to_owned(),
        why: why_next(session.stage, intent),
        lift: None,
        priority: Priority::of_intent(intent),
    }];
    let of_slot = |slot| {
        let decision = decisions.iter().find(|one: &&Decision| one.slot == slot)?;
        let filling = kit.filling(slot)?;
        let variant = filling.variant(decision.chosen.as_deref()?)?;
        Some((variant, why_chosen(decision, filling)))
    };
    let favourite = session.features.iter().max_by_key(|(_, count)| *count);
    if let Some((feature, count)) = favourite {
        advice.push(Advice {
            kind: "content_adaptation",
            what: format!("emphasize_{}", snake(feature)),
            why: format!("Looked at {feature} {count} times, more than at anything else"),
            lift: None,
            priority: Priority::Medium,
        });
    } else if let Some((variant, why)) =
        of_slot(Slot::FeatureHighlight).or_else(|| of_slot(Slot::HeroMessage))
    {
        advice.push(Advice {
            kind: "content_adaptation",
            what: variant.id.clone(),
            why,
            lift: variant.lift,
            priority: Priority::of(variant.lift),
        });
    }
    if let Some((variant, why)) = of_slot(Slot::Timing) {
        advice.push(Advice {
            kind: "timing_optimization",
            what: variant.id.clone(),
            why,
            lift: variant.lift,
            priority: Priority::of(variant.lift),
        });
    }
    advice
}

fn why_next(stage: Stage, intent: u16) -> String {
    let will = match intent {
        INTENT_HIGH.. => "High intent",
        INTENT_MEDIUM..INTENT_HIGH => "Some intent",
        0..INTENT_MEDIUM => "Little intent yet",
    };
    let need = match stage {
        Stage::Awareness => "needs to see what the product is",
        Stage::Consideration => "needs validation against competitors",
        Stage::Decision => "needs a short way to the payment",
        Stage::Purchase => "has bought",
        Stage::Retention => "has bought before",
    };
    format!("{will}, {need}")
}

/// Why a variant was chosen, in words and numbers.
#[must_use]
pub fn why_chosen(decision: &Decision, filling: &Filling) -> String {
    let Some(id) = &decision.chosen else {
        return match (decision.held_out, decision.candidates.is_empty()) {
            (true, _) => {
                "This session is left alone, so that what personalization is worth can be measured"
                    .to_owned()
            }
            (false, true) => "No variant is for this shopper".to_owned(),
            (false, false) => "The neutral content".to_owned(),
        };
    };
    let candidate = decision.candidates.iter().find(|one| one.variant == *id);
    let percent = candidate.map_or(0, |one| (one.probability + 5_000) / 10_000);
    let among = decision.candidates.len();
    let lift = filling.variant(id).and_then(|variant| variant.lift);
    let known = match lift {
        Some(lift) => {
            let points = |millionths: i32| f64::from(millionths) / 10_000.0;
            format!(
                "measured {:+.2} percentage points ({:+.2} to {:+.2})",
                points(lift.difference),
                points(lift.low),
                points(lift.high)
            )
        }
        None => "too few sessions yet for a measured effect".to_owned(),
    };
    match &decision.reason {
        Some(reason) => format!("The shop's own policy: {reason}; {known}"),
        None if among == 1 => format!("The only variant for this shopper; {known}"),
        None => format!(
            "Chosen with {percent} % among {among} variants, by how probably each converts best; {known}"
        ),
    }
}

/// The strategies that fit a session, the first first.
#[must_use]
pub fn strategies(session: &Session) -> (&'static str, &'static str) {
    let first = match session.intent_strength_milli() {
        INTENT_HIGH.. => "accelerated_decision_path",
        INTENT_MEDIUM..INTENT_HIGH => "guided_comparison_path",
        0..INTENT_MEDIUM => "inspiration_path",
    };
    let second = if session.exit_intent {
        "trust_reinforcement"
    } else if session.errors > 0 || session.slow_loads > 0 {
        "friction_removal"
    } else if session.price_reaction == Some(PriceReaction::Negative) {
        "value_reassurance"
    } else {
        "social_proof_amplification"
    };
    (first, second)
}

/// The first slot whose choice a step changed, with the new choice; `None` where conditions see nothing new.
#[must_use]
pub fn adaptation(
    before: &Session,
    after: &Session,
    choose: impl Fn(&Session, Slot) -> Option<Decision>,
) -> Option<Decision> {
    if Seen::of(before) == Seen::of(after) {
        return None;
    }
    Slot::ALL.into_iter().find_map(|slot| {
        let now = choose(after, slot)?;
        let chosen = now.chosen.as_ref()?;
        let was = choose(before, slot)?.chosen;
        (was.as_ref() != Some(chosen)).then_some(now)
    })
}

/// The sum of measured differences, its interval as of independent ones; `None` unless each is measured.
#[must_use]
pub fn total(lifts: &[Option<Measured>]) -> Option<Measured> {
    let (mut sum, mut variance) = (0_i32, 0.0);
    for lift in lifts {
        let lift = (*lift)?;
        let half = f64::from(lift.high.saturating_sub(lift.low)) / 2.0;
        sum = sum.saturating_add(lift.difference);
        variance += half * half;
    }
    #[expect(clippy::cast_possible_truncation, reason = "a cast to i32 saturates")]
    let half = libm::sqrt(variance).round() as i32;
    let known = !lifts.is_empty();
    known.then_some(Measured {
        difference: sum,
        low: sum.saturating_sub(half),
        high: sum.saturating_add(half),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const fn lift(difference: i32, low: i32, high: i32) -> Option<Measured> {
        Some(Measured {
            difference,
            low,
            high,
        })
    }

    #[test]
    fn a_total_is_known_only_where_each_part_is() {
        let (three, four) = (lift(10_000, 7_000, 13_000), lift(5_000, 1_000, 9_000));
        assert_eq!(total(&[three, four]), lift(15_000, 10_000, 20_000));
        assert_eq!(total(&[three, None]), None);
        assert_eq!(total(&[]), None);
    }

    #[test]
    fn what_is_measured_to_gain_comes_first_and_what_loses_last() {
        assert_eq!(Priority::of(lift(2, 1, 3)), Priority::High);
        assert_eq!(Priority::of(lift(2, -1, 5)), Priority::Medium);
        assert_eq!(Priority::of(None), Priority::Medium);
        assert_eq!(Priority::of(lift(-2, -3, -1)), Priority::Low);
    }

    #[test]
    fn the_feature_that_a_shopper_likes_best_is_emphasized() {
        let session = Session {
            features: vec![("sleep".into(), 1), ("Battery Life".into(), 3)],
            stage: Stage::Consideration,
            intent_milli: Some(700),
            ..Session::default()
        };
        let advice = advise(&session, &Kit::built_in(), &[]);
        let told: Vec<&str> = advice.iter().map(|one| one.what.as_str()).collect();
        assert_eq!(told, ["comparison_table", "emphasize_battery_life"]);
        assert_eq!(
            advice[0].why,
            "High intent, needs validation against competitors"
        );
    }
}
