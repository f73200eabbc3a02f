//! What a process costs, from `/proc`.

use std::time::Duration;

use anyhow::Context;

/// How long the machine is watched before a run.
const WATCHED: Duration = Duration::from_secs(1);

/// The share of the machine's CPU time, 0 to 1, that others take before a run: what is above a few
/// hundredths spoils its figures.
///
/// # Errors
/// When `/proc/stat` does not tell.
pub fn taken_by_others() -> anyhow::Result<f64> {
    let (idle_before, all_before) = machine_ticks()?;
    std::thread::sleep(WATCHED);
    let (idle, all) = machine_ticks()?;
    let passed = all.saturating_sub(all_before).max(1) as f64;
    Ok(1.0 - idle.saturating_sub(idle_before) as f64 / passed)
}

/// The machine's idle and whole CPU time so far.
fn machine_ticks() -> anyhow::Result<(u64, u64)> {
    let stat = std::fs::read_to_string("/proc/stat")?;
    let line = stat.lines().next().context("/proc/stat is empty")?;
    let ticks: Vec<u64> = line
        .split_whitespace()
        .skip(1)
        .map(str::parse)
        .collect::<Result<_, _>>()?;
    let idle = *ticks.get(3).context("/proc/stat tells no idle time")?;
    Ok((idle, ticks.iter().sum()))
}

/// Memory that a process holds now, in bytes.
///
/// # Errors
/// When there is no such process.
pub fn resident_bytes(pid: u32) -> anyhow::Result<u64> {
    let status = std::fs::read_to_string(format!("/proc/{pid}/status"))
        .with_context(|| format!("process {pid}"))?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
    let kib = line.and_then(|line| line.split_whitespace().next()?.parse::<u64>().ok());
    Ok(kib.context("no VmRSS")? * 1024)
}

/// Memory that a process held at the most, in bytes.
///
/// # Errors
/// When there is no such process.
pub fn peak_bytes(pid: u32) -> anyhow::Result<u64> {
    let status = std::fs::read_to_string(format!("/proc/{pid}/status"))
        .with_context(|| format!("process {pid}"))?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    let kib = line.and_then(|line| line.split_whitespace().next()?.parse::<u64>().ok());
    Ok(kib.context("no VmHWM")? * 1024)
}

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
