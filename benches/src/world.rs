//! The measured processes: `footfall dev` in a directory of its own, with the demo shop.

use std::fs::File;
use std::net::{SocketAddr, TcpListener};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context, bail};
use footfall_shared::shop::ShopEntry;
use footfall_shared::signing::{SIGNATURE_HEADER, SigningKeys, TIMESTAMP_HEADER};
use footfall_shared::time::UtcMillis;
use footfall_shared::wire::internal::{ResolveShop, ResolvedShop, path};
use rustix::process::{Pid, Signal, kill_process};
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Value;
use tempfile::TempDir;

use crate::http::{Connection, request};

const START_TIME_MAX: Duration = Duration::from_secs(60);
const STOP_TIME_MAX: Duration = Duration::from_secs(20);
const DEMO_SHOP: &str = "demo";

/// Origin and edge on one database.
#[derive(Debug)]
pub struct World {
    /// Where the edge listens.
    pub edge: SocketAddr,
    /// Where the origin listens.
    pub origin: SocketAddr,
    /// The embedded host's process.
    pub edge_pid: u32,
    /// The origin's process.
    pub origin_pid: u32,
    /// The demo shop's key for servers.
    pub secret_key: String,
    /// The demo shop's example customer.
    pub sample_email: String,
    /// The keys that sign between edge and origin, as a setting.
    pub edge_keys: String,
    keys: SigningKeys,
    child: Child,
    _directory: TempDir,
}

impl World {
    /// Starts `binary dev` on a new SQLite file, or on the empty database behind `postgres`.
    ///
    /// # Errors
    /// When it does not start in time; its log is part of the message.
    pub fn start(binary: &Path, postgres: Option<&str>) -> anyhow::Result<Self> {
        let directory = tempfile::Builder::new()
            .prefix("footfall-bench-")
            .tempdir()?;
        let data = directory.path().join("data");
        let log = directory.path().join("log");
        let (edge, origin) = (free_address()?, free_address()?);
        let mut command = Command::new(binary);
        for (name, _) in std::env::vars_os() {
            // Settings of the caller's shell are not what is measured.
            let name = name.to_string_lossy();
            let ours = name.starts_with("FOOTFALL_") && name != "FOOTFALL_EDGE_COMPONENT";
            if ours || name == "DATABASE_URL" {
                command.env_remove(&*name);
            }
        }
        command
            .arg("dev")
            .env("FOOTFALL_DATA_DIR", &data)
            .env("FOOTFALL_DEMO_SESSIONS", "0")
            .env("FOOTFALL_EDGE_ADDR", edge.to_string())
            .env("FOOTFALL_ORIGIN_ADDR", origin.to_string())
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(File::create(&log)?);
        if let Some(url) = postgres {
            command.env("DATABASE_URL", url);
        }
        let mut child = command
            .spawn()
            .with_context(|| format!("start {}", binary.display()))?;
        let told = wait_for(&mut child, &data.join("dev.json")).inspect_err(|_| {
            // Its children stop by themselves when it is gone.
            let _ = child.kill();
        });
        let told = told.with_context(|| std::fs::read_to_string(&log).unwrap_or_default())?;
        let secrets = read_json(&data.join("dev-secrets.json"))?;
        let pid = |name: &str| -> anyhow::Result<u32> {
            let pid = told["pids"][name]
                .as_u64()
                .with_context(|| format!("the {name}'s pid"))?;
            Ok(u32::try_from(pid)?)
        };
        Ok(Self {
            edge,
            origin,
            edge_pid: pid("edge")?,
            origin_pid: pid("origin")?,
            secret_key: text(&told, "secret_key")?,
            sample_email: text(&told, "sample_customer_email")?,
            edge_keys: text(&secrets, "edge_keys")?,
            keys: SigningKeys::parse(&text(&secrets, "edge_keys")?)?,
            child,
            _directory: directory,
        })
    }

    /// A signed call to the origin as it goes over the wire; good for five minutes.
    #[must_use]
    pub fn signed(&self, path: &str, body: &[u8]) -> Vec<u8> {
        let made = self.keys.sign(now(), path, body);
        let headers = [
            (TIMESTAMP_HEADER, made.timestamp.as_str()),
            (SIGNATURE_HEADER, &made.signature),
        ];
        request("POST", path, &headers, body)
    }

    /// Asks the origin what an edge would ask.
    ///
    /// # Errors
    /// When it does not answer as expected.
    pub fn ask<T: DeserializeOwned>(&self, path: &str, body: &impl Serialize) -> anyhow::Result<T> {
        let call = self.signed(path, &serde_json::to_vec(body)?);
        let mut origin = Connection::open(self.origin)?;
        let reply = origin.call(&call).with_context(|| path.to_owned())?;
        Ok(serde_json::from_slice(reply)?)
    }

    /// The demo shop as edges know it.
    ///
    /// # Errors
    /// When the origin does not answer as expected.
    pub fn shop(&self) -> anyhow::Result<ShopEntry> {
        let question = ResolveShop::Slug(DEMO_SHOP.to_owned());
        let reply: ResolvedShop = self.ask(path::RESOLVE_SHOP, &question)?;
        reply.shop.context("there is no demo shop")
    }
}

impl Drop for World {
    fn drop(&mut self) {
        let pid = i32::try_from(self.child.id()).ok().and_then(Pid::from_raw);
        if let Some(pid) = pid {
            let _ = kill_process(pid, Signal::TERM);
        }
        let until = Instant::now() + STOP_TIME_MAX;
        while Instant::now() < until {
            if matches!(self.child.try_wait(), Ok(Some(_)) | Err(_)) {
                return;
            }
            std::thread::sleep(Duration::from_millis(20));
        }
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Now, as the signatures and the rules take it.
#[must_use]
pub fn now() -> UtcMillis {
    let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH);
    UtcMillis::new(i64::try_from(since.unwrap_or_default().as_millis()).unwrap_or(i64::MAX))
}

fn wait_for(child: &mut Child, dev_json: &Path) -> anyhow::Result<Value> {
    let until = Instant::now() + START_TIME_MAX;
    while !dev_json.exists() {
        if let Some(status) = child.try_wait()? {
            bail!("it ended at its start: {status}");
        }
        if Instant::now() > until {
            bail!("it did not start in time");
        }
        std::thread::sleep(Duration::from_millis(20));
    }
    read_json(dev_json)
}

fn read_json(path: &Path) -> anyhow::Result<Value> {
    let text = std::fs::read(path).with_context(|| path.display().to_string())?;
    Ok(serde_json::from_slice(&text)?)
}

fn text(value: &Value, name: &str) -> anyhow::Result<String> {
    Ok(value[name]
        .as_str()
        .with_context(|| format!("no {name}"))?
        .to_owned())
}

/// A loopback address on which nobody listens.
pub(crate) fn free_address() -> anyhow::Result<SocketAddr> {
    Ok(TcpListener::bind("127.0.0.1:0")?.local_addr()?)
}
