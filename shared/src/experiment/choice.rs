//! Thompson sampling, with the probability of each choice known.
//!
//! Thompson (1933) chooses each variant with the probability that it is the best one. Instead of drawing a rate for each
//! variant and taking the largest, that probability is computed and one variant is drawn by it: the same rule, and
//! what is logged of a decision is exactly the probability with which it was made, which off-policy estimates need.
//!
//! What is believed of a variant's rate is a table: how much of its distribution lies in each of the cells that all
//! variants of a slot share. The origin makes the tables, where the mathematics of the distributions is; here they are
//! only multiplied, in a fixed sequence, so that everybody computes the same bits.

use serde::{Deserialize, Serialize};

/// Probabilities are told in millionths.
pub const ONE: u32 = 1_000_000;
/// What every variant is given at the least, in millionths: one that is never shown cannot show that it has become
/// better, and nobody could tell afterwards what it would have been worth.
pub const LEAST: u32 = 20_000;
/// All of a distribution.
pub const WHOLE: u32 = 1 << 16;

/// What is believed of a variant's rate: the parts of [`WHOLE`] that lie in each cell, from low rates to high.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Belief(Vec<u32>);

impl Belief {
    /// A belief from the weights of its cells, which need not add up to anything; none at all is all alike.
    #[must_use]
    pub fn of(weights: &[f64]) -> Self {
        Self(parts_of(weights, WHOLE))
    }

    fn cell(&self, at: usize) -> f64 {
        f64::from(self.0.get(at).copied().unwrap_or(0))
    }
}

/// The probability of each variant that it is the best, in millionths: together [`ONE`], and each at least [`LEAST`].
#[must_use]
pub fn probabilities(beliefs: &[&Belief]) -> Vec<u32> {
    let cells = beliefs
        .iter()
        .map(|belief| belief.0.len())
        .max()
        .unwrap_or(0);
    let mut best = vec![0.0; beliefs.len()];
    let mut below = vec![0.0; beliefs.len()];
    for cell in 0..cells {
        for (at, belief) in beliefs.iter().enumerate() {
            // The others are lower; within one cell nobody knows, so half of it counts.
            let others = beliefs
                .iter()
                .zip(&below)
                .enumerate()
                .filter(|(other, _)| *other != at);
            let beaten = others
                .map(|(_, (other, below))| (below + other.cell(cell) / 2.0) / f64::from(WHOLE));
            best[at] += belief.cell(cell) * beaten.product::<f64>();
        }
        for (below, belief) in below.iter_mut().zip(beliefs) {
            *below += belief.cell(cell);
        }
    }
    with_least(&best)
}

/// Probabilities by weights, in millionths: together [`ONE`], and each at least [`LEAST`].
#[must_use]
pub fn by_weights(weights: &[u32]) -> Vec<u32> {
    let weights: Vec<f64> = weights.iter().map(|weight| f64::from(*weight)).collect();
    with_least(&weights)
}

fn with_least(weights: &[f64]) -> Vec<u32> {
    let count = u32::try_from(weights.len()).unwrap_or(u32::MAX);
    let least = LEAST.min(ONE / count.max(1));
    let shared = parts_of(weights, ONE - least * count);
    shared.into_iter().map(|part| part + least).collect()
}

/// The place that a number below [`ONE`] falls on.
#[must_use]
pub fn draw(probabilities: &[u32], drawn: u32) -> usize {
    let mut reached = 0;
    let place = probabilities.iter().position(|part| {
        reached += part;
        drawn < reached
    });
    place.unwrap_or(probabilities.len().saturating_sub(1))
}

