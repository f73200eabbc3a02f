//! What a salesperson is advised: by the customer's type, by what the customer decides by, and by what came of the last
//! meeting. Each row of a table names its source; where it says "ours", nobody has measured it.

use super::interaction::Interaction;
use super::record::{CustomerRecord, PersonalityType};
use super::topic::Topic;

/// Traits that are told beside the manner of communication.
const KEY_TOPICS_MAX: usize = 2;
/// A decision that is farther away than so many days may be put off.
const SOON_DAYS: u32 = 30;

/// How people of a type are best met.
struct Manner {
    communication_style: &'static str,
    pace: &'static str,
    way: &'static str,
    approach: &'static str,
    /// What they object to whatever is sold.
    objection: &'static str,
}

/// Rows after the four social styles of Merrill and Reid ("Personal Styles and Effective Performance", 1981), which answer to
/// the four types; the words are ours. The active types, D and I, decide fast, the others with measure (Marston's axis of
/// activity, "Emotions of Normal People", 1928).
const fn manner(kind: PersonalityType) -> Manner {
    match kind {
        // The driving style asks what, wants results and options, and has no patience with a slow process.
        PersonalityType::D => Manner {
            communication_style: "direct",
            pace: "fast",
            way: "decisive",
            approach: "facts_and_benefits",
            objection: "decision_timeline",
        },
        // The expressive style asks who, and decides by opinion and by what others did (social proof: Cialdini, Influence, 1984).
        PersonalityType::I => Manner {
            communication_style: "expressive",
            pace: "fast",
            way: "intuitive",
            approach: "stories_and_social_proof",
            objection: "lack_of_excitement",
        },
        // The amiable style asks why, decides with others, and avoids risk.
        PersonalityType::S => Manner {
            communication_style: "supportive",
            pace: "measured",
            way: "consensual",
            approach: "trust_and_reassurance",
            objection: "fear_of_change",
        },
        // The analytical style asks how, decides by evidence, and wants all of it first.
        PersonalityType::C => Manner {
            communication_style: "detailed",
            pace: "measured",
            way: "analytical",
            approach: "data_and_evidence",
            objection: "insufficient_information",
        },
    }
}

/// The approach to somebody whose type nobody knows: asking before telling (Rackham, SPIN Selling, 1988).
const APPROACH_TO_UNKNOWN: &str = "discovery_questions";

/// Outcomes, what is to be done next, and what a preparation would be for. Ours; that a meeting should end with an agreed
/// next step is Rackham's "advance" (SPIN Selling, 1988), that what was agreed should be confirmed in words Cialdini's
/// commitment (Influence, 1984).
const NEXT: &[(&str, &str, Option<&str>)] = &[
    (
        "scheduled_test_drive",
        "Confirm test drive appointment",
        Some("test drive appointment"),
    ),
    (
        "test_drive_scheduled",
        "Confirm test drive appointment",
        Some("test drive appointment"),
    ),
    (
        "test_drive_completed",
        "Ask for impressions and make an offer",
        Some("offer"),
    ),
    ("scheduled_visit", "Confirm the visit", Some("visit")),
    ("scheduled_meeting", "Confirm the meeting", Some("meeting")),
    ("interested", "Schedule test drive", Some("test drive")),
    ("very_interested", "Schedule test drive", Some("test drive")),
    (
        "information_requested",
        "Send the information that was asked for",
        None,
    ),
    (
        "information_sent",
        "Ask whether the information answered the questions",
        None,
    ),
    ("quote_requested", "Send the quote", Some("quote")),
    (
        "quote_provided",
        "Ask what speaks against the quote",
        Some("quote"),
    ),
    (
        "offer_made",
        "Ask what speaks against the offer",
        Some("offer"),
    ),
    (
        "considering_offer",
        "Ask what speaks against the offer",
        Some("offer"),
    ),
    (
        "negotiating",
        "Agree on the open terms",
        Some("next negotiation"),
    ),
    ("no_answer", "Try again at another time of day", None),
    ("not_interested", "Ask what would have to change", None),
    (
        "purchased",
        "Thank the customer and confirm the delivery",
        None,
    ),
];

/// Types of follow-ups, what is to be done, and what a preparation would be for. Ours.
const FOLLOW_UPS: &[(&str, &str, &str)] = &[
    (
        "test_drive",
        "Confirm test drive appointment",
        "test drive appointment",
    ),
    ("sales_call", "Call the customer", "next call"),
    ("call", "Call the customer", "next call"),
    ("email", "Write to the customer", "next email"),
    ("showroom_visit", "Confirm the visit", "showroom visit"),
    ("meeting", "Confirm the meeting", "meeting"),
];

impl PersonalityType {
    /// How people of this type speak and want to be spoken to.
    #[must_use]
    pub const fn communication_style(self) -> &'static str {
        manner(self).communication_style
    }

    /// How fast they decide.
    #[must_use]
    pub const fn pace(self) -> &'static str {
        manner(self).pace
    }

    /// What they decide by.
    #[must_use]
    pub const fn way(self) -> &'static str {
        manner(self).way
    }
}

/// How to sell to somebody of a type, if that is known.
#[must_use]
pub fn approach(kind: Option<PersonalityType>) -> &'static str {
    kind.map_or(APPROACH_TO_UNKNOWN, |kind| manner(kind).approach)
}

