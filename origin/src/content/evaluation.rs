//! What another policy would have converted, from the decisions of the one in service: off-policy evaluation.
//!
//! Each decision was logged with the probability of every candidate. Where π is the other policy and μ the one that
//! decided, a decision for x with choice a and reward r tells
//!
//! - by inverse propensity (Horvitz and Thompson 1952): π(a|x) / μ(a|x) · r
//! - doubly robust (Dudík, Langford and Li 2011): Σ_b π(b|x) q(b) + π(a|x) / μ(a|x) · (r − q(a)), where q is the mean
//!   reward of a variant, taken from the half of the decisions that this one is not in
//!
//! Both are unbiased because μ is known exactly and never below 2 %; their mean has the normal interval.

use std::collections::BTreeMap;

use footfall_shared::experiment::choice::ONE;

/// The 97.5 % point of the standard normal distribution.
const Z_95: f64 = 1.959_963_984_540_054;
/// With fewer decisions an interval by the normal approximation tells nothing.
const TRIALS_MIN: usize = 100;
/// What the overall mean counts for in the mean of a variant, in decisions.
const PRIOR_TRIALS: f64 = 10.0;

/// A candidate of a decision.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Arm {
    /// The variant, with its slot.
    pub name: String,
    /// The probability with which it was chosen, in millionths.
    pub logged: u32,
    /// The probability with which the other policy would have chosen it, in millionths.
    pub wanted: u32,
}

/// A decision and what came of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Trial {
    /// The candidates.
    pub arms: Vec<Arm>,
    /// The place of the one that was shown.
    pub chosen: usize,
    /// Whether the visit bought afterwards.
    pub sold: bool,
}

/// A mean and its 95 % interval.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Estimate {
    /// The mean.
    pub mean: f64,
    /// The interval's lower end.
    pub low: f64,
    /// Its upper end.
    pub high: f64,
}

/// What the decisions tell of another policy.
#[derive(Debug, Clone, PartialEq)]
pub struct Evaluation {
    /// Decisions.
    pub trials: usize,
    /// As how many decisions of the other policy itself they count: (Σw)² / Σw² of the weights w = π/μ (Kish 1965).
    pub effective: f64,
    /// What the policy in service converted.
    pub logged: Estimate,
    /// What the other one would have, by inverse propensity.
    pub inverse_propensity: Estimate,
    /// The same, doubly robust.
    pub doubly_robust: Estimate,
    /// By how much the other one is better, doubly robust.
    pub difference: Estimate,
}

/// Judges the other policy; `None` with fewer than 100 decisions.
#[must_use]
pub fn evaluate(trials: &[Trial]) -> Option<Evaluation> {
    if trials.len() < TRIALS_MIN {
        return None;
    }
    let rewards = [Rewards::of(trials, 0), Rewards::of(trials, 1)];
    let terms: Vec<Terms> = trials
        .iter()
        .enumerate()
        // A decision is judged by the half that it is not in.
        .filter_map(|(at, trial)| Terms::of(trial, &rewards[(at + 1) % 2]))
        .collect();
    let mean_of = |term: fn(&Terms) -> f64| Estimate::of(terms.iter().map(term));
    let sum = |term: fn(&Terms) -> f64| terms.iter().map(term).sum::<f64>();
    let squares = sum(|one| one.weight * one.weight);
    let weights = sum(|one| one.weight);
    Some(Evaluation {
        trials: terms.len(),
        effective: if squares > 0.0 {
            weights * weights / squares
        } else {
            0.0
        },
        logged: mean_of(|one| one.reward),
        inverse_propensity: mean_of(|one| one.weight * one.reward),
        doubly_robust: mean_of(|one| one.robust),
        difference: mean_of(|one| one.robust - one.reward),
    })
}

/// What one decision tells.
struct Terms {
    reward: f64,
    weight: f64,
    robust: f64,
}

impl Terms {
    fn of(trial: &Trial, rewards: &Rewards<'_>) -> Option<Self> {
        let chosen = trial.arms.get(trial.chosen)?;
        let share = |millionths: u32| f64::from(millionths) / f64::from(ONE);
        let reward = f64::from(u8::from(trial.sold));
        let weight = share(chosen.wanted) / share(chosen.logged.max(1));
        let model: f64 = trial
            .arms
            .iter()
            .map(|arm| share(arm.wanted) * rewards.mean(&arm.name))
            .sum();
        Some(Self {
            reward,
            weight,
            robust: model + weight * (reward - rewards.mean(&chosen.name)),
        })
    }
}

/// The mean reward of each variant in one half of the decisions.
struct Rewards<'a> {
    overall: f64,
    by_name: BTreeMap<&'a str, (f64, f64)>,
}

