//! What may be offered together.

use std::collections::BTreeMap;

use super::rules::Rule;

/// Products of a bundle, at most.
const PRODUCTS_MAX: usize = 3;

/// Products that may be offered together.
#[derive(Debug, Clone, PartialEq)]
pub struct Bundle {
    /// The products, ascending.
    pub products: Vec<u32>,
    /// How many times as often they are bought together as if without regard for each other.
    pub lift: f64,
    /// The 95 % interval of the lift.
    pub lift_interval: (f64, f64),
    /// The highest confidence of a rule among them.
    pub confidence: f64,
    /// Baskets with all of them.
    pub count: u32,
}

/// Bundles among rules that are sorted, the surest first: each set of products once, by its surest rule.
#[must_use]
pub fn bundles(rules: &[Rule], top: usize) -> Vec<Bundle> {
    let mut found: Vec<Bundle> = Vec::new();
    let mut places: BTreeMap<Vec<u32>, usize> = BTreeMap::new();
    for rule in rules {
        let mut products: Vec<u32> = rule
            .antecedent
            .iter()
            .chain(&rule.consequent)
            .copied()
            .collect();
        products.sort_unstable();
        if products.len() > PRODUCTS_MAX {
            continue;
        }
        if let Some(place) = places.get(&products) {
            let bundle = &mut found[*place];
            bundle.confidence = bundle.confidence.max(rule.confidence);
        } else if found.len() < top {
            places.insert(products.clone(), found.len());
            found.push(Bundle {
                products,
                lift: rule.lift,
                lift_interval: rule.lift_interval,
                confidence: rule.confidence,
                count: rule.count,
            });
        }
    }
    found
}

/// How much more often than without regard for each other, as the contract writes it: `220%`.
#[must_use]
pub fn lift_in_percent(lift: f64) -> String {
    format!("{:.0}%", (lift - 1.0) * 100.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_set_of_products_is_one_bundle() {
        let rule = |a: &[u32], c: &[u32], confidence: f64| Rule {
            antecedent: a.to_vec(),
            consequent: c.to_vec(),
            count: 10,
            support: 0.1,
            confidence,
            lift: 3.2,
            leverage: 0.05,
            conviction: None,
            lift_interval: (2.0, 4.0),
        };
        let rules = [
            rule(&[2], &[1], 0.4),
            rule(&[1], &[2], 0.5),
            rule(&[1], &[2, 3], 0.2),
            rule(&[1, 2], &[3, 4], 0.9),
        ];
        let found = bundles(&rules, 10);
        assert_eq!(
            found
                .iter()
                .map(|one| one.products.as_slice())
                .collect::<Vec<_>>(),
            [&[1, 2][..], &[1, 2, 3]]
        );
        assert_eq!(found[0].confidence, 0.5);
        assert_eq!(lift_in_percent(found[0].lift), "220%");
    }
}
