//! Funnel analytics over many visits, and live data to many clients.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use anyhow::{Context, ensure};
use footfall_shared::event::{Device, Event, EventKind};
use footfall_shared::experiment::seed::Seed;
use footfall_shared::id::EventId;
use footfall_shared::shop::ShopEntry;
use footfall_shared::time::{DAY_MS, UtcMillis};
use footfall_shared::wire::internal::{AppendReceipt, path};
use futures_util::StreamExt as _;
use serde_json::{Map, Value, json};
use tokio::net::TcpStream;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::{MaybeTlsStream, WebSocketStream, connect_async};

use crate::http::{Connection, request};
use crate::report::{Figure, Target};
use crate::world::{World, now};

/// Connections that store.
const SENDERS: usize = 4;
/// Events in a batch.
const EVENTS_A_BATCH: usize = 500;
/// Events of a visit.
const EVENTS_A_VISIT: u32 = 10;
/// Times that each route is asked.
const QUESTIONS: usize = 40;
/// Clients of the stream, and events a second to them.
const CLIENTS: usize = 200;
const EVENTS_A_SECOND: usize = 5_000;
/// How long it streams.
const SECONDS: usize = 10;
/// Clients while one event after another is tracked, and how many.
const CLIENTS_OF_ONE: usize = 1_000;
const TRACKED: usize = 100;

type Socket = WebSocketStream<MaybeTlsStream<TcpStream>>;

/// Stores visits, then asks every route of the contract.
///
/// # Errors
/// When something does not answer.
pub fn visits(world: &World, database: &str, sessions: u32) -> anyhow::Result<Vec<Figure>> {
    let shop = world.shop()?;
    let begun = Instant::now();
    let stored = std::thread::scope(|scope| -> anyhow::Result<usize> {
        let senders: Vec<_> = (0..SENDERS)
            .map(|sender| {
                let shop = &shop;
                scope.spawn(move || store(world, shop, sessions, sender))
            })
            .collect();
        let stored = senders.into_iter().map(|sender| {
            sender
                .join()
                .map_err(|_| anyhow::anyhow!("a sender panicked"))?
        });
        stored.sum()
    })?;
    let mut figures = vec![Figure::plain(
        format!("events folded into visits and figures on {database}"),
        stored as f64 / begun.elapsed().as_secs_f64(),
        "/s",
    )];
    for target in [
        "/dashboard/metrics",
        "/dashboard/metrics?start_date=2026-01-01",
        "/dashboard/trends",
        "/dashboard/trends?interval=weekly&start_date=2026-01-01",
        "/analytics/funnel",
        "/analytics/funnel?device_type=mobile&start_date=2026-01-01",
        "/analytics/funnel/dropoffs?start_date=2026-01-01",
        "/analytics/conversion-rates?start_date=2026-01-01&interval=monthly",
        "/analytics/user-segments",
        "/users/behavior?limit=100",
        "/users/behavior?page_type=confirmation",
        "/users/behavior?user_id=visitor-7",
        "/users/journey/visitor-7",
        "/users/similar/visitor-7",
        "/sentiment/analysis?date_range=90d",
        "/sentiment/page/payment",
        "/realtime/metrics",
        "/models/status",
        "/recommendations/visitor-7",
        "/health",
    ] {
        figures.push(ask(world, database, target)?);
    }
    Ok(figures)
}

fn ask(world: &World, database: &str, target: &str) -> anyhow::Result<Figure> {
    let bearer = format!("Bearer {}", world.secret_key);
    let question = request("GET", target, &[("Authorization", &bearer)], &[]);
    let mut times: Vec<Duration> = Vec::with_capacity(QUESTIONS);
    for _ in 0..QUESTIONS {
        let mut origin = Connection::open(world.origin)?;
        let asked = Instant::now();
        // Who was never trained for is not found, as quickly.
        if let Err(fault) = origin.call(&question) {
            ensure!(
                fault.to_string().starts_with("answered 404"),
                "{target}: {fault}"
            );
        }
        times.push(asked.elapsed());
    }
    times.sort_unstable();
    Ok(Figure::against(
        format!("GET {target} on {database}: p95"),
        times[QUESTIONS * 95 / 100].as_secs_f64() * 1000.0,
        "ms",
        Target::AtMost(50.0),
    ))
}

