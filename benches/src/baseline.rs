//! The yardstick: the same look-up as a bare native hyper handler, without wasm, key-value store, router
//! or anything else that a product needs. It runs as a process of its own.

use std::collections::HashMap;
use std::convert::Infallible;
use std::io::{BufRead, BufReader, Write};
use std::net::SocketAddr;
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::Arc;

use anyhow::Context;
use footfall_shared::identity::{Email, EmailHash};
use footfall_shared::offers::{Decision, decide};
use footfall_shared::shop::ShopEntry;
use footfall_shared::wire::intelligence::{Audience, BundleReply};
use footfall_shared::wire::internal::CustomerEntry;
use http_body_util::Full;
use hyper::body::{Bytes, Incoming};
use hyper::header::{CONTENT_TYPE, HeaderValue};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::{Request, Response, StatusCode};
use hyper_util::rt::TokioIo;
use serde::{Deserialize, Serialize};
use tokio::net::TcpListener;

use crate::world::now;

/// The argument that makes this program the yardstick.
pub const COMMAND: &str = "baseline";

/// What the handler knows.
#[derive(Debug, Serialize, Deserialize)]
pub struct Known {
    /// The shop of keyless requests.
    pub shop: ShopEntry,
    /// The customer's key and entry, the latter as text just as an edge's cache has it.
    pub customer: (EmailHash, String),
}

/// The running yardstick. It ends when this is dropped.
#[derive(Debug)]
pub struct Baseline {
    /// Where it listens.
    pub address: SocketAddr,
    child: Child,
    _stdin: ChildStdin,
}

impl Baseline {
    /// Starts this program again as the yardstick.
    ///
    /// # Errors
    /// When it does not start.
    pub fn start(known: &Known) -> anyhow::Result<Self> {
        let mut child = Command::new(std::env::current_exe()?)
            .arg(COMMAND)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .context("start the baseline")?;
        let mut stdin = child.stdin.take().context("its standard input")?;
        writeln!(stdin, "{}", serde_json::to_string(known)?)?;
        let mut address = String::new();
        let stdout = child.stdout.take().context("its standard output")?;
        BufReader::new(stdout).read_line(&mut address)?;
        let address = address
            .trim()
            .parse()
            .context("the baseline told no address")?;
        Ok(Self {
            address,
            child,
            _stdin: stdin,
        })
    }

    /// Its process.
    #[must_use]
    pub fn pid(&self) -> u32 {
        self.child.id()
    }
}

impl Drop for Baseline {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Is the yardstick: reads what it knows, tells its address, serves until its standard input closes.
///
/// # Errors
/// When it cannot listen.
pub fn serve() -> anyhow::Result<()> {
    let mut stdin = BufReader::new(std::io::stdin());
    let mut line = String::new();
    stdin.read_line(&mut line)?;
    let known: Known = serde_json::from_str(&line)?;
    let (hash, entry) = known.customer;
    let handler = Arc::new(Handler {
        shops: HashMap::from([(known.shop.slug.clone(), known.shop)]),
        customers: HashMap::from([(hash, entry.into_bytes())]),
    });
    std::thread::spawn(move || {
        // Whoever started this is gone.
        let _ = stdin.read_line(&mut String::new());
        std::process::exit(0);
    });
    tokio::runtime::Runtime::new()?.block_on(listen(handler))
}

async fn listen(handler: Arc<Handler>) -> anyhow::Result<()> {
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    let mut stdout = std::io::stdout();
    writeln!(stdout, "{}", listener.local_addr()?)?;
    stdout.flush()?;
    loop {
        let (stream, _) = listener.accept().await?;
        stream.set_nodelay(true)?;
        let handler = Arc::clone(&handler);
        tokio::spawn(async move {
            let service = service_fn(move |request: Request<Incoming>| {
                let reply = handler.answer(request.uri().query().unwrap_or_default());
                std::future::ready(Ok::<_, Infallible>(reply))
            });
            let _ = http1::Builder::new()
                .serve_connection(TokioIo::new(stream), service)
                .await;
        });
    }
}

struct Handler {
    shops: HashMap<String, ShopEntry>,
    customers: HashMap<EmailHash, Vec<u8>>,
}

impl Handler {
    fn answer(&self, query: &str) -> Response<Full<Bytes>> {
        let found = self.look_up(query);
        let status = if found.is_some() {
            StatusCode::OK
        } else {
            StatusCode::NOT_FOUND
        };
        let mut response = Response::new(Full::new(Bytes::from(found.unwrap_or_default())));
        *response.status_mut() = status;
        response
            .headers_mut()
            .insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
        response
    }

    fn look_up(&self, query: &str) -> Option<Vec<u8>> {
        let mut pairs = form_urlencoded::parse(query.as_bytes());
        let (_, text) = pairs.find(|(name, _)| name == "customer_email")?;
        let email = Email::parse("customer_email", &text).ok()?;
        let shop = self.shops.get("demo")?;
        let held = self.customers.get(&EmailHash::of(&email, &shop.salt))?;
        let entry: CustomerEntry = serde_json::from_slice(held).ok()?;
        let now = now();
        let Decision::Standing(offer) = decide(entry.profile.as_ref(), entry.offer.as_ref(), now)
        else {
            return None;
        };
        let locale = &shop.settings.locale;
        let reply = BundleReply::from_offer(&entry, offer, Audience::Storefront, locale, now);
        serde_json::to_vec(&reply).ok()
    }
}
