//! How good full rankings are, against what was bought next.
//!
//! All items are ranked, none are sampled: sampled metrics do not keep the sequence of models (Krichene and Rendle, "On
//! Sampled Metrics for Item Recommendation", KDD 2020).

use std::cmp::Ordering;
use std::collections::HashSet;

use serde::{Deserialize, Serialize};

use super::Model;
use super::history::{Bought, Split};

/// Items that are shown to a shopper.
pub const DEPTH: usize = 20;

/// What may be recommended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum View {
    /// All items: buying again counts, as of what is used up.
    All,
    /// Items that the shopper never bought; others neither are ranked nor count as truth.
    New,
}

impl View {
    /// Both.
    pub const EACH: [Self; 2] = [Self::All, Self::New];
}

/// What rankings are worth.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Figures {
    /// The mean share of what a customer bought next that was among the first 20; of more than 20 items, of 20.
    pub recall: f64,
    /// The mean normalized discounted cumulative gain of the first 20 (Järvelin and Kekäläinen, 2002), each item worth 1.
    pub ndcg: f64,
    /// The share of the items ever sold that at least one customer was shown.
    pub coverage: f64,
    /// Customers that the means are of: those who bought something next that counts.
    pub customers: usize,
}

/// Adds up figures, customer by customer.
#[derive(Debug, Clone, Default)]
pub struct Tally {
    recall: f64,
    ndcg: f64,
    customers: usize,
    shown: HashSet<u32>,
}

impl Tally {
    /// Adds a customer, by what they are shown, best first, and what they then bought, sorted; who bought nothing does
    /// not count.
    pub fn add(&mut self, shown: &[u32], truth: &[u32]) {
        if truth.is_empty() {
            return;
        }
        let hit = |item: &u32| truth.binary_search(item).is_ok();
        let most = truth.len().min(DEPTH);
        let gain = |at: usize| 1.0 / (at as f64 + 2.0).log2();
        let hits = shown.iter().enumerate().filter(|(_, item)| hit(item));
        let (count, gained) = hits.fold((0, 0.0), |(count, gained), (at, _)| {
            (count + 1, gained + gain(at))
        });
        self.recall += f64::from(count) / most as f64;
        self.ndcg += gained / (0..most).map(gain).sum::<f64>();
        self.customers += 1;
        self.shown.extend(shown);
    }

    /// The figures, with the number of items ever sold; `None` if no customer counts.
    #[must_use]
    pub fn figures(&self, sold: usize) -> Option<Figures> {
        let count = self.customers as f64;
        (self.customers > 0).then(|| Figures {
            recall: self.recall / count,
            ndcg: self.ndcg / count,
            coverage: self.shown.len() as f64 / sold as f64,
            customers: self.customers,
        })
    }
}

/// A moment's truth, ready to be compared with.
pub struct Judge<'a> {
    split: &'a Split,
    sold: Vec<bool>,
}

impl<'a> Judge<'a> {
    /// Of a split.
    #[must_use]
    pub fn new(split: &'a Split) -> Self {
        let sold = split.before.sold();
        Self { split, sold }
    }

    /// The number of items ever sold.
    #[must_use]
    pub fn sold(&self) -> usize {
        self.sold.iter().filter(|sold| **sold).count()
    }

    /// The customers that bought something next.
    pub fn customers(&self) -> impl Iterator<Item = usize> {
        let after = self.split.after.iter().enumerate();
        after.filter_map(|(at, truth)| (!truth.is_empty()).then_some(at))
    }

    /// All customers that had bought something before.
    pub fn everyone(&self) -> impl Iterator<Item = usize> {
        let before = self.split.before.customers.iter().enumerate();
        before.filter_map(|(at, customer)| (!customer.bought.is_empty()).then_some(at))
    }

    /// The first 20 items of a customer by their scores, best first, and what they then bought.
    #[must_use]
    pub fn shown(&self, customer: usize, view: View, scores: &[f32]) -> (Vec<u32>, Vec<u32>) {
        let bought = &self.split.before.customers[customer].bought;
        let owned = owned(bought);
        let counts = |item: &u32| view == View::All || owned.binary_search(item).is_err();
        let truth = self.split.after[customer].iter().copied().filter(counts);
        let ranked = (0..scores.len() as u32).filter(|item| self.sold[*item as usize]);
        (best(ranked.filter(counts), scores), truth.collect())
    }
}

