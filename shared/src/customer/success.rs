//! How probably a sale succeeds: logistic regression over a record and its history.
//!
//! p = 1 / (1 + e^−(b + w·x)). A shop's own model is fitted on its closed sales, each as it stood just before the
//! interaction that closed it, so that nothing of the end is known to it. It serves only when it has proven itself: 50
//! closed sales or more, 10 of each outcome at least, and in five folds a Brier score (Brier, "Verification of Forecasts
//! Expressed in Terms of Probability", Monthly Weather Review 78, 1950) better than that of the base rate by more than one
//! standard error of the paired difference. Until then the prior serves and says so.
//!
//! The prior is ours and no fit: 0.10, 0.25 and 0.50 in prospecting, presentation and negotiation, with ±1.25 of log odds for
//! high and low interest. A closed sale has 1 or 0, because it is a fact.

use serde::{Deserialize, Serialize};

use super::completeness::Completeness;
use super::history::History;
use super::interaction::InterestLevel;
use super::record::CustomerRecord;
use super::stage::{self, SalesStage};
use crate::journey::model::Basis;
use crate::time::{DAY_MS, UtcMillis};

/// How many features there are: presentation, negotiation, interest, interactions, open concerns, completeness, days idle.
pub const COUNT: usize = 7;
/// Closed sales that a fit needs, and those of each outcome.
const SAMPLES_MIN: usize = 50;
const OUTCOMES_MIN: usize = 10;
/// Folds of the proof.
const FOLDS: usize = 5;

/// A closed sale as it stood before its end.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Sample {
    /// What was known.
    pub features: [f64; COUNT],
    /// Whether it was won.
    pub won: bool,
}

/// b and w, in the features' own units.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Line {
    /// b.
    pub intercept: f64,
    /// w.
    pub weights: [f64; COUNT],
}

/// A model of success.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct SuccessModel {
    /// What stands behind it.
    pub basis: Basis,
    /// What it weighs.
    pub line: Line,
    /// Closed sales that it was fitted on.
    pub samples: u32,
    /// Those of them that were won.
    pub won: u32,
    /// Its Brier score on sales that it had not seen; `None` for the prior, which was measured on none.
    pub brier: Option<f64>,
}

/// What the model weighs at the time `now`: 1 or 0 for the stages, −1, 0 and 1 for the interest (0 where it is not known),
/// ln(1 + n) of counts and of days since the last interaction, and the completeness from 0 to 1.
#[must_use]
pub fn features(record: &CustomerRecord, history: &History, now: UtcMillis) -> [f64; COUNT] {
    let stage = stage::current(history);
    let is = |holds: bool| if holds { 1.0 } else { 0.0 };
    let count = |count: usize| libm::log1p(f64::from(u32::try_from(count).unwrap_or(u32::MAX)));
    let idle_days = history
        .last_at()
        .map_or(0, |last| now.since(last).max(0) / DAY_MS);
    [
        is(stage == SalesStage::Presentation),
        is(stage == SalesStage::Negotiation),
        match history.interest_level() {
            Some(InterestLevel::High) => 1.0,
            Some(InterestLevel::Low) => -1.0,
            Some(InterestLevel::Medium) | None => 0.0,
        },
        count(history.all().len()),
        count(history.open_concerns().len()),
        Completeness::of(record).share(),
        count(usize::try_from(idle_days).unwrap_or(usize::MAX)),
    ]
}

impl Sample {
    /// A sale that is closed, as it stood before the interaction that closed it; `None` for an open one. The record counts
    /// as it is now, since nobody keeps what it was.
    #[must_use]
    pub fn of(record: &CustomerRecord, history: &History) -> Option<Self> {
        let (last, closing) = stage::changes(history).pop()?;
        let before = history.before(&closing.id);
        last.is_closed().then(|| Self {
            features: features(record, &before, closing.interaction.at),
            won: last == SalesStage::ClosedWon,
        })
    }
}

