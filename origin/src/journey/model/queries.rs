//! The SQL of shops' models.

use footfall_shared::id::ShopId;
use footfall_shared::journey::model::Model;
use footfall_shared::time::UtcMillis;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::shop::{Figures, Fitted};
use crate::db::{During, Handle, StorageError, Tx};
use crate::on_db;

const PUBLISHED: &str = "published";
const BEATEN: &str = "beaten";
/// Tries that are told.
const TOLD: i64 = 20;

/// A model that was tried.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Try {
    pub(super) number: i64,
    pub(super) at: UtcMillis,
    pub(super) published: bool,
    pub(super) model: Model,
    pub(super) figures: Compared,
}

/// The figures of a try, and of the model that it was to replace.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize, ToSchema)]
pub(super) struct Compared {
    /// Its own.
    pub(super) own: Figures,
    /// Those of the model in service then, on the same visits.
    pub(super) in_service: Figures,
}

impl Try {
    pub(super) fn of(number: i64, at: UtcMillis, fitted: &Fitted) -> Self {
        Self {
            number,
            at,
            published: fitted.is_better(),
            model: fitted.model.clone(),
            figures: Compared {
                own: fitted.own,
                in_service: fitted.in_service,
            },
        }
    }
}

/// The latest model that was published.
pub(super) async fn find_published(
    db: &mut impl Handle,
    shop: &ShopId,
) -> Result<Option<Model>, StorageError> {
    const STEP: &str = "find a shop's model";
    const SQL: &str = "SELECT model FROM journey_models WHERE shop_id = $1 AND state = $2 \
        ORDER BY number DESC LIMIT 1";
    let body: Option<String> = on_db!(db, |connection| {
        sqlx::query_scalar(SQL)
            .bind(shop.as_str())
            .bind(PUBLISHED)
            .fetch_optional(connection)
            .await
    })
    .during(STEP)?;
    body.map(|body| serde_json::from_str(&body).map_err(|cause| StorageError::corrupt(STEP, cause)))
        .transpose()
}

/// The number of the last try; 0 before the first.
pub(super) async fn last_number(db: &mut impl Handle, shop: &ShopId) -> Result<i64, StorageError> {
    const SQL: &str = "SELECT COALESCE(MAX(number), 0) FROM journey_models WHERE shop_id = $1";
    on_db!(db, |connection| {
        sqlx::query_scalar(SQL)
            .bind(shop.as_str())
            .fetch_one(connection)
            .await
    })
    .during("number a shop's model")
}

/// The latest tries, the newest first.
pub(super) async fn list(db: &mut impl Handle, shop: &ShopId) -> Result<Vec<Try>, StorageError> {
    const STEP: &str = "list a shop's models";
    const SQL: &str = "SELECT number, tried_at, state, model, figures FROM journey_models \
        WHERE shop_id = $1 ORDER BY number DESC LIMIT $2";
    let rows: Vec<(i64, i64, String, String, String)> = on_db!(db, |connection| {
        sqlx::query_as(SQL)
            .bind(shop.as_str())
            .bind(TOLD)
            .fetch_all(connection)
            .await
    })
    .during(STEP)?;
    rows.into_iter()
        .map(|(number, at, state, model, figures)| {
            let corrupt = |cause| StorageError::corrupt(STEP, cause);
            Ok(Try {
                number,
                at: UtcMillis::new(at),
                published: state == PUBLISHED,
                model: serde_json::from_str(&model).map_err(corrupt)?,
                figures: serde_json::from_str(&figures).map_err(corrupt)?,
            })
        })
        .collect()
}

/// Keeps a try.
pub(super) async fn insert(tx: &mut Tx, shop: &ShopId, one: &Try) -> Result<(), StorageError> {
    const STEP: &str = "keep a shop's model";
    const SQL: &str = "INSERT INTO journey_models (shop_id, number, tried_at, state, model, figures) \
        VALUES ($1, $2, $3, $4, $5, $6)";
    let corrupt = |cause| StorageError::corrupt(STEP, cause);
    let model = serde_json::to_string(&one.model).map_err(corrupt)?;
    let figures = serde_json::to_string(&one.figures).map_err(corrupt)?;
    on_db!(tx, |connection| {
        sqlx::query(SQL)
            .bind(shop.as_str())
            .bind(one.number)
            .bind(one.at.get())
            .bind(if one.published { PUBLISHED } else { BEATEN })
            .bind(&model)
            .bind(&figures)
            .execute(connection)
            .await
            .map(|_| ())
    })
    .during(STEP)
}

/// Visits of the shop that bought.
pub(super) async fn count_buyers(db: &mut impl Handle, shop: &ShopId) -> Result<i64, StorageError> {
    const SQL: &str = "SELECT COALESCE(CAST(SUM(visitors) AS BIGINT), 0) FROM journey_days \
        WHERE shop_id = $1 AND stage = 3";
    on_db!(db, |connection| {
        sqlx::query_scalar(SQL)
            .bind(shop.as_str())
            .fetch_one(connection)
            .await
    })
    .during("count the buyers")
}

/// Takes the fit of a shop that is due; whether nobody else has it.
pub(super) async fn claim(
    tx: &mut Tx,
    shop: &ShopId,
    now: UtcMillis,
    until: UtcMillis,
) -> Result<bool, StorageError> {
    const SQL: &str = "INSERT INTO journey_fits (shop_id, next_at) VALUES ($1, $2) \
        ON CONFLICT (shop_id) DO UPDATE SET next_at = excluded.next_at \
        WHERE journey_fits.next_at <= $3 RETURNING next_at";
    let claimed: Option<i64> = on_db!(tx, |connection| {
        sqlx::query_scalar(SQL)
            .bind(shop.as_str())
            .bind(until.get())
            .bind(now.get())
            .fetch_optional(connection)
            .await
    })
    .during("claim a shop's fit")?;
    Ok(claimed.is_some())
}

/// Sets when a shop is due again.
pub(super) async fn set_next(
    tx: &mut Tx,
    shop: &ShopId,
    next: UtcMillis,
) -> Result<(), StorageError> {
    const SQL: &str = "UPDATE journey_fits SET next_at = $2 WHERE shop_id = $1";
    on_db!(tx, |connection| {
        sqlx::query(SQL)
            .bind(shop.as_str())
            .bind(next.get())
            .execute(connection)
            .await
            .map(|_| ())
    })
    .during("set a shop's next fit")
}
