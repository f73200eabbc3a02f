//! `footfall privacy`: erasures and backups.

use std::path::PathBuf;

use anyhow::Context;
use clap::Subcommand;

use super::output::say;
use crate::app::App;
use crate::privacy::journal;

#[derive(Debug, Subcommand)]
pub(super) enum Command {
    /// Print the erasures that the database knows, as lines of a journal: to keep beside a backup.
    Journal,
    /// Erase again whom a journal has and the database has not: after a backup was restored on a machine without its own
    /// journal. `serve` does the same with its own at each start.
    Reapply {
        /// The journal.
        #[arg(value_name = "FILE")]
        journal: PathBuf,
    },
}

pub(super) async fn run(app: &App, command: Command) -> anyhow::Result<()> {
    match command {
        Command::Journal => {
            for entry in journal::of_database(app).await? {
                say(serde_json::to_string(&entry).context("an erasure cannot be written")?);
            }
        }
        Command::Reapply { journal: path } => {
            anyhow::ensure!(path.exists(), "{}: there is no such file", path.display());
            let entries = journal::read(&path)?;
            let again = journal::apply_again(app, &entries).await?;
            say(format_args!(
                "{} erasures in the journal, {again} of them applied again",
                entries.len()
            ));
        }
    }
    app.db().close().await;
    Ok(())
}
