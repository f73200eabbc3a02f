//! Uploads and behaviour analytics on the public sets, against Python's libraries.

use std::collections::HashMap;
use std::path::Path;
use std::process::Command;
use std::time::{Duration, Instant};

use anyhow::{Context, ensure};
use footfall_shared::behavior::affinity::baskets::Baskets;
use footfall_shared::behavior::affinity::fpgrowth::mine;
use footfall_shared::behavior::kmeans::kmeans;
use footfall_shared::behavior::rfm::{Rfm, features, score as score_rfm};
use footfall_shared::behavior::sentiment::vader::score;
use footfall_shared::time::UtcMillis;
use serde::Deserialize;
use serde_json::Value;

use crate::http::{Connection, request};
use crate::process::peak_bytes;
use crate::report::{Figure, Target};
use crate::world::World;

/// The support that the issue names.
const SUPPORT: f64 = 0.01;
/// Sets of products that would be too many.
const ITEMSETS_MAX: usize = 10_000_000;
/// Reads of each route: in all fewer than the contract's 100 a minute.
const READS: usize = 8;
/// How long an import and what follows from it may take.
const DONE_WITHIN: Duration = Duration::from_secs(120);

/// What `benches/behavior/reference.py` prints.
#[derive(Debug, Deserialize)]
struct Reference {
    rows: usize,
    customers: usize,
    rfm_s: f64,
    segment_s: f64,
    itemsets: usize,
    itemsets_fim: usize,
    mlxtend_s: f64,
    pyfim_s: f64,
    texts: usize,
    vader_s: f64,
}

/// Measures; `data` is ../shared/data, `python` one that has the reference's packages.
///
/// # Errors
/// When something does not answer, or both sides did not find the same.
pub fn measure(
    world: &World,
    database: &str,
    data: &Path,
    python: &Path,
) -> anyhow::Result<Vec<Figure>> {
    let folder = tempfile::tempdir()?;
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("behavior/reference.py");
    let output = Command::new(python)
        .arg(script)
        .arg(data)
        .arg(folder.path())
        .output()?;
    ensure!(
        output.status.success(),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
    let reference: Reference = serde_json::from_slice(&output.stdout)?;
    let mut figures = imports(world, database, folder.path(), &reference)?;
    figures.extend(segments(world, database, &reference)?);
    figures.push(reads(world, database)?);
    figures.push(clusters(folder.path(), &reference)?);
    figures.extend(affinity(folder.path(), &reference)?);
    figures.push(sentiment(folder.path(), &reference)?);
    Ok(figures)
}

/// Calls the origin as the shop's server does.
struct Caller<'w> {
    world: &'w World,
    connection: Connection,
}

impl<'w> Caller<'w> {
    fn of(world: &'w World) -> anyhow::Result<Self> {
        let connection = Connection::open(world.origin)?;
        Ok(Self { world, connection })
    }

    fn call(&mut self, method: &str, path: &str, body: &[u8]) -> anyhow::Result<Value> {
        let bearer = format!("Bearer {}", self.world.secret_key);
        let call = request(method, path, &[("Authorization", &bearer)], body);
        let reply = self
            .connection
            .call(&call)
            .with_context(|| path.to_owned())?;
        let reply: Value = serde_json::from_slice(reply)?;
        Ok(reply["data"].clone())
    }

    /// The job, once it has ended well.
    fn wait(&mut self, job: &str) -> anyhow::Result<Value> {
        let until = Instant::now() + DONE_WITHIN;
        while Instant::now() < until {
            let told = self.call("GET", &format!("/api/jobs/{job}"), &[])?;
            match told["status"].as_str() {
                Some("done") => return Ok(told),
                Some("failed" | "cancelled") => anyhow::bail!("{told}"),
                _ => std::thread::sleep(Duration::from_millis(20)),
            }
        }
        anyhow::bail!("job {job} is not done in time")
    }
}

