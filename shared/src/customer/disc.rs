//! The DISC vector of a customer, by Bayes' rule.
//!
//! The four traits are those of Marston ("Emotions of Normal People", 1928). They are not shares of one whole: a person may
//! be dominant and conscientious at once. So each has a belief of its own, a Beta distribution, flat before anything is known
//! (Beta(1, 1), Laplace's rule of succession), and what is told is its mean:
//!
//! trait = (1 + a) / (2 + a + b)
//!
//! where a are the observations for the trait, and b half of those for the opposite one (D and S, I and C are opposite on
//! Marston's axes: neither how active a person is nor how friendly the world seems to them is the same). Observations add up
//! with fractions as weights, as in power priors (Ibrahim and Chen, "Power Prior Distributions for Regression Models",
//! Statistical Science 15, 2000):
//! - an assessment with confidence c counts c × n, where n is 4 for a survey, 3 for an analysis of conversations, and 2 for
//!   a person's eye or a method that is not told; the confidence is 0.7 where it is not told;
//! - [`Evidence`] counts in halves, see [`evidence`](super::evidence).
//!
//! The numbers n are ours. Because counts are integers and are only added, the sequence of interactions makes no difference,
//! not even in the last bit, and evidence for a trait never lowers it.

use super::evidence::Evidence;
use super::history::History;
use super::record::{Assessment, AssessmentMethod, CustomerRecord, PersonalityType};

/// How strong each trait is, 0 to 1; 0.5 where nothing is known.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Traits {
    /// D.
    pub dominant: f64,
    /// I.
    pub influential: f64,
    /// S.
    pub steady: f64,
    /// C.
    pub conscientious: f64,
}

impl PersonalityType {
    /// The type that differs on both of Marston's axes.
    #[must_use]
    pub const fn opposite(self) -> Self {
        match self {
            Self::D => Self::S,
            Self::S => Self::D,
            Self::I => Self::C,
            Self::C => Self::I,
        }
    }
}

impl Traits {
    /// The means after an assessment and evidence.
    #[must_use]
    pub fn of(assessment: Option<&Assessment>, evidence: &Evidence) -> Self {
        let seen = |kind: PersonalityType| {
            let assessed = assessment.filter(|assessment| assessment.kind == kind);
            assessed.map_or(0.0, observations) + f64::from(evidence.halves(kind)) / 2.0
        };
        let mean = |kind: PersonalityType| {
            let (a, b) = (seen(kind), seen(kind.opposite()) / 2.0);
            (1.0 + a) / (2.0 + a + b)
        };
        Self {
            dominant: mean(PersonalityType::D),
            influential: mean(PersonalityType::I),
            steady: mean(PersonalityType::S),
            conscientious: mean(PersonalityType::C),
        }
    }

    /// One of them.
    #[must_use]
    pub const fn get(&self, kind: PersonalityType) -> f64 {
        match kind {
            PersonalityType::D => self.dominant,
            PersonalityType::I => self.influential,
            PersonalityType::S => self.steady,
            PersonalityType::C => self.conscientious,
        }
    }

    /// The strongest of `kinds` that is stronger than unknown; the first one named where several are alike.
    fn strongest(&self, kinds: impl Iterator<Item = PersonalityType>) -> Option<PersonalityType> {
        kinds.filter(|kind| self.get(*kind) > 0.5).fold(
            None,
            |best: Option<PersonalityType>, kind| match best {
                Some(best) if self.get(best) >= self.get(kind) => Some(best),
                _ => Some(kind),
            },
        )
    }
}

/// What an assessment counts.
fn observations(assessment: &Assessment) -> f64 {
    let strength = match assessment.method {
        Some(AssessmentMethod::Survey) => 4.0,
        Some(AssessmentMethod::ConversationAnalysis) => 3.0,
        Some(AssessmentMethod::Manual) | None => 2.0,
    };
    strength * assessment.confidence()
}

/// What a customer is like, as far as it is known.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Personality {
    /// The strongest trait's type, in doubt the assessed one; `None` where nothing speaks for any.
    pub kind: Option<PersonalityType>,
    /// The next strongest trait's type, if that is stronger than unknown.
    pub second: Option<PersonalityType>,
    /// How strong each trait is.
    pub traits: Traits,
    evidence: Evidence,
}

impl Personality {
    /// What the record and what was done with the customer say.
    #[must_use]
    pub fn of(record: &CustomerRecord, history: &History) -> Self {
        let evidence = Evidence::of(record, history);
        let assessment = record.personality_assessment.as_ref();
        let traits = Traits::of(assessment, &evidence);
        let assessed = assessment.map(|assessment| assessment.kind);
        let kinds = || {
            assessed
                .into_iter()
                .chain(PersonalityType::ALL.iter().copied())
        };
        // An assessment without confidence stands until something speaks for another type.
        let kind = traits.strongest(kinds()).or(assessed);
        Self {
            kind,
            second: traits.strongest(kinds().filter(|other| Some(*other) != kind)),
            traits,
            evidence,
        }
    }

    /// What the step from `before` to here says of the type, in a sentence: confirmed, where something more speaks for it;
    /// shifted, where it is another one; else nothing.
    #[must_use]
    pub fn confirmation(&self, before: &Self) -> Option<String> {
        let kind = self.kind?;
        let style = kind.communication_style();
        match before.kind {
            Some(was) if was != kind => {
                let was = was.communication_style();
                Some(format!("Communication style shifted from {was} to {style}"))
            }
            _ if self.evidence.halves(kind) > before.evidence.halves(kind) => Some(format!(
                "{} communication style confirmed",
                capitalized(style)
            )),
            _ => None,
        }
    }

    /// How the customer decides, as `fast_analytical`: the pace is the type's, the way that of the next strongest trait, or
    /// the type's own where there is none.
    #[must_use]
    pub fn decision_making_style(&self) -> Option<String> {
        let kind = self.kind?;
        let way = self.second.unwrap_or(kind).way();
        Some(format!("{}_{way}", kind.pace()))
    }
}

fn capitalized(word: &str) -> String {
    let mut letters = word.chars();
    let first = letters.next().map(|first| first.to_ascii_uppercase());
    first.into_iter().chain(letters).collect()
}
