//! Whether a figure is another one than before, or the days only differ.

use super::student::two_sided;

/// The share of chance below which a change counts.
pub const SIGNIFICANT: f64 = 0.05;
/// Days of each span that a comparison of days needs.
const DAYS_MIN: usize = 7;
/// Cases of each kind that a comparison of rates needs, in both spans (the usual rule of five).
const CASES_MIN: f64 = 5.0;

/// The probability that days as different as these come from the same kind of days: Welch's t-test of their means (Welch,
/// 1947); `None` for fewer than seven days on either side. Days differ more than single visits do, so days are compared.
#[must_use]
pub fn of_days(before: &[f64], now: &[f64]) -> Option<f64> {
    if before.len() < DAYS_MIN || now.len() < DAYS_MIN {
        return None;
    }
    welch(Moments::of(before), Moments::of(now))
}

/// Count, sum and sum of squares of some values.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct Moments {
    /// How many.
    pub count: f64,
    /// Their sum.
    pub sum: f64,
    /// The sum of their squares.
    pub squares: f64,
}

impl Moments {
    fn of(values: &[f64]) -> Self {
        Self {
            count: values.len() as f64,
            sum: values.iter().sum(),
            squares: values.iter().map(|value| value * value).sum(),
        }
    }

    fn mean(self) -> f64 {
        self.sum / self.count
    }

    /// The variance of the mean.
    fn error(self) -> f64 {
        let variance = (self.squares - self.sum * self.sum / self.count) / (self.count - 1.0);
        variance.max(0.0) / self.count
    }
}

/// The probability that two means as different as these are the same: Welch's t-test; `None` for fewer than two values on a
/// side, or where nothing varies.
#[must_use]
pub fn welch(before: Moments, now: Moments) -> Option<f64> {
    if before.count < 2.0 || now.count < 2.0 {
        return None;
    }
    let (one, other) = (before.error(), now.error());
    let error = one + other;
    if error <= 0.0 {
        return None;
    }
    let freedom =
        error * error / (one * one / (before.count - 1.0) + other * other / (now.count - 1.0));
    Some(two_sided(
        (now.mean() - before.mean()) / error.sqrt(),
        freedom,
    ))
}

/// The probability that two rates as different as these are the same: the two-proportion z-test with the pooled rate; `None`
/// for fewer than five of either outcome on a side.
#[must_use]
pub fn of_rates(before: (i64, i64), now: (i64, i64)) -> Option<f64> {
    let [(hit, all), (hit_now, all_now)] = [before, now].map(|(hit, all)| (hit as f64, all as f64));
    let few = [hit, all - hit, hit_now, all_now - hit_now];
    if few.iter().any(|cases| *cases < CASES_MIN) {
        return None;
    }
    let pooled = (hit + hit_now) / (all + all_now);
    let error = (pooled * (1.0 - pooled) * (1.0 / all + 1.0 / all_now)).sqrt();
    let z = (hit_now / all_now - hit / all) / error;
    Some(libm::erfc(z.abs() / std::f64::consts::SQRT_2))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The cookie-cats A/B test (../shared/data/cookie-cats): pooled z and p as its README gives them.
    #[test]
    fn the_public_ab_tests_probabilities_are_met() {
        let day = of_rates((20_034, 44_700), (20_119, 45_489)).unwrap();
        let week = of_rates((8_502, 44_700), (8_279, 45_489)).unwrap();
        assert!(
            (day - 0.0744).abs() < 5e-5 && (week - 0.00155).abs() < 5e-6,
            "{day} {week}"
        );
        assert_eq!(of_rates((4, 100), (50, 100)), None);
        assert_eq!(of_rates((50, 100), (96, 100)), None);
    }

    /// scipy.stats.ttest_ind(equal_var=False) of the same values: p = 0.0011131 and 0.5842366.
    #[test]
    fn a_change_counts_where_days_do_not_differ_so_much_anyway() {
        let calm = [10.0, 12.0, 11.0, 9.0, 10.0, 13.0, 12.0];
        let more = [14.0, 15.0, 12.0, 16.0, 13.0, 15.0, 14.0];
        let wild = [1.0, 40.0, 3.0, 22.0, 0.0, 31.0, 5.0];
        let (p, chance) = (
            of_days(&calm, &more).unwrap(),
            of_days(&calm, &wild).unwrap(),
        );
        assert!((p - 0.001_113_065_8).abs() < 1e-9 && p < SIGNIFICANT, "{p}");
        assert!((chance - 0.584_236_568_1).abs() < 1e-9, "{chance}");
        assert_eq!(of_days(&calm[..6], &more), None);
        assert_eq!(of_days(&[5.0; 7], &[5.0; 7]), None);
    }
}
