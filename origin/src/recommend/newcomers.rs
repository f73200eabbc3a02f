//! What the towers tell of whom and what nobody has a history of: products that nobody has bought yet, by name and
//! category, and shoppers who have not bought anything, by where they live.

use std::collections::BTreeMap;

use footfall_shared::time::UtcMillis;

use super::data::Shelf;
use super::lists::{Reason, Recommended};
use super::models::Model;
use super::models::evaluate::{DEPTH, Figures, Tally, best};
use super::models::history::{Customer, Split};
use super::models::two_tower::TwoTower;

/// New products on a list at most: nobody has shown yet that they sell.
const NEW_MAX: usize = 2;
/// Customers of a place, so that it has a list of its own.
const OF_A_PLACE_MIN: usize = 20;
/// New customers that a comparison needs.
const COMPARED_MIN: usize = 20;

/// Products that nobody has bought yet, as the towers see them.
pub(super) struct Newcomers<'a> {
    towers: &'a TwoTower,
    unsold: Vec<(Recommended, Vec<f32>)>,
}

impl<'a> Newcomers<'a> {
    pub(super) fn new(towers: &'a TwoTower, shelf: &Shelf) -> Self {
        let unsold = shelf.unsold.iter().map(|(product, item)| {
            let told = Recommended {
                product: product.clone(),
                name: item.name.clone(),
                category: item.category.clone(),
                confidence: None,
                reason: Reason::New,
            };
            (told, towers.new_item(item))
        });
        Self {
            towers,
            unsold: unsold.collect(),
        }
    }

    /// Puts the new products that suit a customer best where the towers would rank them among `candidates`, if that is
    /// on the list.
    pub(super) fn add(
        &self,
        list: &mut Vec<Recommended>,
        customer: &Customer,
        now: UtcMillis,
        candidates: impl Iterator<Item = u32>,
    ) {
        if self.unsold.is_empty() {
            return;
        }
        let own = self.towers.shopper(&customer.shopper(now));
        let product = |vector: &[f32]| -> f32 { own.iter().zip(vector).map(|(a, b)| a * b).sum() };
        let scores: Vec<f32> = self
            .unsold
            .iter()
            .map(|(_, vector)| product(vector))
            .collect();
        let places = best(0..scores.len() as u32, &scores);
        let sold: Vec<f32> = candidates
            .map(|item| product(self.towers.item(item)))
            .collect();
        for place in places.into_iter().take(NEW_MAX) {
            let score = scores[place as usize];
            let rank = sold.iter().filter(|other| **other >= score).count();
            if rank < DEPTH {
                list.insert(rank.min(list.len()), self.unsold[place as usize].0.clone());
            }
        }
        list.truncate(DEPTH);
    }
}

/// Each attribute that enough customers share, for who has not bought anything yet.
pub(super) fn attributes(shelf: &Shelf) -> Vec<String> {
    let mut counts = BTreeMap::<&str, usize>::new();
    for attribute in shelf
        .purchases
        .customers
        .iter()
        .flat_map(|one| &one.attributes)
    {
        *counts.entry(attribute).or_default() += 1;
    }
    counts.retain(|_, count| *count >= OF_A_PLACE_MIN);
    counts.into_keys().map(str::to_owned).collect()
}

/// How well new customers' first purchases after the cut are foretold, by what is told everybody and by the towers from
/// the customers' attributes; `None` where too few came.
pub(super) fn compare(
    everybody: &dyn Model,
    towers: &TwoTower,
    split: &Split,
    all: &[Customer],
    end: UtcMillis,
) -> Option<(Figures, Figures)> {
    let sold = split.before.sold();
    let mut tallies = [Tally::default(), Tally::default()];
    let mut scores = vec![0.0; sold.len()];
    let is_new = |one: &&Customer| {
        let first = one.bought.first();
        !one.attributes.is_empty() && first.is_some_and(|first| first.at >= split.cut)
    };
    for customer in all.iter().filter(is_new) {
        let mut truth: Vec<u32> = customer
            .bought
            .iter()
            .filter(|bought| bought.at < end && sold[bought.item as usize])
            .map(|bought| bought.item)
            .collect();
        truth.sort_unstable();
        truth.dedup();
        let unknown = Customer {
            bought: Vec::new(),
            attributes: customer.attributes.clone(),
        };
        for (tally, model) in tallies.iter_mut().zip([everybody, towers as &dyn Model]) {
            model.score(&unknown.shopper(split.cut), &mut scores);
            let ranked = (0..scores.len() as u32).filter(|item| sold[*item as usize]);
            tally.add(&best(ranked, &scores), &truth);
        }
    }
    let count = sold.iter().filter(|sold| **sold).count();
    let [everybody, towers] = tallies.map(|tally| tally.figures(count));
    let (everybody, towers) = (everybody?, towers?);
    (everybody.customers >= COMPARED_MIN).then_some((everybody, towers))
}

