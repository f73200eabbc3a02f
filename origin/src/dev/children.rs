//! The two children: started in order, restarted when they die, stopped in order.

use std::collections::VecDeque;
use std::path::PathBuf;
use std::process::{ExitStatus, Stdio};
use std::time::{Duration, Instant};

use anyhow::Context;
use serde::Serialize;
use tokio::process::{Child, ChildStdin, Command};

use super::secrets::Secrets;
use crate::cli::say;
use crate::config::Config;
use crate::http::outgoing::{Outgoing, Patience};

/// How long a child may take until it is healthy. An unoptimized edge compiles its component for half a
/// minute; a child that ends is noticed at once.
const START_TIMEOUT: Duration = Duration::from_secs(120);
/// How often a starting child is asked.
const ASK_EVERY: Duration = Duration::from_millis(50);
/// How long until a slow start is told to the user.
const PATIENCE: Duration = Duration::from_secs(3);
/// How long a child may take to stop; longer than its own limits for requests in flight.
const STOP_TIMEOUT: Duration = Duration::from_secs(15);
/// Restarts of one child within [`RESTART_WINDOW`] that are a hiccup; more are a fault.
const RESTARTS_MAX: usize = 5;
/// Pause before a restart, so that what made it die may pass.
const RESTART_PAUSE: Duration = Duration::from_millis(200);
/// See [`RESTARTS_MAX`].
const RESTART_WINDOW: Duration = Duration::from_secs(60);

/// Process ids, as dev.json tells them.
#[derive(Debug, Clone, Copy, Serialize)]
pub(super) struct Pids {
    origin: Option<u32>,
    edge: Option<u32>,
}

/// What became of a child that died.
#[derive(Debug)]
pub(super) enum Ended {
    /// It runs again.
    Restarted,
    /// It died too often.
    TooOften(&'static str),
}

/// Both children.
pub(super) struct Children {
    origin: Supervised,
    edge: Supervised,
}

impl Children {
    /// Prepares both; nothing runs yet.
    pub(super) fn new(config: &Config, secrets: &Secrets) -> anyhow::Result<Self> {
        let program = std::env::current_exe().context("this program's own path is unknown")?;
        let settings = settings(config, secrets);
        let child = |name, command, url: String| Supervised {
            name,
            command,
            health: format!("{url}/health"),
            program: program.clone(),
            settings: settings.clone(),
            running: None,
            stdin: None,
            deaths: VecDeque::new(),
        };
        Ok(Self {
            origin: child("origin", "serve", config.origin_url()),
            edge: child("edge", "edge", config.edge_url()),
        })
    }

    /// Starts the origin, then the edge, each until it is healthy.
    pub(super) async fn start_all(&mut self) -> anyhow::Result<()> {
        self.origin.start().await?;
        self.edge.start().await
    }

    /// The process ids.
    pub(super) fn pids(&self) -> Pids {
        Pids {
            origin: self.origin.pid(),
            edge: self.edge.pid(),
        }
    }

    /// Waits until a child dies, and restarts it.
    pub(super) async fn next_end(&mut self) -> anyhow::Result<Ended> {
        let (child, status) = tokio::select! {
            status = self.origin.ended() => (&mut self.origin, status),
            status = self.edge.ended() => (&mut self.edge, status),
        };
        child.restart(status).await
    }

    /// Stops the edge first: its last events still reach the origin.
    pub(super) async fn stop(mut self) {
        self.edge.stop().await;
        self.origin.stop().await;
    }
}

/// The settings that both children get by their environment.
fn settings(config: &Config, secrets: &Secrets) -> Vec<(&'static str, String)> {
    let path = |path: &std::path::Path| path.display().to_string();
    let mut settings = vec![
        ("FOOTFALL_MODE", config.mode.as_str().to_owned()),
        ("FOOTFALL_ORIGIN_ADDR", config.origin_addr.to_string()),
        ("FOOTFALL_EDGE_ADDR", config.edge_addr.to_string()),
        ("DATABASE_URL", config.database_url.reveal().to_owned()),
        ("FOOTFALL_DATA_DIR", path(&config.data_dir)),
        ("FOOTFALL_EDGES", {
            let edges = config.edges.join(",");
            if edges.is_empty() {
                config.edge_url()
            } else {
                edges
            }
        }),
        (
            "FOOTFALL_TRUSTED_PROXY_HOPS",
            config.trusted_proxy_hops.to_string(),
        ),
        ("FOOTFALL_LOG", config.log.clone()),
        // Both run under one set of keys, be they set or made for this directory.
        ("FOOTFALL_EDGE_KEYS", {
            let set = config
                .edge_keys
                .as_ref()
                .map(|keys| keys.reveal().to_owned());
            set.unwrap_or_else(|| secrets.edge_keys.clone())
        }),
        ("FOOTFALL_JWT_SECRET", {
            let set = config.jwt_secret.as_ref();
            set.map_or_else(|| secrets.jwt_secret.clone(), |set| set.reveal().to_owned())
        }),
    ];
    let files = [
        ("FOOTFALL_GEO_MMDB", &config.geo_mmdb),
        ("FOOTFALL_EDGE_COMPONENT", &config.edge_component),
        ("FOOTFALL_EDGE_POLICY", &config.edge_policy),
    ];
    settings.extend(
        files
            .into_iter()
            .filter_map(|(name, file)| Some((name, path(file.as_deref()?)))),
    );
    settings
}

struct Supervised {
    name: &'static str,
    command: &'static str,
    health: String,
    program: PathBuf,
    settings: Vec<(&'static str, String)>,
    running: Option<Child>,
    // Apart from the child: waiting for a child closes the standard input that it still holds, and that
    // is the sign to stop.
    stdin: Option<ChildStdin>,
    deaths: VecDeque<Instant>,
}

impl Supervised {
    fn pid(&self) -> Option<u32> {
        self.running.as_ref().and_then(Child::id)
    }

