//! A customer's profile: what the order history says, recalculated whole from the orders.
//!
//! - [`favourites`]: what the customer buys again and again
//! - [`rhythm`]: peak, cycle and prime window
//! - [`score`]: how good a customer this is, 0–100

pub mod favourites;
pub mod rhythm;
pub mod score;

use std::collections::BTreeSet;

use jiff::tz::TimeZone;
use serde::{Deserialize, Serialize};

use crate::id::ExternalId;
use crate::money::MinorUnits;
use crate::order::Order;
use crate::time::{DAY_MS, Moment, UtcMillis};

pub use favourites::{Favourite, Favourites};
pub use rhythm::{Peak, Window};
pub use score::Score;

/// What the order history says of a customer at the time of the last recalculation.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Profile {
    /// Favourite products from the last orders.
    pub favourites: Favourites,
    /// The largest order so far.
    pub peak: Peak,
    /// Mean amount of a counted order, half up to the minor unit.
    pub avg_order_value: MinorUnits,
    /// Amount of all counted orders.
    pub total_spent: MinorUnits,
    /// Counted orders.
    pub total_orders: u32,
    /// When the last one was placed.
    pub last_order: Moment,
    /// Mean time between orders, in milliseconds; `None` before the second order.
    pub cycle_ms: Option<i64>,
    /// When the next order is due; `None` before the second order.
    pub window: Option<Window>,
    /// 0–100, see [`score`].
    pub score: Score,
    /// When this was calculated.
    pub recalculated: Moment,
}

impl Profile {
    /// Calculates the profile from all counted orders, in any sequence. `None` where there are none.
    #[must_use]
    pub fn recalculate(
        orders: &[Order],
        excluded: &BTreeSet<ExternalId>,
        zone: &TimeZone,
        now: UtcMillis,
    ) -> Option<Self> {
        let mut orders: Vec<&Order> = orders.iter().collect();
        // Orders of the same instant are told apart by their id, so that every run decides alike.
        orders.sort_by(|a, b| a.at.cmp(&b.at).then_with(|| a.id.cmp(&b.id)));
        let last = orders.last()?;
        let count = i64::try_from(orders.len()).unwrap_or(i64::MAX);
        let total_spent: MinorUnits = orders.iter().map(|order| order.amount()).sum();
        let cycle_ms = rhythm::cycle_ms(&orders);
        Some(Self {
            favourites: Favourites::find(&orders, excluded),
            peak: rhythm::peak(&orders, zone)?,
            avg_order_value: MinorUnits::new((total_spent.get() * 2 + count).div_euclid(count * 2)),
            total_spent,
            total_orders: u32::try_from(count).unwrap_or(u32::MAX),
            last_order: last.at.in_zone(zone),
            cycle_ms,
            window: cycle_ms.map(|cycle| Window::after(last.at, cycle, zone)),
            score: Score::of(&orders, now),
            recalculated: now.in_zone(zone),
        })
    }

    /// Whole days since the last order.
    #[must_use]
    pub fn days_since_last_order(&self, now: UtcMillis) -> i64 {
        now.since(self.last_order.at).max(0) / DAY_MS
    }

    /// The mean time between orders in whole days, half up.
    #[must_use]
    pub fn cycle_days(&self) -> Option<i64> {
        self.cycle_ms.map(|cycle| (cycle + DAY_MS / 2) / DAY_MS)
    }
}

#[cfg(test)]
pub(crate) mod testing {
    use super::*;
    use crate::order::OrderItem;

    /// An order placed `day` days after the epoch with `(product, quantity, price in cents)` lines.
    pub(crate) fn order(id: u64, day: i64, lines: &[(u64, u32, i64)]) -> Order {
        Order {
            id: id.into(),
            number: id.to_string(),
            at: UtcMillis::new(day * DAY_MS),
            items: lines
                .iter()
                .map(|(product, quantity, cents)| OrderItem {
                    product_id: (*product).into(),
                    name: format!("Product {product}"),
                    slug: format!("product-{product}"),
                    quantity: *quantity,
                    unit_price: MinorUnits::new(*cents),
                })
                .collect(),
        }
    }

    /// The profile of these orders in UTC, with the default exclusions.
    pub(crate) fn profile(orders: &[Order], now_day: i64) -> Profile {
        let excluded = [1893.into(), 334_999.into()].into();
        Profile::recalculate(
            orders,
            &excluded,
            &TimeZone::UTC,
            UtcMillis::new(now_day * DAY_MS),
        )
        .unwrap()
    }
}

#[cfg(test)]
mod tests {
    use super::testing::{order, profile};
    use super::*;

    #[test]
    fn without_a_counted_order_there_is_no_profile() {
        let none = Profile::recalculate(&[], &BTreeSet::new(), &TimeZone::UTC, UtcMillis::new(0));
        assert_eq!(none, None);
    }

    #[test]
    fn totals_and_averages_are_exact_to_the_cent() {
        let profile = profile(
            &[order(1, 0, &[(44, 1, 100)]), order(2, 10, &[(44, 1, 101)])],
            25,
        );
        assert_eq!(profile.total_spent, MinorUnits::new(201));
        assert_eq!(profile.avg_order_value, MinorUnits::new(101));
        assert_eq!(
            profile.days_since_last_order(UtcMillis::new(25 * DAY_MS - 1)),
            14
        );
        assert_eq!(profile.cycle_days(), Some(10));
    }

    proptest::proptest! {
        #[test]
        fn the_sequence_in_which_orders_arrive_does_not_matter(
            mut orders in proptest::collection::vec((0i64..400, 1u64..5, 1u32..9, 1i64..9_000), 1..20),
        ) {
            let build = |orders: &[(i64, u64, u32, i64)], ids: &[u64]| -> Vec<Order> {
                orders.iter().zip(ids)
                    .map(|((day, product, quantity, cents), id)| order(*id, *day, &[(*product, *quantity, *cents)]))
                    .collect()
            };
            let mut ids: Vec<u64> = (0..orders.len() as u64).collect();
            let forward = profile(&build(&orders, &ids), 500);
            orders.reverse();
            ids.reverse();
            proptest::prop_assert_eq!(forward, profile(&build(&orders, &ids), 500));
        }
    }
}
