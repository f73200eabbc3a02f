//! The SQL of shops' models.

use footfall_shared::id::ShopId;
use footfall_shared::journey::model::Model;
use footfall_shared::time::UtcMillis;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::shop::{Counted, Figures, Fitted};
use crate::db::{During, Handle, StorageError, Tx};
use crate::on_db;

const PUBLISHED: &str = "published";
const BEATEN: &str = "beaten";
const TOO_FEW: &str = "too_few";
/// Tries that are told.
const TOLD: i64 = 20;

/// A try to fit a model.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Try {
    pub(super) number: i64,
    pub(super) at: UtcMillis,
    pub(super) outcome: Outcome,
}

/// What came of a try.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Outcome {
    /// A model that was better than the one in service, and replaced it.
    Published(Model, Compared),
    /// A model that was not.
    Beaten(Model, Compared),
    /// No model: the shop had too little to fit on.
    TooFew(Counted),
}

/// The figures of a try, and of the model that it was to replace.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize, ToSchema)]
pub(super) struct Compared {
    /// Its own.
    pub(super) own: Figures,
    /// Those of the model in service then, on the same visits.
    pub(super) in_service: Figures,
}

impl Outcome {
    pub(super) fn of(fitted: &Fitted) -> Self {
        let figures = Compared {
            own: fitted.own,
            in_service: fitted.in_service,
        };
        match fitted.is_better() {
            true => Self::Published(fitted.model.clone(), figures),
            false => Self::Beaten(fitted.model.clone(), figures),
        }
    }

    /// State, model and figures, as they are stored.
    fn columns(&self) -> serde_json::Result<(&'static str, Option<String>, String)> {
        let text = |model| serde_json::to_string(model).map(Some);
        Ok(match self {
            Self::Published(model, told) => (PUBLISHED, text(model)?, serde_json::to_string(told)?),
            Self::Beaten(model, told) => (BEATEN, text(model)?, serde_json::to_string(told)?),
            Self::TooFew(counted) => (TOO_FEW, None, serde_json::to_string(counted)?),
        })
    }

    fn read(state: &str, model: Option<&str>, figures: &str) -> serde_json::Result<Self> {
        let model = || serde_json::from_str(model.unwrap_or_default());
        match state {
            PUBLISHED => Ok(Self::Published(model()?, serde_json::from_str(figures)?)),
            BEATEN => Ok(Self::Beaten(model()?, serde_json::from_str(figures)?)),
            TOO_FEW => serde_json::from_str(figures).map(Self::TooFew),
            other => Err(serde::de::Error::custom(format_args!(
                "no state of a try: {other}"
            ))),
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
    let rows: Vec<(i64, i64, String, Option<String>, String)> = on_db!(db, |connection| {
        sqlx::query_as(SQL)
            .bind(shop.as_str())
            .bind(TOLD)
            .fetch_all(connection)
            .await
    })
    .during(STEP)?;
    rows.into_iter()
        .map(|(number, at, state, model, figures)| {
            let outcome = Outcome::read(&state, model.as_deref(), &figures);
            Ok(Try {
                number,
                at: UtcMillis::new(at),
                outcome: outcome.map_err(|cause| StorageError::corrupt(STEP, cause))?,
            })
        })
        .collect()
}

/// Keeps a try.
pub(super) async fn insert(tx: &mut Tx, shop: &ShopId, one: &Try) -> Result<(), StorageError> {
    const STEP: &str = "keep a shop's model";
    const SQL: &str = "INSERT INTO journey_models (shop_id, number, tried_at, state, model, figures) \
        VALUES ($1, $2, $3, $4, $5, $6)";
    let columns = one.outcome.columns();
    let (state, model, figures) = columns.map_err(|cause| StorageError::corrupt(STEP, cause))?;
    on_db!(tx, |connection| {
        sqlx::query(SQL)
            .bind(shop.as_str())
            .bind(one.number)
            .bind(one.at.get())
            .bind(state)
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
