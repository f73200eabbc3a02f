//! What items and customers are described by: numbers for words.

use std::collections::{BTreeMap, HashMap};

use super::super::history::{Item, Purchases};

/// Purchases from which on an item is more than its category and name.
const OWN_MIN: usize = 3;
/// Items that a word must describe to count.
const WORD_MIN: usize = 2;
/// Features of an item at the most: itself, its category and the first words of its name.
const FEATURES_MAX: usize = 10;

/// The features by number.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Vocabulary {
    /// Each item's own feature, if it has one.
    own: Vec<Option<u32>>,
    categories: HashMap<String, u32>,
    words: HashMap<String, u32>,
    /// Features, those of their own first.
    count: u32,
    own_count: u32,
}

impl Vocabulary {
    pub(super) fn of(purchases: &Purchases) -> Self {
        let mut sold = vec![0usize; purchases.items.len()];
        for bought in purchases.all() {
            sold[bought.item as usize] += 1;
        }
        let mut numbers = 0..;
        let own = sold.iter().map(|sold| {
            if *sold < OWN_MIN {
                None
            } else {
                numbers.next()
            }
        });
        let own: Vec<_> = own.collect();
        let own_count = own.iter().flatten().count() as u32;
        // Maps in the sequence of the alphabet, so that the numbers are the same at every fit.
        let mut categories = BTreeMap::new();
        let mut words = BTreeMap::new();
        for item in &purchases.items {
            if !item.category.is_empty() {
                *categories.entry(item.category.clone()).or_insert(0) += 1;
            }
            for word in split(&item.name) {
                *words.entry(word).or_insert(0) += 1;
            }
        }
        let mut numbered = |counts: BTreeMap<String, usize>| -> HashMap<String, u32> {
            let common = counts.into_iter().filter(|(_, count)| *count >= WORD_MIN);
            common
                .zip(&mut numbers)
                .map(|((word, _), number)| (word, number))
                .collect()
        };
        let categories = numbered(categories);
        let words = numbered(words);
        let count = own_count + (categories.len() + words.len()) as u32;
        Self {
            own,
            categories,
            words,
            count,
            own_count,
        }
    }

    /// The number of features.
    pub(super) fn len(&self) -> usize {
        self.count as usize
    }

    /// The features of an item with their weights: itself 1, all else 1 together. `at` is its index, if it has one.
    pub(super) fn bag(&self, at: Option<u32>, item: &Item) -> Vec<(u32, f32)> {
        let mut told: Vec<u32> = self
            .categories
            .get(&item.category)
            .copied()
            .into_iter()
            .collect();
        told.extend(split(&item.name).filter_map(|word| self.words.get(&word)));
        told.truncate(FEATURES_MAX - 1);
        let each = 1.0 / told.len().max(1) as f32;
        let own = at
            .and_then(|at| self.own.get(at as usize))
            .copied()
            .flatten();
        let own = own.map(|own| (own, 1.0));
        own.into_iter()
            .chain(told.into_iter().map(|one| (one, each)))
            .collect()
    }

    /// Whether a feature is an item's own.
    pub(super) fn is_own(&self, feature: u32) -> bool {
        feature < self.own_count
    }
}

/// The words of a name, in lower case.
fn split(name: &str) -> impl Iterator<Item = String> + '_ {
    let words = name.split(|c: char| !c.is_alphanumeric());
    words.filter(|word| !word.is_empty()).map(str::to_lowercase)
}

/// The attributes of more than one customer, numbered by the alphabet.
pub(super) fn attributes(purchases: &Purchases) -> BTreeMap<String, u32> {
    let mut counts: BTreeMap<&String, usize> = BTreeMap::new();
    for attribute in purchases.customers.iter().flat_map(|one| &one.attributes) {
        *counts.entry(attribute).or_insert(0) += 1;
    }
    let common = counts.into_iter().filter(|(_, count)| *count >= WORD_MIN);
    common
        .zip(0..)
        .map(|((attribute, _), at)| (attribute.clone(), at))
        .collect()
}
