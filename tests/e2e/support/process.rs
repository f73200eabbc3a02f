//! Processes: started with a log of their own, signalled, and looked after so that none is left.

use std::fs::File;
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::atomic::{AtomicU16, Ordering};
use std::time::Duration;

use rustix::process::{Pid, Signal, kill_process};

use super::{PATIENCE, until};

/// The release binary.
pub(crate) fn binary() -> PathBuf {
    let target = || {
        let named = std::env::var_os("CARGO_TARGET_DIR").map(PathBuf::from);
        named.unwrap_or_else(|| root().join("target"))
    };
    built("FOOTFALL_BIN", "make build", || {
        target().join("release/footfall")
    })
}

/// The edge component.
pub(crate) fn component() -> PathBuf {
    built("FOOTFALL_EDGE_COMPONENT", "make build", || {
        root().join("edge/spin/dist/edge.wasm")
    })
}

pub(crate) fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

/// A file that `command` makes, or that a variable names.
pub(crate) fn built(variable: &str, command: &str, default: impl FnOnce() -> PathBuf) -> PathBuf {
    let path = std::env::var_os(variable).map_or_else(default, PathBuf::from);
    let shown = path.display();
    assert!(
        path.is_file(),
        "{shown} is not there: run `{command}`, or name it in {variable}"
    );
    path
}

/// A command of the binary with these settings and no others.
pub(crate) fn footfall(arguments: &[&str], settings: &[(String, String)]) -> Command {
    let mut command = Command::new(binary());
    command
        .args(arguments)
        .env_clear()
        .env("FOOTFALL_LOG", "warn")
        .envs(settings.iter().map(|(name, value)| (name, value)));
    command
}

/// A process that writes to a log, and is killed when the test is over.
#[derive(Debug)]
pub(crate) struct Process {
    child: Child,
    /// Who serves, where the child only looks after it.
    serving: Option<u32>,
    log: PathBuf,
}

impl Process {
    /// Starts the command. Its standard input is a pipe that closes with the test.
    pub(crate) fn start(mut command: Command, log: &Path) -> Self {
        let file = File::options().append(true).create(true).open(log).unwrap();
        command
            .stdin(Stdio::piped())
            .stdout(file.try_clone().unwrap())
            .stderr(file);
        Self {
            child: command.spawn().unwrap(),
            serving: None,
            log: log.to_owned(),
        }
    }

    /// Notes that another process serves, which the child looks after and ends with.
    pub(crate) fn is_served_by(&mut self, pid: u32) {
        self.serving = Some(pid);
    }

    /// The process that serves.
    pub(crate) fn pid(&self) -> u32 {
        self.serving.unwrap_or_else(|| self.child.id())
    }

    pub(crate) fn has_ended(&mut self) -> bool {
        !matches!(self.child.try_wait(), Ok(None))
    }

    /// Fails with the log when the process has ended.
    #[track_caller]
    pub(crate) fn assert_runs(&mut self) {
        if let Some(status) = self.child.try_wait().unwrap() {
            panic!("it ended ({status}); its log:\n{}", self.log());
        }
    }

    pub(crate) fn log(&self) -> String {
        std::fs::read_to_string(&self.log).unwrap_or_default()
    }

    /// Signals it and waits for its end.
    #[track_caller]
    pub(crate) fn end(&mut self, by: Signal) -> ExitStatus {
        // Who looks after another process can be asked to stop both, but cannot pass a SIGKILL on.
        let whom = match by {
            Signal::KILL => self.pid(),
            _ => self.child.id(),
        };
        signal(whom, by);
        let what = format!("{by:?} ends process {}", self.pid());
        let (status, _) = until(&what, PATIENCE, || self.child.try_wait().unwrap());
        status
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        if let Some(serving) = self.serving.filter(|pid| runs(*pid)) {
            signal(serving, Signal::KILL);
        }
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Signals any process.
pub(crate) fn signal(pid: u32, by: Signal) {
    let pid = Pid::from_raw(i32::try_from(pid).unwrap()).unwrap();
    kill_process(pid, by).unwrap();
}

/// Whether a process runs. One that has ended and waits to be collected does not.
pub(crate) fn runs(pid: u32) -> bool {
    // The state follows the name, which stands in parentheses and may hold anything.
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
    let state = stat
        .rsplit_once(") ")
        .and_then(|(_, rest)| rest.chars().next());
    state.is_some_and(|state| state != 'Z' && state != 'X')
}

/// Waits until none of the processes runs.
#[track_caller]
pub(crate) fn assert_all_end(pids: &[u32], within: Duration) {
    until(&format!("all of {pids:?} have ended"), within, || {
        pids.iter().all(|pid| !runs(*pid)).then_some(())
    });
}

/// A free loopback port. It lies below the range from which the system takes ports for clients, so that
/// no client sits on it while a server is restarted.
pub(crate) fn free_port() -> u16 {
    const FIRST: u16 = 10_000;
    const COUNT: u16 = 10_000;
    static NEXT: AtomicU16 = AtomicU16::new(0);
    let start = u16::try_from(std::process::id() % u32::from(COUNT)).unwrap();
    loop {
        let step = NEXT.fetch_add(1, Ordering::Relaxed);
        let port = FIRST + (start.wrapping_mul(7) % COUNT + step) % COUNT;
        if TcpListener::bind(("127.0.0.1", port)).is_ok() {
            return port;
        }
    }
}
