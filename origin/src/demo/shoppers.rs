//! Who buys in the demo shop's year, and what they think of it.
//!
//! Some buy again: a purchase is by one of a tenth as many shoppers as there are visitors. What they think follows from what
//! they bought: one roast is liked by most, one gets worse over the year, which the reviews' trend should find.

use std::collections::BTreeMap;

use footfall_shared::experiment::seed::Seed;
use footfall_shared::time::{DAY_MS, UtcMillis};

use super::orders::FIRST_SHOPPER_ID;
use super::people::PRODUCTS;
use super::year::Purchase;

/// Visitors for each shopper.
const VISITORS_A_SHOPPER: u32 = 10;
/// Purchases that are reviewed, in a hundred.
const REVIEWED: u32 = 45;
/// Days until a review is written.
const REVIEWED_AFTER_DAYS: i64 = 7;
/// The roast that gets worse.
const WORSE: u64 = 51;

/// Where they live, as often as it stands here.
const COUNTRIES: [&str; 6] = [
    "Netherlands",
    "Netherlands",
    "Netherlands",
    "Germany",
    "Germany",
    "Belgium",
];
const PRAISE: [&str; 5] = [
    "Wonderful aroma and a smooth taste, I love it",
    "Great coffee, fast shipping, the best roast I had this year",
    "Rich and balanced, perfect with milk",
    "Fresh beans, lovely chocolate notes",
    "Heerlijke koffie, zeer goed en niet te duur",
];
const INDIFFERENT: [&str; 3] = [
    "It is coffee, nothing special",
    "Fine for the office",
    "Decent, but the bag is small",
];
const COMPLAINTS: [&str; 4] = [
    "Bitter and stale, a terrible roast",
    "Burnt taste, I am disappointed",
    "The bag was torn and the beans were stale",
    "Awful, tastes burnt",
];

/// Somebody who buys in the year.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Shopper {
    /// Among the year's shoppers.
    pub(super) number: u32,
}

impl Shopper {
    /// The address, which nobody reads.
    pub(super) fn email(self) -> String {
        format!("shopper{}@example.com", self.number)
    }
}

fn below(of: &str, what: &str, bound: u32) -> u32 {
    Seed::of(&["shoppers of a year", of, what]).below(bound)
}

fn one_of<'a>(list: &[&'a str], of: &str, what: &str) -> &'a str {
    let bound = u32::try_from(list.len()).unwrap_or(1);
    list.get(below(of, what, bound) as usize)
        .copied()
        .unwrap_or_default()
}

/// Each purchase with who it is by.
pub(super) fn who_bought(visitors: u32, purchases: Vec<Purchase>) -> Vec<(Shopper, Purchase)> {
    let shoppers = visitors / VISITORS_A_SHOPPER + 1;
    let by = |purchase: Purchase| {
        let number = below(&purchase.visitor.to_string(), "who", shoppers);
        (Shopper { number }, purchase)
    };
    purchases.into_iter().map(by).collect()
}

/// A file of who they are, as a shop's system exports it.
pub(super) fn customers_file(bought: &[(Shopper, Purchase)]) -> String {
    let numbers: BTreeMap<u32, Shopper> = bought
        .iter()
        .map(|(shopper, _)| (shopper.number, *shopper))
        .collect();
    let mut file = "customer id,email,age,country\n".to_owned();
    for (number, shopper) in numbers {
        let of = number.to_string();
        let age = 19 + below(&of, "age", 25) + below(&of, "more age", 25);
        let country = one_of(&COUNTRIES, &of, "country");
        let id = FIRST_SHOPPER_ID + u64::from(number);
        file += &format!("{id},{},{age},{country}\n", shopper.email());
    }
    file
}

/// A file of what some of them thought of what they bought.
pub(super) fn reviews_file(bought: &[(Shopper, Purchase)], now: UtcMillis) -> String {
    let mut file = "product id,product name,category,rating,review,customer id,date\n".to_owned();
    let first = bought.first().map_or(now, |(_, purchase)| purchase.at);
    for (shopper, purchase) in bought {
        let of = format!("{} {}", purchase.visitor, purchase.at.get());
        let at = purchase.at.plus(REVIEWED_AFTER_DAYS * DAY_MS);
        let Some((product, _)) = purchase.lines.last() else {
            continue;
        };
        if below(&of, "reviews", 100) >= REVIEWED || at >= now {
            continue;
        }
        let Some((id, name, ..)) = PRODUCTS.iter().find(|(id, ..)| id == product) else {
            continue;
        };
        let months = u32::try_from(purchase.at.since(first) / (30 * DAY_MS)).unwrap_or(0);
        // In a hundred: those who complain, and those who do not care.
        let complain = if *product == WORSE {
            (20 + 5 * months).min(75)
        } else {
            8
        };
        let drawn = below(&of, "thinks", 100);
        let (rating, text) = match drawn {
            drawn if drawn < complain => {
                (1 + below(&of, "stars", 2), one_of(&COMPLAINTS, &of, "says"))
            }
            drawn if drawn < complain + 15 => (3, one_of(&INDIFFERENT, &of, "says")),
            _ => (4 + below(&of, "stars", 2), one_of(&PRAISE, &of, "says")),
        };
        let customer = FIRST_SHOPPER_ID + u64::from(shopper.number);
        file += &format!(
            "{id},{name},Coffee,{rating},\"{text}\",{customer},{}\n",
            at.to_rfc3339()
        );
    }
    file
}