fn seconds_of(job: &Value) -> anyhow::Result<f64> {
    let at = |name: &str| {
        job[name]
            .as_str()
            .and_then(UtcMillis::parse_rfc3339)
            .context("a job's times")
    };
    Ok(at("finished_at")?.since(at("started_at")?) as f64 / 1000.0)
}

fn imports(
    world: &World,
    database: &str,
    folder: &Path,
    reference: &Reference,
) -> anyhow::Result<Vec<Figure>> {
    let mut caller = Caller::of(world)?;
    let (mut seconds, mut rows) = (0.0, 0);
    let begun = Instant::now();
    for name in ["early.csv", "late.csv"] {
        let file = std::fs::read(folder.join(name))?;
        let sent = caller.call("POST", "/api/uploads", &file)?;
        let job = caller.wait(sent["job_id"].as_str().context("no job")?)?;
        seconds += seconds_of(&job)?;
        rows += job["result"]["rows_taken"].as_u64().context("no rows")?;
    }
    let whole = begun.elapsed().as_secs_f64();
    ensure!(
        rows as usize == reference.rows,
        "{rows} rows were taken of {}",
        reference.rows
    );
    Ok(vec![
        Figure::against(
            format!("rows imported, {database}"),
            rows as f64 / seconds,
            "rows/s",
            Target::AtLeast(200_000.0),
        ),
        Figure::plain(
            format!("  with sending the files, beside the analyses, {database}"),
            rows as f64 / whole,
            "rows/s",
        ),
    ])
}

fn segments(world: &World, database: &str, reference: &Reference) -> anyhow::Result<Vec<Figure>> {
    let mut caller = Caller::of(world)?;
    let mut quickest = f64::INFINITY;
    // What follows from the imports goes first.
    for _ in 0..4 {
        let asked = caller.call(
            "POST",
            "/api/behavior/segments/compute",
            b"{\"n_clusters\": 4}",
        )?;
        let job = caller.wait(asked["job_id"].as_str().context("no job")?)?;
        quickest = quickest.min(seconds_of(&job)?);
    }
    let found = caller.call("GET", "/api/behavior/segments", &[])?;
    // The demo shop has customers of its own, some twenty.
    let customers = found["total_customers"].as_u64().context("no customers")? as usize;
    ensure!(
        (reference.customers..reference.customers + 40).contains(&customers),
        "{customers} customers, and pandas has {}",
        reference.customers
    );
    let peak = peak_bytes(world.origin_pid)? as f64 / 1024.0 / 1024.0;
    Ok(vec![
        Figure::against(
            format!("pandas and scikit-learn ÷ the whole job, RFM and 4 segments, {database}"),
            reference.rfm_s / quickest,
            "×",
            Target::AtLeast(10.0),
        ),
        Figure::plain(
            format!(
                "  the job: read {} rows, segment, write {} members, {database}",
                reference.rows, reference.customers
            ),
            quickest * 1000.0,
            "ms",
        ),
        Figure::plain(
            "  pandas and scikit-learn, from rows in memory",
            reference.rfm_s * 1000.0,
            "ms",
        ),
        Figure::against(
            format!("peak memory of the origin, {database}"),
            peak,
            "MiB",
            Target::AtMost(300.0),
        ),
    ])
}

/// The same customers' figures on both sides: scores, features and four groups with ten restarts.
fn clusters(folder: &Path, reference: &Reference) -> anyhow::Result<Figure> {
    let text = std::fs::read_to_string(folder.join("customers.csv"))?;
    let customers: Vec<Rfm> = text
        .lines()
        .map(|line| {
            let figures: Vec<f64> = line.split(',').map(str::parse).collect::<Result<_, _>>()?;
            let [recency, frequency, monetary] = figures[..] else {
                anyhow::bail!("not three figures: {line}");
            };
            Ok(Rfm {
                recency_days: Some(recency),
                frequency,
                monetary: monetary * 100.0,
            })
        })
        .collect::<anyhow::Result<_>>()?;
    let mut quickest = f64::INFINITY;
    for _ in 0..10 {
        let begun = Instant::now();
        let scores = score_rfm(&customers);
        let groups = kmeans(&features(&customers), 4, 10, 42);
        ensure!(scores.len() == groups.len() && groups.len() == reference.customers);
        quickest = quickest.min(begun.elapsed().as_secs_f64());
    }
    Ok(Figure::against(
        "pandas and scikit-learn ÷ ours, scores and k-means of the same customers",
        reference.segment_s / quickest,
        "×",
        Target::AtLeast(10.0),
    ))
}

