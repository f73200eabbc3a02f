//! What everybody buys, lately.

use footfall_shared::time::UtcMillis;

use super::history::{Purchases, weight};
use super::{Model, Shopper};

/// The period that tells a trend, days.
const TREND_HALF_LIFE_DAYS: f32 = 20.0;
/// Purchases as at the shop's mean trend that are added to an item's own, so that a few do not make one.
const TREND_PRIOR: f32 = 3.0;

/// Purchases of each item, recent ones weighing more.
#[derive(Debug, Clone, PartialEq)]
pub struct Popularity {
    scores: Vec<f32>,
}

impl Popularity {
    /// Counts; a purchase weighs half as much after each `half_life_days`. Scores are relative to the most popular
    /// item's, so 0 to 1.
    #[must_use]
    pub fn fit(purchases: &Purchases, now: UtcMillis, half_life_days: f32) -> Self {
        let mut scores = counts(purchases, now, half_life_days);
        let most = scores.iter().copied().fold(0.0, f32::max);
        if most > 0.0 {
            scores.iter_mut().for_each(|score| *score /= most);
        }
        Self { scores }
    }

    /// The score of each item, 0 to 1.
    #[must_use]
    pub fn scores(&self) -> &[f32] {
        &self.scores
    }
}

impl Model for Popularity {
    fn score(&self, _: &Shopper<'_>, scores: &mut [f32]) {
        scores.copy_from_slice(&self.scores);
    }
}

/// How much more each item is bought of late than before, compared with the shop as a whole: 1 is as ever.
#[must_use]
pub fn trends(purchases: &Purchases, now: UtcMillis) -> Vec<f32> {
    let recent = counts(purchases, now, TREND_HALF_LIFE_DAYS);
    let ever = counts(purchases, now, f32::INFINITY);
    let total = ever.iter().sum::<f32>();
    if total <= 0.0 {
        return vec![1.0; ever.len()];
    }
    let usual = recent.iter().sum::<f32>() / total;
    let trend = |(recent, ever): (&f32, &f32)| {
        (recent + TREND_PRIOR * usual) / ((ever + TREND_PRIOR) * usual).max(f32::MIN_POSITIVE)
    };
    recent.iter().zip(&ever).map(trend).collect()
}

/// The purchases of each item, each by what it still weighs.
pub(super) fn counts(purchases: &Purchases, now: UtcMillis, half_life_days: f32) -> Vec<f32> {
    let mut counts = vec![0.0; purchases.items.len()];
    for bought in purchases.all() {
        counts[bought.item as usize] += weight(bought, now, half_life_days);
    }
    counts
}

#[cfg(test)]
mod tests {
    use super::super::history::tests::{day, purchases};
    use super::*;

    #[test]
    fn recent_purchases_outweigh_old_ones() {
        let old = (0..8).map(|at| (0, at));
        let all = purchases(3, &[old.chain((0..4).map(|at| (1, 96 + at))).collect()]);
        let scores = Popularity::fit(&all, day(100), 30.0).scores;
        assert!(scores[1] > scores[0] && scores[0] > 0.0, "{scores:?}");
        assert_eq!((scores[1], scores[2]), (1.0, 0.0));
    }

    #[test]
    fn what_is_bought_as_ever_has_no_trend_and_what_comes_up_has_one() {
        let steady = (0..200).map(|at| (0, at));
        let coming = (0..10).map(|at| (1, 190 + at));
        let mut bought: Vec<_> = steady.chain(coming).collect();
        bought.sort_by_key(|(_, at)| *at);
        let trends = trends(&purchases(3, &[bought]), day(200));
        assert!(
            trends[1] > 2.0 && trends[0] < 1.0 && trends[0] > 0.5,
            "{trends:?}"
        );
        assert!((trends[2] - 1.0).abs() < 1e-5, "{trends:?}");
    }

    #[test]
    fn a_shop_that_sold_nothing_has_neither() {
        let none = purchases(2, &[]);
        assert_eq!(Popularity::fit(&none, day(1), 30.0).scores, [0.0, 0.0]);
        assert_eq!(trends(&none, day(1)), [1.0, 1.0]);
    }
}
