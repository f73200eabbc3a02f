//! `footfall dev`: origin and edge on one machine, as two processes under one supervisor.
//!
//! **Invariant:** no orphan. A child's standard input is a pipe from here; when this process ends in any
//! way, the pipe closes and the child stops by itself. Test: `a_killed_supervisor_leaves_no_orphan` (end
//! to end).
//!
//! **Invariant:** secrets are made once for a data directory, are readable by their owner only, and outlive
//! the database, so that a second start and a new database have the same keys.

mod children;
mod prepare;
mod report;
mod secrets;

use std::net::TcpListener;
use std::path::Path;
use std::process::ExitCode;

use anyhow::Context;

use crate::cli::say;
use crate::cli::stop::Stop;
use crate::config::Config;
use children::{Children, Ended};
use secrets::Secrets;

/// Starts everything, watches over it and stops it.
pub(crate) async fn run(config: Config) -> anyhow::Result<ExitCode> {
    let mut stop = Stop::listen(false).context("signals cannot be listened to")?;
    make_data_dir(&config.data_dir)?;
    let _lock = lock(&config.data_dir)?;
    report::remove(&config.dev_json)?;
    check_free("FOOTFALL_ORIGIN_ADDR", config.origin_addr)?;
    check_free("FOOTFALL_EDGE_ADDR", config.edge_addr)?;
    let mut secrets = Secrets::load_or_make(&config.data_dir)?;
    tokio::select! {
        prepared = prepare::database(&config, &mut secrets) => prepared?,
        () = stop.requested() => return Ok(ExitCode::SUCCESS),
    }
    let mut children = Children::new(&config, &secrets)?;
    let ended = tokio::select! {
        ended = watch(&config, &secrets, &mut children) => ended,
        () = stop.requested() => Ok(ExitCode::SUCCESS),
    };
    say("stopping …");
    children.stop().await;
    report::remove(&config.dev_json)?;
    say("stopped; the data stays");
    ended
}

/// Starts the children and restarts one that dies. Ends when that no longer helps.
async fn watch(
    config: &Config,
    secrets: &Secrets,
    children: &mut Children,
) -> anyhow::Result<ExitCode> {
    children.start_all().await?;
    report::write(config, secrets, children.pids())?;
    report::tell(config, secrets);
    loop {
        match children.next_end().await? {
            Ended::Restarted => report::write(config, secrets, children.pids())?,
            Ended::TooOften(name) => {
                say(format_args!(
                    "the {name} dies again and again; its log above tells why"
                ));
                return Ok(ExitCode::FAILURE);
            }
        }
    }
}

fn make_data_dir(path: &Path) -> anyhow::Result<()> {
    use std::os::unix::fs::DirBuilderExt;
    std::fs::DirBuilder::new()
        .recursive(true)
        .mode(0o700)
        .create(path)
        .with_context(|| format!("FOOTFALL_DATA_DIR: {} cannot be made", path.display()))
}

/// Two supervisors over one directory would fight over ports, databases and dev.json.
fn lock(data_dir: &Path) -> anyhow::Result<std::fs::File> {
    let path = data_dir.join("dev.lock");
    let file = std::fs::File::create(&path)
        .with_context(|| format!("{} cannot be made", path.display()))?;
    match file.try_lock() {
        Ok(()) => Ok(file),
        Err(std::fs::TryLockError::WouldBlock) => anyhow::bail!(
            "another `footfall dev` runs on {}; stop it, or set FOOTFALL_DATA_DIR",
            data_dir.display()
        ),
        Err(std::fs::TryLockError::Error(cause)) => {
            Err(cause).with_context(|| format!("{} cannot be locked", path.display()))
        }
    }
}

/// The children would fail on a port in use, too, but later and less plainly.
fn check_free(setting: &str, address: std::net::SocketAddr) -> anyhow::Result<()> {
    match TcpListener::bind(address) {
        Ok(_) => Ok(()),
        Err(cause) if cause.kind() == std::io::ErrorKind::AddrInUse => anyhow::bail!(
            "{setting}: {address} is in use by another program; stop that, or set {setting} to another port"
        ),
        Err(cause) => {
            Err(cause).with_context(|| format!("{setting}: {address} cannot be listened on"))
        }
    }
}
