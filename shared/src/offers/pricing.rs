//! Discount, final price and points of a bundle, exact to the cent.

use serde::{Deserialize, Serialize};

use crate::money::MinorUnits;
use crate::offers::BundleItem;
use crate::profile::Score;

/// The highest discount, in percent.
const DISCOUNT_MAX: u32 = 20;

/// What a bundle costs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Pricing {
    /// Price of all pieces.
    pub base_price: MinorUnits,
    /// Discount in percent, 10 to 20.
    pub discount_percentage: u32,
    /// Discount in money, half up.
    pub discount_amount: MinorUnits,
    /// What the shopper pays.
    pub final_price: MinorUnits,
}

/// Prices `items`, `quantity` pieces in all, for a customer of this score.
#[must_use]
pub fn price(items: &[BundleItem], quantity: u32, score: Score) -> Pricing {
    let base_price: MinorUnits = items
        .iter()
        .map(|item| item.unit_price.times(item.quantity))
        .sum();
    let discount_percentage = discount_percentage(quantity, score);
    let discount_amount = base_price.percent(discount_percentage);
    Pricing {
        base_price,
        discount_percentage,
        discount_amount,
        final_price: base_price - discount_amount,
    }
}

/// 10, 12 or 15 % from 4, 5 or 7 pieces, and 2 or 3 points more from score 60 or 80.
fn discount_percentage(quantity: u32, score: Score) -> u32 {
    let base = match quantity {
        0..=4 => 10,
        5..=6 => 12,
        _ => 15,
    };
    let bonus = match score.tenths() {
        0..=599 => 0,
        600..=799 => 2,
        _ => 3,
    };
    (base + bonus).min(DISCOUNT_MAX)
}

/// Loyalty points: the whole units of the price, times 1, 1.25 or 1.5 by score, rounded down.
///
/// The contract's `floor(final_price)` counts whole currency units of a hundred minor units each.
#[must_use]
pub fn points(final_price: MinorUnits, score: Score) -> i64 {
    let whole = final_price.get().div_euclid(100);
    let quarters = match score.tenths() {
        0..=599 => 4,
        600..=799 => 5,
        _ => 6,
    };
    (whole * quarters).div_euclid(4)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_contracts_example_costs_what_it_says() {
        let item = |id: u64, quantity| BundleItem {
            product_id: id.into(),
            name: String::new(),
            slug: String::new(),
            quantity,
            unit_price: MinorUnits::new(1495),
        };
        let pricing = price(&[item(44, 3), item(38, 2)], 5, Score::from_tenths(725));
        assert_eq!(pricing.base_price, MinorUnits::new(7475));
        assert_eq!(pricing.discount_percentage, 14);
        assert_eq!(pricing.discount_amount, MinorUnits::new(1047));
        assert_eq!(pricing.final_price, MinorUnits::new(6428));
        // The example's 64 points forget the multiplier that the rule gives this score.
        assert_eq!(points(pricing.final_price, Score::from_tenths(725)), 80);
    }

    #[test]
    fn discount_and_points_step_where_the_contract_says() {
        for (quantity, tenths, percent) in [
            (4, 0, 10),
            (5, 0, 12),
            (6, 599, 12),
            (7, 599, 15),
            (4, 600, 12),
            (4, 799, 12),
            (4, 800, 13),
            (7, 800, 18),
            (500, 1000, 18),
        ] {
            assert_eq!(
                discount_percentage(quantity, Score::from_tenths(tenths)),
                percent
            );
        }
        for (tenths, expected) in [(599, 33), (600, 41), (799, 41), (800, 49)] {
            assert_eq!(
                points(MinorUnits::new(3399), Score::from_tenths(tenths)),
                expected
            );
        }
    }

    proptest::proptest! {
        #[test]
        fn discount_and_points_are_monotone_and_the_money_adds_up(
            quantity in 1u32..2000, tenths in 0u16..1000, cents in 0i64..10_000_000,
        ) {
            let (lower, higher) = (Score::from_tenths(tenths), Score::from_tenths(tenths + 1));
            proptest::prop_assert!(discount_percentage(quantity, lower) <= discount_percentage(quantity, higher));
            proptest::prop_assert!(discount_percentage(quantity, lower) <= discount_percentage(quantity + 1, lower));
            let amount = MinorUnits::new(cents);
            proptest::prop_assert!(points(amount, lower) <= points(amount, higher));
            proptest::prop_assert!(points(amount, lower) <= points(MinorUnits::new(cents + 1), lower));
            let item = BundleItem {
                product_id: 1.into(), name: String::new(), slug: String::new(),
                quantity, unit_price: amount,
            };
            let pricing = price(&[item], quantity, lower);
            proptest::prop_assert_eq!(pricing.final_price + pricing.discount_amount, pricing.base_price);
        }
    }
}