fn store(world: &World, shop: &ShopEntry, sessions: u32, sender: usize) -> anyhow::Result<usize> {
    let mut origin = Connection::open(world.origin)?;
    let (mut batch, mut stored) = (Vec::new(), 0);
    for session in (0..sessions).filter(|session| *session as usize % SENDERS == sender) {
        batch.extend(visit(shop, session));
        if batch.len() >= EVENTS_A_BATCH {
            stored += send(world, &mut origin, &mut batch)?;
        }
    }
    Ok(stored + send(world, &mut origin, &mut batch)?)
}

fn send(world: &World, origin: &mut Connection, batch: &mut Vec<Event>) -> anyhow::Result<usize> {
    let body = serde_json::to_vec(&json!({"events": batch}))?;
    let receipt: AppendReceipt =
        serde_json::from_slice(origin.call(&world.signed(path::EVENTS, &body))?)?;
    ensure!(
        receipt.receipts.len() == batch.len(),
        "not all events were answered"
    );
    let count = batch.len();
    batch.clear();
    Ok(count)
}

/// A visit of the last year by one of many visitors: ten pages and events, some of them along the funnel.
fn visit(shop: &ShopEntry, session: u32) -> Vec<Event> {
    let chance =
        |what: &str, bound: u32| Seed::of(&["bench", what, &session.to_string()]).below(bound);
    let begun = now()
        .plus(-i64::from(chance("day", 300)) * DAY_MS - i64::from(chance("time", 80_000)) * 1_000);
    let visitor = format!("visitor-{}", chance("visitor", 400_000));
    let far = chance("far", 100);
    let device = ["mobile", "desktop", "tablet"][chance("device", 3) as usize];
    let source = ["google", "tiktok", "newsletter", "bing"][chance("source", 4) as usize];
    let event = |n: u32| {
        let what = match n {
            0 => "/",
            2 if far < 50 => "/search",
            6 if far < 10 => "/checkout",
            8 if far < 3 => "Order Completed",
            _ => [
                "/product/tea",
                "/product/cup",
                "/category/tea",
                "/blog/news",
            ][(n % 4) as usize],
        };
        let context = json!({
            "device": {"type": device}, "campaign": {"source": source},
            "page": {"path": what, "url": format!("https://shop.example{what}")},
        });
        happened(
            shop,
            format!("funnel-{session}-{n}"),
            begun.plus(i64::from(n) * 20_000),
            &visitor,
            what,
            context,
        )
    };
    (0..EVENTS_A_VISIT).map(event).collect()
}

fn happened(
    shop: &ShopEntry,
    id: String,
    at: UtcMillis,
    visitor: &str,
    what: &str,
    context: Value,
) -> Event {
    let is_page = what.starts_with('/');
    Event {
        shop: shop.shop.clone(),
        // Letters, digits and hyphens always make an id.
        id: EventId::parse(&id).unwrap_or_else(|_| EventId::generate(at, [0; 10])),
        kind: if is_page {
            EventKind::Page
        } else {
            EventKind::Track
        },
        name: (!is_page).then(|| what.to_owned()),
        at,
        received_at: at,
        anonymous_id: Some(visitor.to_owned()),
        user_id: None,
        session_id: None,
        email: None,
        trust: None,
        device: Device::default(),
        body: Map::from_iter([("context".to_owned(), context)]),
    }
}

/// Streams events to many clients, then tracks single ones at the edge.
///
/// # Errors
/// When something does not answer.
pub fn live(world: &World, database: &str) -> anyhow::Result<Vec<Figure>> {
    let runtime = tokio::runtime::Runtime::new()?;
    let mut figures = stream(world, database, &runtime)?;
    figures.push(track(world, database, &runtime)?);
    Ok(figures)
}

async fn come(world: &World) -> anyhow::Result<Socket> {
    let address = format!(
        "ws://{}/ws/realtime?topics=events&token={}",
        world.origin, world.secret_key
    );
    let (mut socket, _) = connect_async(address).await?;
    let hello = socket.next().await.context("no word")??;
    ensure!(hello.to_text()?.contains("connected"), "{hello}");
    Ok(socket)
}

