//! Journeys: touchpoints of many live sessions on the embedded host, the reducer natively and as wasm, and the analytics
//! over many stored sessions.

use std::process::Command;
use std::time::{Duration, Instant};

use anyhow::{Context, ensure};
use footfall_shared::event::{Device, Event, EventKind};
use footfall_shared::experiment::seed::Seed;
use footfall_shared::id::EventId;
use footfall_shared::journey::event::{
    Conversion, Happening, Measured, Numbered, StageChange, Start, Touch,
};
use footfall_shared::journey::stage::Stage;
use footfall_shared::money::{Currency, MinorUnits};
use footfall_shared::shop::ShopEntry;
use footfall_shared::time::DAY_MS;
use footfall_shared::wire::internal::{AppendReceipt, ShopLedger, Verdict, path};
use serde_json::{Map, Value, json};

use crate::http::{Connection, request};
use crate::load::{Pace, run_all};
use crate::process::resident_bytes;
use crate::report::{Figure, Target};
use crate::session::fold_events;
use crate::world::{World, now};

const SESSIONS: usize = 10_000;
const CONNECTIONS: usize = 64;
/// 100,000 a minute, the contract's number.
const RATE: u32 = 1_667;
/// Events in a batch of stored sessions, and their senders.
const EVENTS_A_BATCH: usize = 500;
const SENDERS: usize = 3;
/// How often each analysis is asked for: both together less often than the hundred a minute that a caller may ask.
const QUESTIONS: usize = 45;
/// How long the origin may take to have what the edge has accepted.
const PATIENCE: Duration = Duration::from_secs(120);

/// Measures how many events a second one core folds, natively and as wasm in V8.
///
/// # Errors
/// When the wasm module is not there.
pub fn reducer() -> anyhow::Result<Vec<Figure>> {
    const EVENTS: u32 = 1 << 20;
    let mut sink = fold_events(EVENTS);
    let begun = Instant::now();
    let mut folded = 0_u64;
    while begun.elapsed() < Duration::from_millis(1500) {
        sink = sink.wrapping_add(fold_events(EVENTS));
        folded += u64::from(EVENTS);
    }
    std::hint::black_box(sink);
    let native = folded as f64 / begun.elapsed().as_secs_f64();
    let module =
        std::env::var("FOOTFALL_REDUCER_WASM").context("FOOTFALL_REDUCER_WASM is not set")?;
    let told = Command::new("node")
        .args(["benches/reducer/run.mjs", &module])
        .output()
        .context("node")?;
    ensure!(
        told.status.success(),
        "{}",
        String::from_utf8_lossy(&told.stderr)
    );
    let wasm: f64 = String::from_utf8(told.stdout)?.trim().parse()?;
    Ok(vec![
        Figure::against(
            "reducer, native, events and core",
            native / 1e6,
            "M/s",
            Target::AtLeast(5.0),
        ),
        Figure::plain("reducer, wasm on V8, events and core", wasm / 1e6, "M/s"),
        Figure::against(
            "reducer, wasm ÷ native",
            wasm / native,
            "",
            Target::AtLeast(0.5),
        ),
    ])
}

/// Measures touchpoints at 100,000 a minute over 10,000 live sessions, that none is lost, and what the origin's memory
/// does meanwhile.
///
/// # Errors
/// When a reply is not the expected one, or an event does not arrive.
pub fn touchpoints(world: &World) -> anyhow::Result<Vec<Figure>> {
    let minutes = setting("FOOTFALL_BENCH_MINUTES", 1)?;
    let starts: Vec<Vec<u8>> = (0..SESSIONS).map(start).collect();
    let mut edge = Connection::open(world.edge)?;
    for start in &starts {
        edge.call(start)?;
    }
    let requests: Vec<Vec<u8>> = (0..4 * SESSIONS).map(mixed).collect();
    let before = ledger(world)?;
    let memory = resident_bytes(world.origin_pid)?;
    let rate = setting("FOOTFALL_BENCH_RATE", RATE)?;
    let pace = Pace::Open { per_second: rate };
    let time = Duration::from_secs(60 * u64::from(minutes));
    let steady = run_all(world.edge, &requests, CONNECTIONS, pace, time)?;
    let after = wait_until_stored(world)?;
    let grown = resident_bytes(world.origin_pid)?.saturating_sub(memory);
    let accepted = after.accepted - before.accepted;
    // What waited before the run is settled during it, so the books are read as a whole.
    let lost = after.accepted - after.stored - after.duplicate - after.rejected - after.pending;
    let millis = |share: f64| steady.percentile(share).as_secs_f64() * 1000.0;
    let saturated = run_all(
        world.edge,
        &requests,
        CONNECTIONS,
        Pace::Closed,
        Duration::from_secs(5),
    )?;
    let name = format!("touchpoints at {rate}/s, 10,000 sessions, 64 connections");
    Ok(vec![
        Figure::plain(format!("{name}: p50"), millis(0.5), "ms"),
        Figure::against(
            format!("{name}: p99"),
            millis(0.99),
            "ms",
            Target::AtMost(5.0),
        ),
        Figure::plain("for minutes", f64::from(minutes), ""),
        Figure::against(
            "of them not answered five seconds after the last was due",
            steady.unanswered as f64,
            "",
            Target::AtMost(0.0),
        ),
        Figure::against("of them lost", lost as f64, "", Target::AtMost(0.0)),
        Figure::plain("events accepted meanwhile", accepted as f64, ""),
        Figure::plain(
            "origin's memory grew by",
            grown as f64 / f64::from(1 << 20),
            "MiB",
        ),
        Figure::plain(
            "touchpoints as fast as replies come",
            saturated.per_second(),
            "/s",
        ),
    ])
}

