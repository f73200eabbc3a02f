//! Product recommenders: pure, on what a shop's customers bought.
//!
//! - [`history`]: what was bought, and its split in time
//! - [`popularity`], [`habit`], [`item_knn`], [`ease`], [`two_tower`]: models, each a [`Model`]
//! - [`blend`]: one of them together with the shopper's habits, what is popular and what becomes so
//! - [`evaluate`]: full rankings against what was bought next; [`calibrate`]: a score as a measured frequency
//! - [`choose`]: fits the candidates, and takes the one that does best on the shop's own next month
//!
//! **Invariant:** an item's index is that of the purchases that a model was fitted on, and scores have a place for each.
//! **Invariant:** no clock and no chance from outside: the same purchases, moment and seed give the same scores.

pub mod blend;
pub mod calibrate;
pub mod choose;
pub mod ease;
pub mod evaluate;
pub mod habit;
pub mod history;
pub mod item_knn;
pub mod popularity;
mod random;
mod rows;
pub mod two_tower;

use footfall_shared::time::UtcMillis;

use history::Bought;

/// Whom something is recommended to: a customer, or somebody of whom only attributes are known.
#[derive(Debug, Clone, Copy)]
pub struct Shopper<'a> {
    /// What they bought, by time; may be empty.
    pub bought: &'a [Bought],
    /// What else is known of them, as `country=France`; may be empty.
    pub attributes: &'a [String],
    /// The moment that they are recommended something at.
    pub now: UtcMillis,
}

/// Tells how much a shopper is likely to want each item.
pub trait Model: Send + Sync {
    /// Writes a score for each item, by its index; more is better. What an item's score is worth is told by
    /// [`calibrate`], not by the score itself.
    fn score(&self, shopper: &Shopper<'_>, scores: &mut [f32]);
}
