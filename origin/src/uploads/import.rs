//! The job that reads an upload's rows, block by block.

use axum::body::Bytes;
use footfall_shared::id::ShopId;
use footfall_shared::money::Currency;
use footfall_shared::time::UtcMillis;
use footfall_shared::upload::date::DateOrder;
use footfall_shared::upload::field::Kind;
use serde_json::json;
use tokio::sync::mpsc;

use super::queries::{self, Upload, content};
use super::reading::{self, Arriving, Counts, Given, Piece};
use super::source::SourceError;
use crate::analytics;
use crate::app::App;
use crate::behavior;
use crate::db::{StorageError, Tx};
use crate::jobs::{Job, JobFault, Run};
use crate::privacy;
use crate::shops;

/// Pieces of the file, and of the work, that wait for the other side: what is held in memory.
const WAITING: usize = 4;

/// Reads the rows of an upload, from where an earlier try ended.
///
/// # Errors
/// [`JobFault::Impossible`] where the file is at fault.
pub async fn import(run: &Run) -> Result<(), JobFault> {
    let (app, shop) = (&run.app, &run.job.shop);
    let id = run.job.what.subject.as_str();
    let (upload, settings) = {
        let mut db = app.db().read().await?;
        let upload = queries::find(&mut db, shop, id).await?;
        (upload, shops::find_by_id(&mut db, shop).await?)
    };
    let (Some(upload), Some(settings)) = (upload, settings) else {
        return Err(JobFault::Lost);
    };
    let given = Given {
        asked: upload.asked.clone(),
        habit: habit_of(settings.currency),
        zone: settings.timezone.clone(),
        currency: settings.currency,
        before: upload.counts,
    };
    let (feed, arriving) = mpsc::channel(WAITING);
    let (tell, mut told) = mpsc::channel(WAITING);
    let feeding = tokio::spawn(feed_chunks(app.clone(), upload.clone(), feed));
    let reading =
        tokio::task::spawn_blocking(move || reading::read(Arriving::new(arriving), given, tell));
    while let Some(piece) = told.recv().await {
        write_down(run, &upload, &piece).await?;
    }
    let read = reading.await?;
    // A fault of the database looks like the end of the file to the reader.
    feeding.await??;
    match read {
        Ok(counts) => finish(run, &upload, &counts).await,
        Err(SourceError::Unreadable(reason)) => Err(JobFault::Impossible(reason)),
        Err(SourceError::Unwanted) => Err(JobFault::Lost),
    }
}

/// How people write dates where a currency is used, if a file does not show it.
fn habit_of(currency: Currency) -> DateOrder {
    match currency.as_str() {
        "USD" => DateOrder::MonthFirst,
        _ => DateOrder::DayFirst,
    }
}

async fn feed_chunks(
    app: App,
    upload: Upload,
    feed: mpsc::Sender<Bytes>,
) -> Result<(), StorageError> {
    for number in 0.. {
        let chunk = {
            let mut db = app.db().read().await?;
            content::find_chunk(&mut db, &upload.shop, &upload.id, number).await?
        };
        let Some(chunk) = chunk else { break };
        if feed.send(Bytes::from(chunk)).await.is_err() {
            break;
        }
    }
    Ok(())
}

async fn write_down(run: &Run, upload: &Upload, piece: &Piece) -> Result<(), JobFault> {
    let mut tx = run.app.db().begin().await?;
    run.note(&mut tx, piece.bytes, Some(upload.bytes)).await?;
    content::insert_piece(&mut tx, upload, piece).await?;
    tx.commit().await?;
    Ok(())
}

async fn finish(run: &Run, upload: &Upload, counts: &Counts) -> Result<(), JobFault> {
    let (app, shop) = (&run.app, &upload.shop);
    let mut tx = app.db().begin().await?;
    let result = json!({"rows_read": counts.read, "rows_taken": counts.taken, "rows_refused": counts.refused});
    run.finish(&mut tx, upload.bytes, &result).await?;
    queries::delete_chunks(&mut tx, shop, &upload.id).await?;
    queries::set_done(&mut tx, shop, &upload.id, app.now()).await?;
    privacy::ask_after_import(app, &mut tx, shop).await?;
    let kind = queries::find_kind(&mut tx, shop, &upload.id).await?;
    if let Some(kind) = kind {
        refresh(app, &mut tx, upload, kind, counts).await?;
    }
    tx.commit().await?;
    Ok(())
}

/// What follows from new rows is computed anew, for the upload and for all of the shop's data.
async fn refresh(
    app: &App,
    tx: &mut Tx,
    upload: &Upload,
    kind: Kind,
    counts: &Counts,
) -> Result<(), StorageError> {
    behavior::refresh(app, tx, &upload.shop, kind, &upload.id, counts.taken).await?;
    behavior::refresh(app, tx, &upload.shop, kind, "", counts.taken).await?;
    refresh_figures(app, tx, &upload.shop).await
}

/// The figures are made anew from all files at once, so the last of several files asks for it.
async fn refresh_figures(app: &App, tx: &mut Tx, shop: &ShopId) -> Result<(), StorageError> {
    let more = queries::list_sources(tx, shop).await?;
    if more.iter().all(|file| file.done) {
        analytics::ask_refresh(app, tx, shop).await?;
    }
    Ok(())
}

/// Notes that an upload's rows will not be read; what there is of them goes.
pub async fn give_up(
    app: &App,
    tx: &mut Tx,
    job: &Job,
    reason: &str,
    now: UtcMillis,
) -> Result<(), StorageError> {
    let id = job.what.subject.as_str();
    queries::delete_chunks(tx, &job.shop, id).await?;
    queries::delete_blocks(tx, &job.shop, id).await?;
    queries::set_failed(tx, &job.shop, id, reason, now).await?;
    refresh_figures(app, tx, &job.shop).await
}
