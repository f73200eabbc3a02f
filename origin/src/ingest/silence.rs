//! The silence alarm: a shop whose events stop is noticed within hours, not discovered weeks later.

use std::collections::BTreeSet;
use std::time::Duration;

use footfall_shared::silence::{LOOK_BACK_HOURS, silent_hours};
use footfall_shared::time::{HOUR_MS, UtcMillis};

use super::queries;
use crate::app::App;
use crate::db::{Handle, StorageError};
use crate::shops;

/// How often the running origin looks.
const LOOK_EVERY: Duration = Duration::from_secs(300);

/// A shop that has been silent beyond its habit.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct SilentShop {
    /// Its slug.
    pub shop: String,
    /// For how many whole hours.
    pub hours: i64,
}

/// The shops that are silent now.
pub async fn find_silent(
    db: &mut impl Handle,
    now: UtcMillis,
) -> Result<Vec<SilentShop>, StorageError> {
    let hour = now.get().div_euclid(HOUR_MS);
    let mut silent = Vec::new();
    for shop in shops::list_shops(db).await? {
        let active = queries::active_hours(db, &shop.id, hour - LOOK_BACK_HOURS).await?;
        if let Some(hours) = silent_hours(&active, hour) {
            silent.push(SilentShop {
                shop: shop.slug,
                hours,
            });
        }
    }
    Ok(silent)
}

/// Warns once for each shop that falls silent, and tells when it is back, until `stop` is done.
pub async fn watch(app: App, stop: impl Future<Output = ()> + Send) {
    let look = async {
        let mut known = BTreeSet::new();
        loop {
            match look(&app).await {
                Ok(silent) => known = tell(known, silent),
                Err(error) => tracing::warn!(%error, "the silence of shops cannot be judged"),
            }
            tokio::time::sleep(LOOK_EVERY).await;
        }
    };
    tokio::select! {
        () = look => {}
        () = stop => {}
    }
}

async fn look(app: &App) -> Result<Vec<SilentShop>, StorageError> {
    find_silent(&mut app.db().read().await?, app.now()).await
}

fn tell(known: BTreeSet<String>, silent: Vec<SilentShop>) -> BTreeSet<String> {
    for SilentShop { shop, hours } in &silent {
        if !known.contains(shop) {
            tracing::warn!(shop, hours, "a shop's events have stopped");
        }
    }
    let silent: BTreeSet<String> = silent.into_iter().map(|one| one.shop).collect();
    for shop in known.difference(&silent) {
        tracing::info!(shop, "a shop's events are back");
    }
    silent
}
