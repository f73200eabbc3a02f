//! What speaks for a type: signs in a record and in what was done with the customer.
//!
//! | sign | counts, in halves of an observation |
//! |---|---|
//! | the style of communication that the customer prefers | 2 |
//! | a decision within 7 days of the first contact (D), or after 30 and more (C) | 2 |
//! | each topic of a type among concerns and what the customer liked, once an interaction | 1 |
//! | words for a type in a salesperson's notes, once an interaction and type | 1 |
//!
//! A decision is the first outcome that tells of terms or of a purchase. Pace and task belong to the driver's style, care and
//! detail to the analytical one (Merrill and Reid, "Personal Styles and Effective Performance", 1981); the words, the
//! days and the weights are ours.

use std::collections::BTreeSet;

use super::history::History;
use super::interaction::Interaction;
use super::record::{CustomerRecord, PersonalityType};
use super::stage::SalesStage;
use super::topic::Topic;
use crate::time::DAY_MS;

use PersonalityType::{C, D, I, S};

/// A decision within so many days is a quick one.
const QUICK_DAYS: i64 = 7;
/// A decision after so many days is a slow one.
const SLOW_DAYS: i64 = 30;
/// What a preferred style and a decision's pace count, in halves.
const STRONG: u32 = 2;

/// Preferred styles of communication that tell a type.
const STYLES: &[(PersonalityType, &[&str])] = &[
    (
        D,
        &[
            "direct",
            "brief",
            "concise",
            "assertive",
            "results_oriented",
            "to_the_point",
        ],
    ),
    (
        I,
        &[
            "expressive",
            "enthusiastic",
            "friendly",
            "informal",
            "casual",
            "storytelling",
        ],
    ),
    (
        S,
        &[
            "supportive",
            "patient",
            "personal",
            "warm",
            "calm",
            "empathetic",
        ],
    ),
    (
        C,
        &[
            "detailed",
            "analytical",
            "formal",
            "technical",
            "precise",
            "data_driven",
            "written",
        ],
    ),
];

/// Words in notes that tell a type.
const WORDS: &[(PersonalityType, &[&str])] = &[
    (
        D,
        &[
            "direct",
            "decisive",
            "impatient",
            "assertive",
            "brisk",
            "blunt",
            "quick",
            "quickly",
            "immediately",
            "results",
            "demanding",
            "competitive",
        ],
    ),
    (
        I,
        &[
            "enthusiastic",
            "excited",
            "talkative",
            "chatty",
            "outgoing",
            "friendly",
            "joked",
            "charming",
            "stories",
            "optimistic",
            "spontaneous",
        ],
    ),
    (
        S,
        &[
            "patient",
            "calm",
            "loyal",
            "hesitant",
            "reserved",
            "supportive",
            "agreeable",
            "steady",
            "cautious",
            "reassurance",
            "comfortable",
        ],
    ),
    (
        C,
        &[
            "detailed",
            "details",
            "data",
            "analytical",
            "compare",
            "compared",
            "comparison",
            "research",
            "researched",
            "spreadsheet",
            "specifications",
            "precise",
            "accurate",
            "thorough",
            "calculated",
        ],
    ),
];

/// After these a word says the opposite.
const NEGATIONS: [&str; 5] = ["not", "no", "never", "without", "isn't"];

/// Observations for each type, in halves.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Evidence([u32; 4]);

impl Evidence {
    /// What a record and a history show.
    #[must_use]
    pub fn of(record: &CustomerRecord, history: &History) -> Self {
        let style = record.communication_preferences.style.as_deref();
        let preferred = style.and_then(|style| type_of(STYLES, style));
        let strong = preferred.into_iter().chain(pace(history));
        let all = strong.fold(Self::default(), |all, kind| all.with(kind, STRONG));
        let signs = history.interactions().flat_map(signs);
        signs.fold(all, |all, kind| all.with(kind, 1))
    }

    /// This and so many halves more for a type.
    #[must_use]
    pub fn with(mut self, kind: PersonalityType, halves: u32) -> Self {
        let [d, i, s, c] = &mut self.0;
        let count = match kind {
            D => d,
            I => i,
            S => s,
            C => c,
        };
        *count = count.saturating_add(halves);
        self
    }

    /// Halves of observations for a type.
    #[must_use]
    pub const fn halves(&self, kind: PersonalityType) -> u32 {
        let [d, i, s, c] = self.0;
        match kind {
            D => d,
            I => i,
            S => s,
            C => c,
        }
    }
}

fn type_of(table: &[(PersonalityType, &[&str])], word: &str) -> Option<PersonalityType> {
    let known = table.iter().find(|(_, words)| words.contains(&word));
    known.map(|(kind, _)| *kind)
}

/// What the time until the first decision tells.
fn pace(history: &History) -> Option<PersonalityType> {
    let first = history.interactions().next()?;
    let decided = history.interactions().find(|interaction| {
        let outcome = interaction.outcome.as_deref();
        let stage = outcome.and_then(SalesStage::of_outcome);
        matches!(stage, Some(SalesStage::Negotiation | SalesStage::ClosedWon))
    })?;
    match decided.at.since(first.at) / DAY_MS {
        ..=QUICK_DAYS => Some(D),
        SLOW_DAYS.. => Some(C),
        _ => None,
    }
}

/// The types that one interaction shows signs of: one for each topic, and one for each type that its notes have words for.
fn signs(interaction: &Interaction) -> Vec<PersonalityType> {
    let mut topics: Vec<&Topic> = Vec::new();
    let concerns = interaction.primary_concerns.iter();
    for word in concerns.chain(&interaction.positive_responses) {
        if let Some(topic) = Topic::of(word).filter(|topic| !topics.contains(topic)) {
            topics.push(topic);
        }
    }
    let notes = interaction.salesperson_notes.as_deref().unwrap_or_default();
    let topics = topics.into_iter().filter_map(|topic| topic.kind);
    topics.chain(types_in(notes)).collect()
}

fn types_in(notes: &str) -> BTreeSet<PersonalityType> {
    let notes = notes.to_lowercase();
    let words = notes.split(|c: char| !c.is_alphanumeric() && c != '\'');
    let mut before = "";
    let mut types = BTreeSet::new();
    for word in words.filter(|word| !word.is_empty()) {
        if !NEGATIONS.contains(&before) {
            types.extend(type_of(WORDS, word));
        }
        before = word;
    }
    types
}
