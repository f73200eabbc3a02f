//! Whether it gets better: the slope of a score over time, and whether it is more than chance.

use serde::{Deserialize, Serialize};

use crate::experiment::student::two_sided;
use crate::time::DAY_MS;

/// Months that a trend needs.
const MONTHS_MIN: usize = 3;
/// Reviews that it needs.
const COUNT_MIN: f64 = 20.0;
/// How unlikely chance must be.
const SIGNIFICANT: f64 = 0.05;
/// Days of a month here.
const MONTH_DAYS: i64 = 30;

/// Where it goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Direction {
    /// It gets better.
    Improving,
    /// Nothing more than chance.
    Stable,
    /// It gets worse.
    Declining,
}

impl Direction {
    /// As the contract writes it.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Improving => "improving",
            Self::Stable => "stable",
            Self::Declining => "declining",
        }
    }
}

/// A trend.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Trend {
    /// Where it goes.
    pub direction: Direction,
    /// Change of the score in thirty days.
    pub slope: f64,
    /// The probability of such a slope by chance, two-sided.
    pub p: f64,
}

/// Scores by thirty days.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Months {
    months: std::collections::BTreeMap<i64, (f64, f64)>,
}

impl Months {
    /// Adds a score at a time (epoch milliseconds).
    pub fn add(&mut self, at: i64, score: f64) {
        let (count, sum) = self
            .months
            .entry(at.div_euclid(MONTH_DAYS * DAY_MS))
            .or_default();
        *count += 1.0;
        *sum += score;
    }

    /// The trend of the months' means, weighted by how many scores each has, by Student's t-test on the slope; `None` for
    /// fewer than three months or twenty scores.
    #[must_use]
    pub fn trend(&self) -> Option<Trend> {
        let points: Vec<(f64, f64, f64)> = self
            .months
            .iter()
            .map(|(month, (count, sum))| (*month as f64, sum / count, *count))
            .collect();
        let weight: f64 = points.iter().map(|(_, _, weight)| weight).sum();
        if points.len() < MONTHS_MIN || weight < COUNT_MIN {
            return None;
        }
        let mean = |of: fn(&(f64, f64, f64)) -> f64| {
            points.iter().map(|point| of(point) * point.2).sum::<f64>() / weight
        };
        let (x, y) = (mean(|point| point.0), mean(|point| point.1));
        let sum = |of: &dyn Fn(&(f64, f64, f64)) -> f64| {
            points.iter().map(|point| of(point) * point.2).sum::<f64>()
        };
        let spread = sum(&|point| (point.0 - x) * (point.0 - x));
        let slope = sum(&|point| (point.0 - x) * (point.1 - y)) / spread;
        let residual = sum(&|point| (point.1 - y - slope * (point.0 - x)).powi(2));
        let freedom = points.len() as f64 - 2.0;
        let p = match residual / freedom / spread {
            error if error > 0.0 => two_sided(slope / error.sqrt(), freedom),
            // All points on one line: a level one is no trend.
            _ => f64::from(slope.abs() < 1e-12),
        };
        let direction = match () {
            () if p >= SIGNIFICANT => Direction::Stable,
            () if slope > 0.0 => Direction::Improving,
            () => Direction::Declining,
        };
        Some(Trend {
            direction,
            slope,
            p,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn months(means: &[f64], each: u32) -> Months {
        let mut months = Months::default();
        for (month, mean) in (0i64..).zip(means) {
            (0..each).for_each(|_| months.add(month * MONTH_DAYS * DAY_MS + 5, *mean));
        }
        months
    }

    #[test]
    fn a_trend_is_told_only_where_it_is_more_than_chance() {
        let of = |means: &[f64]| months(means, 10).trend().map(|trend| trend.direction);
        assert_eq!(of(&[0.1, 0.22, 0.3, 0.41, 0.5]), Some(Direction::Improving));
        assert_eq!(of(&[0.5, 0.42, 0.3, 0.21, 0.1]), Some(Direction::Declining));
        assert_eq!(of(&[0.1, 0.5, 0.2, 0.4, 0.3]), Some(Direction::Stable));
        assert_eq!(of(&[0.3, 0.3, 0.3]), Some(Direction::Stable));
        assert_eq!(of(&[0.1, 0.9]), None);
        assert_eq!(months(&[0.1, 0.5, 0.9], 6).trend(), None);
        let slope = months(&[0.1, 0.2, 0.3], 10).trend().unwrap().slope;
        assert!((slope - 0.1).abs() < 1e-9);
    }
}
