//! The stages of a journey.

use serde::{Deserialize, Serialize};

/// How far a shopper has come. Steps may be left out and taken back; only a purchase leads to
/// [`Stage::Purchase`].
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, Deserialize,
)]
#[serde(rename_all = "snake_case")]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub enum Stage {
    /// Has come, and knows the shop or the product now.
    #[default]
    Awareness,
    /// Looks closer and compares.
    Consideration,
    /// Is about to buy.
    Decision,
    /// Has bought.
    Purchase,
    /// Came back to a shop where they bought.
    Retention,
}

impl Stage {
    /// All of them, in the sequence of the journey.
    pub const ALL: [Self; 5] = [
        Self::Awareness,
        Self::Consideration,
        Self::Decision,
        Self::Purchase,
        Self::Retention,
    ];

    /// The contract's name.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Awareness => "awareness",
            Self::Consideration => "consideration",
            Self::Decision => "decision",
            Self::Purchase => "purchase",
            Self::Retention => "retention",
        }
    }

    /// Reads the contract's name.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|stage| stage.as_str() == text)
    }
}
