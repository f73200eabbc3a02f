//! The Segment-compatible event routes, `POST /v1/…`.
//!
//! Each message is judged alone: a broken one is dropped with its reason, the rest go on. The answer is
//! given only after the outbox holds what was taken.

use std::collections::BTreeSet;
use std::io::Read as _;

use flate2::read::GzDecoder;
use footfall_shared::event::segment::{self, MESSAGE_BYTES_MAX, MESSAGES_MAX, Received};
use footfall_shared::event::{Event, EventKind};
use footfall_shared::id::EventId;
use footfall_shared::identity::{EmailHash, Trust};
use footfall_shared::text::InvalidField;
use footfall_shared::wire::events::{BatchReply, MessageResult, MessageStatus};
use http::StatusCode;
use http::header::HeaderName;
use serde::Deserialize;
use serde_json::value::RawValue;
use serde_json::{Map, Value};

use crate::error::EdgeError;
use crate::guard::{self, BATCH_BYTES_MAX, BATCH_BYTES_UNPACKED_MAX, BODY_BYTES_MAX, ShopRequest};
use crate::http::{Request, Response};
use crate::limits;
use crate::platform::{Outbox, Platform, QueuedEvent};
use crate::trace::Trace;

/// Header that tells a sender's developer what was dropped: a count and the first reason.
const DROPPED_HEADER: HeaderName = HeaderName::from_static("x-footfall-dropped");

/// Largest `context` of a whole batch, in bytes of JSON; SDKs send one or two thousand.
const CONTEXT_BYTES_MAX: usize = 8 * 1024;

/// A batch, its messages not yet looked into.
#[derive(Deserialize)]
struct Batch<'a> {
    #[serde(borrow)]
    batch: Vec<&'a RawValue>,
    #[serde(default, rename = "sentAt")]
    sent_at: Option<Value>,
    #[serde(default, borrow)]
    context: Option<&'a RawValue>,
}

/// A message with its verdict so far.
enum Judged {
    Taken(Box<Event>),
    Dropped {
        id: Option<String>,
        fault: InvalidField,
    },
}

/// The kind that a route's name stands for, in full or as browser SDKs shorten it; `None` for a batch.
pub(crate) fn kind_of_route(name: &str) -> Option<Option<EventKind>> {
    Some(match name {
        "batch" | "b" => None,
        "track" | "t" => Some(EventKind::Track),
        "page" | "p" => Some(EventKind::Page),
        "identify" | "i" => Some(EventKind::Identify),
        "screen" | "s" => Some(EventKind::Screen),
        "group" | "g" => Some(EventKind::Group),
        "alias" | "a" => Some(EventKind::Alias),
        _ => return None,
    })
}

/// Takes a batch.
pub(crate) async fn batch<P: Platform>(
    platform: &P,
    trace: &Trace,
    request: &Request,
) -> Result<Response, EdgeError> {
    let body = unpack(request, BATCH_BYTES_MAX)?;
    let asked = guard::admit(platform, trace, request, guard::body_key(&body).as_deref()).await?;
    let batch: Batch<'_> = guard::read_json(&body)?;
    if batch.batch.is_empty() || batch.batch.len() > MESSAGES_MAX {
        let reason = format!("must hold 1 to {MESSAGES_MAX} messages");
        return Err(EdgeError::field(InvalidField::new("batch", reason)));
    }
    let context = batch_context(batch.context)?;
    let sent_at = segment::sent_at(batch.sent_at.as_ref());
    let judged = batch
        .batch
        .iter()
        .map(|message| {
            judge(
                platform,
                &asked,
                message.get(),
                context.as_ref(),
                sent_at,
                None,
            )
        })
        .collect();
    let results = take(platform, &asked, judged).await?;
    let dropped: Vec<&MessageResult> = results
        .iter()
        .filter(|result| result.status == MessageStatus::Dropped)
        .collect();
    let header = dropped.first().map(|first| {
        format!(
            "{}; {}",
            dropped.len(),
            first.reason.as_deref().unwrap_or_default()
        )
    });
    let response = Response::json(
        StatusCode::OK,
        &BatchReply {
            success: true,
            results,
        },
    );
    Ok(match header {
        Some(header) => response.with(DROPPED_HEADER, &header),
        None => response,
    })
}

