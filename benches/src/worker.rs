//! The cached bundle look-up as a Cloudflare Worker on raw workerd, beside a plain JavaScript Worker that does
//! the same work: hash the key and the email (SHA-256), read KV, parse, decide, answer as JSON.

use std::fs;
use std::net::SocketAddr;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context, bail, ensure};
use footfall_shared::keys::ApiKey;
use serde_json::Value;
use tempfile::TempDir;

use crate::http::{Connection, request};
use crate::load::{Measured, Pace, run};
use crate::process::cpu_time;
use crate::report::{Figure, Target};
use crate::world::{World, free_address};

const CONNECTIONS: usize = 64;
const WARM_TIME: Duration = Duration::from_secs(3);
/// Each Worker's turn. They take turns, so that what disturbs the machine disturbs both.
const TURN: Duration = Duration::from_secs(3);
const TURNS: usize = 5;
const START_TIME_MAX: Duration = Duration::from_secs(20);

/// Measures throughput and what a look-up costs, on both.
///
/// # Errors
/// When workerd does not start or a reply is not the expected one.
pub fn measure(world: &World, workerd: &Path, worker: &Path) -> anyhow::Result<Vec<Figure>> {
    let runtime = Runtime::start(world, workerd, worker)?;
    let path = format!(
        "/api/intelligence/bundle?customer_email={}",
        world.sample_email
    );
    // The shop's own server asks: it has no limit, and so no other work than the yardstick.
    let key = format!("Bearer {}", world.secret_key);
    let look_up = request("GET", &path, &[("authorization", &key)], b"");
    same_answers(&runtime, &look_up)?;
    for address in [runtime.rust, runtime.plain] {
        run(address, &look_up, CONNECTIONS, Pace::Closed, WARM_TIME)?;
    }
    let mut turns = Vec::new();
    for _ in 0..TURNS {
        let rust = runtime.turn(runtime.rust, &look_up)?;
        let plain = runtime.turn(runtime.plain, &look_up)?;
        turns.push((rust, plain));
    }
    let middle = |value: fn(&(Turn, Turn)) -> f64| median(turns.iter().map(value));
    Ok(vec![
        Figure::plain(
            "bundle look-up, Worker on workerd, 64 connections",
            middle(|(rust, _)| rust.per_second),
            "/s",
        ),
        Figure::plain(
            "the same as a plain JavaScript Worker",
            middle(|(_, plain)| plain.per_second),
            "/s",
        ),
        Figure::against(
            "throughput, Worker ÷ plain JavaScript Worker",
            middle(|(rust, plain)| rust.per_second / plain.per_second),
            "×",
            Target::AtLeast(0.8),
        ),
        Figure::plain(
            "CPU of a look-up, Worker",
            middle(|(rust, _)| rust.cpu_us),
            "µs",
        ),
        Figure::plain(
            "CPU of a look-up, plain JavaScript Worker",
            middle(|(_, plain)| plain.cpu_us),
            "µs",
        ),
    ])
}

/// One Worker's turn.
#[derive(Debug, Clone, Copy)]
struct Turn {
    per_second: f64,
    cpu_us: f64,
}

fn median(values: impl Iterator<Item = f64>) -> f64 {
    let mut values: Vec<f64> = values.collect();
    values.sort_by(f64::total_cmp);
    values.get(values.len() / 2).copied().unwrap_or_default()
}

/// workerd with both Workers. It ends when this is dropped.
#[derive(Debug)]
struct Runtime {
    rust: SocketAddr,
    plain: SocketAddr,
    child: Child,
    _directory: TempDir,
}

impl Runtime {
    fn start(world: &World, workerd: &Path, worker: &Path) -> anyhow::Result<Self> {
        let directory = tempfile::Builder::new()
            .prefix("footfall-bench-")
            .tempdir()?;
        let sources = Path::new(env!("CARGO_MANIFEST_DIR")).join("workerd");
        for (folder, name) in [
            (worker, "index.js"),
            (worker, "index_bg.wasm"),
            (&sources, "kv.js"),
            (&sources, "plain.js"),
        ] {
            let from = folder.join(name);
            fs::copy(&from, directory.path().join(name))
                .with_context(|| from.display().to_string())?;
        }
        let (rust, plain) = (free_address()?, free_address()?);
        let config = configure(
            &fs::read_to_string(sources.join("config.capnp"))?,
            world,
            directory.path(),
            [rust, plain],
        )?;
        let file = directory.path().join("config.capnp");
        fs::write(&file, config)?;
        let child = Command::new(workerd)
            .args(["serve", "--experimental"])
            .arg(&file)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .spawn()
            .with_context(|| workerd.display().to_string())?;
        let mut runtime = Self {
            rust,
            plain,
            child,
            _directory: directory,
        };
        runtime.wait_until_it_listens()?;
        Ok(runtime)
    }

    fn wait_until_it_listens(&mut self) -> anyhow::Result<()> {
        let until = Instant::now() + START_TIME_MAX;
        for address in [self.rust, self.plain] {
            while Connection::open(address).is_err() {
                if let Some(status) = self.child.try_wait()? {
                    bail!("workerd ended at its start: {status}");
                }
                ensure!(Instant::now() < until, "workerd did not start in time");
                std::thread::sleep(Duration::from_millis(20));
            }
        }
        Ok(())
    }

    fn turn(&self, address: SocketAddr, look_up: &[u8]) -> anyhow::Result<Turn> {
        let before = cpu_time(self.child.id())?;
        let measured: Measured = run(address, look_up, CONNECTIONS, Pace::Closed, TURN)?;
        let used = cpu_time(self.child.id())? - before;
        Ok(Turn {
            per_second: measured.per_second(),
            cpu_us: used.as_secs_f64() * 1e6 / measured.replies as f64,
        })
    }
}

impl Drop for Runtime {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn configure(
    template: &str,
    world: &World,
    disk: &Path,
    [rust, plain]: [SocketAddr; 2],
) -> anyhow::Result<String> {
    let shop = world.shop()?;
    let key = ApiKey::parse(&world.secret_key).context("the secret key is none")?;
    let config = [
        ("@RUST@", rust.to_string()),
        ("@PLAIN@", plain.to_string()),
        ("@DISK@", disk.display().to_string()),
        ("@ORIGIN@", format!("http://{}", world.origin)),
        ("@KEYS@", world.edge_keys.clone()),
        ("@SHOP@", shop.shop.to_string()),
        ("@SALT@", shop.salt.reveal()),
        ("@KEY_HASH@", key.hash),
    ]
    .iter()
    .fold(template.to_owned(), |text, (name, value)| {
        text.replace(name, value)
    });
    ensure!(
        !config.contains('@'),
        "something is missing in the configuration"
    );
    Ok(config)
}

/// Both must do the same work, which shows in the same offer. The first look-up fills the cache for both.
fn same_answers(runtime: &Runtime, look_up: &[u8]) -> anyhow::Result<()> {
    let ask = |address| -> anyhow::Result<Value> {
        let mut connection = Connection::open(address)?;
        Ok(serde_json::from_slice(connection.call(look_up)?)?)
    };
    let (rust, plain) = (ask(runtime.rust)?, ask(runtime.plain)?);
    ensure!(
        rust["offer_id"].is_string(),
        "the Worker has no offer for the example customer: {rust}"
    );
    ensure!(
        rust == plain,
        "the two Workers answer differently: {rust} and {plain}"
    );
    Ok(())
}