impl<'a> Rewards<'a> {
    fn of(trials: &'a [Trial], half: usize) -> Self {
        let mut by_name = BTreeMap::<&str, (f64, f64)>::new();
        let (mut sold, mut count) = (0.0, 0.0);
        for trial in trials.iter().skip(half).step_by(2) {
            let reward = f64::from(u8::from(trial.sold));
            if let Some(arm) = trial.arms.get(trial.chosen) {
                let one = by_name.entry(&arm.name).or_default();
                *one = (one.0 + reward, one.1 + 1.0);
            }
            sold += reward;
            count += 1.0;
        }
        Self {
            overall: if count > 0.0 { sold / count } else { 0.0 },
            by_name,
        }
    }

    fn mean(&self, name: &str) -> f64 {
        let (sold, count) = self.by_name.get(name).copied().unwrap_or_default();
        (sold + PRIOR_TRIALS * self.overall) / (count + PRIOR_TRIALS)
    }
}

impl Estimate {
    fn of(terms: impl Iterator<Item = f64>) -> Self {
        let terms: Vec<f64> = terms.collect();
        #[expect(clippy::cast_precision_loss, reason = "far fewer than 2⁵³ decisions")]
        let count = terms.len() as f64;
        let mean = terms.iter().sum::<f64>() / count;
        let squares: f64 = terms.iter().map(|term| (term - mean) * (term - mean)).sum();
        let half = Z_95 * (squares / (count - 1.0) / count).sqrt();
        Self {
            mean,
            low: mean - half,
            high: mean + half,
        }
    }

    /// Whether a value lies in the interval.
    #[must_use]
    pub fn covers(&self, value: f64) -> bool {
        (self.low..=self.high).contains(&value)
    }
}

#[cfg(test)]
mod tests {
    use footfall_shared::experiment::choice::draw;
    use footfall_shared::experiment::seed::Seed;

    use super::*;

    /// Two kinds of shoppers who like different things, chosen for by one policy and judged for another.
    const RATES: [[u32; 3]; 2] = [[30_000, 60_000, 90_000], [80_000, 20_000, 50_000]];
    const LOGGED: [[u32; 3]; 2] = [[500_000, 300_000, 200_000], [100_000, 200_000, 700_000]];
    const WANTED: [[u32; 3]; 2] = [[20_000, 180_000, 800_000], [900_000, 50_000, 50_000]];

    fn simulate(run: u32, trials: u32) -> Vec<Trial> {
        let chance = |what: &str, at: u32| {
            Seed::of(&["simulation", what, &run.to_string(), &at.to_string()]).below(ONE)
        };
        (0..trials)
            .map(|at| {
                let kind = usize::from(chance("kind", at) < 400_000);
                let chosen = draw(&LOGGED[kind], chance("choice", at));
                let arms = (0..3).map(|arm| Arm {
                    name: format!("variant {arm}"),
                    logged: LOGGED[kind][arm],
                    wanted: WANTED[kind][arm],
                });
                Trial {
                    arms: arms.collect(),
                    chosen,
                    sold: chance("sale", at) < RATES[kind][chosen],
                }
            })
            .collect()
    }

    /// What the other policy converts in truth.
    fn truth() -> f64 {
        let of = |kind: usize| {
            let arms = (0..3).map(|arm| f64::from(WANTED[kind][arm]) * f64::from(RATES[kind][arm]));
            arms.sum::<f64>() / f64::from(ONE) / f64::from(ONE)
        };
        0.6 * of(0) + 0.4 * of(1)
    }

    #[test]
    fn the_intervals_cover_the_truth_in_93_of_100_runs() {
        const RUNS: u32 = 300;
        let (mut by_propensity, mut robust, mut narrower) = (0, 0, 0);
        for run in 0..RUNS {
            let told = evaluate(&simulate(run, 2000)).unwrap();
            by_propensity += u32::from(told.inverse_propensity.covers(truth()));
            robust += u32::from(told.doubly_robust.covers(truth()));
            let width = |one: Estimate| one.high - one.low;
            narrower += u32::from(width(told.doubly_robust) < width(told.inverse_propensity));
        }
        assert!(
            by_propensity * 100 >= 93 * RUNS,
            "{by_propensity} of {RUNS}"
        );
        assert!(robust * 100 >= 93 * RUNS, "{robust} of {RUNS}");
        assert!(narrower > RUNS / 2, "the model helps: {narrower} of {RUNS}");
    }

    #[test]
    fn the_policy_in_service_judged_by_itself_is_what_it_converted() {
        let mut trials = simulate(7, 1000);
        for arm in trials.iter_mut().flat_map(|trial| &mut trial.arms) {
            arm.wanted = arm.logged;
        }
        let told = evaluate(&trials).unwrap();
        assert!((told.inverse_propensity.mean - told.logged.mean).abs() < 1e-12);
        assert!((told.effective - 1000.0).abs() < 1e-6);
        assert!(told.difference.covers(0.0));
    }

    #[test]
    fn few_decisions_tell_nothing() {
        assert_eq!(evaluate(&simulate(1, 99)), None);
    }
}
