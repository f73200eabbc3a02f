//! What the conversion model weighs: the observed session in numbers of like size.
//!
//! Counts and times enter by their logarithm, because the tenth page tells less than the second.

use super::context::{DeviceType, SourceGroup};
use super::observed::{Observed, PriceReaction};
use super::stage::Stage;

/// How many features there are.
pub const COUNT: usize = 28;

/// The features' names, in their sequence. A model names its weights by them, so that edges and origins of
/// different age understand each other.
pub const NAMES: [&str; COUNT] = [
    "stage_consideration",
    "stage_decision",
    "stage_purchase",
    "stage_retention",
    "touchpoints",
    "product_touchpoints",
    "kinds",
    "dwell",
    "elapsed",
    "idle",
    "scroll",
    "engagement",
    "intent",
    "exit_intent",
    "price_positive",
    "price_negative",
    "errors",
    "slow_loads",
    "lead",
    "returning",
    "mobile",
    "tablet",
    "direct",
    "search",
    "social",
    "email",
    "paid",
    "referral",
];

/// The features of a session: ln(1 + n) of counts, ln(1 + seconds) of times, shares from 0 to 1, and 1 or 0 for
/// what is or is not. A declared intent counts from its middle, so that one that was not told is neutral.
#[must_use]
pub fn features(observed: &Observed) -> [f64; COUNT] {
    let Observed {
        stage,
        touchpoints,
        kinds,
        product_touchpoints,
        dwell_ms,
        elapsed_ms,
        idle_ms,
        scroll_milli,
        engagement_milli,
        intent_milli,
        exit_intent,
        price_reaction,
        errors,
        slow_loads,
        lead,
        returning,
        device,
        source,
    } = observed;
    let is = |holds: bool| if holds { 1.0 } else { 0.0 };
    let count = |count: u32| libm::log1p(f64::from(count));
    let share = |milli: u16| f64::from(milli) / 1000.0;
    let price = |reaction| is(*price_reaction == Some(reaction));
    [
        is(*stage == Stage::Consideration),
        is(*stage == Stage::Decision),
        is(*stage == Stage::Purchase),
        is(*stage == Stage::Retention),
        count(*touchpoints),
        count(*product_touchpoints),
        count(*kinds),
        time(*dwell_ms),
        time(*elapsed_ms),
        time(*idle_ms),
        share(*scroll_milli),
        share(*engagement_milli),
        intent_milli.map_or(0.0, |milli| share(milli) - 0.5),
        is(*exit_intent),
        price(PriceReaction::Positive),
        price(PriceReaction::Negative),
        count(*errors),
        count(*slow_loads),
        is(*lead),
        is(*returning),
        is(*device == DeviceType::Mobile),
        is(*device == DeviceType::Tablet),
        is(*source == SourceGroup::Direct),
        is(*source == SourceGroup::Search),
        is(*source == SourceGroup::Social),
        is(*source == SourceGroup::Email),
        is(*source == SourceGroup::Paid),
        is(*source == SourceGroup::Referral),
    ]
}

/// ln(1 + seconds). Beyond a year a time tells nothing more.
fn time(ms: u64) -> f64 {
    const MS_MAX: u64 = 365 * 86_400_000;
    #[expect(clippy::cast_precision_loss, reason = "at most a year of milliseconds")]
    let seconds = ms.min(MS_MAX) as f64 / 1000.0;
    libm::log1p(seconds)
}