/// What a customer is like in a few words: the manner of communication, then the two primary decision factors that fit the
/// type best. Those of the own type come first, those of the opposite type last, since they say least of the type; among
/// alike ones the customer's own sequence decides. Factors that no table knows are left out.
#[must_use]
pub fn key_traits(kind: Option<PersonalityType>, record: &CustomerRecord) -> Vec<String> {
    let distance = |topic: &&Topic| match (kind, topic.kind) {
        (Some(kind), Some(other)) if other == kind => 0,
        (Some(kind), Some(other)) if other == kind.opposite() => 2,
        _ => 1,
    };
    let mut topics: Vec<&Topic> = Vec::new();
    for word in &record.decision_factors.primary {
        if let Some(topic) = Topic::of(word).filter(|topic| !topics.contains(topic)) {
            topics.push(topic);
        }
    }
    topics.sort_by_key(distance);
    let manner = kind.map(|kind| format!("{}_communicator", kind.communication_style()));
    let topics = topics.into_iter().take(KEY_TOPICS_MAX);
    manner
        .into_iter()
        .chain(topics.map(|topic| topic.key_trait.to_owned()))
        .collect()
}

/// What the customer will probably object to:
/// - `price_sensitivity`, where money is among the decision factors, or the budget begins above half of a year's income;
/// - `decision_timeline`, where the decision falls later than in a month, or nobody knows when;
/// - what people of the type object to.
#[must_use]
pub fn objections(kind: Option<PersonalityType>, record: &CustomerRecord) -> Vec<&'static str> {
    let factors = &record.decision_factors;
    let buying = &record.buying_context;
    let mut factors = factors.primary.iter().chain(&factors.secondary);
    let minds_money = factors.any(|word| Topic::of(word).is_some_and(Topic::is_money));
    let budget = buying.budget_range.and_then(|budget| budget.low());
    let income = record.demographics.income_range;
    let income = income.and_then(|income| income.high());
    let is_high = budget
        .zip(income)
        .is_some_and(|(budget, income)| 2 * budget > income);
    let timeline = buying.timeline.as_deref();
    let is_far =
        timeline.is_some_and(|timeline| days(timeline).is_none_or(|days| days > SOON_DAYS));
    let mut objections = Vec::new();
    if minds_money || is_high {
        objections.push("price_sensitivity");
    }
    if is_far {
        objections.push("decision_timeline");
    }
    let typical = kind.map(|kind| manner(kind).objection);
    objections.extend(typical.filter(|typical| !objections.contains(typical)));
    objections
}

/// The days until a decision that a timeline tells: `immediate`, `within_3_months`, `next_month`, …; `None` for words
/// that tell none.
fn days(timeline: &str) -> Option<u32> {
    if matches!(
        timeline,
        "immediate" | "immediately" | "now" | "asap" | "today"
    ) {
        return Some(0);
    }
    let mut count = 1_u32;
    for word in timeline.split('_') {
        let unit = match word.trim_end_matches('s') {
            "day" => 1,
            "week" => 7,
            "month" => 30,
            "quarter" => 91,
            "year" => 365,
            "next" => {
                count = 2;
                continue;
            }
            word => {
                count = word.parse().unwrap_or(count);
                continue;
            }
        };
        return Some(count.saturating_mul(unit));
    }
    None
}

/// What is to be done after an interaction: what was agreed on in the salesperson's own words, else what follows from the
/// outcome, else from the type of the follow-up.
#[must_use]
pub fn next_steps(interaction: &Interaction) -> Option<String> {
    let follow_up = interaction
        .follow_up
        .as_ref()
        .filter(|follow_up| follow_up.required);
    let agreed = follow_up.and_then(|follow_up| follow_up.notes.clone());
    agreed.or_else(|| action(interaction).map(str::to_owned))
}

/// How to prepare for the next meeting: an answer to the first of `new_concerns`, else to the interaction's first concern
/// that there is an answer to, for what was agreed on; without a concern the next step.
#[must_use]
pub fn follow_up(interaction: &Interaction, new_concerns: &[&str]) -> Option<String> {
    let concerns = interaction.primary_concerns.iter().map(String::as_str);
    let mut concerns = new_concerns.iter().copied().chain(concerns);
    let answer = concerns.find_map(Topic::of).map(|topic| topic.answer);
    match (answer, occasion(interaction)) {
        (Some(answer), Some(occasion)) => Some(format!("{answer} for {occasion}")),
        (Some(answer), None) => Some(answer.to_owned()),
        (None, _) => action(interaction).map(str::to_owned),
    }
}

fn agreed(
    interaction: &Interaction,
) -> Option<&'static (&'static str, &'static str, &'static str)> {
    let follow_up = interaction
        .follow_up
        .as_ref()
        .filter(|follow_up| follow_up.required);
    let kind = follow_up?.kind.as_deref()?;
    FOLLOW_UPS.iter().find(|(known, ..)| *known == kind)
}

fn after(
    interaction: &Interaction,
) -> Option<&'static (&'static str, &'static str, Option<&'static str>)> {
    let outcome = interaction.outcome.as_deref()?;
    NEXT.iter().find(|(known, ..)| *known == outcome)
}

fn action(interaction: &Interaction) -> Option<&'static str> {
    let agreed = || agreed(interaction).map(|(_, action, _)| *action);
    after(interaction)
        .map(|(_, action, _)| *action)
        .or_else(agreed)
}

fn occasion(interaction: &Interaction) -> Option<&'static str> {
    let after = || after(interaction).and_then(|(_, _, occasion)| *occasion);
    agreed(interaction)
        .map(|(_, _, occasion)| *occasion)
        .or_else(after)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_timeline_is_told_in_days() {
        for (timeline, expected) in [
            ("immediate", Some(0)),
            ("this_week", Some(7)),
            ("within_2_weeks", Some(14)),
            ("next_month", Some(60)),
            ("within_3_months", Some(90)),
            ("3_6_months", Some(180)),
            ("no_rush", None),
        ] {
            assert_eq!(days(timeline), expected, "{timeline}");
        }
    }
}
