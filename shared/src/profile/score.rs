//! The profile score, 0–100: recency, frequency, monetary value and regularity.
//!
//! score = 100 × (0.35 R + 0.30 F + 0.20 M + 0.15 G), rounded to tenths, where
//! - R = 30 / (30 + days since the last order): halves after 30 days;
//! - F = n / (n + 5) for n counted orders: half at 5;
//! - M = spent / (spent + 250.00) in the shop's currency: half at 250;
//! - G = 1 / (1 + cv), the coefficient of variation of the gaps between orders (their standard
//!   deviation over their mean); 0 before the third order, since one gap shows no rhythm.
//!
//! Each part is monotone in its input and saturates, so that no single strength can hide the others. The
//! weights follow the usual order of predictive power in RFM models (recency, frequency, monetary; e.g.
//! Fader, Hardie and Lee, "RFM and CLV", 2005); they are a choice, not a fit. Only +, ×, ÷ and √ are used:
//! IEEE 754 defines their every bit, so wasm and native agree.

use serde::{Deserialize, Serialize};

use crate::order::Order;
use crate::time::{DAY_MS, UtcMillis};

const RECENCY_HALF_DAYS: f64 = 30.0;
const FREQUENCY_HALF_ORDERS: f64 = 5.0;
/// In minor units of a currency with two decimals.
const MONETARY_HALF_MINOR: f64 = 25_000.0;

/// A score from 0 to 100 in tenths.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Score(u16);

impl Score {
    /// A score of so many tenths, at most 1000.
    #[must_use]
    pub fn from_tenths(tenths: u16) -> Self {
        Self(tenths.min(1000))
    }

    /// The score of orders in the sequence in which they were placed.
    #[must_use]
    pub fn of(orders: &[&Order], now: UtcMillis) -> Self {
        let spent: i64 = orders.iter().map(|order| order.amount().get()).sum();
        let age_ms = orders.last().map_or(0, |last| now.since(last.at).max(0));
        let gaps: Vec<f64> = orders
            .windows(2)
            .map(|pair| to_f64(pair[1].at.since(pair[0].at)))
            .collect();
        Self::blend(
            to_f64(age_ms) / to_f64(DAY_MS),
            to_f64(i64::try_from(orders.len()).unwrap_or(i64::MAX)),
            to_f64(spent),
            variation(&gaps),
        )
    }

    /// The formula itself; `variation` is `None` where no rhythm can be told.
    fn blend(days: f64, orders: f64, spent_minor: f64, variation: Option<f64>) -> Self {
        let recency = RECENCY_HALF_DAYS / (RECENCY_HALF_DAYS + days);
        let frequency = orders / (orders + FREQUENCY_HALF_ORDERS);
        let monetary = spent_minor / (spent_minor + MONETARY_HALF_MINOR);
        let regularity = variation.map_or(0.0, |cv| 1.0 / (1.0 + cv));
        let score = 0.35 * recency + 0.30 * frequency + 0.20 * monetary + 0.15 * regularity;
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "every part lies in 0..=1, so the tenths lie in 0..=1000"
        )]
        Self::from_tenths((score * 1000.0 + 0.5) as u16)
    }

    /// The score in tenths, 0 to 1000.
    #[must_use]
    pub const fn tenths(self) -> u16 {
        self.0
    }

    /// The score as the contract shows it, with one decimal.
    #[must_use]
    pub fn to_f64(self) -> f64 {
        f64::from(self.0) / 10.0
    }
}

/// Standard deviation over mean (of the whole population); `None` for fewer than two values or mean 0.
fn variation(values: &[f64]) -> Option<f64> {
    let count = to_f64(i64::try_from(values.len()).unwrap_or(i64::MAX));
    let mean = values.iter().sum::<f64>() / count;
    if values.len() < 2 || mean <= 0.0 {
        return None;
    }
    let variance = values
        .iter()
        .map(|value| (value - mean) * (value - mean))
        .sum::<f64>()
        / count;
    Some(variance.sqrt() / mean)
}

#[expect(
    clippy::cast_precision_loss,
    reason = "counts, days and amounts stay below 2^53"
)]
fn to_f64(number: i64) -> f64 {
    number as f64
}

#[cfg(test)]
mod tests {
    use crate::profile::testing::{order, profile};

    use super::*;

    #[test]
    fn a_first_order_of_today_scores_by_recency_above_all() {
        let score = profile(&[order(1, 10, &[(1, 1, 25_000)])], 10).score;
        // 0.35 × 1 + 0.30 × 1/6 + 0.20 × 1/2 + 0
        assert_eq!(score.tenths(), 500);
    }

    #[test]
    fn a_steady_rhythm_scores_above_a_random_one() {
        let steady: Vec<_> = (0..4)
            .map(|at| order(at, at.cast_signed() * 10, &[(1, 1, 100)]))
            .collect();
        let days = [0, 1, 29, 30];
        let random: Vec<_> = days
            .iter()
            .zip(0..)
            .map(|(day, id)| order(id, *day, &[(1, 1, 100)]))
            .collect();
        assert!(profile(&steady, 31).score > profile(&random, 31).score);
    }

    proptest::proptest! {
        #[test]
        fn the_score_is_monotone_in_each_input(
            days in 0.0..4000.0f64, orders in 1.0..500.0f64, spent in 0.0..1e9f64, cv in 0.0..9.0f64,
            more in 0.0..1e6f64,
        ) {
            let base = Score::blend(days, orders, spent, Some(cv));
            proptest::prop_assert!(Score::blend(days + more, orders, spent, Some(cv)) <= base);
            proptest::prop_assert!(Score::blend(days, orders + more, spent, Some(cv)) >= base);
            proptest::prop_assert!(Score::blend(days, orders, spent + more, Some(cv)) >= base);
            proptest::prop_assert!(Score::blend(days, orders, spent, Some(cv + more)) <= base);
            proptest::prop_assert!(Score::blend(days, orders, spent, None) <= base);
            proptest::prop_assert!(base.tenths() <= 1000);
        }
    }
}
