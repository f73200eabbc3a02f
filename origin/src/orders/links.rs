//! Which browser placed which order: what the shop's page says with the event `Order Completed`.
//!
//! An event never makes an order, and never counts as one: the purchase is what the shop's server tells. A
//! link may come before its order or after it; [`linked_devices`] shows it once both are there.
//!
//! **A link is a browser's word.** Order numbers are easily guessed, so whoever builds trust on a link asks
//! for a [`LinkedDevice::proven`] one: there the page knew the order's key, which the shop's server told us,
//! too.

use footfall_shared::event::ecommerce::canonical_name;
use footfall_shared::event::{Device, Event, EventKind};
use footfall_shared::id::{CustomerId, ExternalId, ShopId};
use footfall_shared::identity::{DeviceKey, FingerprintHash, IpHash, Salt};
use footfall_shared::text::hex;
use footfall_shared::time::UtcMillis;
use footfall_shared::wire::orders::KEY_CHARS_MAX;
use serde_json::Value;
use sha2::{Digest, Sha256};

use super::buyers::verify_buyers;
use super::queries::links as queries;
use crate::app::App;
use crate::db::{StorageError, Tx};
use crate::shops::Shop;

pub(super) use queries::record_keys;
pub use queries::{forget_links, linked_devices};

/// A device that says it placed an order which is there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LinkedDevice {
    /// The order.
    pub order: ExternalId,
    /// Whose order it is.
    pub customer: CustomerId,
    /// The order's status.
    pub status: String,
    /// The browser's own id of the visitor.
    pub anonymous_id: String,
    /// The visit.
    pub session_id: Option<String>,
    /// The device's fingerprint, where it gave one.
    pub fingerprint: Option<FingerprintHash>,
    /// Its address.
    pub ip: Option<IpHash>,
    /// When the page said so.
    pub at: UtcMillis,
    /// Whether the shop's server told a key of the order.
    pub has_key: bool,
    /// Whether the page knew that key.
    pub proven: bool,
}

impl LinkedDevice {
    /// Everything that the device is known by, from strong to weak.
    #[must_use]
    pub fn keys(&self, salt: &Salt) -> Vec<DeviceKey> {
        let device = Device {
            fingerprint: self.fingerprint.clone(),
            ip: self.ip.clone(),
            geo: None,
        };
        device.keys(Some(&self.anonymous_id), salt)
    }
}

/// What one event links.
pub(super) struct Link<'a> {
    pub(super) order: ExternalId,
    pub(super) anonymous_id: &'a str,
    pub(super) key_hash: Option<String>,
    pub(super) event: &'a Event,
}

impl<'a> Link<'a> {
    /// The link of an event that is a browser's `Order Completed`.
    fn of(event: &'a Event) -> Option<Self> {
        let name = event.name.as_deref()?;
        if event.kind != EventKind::Track || canonical_name(name) != Some("Order Completed") {
            return None;
        }
        let properties = event.body.get("properties")?;
        let order = match properties.get("order_id").or(properties.get("orderId"))? {
            Value::String(text) => ExternalId::parse("order_id", text).ok()?,
            Value::Number(number) => ExternalId::parse("order_id", &number.to_string()).ok()?,
            _ => return None,
        };
        let key = properties.get("order_key").and_then(Value::as_str);
        Some(Self {
            order,
            anonymous_id: event.anonymous_id.as_deref()?,
            key_hash: key.and_then(key_hash),
            event,
        })
    }
}

/// The hash of an order's key, as it is compared: the key itself opens the order's page.
#[must_use]
pub(super) fn key_hash(key: &str) -> Option<String> {
    let key = key.trim();
    let fits = !key.is_empty() && key.len() <= KEY_CHARS_MAX;
    fits.then(|| hex(&Sha256::digest(key.as_bytes())))
}

/// Writes down what these events of the shop link, and what that proves. The caller holds the shop's turn.
pub async fn record_links(
    app: &App,
    tx: &mut Tx,
    shop: &Shop,
    events: &[&Event],
    now: UtcMillis,
) -> Result<(), StorageError> {
    let links: Vec<Link<'_>> = events.iter().copied().filter_map(Link::of).collect();
    for link in &links {
        queries::save_link(tx, &shop.id, link).await?;
    }
    let orders: Vec<&ExternalId> = links.iter().map(|link| &link.order).collect();
    verify_buyers(app, tx, shop, &orders, now).await
}

/// Forgets the shop's links, for `footfall rebuild`, which fills them again from the log.
pub async fn clear_links(tx: &mut Tx, shop: &ShopId) -> Result<(), StorageError> {
    queries::delete_links(tx, shop).await
}
