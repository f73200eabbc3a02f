//! What a process costs, from `/proc`.

use std::time::Duration;

use anyhow::Context;

/// CPU time that the process has used so far, in user and system mode together.
///
/// # Errors
/// When there is no such process.
pub fn cpu_time(pid: u32) -> anyhow::Result<Duration> {
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat"))
        .with_context(|| format!("process {pid}"))?;
    // The second field is the name in parentheses, and a name may hold spaces.
    let fields = stat
        .rsplit_once(')')
        .map(|(_, rest)| rest)
        .context("not a stat line")?;
    let ticks =
        |index: usize| -> Option<u64> { fields.split_whitespace().nth(index)?.parse().ok() };
    let (user, system) = (ticks(11).context("utime")?, ticks(12).context("stime")?);
    let second = rustix::param::clock_ticks_per_second();
    Ok(Duration::from_millis((user + system) * 1000 / second))
}
