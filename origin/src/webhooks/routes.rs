//! `/api/webhooks`: a shop's people name, see and remove endpoints, see what is parked, and send it again.

use axum::Json;
use axum::extract::{Path, State};
use footfall_shared::id::WebhookId;
use footfall_shared::text::InvalidField;
use footfall_shared::time::DAY_MS;
use http::StatusCode;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::endpoint::{EventType, parse_url};
use super::queries::{self, Delivery, Endpoint};
use super::signature::{SECRET_BYTES, secret_of};
use crate::app::App;
use crate::auth::SecretOrAdminShop;
use crate::db::Handle;
use crate::http::envelope::{AdminErrorReply, DataReply, Meta};
use crate::http::error::AppError;
use crate::http::extract::{Wire, WireQuery};
use crate::intelligence::take_turn;
use crate::shops::Shop;

/// Endpoints of a shop.
const ENDPOINTS_MAX: usize = 20;
/// Deliveries on a page.
const LIMIT_MAX: u32 = 500;
const LIMIT_DEFAULT: u32 = 100;
/// Types in one list.
const TYPES_MAX: usize = 20;

/// The routes with their notes.
pub fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new()
        .routes(routes!(list, create))
        .routes(routes!(remove))
        .routes(routes!(deliveries))
        .routes(routes!(replay))
}

/// An endpoint.
#[derive(Debug, Serialize, ToSchema)]
struct EndpointReply {
    #[schema(example = "whk_01JDXA3M8Q2W5R7T9V0B4C6D8E")]
    id: String,
    /// Events are posted to `{url}/journey/events`.
    url: String,
    /// What it is told; an empty list is everything.
    event_types: Vec<EventType>,
    /// `active`, or `gone` where it answered 410.
    state: &'static str,
    /// RFC 3339.
    created_at: String,
    /// When it took something last; RFC 3339.
    last_success_at: Option<String>,
    /// When it failed last; RFC 3339.
    last_failure_at: Option<String>,
    /// What went wrong then; `null` since it went well again.
    last_fault: Option<String>,
    /// Events on their way.
    pending: i64,
    /// Events that were given up after 24 hours, or because it wanted no more.
    parked: i64,
}

impl From<Endpoint> for EndpointReply {
    fn from(one: Endpoint) -> Self {
        Self {
            id: one.id,
            url: one.url,
            event_types: one.types,
            state: if one.active { "active" } else { "gone" },
            created_at: one.created_at.to_rfc3339(),
            last_success_at: one.succeeded_at.map(|at| at.to_rfc3339()),
            last_failure_at: one.failed_at.map(|at| at.to_rfc3339()),
            last_fault: one.fault,
            pending: one.pending,
            parked: one.parked,
        }
    }
}

/// A shop's endpoints.
#[derive(Debug, Serialize, ToSchema)]
struct WebhooksReply {
    /// In the order they were made.
    webhooks: Vec<EndpointReply>,
}

/// A new endpoint. No `Debug`: it holds the secret.
#[derive(Serialize, ToSchema)]
struct NewWebhookReply {
    /// With which every message is signed (standardwebhooks.com). It is shown only now.
    #[schema(example = "whsec_…")]
    secret: String,
    #[serde(flatten)]
    webhook: EndpointReply,
}

/// Which endpoint to make.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct NewWebhookRequest {
    /// An https address; in development http on this machine, too.
    url: String,
    /// What it is told; everything where it is missing or empty.
    #[serde(default)]
    event_types: Vec<String>,
}

/// The shop's endpoints, and how they do.
#[utoipa::path(
    get, path = "/api/webhooks", tag = "webhooks",
    responses(
        (status = 200, description = "The endpoints, without their secrets", body = DataReply<WebhooksReply>),
        (status = 401, description = "No live credential", body = AdminErrorReply),
        (status = 403, description = "A role or key without `webhooks:read`", body = AdminErrorReply),
        (status = 500, description = "A bug of ours", body = AdminErrorReply),
        (status = 503, description = "Temporarily unavailable", body = AdminErrorReply),
    ),
    security(("bearer_key" = []), ("basic" = []), ("api_key" = []))
)]
async fn list(
    State(app): State<App>,
    meta: Meta,
    SecretOrAdminShop(shop): SecretOrAdminShop,
) -> Result<Json<DataReply<WebhooksReply>>, AppError> {
    let found = queries::list_endpoints(&mut app.db().read().await?, &shop.id).await?;
    Ok(meta.with(WebhooksReply {
        webhooks: found.into_iter().map(EndpointReply::from).collect(),
    }))
}

