//! Which recommender a shop is served by: the one that does best on its own next month.
//!
//! Two months decide. All candidates are fitted on what was bought until 60 days before the end, and their settings
//! and mixes are chosen on the 30 days after it. The best of each family is then fitted on all but the last 30 days and
//! measured on those: these figures chose nothing, so they tell what may be expected. The winner's recommendations of
//! that month also tell what its scores are worth.

use footfall_shared::time::{DAY_MS, UtcMillis};

use serde::{Deserialize, Serialize};

use super::blend::{Blend, Market, Mix, Mixture};
use super::calibrate::Calibration;
use super::ease::Ease;
use super::evaluate::{Figures, Judge, Tally, View};
use super::history::{Purchases, Split};
use super::item_knn::ItemKnn;
use super::popularity::Popularity;
use super::two_tower::{FitError, fit as fit_towers, fit_watched};
use super::{Model, ease, item_knn, two_tower};

/// How far ahead recommendations are measured.
const MONTH_MS: i64 = 30 * DAY_MS;
/// Customers that settings are chosen on at the most, evenly taken.
const VALIDATED_MAX: usize = 600;

/// A kind of model.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Family {
    /// What everybody buys.
    Popularity,
    /// Neighbours of items.
    ItemKnn,
    /// A linear model over all items.
    Ease,
    /// Two towers.
    TwoTower,
}

/// A model with its settings.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub enum Core {
    /// [`Popularity`], by its half-life in days.
    Popularity(f32),
    /// [`ItemKnn`].
    ItemKnn(item_knn::Settings),
    /// [`Ease`].
    Ease(ease::Settings),
    /// [`two_tower::TwoTower`].
    TwoTower(two_tower::Settings),
}

/// All that is needed to fit a recommender.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Recipe {
    /// The model.
    pub core: Core,
    /// What is mixed in.
    pub mix: Mix,
}

/// A family's best on the last month.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Row {
    /// Its settings.
    pub recipe: Recipe,
    /// The recall that it was chosen by, on the month before.
    pub chosen_by: f64,
    /// The model alone.
    pub plain: Option<Figures>,
    /// With its mix.
    pub mixed: Option<Figures>,
}

/// What was chosen for a view.
#[derive(Debug, Clone, PartialEq)]
pub struct Choice {
    /// What may be recommended.
    pub view: View,
    /// Each family's best, popularity first.
    pub table: Vec<Row>,
    /// The best of them, by the month before the last.
    pub winner: Recipe,
    /// What the winner's scores were worth in the last month.
    pub calibration: Calibration,
}

impl Core {
    /// The kind.
    #[must_use]
    pub fn family(&self) -> Family {
        match self {
            Self::Popularity(_) => Family::Popularity,
            Self::ItemKnn(_) => Family::ItemKnn,
            Self::Ease(_) => Family::Ease,
            Self::TwoTower(_) => Family::TwoTower,
        }
    }

    /// Fits. A ridge that fits nothing leaves what is popular.
    ///
    /// # Errors
    /// [`FitError`] on a fault of the tensors' library.
    pub fn fit(
        &self,
        purchases: &Purchases,
        now: UtcMillis,
        seed: u64,
    ) -> Result<Box<dyn Model>, FitError> {
        Ok(match self {
            Self::Popularity(days) => Box::new(Popularity::fit(purchases, now, *days)),
            Self::ItemKnn(settings) => Box::new(ItemKnn::fit(purchases, *settings)),
            Self::Ease(settings) => match Ease::fit(purchases, *settings) {
                Some(ease) => Box::new(ease),
                None => Box::new(Popularity::fit(purchases, now, POPULAR_DAYS[0])),
            },
            Self::TwoTower(settings) => Box::new(fit_towers(purchases, *settings, seed)?),
        })
    }
}

/// Half-lives of popularity that are tried, days.
const POPULAR_DAYS: [f32; 2] = [10.0, 30.0];
/// The half-life of a shopper's history.
const HISTORY_DAYS: f32 = 80.0;

/// How much of what is popular is tried. Never none: for a shopper without a history it is all there is.
const POPULAR: [f32; 2] = [0.001, 0.1];