/// The context that messages without their own have. It is copied into each of them, so it is bounded.
fn batch_context(context: Option<&RawValue>) -> Result<Option<Map<String, Value>>, EdgeError> {
    let Some(context) = context.map(RawValue::get).filter(|text| *text != "null") else {
        return Ok(None);
    };
    let fault = |reason: &str| EdgeError::field(InvalidField::new("context", reason));
    if context.len() > CONTEXT_BYTES_MAX {
        return Err(fault("must be at most 8 KiB"));
    }
    match serde_json::from_slice(context.as_bytes()) {
        Ok(Value::Object(context)) => Ok(Some(context)),
        _ => Err(fault("must be an object")),
    }
}

/// Takes a single message; unlike in a batch its fault is the request's fault.
pub(crate) async fn single<P: Platform>(
    platform: &P,
    trace: &Trace,
    request: &Request,
    kind: EventKind,
) -> Result<Response, EdgeError> {
    let body = unpack(request, BODY_BYTES_MAX)?;
    let asked = guard::admit(platform, trace, request, guard::body_key(&body).as_deref()).await?;
    let message: &RawValue = guard::read_json(&body)?;
    match judge(platform, &asked, message.get(), None, None, Some(kind)) {
        // To ask not to be tracked is no fault.
        dropped @ Judged::Dropped { .. } if asked.opted_out => {
            let results = take(platform, &asked, vec![dropped]).await?;
            Ok(Response::json(
                StatusCode::OK,
                &BatchReply {
                    success: true,
                    results,
                },
            ))
        }
        Judged::Dropped { fault, .. } => Err(EdgeError::InvalidField {
            code: "invalid_message",
            fault,
        }),
        taken @ Judged::Taken(_) => {
            let results = take(platform, &asked, vec![taken]).await?;
            Ok(Response::json(
                StatusCode::OK,
                &BatchReply {
                    success: true,
                    results,
                },
            ))
        }
    }
}

/// Makes events durable. The answer holds the places of those that were new.
pub(crate) async fn enqueue<P: Platform>(
    platform: &P,
    events: &[Event],
) -> Result<BTreeSet<usize>, EdgeError> {
    if events.is_empty() {
        return Ok(BTreeSet::new());
    }
    let queued: Vec<QueuedEvent> = events
        .iter()
        .map(|event| QueuedEvent {
            shop: event.shop.clone(),
            id: event.id.clone(),
            // An event is made of texts, numbers and maps with text keys, which always serialize.
            json: serde_json::to_string(event).unwrap_or_default(),
        })
        .collect();
    platform
        .outbox()
        .append(&queued)
        .await
        .map_err(EdgeError::OutboxFailed)
}

/// The body as text, gzip undone, within its bounds.
fn unpack(request: &Request, bytes_max: usize) -> Result<Vec<u8>, EdgeError> {
    guard::check_body(request, bytes_max)?;
    match request
        .header("content-encoding")
        .map(|value| value.trim().to_ascii_lowercase())
    {
        None => Ok(request.body.clone()),
        Some(coding) if coding == "identity" => Ok(request.body.clone()),
        Some(coding) if coding == "gzip" => {
            let mut body = Vec::new();
            GzDecoder::new(request.body.as_slice())
                .take(BATCH_BYTES_UNPACKED_MAX as u64 + 1)
                .read_to_end(&mut body)
                .map_err(|_| EdgeError::InvalidBody("the body is not valid gzip".to_owned()))?;
            if body.len() > BATCH_BYTES_UNPACKED_MAX {
                return Err(EdgeError::PayloadTooLarge(BATCH_BYTES_UNPACKED_MAX));
            }
            Ok(body)
        }
        Some(_) => Err(EdgeError::UnsupportedMediaType),
    }
}