/// Makes an endpoint. Its secret is shown in this reply only.
#[utoipa::path(
    post, path = "/api/webhooks", tag = "webhooks",
    request_body(content = NewWebhookRequest, example = json!({"url": "https://hooks.shop.example/footfall", "event_types": ["conversion"]})),
    responses(
        (status = 201, description = "It is told from now on", body = DataReply<NewWebhookReply>),
        (status = 400, description = "`INVALID_FIELD` names the field: the address is not https, or not a public one", body = AdminErrorReply),
        (status = 401, description = "No live credential", body = AdminErrorReply),
        (status = 403, description = "A role or key without `webhooks:write`", body = AdminErrorReply),
        (status = 409, description = "There are 20 already", body = AdminErrorReply),
        (status = 413, description = "The body is longer than 64 KiB", body = AdminErrorReply),
        (status = 415, description = "The content type is not JSON", body = AdminErrorReply),
        (status = 500, description = "A bug of ours", body = AdminErrorReply),
        (status = 503, description = "Temporarily unavailable", body = AdminErrorReply),
    ),
    security(("bearer_key" = []), ("basic" = []), ("api_key" = []))
)]
async fn create(
    State(app): State<App>,
    meta: Meta,
    SecretOrAdminShop(shop): SecretOrAdminShop,
    Wire(request): Wire<NewWebhookRequest>,
) -> Result<(StatusCode, Json<DataReply<NewWebhookReply>>), AppError> {
    let url = parse_url(&request.url, app.config().mode)?;
    if request.event_types.len() > TYPES_MAX {
        let reason = format!("must hold at most {TYPES_MAX}");
        return Err(InvalidField::new("event_types", reason).into());
    }
    let types = EventType::parse_list(&request.event_types)?;
    let now = app.now();
    let id = WebhookId::generate(now, app.entropy());
    let secret = secret_of(app.entropy::<SECRET_BYTES>());
    let mut tx = app.db().begin().await?;
    take_turn(&mut tx, &shop.id).await?;
    if queries::list_endpoints(&mut tx, &shop.id).await?.len() >= ENDPOINTS_MAX {
        let reason = format!("A shop has at most {ENDPOINTS_MAX} webhooks");
        return Err(AppError::Conflict { reason });
    }
    let new = (id.as_str(), url.as_str(), types.as_slice(), secret.as_str());
    queries::insert_endpoint(&mut tx, &shop.id, new, now).await?;
    let webhook = find(&mut tx, &shop, id.as_str()).await?;
    tx.commit().await?;
    let reply = NewWebhookReply {
        secret,
        webhook: webhook.into(),
    };
    Ok((StatusCode::CREATED, meta.with(reply)))
}

/// Removes an endpoint, with all that is on its way to it.
#[utoipa::path(
    delete, path = "/api/webhooks/{id}", tag = "webhooks",
    params(("id" = String, Path, description = "The endpoint")),
    responses(
        (status = 204, description = "It is told nothing any more"),
        (status = 401, description = "No live credential", body = AdminErrorReply),
        (status = 403, description = "A role or key without `webhooks:write`", body = AdminErrorReply),
        (status = 404, description = "No such endpoint in this shop", body = AdminErrorReply),
        (status = 500, description = "A bug of ours", body = AdminErrorReply),
        (status = 503, description = "Temporarily unavailable", body = AdminErrorReply),
    ),
    security(("bearer_key" = []), ("basic" = []), ("api_key" = []))
)]
async fn remove(
    State(app): State<App>,
    SecretOrAdminShop(shop): SecretOrAdminShop,
    Path(id): Path<String>,
) -> Result<StatusCode, AppError> {
    let mut tx = app.db().begin().await?;
    // Who announces holds the turn, too: nothing is put on its way to an endpoint that is being removed.
    take_turn(&mut tx, &shop.id).await?;
    if !queries::delete_endpoint(&mut tx, &shop.id, &id).await? {
        return Err(AppError::NotFound);
    }
    tx.commit().await?;
    Ok(StatusCode::NO_CONTENT)
}

async fn find(db: &mut impl Handle, shop: &Shop, id: &str) -> Result<Endpoint, AppError> {
    let found = queries::list_endpoints(db, &shop.id).await?;
    let one = found.into_iter().find(|one| one.id == id);
    one.ok_or(AppError::NotFound)
}

/// Which deliveries are wanted.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
struct DeliveriesQuery {
    /// `parked` (the default), `pending` or `delivered`.
    state: Option<String>,
    /// Deliveries on the page, 1 to 500; 100 where it is not given.
    #[param(minimum = 1, maximum = 500)]
    limit: Option<u32>,
    /// The `next_cursor` of the page before.
    cursor: Option<i64>,
}

/// A delivery.
#[derive(Debug, Serialize, ToSchema)]
struct DeliveryReply {
    /// The event, as `webhook-id` names it.
    event_id: String,
    /// The session.
    session_id: String,
    /// The type.
    event_type: String,
    /// `parked`, `pending` or `delivered`.
    state: String,
    /// RFC 3339.
    made_at: String,
    /// How often it was tried.
    attempts: i64,
    /// When it is tried next; RFC 3339.
    next_attempt_at: Option<String>,
    /// When it was delivered or parked; RFC 3339.
    done_at: Option<String>,
    /// What went wrong last.
    fault: Option<String>,
}

