//! The places of a page that personalization fills.

use serde::{Deserialize, Serialize};

/// A place that is filled.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub enum Slot {
    /// When to show something, as `show_discount_in_60_seconds`.
    Timing,
    /// How the page is laid out, as `single_column_comparison`.
    Layout,
    /// How the shopper acts, as `swipe_to_purchase_flow`.
    Interaction,
    /// The headline.
    HeroMessage,
    /// The button.
    CallToAction,
    /// What makes trust; several lines are several signals.
    TrustSignal,
    /// How few are left, by the product's real stock.
    Scarcity,
    /// What a customer said in public.
    SocialProof,
    /// A feature to point out.
    FeatureHighlight,
}

impl Slot {
    /// All, in the sequence in which an adaptation looks at them.
    pub const ALL: [Self; 9] = [
        Self::Timing,
        Self::Layout,
        Self::Interaction,
        Self::HeroMessage,
        Self::CallToAction,
        Self::TrustSignal,
        Self::Scarcity,
        Self::SocialProof,
        Self::FeatureHighlight,
    ];

    /// The slots that a start fills.
    pub const AT_START: [Self; 4] = [
        Self::HeroMessage,
        Self::CallToAction,
        Self::TrustSignal,
        Self::Scarcity,
    ];

    /// The slots that a change of stage fills.
    pub const AT_STAGE: [Self; 2] = [Self::SocialProof, Self::FeatureHighlight];

    /// The slot's name.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Timing => "timing",
            Self::Layout => "layout",
            Self::Interaction => "interaction",
            Self::HeroMessage => "hero_message",
            Self::CallToAction => "call_to_action",
            Self::TrustSignal => "trust_signal",
            Self::Scarcity => "scarcity",
            Self::SocialProof => "social_proof",
            Self::FeatureHighlight => "feature_highlight",
        }
    }

    /// The contract's name of an adaptation of this slot.
    #[must_use]
    pub const fn adaptation(self) -> &'static str {
        match self {
            Self::Timing => "timing_optimization",
            Self::Layout => "layout_optimization",
            Self::Interaction => "interaction_optimization",
            _ => "content_personalization",
        }
    }
}
