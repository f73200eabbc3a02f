//! `/api/v1/customers`.

use axum::Json;
use axum::extract::{Path, State};
use axum::response::{IntoResponse, Response};
use footfall_shared::customer::list::{InteractionFilter, RecordFilter, RetentionPolicy};
use footfall_shared::customer::{CustomerRecord, Interaction};
use footfall_shared::id::CustomerRecordId;
use footfall_shared::wire::customers::{
    CustomerInteractionListReply, CustomerInteractionQuery, CustomerInteractionRecordedReply,
    CustomerInteractionRequest, CustomerRecordCreatedReply, CustomerRecordItem,
    CustomerRecordListReply, CustomerRecordQuery, CustomerRecordReply, CustomerRecordRequest,
    CustomerRecordUpdateRequest, CustomerRecordUpdatedReply, RecordFacts,
};
use http::header::{ETAG, IF_MATCH, LOCATION};
use http::{HeaderMap, HeaderName, StatusCode};
use serde::Deserialize;
use utoipa::IntoParams;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::change::{self, etag};
use super::meter::{BULK, INTERACTION, Metered, PROFILE};
use super::queries::records::Facets;
use super::queries::{interactions, records, search};
use super::{create, forget, interact, refuse};
use crate::app::App;
use crate::http::envelope::{CustomerErrorReply, CustomerRefusals};
use crate::http::error::AppError;
use crate::http::extract::{Wire, WireQuery};
use crate::intelligence;

/// What became of a deleted customer's data.
const RETENTION: HeaderName = HeaderName::from_static("x-data-retention");
/// Interactions that were deleted or anonymized with the customer.
const RELATED: HeaderName = HeaderName::from_static("x-related-records-updated");

/// The routes.
pub fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new()
        .routes(routes!(list, add))
        .routes(routes!(show, update, delete))
        .routes(routes!(list_interactions, add_interaction))
}

fn id_of(text: &str) -> Result<CustomerRecordId, AppError> {
    CustomerRecordId::parse(text).map_err(|_| refuse::not_found())
}

/// Creates a customer. The same person, by the email or by name and demographics, is refused.
#[utoipa::path(
    post, path = "/api/v1/customers", tag = "customer management",
    request_body = CustomerRecordRequest,
    responses(
        (status = 201, description = "Created", body = CustomerRecordCreatedReply,
         headers(("Location" = String, description = "The customer's own route"), ("ETag" = String, description = "For `If-Match`"))),
        (status = 413, description = "`body_too_large`", body = CustomerErrorReply),
        CustomerRefusals,
    ),
    security(("bearer_key" = []), ("basic" = []), ("api_key" = []))
)]
async fn add(
    State(app): State<App>,
    Metered(shop): Metered<PROFILE>,
    Wire(request): Wire<CustomerRecordRequest>,
) -> Result<Response, AppError> {
    let record = CustomerRecord::parse(&request)?;
    let now = app.now();
    let id = create::create(&app, &shop, &record, now).await?;
    let headers = [
        (LOCATION, format!("/api/v1/customers/{id}")),
        (ETAG, etag(1)),
    ];
    let reply = CustomerRecordCreatedReply::from_record(&id, &record, now);
    Ok((StatusCode::CREATED, headers, Json(reply)).into_response())
}

