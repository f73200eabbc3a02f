//! What is told of a segment, and of who its customers are.

use std::collections::HashMap;

use footfall_shared::behavior::persona::{age_range, frequency_of};
use footfall_shared::behavior::rfm::Scores;
use footfall_shared::behavior::segment::MeanScores;
use serde::{Deserialize, Serialize};

use super::customers::{Counted, Customers};

/// Places that are told.
const LOCATIONS_MAX: usize = 5;
/// What is known of fewer customers is not told: it would be about them, not about the segment.
const KNOWN_MIN: usize = 5;

/// A segment, as it is kept.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(in crate::behavior) struct Segment {
    /// Its id, the same from run to run.
    pub(in crate::behavior) id: i64,
    /// What it is called.
    pub(in crate::behavior) name: String,
    /// Customers.
    pub(in crate::behavior) customers: i64,
    /// Orders that are known.
    pub(in crate::behavior) orders: i64,
    /// Money spent, in minor units.
    pub(in crate::behavior) revenue: i64,
    /// Half of the 95 % interval of what an order brings, in minor units.
    pub(in crate::behavior) order_value_half: f64,
    /// Mean days since the last order.
    pub(in crate::behavior) recency: Option<f64>,
    /// Mean orders, with those before the first that is known.
    pub(in crate::behavior) frequency: f64,
    /// Mean money spent, in minor units.
    pub(in crate::behavior) monetary: f64,
    /// Mean of the combined scores.
    pub(in crate::behavior) score: Option<f64>,
    /// Who they are.
    pub(in crate::behavior) portrait: Portrait,
}

/// Who the customers of a segment are; `None` and empty where too little is known.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub(in crate::behavior) struct Portrait {
    /// As `30-40`.
    pub(in crate::behavior) age_range: Option<String>,
    /// The middle age.
    pub(in crate::behavior) age: Option<i64>,
    /// Shares of those whose gender is known, as the shop writes it, the largest first.
    pub(in crate::behavior) genders: Vec<(String, f64)>,
    /// Customers by where they live, the most first.
    pub(in crate::behavior) locations: Vec<(String, i64)>,
    /// How most paid their last order.
    pub(in crate::behavior) payment: Option<String>,
    /// How most had it shipped.
    pub(in crate::behavior) shipping: Option<String>,
    /// The share of orders that were cheaper than usual, of those where it is known.
    pub(in crate::behavior) discount_sensitivity: Option<f64>,
    /// How often they buy, in words.
    pub(in crate::behavior) purchase_frequency: Option<String>,
}

/// The customers of one group.
pub(super) struct Group<'a> {
    /// Their figures and scores.
    pub(super) members: Vec<(&'a Counted, f64, Scores)>,
}

impl<'a> Group<'a> {
    /// Those of each group; a member's second part is the recency, below zero where it is not known.
    pub(super) fn all(
        customers: &'a Customers,
        snapshot: Option<i64>,
        scores: &[Scores],
        of: &[usize],
        count: usize,
    ) -> Vec<Self> {
        let mut groups: Vec<Self> = (0..count)
            .map(|_| Self {
                members: Vec::new(),
            })
            .collect();
        for ((customer, scores), group) in customers.all.iter().zip(scores).zip(of) {
            let recency = customer.rfm(snapshot).recency_days.unwrap_or(-1.0);
            if let Some(group) = groups.get_mut(*group) {
                group.members.push((customer, recency, *scores));
            }
        }
        groups
    }

