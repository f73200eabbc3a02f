//! `footfall audit verify`: whether the audit log is as it was written.

use std::process::ExitCode;

use anyhow::Context;
use clap::Subcommand;

use super::output::say;
use crate::app::App;
use crate::audit::{chain, read_chain};
use crate::shops;

/// Entries read at once.
const AT_ONCE: i64 = 10_000;

#[derive(Debug, Subcommand)]
pub(super) enum Command {
    /// Check every entry's digest against the one before it; the exit code tells whether all follow.
    Verify {
        /// Only this shop, by its slug.
        #[arg(long)]
        shop: Option<String>,
        /// A digest that was noted earlier: it must still be in the shop's chain, so that no end is missing.
        #[arg(long, requires = "shop", value_name = "DIGEST")]
        noted: Option<String>,
    },
}

pub(super) async fn run(app: &App, command: Command) -> anyhow::Result<ExitCode> {
    let Command::Verify { shop: slug, noted } = command;
    let mut db = app.db().read().await?;
    let mut all = shops::list_shops(&mut db).await?;
    if let Some(slug) = &slug {
        all.retain(|shop| shop.slug == *slug);
        all.first().with_context(|| {
            format!("there is no shop `{slug}`; see `footfall admin shop list`")
        })?;
    }
    let mut whole = true;
    for shop in all {
        let (mut end, mut seen) = ((0, chain::BEFORE_ALL.to_owned()), noted.is_none());
        let verdict = loop {
            let entries = read_chain(&mut db, &shop.id, end.0, AT_ONCE).await?;
            if entries.is_empty() {
                break Ok(end);
            }
            seen |= entries
                .iter()
                .any(|entry| Some(&entry.digest) == noted.as_ref());
            match chain::first_break(shop.id.as_str(), &entries, end) {
                Ok(next) => end = next,
                Err(seq) => break Err(seq),
            }
        };
        whole &= verdict.is_ok() && seen;
        match verdict {
            Err(seq) => say(format_args!(
                "  BAD   {}: entry {seq} does not follow from the one before it",
                shop.slug
            )),
            Ok(_) if !seen => say(format_args!(
                "  BAD   {}: the digest that was noted is not in the chain: its end is missing",
                shop.slug
            )),
            Ok((0, _)) => say(format_args!("  ok    {}: no entries", shop.slug)),
            Ok((seq, digest)) => say(format_args!(
                "  ok    {}: {seq} entries, the last is {digest}",
                shop.slug
            )),
        }
    }
    drop(db);
    app.db().close().await;
    Ok(if whole {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    })
}
