//! What the conversion model may look at. Whole numbers only, so that edge and origin see the same.

use serde::{Deserialize, Serialize};

use super::context::{DeviceType, SourceGroup};
use super::stage::Stage;

/// How a shopper took a price.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum PriceReaction {
    /// Gladly.
    Positive,
    /// Neither.
    Neutral,
    /// As too high.
    Negative,
}

/// A session at one moment, as far as it may tell whether it will end in a purchase.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct Observed {
    /// Where it stands.
    pub stage: Stage,
    /// Touchpoints so far.
    pub touchpoints: u32,
    /// Different types of touchpoints so far.
    pub kinds: u32,
    /// Touchpoints that had to do with a product.
    pub product_touchpoints: u32,
    /// Time spent on touchpoints, in milliseconds, as far as they told it.
    pub dwell_ms: u64,
    /// Milliseconds since the session began.
    pub elapsed_ms: u64,
    /// Milliseconds since the last event before this one.
    pub idle_ms: u64,
    /// The deepest scroll, in thousandths of the page.
    pub scroll_milli: u16,
    /// The engagement score, in thousandths.
    pub engagement_milli: u16,
    /// The purchase intent that the page declared, in thousandths; `None` where it did not.
    pub intent_milli: Option<u16>,
    /// Whether the last event showed that the shopper is about to leave.
    pub exit_intent: bool,
    /// How the last price was taken, where that was told.
    pub price_reaction: Option<PriceReaction>,
    /// Touchpoints with errors.
    pub errors: u32,
    /// Touchpoints whose page loaded slowly.
    pub slow_loads: u32,
    /// Whether the visitor left an email address in this session.
    pub lead: bool,
    /// Whether the visitor was here before.
    pub returning: bool,
    /// The kind of device.
    pub device: DeviceType,
    /// Where the visitor came from.
    pub source: SourceGroup,
}