    async fn start(&mut self) -> anyhow::Result<()> {
        let mut command = Command::new(&self.program);
        command
            .args([self.command, "--supervised"])
            .envs(self.settings.iter().map(|(name, value)| (name, value)))
            // The tensors' library waits busily for its threads, which would take the edge's core.
            .env("CANDLE_NUM_THREADS", "1")
            // Everything else is in the variables above.
            .env_remove("FOOTFALL_CONFIG")
            .stdin(Stdio::piped())
            // Ctrl-C in the terminal is for the supervisor alone, which then stops the edge before the
            // origin.
            .process_group(0)
            .kill_on_drop(true);
        let mut child = command
            .spawn()
            .with_context(|| format!("the {} cannot be started", self.name))?;
        self.stdin = child.stdin.take();
        self.running = Some(child);
        self.wait_until_healthy().await
    }

    async fn wait_until_healthy(&mut self) -> anyhow::Result<()> {
        let begun = Instant::now();
        let outgoing = Outgoing::new();
        let mut told = false;
        loop {
            if let Some(status) = self
                .running
                .as_mut()
                .and_then(|child| child.try_wait().ok()?)
            {
                anyhow::bail!(
                    "the {} ended while it started ({status}); its log above tells why",
                    self.name
                );
            }
            let reply = outgoing.get(&self.health, Patience::SHORT).await;
            if reply.is_ok_and(|reply| reply.status().is_success()) {
                return Ok(());
            }
            if begun.elapsed() > START_TIMEOUT {
                let seconds = START_TIMEOUT.as_secs();
                anyhow::bail!(
                    "the {} is not healthy after {seconds} s ({})",
                    self.name,
                    self.health
                );
            }
            if !told && begun.elapsed() > PATIENCE {
                told = true;
                say(format_args!("waiting for the {} …", self.name));
            }
            tokio::time::sleep(ASK_EVERY).await;
        }
    }

    /// Done when the child has ended; never while none runs.
    async fn ended(&mut self) -> Option<ExitStatus> {
        match &mut self.running {
            Some(child) => child.wait().await.ok(),
            None => std::future::pending().await,
        }
    }

    async fn restart(&mut self, status: Option<ExitStatus>) -> anyhow::Result<Ended> {
        let how = status.map_or_else(|| "unknown".to_owned(), |status| status.to_string());
        self.running = None;
        let now = Instant::now();
        self.deaths
            .retain(|death| now.duration_since(*death) < RESTART_WINDOW);
        self.deaths.push_back(now);
        if self.deaths.len() > RESTARTS_MAX {
            return Ok(Ended::TooOften(self.name));
        }
        say(format_args!(
            "the {} ended ({how}) and is started again",
            self.name
        ));
        tokio::time::sleep(RESTART_PAUSE).await;
        match self.start().await {
            Ok(()) => Ok(Ended::Restarted),
            // It died again while starting: that is one more death, not the end of the supervisor.
            Err(error) if self.running.is_some() => {
                say(format_args!("{error:#}"));
                Ok(Ended::Restarted)
            }
            Err(error) => Err(error),
        }
    }

    async fn stop(&mut self) {
        let Some(mut child) = self.running.take() else {
            return;
        };
        drop(self.stdin.take());
        if tokio::time::timeout(STOP_TIMEOUT, child.wait())
            .await
            .is_err()
        {
            say(format_args!(
                "the {} did not stop in time and is killed",
                self.name
            ));
            let _ = child.kill().await;
        }
    }
}
