//! Fits logistic regressions.

use linfa::prelude::*;
use linfa_logistic::LogisticRegression;
use ndarray::{Array1, Array2};

use super::Sample;

/// The strength of the ridge penalty, α/2 · |w|² on standardized features: scikit-learn's C = 1.
const ALPHA: f64 = 1.0;
/// Far more than L-BFGS needs here.
const ITERATIONS_MAX: u64 = 1_000;

/// Why nothing could be fitted.
#[derive(Debug, thiserror::Error)]
pub enum FitError {
    /// All examples ended alike, or there are none.
    #[error("examples of both outcomes are needed")]
    OneOutcome,
    /// The solver gave up.
    #[error("the fit does not converge")]
    NoConvergence(#[source] linfa_logistic::error::Error),
}

/// b and w of p = 1 / (1 + e^−(b + w·x)), in the features' own units.
#[derive(Debug, Clone, PartialEq)]
pub struct Line {
    /// b.
    pub intercept: f64,
    /// w.
    pub weights: Vec<f64>,
}

impl Line {
    /// The probability of an example.
    #[must_use]
    pub fn probability(&self, features: &[f64]) -> f64 {
        let weighed = features.iter().zip(&self.weights).map(|(x, w)| x * w);
        let odds: f64 = self.intercept + weighed.sum::<f64>();
        1.0 / (1.0 + libm::exp(-odds))
    }
}

/// Fits a line by L2-regularized maximum likelihood. The features are standardized for the fit, so that the
/// penalty treats them alike; one that never differs weighs nothing.
///
/// # Errors
/// [`FitError`]: the examples do not tell anything apart.
pub fn fit(samples: &[Sample]) -> Result<Line, FitError> {
    let bought = samples.iter().filter(|sample| sample.bought).count();
    if bought == 0 || bought == samples.len() {
        return Err(FitError::OneOutcome);
    }
    let width = samples.first().map_or(0, |sample| sample.features.len());
    let scales: Vec<Scale> = (0..width)
        .map(|column| Scale::of(samples.iter().map(|sample| sample.features[column])))
        .collect();
    let x = Array2::from_shape_fn((samples.len(), width), |(row, column)| {
        scales[column].standard(samples[row].features[column])
    });
    let y: Array1<bool> = samples.iter().map(|sample| sample.bought).collect();
    let fitted = LogisticRegression::default()
        .alpha(ALPHA)
        .max_iterations(ITERATIONS_MAX)
        .gradient_tolerance(1e-6)
        .fit(&Dataset::new(x, y))
        .map_err(FitError::NoConvergence)?;
    // The library decides itself which outcome it calls the positive one.
    let sign = if fitted.labels().pos.class { 1.0 } else { -1.0 };
    let weights: Vec<f64> = scales
        .iter()
        .zip(fitted.params())
        .map(|(scale, weight)| sign * weight * scale.per_unit)
        .collect();
    let shift: f64 = weights
        .iter()
        .zip(&scales)
        .map(|(weight, scale)| weight * scale.mean)
        .sum();
    Ok(Line {
        intercept: sign * fitted.intercept() - shift,
        weights,
    })
}

/// Mean and spread of a feature.
struct Scale {
    mean: f64,
    /// One by the standard deviation; 0 where nothing differs.
    per_unit: f64,
}

impl Scale {
    #[expect(clippy::cast_precision_loss, reason = "a number of examples")]
    fn of(values: impl Iterator<Item = f64> + Clone) -> Self {
        let count = values.clone().count() as f64;
        let mean = values.clone().sum::<f64>() / count;
        let variance = values
            .map(|value| (value - mean) * (value - mean))
            .sum::<f64>()
            / count;
        Self {
            mean,
            per_unit: if variance > 1e-12 {
                1.0 / variance.sqrt()
            } else {
                0.0
            },
        }
    }

    fn standard(&self, value: f64) -> f64 {
        (value - self.mean) * self.per_unit
    }
}
