//! The conversion model: the probability that a session ends in a purchase, and how long that may take.
//!
//! Logistic regression, p = 1 / (1 + e^−(b + w·x)) over [`features`](super::features). It is fitted at the origin
//! and evaluated wherever a decision is made; both with `libm`, so that the bits are the same everywhere.

use std::collections::BTreeMap;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::features::{COUNT, NAMES, features};
use super::observed::Observed;
use super::stage::Stage;

/// The model that serves shops which have too few conversions of their own, made by `footfall fit journey`.
const PRIOR: &str = include_str!("prior.json");

/// What a model was fitted on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub enum Basis {
    /// Public data, until the shop has enough of its own.
    Prior,
    /// The shop's own sessions.
    Fitted,
}

/// A conversion model.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Model {
    /// Its name; no two models share one.
    pub version: String,
    /// What it was fitted on.
    pub basis: Basis,
    /// Where it comes from, in words.
    pub source: String,
    /// Sessions that it was fitted on.
    pub sessions: u32,
    /// Those of them that converted.
    pub conversions: u32,
    /// b.
    pub intercept: f64,
    /// w, by the features' names; those that are missing weigh nothing.
    pub weights: Weights,
    /// The median probability of buying sessions just before they bought: who stands there is ready.
    pub ready: f64,
    /// Seconds until half of those who buy have bought, by the stage that they are in.
    pub median_s: BTreeMap<Stage, f64>,
}

/// The weights of a model, in the features' sequence.
#[derive(Debug, Clone, PartialEq)]
pub struct Weights(pub [f64; COUNT]);

impl Serialize for Weights {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let by_name = NAMES
            .iter()
            .zip(&self.0)
            .filter(|(_, weight)| **weight != 0.0);
        serializer.collect_map(by_name)
    }
}

impl<'de> Deserialize<'de> for Weights {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let by_name = BTreeMap::<String, f64>::deserialize(deserializer)?;
        Ok(Self(
            NAMES.map(|name| by_name.get(name).copied().unwrap_or(0.0)),
        ))
    }
}

impl Model {
    /// The model for shops with too little data of their own.
    #[must_use]
    #[expect(
        clippy::expect_used,
        reason = "the file is part of the program, and a test reads it"
    )]
    pub fn prior() -> Self {
        serde_json::from_slice(PRIOR.as_bytes()).expect("the prior is a model")
    }

    /// The probability that the session ends in a purchase; one that did has it.
    #[must_use]
    pub fn probability(&self, observed: &Observed) -> f64 {
        if observed.stage == Stage::Purchase {
            return 1.0;
        }
        let weighed = features(observed).into_iter().zip(&self.weights.0);
        let odds = weighed.fold(self.intercept, |sum, (x, w)| sum + x * w);
        // What no data can tell apart from certain is not told as certain.
        let odds = if odds.is_nan() {
            0.0
        } else {
            odds.clamp(-12.0, 12.0)
        };
        1.0 / (1.0 + libm::exp(-odds))
    }

    /// How near a session is to where buyers stand just before they buy, from 0 to 1: its probability by theirs.
    #[must_use]
    pub fn readiness(&self, probability: f64) -> f64 {
        if self.ready > 0.0 {
            (probability / self.ready).clamp(0.0, 1.0)
        } else {
            0.0
        }
    }

    /// Seconds until half of those in this stage who buy have bought (the median of a log-normal distribution of
    /// the remaining time); 0 after the purchase, `None` where no buyer was seen in the stage.
    #[must_use]
    pub fn seconds_to_decision(&self, stage: Stage) -> Option<f64> {
        match stage {
            Stage::Purchase => Some(0.0),
            stage => self.median_s.get(&stage).copied(),
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_model_reads_back_as_it_was() {
        let prior = Model::prior();
        assert_eq!(prior.basis, Basis::Prior);
        let text = serde_json::to_string(&prior).unwrap();
        assert_eq!(serde_json::from_str::<Model>(&text).unwrap(), prior);
    }

    #[test]
    fn who_is_about_to_pay_is_likelier_to_buy_than_who_has_just_come() {
        let prior = Model::prior();
        let at = |stage| {
            prior.probability(&Observed {
                stage,
                touchpoints: 5,
                product_touchpoints: 3,
                dwell_ms: 60_000,
                elapsed_ms: 60_000,
                ..Observed::default()
            })
        };
        assert!(at(Stage::Awareness) < at(Stage::Decision));
        assert!(at(Stage::Decision) < at(Stage::Purchase));
    }

    proptest! {
        #[test]
        fn a_probability_lies_between_0_and_1_whatever_is_observed(
            touchpoints: u32, dwell_ms: u64, idle_ms: u64, scroll_milli: u16, intent_milli: Option<u16>, errors: u32,
        ) {
            let observed = Observed { touchpoints, dwell_ms, idle_ms, scroll_milli, intent_milli, errors, ..Observed::default() };
            let probability = Model::prior().probability(&observed);
            prop_assert!((0.0..=1.0).contains(&probability), "{probability}");
        }
    }
}
