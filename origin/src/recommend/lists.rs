//! What each customer is recommended, why, and who is like them.

use std::collections::HashMap;

use footfall_shared::time::UtcMillis;
use instant_distance::{Builder, HnswMap, Point, Search};
use serde::{Deserialize, Serialize};

use super::data::Shelf;
use super::models::Model;
use super::models::calibrate::Calibration;
use super::models::evaluate::{best, owned};
use super::models::history::{Customer, Purchases};
use super::models::item_knn::{ItemKnn, Settings as Neighbours};
use super::models::two_tower::TwoTower;
use super::newcomers::Newcomers;

/// Customers that must have bought a thing before it can be known to be used up.
const BUYERS_MIN: u32 = 5;
/// The share of them that bought it again, in another order.
const AGAIN_MIN: f64 = 0.2;
/// Customers that somebody is told to be like.
const SIMILAR: usize = 20;
/// How the things are found that were bought together, to tell reasons.
const TOGETHER: Neighbours = Neighbours {
    neighbours: 100,
    shrinkage: 10.0,
    half_life_days: f32::INFINITY,
};

/// Something that is recommended.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(super) struct Recommended {
    /// The product.
    #[serde(rename = "p")]
    pub(super) product: String,
    /// Its name; empty where nobody tells it.
    #[serde(rename = "n")]
    pub(super) name: String,
    /// Its category; empty where nobody tells it.
    #[serde(rename = "c", default, skip_serializing_if = "String::is_empty")]
    pub(super) category: String,
    /// The share of recommendations with such a score that were bought within a month; `None` where too few were counted.
    #[serde(rename = "s")]
    pub(super) confidence: Option<f64>,
    /// Why.
    #[serde(rename = "w")]
    pub(super) reason: Reason,
}

/// Why something is recommended.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "k", rename_all = "snake_case")]
pub(super) enum Reason {
    /// The customer bought it before, so many times, and it is used up.
    BoughtBefore { times: u32 },
    /// Who bought this (its name, else its id) bought it, too.
    BoughtTogether { with: String },
    /// It is bought much.
    Popular,
    /// Nobody has bought it yet, but what it is suits the customer.
    New,
}

/// A customer's list and whom they are like.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct CustomerLists {
    /// The customer; empty for who has no history.
    pub(super) customer: String,
    /// The best first.
    pub(super) recommended: Vec<Recommended>,
    /// The likest first: customer, and the cosine of both vectors.
    pub(super) similar: Vec<(String, f32)>,
}

/// For each item whether it is used up: whether customers buy it again and again.
pub(super) fn used_up(purchases: &Purchases) -> Vec<bool> {
    let mut buyers = vec![(0u32, 0u32); purchases.items.len()];
    for customer in &purchases.customers {
        let mut times = HashMap::<u32, Vec<UtcMillis>>::new();
        for bought in &customer.bought {
            times.entry(bought.item).or_default().push(bought.at);
        }
        for (item, mut times) in times {
            times.dedup();
            let (all, again) = &mut buyers[item as usize];
            *all += 1;
            *again += u32::from(times.len() > 1);
        }
    }
    let is_used_up = |(all, again): (u32, u32)| {
        all >= BUYERS_MIN && f64::from(again) >= AGAIN_MIN * f64::from(all)
    };
    buyers.into_iter().map(is_used_up).collect()
}

/// What lists are made with.
pub(super) struct Maker<'a> {
    shelf: &'a Shelf,
    model: &'a dyn Model,
    calibration: &'a Calibration,
    now: UtcMillis,
    sold: Vec<bool>,
    used_up: Vec<bool>,
    together: ItemKnn,
    newcomers: Option<Newcomers<'a>>,
}

impl<'a> Maker<'a> {
    pub(super) fn new(
        shelf: &'a Shelf,
        model: &'a dyn Model,
        calibration: &'a Calibration,
        now: UtcMillis,
        towers: Option<&'a TwoTower>,
    ) -> Self {
        Self {
            newcomers: towers.map(|towers| Newcomers::new(towers, shelf)),
            sold: shelf.purchases.sold(),
            used_up: used_up(&shelf.purchases),
            together: ItemKnn::fit(&shelf.purchases, TOGETHER),
            shelf,
            model,
            calibration,
            now,
        }
    }

    /// The list of a customer.
    pub(super) fn list(&self, customer: &Customer, scores: &mut [f32]) -> Vec<Recommended> {
        self.model.score(&customer.shopper(self.now), scores);
        let owned = owned(&customer.bought);
        let may = |item: &u32| {
            let at = *item as usize;
            self.sold[at] && (self.used_up[at] || owned.binary_search(item).is_err())
        };
        let items = best((0..scores.len() as u32).filter(may), scores);
        let recommended = items.into_iter().map(|item| {
            let told = &self.shelf.purchases.items[item as usize];
            Recommended {
                product: self.shelf.products[item as usize].clone(),
                name: told.name.clone(),
                category: told.category.clone(),
                confidence: self.calibration.confidence(scores[item as usize]),
                reason: self.reason(item, &owned, customer),
            }
        });
        let mut recommended: Vec<Recommended> = recommended.collect();
        if let Some(newcomers) = &self.newcomers {
            let candidates = (0..scores.len() as u32).filter(may);
            newcomers.add(&mut recommended, customer, self.now, candidates);
        }
        recommended
    }

