//! Tells programs (dev.json) and people what runs.

use std::path::Path;

use anyhow::Context;
use serde::Serialize;

use super::children::Pids;
use super::secrets::{Secrets, write_private};
use crate::cli::say;
use crate::config::Config;
use crate::demo;

#[derive(Serialize)]
struct Report<'a> {
    mode: &'static str,
    edge: String,
    origin: String,
    publishable_key: &'a str,
    secret_key: &'a str,
    admin: Admin<'a>,
    sample_customer_email: &'static str,
    sample_user_id: &'static str,
    pids: Pids,
}

#[derive(Serialize)]
struct Admin<'a> {
    identifier: &'a str,
    password: &'a str,
}

/// Writes dev.json; readers see the old or the new one, never half of one.
pub(super) fn write(config: &Config, secrets: &Secrets, pids: Pids) -> anyhow::Result<()> {
    let report = Report {
        mode: config.mode.as_str(),
        edge: config.edge_url(),
        origin: config.origin_url(),
        publishable_key: &secrets.publishable_key,
        secret_key: &secrets.secret_key,
        admin: Admin {
            identifier: &secrets.admin_identifier,
            password: &secrets.admin_password,
        },
        sample_customer_email: demo::SAMPLE_EMAIL,
        sample_user_id: demo::SAMPLE_USER_ID,
        pids,
    };
    let text = serde_json::to_vec_pretty(&report).context("dev.json cannot be made")?;
    if let Some(folder) = config
        .dev_json
        .parent()
        .filter(|folder| !folder.as_os_str().is_empty())
    {
        std::fs::create_dir_all(folder)
            .with_context(|| format!("FOOTFALL_DEV_JSON: {} cannot be made", folder.display()))?;
    }
    write_private(&config.dev_json, &text)
}

/// Takes dev.json away: while it is there, what it tells runs.
pub(super) fn remove(path: &Path) -> anyhow::Result<()> {
    match std::fs::remove_file(path) {
        Ok(()) => Ok(()),
        Err(cause) if cause.kind() == std::io::ErrorKind::NotFound => Ok(()),
        Err(cause) => Err(cause).with_context(|| format!("{} cannot be removed", path.display())),
    }
}

/// Tells people where to look.
pub(super) fn tell(config: &Config, secrets: &Secrets) {
    let (edge, origin) = (config.edge_url(), config.origin_url());
    say("");
    say(format_args!(
        "Footfall runs in {} mode.",
        config.mode.as_str()
    ));
    say(format_args!("  demo shop    {edge}/demo/"));
    say(format_args!("  edge         {edge}"));
    say(format_args!("  origin       {origin}"));
    say(format_args!("  API page     {origin}/docs/"));
    say(format_args!(
        "  admin        {} / {}",
        secrets.admin_identifier, secrets.admin_password
    ));
    say(format_args!("  all of it    {}", config.dev_json.display()));
    say("Ctrl-C stops it; the data stays.");
}
