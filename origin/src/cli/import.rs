//! `footfall import FILE`: a file of rows straight into the database, with a bar.

use std::io::{IsTerminal as _, Read as _, Write as _};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use anyhow::{Context, bail};
use clap::Args;
use footfall_shared::upload::layout::Asked;

use super::{admin, open, say};
use crate::app::App;
use crate::config::Config;
use crate::jobs::work_until_idle;
use crate::shops::Shop;
use crate::uploads::{Incoming, Progress, Received, find_progress};

/// How often the bar moves.
const LOOK_EVERY: Duration = Duration::from_millis(200);
/// Bytes that are read at once.
const READ_BYTES: usize = 1024 * 1024;
/// Characters of the bar.
const BAR: usize = 30;

/// What to import, and how to read it.
#[derive(Debug, Args)]
pub(super) struct Import {
    /// CSV or the like, or xlsx; packed with gzip or not.
    #[arg(value_name = "FILE")]
    file: PathBuf,
    /// The shop.
    #[arg(long, default_value = crate::demo::SLUG, value_name = "SLUG")]
    shop: String,
    /// What is said of the file, as JSON: {"kind": "reviews", "mapping": {"text": "Comment"}, "dates": "day_first",
    /// "decimal": "comma"}. What is missing is recognized.
    #[arg(long, default_value = "{}", value_name = "JSON")]
    reading: String,
}

/// Imports a file and computes what follows from it.
pub(super) async fn run(config: &Config, import: &Import) -> anyhow::Result<()> {
    let asked: Asked = serde_json::from_str(&import.reading).context("--reading")?;
    let db = open(config).await?;
    let shop = admin::find_shop(&db, &import.shop).await?;
    let app = App::new(config.clone(), db);
    let received = send(&app, &shop, &import.file, &asked).await?;
    let before = find_progress(&mut app.db().read().await?, &shop.id, &received.id).await?;
    if before.is_some_and(|before| before.ended.is_some()) {
        say(format_args!(
            "{}: this file was imported before",
            received.id
        ));
    } else {
        // New, or left behind by a command that was killed.
        read(&app, &shop, &received.id).await?;
    }
    app.db().close().await;
    Ok(())
}

async fn send(app: &App, shop: &Shop, path: &Path, asked: &Asked) -> anyhow::Result<Received> {
    let told = || format!("cannot read {}", path.display());
    let mut file = std::fs::File::open(path).with_context(told)?;
    let mut incoming = Incoming::begin(app, &shop.id).await?;
    let mut buffer = vec![0; READ_BYTES];
    loop {
        let read = file.read(&mut buffer).with_context(told)?;
        if read == 0 {
            break;
        }
        incoming.push(&buffer[..read]).await?;
    }
    let name = path
        .file_name()
        .map(|name| name.to_string_lossy().chars().take(200).collect::<String>());
    Ok(incoming.finish(asked, &name.unwrap_or_default()).await?)
}

/// Works on the upload and shows how far it is; another node may be quicker to take it.
async fn read(app: &App, shop: &Shop, id: &str) -> anyhow::Result<()> {
    let begun = Instant::now();
    let worker = app.clone();
    let mut working = tokio::spawn(async move { work_until_idle(&worker).await });
    let progress = loop {
        let progress = find_progress(&mut app.db().read().await?, &shop.id, id).await?;
        let progress = progress.context("the upload was removed")?;
        show(&progress, begun.elapsed());
        if progress.ended.is_some() {
            break progress;
        }
        tokio::time::sleep(LOOK_EVERY).await;
        if working.is_finished() {
            // Another one holds the job, or died with it: its lease may have run out by now.
            let worker = app.clone();
            working = tokio::spawn(async move { work_until_idle(&worker).await });
        }
    };
    if let Some(Err(reason)) = progress.ended {
        bail!("{id}: {reason}");
    }
    let seconds = begun.elapsed().as_secs_f64();
    say(format_args!(
        "{id}: {} rows of {} in {seconds:.1} s ({:.0} a second), {} left out",
        progress.taken,
        progress.kind.map_or("unknown", |kind| kind.as_str()),
        progress.read as f64 / seconds,
        progress.refused,
    ));
    working.await.context("the analyses broke off")??;
    say("what follows from it is computed");
    Ok(())
}

/// Only where somebody looks.
fn show(progress: &Progress, spent: Duration) {
    let mut out = std::io::stderr();
    if !out.is_terminal() {
        return;
    }
    let full = (progress.share * BAR as f64) as usize;
    let bar = "#".repeat(full) + &"-".repeat(BAR - full.min(BAR));
    let left = match progress.share {
        share if share > 0.0 => {
            format!("{:.0} s left", spent.as_secs_f64() * (1.0 - share) / share)
        }
        _ => "…".to_owned(),
    };
    let end = if progress.ended.is_some() { "\n" } else { "" };
    let _ = write!(out, "\r[{bar}] {} rows, {left}   {end}", progress.read);
    let _ = out.flush();
}
