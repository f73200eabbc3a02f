//! The origin: durable intake of events, and recalculation, over HTTP on one of the two databases.

use std::time::{Duration, Instant};

use anyhow::{Context, ensure};
use footfall_shared::event::{Device, Event, EventKind};
use footfall_shared::id::EventId;
use footfall_shared::identity::{Email, FingerprintHash, IpHash, Trust};
use footfall_shared::shop::ShopEntry;
use footfall_shared::time::DAY_MS;
use footfall_shared::wire::internal::{AppendReceipt, Verdict, path};
use serde_json::{Map, Value, json};

use crate::http::{Connection, request};
use crate::process::cpu_time;
use crate::report::{Figure, Target};
use crate::world::{World, now};

const EVENTS_A_BATCH: usize = 500;
const BATCHES: usize = 240;
const CONNECTIONS: usize = 4;
const VISITORS: u64 = 5_000;
/// One visitor in so many has left an email.
const KNOWN_ONE_IN: u64 = 50;
const ORDERS: u64 = 50;
const RECALCULATIONS: usize = 500;

/// Measures how many events a second become durable: batches of an edge's size over a few connections,
/// each batch answered only when it is committed.
///
/// # Errors
/// When an event is not appended.
pub fn intake(world: &World, database: &str) -> anyhow::Result<Vec<Figure>> {
    let shop = world.shop()?;
    let mut random = Random(0x5eed);
    let batches: Vec<Vec<u8>> = (0..BATCHES)
        .map(|_| {
            let events: Vec<Event> = (0..EVENTS_A_BATCH)
                .map(|_| event(&mut random, &shop))
                .collect::<Result<_, _>>()?;
            Ok(world.signed(
                path::EVENTS,
                &serde_json::to_vec(&json!({"events": events}))?,
            ))
        })
        .collect::<anyhow::Result<_>>()?;
    let share = BATCHES.div_ceil(CONNECTIONS);
    let cpu = cpu_time(world.origin_pid)?;
    let started = Instant::now();
    let taken = std::thread::scope(|scope| -> anyhow::Result<usize> {
        let senders: Vec<_> = batches
            .chunks(share)
            .map(|batches| scope.spawn(|| send(world, batches)))
            .collect();
        let taken = senders.into_iter().map(|sender| {
            sender
                .join()
                .map_err(|_| anyhow::anyhow!("a sender panicked"))?
        });
        taken.sum()
    })?;
    let elapsed = started.elapsed().as_secs_f64();
    let cpu = (cpu_time(world.origin_pid)? - cpu).as_secs_f64();
    ensure!(
        taken == BATCHES * EVENTS_A_BATCH,
        "only {taken} events were appended"
    );
    let events = taken as f64;
    Ok(vec![
        Figure::against(
            format!("event intake on {database}, batches of 500"),
            events / elapsed,
            "/s",
            Target::AtLeast(20_000.0),
        ),
        Figure::plain(
            format!("CPU of an event, origin on {database}"),
            cpu * 1e6 / events,
            "µs",
        ),
    ])
}

fn send(world: &World, batches: &[Vec<u8>]) -> anyhow::Result<usize> {
    let mut origin = Connection::open(world.origin)?;
    let mut taken = 0;
    for batch in batches {
        let receipt: AppendReceipt = serde_json::from_slice(origin.call(batch)?)?;
        let appended = receipt
            .receipts
            .iter()
            .filter(|one| one.verdict == Verdict::Appended);
        taken += appended.count();
    }
    Ok(taken)
}

