//! `/api/journey/content`, `/api/products/stock` and `/api/decisions/{id}`, and the signed call by which an edge asks
//! for a kit.

use axum::Json;
use axum::extract::{Path, State};
use axum::routing::post;
use footfall_shared::id::ExternalId;
use footfall_shared::journey::content::Kit;
use footfall_shared::text::InvalidField;
use footfall_shared::wire::internal::{AskKit, KitReply, path};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::catalogue::Catalogue;
use super::decisions::{self, Explained};
use super::kit::{When, current_kit, publish, replace};
use super::queries::catalogue::{find_catalogue, set_stock};
use crate::app::App;
use crate::auth::SecretOrAdminShop;
use crate::edges;
use crate::http::envelope::{AdminErrorReply, DataReply, Meta};
use crate::http::error::AppError;
use crate::http::extract::{SignedEdge, Wire};
use crate::intelligence::{ExplainedOffer, explain_offer, take_turn};

/// Largest catalogue, in bytes: nine slots of twelve long variants.
const CATALOGUE_BYTES_MAX: usize = 256 * 1024;
/// Most stocks in one call.
const STOCKS_MAX: usize = 1000;

/// The routes with their notes.
pub fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new()
        .routes(routes!(show_content, replace_content))
        .routes(routes!(set_stocks))
        .routes(routes!(explain))
        .route(path::KIT, post(kit))
}

/// A shop's content.
#[derive(Debug, Serialize, ToSchema)]
struct ContentReply {
    /// What may be shown.
    content: Catalogue,
    /// The version of the kit that the edges decide by; `null` where none was published.
    kit_version: Option<i64>,
}

/// What the shop may show, by slot.
#[utoipa::path(
    get, path = "/api/journey/content", tag = "content",
    responses(
        (status = 200, description = "The catalogue", body = DataReply<ContentReply>),
        (status = 401, description = "No live credential", body = AdminErrorReply),
        (status = 403, description = "A role or key without `content:read`", body = AdminErrorReply),
        (status = 500, description = "A bug of ours", body = AdminErrorReply),
        (status = 503, description = "Temporarily unavailable", body = AdminErrorReply),
    ),
    security(("bearer_key" = []), ("basic" = []), ("api_key" = []))
)]
async fn show_content(
    State(app): State<App>,
    meta: Meta,
    SecretOrAdminShop(shop): SecretOrAdminShop,
) -> Result<Json<DataReply<ContentReply>>, AppError> {
    let mut db = app.db().read().await?;
    let content = find_catalogue(&mut db, &shop.id).await?;
    let kit = current_kit(&mut db, &shop.id).await?;
    Ok(meta.with(ContentReply {
        content: content.unwrap_or_default(),
        kit_version: kit.map(|kit| kit.version),
    }))
}

/// Replaces what the shop may show. The edges are told at once; what was measured of a variant stays with its id.
#[utoipa::path(
    put, path = "/api/journey/content", tag = "content",
    request_body(content = Catalogue, example = json!({"holdout": 0.1, "slots": [{"slot": "hero_message", "neutral": "Welcome", "variants": [{"id": "seen_on_tiktok", "content": "Seen on TikTok", "conditions": {"source": ["tiktok"]}}]}]})),
    responses(
        (status = 200, description = "The catalogue as it is now", body = DataReply<ContentReply>),
        (status = 400, description = "`INVALID_FIELD` names the field that is unknown or wrong; nothing was changed", body = AdminErrorReply),
        (status = 401, description = "No live credential", body = AdminErrorReply),
        (status = 403, description = "A role or key without `content:write`", body = AdminErrorReply),
        (status = 413, description = "The body is longer than 256 KiB", body = AdminErrorReply),
        (status = 415, description = "The content type is not JSON", body = AdminErrorReply),
        (status = 500, description = "A bug of ours", body = AdminErrorReply),
        (status = 503, description = "Temporarily unavailable", body = AdminErrorReply),
    ),
    security(("bearer_key" = []), ("basic" = []), ("api_key" = []))
)]
async fn replace_content(
    State(app): State<App>,
    meta: Meta,
    SecretOrAdminShop(shop): SecretOrAdminShop,
    Wire(content): Wire<Catalogue, CATALOGUE_BYTES_MAX>,
) -> Result<Json<DataReply<ContentReply>>, AppError> {
    content.check()?;
    let mut tx = app.db().begin().await?;
    take_turn(&mut tx, &shop.id).await?;
    replace(&app, &mut tx, &shop.id, &content, app.now()).await?;
    let kit = current_kit(&mut tx, &shop.id).await?;
    edges::commit(&app, tx).await?;
    Ok(meta.with(ContentReply {
        content,
        kit_version: kit.map(|kit| kit.version),
    }))
}

/// How many of a product are left.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct StockField {
    /// The shop's id of the product.
    #[schema(value_type = String)]
    product_id: ExternalId,
    /// How many are left; `null` where nobody counts.
    quantity: Option<i64>,
}

