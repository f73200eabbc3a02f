//! What counts as often, for this shop: low enough that a small shop sees rules, high enough that a large one does not drown
//! and that chance is not told as a finding.
//!
//! Supports are tried from 5 % down, none of fewer than five baskets (three in a shop with fewer than 200 baskets), until
//! there are enough rules that are surely above chance: the lower end of the lift's 95 % interval lies above 1.

use super::baskets::Baskets;
use super::fpgrowth::{Itemset, mine};
use super::rules::{Rule, rules};

/// Shares of all baskets that are tried.
const SUPPORTS: [f64; 9] = [0.05, 0.03, 0.02, 0.01, 0.005, 0.003, 0.002, 0.001, 0.0005];
/// Rules that are enough.
const ENOUGH: usize = 100;
/// Rules that are kept, the surest first.
const KEPT_MAX: usize = 2_000;
/// Products in a set.
const LENGTH_MAX: usize = 4;
/// Sets at which a support is too low.
const ITEMSETS_MAX: usize = 100_000;
/// A rule that is right more seldom helps nobody.
pub const CONFIDENCE_MIN: f64 = 0.1;

/// Rules, and what counted as often.
#[derive(Debug, Clone, PartialEq)]
pub struct Found {
    /// The rules: the one with the highest surely reached lift first.
    pub rules: Vec<Rule>,
    /// The smallest share of all baskets.
    pub support_min: f64,
    /// The smallest confidence.
    pub confidence_min: f64,
    /// Sets of products that were frequent.
    pub itemsets: usize,
}

/// Finds the rules of some baskets.
#[must_use]
pub fn find(baskets: &Baskets) -> Found {
    let least = if baskets.len() < 200 { 3 } else { 5 };
    let mut best = Found {
        rules: Vec::new(),
        support_min: SUPPORTS[0],
        confidence_min: CONFIDENCE_MIN,
        itemsets: 0,
    };
    let mut last = None;
    for support in SUPPORTS {
        let count = (support * baskets.len() as f64).ceil() as u32;
        let count = count.max(least);
        if last == Some(count) {
            break;
        }
        last = Some(count);
        let Ok(itemsets) = mine(baskets, count, LENGTH_MAX, ITEMSETS_MAX) else {
            break;
        };
        best = sure_rules(
            &itemsets,
            baskets.len(),
            f64::from(count) / baskets.len().max(1) as f64,
        );
        if best.rules.len() >= ENOUGH {
            break;
        }
    }
    best
}

fn sure_rules(itemsets: &[Itemset], baskets: usize, support_min: f64) -> Found {
    let mut found = rules(itemsets, baskets, CONFIDENCE_MIN);
    found.retain(|rule| rule.lift_interval.0 > 1.0);
    // Of rules that are equally sure, the shorter one says it plainer, and the one with more orders is worth more.
    let length = |rule: &Rule| rule.antecedent.len() + rule.consequent.len();
    found.sort_by(|a, b| {
        let by_lift = b.lift_interval.0.total_cmp(&a.lift_interval.0);
        by_lift
            .then_with(|| length(a).cmp(&length(b)))
            .then_with(|| b.count.cmp(&a.count))
            .then_with(|| (&a.antecedent, &a.consequent).cmp(&(&b.antecedent, &b.consequent)))
    });
    found.truncate(KEPT_MAX);
    Found {
        rules: found,
        support_min,
        confidence_min: CONFIDENCE_MIN,
        itemsets: itemsets.len(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn baskets(all: impl Iterator<Item = Vec<u32>>) -> Baskets {
        let mut baskets = Baskets::default();
        all.for_each(|items| baskets.push(items));
        baskets
    }

    #[test]
    fn a_small_shop_sees_what_belongs_together() {
        // Twelve orders of 60 have 0 with 1; the rest are single things.
        let all = baskets((0..60).map(|n| {
            if n % 5 == 0 {
                vec![0, 1]
            } else {
                vec![n % 7 + 2]
            }
        }));
        let found = find(&all);
        assert_eq!(found.rules.len(), 2);
        assert_eq!((found.rules[0].count, found.rules[0].lift), (12, 5.0));
        assert!(found.support_min >= 0.05, "{found:?}");
    }

    #[test]
    fn chance_is_not_told_as_a_finding() {
        // Each product with each other one, equally often.
        let all = baskets((0..400u32).map(|n| vec![n % 20, 20 + n / 20]));
        assert_eq!(find(&all).rules, []);
        assert_eq!(find(&Baskets::default()).rules, []);
    }

    #[test]
    fn rare_pairs_of_a_large_shop_are_found_and_no_more_than_it_can_use() {
        let all = baskets((0..20_000u32).map(|n| match n % 200 {
            0 => vec![1_000, 1_001],
            _ => vec![n % 900, (n * 7) % 900],
        }));
        let found = find(&all);
        assert!(
            found
                .rules
                .iter()
                .any(|rule| rule.antecedent == [1_000] && rule.count == 100)
        );
        assert!(found.rules.len() <= KEPT_MAX);
    }
}
