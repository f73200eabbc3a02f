//! What a customer's interactions show of their engagement.

use super::history::History;
use super::interaction::{Interaction, InterestLevel};
use super::record::CustomerRecord;
use super::stage::{self, SalesStage};
use super::topic::Topic;
use super::word::closed_set;
use crate::time::{DAY_MS, UtcMillis};

/// Interactions from which on engagement can be consistent.
const CONSISTENT_MIN: usize = 3;
/// The longest gap in consistent engagement.
const GAP_MS_MAX: i64 = 14 * DAY_MS;
/// How late a follow-up may be kept.
const LATE_MS_MAX: i64 = 2 * DAY_MS;

closed_set!(
    /// How the interest changed.
    InterestChange, "change of interest" {
        /// More than before.
        Increased = "increased",
        /// Less than before.
        Decreased = "decreased",
        /// As before.
        Unchanged = "unchanged",
    }
);
closed_set!(
    /// What speaks for a success; the thresholds are ours.
    SuccessIndicator, "success indicator" {
        /// Three interactions or more, never more than 14 days apart, the last of them not longer ago either.
        ConsistentEngagement = "consistent_engagement",
        /// Each follow-up that was due came about: an interaction followed by two days after its date at the latest.
        FollowUpCompliance = "follow_up_compliance",
        /// The interest told last is higher than the one told first.
        GrowingInterest = "growing_interest",
        /// The sale is about terms, or made.
        AdvancedStage = "advanced_stage",
        /// No concern is open, though there were some.
        ConcernsResolved = "concerns_resolved",
    }
);

/// How the interest changed with an interaction, seen from what was before it; the first level ever told is compared with
/// medium. `None` where it tells no level.
#[must_use]
pub fn interest_change(before: &History, interaction: &Interaction) -> Option<InterestChange> {
    let now = interaction.interest_level?;
    let was = before.interest_level().unwrap_or(InterestLevel::Medium);
    Some(match now.cmp(&was) {
        std::cmp::Ordering::Greater => InterestChange::Increased,
        std::cmp::Ordering::Less => InterestChange::Decreased,
        std::cmp::Ordering::Equal => InterestChange::Unchanged,
    })
}

/// The concerns of an interaction that nobody knew of before it: no earlier concern and no decision factor of the record
/// means the same.
#[must_use]
pub fn new_concerns<'a>(
    record: &CustomerRecord,
    before: &History,
    interaction: &'a Interaction,
) -> Vec<&'a str> {
    let factors = &record.decision_factors;
    let known = || {
        let earlier = before
            .interactions()
            .flat_map(|earlier| &earlier.primary_concerns);
        let factors = factors.primary.iter().chain(&factors.secondary);
        earlier
            .chain(factors)
            .chain(&record.decision_factors.deal_breakers)
    };
    let concerns = interaction.primary_concerns.iter().map(String::as_str);
    concerns
        .filter(|concern| !known().any(|known| Topic::is_same(known, concern)))
        .collect()
}

/// The way from stage to stage that an interaction made, `presentation → negotiation`; `None` where it moved nothing.
#[must_use]
pub fn stage_progression(without: &History, with: &History) -> Option<String> {
    let (old, new) = (stage::current(without), stage::current(with));
    (old != new).then(|| stage::words(&[old, new]))
}

/// The mean of the durations that were told, in whole minutes; `None` where none was.
#[must_use]
pub fn average_duration(history: &History) -> Option<u16> {
    let told = history
        .interactions()
        .filter_map(|one| one.duration_minutes);
    let (sum, count) = told.fold((0_u64, 0_u64), |(sum, count), minutes| {
        (sum + u64::from(minutes), count + 1)
    });
    // Half up: (2 sum + count) / (2 count).
    let mean = (2 * sum + count).checked_div(2 * count)?;
    u16::try_from(mean).ok()
}

/// The mean rating (1 to 5) of interactions that a recommendation led, to one digit; `None` where none was rated.
#[must_use]
pub fn average_effectiveness(history: &History) -> Option<f64> {
    let led = history
        .interactions()
        .filter(|one| one.recommendation_id.is_some());
    let ratings = led.filter_map(|one| one.effectiveness_rating);
    let (sum, count) = ratings.fold((0.0, 0.0), |(sum, count), rating| {
        (sum + f64::from(rating), count + 1.0)
    });
    (count > 0.0).then(|| (sum / count * 10.0_f64).round() / 10.0)
}

/// What speaks for a success at the time `now`.
#[must_use]
pub fn success_indicators(history: &History, now: UtcMillis) -> Vec<SuccessIndicator> {
    let stage = stage::current(history);
    let indicators = [
        (
            SuccessIndicator::ConsistentEngagement,
            is_consistent(history, now),
        ),
        (
            SuccessIndicator::FollowUpCompliance,
            keeps_follow_ups(history, now),
        ),
        (
            SuccessIndicator::GrowingInterest,
            is_interest_growing(history),
        ),
        (
            SuccessIndicator::AdvancedStage,
            matches!(stage, SalesStage::Negotiation | SalesStage::ClosedWon),
        ),
        (
            SuccessIndicator::ConcernsResolved,
            are_concerns_resolved(history),
        ),
    ];
    let held = indicators.into_iter().filter(|(_, holds)| *holds);
    held.map(|(indicator, _)| indicator).collect()
}

fn is_consistent(history: &History, now: UtcMillis) -> bool {
    let times = || history.interactions().map(|one| one.at);
    let ends = times().skip(1).chain([now]);
    let gaps_fit = times()
        .zip(ends)
        .all(|(start, end)| end.since(start) <= GAP_MS_MAX);
    gaps_fit && history.all().len() >= CONSISTENT_MIN
}

fn keeps_follow_ups(history: &History, now: UtcMillis) -> bool {
    let mut kept = history
        .interactions()
        .enumerate()
        .filter_map(|(at, interaction)| {
            let follow_up = interaction.follow_up.as_ref().filter(|one| one.required)?;
            let latest = follow_up.at?.plus(LATE_MS_MAX);
            let next = history.interactions().nth(at + 1);
            match next {
                Some(next) => Some(next.at <= latest),
                // One that is not due yet is neither kept nor broken.
                None => (now > latest).then_some(false),
            }
        });
    kept.next()
        .is_some_and(|first| first && kept.all(|kept| kept))
}

fn is_interest_growing(history: &History) -> bool {
    let mut levels = history.interactions().filter_map(|one| one.interest_level);
    let first = levels.next();
    first < levels.next_back() && first.is_some()
}

fn are_concerns_resolved(history: &History) -> bool {
    let had_some = history
        .interactions()
        .any(|one| !one.primary_concerns.is_empty());
    had_some && history.open_concerns().is_empty()
}