    fn reason(&self, item: u32, owned: &[u32], customer: &Customer) -> Reason {
        if owned.binary_search(&item).is_ok() {
            let times = customer
                .bought
                .iter()
                .filter(|bought| bought.item == item)
                .count();
            return Reason::BoughtBefore {
                times: u32::try_from(times).unwrap_or(u32::MAX),
            };
        }
        let Some(with) = self.together.nearest_of(item, owned) else {
            return Reason::Popular;
        };
        let name = &self.shelf.purchases.items[with as usize].name;
        let with = if name.is_empty() {
            &self.shelf.products[with as usize]
        } else {
            name
        };
        Reason::BoughtTogether { with: with.clone() }
    }
}

/// A customer's vector, of length 1.
#[derive(Debug, Clone)]
struct Direction(Vec<f32>);

impl Point for Direction {
    /// One less the cosine.
    fn distance(&self, other: &Self) -> f32 {
        1.0 - self.0.iter().zip(&other.0).map(|(a, b)| a * b).sum::<f32>()
    }
}

/// For each customer the likest others, by the towers' vectors: found through an index, so nearly always the very likest.
pub(super) fn similar(
    shelf: &Shelf,
    towers: &TwoTower,
    now: UtcMillis,
    seed: u64,
) -> Vec<Vec<(String, f32)>> {
    let directions: Vec<Option<Direction>> = shelf
        .purchases
        .customers
        .iter()
        .map(|customer| {
            let mut vector = towers.shopper(&customer.shopper(now));
            // The last number stands for what is popular, the same for everybody.
            vector.pop();
            let length = vector.iter().map(|value| value * value).sum::<f32>().sqrt();
            (length > 0.0).then(|| Direction(vector.iter().map(|value| value / length).collect()))
        })
        .collect();
    let known = directions.iter().enumerate();
    let (points, places): (Vec<Direction>, Vec<u32>) = known
        .filter_map(|(place, direction)| Some((direction.clone()?, place as u32)))
        .unzip();
    if points.is_empty() {
        return vec![Vec::new(); directions.len()];
    }
    let index: HnswMap<Direction, u32> = Builder::default().seed(seed).build(points, places);
    let mut search = Search::default();
    let nearest = directions.iter().enumerate().map(|(own, direction)| {
        let Some(direction) = direction else {
            return Vec::new();
        };
        let others = index
            .search(direction, &mut search)
            .filter(|found| *found.value as usize != own);
        let told = others.take(SIMILAR).map(|found| {
            let name = shelf.customers[*found.value as usize].clone();
            (name, (1.0 - found.distance).clamp(-1.0, 1.0))
        });
        told.collect()
    });
    nearest.collect()
}

#[cfg(test)]
mod tests {
    use footfall_shared::time::DAY_MS;

    use super::super::models::history::{Bought, Item};
    use super::super::models::popularity::Popularity;
    use super::*;

    fn shelf(customers: &[&[(u32, i64)]]) -> Shelf {
        let of = |bought: &&[(u32, i64)]| Customer {
            bought: bought
                .iter()
                .map(|(item, day)| Bought {
                    item: *item,
                    at: UtcMillis::new(day * DAY_MS),
                })
                .collect(),
            attributes: Vec::new(),
        };
        Shelf {
            purchases: Purchases {
                customers: customers.iter().map(of).collect(),
                items: ["Tea", "Pot", "Cup"]
                    .map(|name| Item {
                        name: name.into(),
                        category: String::new(),
                    })
                    .into(),
            },
            customers: (0..customers.len()).map(|n| format!("c{n}")).collect(),
            products: vec!["tea".into(), "pot".into(), "cup".into()],
            unsold: Vec::new(),
        }
    }

    #[test]
    fn what_is_owned_is_recommended_only_where_it_is_used_up() {
        // Tea is bought again and again, a pot once.
        let often: &[(u32, i64)] = &[(0, 1), (0, 9), (1, 1)];
        let shelf = shelf(&[often, often, often, often, often, &[(0, 1), (2, 1)]]);
        assert_eq!(used_up(&shelf.purchases), [true, false, false]);
        let now = UtcMillis::new(10 * DAY_MS);
        let model = Popularity::fit(&shelf.purchases, now, 30.0);
        let calibration = Calibration::default();
        let maker = Maker::new(&shelf, &model, &calibration, now, None);
        let mut scores = vec![0.0; 3];
        let list = maker.list(&shelf.purchases.customers[0], &mut scores);
        let told: Vec<(&str, &Reason)> = list
            .iter()
            .map(|one| (one.product.as_str(), &one.reason))
            .collect();
        assert_eq!(
            told,
            [
                ("tea", &Reason::BoughtBefore { times: 2 }),
                ("cup", &Reason::BoughtTogether { with: "Tea".into() }),
            ]
        );
        assert!(list.iter().all(|one| one.confidence.is_none()));
        let new = maker.list(&Customer::default(), &mut scores);
        assert_eq!((new.len(), &new[0].reason), (3, &Reason::Popular));
    }
}
