//! Association rules: who buys this also buys that (Agrawal, Imieliński and Swami, 1993).

use std::collections::HashMap;

use super::fpgrowth::Itemset;

/// A rule, with the measures of mlxtend's `association_rules`.
#[derive(Debug, Clone, PartialEq)]
pub struct Rule {
    /// Whoever buys all of these, ascending,
    pub antecedent: Vec<u32>,
    /// also buys all of these, ascending.
    pub consequent: Vec<u32>,
    /// Baskets with both.
    pub count: u32,
    /// Share of all baskets that have both.
    pub support: f64,
    /// Share of the antecedent's baskets that have the consequent.
    pub confidence: f64,
    /// How many times as often both are bought together as if they were bought without regard for each other.
    pub lift: f64,
    /// Support less what it would be without regard for each other.
    pub leverage: f64,
    /// How many times as often the rule would be wrong without regard for each other; `None` where it is never wrong.
    pub conviction: Option<f64>,
    /// The 95 % interval of the lift.
    pub lift_interval: (f64, f64),
}

/// The rules of some itemsets, which hold all subsets of each, over so many baskets: those of at least this confidence, in
/// the sequence of the itemsets.
#[must_use]
pub fn rules(itemsets: &[Itemset], baskets: usize, confidence_min: f64) -> Vec<Rule> {
    let counts: HashMap<&[u32], u32> = itemsets
        .iter()
        .map(|one| (one.items.as_slice(), one.count))
        .collect();
    let mut rules = Vec::new();
    for whole in itemsets
        .iter()
        .filter(|one| (2..32).contains(&one.items.len()))
    {
        for part in 1u32..(1 << whole.items.len()) - 1 {
            let of = |wanted: bool| -> Vec<u32> {
                let items = whole.items.iter().enumerate();
                items
                    .filter(|(at, _)| (part >> at & 1 == 1) == wanted)
                    .map(|(_, item)| *item)
                    .collect()
            };
            let (antecedent, consequent) = (of(true), of(false));
            let known = counts
                .get(antecedent.as_slice())
                .zip(counts.get(consequent.as_slice()));
            let Some((with_antecedent, with_consequent)) = known else {
                continue;
            };
            let confidence = f64::from(whole.count) / f64::from(*with_antecedent);
            if confidence < confidence_min {
                continue;
            }
            let counted = Counted {
                both: f64::from(whole.count),
                antecedent: f64::from(*with_antecedent),
                consequent: f64::from(*with_consequent),
                all: baskets as f64,
            };
            rules.push(counted.rule(antecedent, consequent, whole.count));
        }
    }
    rules
}

/// Baskets of a rule.
#[derive(Debug, Clone, Copy)]
struct Counted {
    both: f64,
    antecedent: f64,
    consequent: f64,
    all: f64,
}

impl Counted {
    fn rule(self, antecedent: Vec<u32>, consequent: Vec<u32>, count: u32) -> Rule {
        let support = self.both / self.all;
        let (share_a, share_c) = (self.antecedent / self.all, self.consequent / self.all);
        let confidence = support / share_a;
        Rule {
            antecedent,
            consequent,
            count,
            support,
            confidence,
            lift: confidence / share_c,
            leverage: support - share_a * share_c,
            conviction: (confidence < 1.0).then(|| (1.0 - share_c) / (1.0 - confidence)),
            lift_interval: self.lift_interval(),
        }
    }

    /// By the delta method on the logarithm of the lift, over the four cells of the table.
    fn lift_interval(self) -> (f64, f64) {
        const Z: f64 = 1.959_963_984_540_054;
        let both = self.both / self.all;
        let (a, c) = (self.antecedent / self.all, self.consequent / self.all);
        let slope = 1.0 / both - 1.0 / a - 1.0 / c;
        let square = both * slope * slope + (a - both) / (a * a) + (c - both) / (c * c);
        let deviation = ((square - 1.0).max(0.0) / self.all).sqrt();
        let lift = both / (a * c);
        (
            lift * libm::exp(-Z * deviation),
            lift * libm::exp(Z * deviation),
        )
    }
}

#[cfg(test)]
mod tests {
    use super::super::baskets::Baskets;
    use super::super::fpgrowth::mine;
    use super::*;

    fn close(a: f64, b: f64) -> bool {
        (a - b).abs() < 1e-9
    }

    /// mlxtend's own example of the user guide (grocery baskets), by its `association_rules` at support 0.6 and confidence 0.7.
    #[test]
    fn the_rules_are_mlxtends() {
        // 0 Eggs, 1 Kidney Beans, 2 Milk, 3 Onion, 4 Yogurt, 5 others.
        let all: [&[u32]; 5] = [
            &[2, 3, 6, 1, 0, 4],
            &[7, 3, 6, 1, 0, 4],
            &[2, 8, 1, 0],
            &[2, 9, 10, 1, 4],
            &[10, 3, 3, 1, 11, 0],
        ];
        let mut baskets = Baskets::default();
        all.iter()
            .for_each(|items| baskets.push(items.iter().copied()));
        let found = rules(&mine(&baskets, 3, usize::MAX, 100).unwrap(), 5, 0.7);
        assert_eq!(found.len(), 12);
        let of = |antecedent: &[u32], consequent: &[u32]| {
            found
                .iter()
                .find(|rule| rule.antecedent == antecedent && rule.consequent == consequent)
                .unwrap()
        };
        let rule = of(&[0], &[3]);
        assert!(close(rule.support, 0.6) && close(rule.confidence, 0.75) && close(rule.lift, 1.25));
        assert!(close(rule.leverage, 0.12) && close(rule.conviction.unwrap(), 1.6));
        assert_eq!(of(&[3], &[0, 1]).conviction, None);
        assert!(close(of(&[3], &[0]).lift, 1.25));
    }

    #[test]
    fn the_interval_is_wide_where_little_was_seen() {
        let counted = |both, antecedent, consequent, all| {
            Counted {
                both,
                antecedent,
                consequent,
                all,
            }
            .lift_interval()
        };
        let (low, high) = counted(541.0, 691.0, 783.0, 18_532.0);
        assert!(
            low > 17.0 && high < 20.0 && low < 18.53 && high > 18.53,
            "{low} {high}"
        );
        let (low, _) = counted(3.0, 30.0, 40.0, 400.0);
        assert!(low < 1.0, "three baskets of 400 are no finding: {low}");
    }
}
