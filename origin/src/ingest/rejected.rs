//! Events that were accepted and that the log would not take: shown with their reasons, and tried again
//! after a mend.

use footfall_shared::id::ShopId;
use footfall_shared::text::InvalidField;
use footfall_shared::time::UtcMillis;
use footfall_shared::wire::events::{RejectCode, RejectedEvent, RejectedReply, ReplayReply};
use footfall_shared::wire::internal::{EventBatch, Verdict};
use serde::Deserialize;
use serde_json::Value;
use serde_json::value::RawValue;
use utoipa::{IntoParams, ToSchema};

use super::intake::append;
use super::queries::{self, Kept};
use crate::app::App;
use crate::db::{Handle, StorageError};
use crate::http::error::AppError;

/// Events on a page where the caller does not say.
const LIMIT_DEFAULT: u32 = 100;
/// Most events on a page, and most that one call tries again.
const LIMIT_MAX: u32 = 500;

/// Which page is wanted.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(super) struct RejectedQuery {
    /// Events on the page, 1 to 500; 100 where it is not given.
    #[param(minimum = 1, maximum = 500)]
    limit: Option<u32>,
    /// The `next_cursor` of the page before.
    cursor: Option<String>,
}

/// Which rejected events to try again.
#[derive(Debug, Default, Deserialize, ToSchema)]
pub(super) struct ReplayRequest {
    /// Their ids, at most 500; without them those rejected first.
    ids: Option<Vec<String>>,
}

/// Reads a page, the latest rejected first.
pub(super) async fn read_page(
    db: &mut impl Handle,
    shop: &ShopId,
    query: RejectedQuery,
) -> Result<RejectedReply, AppError> {
    let limit = query.limit.unwrap_or(LIMIT_DEFAULT);
    if !(1..=LIMIT_MAX).contains(&limit) {
        let reason = format!("must be 1 to {LIMIT_MAX}");
        return Err(AppError::InvalidField(InvalidField::new("limit", reason)));
    }
    let after = query.cursor.map(|text| parse_cursor(&text)).transpose()?;
    let mut found = queries::find_rejected(db, shop, after.as_ref(), i64::from(limit) + 1).await?;
    let more = found.len() > limit as usize;
    found.truncate(limit as usize);
    let next_cursor = found
        .last()
        .filter(|_| more)
        .map(|last| format!("{}:{}", last.rejected_at, last.body_hash));
    let events = found.into_iter().map(to_reply).collect::<Result<_, _>>()?;
    Ok(RejectedReply {
        events,
        next_cursor,
    })
}

fn parse_cursor(text: &str) -> Result<(i64, String), AppError> {
    let parts = text.split_once(':').and_then(|(at, hash)| {
        let is_hash = hash.len() == 64 && hash.bytes().all(|byte| byte.is_ascii_hexdigit());
        is_hash.then_some((at.parse().ok()?, hash.to_owned()))
    });
    parts.ok_or_else(|| {
        let fault = InvalidField::new("cursor", "must be the next_cursor of a page");
        AppError::InvalidField(fault)
    })
}

fn to_reply(kept: Kept) -> Result<RejectedEvent, StorageError> {
    let code = RejectCode::parse(&kept.code)
        .ok_or_else(|| StorageError::corrupt("read a rejected event", "code"))?;
    let event = serde_json::from_str(&kept.body).ok();
    Ok(RejectedEvent {
        id: kept.body_hash,
        code,
        reason: kept.reason,
        rejected_at: UtcMillis::new(kept.rejected_at).to_rfc3339(),
        event: event.unwrap_or(Value::String(kept.body)),
    })
}

/// Tries rejected events again, each alone. What the log has now is rejected no more.
pub(super) async fn replay(
    app: &App,
    shop: &ShopId,
    request: ReplayRequest,
    now: UtcMillis,
) -> Result<ReplayReply, AppError> {
    let ids = request.ids.as_deref();
    if ids.is_some_and(|ids| ids.is_empty() || ids.len() > LIMIT_MAX as usize) {
        let reason = format!("must hold 1 to {LIMIT_MAX} ids");
        return Err(AppError::InvalidField(InvalidField::new("ids", reason)));
    }
    let bodies = {
        let mut db = app.db().read().await?;
        queries::find_rejected_bodies(&mut db, shop, ids, i64::from(LIMIT_MAX)).await?
    };
    let mut reply = ReplayReply {
        success: true,
        ..ReplayReply::default()
    };
    for (id, body) in bodies {
        let count = match append_again(app, body, now).await? {
            Some(Verdict::Appended) => &mut reply.replayed,
            Some(Verdict::Duplicate) => &mut reply.duplicate,
            Some(Verdict::Rejected) | None => {
                reply.rejected += 1;
                continue;
            }
        };
        *count += 1;
        let mut tx = app.db().begin().await?;
        queries::forget_rejected(&mut tx, shop, &id).await?;
        tx.commit().await?;
    }
    Ok(reply)
}

async fn append_again(
    app: &App,
    body: String,
    now: UtcMillis,
) -> Result<Option<Verdict>, StorageError> {
    // What is no JSON can never be an event.
    let Ok(raw) = RawValue::from_string(body) else {
        return Ok(None);
    };
    let batch = EventBatch {
        outbox: None,
        handles: Vec::new(),
        events: vec![&raw],
    };
    let receipt = append(app, &batch, now).await?;
    Ok(receipt.receipts.first().map(|receipt| receipt.verdict))
}