/// Stocks of products.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct StocksRequest {
    /// At most 1,000.
    stocks: Vec<StockField>,
}

/// What became of them.
#[derive(Debug, Serialize, ToSchema)]
struct StocksReply {
    /// Products that were written down.
    updated: usize,
    /// Products that the shop does not have; orders and feeds tell of them.
    #[schema(value_type = Vec<String>)]
    unknown: Vec<ExternalId>,
}

/// Tells how many of the shop's products are left. Content that shows a stock changes at once.
#[utoipa::path(
    put, path = "/api/products/stock", tag = "content",
    request_body(content = StocksRequest, example = json!({"stocks": [{"product_id": "44", "quantity": 23}]})),
    responses(
        (status = 200, description = "Written down", body = DataReply<StocksReply>),
        (status = 400, description = "`INVALID_FIELD` names the field that is wrong; nothing was changed", body = AdminErrorReply),
        (status = 401, description = "No live credential", body = AdminErrorReply),
        (status = 403, description = "A role or key without `content:write`", body = AdminErrorReply),
        (status = 413, description = "The body is longer than 256 KiB", body = AdminErrorReply),
        (status = 415, description = "The content type is not JSON", body = AdminErrorReply),
        (status = 500, description = "A bug of ours", body = AdminErrorReply),
        (status = 503, description = "Temporarily unavailable", body = AdminErrorReply),
    ),
    security(("bearer_key" = []), ("basic" = []), ("api_key" = []))
)]
async fn set_stocks(
    State(app): State<App>,
    meta: Meta,
    SecretOrAdminShop(shop): SecretOrAdminShop,
    Wire(request): Wire<StocksRequest, CATALOGUE_BYTES_MAX>,
) -> Result<Json<DataReply<StocksReply>>, AppError> {
    if request.stocks.len() > STOCKS_MAX {
        let reason = format!("must hold at most {STOCKS_MAX}");
        return Err(InvalidField::new("stocks", reason).into());
    }
    let now = app.now();
    let mut tx = app.db().begin().await?;
    take_turn(&mut tx, &shop.id).await?;
    let (mut updated, mut unknown) = (0, Vec::new());
    for StockField {
        product_id,
        quantity,
    } in request.stocks
    {
        if set_stock(&mut tx, &shop.id, &product_id, quantity).await? {
            updated += 1;
        } else {
            unknown.push(product_id);
        }
    }
    if find_catalogue(&mut tx, &shop.id).await?.is_some() {
        publish(&app, &mut tx, &shop.id, When::Now, now).await?;
    }
    edges::commit(&app, tx).await?;
    Ok(meta.with(StocksReply { updated, unknown }))
}

/// What a decision was.
#[derive(Debug, Serialize, ToSchema)]
#[serde(untagged)]
enum Explanation {
    /// What a shopper was shown.
    Choice(Box<Explained>),
    /// A bundle offer.
    Offer(Box<ExplainedOffer>),
}

/// Explains what was decided, in words and numbers, and makes the decision again from the log.
#[utoipa::path(
    get, path = "/api/decisions/{id}", tag = "content",
    params(("id" = String, Path, description = "The `decisionId` of a reply, or the id of an offer (`off_…`)")),
    responses(
        (status = 200, description = "The decisions", body = DataReply<Explanation>),
        (status = 401, description = "No live credential", body = AdminErrorReply),
        (status = 403, description = "A role or key without `journeys:read`", body = AdminErrorReply),
        (status = 404, description = "No such decision in this shop", body = AdminErrorReply),
        (status = 500, description = "A bug of ours", body = AdminErrorReply),
        (status = 503, description = "Temporarily unavailable", body = AdminErrorReply),
    ),
    security(("bearer_key" = []), ("basic" = []), ("api_key" = []))
)]
async fn explain(
    State(app): State<App>,
    meta: Meta,
    SecretOrAdminShop(shop): SecretOrAdminShop,
    Path(id): Path<String>,
) -> Result<Json<DataReply<Explanation>>, AppError> {
    let mut db = app.db().read().await?;
    if let Some(explained) = decisions::explain(&mut db, &shop.id, &id).await? {
        return Ok(meta.with(Explanation::Choice(Box::new(explained))));
    }
    let offer = explain_offer(&mut db, &shop.id, &id).await?;
    offer
        .map(|offer| meta.with(Explanation::Offer(Box::new(offer))))
        .ok_or(AppError::NotFound)
}

async fn kit(
    State(app): State<App>,
    SignedEdge(AskKit { shop }): SignedEdge<AskKit>,
) -> Result<Json<KitReply>, AppError> {
    let kit: Option<Kit> = current_kit(&mut app.db().read().await?, &shop).await?;
    let version = kit.as_ref().map_or(0, |kit| kit.version);
    Ok(Json(KitReply { version, kit }))
}
