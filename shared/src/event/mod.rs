//! The event, as the edge's outbox and the origin's log keep it.
//!
//! - [`segment`] reads the messages that SDKs send;
//! - [`ecommerce`] knows the names of the e-commerce spec.

pub mod ecommerce;
pub mod segment;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::id::{EventId, ShopId};
use crate::identity::{BrowserHash, DeviceKey, Email, FingerprintHash, Geo, IpHash, Salt, Trust};
use crate::time::UtcMillis;

/// The kinds of message of the Segment spec, and our own.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub enum EventKind {
    /// Something happened; it has an event name.
    Track,
    /// A page was shown.
    Page,
    /// Who the visitor is.
    Identify,
    /// A screen of an app was shown.
    Screen,
    /// The visitor belongs to a group.
    Group,
    /// Two ids are one visitor.
    Alias,
    /// Something in a journey, made by the edge itself: no SDK can send it (see [`crate::journey`]).
    Journey,
}

impl EventKind {
    /// The spec's.
    pub const SPEC: [Self; 6] = [
        Self::Track,
        Self::Page,
        Self::Identify,
        Self::Screen,
        Self::Group,
        Self::Alias,
    ];
    /// All of them.
    pub const ALL: [Self; 7] = [
        Self::Track,
        Self::Page,
        Self::Identify,
        Self::Screen,
        Self::Group,
        Self::Alias,
        Self::Journey,
    ];

    /// The name, the spec's where it is the spec's.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Track => "track",
            Self::Page => "page",
            Self::Identify => "identify",
            Self::Screen => "screen",
            Self::Group => "group",
            Self::Alias => "alias",
            Self::Journey => "journey",
        }
    }

    /// Reads a name.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.as_str() == text)
    }
}

/// The device that a request came from: hashes only.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Device {
    /// Its fingerprint, where the browser gave one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub fingerprint: Option<FingerprintHash>,
    /// Its network address, where the platform told it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ip: Option<IpHash>,
    /// Where it is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub geo: Option<Geo>,
}

impl Device {
    /// Everything that the device is known by, from strong to weak; `anonymous_id` is the id that its
    /// browser keeps.
    #[must_use]
    pub fn keys(&self, anonymous_id: Option<&str>, salt: &Salt) -> Vec<DeviceKey> {
        let browser = anonymous_id.and_then(|id| BrowserHash::of(id, salt));
        let keys = [
            browser.map(DeviceKey::Browser),
            self.fingerprint.clone().map(DeviceKey::Fingerprint),
            self.ip.clone().map(DeviceKey::Ip),
        ];
        keys.into_iter().flatten().collect()
    }
}

/// An accepted event.
///
/// **Invariant:** no raw address or fingerprint is in it, and an email that came where the spec puts one
/// stands in `email` alone. (A shop may use emails as its `userId`; an erasure has to look there, too.)
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Event {
    /// The shop it belongs to.
    pub shop: ShopId,
    /// Its id, unique in the shop.
    pub id: EventId,
    /// Its kind.
    #[serde(rename = "type")]
    pub kind: EventKind,
    /// The event's name (track), or the page's or screen's.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// When it happened, by the server's clock (see [`segment`]).
    pub at: UtcMillis,
    /// When the edge accepted it.
    pub received_at: UtcMillis,
    /// The browser's own id of the visitor.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub anonymous_id: Option<String>,
    /// The shop's id of the visitor.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub user_id: Option<String>,
    /// The visit it is part of.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub session_id: Option<String>,
    /// The email that came with it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub email: Option<Email>,
    /// How sure that email is; present with it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub trust: Option<Trust>,
    /// The device that sent it.
    #[serde(default)]
    pub device: Device,
    /// The rest of the message: `properties`, `traits`, `context`, `groupId`, `previousId`, …
    #[serde(default, skip_serializing_if = "Map::is_empty")]
    pub body: Map<String, Value>,
}

impl Event {
    /// The offer that this event reports on and the status it reports, where it is a bundle event.
    #[must_use]
    pub fn offer_report(&self) -> Option<(&str, crate::offers::OfferStatus)> {
        let status = crate::offers::OfferStatus::of_event(self.name.as_deref()?)?;
        let offer = self.body.get("properties")?.get("offer_id")?.as_str()?;
        (self.kind == EventKind::Track).then_some((offer, status))
    }
}
/// A part of a body as JSON. By its text, because serde's code that makes values of types directly would be in the
/// edge's component beside the code that makes texts of them.
#[must_use]
pub fn value_of(part: &impl Serialize) -> Value {
    // Texts, numbers and maps with text keys always serialize and read back.
    let text = serde_json::to_vec(part).unwrap_or_default();
    serde_json::from_slice(&text).unwrap_or_default()
}
