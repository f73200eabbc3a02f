//! The answers of the event routes (`/v1/…`) and of the log (`GET /api/events`).

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::event::{Event, EventKind, ecommerce};
use crate::id::EventId;
use crate::identity::Email;

/// What became of one message.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub enum MessageStatus {
    /// Durable in the outbox.
    Accepted,
    /// Its id waits in the outbox already.
    Duplicate,
    /// Not taken; the reason says why.
    Dropped,
}

/// The verdict on one message.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase")]
pub struct MessageResult {
    /// Its id; `null` for a dropped message that had none.
    pub message_id: Option<String>,
    /// What became of it.
    pub status: MessageStatus,
    /// Why it was dropped.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
}

/// The answer to a batch: one verdict a message, in its sequence.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct BatchReply {
    /// `true`: the batch was read, whatever became of single messages.
    pub success: bool,
    /// The verdicts.
    pub results: Vec<MessageResult>,
}

/// Why the log would not take an event.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub enum RejectCode {
    /// It is no event, or breaks a bound of the log.
    InvalidEvent,
    /// No such shop.
    UnknownShop,
    /// It is a good event, but storing it fails for a reason of ours.
    NotStorable,
}

impl RejectCode {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::InvalidEvent, Self::UnknownShop, Self::NotStorable];

    /// The name on the wire.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::InvalidEvent => "invalid_event",
            Self::UnknownShop => "unknown_shop",
            Self::NotStorable => "not_storable",
        }
    }

    /// Reads the name.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|code| code.as_str() == text)
    }
}

/// An event that was accepted and that the log would not take.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct RejectedEvent {
    /// Names it for a replay.
    pub id: String,
    /// Why, as a word for programs.
    pub code: RejectCode,
    /// Why, in a sentence.
    pub reason: String,
    /// When, RFC 3339.
    pub rejected_at: String,
    /// The event as it was sent; a text where it is no JSON object.
    #[cfg_attr(feature = "openapi", schema(value_type = Object))]
    pub event: Value,
}

/// A page of rejected events.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct RejectedReply {
    /// The latest rejected first.
    pub events: Vec<RejectedEvent>,
    /// Give this as `cursor` for the next page; `null` on the last one.
    pub next_cursor: Option<String>,
}

/// What became of rejected events that were tried again.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct ReplayReply {
    /// `true`: all of them were tried.
    pub success: bool,
    /// How many are in the log now.
    pub replayed: usize,
    /// How many were there already.
    pub duplicate: usize,
    /// How many are still not taken; their reasons are listed as before.
    pub rejected: usize,
}

/// A page of the log.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct EventsReply {
    /// The events, the latest stored first.
    pub events: Vec<LoggedEvent>,
    /// Give this as `cursor` for the next page; `null` on the last one.
    pub next_cursor: Option<String>,
}

/// An event as the log shows it: the Segment message with what Footfall added.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase")]
pub struct LoggedEvent {
    /// Its id.
    pub message_id: String,
    /// Its kind.
    #[serde(rename = "type")]
    pub kind: EventKind,
    /// The event's name, of a track message.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub event: Option<String>,
    /// The name of the e-commerce spec that the event's name stands for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub standard_event: Option<&'static str>,
    /// The page's or screen's name.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// When it happened, RFC 3339, corrected for the client's clock.
    pub timestamp: String,
    /// When the edge accepted it, RFC 3339.
    pub received_at: String,
    /// The browser's id of the visitor.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub anonymous_id: Option<String>,
    /// The shop's id of the visitor.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub user_id: Option<String>,
    /// The visit.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub session_id: Option<String>,
    /// The email that came with it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub email: Option<String>,
    /// `properties`, `traits`, `context` and the rest of the message.
    #[serde(flatten)]
    #[cfg_attr(feature = "openapi", schema(value_type = Object))]
    pub body: Map<String, Value>,
}

impl LoggedEvent {
    /// The log's view of a stored event.
    #[must_use]
    pub fn from_event(event: Event) -> Self {
        let Event {
            shop: _,
            id,
            kind,
            name,
            at,
            received_at,
            anonymous_id,
            user_id,
            session_id,
            email,
            trust: _,
            device: _,
            body,
        } = event;
        let (event, name) = if kind == EventKind::Track {
            (name, None)
        } else {
            (None, name)
        };
        Self {
            message_id: EventId::as_str(&id).to_owned(),
            kind,
            standard_event: event.as_deref().and_then(ecommerce::canonical_name),
            event,
            name,
            timestamp: at.to_rfc3339(),
            received_at: received_at.to_rfc3339(),
            anonymous_id,
            user_id,
            session_id,
            email: email.as_ref().map(Email::as_str).map(str::to_owned),
            body,
        }
    }
}
