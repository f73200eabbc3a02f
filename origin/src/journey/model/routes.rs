//! `GET /api/journey/model`: which model serves the shop, and how good it and those before it are.

use axum::Json;
use axum::extract::State;
use footfall_shared::journey::model::{Basis, Model};
use serde::Serialize;
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::job::model_in_service;
use super::queries::{self, Compared, Outcome, Try};
use super::shop::{CONVERSIONS_MIN, Counted};
use crate::app::App;
use crate::auth::SecretOrAdminShop;
use crate::http::envelope::{AdminErrorReply, DataReply, Meta};
use crate::http::error::AppError;

pub(in crate::journey) fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new().routes(routes!(model))
}

/// The model that serves a shop.
#[derive(Debug, Serialize, ToSchema)]
struct ModelReply {
    /// Its version.
    version: String,
    /// What it was fitted on.
    basis: Basis,
    /// Where it comes from, in words.
    source: String,
    /// Sessions that it was fitted on.
    sessions: u32,
    /// Those of them that bought.
    conversions: u32,
    /// Buying visits of the shop so far, and how many a model of its own needs.
    buyers: i64,
    /// See `buyers`.
    buyers_needed: usize,
    /// Tries to fit one on the shop's own sessions, the latest first.
    tries: Vec<TryReply>,
}

/// A try to fit a model.
#[derive(Debug, Serialize, ToSchema)]
struct TryReply {
    /// Its number; the model that it made is named by it.
    number: i64,
    /// When, RFC 3339.
    at: String,
    /// What came of it.
    #[serde(flatten)]
    outcome: OutcomeReply,
}

/// What came of a try.
#[derive(Debug, Serialize, ToSchema)]
#[serde(tag = "state", rename_all = "snake_case")]
enum OutcomeReply {
    /// The model was better than the one in service, and replaced it.
    Published(TriedReply),
    /// The model was no better than the one in service.
    Beaten(TriedReply),
    /// There was too little to fit on.
    TooFew(Counted),
}

/// A model that was tried.
#[derive(Debug, Serialize, ToSchema)]
struct TriedReply {
    /// Its version.
    version: String,
    /// Sessions that it was fitted on.
    sessions: u32,
    /// Those of them that bought.
    conversions: u32,
    /// On the later visits, which it has not seen.
    figures: Compared,
}

impl From<Try> for TryReply {
    fn from(one: Try) -> Self {
        let tried = |model: Model, figures| TriedReply {
            version: model.version,
            sessions: model.sessions,
            conversions: model.conversions,
            figures,
        };
        Self {
            number: one.number,
            at: one.at.to_rfc3339(),
            outcome: match one.outcome {
                Outcome::Published(model, told) => OutcomeReply::Published(tried(model, told)),
                Outcome::Beaten(model, told) => OutcomeReply::Beaten(tried(model, told)),
                Outcome::TooFew(counted) => OutcomeReply::TooFew(counted),
            },
        }
    }
}

/// Which conversion model serves the shop, and how good it is.
#[utoipa::path(
    get, path = "/api/journey/model", tag = "journey",
    responses(
        (status = 200, description = "The model", body = DataReply<ModelReply>),
        (status = 401, description = "No live credential", body = AdminErrorReply),
        (status = 403, description = "A role or key without `journeys:read`", body = AdminErrorReply),
        (status = 500, description = "A bug of ours", body = AdminErrorReply),
        (status = 503, description = "Temporarily unavailable", body = AdminErrorReply),
    ),
    security(("bearer_key" = []), ("basic" = []), ("api_key" = []))
)]
async fn model(
    State(app): State<App>,
    meta: Meta,
    SecretOrAdminShop(shop): SecretOrAdminShop,
) -> Result<Json<DataReply<ModelReply>>, AppError> {
    let mut db = app.db().read().await?;
    let Model {
        version,
        basis,
        source,
        sessions,
        conversions,
        ..
    } = model_in_service(&mut db, &shop.id).await?;
    let tries = queries::list(&mut db, &shop.id).await?;
    Ok(meta.with(ModelReply {
        version,
        basis,
        source,
        sessions,
        conversions,
        buyers: queries::count_buyers(&mut db, &shop.id).await?,
        buyers_needed: CONVERSIONS_MIN,
        tries: tries.into_iter().map(TryReply::from).collect(),
    }))
}
