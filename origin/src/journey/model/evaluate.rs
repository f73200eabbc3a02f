//! How good probabilities are, against what then happened.

/// Groups that the calibration is measured in, each with as many examples.
const BINS: usize = 10;

/// What a set of probabilities is worth.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Evaluation {
    /// Examples.
    pub samples: usize,
    /// Those that ended in a purchase.
    pub bought: usize,
    /// That a buyer is given more than a non-buyer: the area under the ROC curve, ties counted half.
    pub auc: f64,
    /// The mean negative log likelihood, in nats.
    pub log_loss: f64,
    /// The mean squared difference to what happened.
    pub brier: f64,
    /// The expected calibration error: the mean, over ten groups of equal size by probability, of how far the
    /// mean probability lies from the share that bought.
    pub calibration_error: f64,
}

impl Evaluation {
    /// Measures probabilities, each with whether the session ended in a purchase; `None` unless both outcomes are
    /// among them.
    #[must_use]
    #[expect(clippy::cast_precision_loss, reason = "numbers of examples")]
    pub fn of(mut told: Vec<(f64, bool)>) -> Option<Self> {
        let samples = told.len();
        let bought = told.iter().filter(|(_, bought)| *bought).count();
        if bought == 0 || bought == samples {
            return None;
        }
        told.sort_by(|(one, _), (other, _)| one.total_cmp(other));
        let loss = |(probability, bought): &(f64, bool)| {
            let of_outcome = if *bought {
                *probability
            } else {
                1.0 - probability
            };
            -of_outcome.clamp(1e-15, 1.0).ln()
        };
        let square = |(probability, bought): &(f64, bool)| {
            let missed = probability - f64::from(u8::from(*bought));
            missed * missed
        };
        let count = samples as f64;
        Some(Self {
            samples,
            bought,
            auc: auc(&told, bought),
            log_loss: told.iter().map(loss).sum::<f64>() / count,
            brier: told.iter().map(square).sum::<f64>() / count,
            calibration_error: calibration_error(&told),
        })
    }
}

/// The Mann–Whitney statistic over all pairs of a buyer and a non-buyer, from mean ranks.
#[expect(clippy::cast_precision_loss, reason = "numbers of examples")]
fn auc(sorted: &[(f64, bool)], bought: usize) -> f64 {
    let mut ranks_of_buyers = 0.0;
    let mut at = 0;
    for tied in sorted.chunk_by(|(one, _), (other, _)| one == other) {
        let mean_rank = at as f64 + (tied.len() as f64 + 1.0) / 2.0;
        let buyers = tied.iter().filter(|(_, bought)| *bought).count();
        ranks_of_buyers += mean_rank * buyers as f64;
        at += tied.len();
    }
    let (buyers, others) = (bought as f64, (sorted.len() - bought) as f64);
    (ranks_of_buyers - buyers * (buyers + 1.0) / 2.0) / (buyers * others)
}

#[expect(clippy::cast_precision_loss, reason = "numbers of examples")]
fn calibration_error(sorted: &[(f64, bool)]) -> f64 {
    let bins = (0..BINS).map(|bin| {
        let bounds = (sorted.len() * bin / BINS, sorted.len() * (bin + 1) / BINS);
        let of_bin = &sorted[bounds.0..bounds.1];
        let told: f64 = of_bin.iter().map(|(probability, _)| probability).sum();
        let bought = of_bin.iter().filter(|(_, bought)| *bought).count() as f64;
        (told - bought).abs()
    });
    bins.sum::<f64>() / sorted.len() as f64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ties_count_half_and_a_perfect_order_is_one() {
        let auc = |told: &[(f64, bool)]| Evaluation::of(told.to_vec()).unwrap().auc;
        assert!((auc(&[(0.1, false), (0.9, true)]) - 1.0).abs() < 1e-12);
        assert!((auc(&[(0.5, false), (0.5, true)]) - 0.5).abs() < 1e-12);
        let mixed = [(0.1, false), (0.4, true), (0.4, false), (0.8, true)];
        assert!((auc(&mixed) - 0.875).abs() < 1e-12);
    }

    #[test]
    fn who_is_right_on_average_in_every_group_is_calibrated() {
        let told: Vec<(f64, bool)> = (0..1000)
            .map(|at| {
                (
                    if at < 500 { 0.2 } else { 0.8 },
                    at % 5 == 0 || (at >= 500 && at % 5 != 1),
                )
            })
            .collect();
        let measured = Evaluation::of(told).unwrap();
        assert!(measured.calibration_error < 1e-9, "{measured:?}");
    }

    #[test]
    fn one_outcome_alone_tells_nothing() {
        assert_eq!(Evaluation::of(vec![(0.5, true)]), None);
        assert_eq!(Evaluation::of(Vec::new()), None);
    }
}