fn setting(name: &str, usual: u32) -> anyhow::Result<u32> {
    match std::env::var(name) {
        Ok(text) => text.parse().with_context(|| name.to_owned()),
        Err(_) => Ok(usual),
    }
}

fn name_of(session: usize) -> String {
    format!("live-{session}")
}

fn start(session: usize) -> Vec<u8> {
    let body = json!({
        "sessionId": name_of(session),
        "deviceContext": {"type": (["mobile", "desktop", "tablet"][session % 3])},
        "entryPoint": {"source": (["tiktok", "google", "direct"][session % 3]), "landing_page": "/"},
        "intentSignals": {"purchase_intent": 0.4}
    });
    post("/api/journey/sessions/start", &body)
}

/// Mostly touchpoints; one in ten moves on, one in fifty buys.
fn mixed(at: usize) -> Vec<u8> {
    let session = name_of(at * 7919 % SESSIONS);
    match at {
        at if at % 50 == 49 => post(
            "/api/journey/conversions/track",
            &json!({"sessionId": session, "conversionEvent": {"type": "purchase", "value": 14.95}}),
        ),
        at if at % 10 == 9 => {
            let body =
                json!({"newStage": (["consideration", "decision"][at / 10 % 2])}).to_string();
            request(
                "PUT",
                &format!("/api/journey/sessions/{session}/stage"),
                &[],
                body.as_bytes(),
            )
        }
        _ => post(
            "/api/journey/touchpoints/track",
            &json!({
                "sessionId": session,
                "touchpoint": {
                    "type": (["product_gallery_swipe", "product_details", "reviews", "comparison_table"][at % 4]),
                    "pageUrl": "/product/full-moon",
                    "interactionData": {"interactionDuration": 5.2, "imageIndex": 3},
                    "performanceMetrics": {"loadTime": 0.8, "renderTime": 0.3, "errorRate": 0.0}
                },
                "contextualSignals": {"scrollVelocity": "fast", "exitIntent": false}
            }),
        ),
    }
}

fn post(target: &str, body: &Value) -> Vec<u8> {
    request("POST", target, &[], body.to_string().as_bytes())
}

/// What became of the demo shop's events at the edge.
fn ledger(world: &World) -> anyhow::Result<ShopLedger> {
    let mut edge = Connection::open(world.edge)?;
    let reply = edge.call(&world.signed(path::LEDGER, b"{}"))?;
    let told: Value = serde_json::from_slice(reply)?;
    let shops = told["shops"].as_array().context("no shops in the ledger")?;
    let first = shops.first().context("no shop in the ledger")?;
    Ok(serde_json::from_value(first.clone())?)
}

fn wait_until_stored(world: &World) -> anyhow::Result<ShopLedger> {
    let until = Instant::now() + PATIENCE;
    loop {
        let books = ledger(world)?;
        if books.pending == 0 || Instant::now() > until {
            return Ok(books);
        }
        std::thread::sleep(Duration::from_millis(100));
    }
}

