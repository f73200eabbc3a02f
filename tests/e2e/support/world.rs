//! Worlds: `footfall dev` as a user starts it, or origin and edge as an operator starts them. The edge is the
//! deployment that the tests are run against.

use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, OnceLock};
use std::time::{Duration, Instant};

use footfall_shared::signing::SigningKeys;
use footfall_shared::time::UtcMillis;
use footfall_shared::wire::internal::{Ledger, path};
use rustix::process::Signal;
use serde::Deserialize;
use serde_json::{Value, json};
use tempfile::TempDir;

use super::deployment::Deployment;
use super::http::Target;
use super::parts::Parts;
use super::process::{Process, component, footfall, free_port, runs, signal};
use super::until;

/// The key that signs between edge and origin in every world.
pub(crate) const EDGE_KEY: &str = "an-edge-key-of-the-end-to-end-tests-0001";
/// How long a first start may take: migrations and the demo shop on a busy machine.
pub(crate) const START: Duration = Duration::from_secs(60);

/// The secret of the access tokens in these tests.
pub(crate) const JWT_SECRET: &str = "a-token-secret-of-the-end-to-end-tests-1";

/// The keys of [`EDGE_KEY`].
pub(crate) fn edge_keys() -> SigningKeys {
    SigningKeys::parse(EDGE_KEY).unwrap()
}

/// A data directory with the settings that belong to it; it outlives what runs on it.
#[derive(Debug)]
pub(crate) struct Home {
    dir: TempDir,
    pub(crate) settings: Vec<(String, String)>,
    _janitor: Janitor,
}

impl Home {
    /// An empty directory and free ports. A setting that is named again wins.
    pub(crate) fn new(settings: &[(&str, &str)]) -> Self {
        let dir = tempfile::Builder::new()
            .prefix("footfall-e2e-")
            .tempdir()
            .unwrap();
        let (edge, origin) = (free_port(), free_port());
        let mut all = vec![
            ("FOOTFALL_DATA_DIR", dir.path().display().to_string()),
            ("FOOTFALL_EDGE_ADDR", format!("127.0.0.1:{edge}")),
            ("FOOTFALL_ORIGIN_ADDR", format!("127.0.0.1:{origin}")),
            ("FOOTFALL_EDGES", format!("http://127.0.0.1:{edge}")),
            ("FOOTFALL_EDGE_KEYS", EDGE_KEY.to_owned()),
            ("FOOTFALL_JWT_SECRET", JWT_SECRET.to_owned()),
            ("FOOTFALL_DEMO_SESSIONS", "0".to_owned()),
            ("FOOTFALL_EDGE_COMPONENT", component().display().to_string()),
        ];
        all.extend(
            settings
                .iter()
                .map(|(name, value)| (*name, (*value).to_owned())),
        );
        let settings = all
            .into_iter()
            .map(|(name, value)| (name.to_owned(), value));
        Self {
            _janitor: Janitor::of(dir.path()),
            dir,
            settings: settings.collect(),
        }
    }

    pub(crate) fn path(&self) -> &Path {
        self.dir.path()
    }

    fn target(&self, setting: &str) -> Target {
        let found = self.settings.iter().rfind(|(name, _)| name == setting);
        Target::new(&format!("http://{}", found.unwrap().1))
    }

    /// The edge's address, whether it runs or not.
    pub(crate) fn edge(&self) -> Target {
        self.target("FOOTFALL_EDGE_ADDR")
    }

    /// The origin's address, whether it runs or not.
    pub(crate) fn origin(&self) -> Target {
        self.target("FOOTFALL_ORIGIN_ADDR")
    }

    /// Runs a command to its end and gives what it printed.
    #[track_caller]
    pub(crate) fn run(&self, arguments: &[&str]) -> String {
        let output = footfall(arguments, &self.settings).output().unwrap();
        let told = String::from_utf8([output.stdout, output.stderr].concat()).unwrap();
        assert!(output.status.success(), "{arguments:?}: {told}");
        told
    }

    /// Names the process that is to be stopped when the tests are gone.
    fn tell_janitor(&self, pid: u32) {
        // A whole line, for the janitor's `read`.
        std::fs::write(self.path().join(SUPERVISOR_PID), format!("{pid}\n")).unwrap();
    }

    /// Starts one process of the binary on this directory.
    pub(crate) fn start(&self, arguments: &[&str]) -> Process {
        let log = self.path().join(format!("{}.log", arguments[0]));
        Process::start(footfall(arguments, &self.settings), &log)
    }
}

