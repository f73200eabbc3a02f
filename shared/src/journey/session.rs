//! A session as it stands: the fold of all that happened in it.
//!
//! **Invariant:** whole numbers and texts only, and every list is bounded, so that a session's bytes are the
//! same wherever they are folded and never grow without end (`a_session_stays_small_however_long_it_lasts`).

use serde::{Deserialize, Serialize};

use super::context::{DeviceType, SourceGroup};
use super::event::Persona;
use super::observed::{Observed, PriceReaction};
use super::stage::Stage;
use crate::money::{Currency, MinorUnits};
use crate::time::UtcMillis;

/// Touchpoints kept one by one; older ones are only counted.
pub const HISTORY_MAX: usize = 50;
/// Changes of stage kept.
pub const STAGES_MAX: usize = 32;
/// Different types of touchpoints and features told apart.
pub const NAMES_MAX: usize = 32;
/// Conversions kept one by one.
pub const CONVERSIONS_MAX: usize = 20;
/// Sessions that one can be linked with: a person has few devices.
pub const LINKS_MAX: usize = 8;

/// A session.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct Session {
    /// How many happenings are folded in.
    pub seq: u32,
    /// Which visit this is, from 1.
    pub visit: u32,
    /// When the first visit began.
    pub first_at: UtcMillis,
    /// When the visit began.
    pub started_at: UtcMillis,
    /// When something happened last.
    pub last_at: UtcMillis,
    /// Where the shopper stands.
    pub stage: Stage,
    /// How they got there, the oldest first.
    pub stages: Vec<StageStep>,
    /// The latest touchpoints, the oldest first.
    pub history: Vec<Touchpoint>,
    /// Touchpoints in all.
    pub touchpoints: u32,
    /// Touchpoints that had to do with a product.
    pub product_touchpoints: u32,
    /// Types of touchpoints met, in the sequence of their first time.
    pub kinds: Vec<String>,
    /// Features looked at and how often.
    pub features: Vec<(String, u32)>,
    /// Time spent, in milliseconds.
    pub dwell_ms: u64,
    /// The deepest scroll, in thousandths.
    pub scroll_milli: u16,
    /// The engagement score, in thousandths.
    pub engagement_milli: u16,
    /// The declared purchase intent, in thousandths.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub intent_milli: Option<u16>,
    /// Whether the last thing that happened was a sign of leaving.
    pub exit_intent: bool,
    /// How the last price was taken.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub price_reaction: Option<PriceReaction>,
    /// Touchpoints with errors.
    pub errors: u32,
    /// Touchpoints whose page loaded slowly.
    pub slow_loads: u32,
    /// What went wrong in each stage, in their sequence, as [`Sign`]s put together; empty where nothing did.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub signs: Vec<u8>,
    /// Whether an email address was left.
    pub lead: bool,
    /// Whether the visitor was here before.
    pub returning: bool,
    /// Who the shop takes the visitor for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub persona: Option<Persona>,
    /// The kind of device.
    pub device: DeviceType,
    /// Where the visitor came from, as it was told.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub source: Option<String>,
    /// The visitor's language, as `de-AT`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub locale: Option<String>,
    /// The latest conversions, the oldest first.
    pub conversions: Vec<Converted>,
    /// Conversions in all.
    pub converted: u32,
    /// The sessions that are the same person's.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub links: Vec<LinkedWith>,
    /// The visit before this one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub previous: Option<Visit>,
}

/// A sign that a shopper may go.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Sign {
    /// A page loaded slowly.
    SlowLoad = 1,
    /// They were about to leave.
    Leaving = 2,
    /// A price was taken as too high.
    Price = 4,
    /// Something did not work.
    Error = 8,
}

impl Sign {
    /// All of them.
    pub const ALL: [Self; 4] = [Self::SlowLoad, Self::Leaving, Self::Price, Self::Error];
}

/// A step of the journey.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct StageStep {
    /// Where to.
    pub stage: Stage,
    /// When.
    pub at: UtcMillis,
    /// What set it off.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub trigger: Option<String>,
}

