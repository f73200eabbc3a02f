//! Where a sale stands, as the fold of what was done, in the sequence of time.
//!
//! What an interaction says of the stage, by its outcome and by what was done (the table is ours; the stages are the
//! contract's):
//!
//! | outcome | stage |
//! |---|---|
//! | `purchased`, `sold`, `contract_signed`, `order_placed`, … | closed, won |
//! | `lost`, `not_interested`, `bought_elsewhere`, … | closed, lost |
//! | `scheduled_test_drive`, `quote_requested`, `negotiating`, … | negotiation |
//! | `interested`, `information_requested`, `presentation_given`, … | presentation |
//! | any: what was done was a test drive | negotiation |
//! | any: it was a visit to the showroom | presentation |
//!
//! An open sale only goes forward: the farthest stage of these and of where it stood. A closed one stays closed until a later outcome names an open stage: then it is open
//! again, at that stage; what was done alone opens nothing, since buyers come for service, too.

use super::history::{History, RecordedInteraction};
use super::interaction::{Interaction, InteractionKind};
use super::word::closed_set;

closed_set!(
    /// Where a sale stands.
    SalesStage, "sales stage" {
        /// Nothing was shown yet.
        Prospecting = "prospecting",
        /// The customer knows the product.
        Presentation = "presentation",
        /// It is about the terms.
        Negotiation = "negotiation",
        /// Sold.
        ClosedWon = "closed_won",
        /// Not sold.
        ClosedLost = "closed_lost",
    }
);

/// Outcomes by the stage that they tell of.
const OUTCOMES: &[(SalesStage, &[&str])] = &[
    (
        SalesStage::ClosedWon,
        &[
            "purchased",
            "purchase",
            "sold",
            "sale",
            "bought",
            "contract_signed",
            "signed",
            "order_placed",
            "ordered",
            "closed_won",
            "won",
            "deal_closed",
        ],
    ),
    (
        SalesStage::ClosedLost,
        &[
            "lost",
            "closed_lost",
            "not_interested",
            "no_interest",
            "bought_elsewhere",
            "lost_to_competitor",
            "declined",
            "rejected",
            "cancelled",
        ],
    ),
    (
        SalesStage::Negotiation,
        &[
            "scheduled_test_drive",
            "test_drive_scheduled",
            "test_drive_completed",
            "quote_requested",
            "quote_provided",
            "offer_made",
            "negotiating",
            "negotiation",
            "price_negotiation",
            "financing_discussed",
            "ready_to_buy",
            "considering_offer",
            "deposit_paid",
        ],
    ),
    (
        SalesStage::Presentation,
        &[
            "interested",
            "very_interested",
            "information_requested",
            "information_sent",
            "presentation_given",
            "presentation",
            "demo_given",
            "demo_scheduled",
            "needs_analysis",
            "comparing_options",
            "scheduled_visit",
            "scheduled_meeting",
        ],
    ),
];

impl SalesStage {
    /// Whether the sale is over.
    #[must_use]
    pub const fn is_closed(self) -> bool {
        matches!(self, Self::ClosedWon | Self::ClosedLost)
    }

    /// The stage that an outcome tells of.
    #[must_use]
    pub fn of_outcome(outcome: &str) -> Option<Self> {
        let known = OUTCOMES.iter().find(|(_, words)| words.contains(&outcome));
        known.map(|(stage, _)| *stage)
    }

    fn after(self, interaction: &Interaction) -> Self {
        let told = interaction.outcome.as_deref().and_then(Self::of_outcome);
        if self.is_closed() {
            return told.unwrap_or(self);
        }
        let done = match interaction.kind {
            InteractionKind::TestDrive => Self::Negotiation,
            InteractionKind::ShowroomVisit => Self::Presentation,
            InteractionKind::SalesCall | InteractionKind::Email => self,
        };
        // The stages stand in their sequence, the closed ones last.
        self.max(done).max(told.unwrap_or(self))
    }
}

/// The interactions that moved a sale, with the stages that they moved it to.
#[must_use]
pub fn changes(history: &History) -> Vec<(SalesStage, &RecordedInteraction)> {
    let mut stage = SalesStage::Prospecting;
    let moved = history.all().iter().filter_map(|recorded| {
        let next = stage.after(&recorded.interaction);
        let moved = next != stage;
        stage = next;
        moved.then_some((next, recorded))
    });
    moved.collect()
}

/// The stages that a sale went through, beginning with prospecting.
#[must_use]
pub fn progression(history: &History) -> Vec<SalesStage> {
    let moved = changes(history).into_iter().map(|(stage, _)| stage);
    [SalesStage::Prospecting].into_iter().chain(moved).collect()
}

/// Where a sale stands now.
#[must_use]
pub fn current(history: &History) -> SalesStage {
    let last = changes(history).pop();
    last.map_or(SalesStage::Prospecting, |(stage, _)| stage)
}

/// Stages in words: `prospecting → presentation`.
#[must_use]
pub fn words(stages: &[SalesStage]) -> String {
    let names: Vec<&str> = stages.iter().map(|stage| stage.as_str()).collect();
    names.join(" → ")
}
