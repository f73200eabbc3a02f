//! Puts an event on its way to every endpoint that wants it.

use footfall_shared::id::ShopId;
use footfall_shared::time::UtcMillis;
use serde::Serialize;
use serde_json::Value;

use super::endpoint::EventType;
use super::queries::{self, NewDelivery};
use crate::db::{Handle, StorageError, Tx};
use crate::jobs::Job;

/// How long an event is tried before it is parked, in milliseconds.
const TRIED_FOR_MS: i64 = 24 * 60 * 60 * 1000;

/// Something that happened in a shop.
#[derive(Debug, Clone, PartialEq)]
pub struct Announcement {
    /// Its id: the same again is the same event.
    pub id: String,
    /// Of which type.
    pub event_type: EventType,
    /// The session that it happened in, or what else it is about: events about the same arrive in sequence.
    pub session: String,
    /// When it happened.
    pub at: UtcMillis,
    /// What is told of it.
    pub data: Value,
}

impl Announcement {
    /// That an analysis is there.
    #[must_use]
    pub fn of_analysis(event_type: EventType, job: &Job, at: UtcMillis, data: Value) -> Self {
        Self {
            id: job.id.as_str().to_owned(),
            event_type,
            session: format!("{} {}", job.what.kind.as_str(), job.what.subject),
            at,
            data,
        }
    }
}

/// The journey contract's payload.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct Happened<'a> {
    event_type: &'static str,
    session_id: &'a str,
    timestamp: String,
    event_data: &'a Value,
}

/// The behaviour contract's payload.
#[derive(Debug, Serialize)]
struct Completed<'a> {
    event: &'static str,
    timestamp: String,
    data: &'a Value,
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
    let timestamp = event.at.to_rfc3339();
    let body = match event.event_type {
        EventType::SegmentationCompleted
        | EventType::AffinityCompleted
        | EventType::RecommendationsReady => serde_json::to_string(&Completed {
            event: event.event_type.as_str(),
            timestamp,
            data: &event.data,
        }),
        EventType::SessionStarted
        | EventType::JourneyStageChange
        | EventType::Conversion
        | EventType::SessionLinked
        | EventType::SessionUnlinked => serde_json::to_string(&Happened {
            event_type: event.event_type.as_str(),
            session_id: &event.session,
            timestamp,
            event_data: &event.data,
        }),
    };
    body.map_err(|cause| StorageError::corrupt("write an event", cause))
}
