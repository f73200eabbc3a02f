//! Examples: what customers had bought by a moment, and what new things they bought in the month after it.

use std::collections::BTreeMap;

use footfall_shared::time::DAY_MS;

use super::super::Shopper;
use super::super::evaluate::owned;
use super::super::history::{Customer, weighed};
use super::super::random::Random;

/// How far an example looks ahead.
const AHEAD_MS: i64 = 30 * DAY_MS;
/// Items that one example asks for at the most.
const WANTED_MAX: usize = 16;
/// Items of a history that count at the most: those that weigh most.
const HISTORY_MAX: usize = 400;

/// One in so many hides what it should not be known by alone: a customer what they bought, an item who it is, so that
/// the rest of their features learn to speak for them.
pub(super) const HIDDEN_ONE_IN: usize = 10;

/// An example.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Example {
    /// Whose.
    pub(super) customer: usize,
    /// What had been bought, with weights.
    pub(super) bought: Vec<(u32, f32)>,
    /// What was bought next.
    pub(super) wanted: Vec<u32>,
}

/// Draws a moment of a customer's; `None` if they bought nothing new after it.
pub(super) fn draw(
    at: usize,
    customer: &Customer,
    half_life_days: f32,
    random: &mut Random,
) -> Option<Example> {
    let all = &customer.bought;
    let mut moments: Vec<_> = all.iter().map(|bought| bought.at).collect();
    moments.dedup();
    let (bought, mut wanted) = if moments.len() < 2 {
        // A single order: one half of it is told by the other.
        let mut items = owned(all);
        random.shuffle(&mut items);
        let wanted = items.split_off(items.len() / 2);
        (items.into_iter().map(|item| (item, 1.0)).collect(), wanted)
    } else {
        let moment = moments[1 + random.below(moments.len() - 1)];
        let (before, after) = all.split_at(all.partition_point(|bought| bought.at < moment));
        let soon = after.partition_point(|bought| bought.at.since(moment) < AHEAD_MS);
        let had = owned(before);
        let mut wanted = owned(&after[..soon]);
        wanted.retain(|item| had.binary_search(item).is_err());
        let shopper = Shopper {
            bought: before,
            attributes: &[],
            now: moment,
        };
        (weighed(&shopper, half_life_days), wanted)
    };
    if wanted.is_empty() {
        return None;
    }
    let bought = if random.below(HIDDEN_ONE_IN) == 0 {
        Vec::new()
    } else {
        weights(bought)
    };
    random.shuffle(&mut wanted);
    wanted.truncate(WANTED_MAX);
    Some(Example {
        customer: at,
        bought,
        wanted,
    })
}

/// A history's weights as they are added up: each at most 1, of length 1 as a vector, so that much bought is not much
/// louder.
pub(super) fn weights(mut items: Vec<(u32, f32)>) -> Vec<(u32, f32)> {
    if items.len() > HISTORY_MAX {
        items.sort_by(|a, b| b.1.total_cmp(&a.1).then(a.0.cmp(&b.0)));
        items.truncate(HISTORY_MAX);
    }
    items
        .iter_mut()
        .for_each(|(_, weight)| *weight = weight.min(1.0));
    let length = items
        .iter()
        .map(|(_, weight)| weight * weight)
        .sum::<f32>()
        .sqrt();
    if length > 0.0 {
        items.iter_mut().for_each(|(_, weight)| *weight /= length);
    }
    items
}

/// Distinct items in the sequence in which they are first met.
#[derive(Debug, Default)]
pub(super) struct Distinct {
    places: BTreeMap<u32, usize>,
    pub(super) items: Vec<u32>,
}

impl Distinct {
    /// The item's place.
    pub(super) fn place(&mut self, item: u32) -> usize {
        *self.places.entry(item).or_insert_with(|| {
            self.items.push(item);
            self.items.len() - 1
        })
    }
}
