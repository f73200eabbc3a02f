//! The scheduled reconcile: reads, for each shop that is connected, what its webhooks may have missed.
//!
//! Webhooks do miss things: WooCommerce sends no update within ten seconds of a creation, drops what fails,
//! and switches a webhook off that fails too often.

use std::future::Future;
use std::time::Duration;

use footfall_shared::id::ShopId;
use tokio::task::JoinSet;

use super::connection::find_connection;
use super::queries::connections as queries;
use super::sync::{Resource, SyncError, sync};
use crate::app::App;
use crate::db::StorageError;
use crate::shops;

/// How often the schedule is looked at. It is in the database, so several nodes share it.
const LOOK_EVERY: Duration = Duration::from_secs(30);
/// Shops that one node reads at once: a slow one must not hold up the others for long.
const SHOPS_AT_ONCE: usize = 4;

/// Reads what is due until `stop` is done. A reading that is cut off goes on at its page the next time.
pub async fn run(app: App, stop: impl Future<Output = ()> + Send) {
    if app.config().woocommerce_every_ms == 0 {
        return stop.await;
    }
    let looking = async {
        loop {
            if let Err(error) = reconcile_due(&app).await {
                tracing::warn!(%error, "the schedule of WooCommerce shops cannot be read");
            }
            tokio::time::sleep(LOOK_EVERY).await;
        }
    };
    tokio::select! {
        () = looking => {}
        () = stop => {}
    }
}

/// Reads each shop that is due now, once; how many there were.
pub async fn reconcile_due(app: &App) -> Result<usize, StorageError> {
    let due = queries::find_due(&mut app.db().read().await?, app.now()).await?;
    let mut readings = JoinSet::new();
    let mut count = 0;
    for shop in due {
        if !claim(app, &shop).await? {
            continue;
        }
        count += 1;
        if readings.len() >= SHOPS_AT_ONCE {
            readings.join_next().await;
        }
        readings.spawn(reconcile(app.clone(), shop));
    }
    readings.join_all().await;
    Ok(count)
}

async fn claim(app: &App, shop: &ShopId) -> Result<bool, StorageError> {
    let now = app.now();
    let next = now.plus(app.config().woocommerce_every_ms);
    let mut tx = app.db().begin().await?;
    let claimed = queries::claim(&mut tx, shop, now, next).await?;
    tx.commit().await?;
    Ok(claimed)
}

async fn reconcile(app: App, shop: ShopId) {
    if let Err(error) = read_shop(&app, &shop).await {
        let cause = std::error::Error::source(&error).map(ToString::to_string);
        tracing::warn!(shop.id = %shop, %error, cause, "a WooCommerce shop could not be read whole");
    }
}

async fn read_shop(app: &App, id: &ShopId) -> Result<(), SyncError> {
    let (shop, connection) = {
        let mut db = app.db().read().await?;
        let shop = shops::find_by_id(&mut db, id).await?;
        (shop, find_connection(&mut db, id).await?)
    };
    let access = connection.and_then(|connection| connection.api);
    let Some((shop, access)) = shop.zip(access) else {
        return Ok(());
    };
    sync(
        app,
        &shop,
        &access,
        &Resource::SCHEDULED,
        false,
        &|progress| {
            if progress.done {
                let counts = progress.counts;
                tracing::info!(
                    shop.id = %id,
                    resource = progress.resource.as_str(),
                    checked = counts.checked,
                    missing = counts.missing,
                    mended = counts.mended,
                    refused = counts.refused,
                    "a WooCommerce shop was reconciled"
                );
            }
        },
    )
    .await
}
