//! What customers talk about: words that mean the same thing, and what that thing says.
//!
//! Decision factors, concerns and what a customer liked come as free words; this table gathers those that mean the same,
//! says which trait they speak of, what a customer who decides by them is called, and how to answer a concern about them.
//!
//! Sources: the traits follow what Marston's four types seek ("Emotions of Normal People", 1928) and what Merrill and
//! Reid's social styles ask about ("Personal Styles and Effective Performance", 1981): results and time (D, driver),
//! recognition and looks (I, expressive), safety and support (S, amiable), facts and cost (C, analytical). Which word
//! belongs where, and the answers, are ours.

use super::record::PersonalityType;

/// A thing that customers talk about.
#[derive(Debug, PartialEq, Eq)]
pub struct Topic {
    /// The words for it.
    words: &'static [&'static str],
    /// The type that cares most for it; `None` where everybody does.
    pub kind: Option<PersonalityType>,
    /// What a customer is called who decides by it.
    pub key_trait: &'static str,
    /// What to do about a concern.
    pub answer: &'static str,
}

/// All that is known.
const TOPICS: &[Topic] = &[
    Topic {
        words: &[
            "performance",
            "power",
            "acceleration",
            "horsepower",
            "speed",
            "results",
        ],
        kind: Some(PersonalityType::D),
        key_trait: "performance_focused",
        answer: "Show measured performance figures",
    },
    Topic {
        words: &[
            "time",
            "delivery_time",
            "availability",
            "convenience",
            "waiting_time",
        ],
        kind: Some(PersonalityType::D),
        key_trait: "time_conscious",
        answer: "Confirm availability and delivery dates",
    },
    Topic {
        words: &[
            "design",
            "style",
            "appearance",
            "looks",
            "image",
            "brand",
            "brand_reputation",
            "status",
            "prestige",
            "driving_experience",
            "fun",
        ],
        kind: Some(PersonalityType::I),
        key_trait: "image_conscious",
        answer: "Share experiences of other owners",
    },
    Topic {
        words: &[
            "safety",
            "safety_features",
            "security",
            "family",
            "family_safety",
        ],
        kind: Some(PersonalityType::S),
        key_trait: "safety_minded",
        answer: "Bring safety ratings and equipment",
    },
    Topic {
        words: &[
            "reliability",
            "poor_reliability",
            "durability",
            "quality",
            "warranty",
            "service",
            "support",
            "after_sales_service",
        ],
        kind: Some(PersonalityType::S),
        key_trait: "reliability_minded",
        answer: "Explain warranty and service",
    },
    Topic {
        words: &["comfort", "space", "ease_of_use", "simplicity"],
        kind: Some(PersonalityType::S),
        key_trait: "comfort_minded",
        answer: "Let the customer try the comfort out",
    },
    Topic {
        words: &[
            "value",
            "price",
            "cost",
            "total_cost",
            "purchase_price",
            "discount",
            "resale_value",
        ],
        kind: Some(PersonalityType::C),
        key_trait: "value_conscious",
        answer: "Prepare a comparison of total cost",
    },
    Topic {
        words: &[
            "fuel_economy",
            "fuel_efficiency",
            "fuel_costs",
            "consumption",
            "running_costs",
            "maintenance_costs",
            "efficiency",
            "range",
        ],
        kind: Some(PersonalityType::C),
        key_trait: "efficiency_minded",
        answer: "Prepare a calculation of running costs",
    },
    Topic {
        words: &[
            "technology",
            "hybrid_technology",
            "features",
            "specifications",
            "technical_specs",
            "connectivity",
            "innovation",
        ],
        kind: Some(PersonalityType::C),
        key_trait: "technology_minded",
        answer: "Bring technical data",
    },
    Topic {
        words: &[
            "environment",
            "emissions",
            "sustainability",
            "environmental_impact",
        ],
        kind: None,
        key_trait: "environment_minded",
        answer: "Bring emission figures",
    },
    Topic {
        words: &[
            "monthly_payment",
            "payment",
            "payments",
            "financing",
            "interest_rate",
            "down_payment",
            "lease_terms",
            "affordability",
            "budget",
        ],
        kind: None,
        key_trait: "budget_conscious",
        answer: "Prepare financing options comparison",
    },
    Topic {
        words: &["trade_in", "trade_in_value"],
        kind: None,
        key_trait: "trade_in_minded",
        answer: "Prepare a valuation of the trade-in",
    },
];

impl Topic {
    /// The topic that a word (in the form that records keep words in) is about.
    #[must_use]
    pub fn of(word: &str) -> Option<&'static Self> {
        TOPICS.iter().find(|topic| topic.words.contains(&word))
    }

    /// Whether two words mean the same: they are equal, or of one topic.
    #[must_use]
    pub fn is_same(one: &str, other: &str) -> bool {
        one == other || Self::of(one).is_some_and(|topic| topic.words.contains(&other))
    }

    /// Whether it is about money.
    #[must_use]
    pub fn is_money(&self) -> bool {
        self.words.contains(&"price") || self.words.contains(&"payment")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_word_is_of_two_topics() {
        let mut words: Vec<&str> = TOPICS
            .iter()
            .flat_map(|topic| topic.words)
            .copied()
            .collect();
        let all = words.len();
        words.sort_unstable();
        words.dedup();
        assert_eq!(words.len(), all);
    }
}