/// Customers, the newest first. All filters must hold; a search finds words of name, profession, location and notes that
/// begin with its words.
#[utoipa::path(
    get, path = "/api/v1/customers", tag = "customer management",
    params(
        ("personality_type" = Option<String>, Query, description = "`D`, `I`, `S` or `C`"),
        ("budget_range" = Option<String>, Query, description = "As customers have it", example = "40k_60k"),
        ("sales_stage" = Option<String>, Query,
         description = "`prospecting`, `presentation`, `negotiation`, `closed_won` or `closed_lost`"),
        ("search" = Option<String>, Query, description = "Words, or beginnings of words", example = "engineer"),
        ("limit" = Option<u32>, Query, description = "1 to 100; 20 without it"),
        ("offset" = Option<u32>, Query, description = "Customers to pass over"),
    ),
    responses((status = 200, description = "A page of customers", body = CustomerRecordListReply), CustomerRefusals),
    security(("bearer_key" = []), ("basic" = []), ("api_key" = []))
)]
async fn list(
    State(app): State<App>,
    Metered(shop): Metered<BULK>,
    WireQuery(query): WireQuery<CustomerRecordQuery>,
) -> Result<Json<CustomerRecordListReply>, AppError> {
    let filter = RecordFilter::parse(&query)?;
    let (page, asked) = (filter.page, Facets::asked(&filter));
    let mut db = app.db().read().await?;
    let (found, total) = match &filter.search {
        Some(search) => {
            let (numbers, total) =
                search::find(&mut db, &shop.id, search, &asked, page.limit, page.offset).await?;
            (
                records::list_numbers(&mut db, &shop.id, &numbers).await?,
                total,
            )
        }
        None => (
            records::list(&mut db, &shop.id, &asked, page.limit, page.offset).await?,
            records::count(&mut db, &shop.id, &asked).await?,
        ),
    };
    let items = found
        .into_iter()
        .map(|(id, name, overview)| CustomerRecordItem::from_overview(&id, name, overview));
    Ok(Json(CustomerRecordListReply::from_page(
        items.collect(),
        total,
        page,
    )))
}

/// A customer with all that follows from what is known. Where a shopper with counted orders has the same email, orders,
/// score and offer are shown, too.
#[utoipa::path(
    get, path = "/api/v1/customers/{id}", tag = "customer management",
    params(("id" = String, Path, description = "The customer")),
    responses(
        (status = 200, description = "The customer", body = CustomerRecordReply,
         headers(("ETag" = String, description = "For `If-Match`"))),
        CustomerRefusals,
    ),
    security(("bearer_key" = []), ("basic" = []), ("api_key" = []))
)]
async fn show(
    State(app): State<App>,
    Metered(shop): Metered<PROFILE>,
    Path(id): Path<String>,
) -> Result<Response, AppError> {
    let id = id_of(&id)?;
    let mut db = app.db().read().await?;
    let stored = records::find(&mut db, &shop.id, &id).await?;
    let stored = stored.ok_or_else(refuse::not_found)?;
    let history = interactions::history(&mut db, &shop.id, &id).await?;
    let shopper = match &stored.record.email {
        Some(email) => intelligence::find_buyer(&mut db, &shop, email).await?,
        None => None,
    };
    let facts = RecordFacts {
        id: &id,
        record: &stored.record,
        history: &history,
        recommendations: history.recommendations(),
        shopper: shopper.as_ref(),
        created: stored.created,
        updated: stored.updated,
    };
    let reply = CustomerRecordReply::from_facts(&facts, app.now());
    Ok(([(ETAG, etag(stored.version))], Json(reply)).into_response())
}

/// Changes a customer in part: objects are merged, lists replace, `null` clears. With `If-Match` only if nobody has changed
/// it meanwhile.
#[utoipa::path(
    put, path = "/api/v1/customers/{id}", tag = "customer management",
    params(
        ("id" = String, Path, description = "The customer"),
        ("If-Match" = Option<String>, Header, description = "The ETag that was read"),
    ),
    request_body = CustomerRecordUpdateRequest,
    responses(
        (status = 200, description = "What has changed", body = CustomerRecordUpdatedReply,
         headers(("ETag" = String, description = "For `If-Match`"))),
        CustomerRefusals,
    ),
    security(("bearer_key" = []), ("basic" = []), ("api_key" = []))
)]
async fn update(
    State(app): State<App>,
    Metered(shop): Metered<PROFILE>,
    Path(id): Path<String>,
    headers: HeaderMap,
    Wire(patch): Wire<CustomerRecordUpdateRequest>,
) -> Result<Response, AppError> {
    let id = id_of(&id)?;
    let if_match = headers
        .get(IF_MATCH)
        .map(|tags| tags.to_str().unwrap_or_default());
    let changed = change::change(&app, &shop, &id, &patch, if_match, app.now()).await?;
    let reply = CustomerRecordUpdatedReply::from_update(&id, &changed.change, changed.updated);
    Ok(([(ETAG, etag(changed.version))], Json(reply)).into_response())
}