/// Measures the two analyses over a million stored sessions of three happenings each on average.
///
/// # Errors
/// When an event is not appended, or a reply is not the expected one.
pub fn analytics(world: &World, database: &str) -> anyhow::Result<Vec<Figure>> {
    let sessions = sessions()?;
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
    let elapsed = begun.elapsed().as_secs_f64();
    let mut figures = vec![Figure::plain(
        format!("journey events folded into roll-ups on {database}"),
        stored as f64 / elapsed,
        "/s",
    )];
    for name in ["funnel", "cohorts"] {
        let target = format!("/api/journey/analytics/{name}?timeRange=90d");
        let bearer = format!("Bearer {}", world.secret_key);
        let question = request("GET", &target, &[("Authorization", &bearer)], &[]);
        let mut origin = Connection::open(world.origin)?;
        let mut times: Vec<Duration> = Vec::with_capacity(QUESTIONS);
        for _ in 0..QUESTIONS {
            let asked = Instant::now();
            origin.call(&question)?;
            times.push(asked.elapsed());
        }
        times.sort_unstable();
        let p95 = times[QUESTIONS * 95 / 100];
        figures.push(Figure::against(
            format!("{name} over {sessions} sessions on {database}: p95"),
            p95.as_secs_f64() * 1000.0,
            "ms",
            Target::AtMost(50.0),
        ));
    }
    Ok(figures)
}

/// How many sessions are stored.
///
/// # Errors
/// When the setting is no number.
pub fn sessions() -> anyhow::Result<u32> {
    setting("FOOTFALL_BENCH_SESSIONS", 1_000_000)
}

fn store(world: &World, shop: &ShopEntry, sessions: u32, sender: usize) -> anyhow::Result<usize> {
    let mut origin = Connection::open(world.origin)?;
    let (mut batch, mut stored) = (Vec::new(), 0);
    let own = (0..sessions).filter(|session| *session as usize % SENDERS == sender);
    let mut send = |batch: &mut Vec<Event>| -> anyhow::Result<usize> {
        let body = serde_json::to_vec(&json!({"events": batch}))?;
        let receipt: AppendReceipt =
            serde_json::from_slice(origin.call(&world.signed(path::EVENTS, &body))?)?;
        let appended = receipt
            .receipts
            .iter()
            .filter(|one| one.verdict == Verdict::Appended);
        let count = appended.count();
        ensure!(
            count == batch.len(),
            "only {count} of {} were appended",
            batch.len()
        );
        batch.clear();
        Ok(count)
    };
    for session in own {
        batch.extend(session_of(shop, session)?);
        if batch.len() >= EVENTS_A_BATCH {
            stored += send(&mut batch)?;
        }
    }
    Ok(stored + send(&mut batch)?)
}

/// A session of the last 90 days: a start and a touchpoint, of every second a change of stage, of every tenth a sale.
fn session_of(shop: &ShopEntry, session: u32) -> anyhow::Result<Vec<Event>> {
    let chance = |what: &str, bound: u32| {
        Seed::of(&["bench", what, &session.to_string()]).below(bound) as usize
    };
    let name = format!("stored-{session}");
    let begun = now().plus(-i64::from(session % 90) * DAY_MS - 3_600_000);
    let mut happenings = vec![
        Happening::Started(Start {
            device: Some(["mobile", "desktop", "tablet"][chance("device", 3)].to_owned()),
            source: Some(
                [
                    "tiktok",
                    "google",
                    "direct",
                    "newsletter",
                    "instagram",
                    "bing",
                ][chance("source", 6)]
                .to_owned(),
            ),
            persona: None,
            ..Start::default()
        }),
        Happening::Touchpoint(Touch {
            kind: "product_gallery_swipe".to_owned(),
            page: None,
            interacted: true,
            measured: Measured {
                dwell_ms: Some(9_000),
                load_ms: Some(if chance("slow", 5) == 0 { 4_000 } else { 700 }),
                ..Measured::default()
            },
        }),
    ];
    if session.is_multiple_of(2) {
        happenings.push(Happening::StageChanged(StageChange {
            to: Stage::Consideration,
            trigger: None,
            measured: Measured::default(),
            features: Vec::new(),
            comparisons: Vec::new(),
        }));
    }
    if session.is_multiple_of(10) {
        happenings.push(Happening::Converted(Conversion {
            kind: Conversion::PURCHASE.to_owned(),
            value: MinorUnits::new(1495),
            currency: Currency::EUR,
            funnel_step: None,
            influencer: None,
        }));
    }
    let events = happenings.into_iter().zip(1..).map(|(what, seq)| {
        let mut body = Map::new();
        let event_name = what.name().to_owned();
        Numbered {
            seq,
            visit: 1,
            what,
        }
        .put_into(&mut body);
        let at = begun.plus(i64::from(seq) * 4_000);
        Ok(Event {
            shop: shop.shop.clone(),
            id: EventId::parse(&format!("{name}-{seq}"))?,
            kind: EventKind::Journey,
            name: Some(event_name),
            at,
            received_at: at,
            anonymous_id: None,
            user_id: None,
            session_id: Some(name.clone()),
            email: None,
            trust: None,
            device: Device::default(),
            body,
        })
    });
    events.collect()
}