/// The models that are tried.
#[must_use]
pub fn candidates() -> Vec<Core> {
    let knn = [(50, 10.0), (200, 10.0), (100, 50.0)];
    let knn = knn.map(|(neighbours, shrinkage)| {
        Core::ItemKnn(item_knn::Settings {
            neighbours,
            shrinkage,
            half_life_days: HISTORY_DAYS,
        })
    });
    let ease = [200.0, 500.0, 1000.0].map(|ridge| {
        Core::Ease(ease::Settings {
            ridge,
            customers_max: 2_500,
            half_life_days: HISTORY_DAYS,
        })
    });
    // Where customers are few, or buy much, large steps learn them by heart.
    let towers = [(64, 0.003), (32, 0.0005)].map(|(width, rate)| {
        Core::TwoTower(two_tower::Settings {
            width,
            rate,
            decay: 1.0,
            epochs: 30,
            batch: 128,
            half_life_days: HISTORY_DAYS,
        })
    });
    let popular = POPULAR_DAYS.map(Core::Popularity);
    [&popular[..], &knn, &ease, &towers].concat()
}

/// The mixes that are tried for a view. Habits are of what was bought before, so they say nothing of new items.
#[must_use]
pub fn mixes(view: View) -> Vec<Mix> {
    let habits: &[(f32, f32)] = match view {
        View::All => &[
            (0.0, 80.0),
            (0.3, 80.0),
            (0.3, 300.0),
            (1.0, 80.0),
            (1.0, 300.0),
        ],
        View::New => &[(0.0, 80.0)],
    };
    let mut mixes = Vec::new();
    for (habit, habit_half_life_days) in habits.iter().copied() {
        for trend in [0.0, 0.5, 1.0] {
            for popular in POPULAR {
                mixes.push(Mix {
                    habit,
                    habit_half_life_days,
                    trend,
                    popular,
                });
            }
        }
    }
    mixes
}

/// Chooses for both views, by what was bought until `end`; `None` if nobody who had bought something bought again in
/// the last two months, one after the other.
///
/// # Errors
/// [`FitError`] on a fault of the tensors' library.
pub fn choose(
    purchases: &Purchases,
    end: UtcMillis,
    candidates: &[Core],
    seed: u64,
) -> Result<Option<Vec<Choice>>, FitError> {
    let cut = end.plus(-MONTH_MS);
    let before = purchases.split(cut.plus(-MONTH_MS), cut);
    let mut best: [Vec<(Recipe, f64)>; 2] = [Vec::new(), Vec::new()];
    for core in candidates {
        let (core, model) = fit_on(core, &before, seed)?;
        for (view, best) in View::EACH.into_iter().zip(&mut best) {
            if let Some((mix, recall)) = best_mix(model.as_ref(), &before, view) {
                keep(best, Recipe { core, mix }, recall);
            }
        }
    }
    let last = purchases.split(cut, end);
    let mut choices = Vec::new();
    for (view, best) in View::EACH.into_iter().zip(best) {
        let winner = best.iter().max_by(|a, b| a.1.total_cmp(&b.1));
        let Some(winner) = winner.map(|(recipe, _)| *recipe) else {
            return Ok(None);
        };
        let mut table = Vec::new();
        let mut calibration = Calibration::default();
        for (recipe, chosen_by) in best {
            let model = recipe.core.fit(&last.before, cut, seed)?;
            let model = Blend {
                model,
                mixture: Mixture::of(&recipe.mix, &Market::at(&last.before, cut)),
            };
            if recipe == winner {
                calibration = Calibration::of(told(&model, &last, view));
            }
            table.push(measure(&model, recipe, chosen_by, &last, view));
        }
        choices.push(Choice {
            view,
            table,
            winner,
            calibration,
        });
    }
    Ok(Some(choices))
}

/// Fits a recipe on all that was bought until now, for serving.
///
/// # Errors
/// [`FitError`] on a fault of the tensors' library.
pub fn fit(
    recipe: &Recipe,
    purchases: &Purchases,
    now: UtcMillis,
    seed: u64,
) -> Result<Blend, FitError> {
    Ok(Blend {
        model: recipe.core.fit(purchases, now, seed)?,
        mixture: Mixture::of(&recipe.mix, &Market::at(purchases, now)),
    })
}

