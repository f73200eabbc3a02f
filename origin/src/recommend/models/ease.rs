//! A linear model of what is bought beside what: EASE.
//!
//! Steck, "Embarrassingly Shallow Autoencoders for Sparse Data" (WWW 2019): with X customers × items of ones and zeros,
//! P = (XᵀX + λI)⁻¹ and B = I − P·diag(P)⁻¹, a history h scores h·B.
//!
//! P has a side of as many items; a shop may have fifty thousand. By Woodbury's identity P = (I − XᵀK⁻¹X) / λ with
//! K = XXᵀ + λI, whose side is the number of customers, and of those a few thousand teach as much as all. With
//! q = h·XᵀK⁻¹X and d = diag(XᵀK⁻¹X) an item's score is h − (h − q) / (1 − d): two sparse products and one of the side of
//! K for a shopper, and nothing of items × items is ever held.

use faer::linalg::solvers::{DenseSolveCore, Llt};
use faer::{Mat, Side};

use serde::{Deserialize, Serialize};

use super::history::{Purchases, weighed};
use super::rows::Rows;
use super::{Model, Shopper};

/// How it is fitted.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Settings {
    /// λ: how strongly weights are held small, in customers.
    pub ridge: f32,
    /// Customers that it is fitted on at the most: the most recent ones. Memory grows with the square, time with the cube.
    pub customers_max: usize,
    /// The days after which a purchase of the shopper's weighs half.
    pub half_life_days: f32,
}

/// The fitted model.
#[derive(Debug, Clone)]
pub struct Ease {
    half_life_days: f32,
    rows: Rows,
    /// K⁻¹, row by row.
    inverse: Vec<f32>,
    /// 1 − d for each item.
    free: Vec<f32>,
}

impl Ease {
    /// Fits; `None` if λ is not above 0, or so near to it that K is not positive definite in 32 bits.
    #[must_use]
    pub fn fit(purchases: &Purchases, settings: Settings) -> Option<Self> {
        if settings.ridge.is_nan() || settings.ridge <= 0.0 {
            return None;
        }
        let rows = Rows::of(purchases, settings.customers_max);
        let side = rows.items.len();
        let mut kernel = Mat::<f32>::zeros(side, side);
        for at in 0..side {
            kernel[(at, at)] = settings.ridge;
        }
        for buyers in &rows.rows {
            for one in buyers {
                for other in buyers {
                    kernel[(*other as usize, *one as usize)] += 1.0;
                }
            }
        }
        let factor = Llt::new(kernel.as_ref(), Side::Lower).ok()?;
        drop(kernel);
        let solved = factor.inverse();
        drop(factor);
        let values = (0..side * side).map(|at| solved[(at % side, at / side)]);
        let inverse: Vec<f32> = values.collect();
        let free = rows.rows.iter().map(|buyers| {
            let sums = buyers.iter().map(|one| {
                let row = &inverse[*one as usize * side..][..side];
                buyers.iter().map(|other| row[*other as usize]).sum::<f32>()
            });
            // d is below 1 but for rounding, as λ is above 0.
            (1.0 - sums.sum::<f32>()).max(f32::EPSILON)
        });
        Some(Self {
            half_life_days: settings.half_life_days,
            free: free.collect(),
            rows,
            inverse,
        })
    }
}

impl Model for Ease {
    /// Each item counts once at the most, less when it was bought long ago; see the module for the formula.
    fn score(&self, shopper: &Shopper<'_>, scores: &mut [f32]) {
        let side = self.rows.items.len();
        let mut shared = vec![0.0f32; side];
        scores.fill(0.0);
        for (item, weight) in weighed(shopper, self.half_life_days) {
            let weight = weight.min(1.0);
            scores[item as usize] = weight;
            for row in &self.rows.rows[item as usize] {
                shared[*row as usize] += weight;
            }
        }
        // K⁻¹ is symmetric: rows are added up, which the compiler makes wide, instead of multiplied.
        let mut taught = vec![0.0f32; side];
        for (row, shared) in self.inverse.chunks_exact(side.max(1)).zip(shared) {
            for (taught, value) in taught.iter_mut().zip(row) {
                *taught += shared * value;
            }
        }
        let mut explained = vec![0.0f32; scores.len()];
        for (taught, items) in taught.into_iter().zip(&self.rows.items) {
            for item in items {
                explained[*item as usize] += taught;
            }
        }
        for ((score, explained), free) in scores.iter_mut().zip(explained).zip(&self.free) {
            *score -= (*score - explained) / free;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::history::tests::{day, purchases};
    use super::*;

    const SETTINGS: Settings = Settings {
        ridge: 2.0,
        customers_max: 100,
        half_life_days: f32::INFINITY,
    };

    /// By hand: X = [[1,1,0],[1,1,1],[0,1,1],[1,0,0]], P = inv(X'X + 2I), B = I − P / diag(P), [1,0,0]·B.
    #[test]
    fn the_scores_are_those_of_the_published_formula() {
        let all = purchases(
            3,
            &[
                vec![(0, 1), (1, 1)],
                vec![(0, 1), (1, 1), (2, 1)],
                vec![(1, 1), (2, 1)],
                vec![(0, 1)],
            ],
        );
        let ease = Ease::fit(&all, SETTINGS).unwrap();
        let mut scores = [0.0; 3];
        ease.score(&all.customers[3].shopper(day(1)), &mut scores);
        let expected = [0.0, 6.0 / 19.0, 1.0 / 21.0];
        for (score, expected) in scores.iter().zip(expected) {
            assert!((score - expected).abs() < 1e-5, "{scores:?}");
        }
    }

    #[test]
    fn customers_with_half_a_taste_are_scored_the_other_half() {
        let taste = |from: u32| (from..from + 4).map(|item| (item, 1)).collect::<Vec<_>>();
        let mut customers = vec![taste(0); 10];
        customers.extend(vec![taste(4); 10]);
        customers.push(vec![(4, 1), (5, 1)]);
        let all = purchases(8, &customers);
        let ease = Ease::fit(&all, SETTINGS).unwrap();
        let mut scores = [0.0; 8];
        ease.score(&all.customers[20].shopper(day(1)), &mut scores);
        let of_taste = scores[6].min(scores[7]);
        assert!(
            scores[..4].iter().all(|score| *score < of_taste),
            "{scores:?}"
        );
    }

    #[test]
    fn a_ridge_that_is_none_fits_nothing_and_no_customers_score_nothing() {
        let none = purchases(2, &[]);
        let ridge = |ridge| Settings { ridge, ..SETTINGS };
        assert!(Ease::fit(&none, ridge(0.0)).is_none());
        assert!(Ease::fit(&none, ridge(f32::NAN)).is_none());
        let mut scores = [9.0; 2];
        let nobody = Shopper {
            bought: &[],
            attributes: &[],
            now: day(1),
        };
        Ease::fit(&none, SETTINGS)
            .unwrap()
            .score(&nobody, &mut scores);
        assert_eq!(scores, [0.0, 0.0]);
    }
}
