//! Puts an event on its way to every endpoint that wants it.

use footfall_shared::id::ShopId;
use footfall_shared::time::UtcMillis;
use serde::Serialize;
use serde_json::Value;

use super::endpoint::EventType;
use super::queries::{self, NewDelivery};
use crate::db::{Handle, StorageError, Tx};

/// How long an event is tried before it is parked, in milliseconds.
const TRIED_FOR_MS: i64 = 24 * 60 * 60 * 1000;

/// Something that happened in a session.
#[derive(Debug, Clone, PartialEq)]
pub struct Announcement {
    /// Its id: the same again is the same event.
    pub id: String,
    /// Of which type.
    pub event_type: EventType,
    /// The session.
    pub session: String,
    /// When it happened.
    pub at: UtcMillis,
    /// What is told of it.
    pub data: Value,
}

/// The contract's payload.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct Payload<'a> {
    event_type: &'static str,
    session_id: &'a str,
    timestamp: String,
    event_data: &'a Value,
}

/// Whether anybody wants to hear of a shop's events.
pub async fn are_wanted(db: &mut impl Handle, shop: &ShopId) -> Result<bool, StorageError> {
    Ok(!queries::list_active(db, shop).await?.is_empty())
}

/// Puts events on their way, in their sequence, within the caller's transaction, which holds the shop's turn.
pub async fn announce(
    tx: &mut Tx,
    shop: &ShopId,
    events: &[Announcement],
    now: UtcMillis,
) -> Result<(), StorageError> {
    if events.is_empty() {
        return Ok(());
    }
    let endpoints = queries::list_active(tx, shop).await?;
    let mut deliveries = Vec::new();
    for event in events {
        let body = body_of(event)?;
        for (endpoint, types) in &endpoints {
            if types.is_empty() || types.contains(&event.event_type) {
                deliveries.push(NewDelivery {
                    webhook: endpoint.clone(),
                    event: event.id.clone(),
                    session: event.session.clone(),
                    event_type: event.event_type.as_str(),
                    body: body.clone(),
                });
            }
        }
    }
    queries::insert_deliveries(tx, shop, &deliveries, now, now.plus(TRIED_FOR_MS)).await
}

fn body_of(event: &Announcement) -> Result<String, StorageError> {
    let payload = Payload {
        event_type: event.event_type.as_str(),
        session_id: &event.session,
        timestamp: event.at.to_rfc3339(),
        event_data: &event.data,
    };
    serde_json::to_string(&payload).map_err(|cause| StorageError::corrupt("write an event", cause))
}
