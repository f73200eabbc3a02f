//! Recency, frequency and monetary value (Hughes, "Strategic Database Marketing", 1994).

/// What is known of a customer's purchases.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Rfm {
    /// Days from the last purchase to the snapshot; `None` where no purchase has a date.
    pub recency_days: Option<f64>,
    /// Orders.
    pub frequency: f64,
    /// Money spent, in minor units; above zero.
    pub monetary: f64,
}

/// Scores from 1 to 5, 5 the best.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Scores {
    /// `None` where the recency is not known.
    pub recency: Option<u8>,
    /// By how often.
    pub frequency: u8,
    /// By how much.
    pub monetary: u8,
}

impl Scores {
    /// The three digits in a row, as 543; `None` where one is not known.
    #[must_use]
    pub fn combined(self) -> Option<u16> {
        let recency = u16::from(self.recency?);
        Some(recency * 100 + u16::from(self.frequency) * 10 + u16::from(self.monetary))
    }
}

/// Scores customers by quintiles. Equal values have the same score: that of the middle of their ranks, so a quintile is
/// as near to a fifth of the customers as ties allow.
#[must_use]
pub fn score(customers: &[Rfm]) -> Vec<Scores> {
    let dated = customers.iter().all(|one| one.recency_days.is_some());
    // A short recency is good.
    let recency =
        dated.then(|| quintiles(customers.iter().map(|one| -one.recency_days.unwrap_or(0.0))));
    let frequency = quintiles(customers.iter().map(|one| one.frequency));
    let monetary = quintiles(customers.iter().map(|one| one.monetary));
    let scores = frequency.into_iter().zip(monetary).enumerate();
    scores
        .map(|(at, (frequency, monetary))| Scores {
            recency: recency
                .as_ref()
                .and_then(|recency| recency.get(at).copied()),
            frequency,
            monetary,
        })
        .collect()
}

fn quintiles(values: impl Iterator<Item = f64>) -> Vec<u8> {
    let values: Vec<f64> = values.collect();
    let mut order: Vec<usize> = (0..values.len()).collect();
    order.sort_by(|a, b| values[*a].total_cmp(&values[*b]));
    let mut scores = vec![1; values.len()];
    let mut from = 0;
    while from < order.len() {
        let value = values[order[from]];
        let ties = order[from..]
            .iter()
            .take_while(|at| values[**at] == value)
            .count();
        // Ranks from 1; the middle of the ties, as a share of all.
        let middle = from as f64 + (ties as f64 + 1.0) / 2.0;
        let share = (middle - 0.5) / values.len() as f64;
        let score = ((share * 5.0).floor() as u8 + 1).min(5);
        for at in &order[from..from + ties] {
            scores[*at] = score;
        }
        from += ties;
    }
    scores
}

/// Logarithms of the three, each with mean 0 and deviation 1, for clustering. Where a recency is not known anywhere, all
/// are 0 and tell nothing; a figure that is the same for everybody is 0, too.
#[must_use]
pub fn features(customers: &[Rfm]) -> Vec<[f64; 3]> {
    let mut features: Vec<[f64; 3]> = customers
        .iter()
        .map(|one| {
            [
                one.recency_days
                    .map_or(0.0, |days| libm::log1p(days.max(0.0))),
                libm::log(one.frequency.max(1.0)),
                libm::log(one.monetary.max(1.0)),
            ]
        })
        .collect();
    if !customers.iter().all(|one| one.recency_days.is_some()) {
        features.iter_mut().for_each(|row| row[0] = 0.0);
    }
    let count = features.len().max(1) as f64;
    for column in 0..3 {
        let mean = features.iter().map(|row| row[column]).sum::<f64>() / count;
        let variance = features
            .iter()
            .map(|row| (row[column] - mean).powi(2))
            .sum::<f64>()
            / count;
        let deviation = variance.sqrt();
        for row in &mut features {
            row[column] = if deviation > 1e-12 {
                (row[column] - mean) / deviation
            } else {
                0.0
            };
        }
    }
    features
}

#[cfg(test)]
mod tests {
    use super::*;

    fn customer(recency: f64, frequency: f64, monetary: f64) -> Rfm {
        Rfm {
            recency_days: Some(recency),
            frequency,
            monetary,
        }
    }

    #[test]
    fn ten_customers_fill_five_quintiles_with_two_each() {
        let customers: Vec<Rfm> = (0..10)
            .map(|n| customer(f64::from(n), f64::from(n + 1), f64::from(n + 1)))
            .collect();
        let scores = score(&customers);
        let frequency: Vec<u8> = scores.iter().map(|one| one.frequency).collect();
        assert_eq!(frequency, [1, 1, 2, 2, 3, 3, 4, 4, 5, 5]);
        let recency: Vec<u8> = scores.iter().filter_map(|one| one.recency).collect();
        assert_eq!(recency, [5, 5, 4, 4, 3, 3, 2, 2, 1, 1]);
        assert_eq!(scores[0].combined(), Some(511));
    }

    #[test]
    fn equal_customers_have_equal_scores() {
        let customers = vec![customer(1.0, 1.0, 1.0); 7];
        assert!(score(&customers).iter().all(|one| one.frequency == 3));
        assert!(features(&customers).iter().all(|row| *row == [0.0; 3]));
    }

    #[test]
    fn a_recency_that_nobody_knows_is_not_scored() {
        let mut customers = vec![customer(1.0, 1.0, 1.0), customer(2.0, 2.0, 2.0)];
        customers[0].recency_days = None;
        assert!(score(&customers).iter().all(|one| one.combined().is_none()));
        assert!(features(&customers).iter().all(|row| row[0] == 0.0));
    }

    proptest::proptest! {
        #[test]
        fn more_never_scores_less(values in proptest::collection::vec(1u32..50, 1..60)) {
            let customers: Vec<Rfm> = values.iter().map(|value| customer(f64::from(*value), f64::from(*value), 1.0)).collect();
            let scores = score(&customers);
            for (a, x) in values.iter().zip(&scores) {
                for (b, y) in values.iter().zip(&scores) {
                    proptest::prop_assert!(a > b || x.frequency <= y.frequency);
                    proptest::prop_assert!(a != b || x == y);
                }
            }
        }
    }
}
