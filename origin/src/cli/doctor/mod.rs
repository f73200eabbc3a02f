//! `footfall doctor`: looks for what is set up wrong, and says of each fault why it matters and how it is
//! mended. It changes nothing.
//!
//! `docs/doctor.md` lists what it finds; its tests make each of them be found.

mod database;
mod edges;
mod finding;
mod settings;

use std::process::ExitCode;

use super::output::say;
use crate::config::Config;
use crate::http::outgoing::Outgoing;
use finding::Grade;

/// Runs every check; the exit code tells whether one found a fault.
pub(super) async fn run(config: &Config) -> anyhow::Result<ExitCode> {
    let outgoing = Outgoing::new();
    let mut findings = settings::check(config);
    findings.extend(database::check(config).await);
    findings.extend(edges::check(config, &outgoing).await);
    for finding in &findings {
        say(finding);
    }
    let count = |grade| findings.iter().filter(|one| one.grade == grade).count();
    let (bad, warned) = (count(Grade::Bad), count(Grade::Warn));
    say(format_args!(
        "{} checks, {bad} faults, {warned} warnings",
        findings.len()
    ));
    Ok(if bad == 0 {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    })
}
