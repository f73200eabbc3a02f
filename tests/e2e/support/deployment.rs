//! Which edge the tests run against: `FOOTFALL_E2E_EDGE` is `host` (the component in the embedded host, the
//! default), `jco` (the same component on V8, in another runner) or `workerd` (the Worker on Cloudflare's
//! runtime).

use std::path::PathBuf;
use std::process::Command;

use super::process::{Process, built, root};
use super::until;
use super::world::{Home, START};

/// A deployment of the edge.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Deployment {
    /// The component in the embedded host.
    Host,
    /// The component on V8, as jco makes JavaScript of it.
    Jco,
    /// The Worker on workerd.
    Workerd,
}

impl Deployment {
    /// The one that the environment names.
    pub(crate) fn chosen() -> Self {
        match std::env::var("FOOTFALL_E2E_EDGE").as_deref() {
            Err(_) | Ok("" | "host") => Self::Host,
            Ok("jco") => Self::Jco,
            Ok("workerd") => Self::Workerd,
            Ok(other) => panic!("FOOTFALL_E2E_EDGE is host, jco or workerd, not {other}"),
        }
    }

    /// Starts the edge of this directory.
    #[track_caller]
    pub(crate) fn start_edge(self, home: &Home) -> Process {
        match self {
            // Supervised: it stops when this test process does.
            Self::Host => home.start(&["edge", "--supervised"]),
            Self::Jco => start_jco(home),
            Self::Workerd => start_workerd(home),
        }
    }
}

/// Whether a test has nothing to look at, because it is about the embedded host; says why.
pub(crate) fn only_on_the_host(reason: &str) -> bool {
    let elsewhere = Deployment::chosen() != Deployment::Host;
    if elsewhere {
        println!("only on the embedded host: {reason}");
    }
    elsewhere
}

#[track_caller]
fn start_jco(home: &Home) -> Process {
    let folder = root().join("tests/runner-jco");
    let node = folder.join("node_modules/node/bin/node");
    assert!(
        node.is_file(),
        "{} is missing: run `npm ci` in tests/runner-jco",
        node.display()
    );
    let mut command = Command::new(node);
    command
        // How WebAssembly waits for JavaScript; Node 25 has it without the flag.
        .arg("--experimental-wasm-jspi")
        .arg(folder.join("serve.mjs"))
        .env_clear()
        .envs(home.settings.iter().map(|(name, value)| (name, value)));
    Process::start(command, &home.path().join("edge.log"))
}

/// The script that runs the Worker looks after workerd, and tells its process id in a file.
#[track_caller]
fn start_workerd(home: &Home) -> Process {
    let folder = root().join("edge/cloudflare");
    let node = built("FOOTFALL_NODE", "make edge-cloudflare", || {
        folder.join("node_modules/node/bin/node")
    });
    let worker = std::env::var_os("FOOTFALL_EDGE_WORKER")
        .map_or_else(|| folder.join("build"), PathBuf::from);
    assert!(
        worker.join("index_bg.wasm").is_file(),
        "{} holds no Worker: run `make edge-cloudflare`, or name it in FOOTFALL_EDGE_WORKER",
        worker.display()
    );
    let told = home.path().join("workerd.pid");
    let _ = std::fs::remove_file(&told);
    let mut command = Command::new(node);
    command
        .arg(folder.join("test/serve.mjs"))
        .env_clear()
        .env("WRANGLER_SEND_METRICS", "false")
        .env("HOME", home.path())
        .env("FOOTFALL_EDGE_WORKER", worker)
        .envs(home.settings.iter().map(|(name, value)| (name, value)));
    let mut process = Process::start(command, &home.path().join("edge.log"));
    let (pid, _) = until("workerd serves", START, || {
        process.assert_runs();
        std::fs::read_to_string(&told).ok()?.trim().parse().ok()
    });
    process.is_served_by(pid);
    process
}
