//! Which touchpoints a sale is credited to, by five models.

use footfall_shared::journey::session::Touchpoint;
use footfall_shared::time::{DAY_MS, UtcMillis};

/// All of a sale, in millionths.
pub(in crate::journey) const WHOLE: i64 = 1_000_000;
/// After this time a touchpoint counts half.
const HALF_LIFE_MS: i64 = 7 * DAY_MS;
/// What the first and the last touchpoint get by position, in parts of a hundred; the rest shares what is left.
const ENDS_PERCENT: f64 = 40.0;

/// A way to credit a sale.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(in crate::journey) enum Attribution {
    /// All to the first touchpoint.
    First,
    /// All to the last.
    Last,
    /// To all alike.
    Linear,
    /// 40 % to the first, 40 % to the last, the rest to those between.
    Position,
    /// The later the more: half as much for each seven days.
    Decay,
}

impl Attribution {
    /// All of them.
    pub(in crate::journey) const ALL: [Self; 5] = [
        Self::First,
        Self::Last,
        Self::Linear,
        Self::Position,
        Self::Decay,
    ];

    /// As it is stored and written.
    pub(in crate::journey) const fn as_str(self) -> &'static str {
        match self {
            Self::First => "first",
            Self::Last => "last",
            Self::Linear => "linear",
            Self::Position => "position",
            Self::Decay => "decay",
        }
    }

    /// The weight of each touchpoint for a sale at that time; not all of them are 0.
    fn weights(self, touchpoints: &[Touchpoint], at: UtcMillis) -> Vec<f64> {
        let count = touchpoints.len();
        let weight = |(place, touchpoint): (usize, &Touchpoint)| {
            let (first, last) = (place == 0, place + 1 == count);
            let is = |holds: bool| f64::from(u8::from(holds));
            match self {
                Self::First => is(first),
                Self::Last => is(last),
                Self::Linear => 1.0,
                Self::Position if count <= 2 => 1.0,
                Self::Position if first || last => ENDS_PERCENT,
                #[expect(clippy::cast_precision_loss, reason = "a session's history is short")]
                Self::Position => (100.0 - 2.0 * ENDS_PERCENT) / (count - 2) as f64,
                #[expect(
                    clippy::cast_precision_loss,
                    reason = "far fewer than 2⁵³ milliseconds"
                )]
                Self::Decay => {
                    let age = at.since(touchpoint.at).max(0) as f64;
                    // What is a year old and what is ten years old count alike: next to nothing.
                    libm::exp2(-(age / HALF_LIFE_MS as f64).min(52.0))
                }
            }
        };
        touchpoints.iter().enumerate().map(weight).collect()
    }
}

/// A part of a sale.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::journey) struct Credit {
    /// By which model.
    pub(in crate::journey) model: Attribution,
    /// To which type of touchpoint.
    pub(in crate::journey) touchpoint: String,
    /// How much of the sale, in millionths.
    pub(in crate::journey) share: i64,
    /// How much of its value, in minor units.
    pub(in crate::journey) value: i64,
}

/// Credits a sale to the touchpoints that came before it, the oldest first. A sale without touchpoints is credited to
/// nothing.
pub(in crate::journey) fn credit(
    touchpoints: &[Touchpoint],
    value: i64,
    at: UtcMillis,
) -> Vec<Credit> {
    if touchpoints.is_empty() {
        return Vec::new();
    }
    let mut credits = Vec::new();
    for model in Attribution::ALL {
        let weights = model.weights(touchpoints, at);
        let shares = parts(&weights, WHOLE);
        let values = parts(&weights, value);
        let parts = touchpoints.iter().zip(shares.into_iter().zip(values));
        credits.extend(
            parts
                .filter(|(_, (share, value))| *share > 0 || *value > 0)
                .map(|(touchpoint, (share, value))| Credit {
                    model,
                    touchpoint: touchpoint.kind.clone(),
                    share,
                    value,
                }),
        );
    }
    credits
}

/// A whole number in parts by weights that add up to it again: each gets what is left of the running sum.
fn parts(weights: &[f64], whole: i64) -> Vec<i64> {
    let sum: f64 = weights.iter().sum();
    let (mut reached, mut given) = (0.0, 0);
    let part = |(place, weight): (usize, &f64)| {
        reached += weight;
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_precision_loss,
            reason = "a part of the whole"
        )]
        let until = if place + 1 == weights.len() {
            whole
        } else {
            (whole as f64 * (reached / sum)).round() as i64
        };
        let part = until - given;
        given = until;
        part
    };
    weights.iter().enumerate().map(part).collect()
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use proptest::prelude::*;

    use super::*;

    fn touchpoints(ages_days: &[i64]) -> (Vec<Touchpoint>, UtcMillis) {
        let sale = UtcMillis::new(100 * DAY_MS);
        let history = ages_days.iter().enumerate().map(|(place, age)| Touchpoint {
            kind: format!("t{place}"),
            at: sale.plus(-age * DAY_MS),
            duration_ms: None,
            engagement_milli: 0,
        });
        (history.collect(), sale)
    }

    fn shares(ages_days: &[i64], model: Attribution) -> Vec<i64> {
        let (touchpoints, sale) = touchpoints(ages_days);
        let credits = credit(&touchpoints, 9750, sale);
        let of_model = credits.iter().filter(|one| one.model == model);
        of_model.map(|one| one.share).collect()
    }

    #[test]
    fn each_model_credits_as_its_name_says() {
        let ages = [14, 7, 7, 0];
        assert_eq!(shares(&ages, Attribution::First), [WHOLE]);
        assert_eq!(shares(&ages, Attribution::Last), [WHOLE]);
        assert_eq!(shares(&ages, Attribution::Linear), [250_000; 4]);
        assert_eq!(
            shares(&ages, Attribution::Position),
            [400_000, 100_000, 100_000, 400_000]
        );
        // ¼ + ½ + ½ + 1 = 2¼.
        assert_eq!(
            shares(&ages, Attribution::Decay),
            [111_111, 222_222, 222_223, 444_444]
        );
    }

    #[test]
    fn a_sale_without_touchpoints_is_credited_to_nothing() {
        let (touchpoints, sale) = touchpoints(&[]);
        assert_eq!(credit(&touchpoints, 9750, sale), []);
    }

    proptest! {
        #[test]
        fn what_is_credited_is_the_sale(ages in prop::collection::vec(0..400_i64, 1..50), value in 0..100_000_000_i64) {
            let (touchpoints, sale) = touchpoints(&ages);
            let mut sums = BTreeMap::new();
            for one in credit(&touchpoints, value, sale) {
                let sum: &mut (i64, i64) = sums.entry(one.model).or_default();
                *sum = (sum.0 + one.share, sum.1 + one.value);
                prop_assert!(one.share >= 0 && one.value >= 0);
            }
            for model in Attribution::ALL {
                prop_assert_eq!(sums[&model].0, WHOLE);
                prop_assert_eq!(sums[&model].1, value);
            }
        }
    }
}
