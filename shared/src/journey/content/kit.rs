//! All that a decision for a shop needs, in one versioned piece.
//!
//! **Invariant:** a kit is published whole and never changed: with its version in the log, every decision that was
//! made with it can be made again.

use serde::{Deserialize, Serialize};

use super::slot::Slot;
use crate::experiment::choice::Belief;
use crate::experiment::lift::Lift;
use crate::journey::context::DeviceType;
use crate::journey::model::Model;
use crate::journey::stage::Stage;

/// How many sessions of a thousand are left alone, where a shop says nothing else.
pub const HOLDOUT_PERMILLE: u32 = 100;

/// What the origin publishes for a shop.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Kit {
    /// Its number, growing; 0 for the one that needs no origin.
    pub version: i64,
    /// The conversion model in service.
    pub model: Model,
    /// How many sessions of a thousand see the neutral content.
    pub holdout_permille: u32,
    /// The goals of the shop, from the first to the last.
    pub goals: Vec<String>,
    /// What fills the slots; a slot for which the shop has nothing is missing.
    pub slots: Vec<Filling>,
    /// By how much personalized sessions convert better than those that are left alone; `None` while there is too
    /// little data.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub lift: Option<Measured>,
}

impl Kit {
    /// The goals of a shop that names none of its own.
    pub const GOALS: [&'static str; 3] = ["email_signup", "purchase", "repeat"];

    /// The kit of a shop without content, or of an edge that has never reached the origin.
    #[must_use]
    pub fn built_in() -> Self {
        Self {
            version: 0,
            model: Model::prior(),
            holdout_permille: HOLDOUT_PERMILLE,
            goals: Self::GOALS.map(str::to_owned).to_vec(),
            slots: Vec::new(),
            lift: None,
        }
    }

    /// What fills a slot.
    #[must_use]
    pub fn filling(&self, slot: Slot) -> Option<&Filling> {
        self.slots.iter().find(|filling| filling.slot == slot)
    }
}

/// What fills a slot.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Filling {
    /// The slot.
    pub slot: Slot,
    /// What everybody would see without personalization; `None` is nothing.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub neutral: Option<String>,
    /// What may be chosen.
    pub variants: Vec<Variant>,
}

impl Filling {
    /// The variant of this id.
    #[must_use]
    pub fn variant(&self, id: &str) -> Option<&Variant> {
        self.variants.iter().find(|variant| variant.id == id)
    }
}

/// One way to fill a slot.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Variant {
    /// The shop's own name of it.
    pub id: String,
    /// What is shown, facts filled in.
    pub content: String,
    /// For whom.
    #[serde(default, skip_serializing_if = "Conditions::is_none")]
    pub conditions: Conditions,
    /// What it asks of a device or of a shopper's patience.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub traits: Vec<Trait>,
    /// What is believed of its rate.
    pub belief: Belief,
    /// By how much its sessions convert better than those left alone that could have had it; `None` while there is
    /// too little data.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub lift: Option<Measured>,
}

/// For whom a variant is. What is empty leaves everybody in.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Conditions {
    /// Personas by their name, whatever its case.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub persona: Vec<String>,
    /// Sources by their name or by their group (`direct`, `search`, `social`, `email`, `paid`, `referral`).
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub source: Vec<String>,
    /// Kinds of device.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub device: Vec<DeviceType>,
    /// Stages.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub stage: Vec<Stage>,
    /// Languages: `de` holds for `de-AT`, too.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub locale: Vec<String>,
    /// Whether the shopper is about to leave.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub exit_intent: Option<bool>,
}

impl Conditions {
    fn is_none(&self) -> bool {
        *self == Self::default()
    }
}

/// What a variant asks for, so that an optimization's constraints can leave it out.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub enum Trait {
    /// Needs a large screen.
    LargeScreen,
    /// Needs a pointer that can rest on something.
    Hover,
    /// Loads more than a slow line brings in a second (150 kB).
    Heavy,
    /// Loads something beside the page's own text.
    Images,
    /// Presses for time.
    Urgent,
    /// Interrupts what the shopper is doing.
    Intrusive,
}

impl Trait {
    /// The trait's name.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::LargeScreen => "large_screen",
            Self::Hover => "hover",
            Self::Heavy => "heavy",
            Self::Images => "images",
            Self::Urgent => "urgent",
            Self::Intrusive => "intrusive",
        }
    }
}

/// A measured difference of two conversion rates and its 95 % interval, in millionths.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Measured {
    /// The difference.
    pub difference: i32,
    /// The interval's lower end.
    pub low: i32,
    /// Its upper end.
    pub high: i32,
}

impl Measured {
    /// A lift in whole numbers.
    #[must_use]
    pub fn of(lift: Lift) -> Self {
        #[expect(clippy::cast_possible_truncation, reason = "differences of shares")]
        let millionths = |share: f64| (share * 1e6).round() as i32;
        Self {
            difference: millionths(lift.difference),
            low: millionths(lift.low),
            high: millionths(lift.high),
        }
    }

    /// Whether the interval lies above zero.
    #[must_use]
    pub const fn is_gain(self) -> bool {
        self.low > 0
    }

    /// Whether the interval lies below zero.
    #[must_use]
    pub const fn is_loss(self) -> bool {
        self.high < 0
    }
}
