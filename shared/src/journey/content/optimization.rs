//! What a page may be changed in, read from the contract's request.

use super::kit::Trait;
use super::slot::Slot;
use crate::sequence::sort_short;
use crate::text::InvalidField;
use crate::wire::journey::OptimizeRequest;

/// Most limitations in one request.
const LIMITATIONS_MAX: usize = 16;

/// What may be changed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Optimization {
    /// In these slots.
    pub slots: Vec<Slot>,
    /// At most so many of them.
    pub most: usize,
    /// With nothing that asks for these.
    pub forbidden: Vec<Trait>,
}

/// The slots that an optimization of all kinds looks at.
const SLOTS: [Slot; 6] = [
    Slot::Layout,
    Slot::HeroMessage,
    Slot::CallToAction,
    Slot::TrustSignal,
    Slot::Interaction,
    Slot::Timing,
];

/// Kinds of optimization.
const KINDS: [&str; 5] = [
    "real_time_adaptation",
    "layout_optimization",
    "content_personalization",
    "interaction_optimization",
    "timing_optimization",
];

/// How much may change: words and numbers of slots.
const STRENGTHS: [(&str, usize); 3] = [("subtle", 1), ("moderate", 3), ("strong", usize::MAX)];

/// What a word forbids.
type Words = [(&'static str, &'static [Trait])];

const LIMITATIONS: &Words = &[
    ("small_screen", &[Trait::LargeScreen]),
    ("touch_only", &[Trait::Hover]),
    ("no_hover", &[Trait::Hover]),
    ("low_memory", &[Trait::Heavy]),
    ("slow_cpu", &[Trait::Heavy]),
];

const BUDGETS: &Words = &[
    ("save_data", &[Trait::Heavy, Trait::Images]),
    ("mobile_2g", &[Trait::Heavy, Trait::Images]),
    ("mobile_3g", &[Trait::Heavy]),
    ("mobile_4g", &[]),
    ("mobile_5g", &[]),
    ("wifi", &[]),
    ("desktop", &[]),
];

const GUIDELINES: &Words = &[
    ("maintain_premium_feel", &[Trait::Urgent]),
    ("no_pressure", &[Trait::Urgent]),
    ("none", &[]),
];

impl Optimization {
    /// Reads what a page may be changed in.
    ///
    /// # Errors
    /// [`InvalidField`] names the field with a word that nobody knows and lists those that are known: a constraint
    /// that is not understood could not be kept.
    pub fn parse(request: OptimizeRequest) -> Result<Self, InvalidField> {
        let kind = request.optimization_type.trim();
        if !KINDS.contains(&kind) {
            return Err(one_of("optimizationType", &KINDS));
        }
        let parameters = request.optimization_parameters.unwrap_or_default();
        let constraints = request.contextual_constraints.unwrap_or_default();
        let metric = parameters.target_metric.as_deref();
        if metric.is_some_and(|metric| metric.trim() != "conversion_probability") {
            let field = "optimizationParameters.targetMetric";
            return Err(one_of(field, &["conversion_probability"]));
        }
        let strength = parameters.adaptation_strength.as_deref();
        let strength = strength.map_or("moderate", str::trim);
        let most = STRENGTHS.iter().find(|(word, _)| *word == strength);
        let (_, most) = most.ok_or_else(|| {
            let field = "optimizationParameters.adaptationStrength";
            one_of(field, &STRENGTHS.map(|(word, _)| word))
        })?;
        let mut forbidden = Vec::new();
        if parameters.preserve_user_experience == Some(true) {
            forbidden.push(Trait::Intrusive);
        }
        let limitations = constraints.device_limitations.unwrap_or_default();
        if limitations.len() > LIMITATIONS_MAX {
            let reason = format!("must hold at most {LIMITATIONS_MAX} limitations");
            let field = "contextualConstraints.deviceLimitations";
            return Err(InvalidField::new(field, reason));
        }
        for (at, word) in limitations.iter().enumerate() {
            let field = format!("contextualConstraints.deviceLimitations[{at}]");
            forbidden.extend(forbids(&field, word, LIMITATIONS)?);
        }
        for (field, word, words) in [
            (
                "contextualConstraints.performanceBudget",
                constraints.performance_budget,
                BUDGETS,
            ),
            (
                "contextualConstraints.brandGuidelines",
                constraints.brand_guidelines,
                GUIDELINES,
            ),
        ] {
            if let Some(word) = word {
                forbidden.extend(forbids(field, &word, words)?);
            }
        }
        sort_short(&mut forbidden, |one| *one);
        forbidden.dedup();
        let is_meant = |slot: &Slot| kind == KINDS[0] || slot.adaptation() == kind;
        Ok(Self {
            slots: SLOTS.into_iter().filter(is_meant).collect(),
            most: *most,
            forbidden,
        })
    }
}

fn forbids(field: &str, word: &str, words: &Words) -> Result<&'static [Trait], InvalidField> {
    let known = words.iter().find(|(known, _)| *known == word.trim());
    known.map(|(_, traits)| *traits).ok_or_else(|| {
        let words: Vec<&str> = words.iter().map(|(word, _)| *word).collect();
        one_of(field, &words)
    })
}

fn one_of(field: &str, words: &[&str]) -> InvalidField {
    InvalidField::new(field, format!("must be one of {}", words.join(", ")))
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    fn read(request: Value) -> Result<Optimization, InvalidField> {
        Optimization::parse(serde_json::from_value(request).unwrap())
    }

    #[test]
    fn the_contracts_example_forbids_what_its_constraints_say() {
        let wanted = read(json!({
            "sessionId": "session_12345", "optimizationType": "real_time_adaptation",
            "optimizationParameters": {"targetMetric": "conversion_probability",
                "adaptationStrength": "moderate", "preserveUserExperience": true},
            "contextualConstraints": {"deviceLimitations": ["small_screen", "touch_only"],
                "performanceBudget": "mobile_3g", "brandGuidelines": "maintain_premium_feel"},
        }));
        let wanted = wanted.unwrap();
        assert_eq!((wanted.most, wanted.slots.len()), (3, 6));
        let forbidden = [
            Trait::LargeScreen,
            Trait::Hover,
            Trait::Heavy,
            Trait::Urgent,
            Trait::Intrusive,
        ];
        assert_eq!(wanted.forbidden, forbidden);
    }

    #[test]
    fn a_word_that_nobody_knows_is_named_with_its_field() {
        let base = |name: &str, value: Value| {
            let mut request = json!({"sessionId": "s", "optimizationType": "layout_optimization"});
            request[name] = value;
            read(request).unwrap_err().field
        };
        assert_eq!(base("optimizationType", json!("magic")), "optimizationType");
        assert_eq!(
            base("optimizationParameters", json!({"targetMetric": "clicks"})),
            "optimizationParameters.targetMetric"
        );
        assert_eq!(
            base(
                "optimizationParameters",
                json!({"adaptationStrength": "brutal"})
            ),
            "optimizationParameters.adaptationStrength"
        );
        assert_eq!(
            base(
                "contextualConstraints",
                json!({"deviceLimitations": ["small_screen", "round"]})
            ),
            "contextualConstraints.deviceLimitations[1]"
        );
        assert_eq!(
            base(
                "contextualConstraints",
                json!({"performanceBudget": "fast"})
            ),
            "contextualConstraints.performanceBudget"
        );
    }

    #[test]
    fn one_kind_looks_at_its_own_slots_only() {
        let wanted = read(json!({"sessionId": "s", "optimizationType": "layout_optimization"}));
        assert_eq!(wanted.unwrap().slots, [Slot::Layout]);
    }
}
