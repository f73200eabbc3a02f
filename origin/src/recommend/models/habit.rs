//! What a shopper buys again and again.
//!
//! A shopper's own frequencies, recent ones weighing more, are hard to beat where things are used up: Hu, He, Gao and
//! Zhang, "Modeling Personalized Item Frequency Information for Next-basket Recommendation" (SIGIR 2020, TIFU-KNN), and
//! Faggioli, Polato and Aiolli, "Recency Aware Collaborative Filtering for Next Basket Recommendation" (UMAP 2020).

use super::history::weighed;
use super::{Model, Shopper};

/// The shopper's own purchases, weighed by age.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Habit {
    /// The days after which a purchase weighs half.
    pub half_life_days: f32,
}

impl Habit {
    /// The items that the shopper bought, by index, with the weighed numbers of their purchases.
    pub(super) fn of(self, shopper: &Shopper<'_>) -> Vec<(u32, f32)> {
        weighed(shopper, self.half_life_days)
    }
}

impl Model for Habit {
    /// The weighed number of the shopper's purchases of each item, in purchases of today.
    fn score(&self, shopper: &Shopper<'_>, scores: &mut [f32]) {
        scores.fill(0.0);
        for (item, weight) in self.of(shopper) {
            scores[item as usize] = weight;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::history::tests::{day, purchases};
    use super::*;

    #[test]
    fn the_own_purchases_count_and_no_others() {
        let all = purchases(3, &[vec![(0, 0), (0, 10), (1, 20)], vec![(2, 20)]]);
        let mut scores = [9.0; 3];
        let habit = Habit {
            half_life_days: 10.0,
        };
        habit.score(&all.customers[0].shopper(day(20)), &mut scores);
        assert_eq!(scores, [0.75, 1.0, 0.0]);
    }
}