fn judge<P: Platform>(
    platform: &P,
    asked: &ShopRequest,
    message: &str,
    batch_context: Option<&Map<String, Value>>,
    sent_at: Option<footfall_shared::time::UtcMillis>,
    kind: Option<EventKind>,
) -> Judged {
    let dropped = |reason: &str| Judged::Dropped {
        id: id_of(message),
        fault: InvalidField::new("message", reason),
    };
    if message.len() > MESSAGE_BYTES_MAX {
        return dropped("must be at most 32 KiB");
    }
    if asked.opted_out {
        return dropped("the visitor asks not to be tracked");
    }
    // Lone surrogates are refused here, message by message.
    let mut object = match serde_json::from_slice::<Value>(message.as_bytes()) {
        Ok(Value::Object(object)) => object,
        Ok(_) => return dropped("must be an object"),
        Err(_) => return dropped("is not valid JSON"),
    };
    if let Some(context) = batch_context {
        object
            .entry("context")
            .or_insert_with(|| Value::Object(context.clone()));
    }
    let received = Received {
        shop: &asked.shop.shop,
        salt: &asked.shop.salt,
        identity_secret: &asked.shop.identity_secret,
        now: platform.now(),
        device: &asked.device,
        user_agent: asked.user_agent.as_deref(),
        from_backend: asked.is_backend(),
        sent_at,
        kind,
    };
    match segment::parse(object, &received, platform.entropy()) {
        Ok(event) => Judged::Taken(Box::new(event)),
        Err(fault) => Judged::Dropped {
            id: id_of(message),
            fault,
        },
    }
}

/// The id of a message that is not taken, so that its sender can forget it. Read as leniently as can be:
/// the rest of the message may be no valid text at all. An id too long to be one is not repeated.
fn id_of(message: &str) -> Option<String> {
    #[derive(Deserialize)]
    struct Named {
        #[serde(rename = "messageId")]
        message_id: Option<String>,
    }
    let named: Named = serde_json::from_slice(message.as_bytes()).ok()?;
    named
        .message_id
        .filter(|id| id.len() <= 4 * EventId::CHARS_MAX)
}

/// An address that claims too many emails a day claims no more of them; what else the event says is kept.
async fn forget_excess_email<P: Platform>(platform: &P, asked: &ShopRequest, event: &mut Event) {
    if let (Some(email), Some(Trust::Claimed)) = (&event.email, event.trust) {
        let email = EmailHash::of(email, &asked.shop.salt);
        if limits::try_email(platform, asked, &email).await.is_err() {
            (event.email, event.trust) = (None, None);
        }
    }
}

async fn take<P: Platform>(
    platform: &P,
    asked: &ShopRequest,
    judged: Vec<Judged>,
) -> Result<Vec<MessageResult>, EdgeError> {
    let mut events = Vec::new();
    let mut results: Vec<(Option<usize>, MessageResult)> = Vec::new();
    for message in judged {
        let (place, message_id, status, reason) = match message {
            Judged::Dropped { id, fault } => {
                (None, id, MessageStatus::Dropped, Some(fault.to_string()))
            }
            Judged::Taken(mut event) => {
                forget_excess_email(platform, asked, &mut event).await;
                let id = event.id.as_str().to_owned();
                events.push(*event);
                (
                    Some(events.len() - 1),
                    Some(id),
                    MessageStatus::Duplicate,
                    None,
                )
            }
        };
        results.push((
            place,
            MessageResult {
                message_id,
                status,
                reason,
            },
        ));
    }
    let taken = enqueue(platform, &events).await?;
    let settled = results.into_iter().map(|(place, mut result)| {
        if place.is_some_and(|place| taken.contains(&place)) {
            result.status = MessageStatus::Accepted;
        }
        result
    });
    Ok(settled.collect())
}
