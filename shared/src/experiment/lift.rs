//! Measured differences between two groups of sessions.

use serde::{Deserialize, Serialize};

/// The 97.5 % point of the standard normal distribution.
const Z_95: f64 = 1.959_963_984_540_054;
/// Below these an interval by the normal approximation tells nothing (the usual rule of five, and a hundred sessions so
/// that a lucky hour is not a result).
const SESSIONS_MIN: u32 = 100;
const OUTCOMES_MIN: u32 = 5;

/// What a group of sessions came to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Counts {
    /// Sessions.
    pub sessions: u32,
    /// Those of them that converted.
    pub conversions: u32,
}

impl Counts {
    fn rate(self) -> f64 {
        f64::from(self.conversions) / f64::from(self.sessions)
    }

    fn is_enough(self) -> bool {
        let others = self.sessions.saturating_sub(self.conversions);
        self.sessions >= SESSIONS_MIN && self.conversions >= OUTCOMES_MIN && others >= OUTCOMES_MIN
    }
}

/// By how much a group converts better than the one that was left alone.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Lift {
    /// The difference of the rates.
    pub difference: f64,
    /// The lower end of its 95 % interval.
    pub low: f64,
    /// The upper end.
    pub high: f64,
}

impl Lift {
    /// The lift of `treated` over `control`; `None` while there is too little data: fewer than 100 sessions, or
    /// fewer than 5 that converted or that did not, in either group.
    ///
    /// The interval is the normal one with unpooled variances (Newcombe 1998, method 1).
    #[must_use]
    pub fn between(control: Counts, treated: Counts) -> Option<Self> {
        if !control.is_enough() || !treated.is_enough() {
            return None;
        }
        let variance =
            |group: Counts| group.rate() * (1.0 - group.rate()) / f64::from(group.sessions);
        let difference = treated.rate() - control.rate();
        let half = Z_95 * (variance(control) + variance(treated)).sqrt();
        Some(Self {
            difference,
            low: difference - half,
            high: difference + half,
        })
    }
}

/// The 95 % interval of one rate (Wilson 1927); `None` without sessions.
#[must_use]
pub fn interval(counts: Counts) -> Option<(f64, f64)> {
    if counts.sessions == 0 {
        return None;
    }
    let (sessions, rate, z2) = (
        f64::from(counts.sessions),
        counts.rate().min(1.0),
        Z_95 * Z_95,
    );
    let center = (rate + z2 / (2.0 * sessions)) / (1.0 + z2 / sessions);
    let spread = rate * (1.0 - rate) / sessions + z2 / (4.0 * sessions * sessions);
    let half = Z_95 * spread.sqrt() / (1.0 + z2 / sessions);
    Some(((center - half).max(0.0), (center + half).min(1.0)))
}

#[cfg(test)]
mod tests {
    use super::*;

    const fn counts(sessions: u32, conversions: u32) -> Counts {
        Counts {
            sessions,
            conversions,
        }
    }

    #[track_caller]
    fn near(one: f64, other: f64, within: f64) {
        assert!((one - other).abs() <= within, "{one} {other}");
    }

    /// The cookie-cats A/B test (../shared/data/cookie-cats): users, and those who came back after a day and a week.
    const GATE_30: (Counts, Counts) = (counts(44_700, 20_034), counts(44_700, 8_502));
    const GATE_40: (Counts, Counts) = (counts(45_489, 20_119), counts(45_489, 8_279));

    #[test]
    fn the_public_ab_tests_intervals_are_met() {
        let day = Lift::between(GATE_30.0, GATE_40.0).unwrap();
        near(day.difference, -0.005_905, 5e-7);
        near(day.low, -0.012_392, 5e-7);
        near(day.high, 0.000_582, 5e-7);
        let week = Lift::between(GATE_30.1, GATE_40.1).unwrap();
        near(week.difference, -0.008_201, 5e-7);
        near(week.low, -0.013_282, 5e-7);
        near(week.high, -0.003_121, 5e-7);
        for (group, low, high) in [
            (GATE_30.0, 0.443_58, 0.452_80),
            (GATE_40.0, 0.437_72, 0.446_85),
            (GATE_30.1, 0.186_59, 0.193_87),
            (GATE_40.1, 0.178_48, 0.185_57),
        ] {
            let told = interval(group).unwrap();
            near(told.0, low, 5e-6);
            near(told.1, high, 5e-6);
        }
    }

    #[test]
    fn too_little_data_tells_nothing() {
        let enough = counts(100, 50);
        assert!(Lift::between(enough, enough).is_some());
        for little in [
            counts(99, 50),
            counts(100, 4),
            counts(100, 96),
            counts(0, 0),
        ] {
            assert_eq!(Lift::between(enough, little), None);
            assert_eq!(Lift::between(little, enough), None);
        }
        assert_eq!(interval(counts(0, 0)), None);
    }

    proptest::proptest! {
        #[test]
        fn a_rate_lies_in_its_interval(sessions in 1..1_000_000_u32, part in 0.0..=1.0_f64) {
            #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a part of the sessions")]
            let conversions = (f64::from(sessions) * part) as u32;
            let (low, high) = interval(counts(sessions, conversions)).unwrap();
            let rate = f64::from(conversions) / f64::from(sessions);
            proptest::prop_assert!(low <= rate + 1e-12 && rate <= high + 1e-12);
            proptest::prop_assert!((0.0..=1.0).contains(&low) && (0.0..=1.0).contains(&high));
        }
    }
}