/// Whole parts of `whole` by weights: what rounding leaves over goes to the first of the largest remainders.
fn parts_of(weights: &[f64], whole: u32) -> Vec<u32> {
    let counts = |weight: f64| weight.is_finite() && weight > 0.0;
    let sum: f64 = weights
        .iter()
        .copied()
        .filter(|weight| counts(*weight))
        .sum();
    let even = 1.0 / f64::from(u32::try_from(weights.len()).unwrap_or(u32::MAX).max(1));
    let share = |weight: f64| match (sum > 0.0 && sum.is_finite(), counts(weight)) {
        (true, true) => weight / sum,
        (true, false) => 0.0,
        (false, _) => even,
    };
    let exact: Vec<f64> = weights
        .iter()
        .map(|weight| share(*weight) * f64::from(whole))
        .collect();
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "0 to `whole`"
    )]
    let mut parts: Vec<u32> = exact.iter().map(|part| part.floor() as u32).collect();
    let given: u32 = parts.iter().sum();
    let mut order: Vec<usize> = (0..parts.len()).collect();
    let left_over = |at: &usize| exact[*at] - exact[*at].floor();
    order.sort_unstable_by(|one, other| {
        let left = left_over(other).total_cmp(&left_over(one));
        left.then(one.cmp(other))
    });
    let missing = whole.saturating_sub(given) as usize;
    for at in order
        .into_iter()
        .cycle()
        .take(if parts.is_empty() { 0 } else { missing })
    {
        parts[at] += 1;
    }
    parts
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn belief(weights: &[f64]) -> Belief {
        Belief::of(weights)
    }

    #[test]
    fn variants_of_which_the_same_is_believed_share_alike() {
        let one = belief(&[1.0, 2.0, 1.0]);
        assert_eq!(probabilities(&[&one, &one, &one, &one]), [ONE / 4; 4]);
        assert_eq!(probabilities(&[&one]), [ONE]);
        assert_eq!(probabilities(&[]), [0; 0]);
    }

    #[test]
    fn a_far_better_one_gets_all_but_what_the_others_need_to_be_seen() {
        let (low, high) = (belief(&[1.0, 1.0, 0.0, 0.0]), belief(&[0.0, 0.0, 1.0, 1.0]));
        assert_eq!(
            probabilities(&[&low, &high, &low]),
            [LEAST, ONE - 2 * LEAST, LEAST]
        );
    }

    #[test]
    fn two_of_the_same_beat_a_third_less_often_than_one_would() {
        // A uniform belief and one that is sure of the middle: each is better half of the time.
        let (wide, sure) = (
            belief(&[1.0; 64]),
            belief(&(0..64).map(|at| f64::from(at == 32)).collect::<Vec<_>>()),
        );
        let two = probabilities(&[&wide, &sure]);
        assert!(two[0].abs_diff(ONE / 2) < 10_000, "{two:?}");
        let three = probabilities(&[&wide, &wide, &sure]);
        // The sure one is best when both others are below it: a quarter of the time.
        assert!(three[2].abs_diff(ONE / 4) < 25_000, "{three:?}");
    }

    #[test]
    fn a_draw_falls_on_each_place_as_often_as_it_is_probable() {
        let parts = [200_000, 0, 800_000];
        assert_eq!(
            [0, 199_999, 200_000, 999_999].map(|at| draw(&parts, at)),
            [0, 0, 2, 2]
        );
        assert_eq!(draw(&[], 5), 0);
    }

    proptest! {
        #[test]
        fn probabilities_add_up_and_leave_nobody_out(
            weights in prop::collection::vec(prop::collection::vec(any::<f64>(), 0..20), 1..9),
        ) {
            let beliefs: Vec<Belief> = weights.iter().map(|one| Belief::of(one)).collect();
            let told = probabilities(&beliefs.iter().collect::<Vec<_>>());
            prop_assert_eq!(told.iter().sum::<u32>(), ONE);
            prop_assert!(told.iter().all(|part| *part >= LEAST));
        }

        #[test]
        fn who_is_named_first_does_not_matter(
            weights in prop::collection::vec(prop::collection::vec(0.0..1.0_f64, 8), 2..6),
        ) {
            let beliefs: Vec<Belief> = weights.iter().map(|one| Belief::of(one)).collect();
            let forward = probabilities(&beliefs.iter().collect::<Vec<_>>());
            let mut backward = probabilities(&beliefs.iter().rev().collect::<Vec<_>>());
            backward.reverse();
            // The last millionth goes by remainders, which rounding may move.
            prop_assert!(forward.iter().zip(&backward).all(|(one, other)| one.abs_diff(*other) <= 2));
        }
    }
}