impl From<Delivery> for DeliveryReply {
    fn from(one: Delivery) -> Self {
        let next = (one.state == "pending").then(|| one.next_at.to_rfc3339());
        Self {
            event_id: one.event,
            session_id: one.session,
            event_type: one.event_type,
            state: one.state,
            made_at: one.made_at.to_rfc3339(),
            attempts: one.attempts,
            next_attempt_at: next,
            done_at: one.done_at.map(|at| at.to_rfc3339()),
            fault: one.fault,
        }
    }
}

/// A page of deliveries.
#[derive(Debug, Serialize, ToSchema)]
struct DeliveriesReply {
    /// The latest first.
    deliveries: Vec<DeliveryReply>,
    /// Asks for the next page; `null` on the last.
    next_cursor: Option<i64>,
}

/// What is on its way to an endpoint, was delivered in the last seven days, or is parked.
#[utoipa::path(
    get, path = "/api/webhooks/{id}/deliveries", tag = "webhooks",
    params(("id" = String, Path, description = "The endpoint"), DeliveriesQuery),
    responses(
        (status = 200, description = "The deliveries", body = DataReply<DeliveriesReply>),
        (status = 400, description = "`INVALID_FIELD` names the parameter", body = AdminErrorReply),
        (status = 401, description = "No live credential", body = AdminErrorReply),
        (status = 403, description = "A role or key without `webhooks:read`", body = AdminErrorReply),
        (status = 404, description = "No such endpoint in this shop", body = AdminErrorReply),
        (status = 500, description = "A bug of ours", body = AdminErrorReply),
        (status = 503, description = "Temporarily unavailable", body = AdminErrorReply),
    ),
    security(("bearer_key" = []), ("basic" = []), ("api_key" = []))
)]
async fn deliveries(
    State(app): State<App>,
    meta: Meta,
    SecretOrAdminShop(shop): SecretOrAdminShop,
    Path(id): Path<String>,
    WireQuery(query): WireQuery<DeliveriesQuery>,
) -> Result<Json<DataReply<DeliveriesReply>>, AppError> {
    let state = query.state.as_deref().unwrap_or("parked");
    if !["parked", "pending", "delivered"].contains(&state) {
        let rule = "must be parked, pending or delivered";
        return Err(InvalidField::new("state", rule).into());
    }
    let limit = query.limit.unwrap_or(LIMIT_DEFAULT);
    if !(1..=LIMIT_MAX).contains(&limit) {
        return Err(InvalidField::new("limit", format!("must be 1 to {LIMIT_MAX}")).into());
    }
    let mut db = app.db().read().await?;
    find(&mut db, &shop, &id).await?;
    let before = query.cursor.unwrap_or(i64::MAX);
    let more = i64::from(limit) + 1;
    let mut found = queries::list_deliveries(&mut db, &shop.id, &id, state, before, more).await?;
    let has_more = found.len() > limit as usize;
    found.truncate(limit as usize);
    let next_cursor = found.last().filter(|_| has_more).map(|last| last.place);
    Ok(meta.with(DeliveriesReply {
        deliveries: found.into_iter().map(DeliveryReply::from).collect(),
        next_cursor,
    }))
}

/// What to send again.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct ResendRequest {
    /// One event; all that is parked where it is missing.
    event_id: Option<String>,
}

/// How much is on its way again.
#[derive(Debug, Serialize, ToSchema)]
struct ResendReply {
    /// Events.
    replayed: u64,
}

/// Sends what is parked again, for another 24 hours. An endpoint that answered 410 is told again.
#[utoipa::path(
    post, path = "/api/webhooks/{id}/replay", tag = "webhooks",
    params(("id" = String, Path, description = "The endpoint")),
    request_body(content = ResendRequest, example = json!({})),
    responses(
        (status = 200, description = "It is on its way", body = DataReply<ResendReply>),
        (status = 400, description = "`INVALID_FIELD` names the field", body = AdminErrorReply),
        (status = 401, description = "No live credential", body = AdminErrorReply),
        (status = 403, description = "A role or key without `webhooks:write`", body = AdminErrorReply),
        (status = 404, description = "No such endpoint in this shop", body = AdminErrorReply),
        (status = 413, description = "The body is longer than 64 KiB", body = AdminErrorReply),
        (status = 415, description = "The content type is not JSON", body = AdminErrorReply),
        (status = 500, description = "A bug of ours", body = AdminErrorReply),
        (status = 503, description = "Temporarily unavailable", body = AdminErrorReply),
    ),
    security(("bearer_key" = []), ("basic" = []), ("api_key" = []))
)]
async fn replay(
    State(app): State<App>,
    meta: Meta,
    SecretOrAdminShop(shop): SecretOrAdminShop,
    Path(id): Path<String>,
    Wire(request): Wire<ResendRequest>,
) -> Result<Json<DataReply<ResendReply>>, AppError> {
    let now = app.now();
    let mut tx = app.db().begin().await?;
    find(&mut tx, &shop, &id).await?;
    let event = request.event_id.as_deref();
    let replayed = queries::replay(&mut tx, &shop.id, &id, event, now, now.plus(DAY_MS)).await?;
    tx.commit().await?;
    Ok(meta.with(ResendReply { replayed }))
}
