//! How events are told: made once, and sent to all.

use axum::extract::ws::Utf8Bytes;
use footfall_shared::event::EventKind;
use footfall_shared::time::UtcMillis;
use footfall_shared::visits::page::{PagePaths, PageType};
use footfall_shared::visits::sight;
use serde::{Deserialize, Serialize};

use super::now::NowReply;
use crate::ingest::Logged;

/// What a client may want.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
pub(super) enum Topic {
    /// All that people do.
    Events,
    /// Only purchases.
    Conversions,
    /// The figures of the moment, at most once a second and when they may have changed.
    Metrics,
}

/// What is told at once.
#[derive(Debug)]
pub(super) enum Frame {
    /// Events of the log.
    Events(EventsFrame),
    /// The figures of the moment.
    Metrics(Utf8Bytes),
}

/// Events of the log, as JSON.
#[derive(Debug)]
pub(super) struct EventsFrame {
    /// The place that they come behind.
    pub(super) after: i64,
    /// The place of the last event that was looked at.
    pub(super) last: i64,
    /// All that people did; `None` where nobody did anything.
    pub(super) all: Option<Utf8Bytes>,
    /// The purchases among them.
    pub(super) conversions: Option<Utf8Bytes>,
}

/// Something that happened, without anybody's name.
#[derive(Debug, Serialize)]
struct Happened<'a> {
    id: String,
    event_id: &'a str,
    timestamp: String,
    #[serde(rename = "type")]
    kind: &'static str,
    name: &'a str,
    page_type: Option<PageType>,
    conversion: bool,
    user_id: Option<&'a str>,
    session_id: Option<&'a str>,
    device_type: &'static str,
    #[serde(skip)]
    place: i64,
}

#[derive(Serialize)]
struct Message<'a, T> {
    #[serde(rename = "type")]
    kind: &'static str,
    last_id: String,
    events: &'a [T],
}

impl EventsFrame {
    /// Tells that the telling begins behind a place.
    pub(super) const fn begin(place: i64) -> Self {
        Self {
            after: place,
            last: place,
            all: None,
            conversions: None,
        }
    }

    /// Tells the events that come behind a place.
    pub(super) fn of(after: i64, logged: &[Logged], pages: &PagePaths) -> Self {
        let sights: Vec<_> = logged
            .iter()
            .filter(|one| one.by_people)
            .filter_map(|one| Some((one, sight::of_event(&one.event, pages)?)))
            .collect();
        let told: Vec<Happened<'_>> = sights
            .iter()
            .map(|(one, seen)| {
                let step = seen.part.steps.first();
                Happened {
                    id: one.place.to_string(),
                    event_id: one.event.id.as_str(),
                    timestamp: one.event.at.to_rfc3339(),
                    kind: match one.event.kind {
                        EventKind::Screen => "page",
                        kind => kind.as_str(),
                    },
                    name: step
                        .map(|step| step.what.as_str())
                        .or(one.event.name.as_deref())
                        .unwrap_or_default(),
                    page_type: step.and_then(|step| step.page),
                    conversion: seen.part.bought,
                    user_id: one
                        .event
                        .user_id
                        .as_deref()
                        .or(one.event.anonymous_id.as_deref()),
                    session_id: one.event.session_id.as_deref(),
                    device_type: seen.part.device_type().as_str(),
                    place: one.place,
                }
            })
            .collect();
        let bought: Vec<&Happened<'_>> = told.iter().filter(|one| one.conversion).collect();
        Self {
            after,
            last: logged.last().map_or(after, |one| one.place),
            all: message(&told, told.last().map(|one| one.place)),
            conversions: message(&bought, bought.last().map(|one| one.place)),
        }
    }
}

fn message<T: Serialize>(events: &[T], last: Option<i64>) -> Option<Utf8Bytes> {
    let message = Message {
        kind: "events",
        last_id: last?.to_string(),
        events,
    };
    // Texts and numbers always serialize.
    serde_json::to_string(&message).ok().map(Utf8Bytes::from)
}

/// The figures of the moment as JSON.
pub(super) fn metrics(figures: &NowReply) -> Utf8Bytes {
    #[derive(Serialize)]
    struct Told<'a> {
        #[serde(rename = "type")]
        kind: &'static str,
        metrics: &'a NowReply,
    }
    let told = Told {
        kind: "metrics",
        metrics: figures,
    };
    Utf8Bytes::from(serde_json::to_string(&told).unwrap_or_default())
}

/// That the connection lives.
pub(super) fn heartbeat(now: UtcMillis, last: i64) -> Utf8Bytes {
    let told = serde_json::json!({"type": "heartbeat", "timestamp": now.to_rfc3339(), "last_id": last.to_string()});
    Utf8Bytes::from(told.to_string())
}
