//! Items that the same people buy.
//!
//! Cosines between items with shrinkage: Sarwar et al., "Item-based collaborative filtering recommendation algorithms"
//! (WWW 2001), the shrinkage as in Bell and Koren (2007). Well tuned it keeps up with far larger models: Ferrari
//! Dacrema, Cremonesi and Jannach, "Are we really making much progress?" (RecSys 2019).

use serde::{Deserialize, Serialize};

use super::history::{Purchases, weighed};
use super::rows::Rows;
use super::{Model, Shopper};

/// Customers that similarities are counted on at the most: the most recent ones.
const CUSTOMERS_MAX: usize = 100_000;
/// Items of one customer beyond which they tell little of what belongs together, and cost much: those of the fewest
/// buyers are kept.
const ITEMS_OF_ONE_MAX: usize = 1_000;

/// How neighbours are found.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Settings {
    /// Neighbours that an item keeps.
    pub neighbours: usize,
    /// Added to the cosine's denominator, in buyers: similarities of few buyers shrink.
    pub shrinkage: f32,
    /// The days after which a purchase of the shopper's weighs half.
    pub half_life_days: f32,
}

/// Each item's nearest neighbours.
#[derive(Debug, Clone, PartialEq)]
pub struct ItemKnn {
    half_life_days: f32,
    /// For each item those that it is a near neighbour of, with the similarity.
    near: Vec<Vec<(u32, f32)>>,
}

impl ItemKnn {
    /// Finds the neighbours.
    #[must_use]
    pub fn fit(purchases: &Purchases, settings: Settings) -> Self {
        let mut rows = Rows::of(purchases, CUSTOMERS_MAX);
        let buyers: Vec<f32> = rows.rows.iter().map(|rows| rows.len() as f32).collect();
        for items in &mut rows.items {
            items.sort_by(|a, b| buyers[*a as usize].total_cmp(&buyers[*b as usize]));
            items.truncate(ITEMS_OF_ONE_MAX);
        }
        let count = buyers.len();
        let mut near = vec![Vec::new(); count];
        let mut together = vec![0.0f32; count];
        let mut touched = Vec::new();
        for item in 0..count {
            for row in &rows.rows[item] {
                for other in &rows.items[*row as usize] {
                    if together[*other as usize] == 0.0 {
                        touched.push(*other);
                    }
                    together[*other as usize] += 1.0;
                }
            }
            let mut neighbours: Vec<(u32, f32)> = Vec::with_capacity(touched.len());
            for other in touched.drain(..) {
                let both = std::mem::take(&mut together[other as usize]);
                if other as usize != item {
                    let norm = (buyers[item] * buyers[other as usize]).sqrt();
                    neighbours.push((other, both / (norm + settings.shrinkage)));
                }
            }
            let nearer = |a: &(u32, f32), b: &(u32, f32)| b.1.total_cmp(&a.1).then(a.0.cmp(&b.0));
            if neighbours.len() > settings.neighbours {
                neighbours.select_nth_unstable_by(settings.neighbours, nearer);
                neighbours.truncate(settings.neighbours);
            }
            for (other, similarity) in neighbours {
                near[other as usize].push((item as u32, similarity));
            }
        }
        Self {
            half_life_days: settings.half_life_days,
            near,
        }
    }
}

impl ItemKnn {
    /// Which of some items an item is most often bought with; `None` where it is near none of them.
    #[must_use]
    pub fn nearest_of(&self, item: u32, among: &[u32]) -> Option<u32> {
        let near = among.iter().flat_map(|one| {
            let near = self.near.get(*one as usize).into_iter().flatten();
            near.filter(|(other, _)| *other == item)
                .map(|(_, similarity)| (*one, *similarity))
        });
        let nearer = |a: &(u32, f32), b: &(u32, f32)| a.1.total_cmp(&b.1).then(b.0.cmp(&a.0));
        near.max_by(nearer).map(|(one, _)| one)
    }
}

impl Model for ItemKnn {
    /// The sum of an item's similarities to what the shopper bought, each item once at the most.
    fn score(&self, shopper: &Shopper<'_>, scores: &mut [f32]) {
        scores.fill(0.0);
        for (item, weight) in weighed(shopper, self.half_life_days) {
            for (other, similarity) in &self.near[item as usize] {
                scores[*other as usize] += weight.min(1.0) * similarity;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::history::tests::{day, purchases};
    use super::*;

    const SETTINGS: Settings = Settings {
        neighbours: 2,
        shrinkage: 0.0,
        half_life_days: 30.0,
    };

    #[test]
    fn the_similarity_is_the_cosine() {
        let all = purchases(3, &[vec![(0, 1), (1, 1)], vec![(0, 1)], vec![(2, 1)]]);
        let knn = ItemKnn::fit(&all, SETTINGS);
        let mut scores = [9.0; 3];
        knn.score(&all.customers[1].shopper(day(1)), &mut scores);
        let cosine = 1.0 / 2.0f32.sqrt();
        assert_eq!(scores, [0.0, cosine, 0.0]);
    }

    #[test]
    fn only_the_nearest_count_and_shrinkage_prefers_the_often_seen() {
        let often = (0..10).map(|_| vec![(0, 1), (1, 1)]);
        let once = [vec![(0, 1), (2, 1)]];
        let all = purchases(3, &often.chain(once).collect::<Vec<_>>());
        let one = Settings {
            neighbours: 1,
            shrinkage: 5.0,
            ..SETTINGS
        };
        let knn = ItemKnn::fit(&all, one);
        let mut scores = [0.0; 3];
        let shopper = &all.customers[0].bought[..1];
        let shopper = Shopper {
            bought: shopper,
            attributes: &[],
            now: day(1),
        };
        knn.score(&shopper, &mut scores);
        // Item 2 has no other neighbour than 0, so it is found from there too.
        assert!(scores[1] > scores[2] && scores[2] > 0.0, "{scores:?}");
    }

    proptest::proptest! {
        #[test]
        fn similarities_stay_between_0_and_1(
            baskets in proptest::collection::vec(proptest::collection::vec((0u32..6, 0i64..3), 0..6), 0..8),
        ) {
            let all = purchases(6, &baskets);
            let knn = ItemKnn::fit(&all, SETTINGS);
            for (_, similarity) in knn.near.iter().flatten() {
                proptest::prop_assert!((0.0..=1.000_001).contains(similarity));
            }
        }
    }
}
