//! What can happen in a session, as the log keeps it.
//!
//! Each happening has a number in its session, given by the one writer that the session has at the edge. The
//! fold goes by that number, so it does not matter in which sequence the log received them.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::observed::PriceReaction;
use super::stage::Stage;
use crate::event::{Event, EventKind, value_of};
use crate::money::{Currency, MinorUnits};

/// The key of [`Numbered`] in an event's body.
const BODY_KEY: &str = "journey";

/// A happening with its place in the session.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Numbered {
    /// Its number in the session, from 1.
    pub seq: u32,
    /// The visit it belongs to, from 1: a session that was idle for too long begins its next visit.
    pub visit: u32,
    /// What happened.
    #[serde(flatten)]
    pub what: Happening,
}

impl Numbered {
    /// Reads it from an event of the log; `None` where the event is none of a journey.
    #[must_use]
    pub fn of(event: &Event) -> Option<Self> {
        if event.kind != EventKind::Journey {
            return None;
        }
        serde_json::from_value(event.body.get(BODY_KEY)?.clone()).ok()
    }

    /// Puts it into an event's body.
    pub fn put_into(&self, body: &mut Map<String, Value>) {
        body.insert(BODY_KEY.to_owned(), value_of(self));
    }
}

/// What happened.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "happening", rename_all = "snake_case")]
pub enum Happening {
    /// A session began.
    Started(Start),
    /// The page told that the shopper stands elsewhere now.
    StageChanged(StageChange),
    /// The shopper met something.
    Touchpoint(Touch),
    /// A goal was reached.
    Converted(Conversion),
    /// The session was found to be the same person's as another one.
    Linked(Link),
    /// A link was undone.
    Unlinked(Link),
}

impl Happening {
    /// The name of a conversion's event.
    pub const CONVERTED: &'static str = "conversion";

    /// The event's name in the log.
    #[must_use]
    pub const fn name(&self) -> &'static str {
        match self {
            Self::Started(_) => "session_started",
            Self::StageChanged(_) => "stage_changed",
            Self::Touchpoint(_) => "touchpoint",
            Self::Converted(_) => Self::CONVERTED,
            Self::Linked(_) => "session_linked",
            Self::Unlinked(_) => "session_unlinked",
        }
    }
}

/// Who a shop takes a visitor for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Persona {
    /// The persona's name.
    #[serde(rename = "type")]
    pub kind: String,
    /// How sure the shop is, in thousandths.
    pub confidence_milli: u16,
}

/// How a session began.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct Start {
    /// Who the shop takes the visitor for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub persona: Option<Persona>,
    /// The kind of device, as it was told.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub device: Option<String>,
    /// Where the visitor came from.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub source: Option<String>,
    /// The campaign.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub campaign: Option<String>,
    /// The page that was met first.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub landing_page: Option<String>,
    /// The declared purchase intent, in thousandths.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub intent_milli: Option<u16>,
    /// The visitor's language, as `de-AT`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub locale: Option<String>,
    /// Whether the visitor was recognized, or had visits before.
    pub returning: bool,
}

/// A change of stage.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct StageChange {
    /// Where to.
    pub to: Stage,
    /// What set it off.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub trigger: Option<String>,
    /// What the page measured since the last change.
    #[serde(default)]
    pub measured: Measured,
    /// Features that were looked at.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub features: Vec<String>,
    /// Others that it was compared with.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub comparisons: Vec<String>,
}

/// What a page measured of a shopper.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct Measured {
    /// Time spent, in milliseconds.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub dwell_ms: Option<u32>,
    /// The deepest scroll, in thousandths of the page.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub scroll_milli: Option<u16>,
    /// Clicks, swipes and the like.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub interactions: Option<u32>,
    /// Whether the shopper is about to leave.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub exit_intent: Option<bool>,
    /// How a price was taken.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub price_reaction: Option<PriceReaction>,
    /// How long the page took to load, in milliseconds.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub load_ms: Option<u32>,
    /// Whether there were errors.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub errors: Option<bool>,
}

/// A touchpoint.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Touch {
    /// Its type, a name that the shop chooses.
    #[serde(rename = "type")]
    pub kind: String,
    /// The page, without its origin.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub page: Option<String>,
    /// Whether the shopper did something there rather than only look.
    #[serde(default)]
    pub interacted: bool,
    /// What the page measured.
    #[serde(default)]
    pub measured: Measured,
}

/// A goal that was reached.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Conversion {
    /// Which goal, as `email_signup` or `purchase`.
    #[serde(rename = "type")]
    pub kind: String,
    /// What it was worth.
    pub value: MinorUnits,
    /// In which currency.
    pub currency: Currency,
    /// The shop's own step of its funnel.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub funnel_step: Option<String>,
    /// What the page thinks that led to it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub influencer: Option<String>,
}

impl Conversion {
    /// The goal that makes a sale.
    pub const PURCHASE: &'static str = "purchase";
    /// The goal of leaving an address.
    pub const EMAIL_SIGNUP: &'static str = "email_signup";
    /// The goal of buying again.
    pub const REPEAT: &'static str = "repeat";

    /// Whether something was bought.
    #[must_use]
    pub fn is_sale(&self) -> bool {
        matches!(self.kind.as_str(), Self::PURCHASE | Self::REPEAT)
    }
}

/// Two sessions of one person.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Link {
    /// The other session.
    pub with: String,
    /// The name that both together have.
    pub unified: String,
    /// How that was found.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub method: Option<String>,
}
