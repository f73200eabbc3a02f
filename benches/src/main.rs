//! `footfall-benches`: all figures in one table, or those of one part: `edge`, `worker`, `sqlite`,
//! `postgres`, `journey`, `behavior-sqlite`, `behavior-postgres`, `analytics-sqlite`, `analytics-postgres`,
//! `customers-sqlite`, `customers-postgres`, `funnel-sqlite`, `funnel-postgres`. The last eight need Python's libraries or store a million sessions first, so they run only when they are named.
//!
//! `FOOTFALL_BIN` names the binary, `FOOTFALL_EDGE_COMPONENT` the component, `FOOTFALL_EDGE_WORKER` the folder of
//! the built Worker, and `FOOTFALL_WORKERD` its runtime; `FOOTFALL_BENCH_POSTGRES` is the URL of an empty
//! PostgreSQL database. `make bench` sets them all.

use std::io::Write;
use std::path::{Path, PathBuf};

use anyhow::{Context, bail};
use footfall_benches::process::taken_by_others;
use footfall_benches::report::{Figure, table};
use footfall_benches::world::World;
use footfall_benches::{
    baseline, behavior, customers, edge, funnel, journey, origin, sizes, track, worker,
};

/// What others may take of the CPU before it has to be said.
const OTHERS_MAX: f64 = 0.05;

fn main() -> anyhow::Result<()> {
    let part = std::env::args().nth(1);
    if part.as_deref() == Some(baseline::COMMAND) {
        return baseline::serve();
    }
    let others = taken_by_others()?;
    let figures = match part.as_deref() {
        None => [
            on_sqlite(true, true)?,
            on_workerd()?,
            on_postgres()?,
            of_journeys()?,
        ]
        .concat(),
        Some("edge") => on_sqlite(true, false)?,
        Some("worker") => on_workerd()?,
        Some("sqlite") => on_sqlite(false, true)?,
        Some("postgres") => on_postgres()?,
        Some("journey") => of_journeys()?,
        Some("behavior-sqlite") => of_behavior(None)?,
        Some("behavior-postgres") => of_behavior(Some(&postgres_url()?))?,
        Some("analytics-sqlite") => of_analytics(None)?,
        Some("analytics-postgres") => of_analytics(Some(&postgres_url()?))?,
        Some("customers-sqlite") => of_customers(None)?,
        Some("customers-postgres") => of_customers(Some(&postgres_url()?))?,
        Some("funnel-sqlite") => of_funnel(None)?,
        Some("funnel-postgres") => of_funnel(Some(&postgres_url()?))?,
        Some(other) => bail!(
            "no part {other:?}; there are edge, worker, sqlite, postgres, journey, behavior-sqlite, behavior-postgres, analytics-sqlite, analytics-postgres, customers-sqlite, customers-postgres, funnel-sqlite and funnel-postgres"
        ),
    };
    let mut stdout = std::io::stdout();
    writeln!(stdout, "\n{}", table(&figures))?;
    if others > OTHERS_MAX {
        let percent = others * 100.0;
        writeln!(
            stdout,
            "Other programs took {percent:.0} % of the CPU before this run: its figures are worse than the machine's."
        )?;
    }
    Ok(())
}

fn setting(name: &str) -> anyhow::Result<PathBuf> {
    std::env::var_os(name)
        .map(PathBuf::from)
        .with_context(|| format!("{name} is not set"))
}

fn say(step: &str) {
    let _ = writeln!(std::io::stderr(), "· measuring {step}");
}

fn on_sqlite(with_edge: bool, with_origin: bool) -> anyhow::Result<Vec<Figure>> {
    let world = World::start(&setting("FOOTFALL_BIN")?, None)?;
    let mut figures = Vec::new();
    if with_edge {
        say("the cached bundle look-up");
        figures.extend(edge::measure(&world)?);
        say("event to log, and tracked customers");
        figures.extend(track::event_to_log(&world)?);
        figures.extend(track::customers(&world)?);
        figures.extend(sizes::measure(
            &world,
            Path::new(&setting("FOOTFALL_EDGE_COMPONENT")?),
        )?);
    }
    if with_origin {
        figures.extend(of_origin(&world, "SQLite")?);
    }
    Ok(figures)
}

