//! What a WooCommerce shop sends: REST API version 3 bodies, by webhook or by page.
//!
//! The payloads are read with patience, because plugins and PHP bend them: numbers come as texts, empty
//! objects as `[]`, lists as objects, absent things as `null` or `""`. What is read is mapped to the order
//! intake's own types, so that every rule of an order stays in one place.
//!
//! Source: WooCommerce REST API documentation (orders, products, customers) and the behaviour of its
//! webhooks: a `…deleted` delivery carries nothing but the id.

mod customer;
mod loose;
mod order;
mod product;

use serde::{Deserialize, Serialize};

use crate::id::ExternalId;
use crate::time::UtcMillis;

pub use customer::{ToldCustomer, WooCustomer};
pub use order::{ToldOrder, WooOrder};
pub use product::{ToldProduct, WooProduct};

/// Longest body of a webhook, in bytes. Orders of hundreds of lines stay far below.
pub const WEBHOOK_BYTES_MAX: usize = 1024 * 1024;

/// What a payload comes to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Told<T> {
    /// Something to take.
    This(T),
    /// Well formed, and nothing for us: the reason. A shop is not told that it erred, because WooCommerce
    /// switches a webhook off after a few refusals in a row.
    Nothing(&'static str),
}

/// The only thing that a delivery of something deleted is sure to say.
#[derive(Debug, Clone, Deserialize)]
pub struct WooGone {
    /// What is gone.
    pub id: ExternalId,
}

/// What became of a delivery.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub enum WebhookResult {
    /// It was WooCommerce's test of the address; nothing was done.
    Pong,
    /// It changed something.
    Taken,
    /// It said what was known already, or was a replay.
    Unchanged,
    /// Something newer was known.
    Stale,
    /// It is nothing for us; `reason` says why.
    Ignored,
}

/// The reply to a delivery.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct WebhookReply {
    /// `true`.
    pub success: bool,
    /// What became of it.
    pub result: WebhookResult,
    /// Why it was ignored.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
}

impl WebhookReply {
    /// A reply without a reason.
    #[must_use]
    pub const fn new(result: WebhookResult) -> Self {
        Self {
            success: true,
            result,
            reason: None,
        }
    }

    /// An ignored delivery.
    #[must_use]
    pub fn ignored(reason: impl Into<String>) -> Self {
        Self {
            success: true,
            result: WebhookResult::Ignored,
            reason: Some(reason.into()),
        }
    }
}

/// A `…_gmt` time. WooCommerce writes it without an offset, and it is UTC.
fn utc(text: Option<&str>) -> Option<UtcMillis> {
    let text = text?.trim();
    UtcMillis::parse_rfc3339(text).or_else(|| UtcMillis::parse_rfc3339(&format!("{text}Z")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_time_without_an_offset_is_utc() {
        let at = UtcMillis::parse_rfc3339("2017-03-22T19:28:02Z");
        for text in [
            "2017-03-22T19:28:02",
            "2017-03-22T19:28:02Z",
            "2017-03-22T20:28:02+01:00",
            " 2017-03-22 19:28:02 ",
        ] {
            assert_eq!(utc(Some(text)), at, "{text}");
        }
        for text in ["", "0000-00-00T00:00:00", "yesterday", "2017-03-22"] {
            assert_eq!(utc(Some(text)), None, "{text}");
        }
    }

    #[test]
    fn a_deletion_is_read_from_its_id_alone() {
        let read = |json| serde_json::from_str::<WooGone>(json).map(|gone| gone.id);
        assert_eq!(read("{\"id\":727}").unwrap(), ExternalId::from(727));
        assert_eq!(read("{\"id\":\"727\"}").unwrap(), ExternalId::from(727));
        for json in ["{}", "{\"id\":null}", "{\"id\":-1}", "[]"] {
            assert!(read(json).is_err(), "{json}");
        }
    }
}