/// What trackers send most: pages and products that were looked at, now and then by somebody known.
fn event(random: &mut Random, shop: &ShopEntry) -> anyhow::Result<Event> {
    let visitor = random.next() % VISITORS;
    let product = random.next() % 400;
    let viewed = random.next().is_multiple_of(3);
    let email = visitor
        .is_multiple_of(KNOWN_ONE_IN)
        .then(|| format!("visitor{visitor}@example.com"));
    let email = email.map(|text| Email::parse("email", &text)).transpose()?;
    let address = std::net::Ipv4Addr::from_bits(0x0a00_0000 + u32::try_from(visitor)?);
    let (kind, name, properties) = if viewed {
        let properties = json!({
            "product_id": product, "name": format!("Product {product}"), "category": "Coffee beans",
            "price": 12.95, "currency": "EUR", "quantity": 1,
        });
        (EventKind::Track, "Product Viewed", properties)
    } else {
        let properties =
            json!({"path": format!("/product/{product}"), "title": format!("Product {product}")});
        (EventKind::Page, "Product page", properties)
    };
    let url = format!("https://shop.example/product/{product}");
    let context = json!({
        "library": {"name": "footfall.js", "version": "0.1.0"}, "locale": "nl-NL",
        "page": {"path": format!("/product/{product}"), "url": url, "referrer": "https://shop.example/"},
        "userAgent": "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 Chrome/140.0.0.0 Safari/537.36",
    });
    let body = [
        ("properties".to_owned(), properties),
        ("context".to_owned(), context),
    ];
    Ok(Event {
        shop: shop.shop.clone(),
        // As random as the tracker's UUIDs: the index is hit all over.
        id: EventId::parse(&format!("{:016x}{:016x}", random.next(), random.next()))?,
        kind,
        name: Some(name.to_owned()),
        at: now(),
        received_at: now(),
        anonymous_id: Some(format!("anonymous-{visitor:032x}")),
        user_id: None,
        session_id: Some(format!("session-{visitor:024x}")),
        trust: email.as_ref().map(|_| Trust::Claimed),
        email,
        device: Device {
            fingerprint: Some(FingerprintHash::of(&visitor.to_string(), &shop.salt)),
            ip: Some(IpHash::of(address.into(), &shop.salt)),
            geo: None,
        },
        body: body.into_iter().collect::<Map<String, Value>>(),
    })
}

/// SplitMix64: the same events in every run.
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }
}

/// Measures the recalculation of a customer with fifty orders, call after call over one connection.
///
/// # Errors
/// When a call is not answered with a profile.
pub fn recalculation(world: &World, database: &str) -> anyhow::Result<Vec<Figure>> {
    let bearer = format!("Bearer {}", world.secret_key);
    let mut origin = Connection::open(world.origin)?;
    let email = "fifty-orders@example.com";
    let orders = json!({"orders": (0..ORDERS).map(|n| order(n, email)).collect::<Vec<_>>()});
    let headers = [("Authorization", bearer.as_str())];
    origin
        .call(&request(
            "POST",
            "/api/orders",
            &headers,
            &serde_json::to_vec(&orders)?,
        ))
        .context("orders")?;
    let question = serde_json::to_vec(&json!({"customer_email": email}))?;
    let recalculate = request(
        "POST",
        "/wp-json/wg/v1/intelligence/recalculate",
        &headers,
        &question,
    );
    let mut times: Vec<Duration> = Vec::with_capacity(RECALCULATIONS);
    for _ in 0..RECALCULATIONS {
        let started = Instant::now();
        origin.call(&recalculate).context("recalculate")?;
        times.push(started.elapsed());
    }
    times.sort_unstable();
    let millis = |share: usize| times[RECALCULATIONS * share / 100].as_secs_f64() * 1000.0;
    Ok(vec![
        Figure::against(
            format!("recalculation over HTTP, {database}: median"),
            millis(50),
            "ms",
            Target::AtMost(2.0),
        ),
        Figure::plain(
            format!("recalculation over HTTP, {database}: p99"),
            millis(99),
            "ms",
        ),
    ])
}

fn order(n: u64, email: &str) -> Value {
    let days = i64::try_from(n).unwrap_or_default() * 7 + 1;
    let item = |product: u64, quantity: u64| {
        json!({
            "product_id": 700 + product, "name": format!("Product {product}"),
            "quantity": quantity, "unit_price": "12.95",
        })
    };
    json!({
        "order_id": 90_000 + n, "order_number": format!("B-{n}"), "status": "completed",
        "ordered_at": now().plus(-days * DAY_MS).to_rfc3339(), "currency": "EUR",
        "customer": {"email": email, "first_name": "Fifty", "last_name": "Orders"},
        "items": [item(n % 7, 1 + n % 4), item(n % 5 + 7, 2), item(n % 3 + 12, 1)],
    })
}