/// Fits on what was bought before a split. Towers are watched on what came after it; that many epochs are then theirs.
fn fit_on(core: &Core, split: &Split, seed: u64) -> Result<(Core, Box<dyn Model>), FitError> {
    if let Core::TwoTower(settings) = *core {
        let (towers, epochs) = fit_watched(split, settings, seed)?;
        let core = Core::TwoTower(two_tower::Settings { epochs, ..settings });
        return Ok((core, Box::new(towers)));
    }
    Ok((*core, core.fit(&split.before, split.cut, seed)?))
}

/// Keeps the best of each family, in the sequence in which families come.
fn keep(best: &mut Vec<(Recipe, f64)>, recipe: Recipe, recall: f64) {
    let family = recipe.core.family();
    let of_family = best.iter_mut().find(|(one, _)| one.core.family() == family);
    match of_family {
        Some(kept) if recall > kept.1 => *kept = (recipe, recall),
        Some(_) => {}
        None => best.push((recipe, recall)),
    }
}

/// The mix with the highest recall, the first of equals.
fn best_mix(model: &dyn Model, split: &Split, view: View) -> Option<(Mix, f64)> {
    let market = Market::at(&split.before, split.cut);
    let mixes = mixes(view);
    let mixtures: Vec<_> = mixes.iter().map(|mix| Mixture::of(mix, &market)).collect();
    let mut tallies = vec![Tally::default(); mixes.len()];
    let judge = Judge::new(split);
    let customers: Vec<usize> = judge.customers().collect();
    let mut scores = vec![0.0; split.before.items.len()];
    let step = customers.len().div_ceil(VALIDATED_MAX).max(1);
    for at in customers.into_iter().step_by(step) {
        let shopper = split.before.customers[at].shopper(split.cut);
        model.score(&shopper, &mut scores);
        for (mixture, tally) in mixtures.iter().zip(&mut tallies) {
            let mut mixed = scores.clone();
            mixture.blend(&shopper, &mut mixed);
            let (shown, truth) = judge.shown(at, view, &mixed);
            tally.add(&shown, &truth);
        }
    }
    let mut best: Option<(Mix, f64)> = None;
    for (mix, tally) in mixes.into_iter().zip(tallies) {
        let recall = tally.figures(judge.sold())?.recall;
        if best.is_none_or(|(_, most)| recall > most) {
            best = Some((mix, recall));
        }
    }
    best
}

/// A recipe's figures.
fn measure(model: &Blend, recipe: Recipe, chosen_by: f64, split: &Split, view: View) -> Row {
    let judge = Judge::new(split);
    let (mut plain, mut mixed) = (Tally::default(), Tally::default());
    let mut scores = vec![0.0; split.before.items.len()];
    for at in judge.customers() {
        let shopper = split.before.customers[at].shopper(split.cut);
        model.model.score(&shopper, &mut scores);
        let (shown, truth) = judge.shown(at, view, &scores);
        plain.add(&shown, &truth);
        model.mixture.blend(&shopper, &mut scores);
        let (shown, truth) = judge.shown(at, view, &scores);
        mixed.add(&shown, &truth);
    }
    Row {
        recipe,
        chosen_by,
        plain: plain.figures(judge.sold()),
        mixed: mixed.figures(judge.sold()),
    }
}

/// Each recommendation of a month with its score and whether it was bought, also those to customers who bought nothing:
/// nobody knows beforehand who comes back.
fn told(model: &Blend, split: &Split, view: View) -> Vec<(f32, bool)> {
    let judge = Judge::new(split);
    let mut told = Vec::new();
    let mut scores = vec![0.0; split.before.items.len()];
    for at in judge.everyone() {
        let shopper = split.before.customers[at].shopper(split.cut);
        model.score(&shopper, &mut scores);
        let (shown, truth) = judge.shown(at, view, &scores);
        let bought = |item: &u32| truth.binary_search(item).is_ok();
        told.extend(
            shown
                .iter()
                .map(|item| (scores[*item as usize], bought(item))),
        );
    }
    told
}

#[cfg(test)]
mod tests {
    use super::super::evaluate::best;
    use super::super::history::Customer;
    use super::super::history::tests::{day, purchases};
    use super::*;

