//! Two towers: one makes a vector of a shopper, one of an item, and their product tells how well they fit.
//!
//! Covington, Adams and Sargin, "Deep Neural Networks for YouTube Recommendations" (RecSys 2016); softmax over the items
//! of a batch, corrected for how likely an item is among them: Yi et al., "Sampling-Bias-Corrected Neural Modeling for
//! Large Corpus Item Recommendations" (RecSys 2019).
//!
//! - [`features`]: what an item and a customer are described by
//! - [`batch`]: examples: what a customer had bought by a moment, and what new things they bought in the month after it
//! - [`sums`]: how features become vectors
//! - [`train`]: the loss, its descent, and when it ends
//!
//! A customer or an item that was never seen is described by the rest of its features, so both are scored from the
//! first day.

mod batch;
mod features;
mod sums;
mod train;

use std::collections::HashMap;

use serde::{Deserialize, Serialize};

use super::history::{Item, weighed};
use super::{Model, Shopper};
use features::Vocabulary;

pub use train::{FitError, fit, fit_watched};

/// How it is fitted.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Settings {
    /// Numbers in a vector; the last of an item's is how popular it is with everybody.
    pub width: usize,
    /// The step of Adam.
    pub rate: f64,
    /// How much of all numbers is taken away at each step, in steps: what few examples speak for stays near nothing.
    pub decay: f64,
    /// Passes over the customers: as many, or at the most if it is watched.
    pub epochs: usize,
    /// Customers in a batch.
    pub batch: usize,
    /// The days after which a purchase of the shopper's weighs half.
    pub half_life_days: f32,
}

/// The fitted towers.
#[derive(Debug, Clone, PartialEq)]
pub struct TwoTower {
    width: usize,
    half_life_days: f32,
    vocabulary: Vocabulary,
    /// A vector for each feature of items.
    table: Vec<f32>,
    /// Items' vectors, one after the other.
    items: Vec<f32>,
    /// The logarithm of how much is bought of the middle one of the items sold.
    usual: f32,
    /// From the sum of what was bought to the shopper's vector, row by row, `width - 1` each way: what is popular
    /// says nothing of who bought it.
    map: Vec<f32>,
    /// What each attribute adds to the shopper's vector.
    attributes: HashMap<String, Vec<f32>>,
}

impl TwoTower {
    /// The vector of an item that was there at the fit. Nearest neighbours are those with the largest product.
    #[must_use]
    pub fn item(&self, item: u32) -> &[f32] {
        &self.items[item as usize * self.width..][..self.width]
    }

    /// The vector of an item that was not: of its category and its name. How popular it will be is a prior: as much as the
    /// middle one of the items sold, without which whatever is sold would stand before it.
    #[must_use]
    pub fn new_item(&self, item: &Item) -> Vec<f32> {
        let bag = self.vocabulary.bag(None, item);
        let mut vector = vec![0.0; self.width];
        vector[self.width - 1] = self.usual;
        for (feature, weight) in bag {
            add(
                &mut vector,
                &self.table[feature as usize * self.width..],
                weight,
            );
        }
        vector
    }

    /// The vector of a shopper; its product with an item's is the logarithm of how likely it is bought, but for a
    /// constant.
    #[must_use]
    pub fn shopper(&self, shopper: &Shopper<'_>) -> Vec<f32> {
        let mut bag = vec![0.0; self.width - 1];
        for (item, weight) in batch::weights(weighed(shopper, self.half_life_days)) {
            add(&mut bag, self.item(item), weight);
        }
        let mut vector = vec![0.0; self.width];
        for (value, row) in bag.iter().zip(self.map.chunks_exact(self.width - 1)) {
            add(&mut vector, row, *value);
        }
        for added in shopper
            .attributes
            .iter()
            .filter_map(|one| self.attributes.get(one))
        {
            add(&mut vector, added, 1.0);
        }
        vector[self.width - 1] = 1.0;
        vector
    }
}

impl Model for TwoTower {
    /// How likely each item is next, relative to the most likely one.
    fn score(&self, shopper: &Shopper<'_>, scores: &mut [f32]) {
        let own = self.shopper(shopper);
        for (score, item) in scores.iter_mut().zip(self.items.chunks_exact(self.width)) {
            *score = own.iter().zip(item).map(|(a, b)| a * b).sum();
        }
        let most = scores.iter().copied().fold(f32::NEG_INFINITY, f32::max);
        scores
            .iter_mut()
            .for_each(|score| *score = (*score - most).exp());
    }
}

/// Adds `weight` times as many values as the sum has, or as there are.
fn add(sum: &mut [f32], values: &[f32], weight: f32) {
    for (sum, value) in sum.iter_mut().zip(values) {
        *sum += weight * value;
    }
}

#[cfg(test)]
mod tests;
