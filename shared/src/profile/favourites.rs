//! Favourite products: what stands in the last orders, often and in number.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use crate::id::ExternalId;
use crate::money::MinorUnits;
use crate::order::{Order, OrderItem};
use crate::time::UtcMillis;

/// How many of the last counted orders are looked at (contract: "Analyzes last 3 completed orders").
pub const ORDERS_CONSIDERED: usize = 3;
/// What one appearance in an order is worth beside one piece.
const APPEARANCE_WEIGHT: u64 = 3;

/// A product that the customer buys again.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Favourite {
    /// The product.
    pub product_id: ExternalId,
    /// Its name in the latest of the orders.
    pub name: String,
    /// Its address part in the shop, likewise.
    pub slug: String,
    /// What one piece cost in the latest of the orders.
    pub unit_price: MinorUnits,
    /// 3 × appearances + pieces.
    pub score: u64,
    /// Pieces in the orders considered.
    pub total_quantity: u64,
    /// Orders considered that contain it.
    pub appearances: u64,
    /// The numbers of those orders, the earliest first.
    pub order_numbers: Vec<String>,
}

/// The favourites, or why there are none.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Favourites {
    /// The best first; never empty.
    Products(Vec<Favourite>),
    /// The last orders hold excluded products only.
    OnlyExcluded,
    /// The last orders hold no product at all.
    Nothing,
}

impl Favourites {
    /// The favourites of `orders`, which are in the sequence in which they were placed.
    ///
    /// Ties go to the product bought latest, then to the smaller id.
    #[must_use]
    pub fn find(orders: &[&Order], excluded: &BTreeSet<ExternalId>) -> Self {
        let considered = &orders[orders.len().saturating_sub(ORDERS_CONSIDERED)..];
        let mut found: BTreeMap<&ExternalId, (Favourite, UtcMillis)> = BTreeMap::new();
        for order in considered {
            // Two lines of one order are one appearance; numbers of orders need not differ.
            let mut seen = BTreeSet::new();
            for item in order
                .items
                .iter()
                .filter(|item| !excluded.contains(&item.product_id))
            {
                let (favourite, latest) = found
                    .entry(&item.product_id)
                    .or_insert_with(|| (Favourite::unseen(item), order.at));
                favourite.add(order, item, seen.insert(&item.product_id));
                *latest = order.at;
            }
        }
        let mut found: Vec<(Favourite, UtcMillis)> = found.into_values().collect();
        found.sort_by(|(a, a_latest), (b, b_latest)| {
            b.score
                .cmp(&a.score)
                .then(b_latest.cmp(a_latest))
                .then_with(|| a.product_id.cmp(&b.product_id))
        });
        if !found.is_empty() {
            Self::Products(found.into_iter().map(|(favourite, _)| favourite).collect())
        } else if considered.iter().any(|order| !order.items.is_empty()) {
            Self::OnlyExcluded
        } else {
            Self::Nothing
        }
    }

    /// The products, the best first; none where there are none.
    #[must_use]
    pub fn products(&self) -> &[Favourite] {
        match self {
            Self::Products(products) => products,
            Self::OnlyExcluded | Self::Nothing => &[],
        }
    }
}

impl Favourite {
    fn unseen(item: &OrderItem) -> Self {
        Self {
            product_id: item.product_id.clone(),
            name: String::new(),
            slug: String::new(),
            unit_price: MinorUnits::default(),
            score: 0,
            total_quantity: 0,
            appearances: 0,
            order_numbers: Vec::new(),
        }
    }

    fn add(&mut self, order: &Order, item: &OrderItem, first_line: bool) {
        self.name.clone_from(&item.name);
        self.slug.clone_from(&item.slug);
        self.unit_price = item.unit_price;
        self.total_quantity += u64::from(item.quantity);
        if first_line {
            self.order_numbers.push(order.number.clone());
            self.appearances += 1;
        }
        self.score = APPEARANCE_WEIGHT * self.appearances + self.total_quantity;
    }
}

#[cfg(test)]
mod tests {
    use crate::profile::testing::{order, profile};

    use super::*;

    fn favourites(orders: &[Order]) -> Vec<(String, u64)> {
        let found = profile(orders, 1000).favourites;
        found
            .products()
            .iter()
            .map(|one| (one.product_id.as_str().to_owned(), one.score))
            .collect()
    }

    #[test]
    fn the_contracts_example_scores_fifteen() {
        let orders = [
            order(1001, 1, &[(44, 2, 1495)]),
            order(1045, 2, &[(44, 2, 1495), (38, 1, 1495)]),
            order(1067, 3, &[(44, 2, 1495), (38, 1, 1495)]),
        ];
        let found = profile(&orders, 9).favourites;
        let first = &found.products()[0];
        assert_eq!(
            (first.score, first.total_quantity, first.appearances),
            (15, 6, 3)
        );
        assert_eq!(first.order_numbers, ["1001", "1045", "1067"]);
    }

    #[test]
    fn only_the_last_three_orders_count() {
        let mut orders = vec![order(1, 1, &[(99, 50, 100)])];
        orders.extend((2..5).map(|at| order(at, at.cast_signed(), &[(44, 1, 100)])));
        assert_eq!(favourites(&orders), [("44".to_owned(), 12)]);
    }

    #[test]
    fn a_tie_goes_to_the_product_bought_latest() {
        let orders = [order(1, 1, &[(1, 2, 100)]), order(2, 2, &[(2, 2, 100)])];
        assert_eq!(
            favourites(&orders),
            [("2".to_owned(), 5), ("1".to_owned(), 5)]
        );
    }

    #[test]
    fn two_lines_of_one_order_are_one_appearance() {
        let orders = [order(1, 1, &[(1, 2, 100), (1, 3, 90)])];
        assert_eq!(favourites(&orders), [("1".to_owned(), 8)]);
    }

    #[test]
    fn excluded_products_never_appear() {
        let mixed = [order(
            1,
            1,
            &[(1893, 9, 100), (7, 1, 100), (334_999, 9, 100)],
        )];
        assert_eq!(favourites(&mixed), [("7".to_owned(), 4)]);
        let only = profile(&[order(1, 1, &[(1893, 9, 100)])], 9).favourites;
        assert_eq!(only, Favourites::OnlyExcluded);
        assert_eq!(
            profile(&[order(1, 1, &[])], 9).favourites,
            Favourites::Nothing
        );
    }
}