fn stream(
    world: &World,
    database: &str,
    runtime: &tokio::runtime::Runtime,
) -> anyhow::Result<Vec<Figure>> {
    let shop = world.shop()?;
    let heard = Arc::new(AtomicU64::new(0));
    let dropped = Arc::new(AtomicU64::new(0));
    for _ in 0..CLIENTS {
        let mut socket = runtime.block_on(come(world))?;
        let (heard, dropped) = (Arc::clone(&heard), Arc::clone(&dropped));
        runtime.spawn(async move {
            while let Some(Ok(message)) = socket.next().await {
                if let Message::Text(text) = message {
                    // Counting is enough: reading two hundred copies as JSON would measure the client.
                    heard.fetch_add(
                        text.matches("\"event_id\"").count() as u64,
                        Ordering::Relaxed,
                    );
                }
            }
            dropped.fetch_add(1, Ordering::Relaxed);
        });
    }
    let mut origin = Connection::open(world.origin)?;
    let begun = Instant::now();
    let total = EVENTS_A_SECOND * SECONDS;
    let mut sent = 0;
    while sent < total {
        let due = begun + Duration::from_secs_f64(sent as f64 / EVENTS_A_SECOND as f64);
        std::thread::sleep(due.saturating_duration_since(Instant::now()));
        let context = json!({"page": {"path": "/live", "url": "https://shop.example/live"}});
        let mut batch = (sent..sent + EVENTS_A_BATCH)
            .map(|n| {
                happened(
                    &shop,
                    format!("live-{n}"),
                    now(),
                    &format!("live-{}", n % 900),
                    "/live",
                    context.clone(),
                )
            })
            .collect();
        sent += send(world, &mut origin, &mut batch)?;
    }
    let stored = begun.elapsed();
    let all = (total * CLIENTS) as u64;
    while heard.load(Ordering::Relaxed) < all
        && begun.elapsed() < 6 * Duration::from_secs(SECONDS as u64)
    {
        std::thread::sleep(Duration::from_millis(10));
    }
    let elapsed = begun.elapsed().as_secs_f64();
    let heard = heard.load(Ordering::Relaxed) as f64 / CLIENTS as f64;
    Ok(vec![
        Figure::against(
            format!("live events a second to each of {CLIENTS} clients on {database}"),
            heard / elapsed,
            "/s",
            Target::AtLeast(0.98 * EVENTS_A_SECOND as f64),
        ),
        Figure::plain("  storing them took", stored.as_secs_f64(), "s"),
        Figure::against(
            "  clients that were sent away",
            dropped.load(Ordering::Relaxed) as f64,
            "",
            Target::AtMost(0.0),
        ),
    ])
}

fn track(
    world: &World,
    database: &str,
    runtime: &tokio::runtime::Runtime,
) -> anyhow::Result<Figure> {
    let mut sockets = Vec::with_capacity(CLIENTS_OF_ONE);
    for _ in 0..CLIENTS_OF_ONE {
        sockets.push(runtime.block_on(come(world))?);
    }
    let mut watched = sockets.pop().context("no client")?;
    for mut socket in sockets {
        runtime.spawn(async move { while let Some(Ok(_)) = socket.next().await {} });
    }
    let mut edge = Connection::open(world.edge)?;
    let mut times = Vec::with_capacity(TRACKED);
    for n in 0..TRACKED {
        let name = format!("Shown {n}");
        let body = serde_json::to_vec(&json!({"event": name, "anonymousId": "live"}))?;
        let question = request(
            "POST",
            "/v1/track",
            &[("Content-Type", "application/json")],
            &body,
        );
        let begun = Instant::now();
        edge.call(&question)?;
        runtime.block_on(async {
            while let Some(message) = watched.next().await {
                if message?.to_text().is_ok_and(|text| text.contains(&name)) {
                    return Ok(());
                }
            }
            anyhow::bail!("the client was sent away")
        })?;
        times.push(begun.elapsed());
    }
    times.sort_unstable();
    Ok(Figure::against(
        format!("from the edge to a client beside {CLIENTS_OF_ONE} on {database}: p99"),
        times[TRACKED * 99 / 100].as_secs_f64() * 1000.0,
        "ms",
        Target::AtMost(1_000.0),
    ))
}
