//! The job that keeps each shop's model: once a day, by one node, for shops that have enough of their own.

use std::future::Future;
use std::time::Duration;

use footfall_shared::id::ShopId;
use footfall_shared::journey::model::Model;
use footfall_shared::time::{DAY_MS, HOUR_MS, UtcMillis};

use super::queries::{self, Outcome, Try};
use super::shop::{CONVERSIONS_MIN, Fitted, NoModel, fit_visits, read_visits};
use crate::app::App;
use crate::content::{self, When};
use crate::db::{Handle, StorageError};
use crate::edges;
use crate::intelligence::take_turn;
use crate::shops::{self, Shop};

/// How often this process looks for shops that are due.
const LOOK_EVERY: Duration = Duration::from_secs(300);
/// How long a node has before another one tries; also when a fit is tried again that failed.
const LEASE_MS: i64 = HOUR_MS;

/// Why a shop got no model.
#[derive(Debug, thiserror::Error)]
pub enum ModelError {
    /// There is too little to fit on.
    #[error(transparent)]
    None(#[from] NoModel),
    /// The database said no.
    #[error(transparent)]
    Storage(#[from] StorageError),
    /// Another fit of the shop ended while this one ran.
    #[error("another fit of the shop ended first")]
    Overtaken,
    /// The fit did not end well.
    #[error("the fit broke off")]
    Broken(#[source] tokio::task::JoinError),
}

/// The model that serves a shop: its own latest that was published, else the prior.
pub async fn model_in_service(db: &mut impl Handle, shop: &ShopId) -> Result<Model, StorageError> {
    let published = queries::find_published(db, shop).await?;
    Ok(published.unwrap_or_else(Model::prior))
}

/// Fits what is due, until `stop` is done.
pub async fn keep_fitting(app: App, stop: impl Future<Output = ()> + Send) {
    let fitting = async {
        loop {
            if let Err(error) = fit_due(&app).await {
                tracing::warn!(%error, "shops' models could not be fitted");
            }
            tokio::time::sleep(LOOK_EVERY).await;
        }
    };
    tokio::select! {
        () = fitting => {}
        () = stop => {}
    }
}

/// Fits the models of shops that are due now and have enough of their own; how many were tried.
pub async fn fit_due(app: &App) -> Result<usize, StorageError> {
    let shops = shops::list_shops(&mut app.db().read().await?).await?;
    let mut tried = 0;
    for shop in shops {
        let now = app.now();
        let buyers = queries::count_buyers(&mut app.db().read().await?, &shop.id).await?;
        let enough = usize::try_from(buyers).is_ok_and(|buyers| buyers >= CONVERSIONS_MIN);
        if !enough || !claim(app, &shop.id, now).await? {
            continue;
        }
        tried += 1;
        match fit_shop(app, &shop).await {
            Ok(fitted) => tracing::info!(
                shop.id = %shop.id,
                published = fitted.is_better(),
                auc = fitted.own.auc,
                log_loss = fitted.own.log_loss,
                in_service = fitted.in_service.log_loss,
                "a shop's model was fitted"
            ),
            Err(error @ (ModelError::None(_) | ModelError::Overtaken)) => {
                tracing::info!(shop.id = %shop.id, %error, "a shop got no model of its own");
            }
            // It is due again when the lease is over: a fault must not cost a day.
            Err(error @ (ModelError::Storage(_) | ModelError::Broken(_))) => {
                tracing::warn!(shop.id = %shop.id, %error, "a shop's model could not be fitted");
                continue;
            }
        }
        let mut tx = app.db().begin().await?;
        queries::set_next(&mut tx, &shop.id, app.now().plus(DAY_MS)).await?;
        tx.commit().await?;
    }
    Ok(tried)
}

async fn claim(app: &App, shop: &ShopId, now: UtcMillis) -> Result<bool, StorageError> {
    let mut tx = app.db().begin().await?;
    let claimed = queries::claim(&mut tx, shop, now, now.plus(LEASE_MS)).await?;
    tx.commit().await?;
    Ok(claimed)
}

/// Fits a shop's model now, keeps the try, and publishes it where it is better than the one in service. A try for which
/// there is too little is kept, too.
///
/// # Errors
/// [`ModelError`]: there is too little to fit on, another fit was faster, or the database said no.
pub async fn fit_shop(app: &App, shop: &Shop) -> Result<Fitted, ModelError> {
    let now = app.now();
    let idle_ms = i64::from(shop.settings.session_idle_minutes) * 60_000;
    let (in_service, number) = {
        let mut db = app.db().read().await?;
        let number = queries::last_number(&mut db, &shop.id).await? + 1;
        (model_in_service(&mut db, &shop.id).await?, number)
    };
    let visits = read_visits(app.db(), &shop.id, idle_ms, now).await?;
    let version = format!("shop-{number}");
    // Minutes of arithmetic for a large shop: not on a thread that serves others.
    let fitting = tokio::task::spawn_blocking(move || fit_visits(&visits, &in_service, &version));
    let fitted = fitting.await.map_err(ModelError::Broken)?;
    let outcome = match &fitted {
        Ok(fitted) => Outcome::of(fitted),
        Err(NoModel::TooFew(counted)) => Outcome::TooFew(*counted),
        Err(NoModel::Fit(_)) => return Ok(fitted?),
    };
    let one = Try {
        number,
        at: now,
        outcome,
    };
    keep(app, shop, &one).await?;
    Ok(fitted?)
}

/// Keeps a try, and tells the edges of a model that is to be served.
async fn keep(app: &App, shop: &Shop, one: &Try) -> Result<(), ModelError> {
    let mut tx = app.db().begin().await?;
    take_turn(&mut tx, &shop.id).await?;
    // What it was judged beside may serve no more.
    if queries::last_number(&mut tx, &shop.id).await? + 1 != one.number {
        return Err(ModelError::Overtaken);
    }
    queries::insert(&mut tx, &shop.id, one).await?;
    if matches!(one.outcome, Outcome::Published(..)) {
        content::publish(app, &mut tx, &shop.id, When::Now, one.at).await?;
    }
    edges::commit(app, tx).await?;
    Ok(())
}