/// Measures a model.
#[must_use]
pub fn evaluate(model: &dyn Model, split: &Split, view: View) -> Option<Figures> {
    let judge = Judge::new(split);
    let mut tally = Tally::default();
    let mut scores = vec![0.0; split.before.items.len()];
    for customer in judge.customers() {
        let shopper = split.before.customers[customer].shopper(split.cut);
        model.score(&shopper, &mut scores);
        let (shown, truth) = judge.shown(customer, view, &scores);
        tally.add(&shown, &truth);
    }
    tally.figures(judge.sold())
}

/// The distinct items of a history, sorted.
#[must_use]
pub fn owned(bought: &[Bought]) -> Vec<u32> {
    let mut owned: Vec<u32> = bought.iter().map(|bought| bought.item).collect();
    owned.sort_unstable();
    owned.dedup();
    owned
}

/// The 20 items with the highest scores, best first; of equal scores the lower index.
pub fn best(items: impl Iterator<Item = u32>, scores: &[f32]) -> Vec<u32> {
    let better = |a: &u32, b: &u32| -> Ordering {
        let scores = scores[*b as usize].total_cmp(&scores[*a as usize]);
        scores.then(a.cmp(b))
    };
    let mut items: Vec<u32> = items.collect();
    if items.len() > DEPTH {
        items.select_nth_unstable_by(DEPTH, better);
        items.truncate(DEPTH);
    }
    items.sort_by(better);
    items
}

#[cfg(test)]
mod tests {
    use super::super::habit::Habit;
    use super::super::history::tests::{day, purchases};
    use super::*;

    #[test]
    fn recall_and_gain_are_the_published_ones() {
        let mut tally = Tally::default();
        tally.add(&[4, 1, 7], &[1, 2]);
        let figures = tally.figures(30).unwrap();
        assert!((figures.recall - 0.5).abs() < 1e-12, "{figures:?}");
        let second = 1.0 / 3f64.log2();
        assert!((figures.ndcg - second / (1.0 + second)).abs() < 1e-12);
        assert!((figures.coverage - 0.1).abs() < 1e-12);
    }

    #[test]
    fn who_bought_more_than_twenty_things_can_still_be_served_wholly() {
        let shown: Vec<u32> = (0..20).collect();
        let truth: Vec<u32> = (0..50).collect();
        let mut tally = Tally::default();
        tally.add(&shown, &truth);
        let figures = tally.figures(50).unwrap();
        assert_eq!((figures.recall, figures.ndcg), (1.0, 1.0));
    }

    #[test]
    fn new_items_leave_the_own_ones_out_of_ranking_and_truth() {
        let all = purchases(
            30,
            &[
                vec![(0, 1), (0, 11)],
                (0..25).map(|item| (item, 1)).collect(),
                vec![(3, 2), (3, 12), (5, 12)],
            ],
        );
        let split = all.split(day(10), day(20));
        let habit = Habit {
            half_life_days: 9.0,
        };
        let again = evaluate(&habit, &split, View::All).unwrap();
        assert_eq!((again.recall, again.customers), (1.0, 2));
        let new = evaluate(&habit, &split, View::New).unwrap();
        assert_eq!((new.recall, new.customers), (1.0, 1));
    }

    proptest::proptest! {
        #[test]
        fn the_best_are_the_first_of_the_whole_sequence(
            scores in proptest::collection::vec(-1.0f32..1.0, 0..60),
        ) {
            let mut all: Vec<u32> = (0..scores.len() as u32).collect();
            all.sort_by(|a, b| scores[*b as usize].total_cmp(&scores[*a as usize]));
            all.truncate(DEPTH);
            proptest::prop_assert_eq!(best(0..scores.len() as u32, &scores), all);
        }

        #[test]
        fn figures_lie_between_0_and_1(
            shown in proptest::collection::hash_set(0u32..40, 0..20),
            truth in proptest::collection::btree_set(0u32..40, 1..30),
        ) {
            let mut tally = Tally::default();
            let shown: Vec<u32> = shown.into_iter().collect();
            tally.add(&shown, &truth.into_iter().collect::<Vec<_>>());
            let figures = tally.figures(40).unwrap();
            for figure in [figures.recall, figures.ndcg, figures.coverage] {
                proptest::prop_assert!((0.0..=1.0 + 1e-12).contains(&figure));
            }
        }
    }
}