fn reads(world: &World, database: &str) -> anyhow::Result<Figure> {
    const ROUTES: [&str; 8] = [
        "/segments",
        "/segments/0/customers",
        "/segments/0/customers?sort=recency&search=14",
        "/personas",
        "/personas/0/detail",
        "/affinity/network",
        "/affinity/rules",
        "/recommendations",
    ];
    let mut caller = Caller::of(world)?;
    let mut times = Vec::new();
    for _ in 0..READS {
        for route in ROUTES {
            let begun = Instant::now();
            let told = caller.call("GET", &format!("/api/behavior{route}"), &[])?;
            ensure!(told.is_object(), "{route} was not answered");
            times.push(begun.elapsed().as_secs_f64() * 1000.0);
        }
    }
    times.sort_by(f64::total_cmp);
    let p95 = times[times.len() * 95 / 100];
    Ok(Figure::against(
        format!("reads of behaviour analytics, p95, {database}"),
        p95,
        "ms",
        Target::AtMost(20.0),
    ))
}

fn affinity(folder: &Path, reference: &Reference) -> anyhow::Result<Vec<Figure>> {
    let text = std::fs::read_to_string(folder.join("baskets.txt"))?;
    let mut numbers: HashMap<&str, u32> = HashMap::new();
    let rows: Vec<Vec<u32>> = text
        .lines()
        .map(|line| {
            let items = line.split('\t').map(|item| {
                let next = u32::try_from(numbers.len()).unwrap_or(u32::MAX);
                *numbers.entry(item).or_insert(next)
            });
            items.collect()
        })
        .collect();
    let count_min = (SUPPORT * rows.len() as f64).ceil() as u32;
    let (mut quickest, mut found) = (f64::INFINITY, 0);
    for _ in 0..5 {
        let begun = Instant::now();
        let mut baskets = Baskets::default();
        rows.iter()
            .for_each(|row| baskets.push(row.iter().copied()));
        found = mine(&baskets, count_min, usize::MAX, ITEMSETS_MAX)?.len();
        quickest = quickest.min(begun.elapsed().as_secs_f64());
    }
    ensure!(
        found == reference.itemsets && found == reference.itemsets_fim,
        "{found} itemsets, mlxtend has {}, PyFIM {}",
        reference.itemsets,
        reference.itemsets_fim
    );
    Ok(vec![
        Figure::against(
            "mlxtend ÷ FP-growth at support 0.01",
            reference.mlxtend_s / quickest,
            "×",
            Target::AtLeast(20.0),
        ),
        Figure::against(
            "PyFIM (C) ÷ FP-growth at support 0.01",
            reference.pyfim_s / quickest,
            "×",
            Target::AtLeast(1.0),
        ),
        Figure::plain(
            format!("  FP-growth: {} baskets, {found} itemsets", rows.len()),
            quickest * 1000.0,
            "ms",
        ),
    ])
}

fn sentiment(folder: &Path, reference: &Reference) -> anyhow::Result<Figure> {
    let texts: Vec<String> = serde_json::from_slice(&std::fs::read(folder.join("texts.json"))?)?;
    let mut quickest = f64::INFINITY;
    for _ in 0..5 {
        let begun = Instant::now();
        let sum: f64 = texts.iter().map(|text| score(text).compound).sum();
        ensure!(sum.is_finite() && texts.len() == reference.texts);
        quickest = quickest.min(begun.elapsed().as_secs_f64());
    }
    Ok(Figure::against(
        "vaderSentiment ÷ ours, clothing reviews",
        reference.vader_s / quickest,
        "×",
        Target::AtLeast(50.0),
    ))
}
