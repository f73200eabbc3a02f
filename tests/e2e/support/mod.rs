//! What the tests stand on: worlds of processes, a client, and what shoppers and shops do.

pub(crate) mod collector;
pub(crate) mod database;
pub(crate) mod deployment;
pub(crate) mod example;
pub(crate) mod http;
pub(crate) mod parts;
pub(crate) mod process;
pub(crate) mod shape;
pub(crate) mod shop;
pub(crate) mod world;

use std::time::{Duration, Instant};

/// How long a change at the origin may take until the edge shows it: the product's promise.
pub(crate) const SHOWN_WITHIN: Duration = Duration::from_secs(5);
/// How long a test waits for what has no promise of its own.
pub(crate) const PATIENCE: Duration = Duration::from_secs(20);

/// Asks until there is an answer, and gives it with the time it took.
#[track_caller]
pub(crate) fn until<T>(
    what: &str,
    within: Duration,
    mut ask: impl FnMut() -> Option<T>,
) -> (T, Duration) {
    let begun = Instant::now();
    loop {
        if let Some(answer) = ask() {
            return (answer, begun.elapsed());
        }
        assert!(begun.elapsed() < within, "not within {within:?}: {what}");
        std::thread::sleep(Duration::from_millis(20));
    }
}

/// A text that no other test has.
pub(crate) fn unique(prefix: &str) -> String {
    use std::sync::atomic::{AtomicU32, Ordering};
    static NEXT: AtomicU32 = AtomicU32::new(1);
    let number = NEXT.fetch_add(1, Ordering::Relaxed);
    format!("{prefix}-{}-{number}", std::process::id())
}

/// Says what was measured, also where the test runner keeps the output of tests that pass.
pub(crate) fn measured(what: std::fmt::Arguments<'_>) {
    use std::io::Write;
    let _ = writeln!(std::io::stderr(), "measured: {what}");
}