/// What becomes of the data.
#[derive(Debug, Default, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
struct Retention {
    /// `anonymize`, the usual one: figures stay, nobody is named in them; or `erase`.
    data_retention_policy: Option<String>,
}

/// Deletes a customer with all that was done.
#[utoipa::path(
    delete, path = "/api/v1/customers/{id}", tag = "customer management",
    params(("id" = String, Path, description = "The customer"), Retention),
    responses(
        (status = 204, description = "Deleted", headers(
            ("X-Data-Retention" = String, description = "`anonymized` or `erased`"),
            ("X-Related-Records-Updated" = u64, description = "Interactions that were deleted or anonymized, too"))),
        CustomerRefusals,
    ),
    security(("bearer_key" = []), ("basic" = []), ("api_key" = []))
)]
async fn delete(
    State(app): State<App>,
    Metered(shop): Metered<PROFILE>,
    Path(id): Path<String>,
    WireQuery(retention): WireQuery<Retention>,
) -> Result<Response, AppError> {
    let id = id_of(&id)?;
    let policy = match retention.data_retention_policy.as_deref() {
        None => RetentionPolicy::Anonymize,
        Some(text) => RetentionPolicy::parse("data_retention_policy", text)?,
    };
    let related = forget::forget(&app, &shop, &id, policy, app.now()).await?;
    let headers = [
        (RETENTION, policy.done().to_owned()),
        (RELATED, related.to_string()),
    ];
    Ok((StatusCode::NO_CONTENT, headers).into_response())
}

/// Records what was done with a customer.
#[utoipa::path(
    post, path = "/api/v1/customers/{id}/interactions", tag = "customer management",
    params(("id" = String, Path, description = "The customer")),
    request_body = CustomerInteractionRequest,
    responses(
        (status = 201, description = "Recorded, and what it changed", body = CustomerInteractionRecordedReply),
        CustomerRefusals,
    ),
    security(("bearer_key" = []), ("basic" = []), ("api_key" = []))
)]
async fn add_interaction(
    State(app): State<App>,
    Metered(shop): Metered<INTERACTION>,
    Path(id): Path<String>,
    Wire(request): Wire<CustomerInteractionRequest>,
) -> Result<Response, AppError> {
    let id = id_of(&id)?;
    let now = app.now();
    let interaction = Interaction::parse(&request, now)?;
    let done = interact::record(&app, &shop, &id, interaction, now).await?;
    let reply = CustomerInteractionRecordedReply::from_history(
        &id,
        &done.record,
        &done.history,
        &done.recorded,
        &done.model,
    );
    Ok((StatusCode::CREATED, Json(reply)).into_response())
}

/// What was done with a customer, the latest first.
#[utoipa::path(
    get, path = "/api/v1/customers/{id}/interactions", tag = "customer management",
    params(
        ("id" = String, Path, description = "The customer"),
        ("limit" = Option<u32>, Query, description = "1 to 100; 20 without it"),
        ("offset" = Option<u32>, Query, description = "Interactions to pass over"),
        ("include_recommendations" = Option<bool>, Query, description = "Whether the recommendations that led them are told"),
    ),
    responses(
        (status = 200, description = "The interactions, and all of them in short", body = CustomerInteractionListReply),
        CustomerRefusals,
    ),
    security(("bearer_key" = []), ("basic" = []), ("api_key" = []))
)]
async fn list_interactions(
    State(app): State<App>,
    Metered(shop): Metered<INTERACTION>,
    Path(id): Path<String>,
    WireQuery(query): WireQuery<CustomerInteractionQuery>,
) -> Result<Json<CustomerInteractionListReply>, AppError> {
    let id = id_of(&id)?;
    let filter = InteractionFilter::parse(&query)?;
    let mut db = app.db().read().await?;
    let stored = records::find(&mut db, &shop.id, &id).await?;
    stored.ok_or_else(refuse::not_found)?;
    let history = interactions::history(&mut db, &shop.id, &id).await?;
    Ok(Json(CustomerInteractionListReply::from_history(
        &id,
        &history,
        filter,
        app.now(),
    )))
}
