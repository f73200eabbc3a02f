//! `/api/audit`.

use axum::Json;
use axum::extract::State;
use footfall_shared::text::InvalidField;
use footfall_shared::time::UtcMillis;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::chain::Entry;
use super::queries;
use crate::app::App;
use crate::auth::SecretOrAdminShop;
use crate::http::envelope::{DataReply, Meta, Refusals};
use crate::http::error::AppError;
use crate::http::extract::WireQuery;

/// Entries where nobody says how many, and at most.
const USUAL: i64 = 100;
const MOST: i64 = 1_000;

/// The routes.
pub fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new().routes(routes!(list))
}

/// Which entries.
#[derive(Debug, Default, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
struct Which {
    /// Entries before this one; without it the last ones.
    before: Option<i64>,
    /// 1 to 1,000; 100 without it.
    limit: Option<i64>,
}

/// A part of the audit log.
#[derive(Debug, Serialize, ToSchema)]
struct AuditReply {
    /// The last first.
    entries: Vec<AuditEntry>,
    /// What `before` takes for the entries before these; null where there are none.
    next: Option<i64>,
}

/// Something that was done.
#[derive(Debug, Serialize, ToSchema)]
struct AuditEntry {
    /// Its number, from 1 without a gap.
    #[schema(example = 17)]
    seq: i64,
    /// RFC 3339.
    at: String,
    /// `person`, `key` or `command`.
    #[schema(example = "person")]
    actor_kind: String,
    /// The id of the person or key; empty for a command.
    actor: String,
    /// The method and the route's pattern, or the command.
    #[schema(example = "POST /api/keys/{id}/rotate")]
    action: String,
    /// The path; empty for a command.
    subject: String,
    /// `begun`; or `failed` with the status, for one that was begun and failed.
    #[schema(example = "begun")]
    outcome: String,
    /// In which request.
    request_id: String,
    /// SHA-256 over the digest before it and everything above: `footfall audit verify` checks it.
    digest: String,
}

impl From<Entry> for AuditEntry {
    fn from(entry: Entry) -> Self {
        Self {
            seq: entry.seq,
            at: UtcMillis::new(entry.at).to_rfc3339(),
            actor_kind: entry.actor_kind,
            actor: entry.actor,
            action: entry.action,
            subject: entry.subject,
            outcome: entry.outcome,
            request_id: entry.request_id,
            digest: entry.digest,
        }
    }
}

/// What people and keys did in the administration, and what was asked of people's data.
#[utoipa::path(
    get, path = "/api/audit", tag = "administration",
    params(Which),
    responses((status = 200, description = "Entries, the last first", body = DataReply<AuditReply>), Refusals),
    security(("bearer_key" = []), ("basic" = []), ("api_key" = []))
)]
async fn list(
    State(app): State<App>,
    SecretOrAdminShop(shop): SecretOrAdminShop,
    meta: Meta,
    WireQuery(which): WireQuery<Which>,
) -> Result<Json<DataReply<AuditReply>>, AppError> {
    let limit = which.limit.unwrap_or(USUAL);
    if !(1..=MOST).contains(&limit) {
        return Err(InvalidField::new("limit", "must be from 1 to 1000").into());
    }
    let before = which.before.unwrap_or(i64::MAX);
    let entries = queries::list(&mut app.db().read().await?, &shop.id, before, limit).await?;
    let next = entries.last().map(|last| last.seq).filter(|seq| *seq > 1);
    Ok(meta.with(AuditReply {
        entries: entries.into_iter().map(AuditEntry::from).collect(),
        next,
    }))
}