/// What `footfall dev` runs, as dev.json tells it.
#[derive(Debug, Clone, Deserialize)]
pub(crate) struct Report {
    pub(crate) edge: String,
    pub(crate) origin: String,
    pub(crate) publishable_key: String,
    pub(crate) secret_key: String,
    pub(crate) admin: Admin,
    pub(crate) sample_customer_email: String,
    pub(crate) pids: Pids,
}

#[derive(Debug, Clone, Deserialize)]
pub(crate) struct Admin {
    pub(crate) identifier: String,
    pub(crate) password: String,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
pub(crate) struct Pids {
    pub(crate) origin: u32,
    pub(crate) edge: u32,
}

/// Origin and edge with the demo shop, running in development mode: `footfall dev` where it runs the edge.
#[derive(Debug)]
pub(crate) struct World {
    tree: Tree,
    report: Report,
    home: Arc<Home>,
}

/// Who starts a process again that dies.
#[derive(Debug)]
enum Tree {
    Dev(Supervisor),
    Parts(Parts),
}

impl World {
    /// A world that all tests share which leave others in peace. It ends with the test process.
    pub(crate) fn shared() -> &'static Self {
        static SHARED: OnceLock<World> = OnceLock::new();
        SHARED.get_or_init(|| Self::start(Home::new(&[])))
    }

    /// Starts on this directory and waits until both run.
    #[track_caller]
    pub(crate) fn start(home: Home) -> Self {
        match Deployment::chosen() {
            Deployment::Host => Self::start_dev(home),
            Deployment::Jco | Deployment::Workerd => Self::start_parts(home),
        }
    }

    #[track_caller]
    fn start_dev(home: Home) -> Self {
        let mut supervisor = Supervisor(home.start(&["dev"]));
        home.tell_janitor(supervisor.0.pid());
        let file = home.path().join("dev.json");
        let (report, _) = until("dev.json is written", START, || {
            supervisor.0.assert_runs();
            let text = std::fs::read(&file).ok()?;
            serde_json::from_slice(&text).ok()
        });
        Self {
            tree: Tree::Dev(supervisor),
            report,
            home: Arc::new(home),
        }
    }

    #[track_caller]
    fn start_parts(mut home: Home) -> Self {
        home.settings
            .push(("FOOTFALL_MODE".to_owned(), "development".to_owned()));
        let home = Arc::new(home);
        let (parts, report) = Parts::start(Arc::clone(&home));
        Self {
            tree: Tree::Parts(parts),
            report,
            home,
        }
    }

    /// dev.json as it was when the world was started.
    pub(crate) fn report(&self) -> &Report {
        &self.report
    }

    /// dev.json as it is now; `None` while there is none.
    pub(crate) fn dev_json(&self) -> Option<Value> {
        let text = std::fs::read(self.home.path().join("dev.json")).ok()?;
        serde_json::from_slice(&text).ok()
    }

    /// The process ids of now.
    pub(crate) fn pids(&self) -> Option<Pids> {
        match &self.tree {
            Tree::Dev(_) => serde_json::from_value(self.dev_json()?["pids"].clone()).ok(),
            Tree::Parts(parts) => Some(parts.pids()),
        }
    }

    /// The edge, as a page of the demo shop reaches it: without a key.
    pub(crate) fn edge(&self) -> Target {
        Target::new(&self.report.edge)
    }

    /// The origin, as a stranger reaches it.
    pub(crate) fn stranger(&self) -> Target {
        Target::new(&self.report.origin)
    }

    /// The origin, as the shop's server reaches it: with the secret key.
    pub(crate) fn origin(&self) -> Target {
        self.stranger().with(&self.report.secret_key)
    }

    /// Runs a command over its data to the end and gives what it printed.
    #[track_caller]
    pub(crate) fn run(&self, arguments: &[&str]) -> String {
        self.home.run(arguments)
    }

    /// What it was started with.
    pub(crate) fn settings(&self) -> &[(String, String)] {
        &self.home.settings
    }

    #[track_caller]
    pub(crate) fn supervisor(&self) -> u32 {
        match &self.tree {
            Tree::Dev(supervisor) => supervisor.0.pid(),
            Tree::Parts(_) => panic!("this world has no supervisor of its own"),
        }
    }