    fn mean(&self, of: impl Fn(&(&'a Counted, f64, Scores)) -> f64) -> f64 {
        self.members.iter().map(of).sum::<f64>() / self.members.len().max(1) as f64
    }

    /// Mean money spent, in minor units.
    pub(super) fn mean_spend(&self) -> f64 {
        self.mean(|(one, _, _)| one.spend as f64)
    }

    /// The mean scores, by which it is named.
    pub(super) fn scores(&self) -> MeanScores {
        let dated = self
            .members
            .iter()
            .all(|(_, _, scores)| scores.recency.is_some());
        MeanScores {
            recency: dated
                .then(|| self.mean(|(_, _, scores)| f64::from(scores.recency.unwrap_or(0)))),
            frequency: self.mean(|(_, _, scores)| f64::from(scores.frequency)),
            monetary: self.mean(|(_, _, scores)| f64::from(scores.monetary)),
        }
    }

    /// By the ratio estimator (Cochran, "Sampling Techniques", 1977, 2.11): spending over orders, customers being what is drawn.
    fn order_value_half(&self) -> f64 {
        let count = self.members.len() as f64;
        let orders = self.mean(|(one, _, _)| one.orders as f64);
        let ratio = self.mean_spend() / orders.max(1e-9);
        let squares: f64 = self
            .members
            .iter()
            .map(|(one, _, _)| (one.spend as f64 - ratio * one.orders as f64).powi(2))
            .sum();
        if count < 2.0 || orders <= 0.0 {
            return ratio;
        }
        1.96 * (squares / (count - 1.0) / count).sqrt() / orders
    }

    /// All that is told of it.
    pub(super) fn describe(&self, id: i64, name: String, customers: &Customers) -> Segment {
        let dated = self.members.iter().all(|(_, recency, _)| *recency >= 0.0);
        let scored = self
            .members
            .iter()
            .all(|(_, _, scores)| scores.combined().is_some());
        let sum = |of: fn(&Counted) -> i64| self.members.iter().map(|(one, _, _)| of(one)).sum();
        Segment {
            id,
            name,
            customers: i64::try_from(self.members.len()).unwrap_or(i64::MAX),
            orders: sum(|one| one.orders),
            revenue: sum(|one| one.spend),
            order_value_half: self.order_value_half(),
            recency: dated.then(|| self.mean(|(_, recency, _)| *recency)),
            frequency: self.mean(|(one, _, _)| one.frequency() as f64),
            monetary: self.mean_spend(),
            score: scored
                .then(|| self.mean(|(_, _, scores)| scores.combined().map_or(0.0, f64::from))),
            portrait: self.portrait(customers),
        }
    }

    fn portrait(&self, customers: &Customers) -> Portrait {
        let mut ages: Vec<i64> = self
            .members
            .iter()
            .filter_map(|(one, _, _)| one.age)
            .collect();
        ages.sort_unstable();
        let known_ages = ages.len() >= KNOWN_MIN;
        let word = |number: u32| customers.words.texts.get(number as usize).cloned();
        let counts = |of: fn(&Counted) -> Option<u32>| {
            let mut counts: HashMap<u32, i64> = HashMap::new();
            for (one, _, _) in &self.members {
                if let Some(number) = of(one) {
                    *counts.entry(number).or_default() += 1;
                }
            }
            let known: i64 = counts.values().sum();
            let named = counts
                .into_iter()
                .filter_map(|(number, count)| Some((word(number)?, count)));
            let mut named: Vec<(String, i64)> = named.collect();
            named.sort_by(|a, b| b.1.cmp(&a.1).then(a.0.cmp(&b.0)));
            let enough = known >= i64::try_from(KNOWN_MIN).unwrap_or(i64::MAX);
            if enough {
                (named, known)
            } else {
                (Vec::new(), 0)
            }
        };
        let most =
            |of: fn(&Counted) -> Option<u32>| counts(of).0.into_iter().next().map(|(name, _)| name);
        let (genders, with_gender) = counts(|one| one.gender);
        let share = |(name, count): (String, i64)| (name, count as f64 / with_gender.max(1) as f64);
        let (mut locations, _) = counts(|one| one.location);
        locations.truncate(LOCATIONS_MAX);
        let (priced, discounted) = self
            .members
            .iter()
            .fold((0, 0), |(priced, discounted), (one, _, _)| {
                (priced + one.priced, discounted + one.discounted)
            });
        Portrait {
            age_range: age_range(&ages),
            age: known_ages.then(|| ages[ages.len() / 2]),
            genders: genders.into_iter().map(share).collect(),
            locations,
            payment: most(|one| one.payment),
            shipping: most(|one| one.shipping),
            discount_sensitivity: (priced > 0).then(|| discounted as f64 / priced as f64),
            // What the shop says of its customers goes before what a few orders show.
            purchase_frequency: most(|one| one.frequency).or_else(|| self.measured_frequency()),
        }
    }

    fn measured_frequency(&self) -> Option<String> {
        let days = self
            .members
            .iter()
            .filter_map(|(one, _, _)| one.days_between_orders());
        let mut days: Vec<f64> = days.collect();
        days.sort_by(f64::total_cmp);
        let middle = days
            .get(days.len() / 2)
            .filter(|_| days.len() >= KNOWN_MIN)?;
        Some(frequency_of(*middle).to_owned())
    }
}
