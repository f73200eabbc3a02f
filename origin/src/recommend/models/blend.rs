//! A model of what goes together, with what models of that kind leave out: the shopper's own habits, what is popular,
//! and what is becoming so.

use footfall_shared::time::UtcMillis;

use serde::{Deserialize, Serialize};

use super::habit::Habit;
use super::history::Purchases;
use super::popularity::{Popularity, trends};
use super::{Model, Shopper};

/// The period of what is popular, days.
const POPULAR_HALF_LIFE_DAYS: f32 = 15.0;

/// How much of each is in it.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Mix {
    /// Of the shopper's habits ([`Habit`]).
    pub habit: f32,
    /// The days after which a purchase weighs half in them.
    pub habit_half_life_days: f32,
    /// The power of an item's trend ([`trends`]) that its score is multiplied by; 0 is none.
    pub trend: f32,
    /// Of what is popular ([`Popularity`]).
    pub popular: f32,
}

impl Mix {
    /// The model alone.
    pub const NONE: Self = Self {
        habit: 0.0,
        habit_half_life_days: 80.0,
        trend: 0.0,
        popular: 0.0,
    };
}

/// What a blend knows of the items.
#[derive(Debug, Clone, PartialEq)]
pub struct Market {
    popular: Vec<f32>,
    trends: Vec<f32>,
}

impl Market {
    /// Looks at a moment's.
    #[must_use]
    pub fn at(purchases: &Purchases, now: UtcMillis) -> Self {
        let popular = Popularity::fit(purchases, now, POPULAR_HALF_LIFE_DAYS);
        Self {
            popular: popular.scores().to_vec(),
            trends: trends(purchases, now),
        }
    }
}

/// A mix at a moment.
#[derive(Debug, Clone, PartialEq)]
pub struct Mixture {
    habit: f32,
    habits: Habit,
    /// What each item's score is multiplied by.
    factors: Vec<f32>,
    /// What is then added.
    added: Vec<f32>,
}

impl Mixture {
    /// Of what the items are doing.
    #[must_use]
    pub fn of(mix: &Mix, market: &Market) -> Self {
        let factors = market.trends.iter().map(|trend| trend.powf(mix.trend));
        let added = market.popular.iter().map(|popular| mix.popular * popular);
        Self {
            habit: mix.habit,
            habits: Habit {
                half_life_days: mix.habit_half_life_days,
            },
            factors: factors.collect(),
            added: added.collect(),
        }
    }

    /// Mixes into a model's scores: (score + habit · own purchases) · trend^power + popular · popularity.
    pub fn blend(&self, shopper: &Shopper<'_>, scores: &mut [f32]) {
        for (item, weight) in self.habits.of(shopper) {
            scores[item as usize] += self.habit * weight;
        }
        let items = self.factors.iter().zip(&self.added);
        for (score, (factor, added)) in scores.iter_mut().zip(items) {
            *score = *score * factor + added;
        }
    }
}

/// A model with a mix.
pub struct Blend {
    /// The model.
    pub model: Box<dyn Model>,
    /// What is mixed in.
    pub mixture: Mixture,
}

impl Model for Blend {
    fn score(&self, shopper: &Shopper<'_>, scores: &mut [f32]) {
        self.model.score(shopper, scores);
        self.mixture.blend(shopper, scores);
    }
}

#[cfg(test)]
mod tests {
    use super::super::history::tests::{day, purchases};
    use super::*;

    #[test]
    fn each_part_adds_what_it_says() {
        let all = purchases(3, &[vec![(0, 0), (1, 99)], vec![(1, 100)]]);
        let market = Market::at(&all, day(100));
        let shopper = all.customers[0].shopper(day(100));
        let blended = |mix: Mix| {
            let mut scores = [0.5; 3];
            Mixture::of(&mix, &market).blend(&shopper, &mut scores);
            scores
        };
        assert_eq!(blended(Mix::NONE), [0.5; 3]);
        let habit = blended(Mix {
            habit: 1.0,
            ..Mix::NONE
        });
        assert!(habit[1] > 1.4 && habit[2] == 0.5, "{habit:?}");
        let trend = blended(Mix {
            trend: 1.0,
            ..Mix::NONE
        });
        assert!(trend[1] > 0.5 && trend[0] < 0.5, "{trend:?}");
        let popular = blended(Mix {
            popular: 2.0,
            ..Mix::NONE
        });
        assert!(
            (popular[1] - 2.5).abs() < 1e-6 && popular[2] == 0.5,
            "{popular:?}"
        );
    }
}