impl Line {
    fn probability(&self, features: &[f64; COUNT]) -> f64 {
        let weighed = features.iter().zip(&self.weights);
        let odds = weighed.fold(self.intercept, |sum, (x, w)| sum + x * w);
        // What no data can tell apart from certain is not told as certain.
        let odds = if odds.is_nan() {
            0.0
        } else {
            odds.clamp(-4.5, 4.5)
        };
        1.0 / (1.0 + libm::exp(-odds))
    }
}

impl SuccessModel {
    /// The model for shops with too few closed sales.
    #[must_use]
    pub fn prior() -> Self {
        let odds = |p: f64| libm::log(p / (1.0 - p));
        let prospecting = odds(0.10);
        let presentation = odds(0.25) - prospecting;
        let negotiation = odds(0.50) - prospecting;
        Self {
            basis: Basis::Prior,
            line: Line {
                intercept: prospecting,
                weights: [presentation, negotiation, 1.25, 0.0, 0.0, 0.0, 0.0],
            },
            samples: 0,
            won: 0,
            brier: None,
        }
    }

    /// A shop's own model, if its closed sales prove one. `solve` is the regularized fit of a line (the origin has the
    /// library for it); it gives `None` where it finds none.
    #[must_use]
    pub fn fit(samples: &[Sample], solve: impl Fn(&[Sample]) -> Option<Line>) -> Option<Self> {
        let (won, lost): (Vec<Sample>, Vec<Sample>) = samples.iter().partition(|one| one.won);
        if samples.len() < SAMPLES_MIN || won.len().min(lost.len()) < OUTCOMES_MIN {
            return None;
        }
        let brier = proven(&[won.as_slice(), &lost], &solve)?;
        Some(Self {
            basis: Basis::Fitted,
            line: solve(samples)?,
            samples: u32::try_from(samples.len()).unwrap_or(u32::MAX),
            won: u32::try_from(won.len()).unwrap_or(u32::MAX),
            brier: Some(brier),
        })
    }

    /// How probably the sale succeeds, seen at the time `now`.
    #[must_use]
    pub fn probability(&self, record: &CustomerRecord, history: &History, now: UtcMillis) -> f64 {
        match stage::current(history) {
            SalesStage::ClosedWon => 1.0,
            SalesStage::ClosedLost => 0.0,
            SalesStage::Prospecting | SalesStage::Presentation | SalesStage::Negotiation => {
                self.line.probability(&features(record, history, now))
            }
        }
    }
}

/// The Brier score on what each fold's fit had not seen; `None` unless it beats the base rate's. Each outcome is dealt out to
/// the folds by turns, so that no fold lacks one.
fn proven(outcomes: &[&[Sample]; 2], solve: impl Fn(&[Sample]) -> Option<Line>) -> Option<f64> {
    let dealt: Vec<(usize, Sample)> = outcomes
        .iter()
        .flat_map(|samples| samples.iter().enumerate())
        .map(|(at, sample)| (at % FOLDS, *sample))
        .collect();
    let (mut scores, mut gains) = (Vec::new(), Vec::new());
    for fold in 0..FOLDS {
        let seen = dealt.iter().filter(|(of, _)| *of != fold);
        let seen: Vec<Sample> = seen.map(|(_, sample)| *sample).collect();
        let line = solve(&seen)?;
        let base = mean(seen.iter().map(|sample| f64::from(sample.won)));
        for (_, sample) in dealt.iter().filter(|(of, _)| *of == fold) {
            let truth = f64::from(sample.won);
            let square = |p: f64| (p - truth) * (p - truth);
            let score = square(line.probability(&sample.features));
            scores.push(score);
            gains.push(square(base) - score);
        }
    }
    let gain = mean(gains.iter().copied());
    let variance = mean(gains.iter().map(|one| (one - gain) * (one - gain)));
    #[expect(clippy::cast_precision_loss, reason = "a number of sales")]
    let error = libm::sqrt(variance / gains.len() as f64);
    (gain > error).then(|| mean(scores.into_iter()))
}

fn mean(values: impl Iterator<Item = f64>) -> f64 {
    let (sum, count) = values.fold((0.0, 0.0), |(sum, count), value| (sum + value, count + 1.0));
    sum / count
}