/// A touchpoint that was met.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Touchpoint {
    /// Its type.
    pub kind: String,
    /// When.
    pub at: UtcMillis,
    /// How long, in milliseconds: as it was told, else until the next one; `None` while neither is known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub duration_ms: Option<u32>,
    /// How engaged the shopper was, in thousandths.
    pub engagement_milli: u16,
}

/// A goal that was reached.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Converted {
    /// Which.
    pub kind: String,
    /// When.
    pub at: UtcMillis,
    /// What it was worth.
    pub value: MinorUnits,
    /// In which currency.
    pub currency: Currency,
}

/// Another session of the same person.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct LinkedWith {
    /// The other session.
    pub session: String,
    /// The name of both together.
    pub unified: String,
    /// Since when.
    pub at: UtcMillis,
}

/// A visit that is over.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Visit {
    /// Which one.
    pub visit: u32,
    /// When it began.
    pub started_at: UtcMillis,
    /// When something happened last.
    pub last_at: UtcMillis,
    /// Where it ended.
    pub stage: Stage,
    /// Its touchpoints.
    pub touchpoints: u32,
    /// Its conversions.
    pub converted: u32,
}

impl Session {
    /// Whether the visit is over at `now`, because nothing happened for `idle_ms`.
    #[must_use]
    pub const fn is_over(&self, now: UtcMillis, idle_ms: i64) -> bool {
        now.since(self.last_at) >= idle_ms
    }

    /// Whether a sign was seen in a stage.
    #[must_use]
    pub fn showed(&self, stage: Stage, sign: Sign) -> bool {
        let signs = self.signs.get(stage as usize).copied().unwrap_or_default();
        signs & sign as u8 != 0
    }

    /// The id of a visit, for people and reports: the session's own for the first, with its number behind
    /// for the others.
    #[must_use]
    pub fn visit_id(session: &str, visit: u32) -> String {
        match visit {
            0 | 1 => session.to_owned(),
            later => format!("{session}.{later}"),
        }
    }

    /// What the conversion model may look at, at `now`.
    #[must_use]
    pub fn observed(&self, now: UtcMillis) -> Observed {
        let since = |then: UtcMillis| u64::try_from(now.since(then)).unwrap_or(0);
        Observed {
            stage: self.stage,
            touchpoints: self.touchpoints,
            kinds: u32::try_from(self.kinds.len()).unwrap_or(u32::MAX),
            product_touchpoints: self.product_touchpoints,
            dwell_ms: self.dwell_ms,
            elapsed_ms: since(self.started_at),
            idle_ms: since(self.last_at),
            scroll_milli: self.scroll_milli,
            engagement_milli: self.engagement_milli,
            intent_milli: self.intent_milli,
            exit_intent: self.exit_intent,
            price_reaction: self.price_reaction,
            errors: self.errors,
            slow_loads: self.slow_loads,
            lead: self.lead,
            returning: self.returning,
            device: self.device,
            source: self
                .source
                .as_deref()
                .map(SourceGroup::of)
                .unwrap_or_default(),
        }
    }

    /// How strongly the shopper means to buy, in thousandths: what the page declared (else 300), 250 more in
    /// the decision and 100 more in the consideration, 20 for each touchpoint with a product up to 200, 100
    /// for a price that was taken gladly and 150 less for one that was not, 100 less on the way out. The
    /// numbers are a ranking aid of ours, not measured; the conversion model weighs the same signs by data.
    #[must_use]
    pub fn intent_strength_milli(&self) -> u16 {
        let stage = match self.stage {
            Stage::Awareness => 0,
            Stage::Consideration => 100,
            Stage::Decision => 250,
            Stage::Purchase | Stage::Retention => 300,
        };
        let price = match self.price_reaction {
            Some(PriceReaction::Positive) => 100,
            Some(PriceReaction::Negative) => -150,
            Some(PriceReaction::Neutral) | None => 0,
        };
        let products = i32::try_from(self.product_touchpoints.min(10)).unwrap_or(10) * 20;
        let leaving = if self.exit_intent { -100 } else { 0 };
        let declared = i32::from(self.intent_milli.unwrap_or(300));
        let strength = (declared + stage + products + price + leaving).clamp(0, 1000);
        u16::try_from(strength).unwrap_or(0)
    }
}
