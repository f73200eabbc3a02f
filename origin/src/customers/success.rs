//! How probably sales succeed: a shop's own model, fitted by a job on its closed sales.

use footfall_shared::customer::success::{COUNT, Line, Sample, SuccessModel};
use serde_json::json;

use super::queries::interactions;
use crate::app::App;
use crate::db::{Handle, StorageError, Tx};
use crate::jobs::{self, JobFault, JobKind, NewJob, Run};
use crate::journey::model::{self, fit::fit as fit_line};
use crate::shops::Shop;

/// Closed sales from which on a model is looked for, and the growth from which on it is looked for again.
const CLOSED_MIN: i64 = 50;
const GROWTH: f64 = 1.1;
/// Records read at once.
const AT_ONCE: i64 = 500;

/// The model that serves a shop.
pub(super) async fn model_of(
    db: &mut impl Handle,
    shop: &Shop,
) -> Result<SuccessModel, StorageError> {
    let found = interactions::find_model(db, &shop.id).await?;
    let own = found.and_then(|(model, _)| model);
    Ok(own.unwrap_or_else(SuccessModel::prior))
}

/// Asks for a fit where enough sales were closed since the last one.
pub(super) async fn ask_if_due(app: &App, tx: &mut Tx, shop: &Shop) -> Result<(), StorageError> {
    let closed = interactions::count_closed(tx, &shop.id).await?;
    let before = interactions::find_model(tx, &shop.id).await?;
    let before = before.map_or(0, |(_, closed)| closed);
    if closed < CLOSED_MIN || (closed as f64) < before as f64 * GROWTH {
        return Ok(());
    }
    let what = NewJob {
        kind: JobKind::SalesSuccess,
        subject: String::new(),
        options: json!({}),
    };
    jobs::enqueue(app, tx, &shop.id, &what, None).await?;
    Ok(())
}

/// Fits the shop's model, if its closed sales prove one.
pub async fn fit(run: &Run) -> Result<(), JobFault> {
    let (app, shop) = (&run.app, &run.job.shop);
    let (mut samples, mut closed, mut after) = (Vec::new(), 0, 0);
    loop {
        let mut db = app.db().read().await?;
        let records = interactions::list_closed(&mut db, shop, after, AT_ONCE).await?;
        let Some((last, ..)) = records.last() else {
            break;
        };
        after = *last;
        for (_, id, record) in &records {
            closed += 1;
            let history = interactions::history(&mut db, shop, id).await?;
            samples.extend(Sample::of(record, &history));
        }
    }
    let fitted = tokio::task::spawn_blocking(move || SuccessModel::fit(&samples, solve)).await?;
    let mut tx = app.db().begin().await?;
    interactions::save_model(&mut tx, shop, fitted.as_ref(), closed, app.now()).await?;
    let result = json!({
        "closed_sales": closed,
        "basis": if fitted.is_some() { "fitted" } else { "prior" },
        "brier": fitted.and_then(|model| model.brier),
    });
    run.finish(&mut tx, closed, &result).await?;
    tx.commit().await?;
    Ok(())
}

/// The regularized fit of a line, by the library that fits journeys'.
fn solve(samples: &[Sample]) -> Option<Line> {
    let samples: Vec<model::Sample> = samples
        .iter()
        .map(|sample| model::Sample {
            features: sample.features.to_vec(),
            bought: sample.won,
        })
        .collect();
    let line = fit_line(&samples).ok()?;
    let weights: [f64; COUNT] = line.weights.try_into().ok()?;
    Some(Line {
        intercept: line.intercept,
        weights,
    })
}