    const QUICK: [Core; 3] = [
        Core::Popularity(30.0),
        Core::ItemKnn(item_knn::Settings {
            neighbours: 20,
            shrinkage: 1.0,
            half_life_days: HISTORY_DAYS,
        }),
        Core::Ease(ease::Settings {
            ridge: 5.0,
            customers_max: 500,
            half_life_days: HISTORY_DAYS,
        }),
    ];

    /// Four tastes of forty items each: every ten days a customer buys the next two of their taste, in a sequence of
    /// their own, and one thing that they always buy.
    fn shop() -> Purchases {
        let customers: Vec<_> = (0..80u32)
            .map(|n| {
                let taste = n % 4 * 40;
                let of_day = |at: u32| {
                    let item = |k: u32| taste + (n / 4 * 7 + (at * 2 + k) * (3 + n % 4 * 4)) % 40;
                    let on = i64::from(at) * 10 + i64::from(n % 10);
                    [(item(0), on), (item(1), on), (160 + n % 30, on)]
                };
                (0..12).flat_map(of_day).collect()
            })
            .collect();
        purchases(190, &customers)
    }

    #[test]
    fn what_was_planted_is_found_and_beats_what_is_popular() {
        let choices = choose(&shop(), day(120), &QUICK, 1).unwrap().unwrap();
        let [all, new] = &choices[..] else {
            panic!("{choices:?}")
        };
        assert!(all.winner.mix.habit > 0.0, "{all:?}");
        assert_ne!(new.winner.core.family(), Family::Popularity, "{new:?}");
        for choice in &choices {
            let recall = |row: &Row| row.mixed.unwrap().recall;
            let popular = choice.table[0].plain.unwrap().recall;
            let winner = choice.table.iter().find(|row| row.recipe == choice.winner);
            assert!(recall(winner.unwrap()) > 1.5 * popular, "{choice:?}");
        }
    }

    #[test]
    fn who_did_not_come_back_counts_in_what_a_score_is_worth() {
        let mut all = shop();
        let told = |shop: &Purchases| -> f64 {
            let choices = choose(shop, day(120), &QUICK, 1).unwrap().unwrap();
            let steps = choices[0].calibration.steps();
            let bought: f64 = steps
                .iter()
                .map(|step| step.share * step.count as f64)
                .sum();
            bought / steps.iter().map(|step| step.count).sum::<usize>() as f64
        };
        let share = told(&all);
        for customer in all.customers.iter_mut().step_by(2) {
            customer.bought.retain(|bought| bought.at < day(90));
        }
        assert!(told(&all) < 0.7 * share, "{share}");
    }

    #[test]
    fn the_same_purchases_are_answered_by_the_same_choice() {
        let (one, other) = (shop(), shop());
        let chosen = |shop| choose(shop, day(120), &QUICK, 1).unwrap().unwrap();
        assert_eq!(chosen(&one), chosen(&other));
    }

    #[test]
    fn a_shopper_without_a_history_is_shown_what_is_popular() {
        let all = shop();
        let recipe = Recipe {
            core: QUICK[2],
            mix: *mixes(View::New).first().unwrap(),
        };
        let model = fit(&recipe, &all, day(120), 1).unwrap();
        let mut scores = vec![0.0; all.items.len()];
        model.score(&Customer::default().shopper(day(120)), &mut scores);
        let popular = Popularity::fit(&all, day(120), 15.0);
        let order = |scores: &[f32]| best(0..scores.len() as u32, scores);
        assert_eq!(order(&scores), order(popular.scores()));
    }

    #[test]
    fn a_shop_whose_customers_never_came_back_has_no_choice() {
        let once = purchases(3, &[vec![(0, 1)], vec![(1, 100)]]);
        assert_eq!(choose(&once, day(120), &QUICK, 1).unwrap(), None);
    }

    #[test]
    fn the_winner_is_fitted_for_serving_on_all_that_was_bought() {
        let all = shop();
        let winner = Recipe {
            core: QUICK[2],
            mix: Mix {
                habit: 1.0,
                ..Mix::NONE
            },
        };
        let model = fit(&winner, &all, day(120), 1).unwrap();
        let mut scores = vec![0.0; all.items.len()];
        model.score(&all.customers[0].shopper(day(120)), &mut scores);
        let always = scores[160];
        assert!(scores.iter().all(|score| *score <= always), "{scores:?}");
    }
}