#[cfg(test)]
mod tests {
    use footfall_shared::time::DAY_MS;

    use super::super::models::history::{Bought, Item, Purchases};
    use super::super::models::popularity::Popularity;
    use super::super::models::two_tower::{Settings, fit};
    use super::*;

    const SETTINGS: Settings = Settings {
        width: 8,
        rate: 0.03,
        decay: 0.01,
        epochs: 8,
        batch: 128,
        half_life_days: 60.0,
    };

    fn day(days: u32) -> UtcMillis {
        UtcMillis::new(i64::from(days) * DAY_MS)
    }

    fn item(of_second: bool) -> Item {
        Item {
            name: if of_second { "blue bowl" } else { "red cup" }.to_owned(),
            category: String::new(),
        }
    }

    /// Two places of sixty customers and eight things each, of which a customer buys four; a third of the customers come
    /// after day 100.
    fn shelf() -> Shelf {
        let of = |n: u32| {
            let first = if n.is_multiple_of(3) {
                100 + n % 20
            } else {
                n % 50
            };
            let bought = (0..4).map(|at| Bought {
                item: n % 2 * 8 + (n / 2 + at * 3) % 8,
                at: day(first + at * 10),
            });
            Customer {
                bought: bought.collect(),
                attributes: vec![format!("place={}", n % 2)],
            }
        };
        Shelf {
            purchases: Purchases {
                customers: (0..120).map(of).collect(),
                items: (0..16).map(|at| item(at >= 8)).collect(),
            },
            customers: (0..120).map(|n| format!("c{n}")).collect(),
            products: (0..16).map(|n| format!("p{n}")).collect(),
            unsold: vec![
                ("new red".into(), item(false)),
                ("new blue".into(), item(true)),
            ],
        }
    }

    #[test]
    fn what_nobody_has_bought_is_ranked_by_what_it_is() {
        let shelf = shelf();
        let towers = fit(&shelf.purchases, SETTINGS, 1).unwrap();
        let newcomers = Newcomers::new(&towers, &shelf);
        for (customer, suits, other) in [(1, "new blue", "new red"), (2, "new red", "new blue")] {
            let mut list = Vec::new();
            let customer = &shelf.purchases.customers[customer];
            newcomers.add(&mut list, customer, day(120), 0..16);
            let names: Vec<&str> = list.iter().map(|one| one.product.as_str()).collect();
            assert_eq!(names, [suits, other]);
            assert!(
                list.iter()
                    .all(|one| one.reason == Reason::New && one.confidence.is_none())
            );
        }
        let mut full: Vec<Recommended> = vec![newcomers.unsold[0].0.clone(); DEPTH];
        newcomers.add(&mut full, &shelf.purchases.customers[1], day(120), 0..16);
        assert_eq!(full.len(), DEPTH);
    }

    #[test]
    fn places_tell_new_customers_apart_where_they_buy_otherwise() {
        let shelf = shelf();
        assert_eq!(attributes(&shelf), ["place=0", "place=1"]);
        let (cut, end) = (day(100), day(200));
        let split = shelf.purchases.split(cut, end);
        let towers = fit(&split.before, SETTINGS, 1).unwrap();
        let everybody = Popularity::fit(&split.before, cut, 30.0);
        let all = &shelf.purchases.customers;
        let (all_alike, by_place) = compare(&everybody, &towers, &split, all, end).unwrap();
        assert_eq!(all_alike.customers, 40);
        // Sixteen things fit on every list, so only their sequence tells.
        assert!(by_place.ndcg > all_alike.ndcg, "{by_place:?} {all_alike:?}");
        let few = &all[..30];
        assert!(compare(&everybody, &towers, &split, few, end).is_none());
    }
}
