//! The signed calls by which an edge asks for customers, devices and offers. They are no public interface
//! and stand in no OpenAPI document.

use axum::Json;
use axum::extract::State;
use axum::routing::post;
use footfall_shared::id::{ExternalId, ShopId};
use footfall_shared::wire::intelligence::BundleStatusReply;
use footfall_shared::wire::internal::{
    CustomerKey, CustomerReply, MoveOffer, RecognizeDevice, Recognized, path,
};
use utoipa_axum::router::OpenApiRouter;

use super::bundle::ensure_offer;
use super::entry::{find_entry, find_links};
use super::routes::{Wanted, answer_move};
use crate::app::App;
use crate::db::StorageError;
use crate::http::error::AppError;
use crate::http::extract::SignedEdge;
use crate::shops::{self, Shop};

/// The routes.
pub(super) fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new()
        .route(path::RECOGNIZE, post(recognize))
        .route(path::CUSTOMER_ENTRY, post(customer_entry))
        .route(path::ENSURE_OFFER, post(ensure))
        .route(path::MOVE_OFFER, post(move_offer))
}

async fn find_shop(app: &App, id: &ShopId) -> Result<Option<Shop>, StorageError> {
    let mut db = app.db().read().await?;
    shops::find_by_id(&mut db, id).await
}

async fn recognize(
    State(app): State<App>,
    SignedEdge(question): SignedEdge<RecognizeDevice>,
) -> Result<Json<Recognized>, AppError> {
    let RecognizeDevice { shop, keys } = question;
    let mut db = app.db().read().await?;
    let links = find_links(&mut db, &shop, &keys).await?;
    Ok(Json(Recognized { links }))
}

async fn customer_entry(
    State(app): State<App>,
    SignedEdge(CustomerKey { shop, email_hash }): SignedEdge<CustomerKey>,
) -> Result<Json<CustomerReply>, AppError> {
    let entry = match find_shop(&app, &shop).await? {
        Some(shop) => {
            let mut db = app.db().read().await?;
            find_entry(&mut db, &shop, &email_hash).await?
        }
        None => None,
    };
    Ok(Json(CustomerReply { entry }))
}

async fn ensure(
    State(app): State<App>,
    SignedEdge(CustomerKey { shop, email_hash }): SignedEdge<CustomerKey>,
) -> Result<Json<CustomerReply>, AppError> {
    let entry = match find_shop(&app, &shop).await? {
        Some(shop) => ensure_offer(&app, &shop, &email_hash, app.now())
            .await?
            .into_entry(),
        None => None,
    };
    Ok(Json(CustomerReply { entry }))
}

async fn move_offer(
    State(app): State<App>,
    SignedEdge(wanted): SignedEdge<MoveOffer>,
) -> Result<Json<BundleStatusReply>, AppError> {
    let MoveOffer {
        shop,
        offer,
        status,
        customer_email,
    } = wanted;
    let offer = ExternalId::parse("offer_id", &offer)?;
    let shop = find_shop(&app, &shop)
        .await?
        .ok_or(AppError::OfferNotFound)?;
    let wanted = Wanted {
        offer: &offer,
        status: &status,
        email: customer_email.as_ref(),
    };
    answer_move(&app, &shop, wanted).await.map(Json)
}