    /// Ends the supervisor by a signal; the directory stays.
    #[track_caller]
    pub(crate) fn end(self, by: Signal) -> (Home, Option<i32>) {
        let Self {
            tree,
            report: _,
            home,
        } = self;
        let Tree::Dev(mut supervisor) = tree else {
            panic!("this world has no supervisor of its own")
        };
        let status = supervisor.0.end(by);
        (Arc::into_inner(home).unwrap(), status.code())
    }
}

/// The supervisor's process; it is asked to stop before it is killed, so that it stops its children.
#[derive(Debug)]
struct Supervisor(Process);

impl Drop for Supervisor {
    fn drop(&mut self) {
        let (pid, begun) = (self.0.pid(), Instant::now());
        if runs(pid) {
            signal(pid, Signal::TERM);
        }
        while runs(pid) && begun.elapsed() < START {
            std::thread::sleep(Duration::from_millis(10));
        }
        if std::thread::panicking() {
            println!("log of `footfall dev`:\n{}", self.0.log());
        }
    }
}

/// Where the janitor finds whom to stop.
const SUPERVISOR_PID: &str = "supervisor.pid";

/// Stops the supervisor of a directory and clears the directory when this test process is gone, however it
/// went: its pipe to the janitor closes. What is shared by all tests is never dropped, so there is no
/// other place for it.
#[derive(Debug)]
struct Janitor(Child);

impl Janitor {
    fn of(dir: &Path) -> Self {
        const WORK: &str = "cat; if read -r pid < \"$1/supervisor.pid\"; then kill -TERM $pid; \
            for _ in $(seq 100); do kill -0 $pid || break; sleep 0.1; done; fi; sleep 1; rm -rf -- \"$1\"";
        let janitor = Command::new("sh")
            .args(["-c", WORK, "janitor"])
            .arg(dir)
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn();
        Self(janitor.unwrap())
    }
}

impl Drop for Janitor {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// Origin and edge, each started, stopped and killed by itself.
#[derive(Debug)]
pub(crate) struct Pair {
    home: Home,
    origin: Option<Process>,
    edge: Option<Process>,
}

impl Pair {
    /// Nothing runs yet.
    pub(crate) fn new(settings: &[(&str, &str)]) -> Self {
        Self {
            home: Home::new(settings),
            origin: None,
            edge: None,
        }
    }

    pub(crate) fn home(&self) -> &Home {
        &self.home
    }

    pub(crate) fn edge(&self) -> Target {
        self.home.edge()
    }

    pub(crate) fn origin(&self) -> Target {
        self.home.origin()
    }

    #[track_caller]
    pub(crate) fn start_origin(&mut self) {
        self.origin = Some(start_healthy_origin(&self.home));
    }

    #[track_caller]
    pub(crate) fn start_edge(&mut self) {
        self.edge = Some(start_healthy_edge(&self.home));
    }

    #[track_caller]
    pub(crate) fn end_origin(&mut self, by: Signal) {
        self.origin.take().unwrap().end(by);
    }

    #[track_caller]
    pub(crate) fn end_edge(&mut self, by: Signal) {
        self.edge.take().unwrap().end(by);
    }
}

/// Starts the origin of a directory and waits until it serves.
#[track_caller]
pub(crate) fn start_healthy_origin(home: &Home) -> Process {
    // Supervised: it stops when this test process does.
    wait_until_healthy(home.start(&["serve", "--supervised"]), &home.origin())
}

/// Starts the edge of a directory and waits until it serves.
#[track_caller]
pub(crate) fn start_healthy_edge(home: &Home) -> Process {
    wait_until_healthy(Deployment::chosen().start_edge(home), &home.edge())
}

#[track_caller]
fn wait_until_healthy(mut process: Process, target: &Target) -> Process {
    until(&format!("{} is healthy", target.base), START, || {
        process.assert_runs();
        let answer = target.get("/health").try_send().ok()?;
        (answer.status == 200).then_some(())
    });
    process
}

/// The edge's ledger; `None` while the edge is down.
pub(crate) fn read_ledger(edge: &Target) -> Option<Ledger> {
    let now = UtcMillis::new(jiff::Timestamp::now().as_millisecond());
    let call = edge
        .post(path::LEDGER, &json!({}))
        .signed(&edge_keys(), now);
    let answer = call.try_send().ok()?;
    (answer.status == 200).then(|| serde_json::from_value(answer.json()).unwrap())
}
