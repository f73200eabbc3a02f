//! Keeps what was computed up to the data.

use std::future::Future;
use std::time::Duration;

use footfall_shared::id::ShopId;
use footfall_shared::upload::field::Kind;
use serde_json::json;

use super::results;
use super::scope::{Need, Scope, find_sources_of_job};
use crate::app::App;
use crate::db::{StorageError, Tx};
use crate::jobs::{self, Job, JobKind, NewJob};
use crate::shops;

/// How often the shops' own orders are looked at: an analysis of all orders may be so old.
const LOOK_EVERY: Duration = Duration::from_secs(3_600);

/// The analyses, and what they are made from.
const ANALYSES: [(JobKind, Need); 3] = [
    (JobKind::Segments, Need::Lines),
    (JobKind::Affinity, Need::Lines),
    (JobKind::Sentiment, Need::Reviews),
];

/// Asks for what follows from new rows of a kind to be computed anew. `scope` is an upload, or empty for all of the shop's
/// data; `rows` is how many there are, as far as the caller knows.
pub async fn refresh(
    app: &App,
    tx: &mut Tx,
    shop: &ShopId,
    kind: Kind,
    scope: &str,
    rows: i64,
) -> Result<(), StorageError> {
    // Customers and products say more of what is there; alone they are nothing to analyse.
    let all = scope.is_empty() && matches!(kind, Kind::Customers | Kind::Products);
    for (analysis, need) in ANALYSES {
        if need.is_met_by(kind) || all {
            let what = NewJob {
                kind: analysis,
                subject: scope.to_owned(),
                options: json!({}),
            };
            jobs::enqueue(app, tx, shop, &what, Some(rows)).await?;
        }
    }
    Ok(())
}

/// Asks for what follows from the analyses of a scope, once none of them is under way any more but the one that ends now.
pub(super) async fn then_recommend(
    app: &App,
    tx: &mut Tx,
    ended: &Job,
) -> Result<(), StorageError> {
    let scope = ended.what.subject.as_str();
    for (analysis, _) in ANALYSES {
        // The one that ends is done in this transaction already.
        if jobs::find_running_or_queued(tx, &ended.shop, analysis, scope).await? {
            return Ok(());
        }
    }
    let what = NewJob {
        kind: JobKind::Recommendations,
        subject: scope.to_owned(),
        options: json!({}),
    };
    jobs::enqueue(app, tx, &ended.shop, &what, Some(1)).await?;
    Ok(())
}

/// Asks for the analyses of shops whose data have changed, until `stop` is done.
pub async fn keep_refreshing(app: App, stop: impl Future<Output = ()> + Send) {
    let refreshing = async {
        loop {
            if let Err(error) = refresh_due(&app).await {
                tracing::warn!(%error, "analyses cannot be kept up to date");
            }
            tokio::time::sleep(LOOK_EVERY).await;
        }
    };
    tokio::select! {
        () = refreshing => {}
        () = stop => {}
    }
}

/// Asks for each shop's analyses of all its data that are older than the data; how many.
pub async fn refresh_due(app: &App) -> Result<usize, StorageError> {
    let shops = shops::list_shops(&mut app.db().read().await?).await?;
    let mut asked = 0;
    for shop in shops {
        for (analysis, need) in ANALYSES {
            let (sources, known) = {
                let mut db = app.db().read().await?;
                let scope = Scope::of(None);
                let sources = find_sources_of_job(&mut db, &shop.id, &scope, need).await?;
                let known = results::find_version(&mut db, &shop.id, Scope::ALL, analysis).await?;
                (sources, known)
            };
            if sources.is_empty() || known.is_some_and(|known| known == sources.version()) {
                continue;
            }
            let what = NewJob {
                kind: analysis,
                subject: Scope::ALL.to_owned(),
                options: json!({}),
            };
            let mut tx = app.db().begin().await?;
            jobs::enqueue(app, &mut tx, &shop.id, &what, Some(sources.rows())).await?;
            tx.commit().await?;
            asked += 1;
        }
    }
    Ok(asked)
}
