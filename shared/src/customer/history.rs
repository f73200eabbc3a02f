//! All that was done with a customer, in the sequence of time.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use super::interaction::{Interaction, InterestLevel};
use super::topic::Topic;
use crate::id::InteractionId;
use crate::time::UtcMillis;

/// An interaction that was taken.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RecordedInteraction {
    /// Its id.
    pub id: InteractionId,
    /// When it was taken.
    pub recorded_at: UtcMillis,
    /// What was done.
    pub interaction: Interaction,
}

/// A customer's interactions by their time, those of the same second by their ids, so that one that was recorded late
/// stands where it belongs.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct History(Vec<RecordedInteraction>);

impl History {
    /// Puts interactions in their sequence.
    #[must_use]
    pub fn new(mut all: Vec<RecordedInteraction>) -> Self {
        all.sort_by(|a, b| (a.interaction.at, &a.id).cmp(&(b.interaction.at, &b.id)));
        Self(all)
    }

    /// The interactions, the first first.
    #[must_use]
    pub fn all(&self) -> &[RecordedInteraction] {
        &self.0
    }

    /// What was done, the first first.
    pub fn interactions(&self) -> impl DoubleEndedIterator<Item = &Interaction> + Clone {
        self.0.iter().map(|recorded| &recorded.interaction)
    }

    /// The history as it would be without one of its interactions.
    #[must_use]
    pub fn without(&self, id: &InteractionId) -> Self {
        let others = self.0.iter().filter(|recorded| recorded.id != *id);
        Self(others.cloned().collect())
    }

    /// What lies before one of its interactions.
    #[must_use]
    pub fn before(&self, id: &InteractionId) -> Self {
        let earlier = self.0.iter().take_while(|recorded| recorded.id != *id);
        Self(earlier.cloned().collect())
    }

    /// How many different recommendations led interactions.
    #[must_use]
    pub fn recommendations(&self) -> u64 {
        let ids: BTreeSet<&str> = self
            .interactions()
            .filter_map(|interaction| interaction.recommendation_id.as_deref())
            .collect();
        u64::try_from(ids.len()).unwrap_or(u64::MAX)
    }

    /// When the customer was met last.
    #[must_use]
    pub fn last_at(&self) -> Option<UtcMillis> {
        self.interactions().next_back().map(|last| last.at)
    }

    /// The main product (the first one named) of the last interaction that was about any.
    #[must_use]
    pub fn current_interest(&self) -> Option<&str> {
        let mut latest = self.interactions().rev();
        latest.find_map(|interaction| interaction.products_discussed.first().map(String::as_str))
    }

    /// How much the customer wanted it last.
    #[must_use]
    pub fn interest_level(&self) -> Option<InterestLevel> {
        let mut latest = self.interactions().rev();
        latest.find_map(|interaction| interaction.interest_level)
    }

    /// Concerns that nothing the customer liked later has answered, each once, the oldest first.
    #[must_use]
    pub fn open_concerns(&self) -> Vec<&str> {
        let mut open: Vec<&str> = Vec::new();
        for interaction in self.interactions() {
            // Who likes the safety today worries no more about it, unless they say so today as well.
            let liked = &interaction.positive_responses;
            open.retain(|concern| !liked.iter().any(|word| Topic::is_same(word, concern)));
            for concern in &interaction.primary_concerns {
                if !open.iter().any(|known| Topic::is_same(known, concern)) {
                    open.push(concern);
                }
            }
        }
        open
    }
}
