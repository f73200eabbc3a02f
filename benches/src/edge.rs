//! The cached bundle look-up on the embedded host.

use std::net::SocketAddr;
use std::time::Duration;

use anyhow::{Context, ensure};
use footfall_shared::identity::{Email, EmailHash};
use footfall_shared::wire::internal::{CustomerKey, CustomerReply, path};
use serde_json::Value;

use crate::baseline::{Baseline, Known};
use crate::http::{Connection, request};
use crate::load::{Measured, Pace, run};
use crate::process::cpu_time;
use crate::report::{Figure, Target};
use crate::world::World;

const RATE: u32 = 10_000;
const OPEN_CONNECTIONS: usize = 48;
const OPEN_TIME: Duration = Duration::from_secs(10);
const SATURATING_CONNECTIONS: usize = 64;
const SATURATED_TIME: Duration = Duration::from_secs(5);
/// Until instances, caches and the processor's clock are where they stay.
const WARM_TIME: Duration = Duration::from_secs(2);

/// Measures latency at a steady rate, throughput at saturation, and what both cost beside the yardstick.
///
/// # Errors
/// When a reply is not the expected one.
pub fn measure(world: &World) -> anyhow::Result<Vec<Figure>> {
    let email = Email::parse("email", &world.sample_email)?;
    let look_up = format!("/api/intelligence/bundle?customer_email={}", email.as_str());
    let look_up = request("GET", &look_up, &[], b"");
    let baseline = Baseline::start(&known(world, &email)?)?;
    same_answers(world, baseline.address, &look_up)?;

    run(
        world.edge,
        &look_up,
        SATURATING_CONNECTIONS,
        Pace::Closed,
        WARM_TIME,
    )?;
    let pace = Pace::Open { per_second: RATE };
    let open = run(world.edge, &look_up, OPEN_CONNECTIONS, pace, OPEN_TIME)?;
    let (edge, edge_us) = saturate(world.edge, world.edge_pid, &look_up)?;
    run(
        baseline.address,
        &look_up,
        SATURATING_CONNECTIONS,
        Pace::Closed,
        WARM_TIME,
    )?;
    let (native, native_us) = saturate(baseline.address, baseline.pid(), &look_up)?;

    let latency = |share: f64| open.percentile(share).as_secs_f64() * 1000.0;
    Ok(vec![
        Figure::plain("bundle look-up at 10,000/s: p50", latency(0.5), "ms"),
        Figure::against(
            "bundle look-up at 10,000/s: p99",
            latency(0.99),
            "ms",
            Target::AtMost(2.0),
        ),
        Figure::plain("bundle look-up at 10,000/s: p99.9", latency(0.999), "ms"),
        Figure::plain(
            "bundle look-up at 10,000/s: never answered",
            open.unanswered as f64,
            "requests",
        ),
        Figure::against(
            "bundle look-up, 64 connections",
            edge.per_second(),
            "/s",
            Target::AtLeast(30_000.0),
        ),
        Figure::plain(
            "bare hyper handler, 64 connections",
            native.per_second(),
            "/s",
        ),
        Figure::plain("CPU of a look-up, host", edge_us, "µs"),
        Figure::plain("CPU of a look-up, bare hyper handler", native_us, "µs"),
        Figure::against(
            "CPU, host ÷ bare hyper handler",
            edge_us / native_us,
            "×",
            Target::AtMost(5.0),
        ),
    ])
}

/// Throughput, and the process's CPU time for one request in microseconds.
fn saturate(address: SocketAddr, pid: u32, look_up: &[u8]) -> anyhow::Result<(Measured, f64)> {
    let before = cpu_time(pid)?;
    let measured = run(
        address,
        look_up,
        SATURATING_CONNECTIONS,
        Pace::Closed,
        SATURATED_TIME,
    )?;
    let used = cpu_time(pid)? - before;
    let each = used.as_secs_f64() * 1e6 / measured.replies as f64;
    Ok((measured, each))
}

fn known(world: &World, email: &Email) -> anyhow::Result<Known> {
    let shop = world.shop()?;
    let email_hash = EmailHash::of(email, &shop.salt);
    let question = CustomerKey {
        shop: shop.shop.clone(),
        email_hash: email_hash.clone(),
    };
    let reply: CustomerReply = world.ask(path::CUSTOMER_ENTRY, &question)?;
    let entry = reply
        .entry
        .context("the origin does not know the example customer")?;
    Ok(Known {
        shop,
        customer: (email_hash, serde_json::to_string(&entry)?),
    })
}

/// Both must do the same work, which shows in the same offer.
fn same_answers(world: &World, baseline: SocketAddr, look_up: &[u8]) -> anyhow::Result<()> {
    let ask = |address| -> anyhow::Result<Value> {
        Ok(serde_json::from_slice(
            Connection::open(address)?.call(look_up)?,
        )?)
    };
    let (edge, native) = (ask(world.edge)?, ask(baseline)?);
    ensure!(
        edge["offer_id"].is_string(),
        "the edge has no offer for the example customer: {edge}"
    );
    ensure!(edge == native, "edge and bare handler answer differently");
    Ok(())
}
