//! The orders, as sets of numbers.

/// Baskets: each a set of products, which are numbers that the caller gave them.
#[derive(Debug, Clone, Default)]
pub struct Baskets {
    items: Vec<u32>,
    ends: Vec<usize>,
}

impl Baskets {
    /// Adds a basket; what stands there twice counts once. An empty one is a basket, too.
    pub fn push(&mut self, items: impl IntoIterator<Item = u32>) {
        let from = self.items.len();
        self.items.extend(items);
        self.items[from..].sort_unstable();
        let mut kept = from;
        for at in from..self.items.len() {
            if at == from || self.items[at] != self.items[kept - 1] {
                self.items[kept] = self.items[at];
                kept += 1;
            }
        }
        self.items.truncate(kept);
        self.ends.push(kept);
    }

    /// How many there are.
    #[must_use]
    pub const fn len(&self) -> usize {
        self.ends.len()
    }

    /// Whether there is none.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.ends.is_empty()
    }

    /// The baskets, their products in ascending order.
    pub fn iter(&self) -> impl Iterator<Item = &[u32]> {
        let begins = std::iter::once(&0).chain(&self.ends);
        begins
            .zip(&self.ends)
            .map(|(from, to)| &self.items[*from..*to])
    }

    /// In how many baskets each product is, by its number.
    #[must_use]
    pub fn counts(&self) -> Vec<u32> {
        let mut counts = vec![0; self.items.iter().max().map_or(0, |most| *most as usize + 1)];
        self.items
            .iter()
            .for_each(|item| counts[*item as usize] += 1);
        counts
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_stands_there_twice_counts_once() {
        let mut baskets = Baskets::default();
        baskets.push([3, 1, 3]);
        baskets.push([]);
        baskets.push([1]);
        assert_eq!(baskets.iter().collect::<Vec<_>>(), [&[1, 3][..], &[], &[1]]);
        assert_eq!((baskets.len(), baskets.counts()), (3, vec![0, 2, 0, 1]));
    }
}
