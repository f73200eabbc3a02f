//! What a score is worth: the share of items recommended with such a score that were bought within a month.
//!
//! Isotonic regression by pooling adjacent violators (Ayer et al., 1955; Zadrozny and Elkan, 2002), over groups of
//! recommendations that are large enough to tell a share.

/// Recommendations that a share is told of at least.
const GROUP_MIN: usize = 200;

/// A share, and the scores that it holds for.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Step {
    /// The lowest score that it holds for.
    pub score_min: f32,
    /// The share that was bought, 0 to 1.
    pub share: f64,
    /// The recommendations that it was counted on.
    pub count: usize,
}

/// Shares by score, never falling.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Calibration {
    steps: Vec<Step>,
}

impl Calibration {
    /// Counts on recommendations of a month that has passed, each with its score and whether it was bought.
    #[must_use]
    pub fn of(mut told: Vec<(f32, bool)>) -> Self {
        told.retain(|(score, _)| score.is_finite());
        told.sort_by(|a, b| a.0.total_cmp(&b.0));
        let mut steps: Vec<Step> = Vec::new();
        for group in groups(&told) {
            let bought = group.iter().filter(|(_, bought)| *bought).count();
            let mut step = Step {
                score_min: group[0].0,
                share: bought as f64 / group.len() as f64,
                count: group.len(),
            };
            while let Some(last) = steps.pop_if(|last| last.share >= step.share) {
                let count = last.count + step.count;
                let bought = last.share * last.count as f64 + step.share * step.count as f64;
                step = Step {
                    score_min: last.score_min,
                    share: bought / count as f64,
                    count,
                };
            }
            steps.push(step);
        }
        Self { steps }
    }

    /// The share of recommendations with such a score that were bought; `None` below all scores that were seen, or if
    /// too few were seen at all.
    #[must_use]
    pub fn confidence(&self, score: f32) -> Option<f64> {
        let above = self.steps.partition_point(|step| step.score_min <= score);
        let step = above.checked_sub(1).and_then(|at| self.steps.get(at))?;
        Some(step.share)
    }

    /// All shares, by score.
    #[must_use]
    pub fn steps(&self) -> &[Step] {
        &self.steps
    }
}

/// Cuts into groups of at least 200, none of which parts equal scores; none if there are fewer in all.
fn groups(sorted: &[(f32, bool)]) -> Vec<&[(f32, bool)]> {
    let mut groups = Vec::new();
    let mut rest = sorted;
    while rest.len() >= GROUP_MIN {
        let last = rest[GROUP_MIN - 1].0;
        let mut end = rest.partition_point(|(score, _)| *score <= last);
        if rest.len() - end < GROUP_MIN {
            end = rest.len();
        }
        let (group, others) = rest.split_at(end);
        groups.push(group);
        rest = others;
    }
    groups
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_share_is_what_was_counted() {
        let low = (0..1000).map(|n| (0.1, n % 10 == 0));
        let high = (0..1000).map(|n| (0.9, n % 2 == 0));
        let calibration = Calibration::of(low.chain(high).collect());
        assert_eq!(calibration.confidence(0.1), Some(0.1));
        assert_eq!(calibration.confidence(0.5), Some(0.1));
        assert_eq!(calibration.confidence(7.0), Some(0.5));
        assert_eq!(calibration.confidence(0.0), None);
    }

    #[test]
    fn few_recommendations_tell_nothing() {
        let few = vec![(0.5, true); GROUP_MIN - 1];
        assert_eq!(Calibration::of(few).confidence(0.5), None);
        let broken = vec![(f32::NAN, true); 2 * GROUP_MIN];
        assert_eq!(Calibration::of(broken).steps(), []);
    }

    proptest::proptest! {
        #[test]
        fn shares_rise_with_scores_and_add_up(
            told in proptest::collection::vec((0.0f32..1.0, proptest::bool::ANY), 200..1500),
        ) {
            let bought = told.iter().filter(|(_, bought)| *bought).count() as f64;
            let count = told.len();
            let calibration = Calibration::of(told);
            let steps = calibration.steps();
            proptest::prop_assert!(steps.is_sorted_by(|a, b| a.share < b.share && a.score_min < b.score_min));
            proptest::prop_assert_eq!(steps.iter().map(|step| step.count).sum::<usize>(), count);
            let told: f64 = steps.iter().map(|step| step.share * step.count as f64).sum();
            proptest::prop_assert!((told - bought).abs() < 1e-6);
        }
    }
}
