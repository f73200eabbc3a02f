//! A world for an edge that `footfall dev` does not run: origin and edge, started as an operator starts them,
//! and started again when they die.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::Duration;

use super::process::Process;
use super::world::{Admin, Home, Pids, Report, start_healthy_edge, start_healthy_origin};

const LOOK_EVERY: Duration = Duration::from_millis(50);

/// Both processes.
#[derive(Debug)]
struct Pair {
    origin: Process,
    edge: Process,
}

/// The processes and whoever looks after them.
#[derive(Debug)]
pub(crate) struct Parts {
    pair: Arc<Mutex<Pair>>,
    stop: Arc<AtomicBool>,
    keeper: Option<JoinHandle<()>>,
    home: Arc<Home>,
}

impl Parts {
    /// Starts both on this directory, with the demo shop.
    #[track_caller]
    pub(crate) fn start(home: Arc<Home>) -> (Self, Report) {
        home.run(&["demo"]);
        let made = |kind: &str, prefix: &str| {
            let told = home.run(&[
                "admin", "key", "create", "--shop", "demo", "--kind", kind, "--label", "test",
            ]);
            word(&told, |word| word.starts_with(prefix))
        };
        let (publishable_key, secret_key) =
            (made("publishable", "ff_pk_"), made("secret", "ff_sk_"));
        let identifier = "e2e@demo.example".to_owned();
        let told = home.run(&[
            "admin",
            "user",
            "create",
            "--shop",
            "demo",
            "--identifier",
            &identifier,
            "--role",
            "owner",
        ]);
        let password = told.trim().rsplit(' ').next().unwrap().to_owned();
        // The edge first: then what the origin has to tell reaches it at the first try.
        let edge = start_healthy_edge(&home);
        let pair = Pair {
            origin: start_healthy_origin(&home),
            edge,
        };
        let report = Report {
            edge: home.edge().base,
            origin: home.origin().base,
            publishable_key,
            secret_key,
            admin: Admin {
                identifier,
                password,
            },
            sample_customer_email: "shopper@example.com".to_owned(),
            pids: pair.pids(),
        };
        (Self::keep(pair, home), report)
    }

    fn keep(pair: Pair, home: Arc<Home>) -> Self {
        let (pair, stop) = (Arc::new(Mutex::new(pair)), Arc::new(AtomicBool::new(false)));
        let (kept, stopped, ground) = (Arc::clone(&pair), Arc::clone(&stop), Arc::clone(&home));
        let keeper = std::thread::spawn(move || {
            while !stopped.load(Ordering::Relaxed) {
                let mut pair = kept.lock().unwrap_or_else(PoisonError::into_inner);
                if pair.origin.has_ended() {
                    pair.origin = start_healthy_origin(&ground);
                }
                if pair.edge.has_ended() {
                    pair.edge = start_healthy_edge(&ground);
                }
                drop(pair);
                std::thread::sleep(LOOK_EVERY);
            }
        });
        Self {
            pair,
            stop,
            keeper: Some(keeper),
            home,
        }
    }

    /// The process ids of now.
    pub(crate) fn pids(&self) -> Pids {
        let pair = self.pair.lock().unwrap_or_else(PoisonError::into_inner);
        pair.pids()
    }
}

impl Pair {
    fn pids(&self) -> Pids {
        Pids {
            origin: self.origin.pid(),
            edge: self.edge.pid(),
        }
    }
}

impl Drop for Parts {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::Relaxed);
        if let Some(keeper) = self.keeper.take() {
            let _ = keeper.join();
        }
        if std::thread::panicking() {
            for name in ["serve.log", "edge.log"] {
                let log = std::fs::read_to_string(self.home.path().join(name));
                println!("{name}:\n{}", log.unwrap_or_default());
            }
        }
    }
}

/// The word of a text that is like this.
#[track_caller]
fn word(text: &str, is_it: impl Fn(&str) -> bool) -> String {
    let found = text.split_whitespace().find(|word| is_it(word));
    found.unwrap_or_else(|| panic!("{text}")).to_owned()
}