fn on_workerd() -> anyhow::Result<Vec<Figure>> {
    let world = World::start(&setting("FOOTFALL_BIN")?, None)?;
    say("the cached bundle look-up on workerd");
    worker::measure(
        &world,
        &setting("FOOTFALL_WORKERD")?,
        &setting("FOOTFALL_EDGE_WORKER")?,
    )
}

fn postgres_url() -> anyhow::Result<String> {
    std::env::var("FOOTFALL_BENCH_POSTGRES").context("FOOTFALL_BENCH_POSTGRES is not set")
}

fn of_journeys() -> anyhow::Result<Vec<Figure>> {
    say("the reducer, natively and as wasm");
    let mut figures = journey::reducer()?;
    let world = World::start(&setting("FOOTFALL_BIN")?, None)?;
    say("touchpoints of 10,000 live sessions");
    figures.extend(journey::touchpoints(&world)?);
    Ok(figures)
}

fn of_customers(postgres: Option<&str>) -> anyhow::Result<Vec<Figure>> {
    let database = postgres.map_or("SQLite", |_| "PostgreSQL");
    let world = World::start(&setting("FOOTFALL_BIN")?, postgres)?;
    say("customer management over many customers");
    let customers = match std::env::var("FOOTFALL_BENCH_CUSTOMERS") {
        Ok(text) => text
            .parse()
            .context("FOOTFALL_BENCH_CUSTOMERS is no number")?,
        Err(_) => 1_000_000,
    };
    customers::measure(&world, database, customers)
}

fn of_funnel(postgres: Option<&str>) -> anyhow::Result<Vec<Figure>> {
    let database = postgres.map_or("SQLite", |_| "PostgreSQL");
    let world = World::start(&setting("FOOTFALL_BIN")?, postgres)?;
    say("live data to many clients");
    let mut figures = funnel::live(&world, database)?;
    say("funnel analytics over many visits");
    figures.extend(funnel::visits(&world, database, journey::sessions()?)?);
    Ok(figures)
}

fn of_behavior(postgres: Option<&str>) -> anyhow::Result<Vec<Figure>> {
    let data = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../shared/data");
    if !data.is_dir() {
        say("nothing of behaviour: ../shared/data is not here");
        return Ok(Vec::new());
    }
    let world = World::start(&setting("FOOTFALL_BIN")?, postgres)?;
    say("uploads and behaviour analytics, against Python's libraries");
    let database = if postgres.is_some() {
        "PostgreSQL"
    } else {
        "SQLite"
    };
    behavior::measure(&world, database, &data, &setting("FOOTFALL_BENCH_PYTHON")?)
}

fn of_analytics(postgres: Option<&str>) -> anyhow::Result<Vec<Figure>> {
    let world = World::start(&setting("FOOTFALL_BIN")?, postgres)?;
    say("analytics over many sessions");
    let database = if postgres.is_some() {
        "PostgreSQL"
    } else {
        "SQLite"
    };
    journey::analytics(&world, database)
}

fn on_postgres() -> anyhow::Result<Vec<Figure>> {
    let url = postgres_url()?;
    let world = World::start(&setting("FOOTFALL_BIN")?, Some(&url))?;
    of_origin(&world, "PostgreSQL")
}

fn of_origin(world: &World, database: &str) -> anyhow::Result<Vec<Figure>> {
    say(&format!("recalculation and event intake on {database}"));
    let mut figures = origin::intake(world, database)?;
    figures.extend(origin::recalculation(world, database)?);
    Ok(figures)
}
