//! What was bought, as plain data, and its split in time.

use footfall_shared::time::UtcMillis;

use super::Shopper;

/// An item in an order of a customer's.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Bought {
    /// Its index in [`Purchases::items`].
    pub item: u32,
    /// When.
    pub at: UtcMillis,
}

/// What is known of an item besides who bought it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Item {
    /// Its name, or empty.
    pub name: String,
    /// Its category, or empty.
    pub category: String,
}

/// A customer.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Customer {
    /// One entry for each item of each order, by time.
    pub bought: Vec<Bought>,
    /// What else is known of them, as `country=France`.
    pub attributes: Vec<String>,
}

impl Customer {
    /// Them, at a moment.
    #[must_use]
    pub fn shopper(&self, now: UtcMillis) -> Shopper<'_> {
        Shopper {
            bought: &self.bought,
            attributes: &self.attributes,
            now,
        }
    }
}

/// All that a shop's customers bought.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Purchases {
    /// Customers.
    pub customers: Vec<Customer>,
    /// Items; an index here is an item's number everywhere.
    pub items: Vec<Item>,
}

/// What was bought before a moment, and after it.
#[derive(Debug, Clone)]
pub struct Split {
    /// What was bought before, of the same customers and items by the same indices.
    pub before: Purchases,
    /// For each customer with a purchase before the cut the distinct items bought after it that anybody had bought
    /// before it, sorted; empty for the others.
    pub after: Vec<Vec<u32>>,
    /// The moment.
    pub cut: UtcMillis,
}

impl Purchases {
    /// Splits at `cut`; what was bought at `end` or later is left out.
    #[must_use]
    pub fn split(&self, cut: UtcMillis, end: UtcMillis) -> Split {
        let before = self.before(cut);
        let known = before.sold();
        let after = before.customers.iter().zip(&self.customers);
        let after = after.map(|(before, all)| {
            if before.bought.is_empty() {
                return Vec::new();
            }
            let later = all.bought.iter().skip(before.bought.len());
            let later = later.take_while(|bought| bought.at < end);
            let items = later.map(|bought| bought.item);
            let mut items: Vec<u32> = items.filter(|item| known[*item as usize]).collect();
            items.sort_unstable();
            items.dedup();
            items
        });
        let after = after.collect();
        Split { before, after, cut }
    }

    /// What was bought before a moment.
    #[must_use]
    pub fn before(&self, cut: UtcMillis) -> Self {
        let customers = self.customers.iter().map(|customer| {
            let count = customer.bought.partition_point(|bought| bought.at < cut);
            Customer {
                bought: customer.bought[..count].to_vec(),
                attributes: customer.attributes.clone(),
            }
        });
        Self {
            customers: customers.collect(),
            items: self.items.clone(),
        }
    }

    /// For each item whether anybody bought it.
    #[must_use]
    pub fn sold(&self) -> Vec<bool> {
        let mut sold = vec![false; self.items.len()];
        for bought in self.all() {
            sold[bought.item as usize] = true;
        }
        sold
    }

    /// The last purchase's moment.
    #[must_use]
    pub fn last(&self) -> Option<UtcMillis> {
        self.all().map(|bought| bought.at).max()
    }

    /// Every purchase, customer by customer.
    pub fn all(&self) -> impl Iterator<Item = &Bought> {
        self.customers.iter().flat_map(|customer| &customer.bought)
    }
}

/// What a purchase still weighs, 1 at its moment: half as much after each `half_life_days`.
pub(super) fn weight(bought: &Bought, now: UtcMillis, half_life_days: f32) -> f32 {
    let days = now.since(bought.at).max(0) as f32 / footfall_shared::time::DAY_MS as f32;
    (-days / half_life_days).exp2()
}

/// The distinct items of a history with the sums of their weights, by index.
pub(super) fn weighed(shopper: &Shopper<'_>, half_life_days: f32) -> Vec<(u32, f32)> {
    let mut items: Vec<(u32, f32)> = shopper
        .bought
        .iter()
        .map(|bought| (bought.item, weight(bought, shopper.now, half_life_days)))
        .collect();
    items.sort_by_key(|(item, _)| *item);
    items.dedup_by(|next, kept| {
        let same = next.0 == kept.0;
        if same {
            kept.1 += next.1;
        }
        same
    });
    items
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;
    use footfall_shared::time::DAY_MS;

    /// A moment some days after the beginning of time.
    pub(in super::super) fn day(days: i64) -> UtcMillis {
        UtcMillis::new(days * DAY_MS)
    }

    /// Customers by their purchases, each of an item and the day it was bought on.
    pub(in super::super) fn purchases(items: usize, customers: &[Vec<(u32, i64)>]) -> Purchases {
        let customers = customers.iter().map(|bought| Customer {
            bought: bought
                .iter()
                .map(|(item, days)| Bought {
                    item: *item,
                    at: day(*days),
                })
                .collect(),
            attributes: Vec::new(),
        });
        Purchases {
            customers: customers.collect(),
            items: vec![Item::default(); items],
        }
    }

    #[test]
    fn a_split_tells_known_customers_next_items_of_those_sold_before() {
        let all = purchases(
            4,
            &[
                vec![(0, 1), (1, 2), (0, 12), (2, 12), (0, 13), (1, 20)],
                vec![(0, 11)],
                vec![(3, 5)],
            ],
        );
        let split = all.split(day(10), day(20));
        assert_eq!(split.after, [vec![0], vec![], vec![]]);
        assert_eq!(split.before.customers[0].bought.len(), 2);
        assert_eq!(split.before.sold(), [true, true, false, true]);
    }

    #[test]
    fn a_half_life_halves_and_repeated_purchases_add_up() {
        let all = purchases(2, &[vec![(1, 0), (0, 10), (1, 20)]]);
        let weights = weighed(&all.customers[0].shopper(day(20)), 10.0);
        assert_eq!(weights, [(0, 0.5), (1, 1.25)]);
    }
}
