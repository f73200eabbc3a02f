//! The recommenders on the public sets, beside Python's `implicit`.
//!
//! `cargo run --release -p footfall --example recommend OUT`: OUT is what `implicit_reference.py DATA OUT` wrote, with
//! what it printed as `OUT/implicit.json`. Prints a table for each set and view: every family's best as chosen on the
//! month before the last, measured on the last month, its seconds of training, and the reference's ALS and BPR.
//!
//! The towers' library waits busily for its threads: on a machine that has other work set `CANDLE_NUM_THREADS=1`.

use std::collections::HashMap;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::time::Instant;

use anyhow::{Context, ensure};
use footfall::recommend::models::choose::{Choice, Core, candidates, choose};
use footfall::recommend::models::evaluate::{Figures, View};
use footfall::recommend::models::history::{Bought, Customer, Item, Purchases};
use footfall_shared::time::UtcMillis;
use serde::Deserialize;

/// The sets, as the reference names them.
const SETS: [&str; 2] = ["online-retail", "complete-journey"];
const SEED: u64 = 42;
/// Fits of which the quickest counts, as in the reference.
const RUNS: usize = 3;

/// What the reference prints of a set.
#[derive(Debug, Deserialize)]
struct Reference {
    cut: i64,
    end: i64,
    models: Vec<Measured>,
}

#[derive(Debug, Deserialize)]
struct Measured {
    model: String,
    view: String,
    settings: serde_json::Value,
    seconds: f64,
    recall: f64,
    ndcg: f64,
    coverage: f64,
    users: usize,
}

fn main() -> anyhow::Result<()> {
    let folder = std::env::args().nth(1).map(PathBuf::from);
    let folder = folder.context("the folder that implicit_reference.py wrote into")?;
    let reference = std::fs::read(folder.join("implicit.json"))?;
    let reference: HashMap<String, Reference> = serde_json::from_slice(&reference)?;
    let mut out = std::io::stdout();
    for set in SETS {
        let purchases = read(&folder, set)?;
        let reference = reference.get(set).context(set)?;
        let end = UtcMillis::new(reference.end);
        let begun = Instant::now();
        let choices = choose(&purchases, end, &candidates(), SEED)?.context("nobody came back")?;
        let seconds = begun.elapsed().as_secs_f64();
        writeln!(out, "\n{set}: all candidates tried in {seconds:.0} s")?;
        for choice in &choices {
            tell(&mut out, &purchases, reference, choice)?;
        }
    }
    Ok(())
}

fn tell(
    out: &mut impl Write,
    purchases: &Purchases,
    reference: &Reference,
    choice: &Choice,
) -> anyhow::Result<()> {
    let view = match choice.view {
        View::All => "all",
        View::New => "new",
    };
    writeln!(
        out,
        "\n| {view} items | recall@20 | NDCG@20 | coverage | seconds |"
    )?;
    writeln!(out, "|---|---|---|---|---|")?;
    let cut = UtcMillis::new(reference.cut);
    let before = purchases.before(cut);
    let mut winner = (0.0, 0.0);
    let mut users = 0;
    let popular = choice.table.first().and_then(|row| row.plain);
    let popular = popular.context("nobody came back")?;
    for row in &choice.table {
        let seconds = train(&row.recipe.core, &before, cut)?;
        let name = name(&row.recipe.core);
        for (kind, figures) in [("alone", row.plain), ("mixed", row.mixed)] {
            let figures = figures.context("nobody came back")?;
            line(out, &format!("{name}, {kind}"), figures, popular, seconds)?;
            users = figures.customers;
        }
        if row.recipe == choice.winner {
            winner = (row.mixed.context("nobody came back")?.recall, seconds);
        }
    }
    let mut mark = (0.0, 0.0);
    for one in reference.models.iter().filter(|one| one.view == view) {
        ensure!(
            one.users == users,
            "{} customers, we have {users}",
            one.users
        );
        let figures = Figures {
            recall: one.recall,
            ndcg: one.ndcg,
            coverage: one.coverage,
            customers: one.users,
        };
        line(
            out,
            &format!("implicit {} {}", one.model, one.settings),
            figures,
            popular,
            one.seconds,
        )?;
        if one.recall > mark.0 {
            mark = (one.recall, one.seconds);
        }
    }
    let (recall, seconds) = (winner.0 / mark.0, winner.1 / mark.1);
    writeln!(out, "\nwinner: {:?}", choice.winner)?;
    writeln!(
        out,
        "recall ÷ the reference's best: {recall:.3}; training time ÷ its: {seconds:.3}"
    )?;
    for step in choice.calibration.steps() {
        let (from, share, count) = (step.score_min, step.share, step.count);
        writeln!(out, "  score from {from:.4}: {share:.3} bought, of {count}")?;
    }
    Ok(())
}

/// The seconds of the quickest of three fits.
fn train(core: &Core, purchases: &Purchases, now: UtcMillis) -> anyhow::Result<f64> {
    let mut quickest = f64::INFINITY;
    for _ in 0..RUNS {
        let begun = Instant::now();
        let _fitted = core.fit(purchases, now, SEED)?;
        quickest = quickest.min(begun.elapsed().as_secs_f64());
    }
    Ok(quickest)
}

fn line(
    out: &mut impl Write,
    name: &str,
    figures: Figures,
    popular: Figures,
    seconds: f64,
) -> std::io::Result<()> {
    let Figures {
        recall,
        ndcg,
        coverage,
        customers: _,
    } = figures;
    let (recalls, gains) = (recall / popular.recall, ndcg / popular.ndcg);
    let covered = coverage / popular.coverage;
    writeln!(
        out,
        "| {name} | {recall:.4} | {ndcg:.4} | {coverage:.4} | {recalls:.2}, {gains:.2}, {covered:.1} | {seconds:.2} |"
    )
}

fn name(core: &Core) -> &'static str {
    match core {
        Core::Popularity(_) => "popularity",
        Core::ItemKnn(_) => "item-kNN",
        Core::Ease(_) => "EASE",
        Core::TwoTower(_) => "two towers",
    }
}

/// Reads what the reference wrote.
fn read(folder: &Path, set: &str) -> anyhow::Result<Purchases> {
    let open = |what: &str| csv::Reader::from_path(folder.join(format!("{set}.{what}.csv")));
    let mut purchases = Purchases::default();
    let (mut items, mut customers) = (HashMap::new(), HashMap::new());
    for row in open("items")?.into_deserialize() {
        let (key, name, category): (String, String, String) = row?;
        items.insert(key, u32::try_from(items.len())?);
        purchases.items.push(Item { name, category });
    }
    for row in open("users")?.into_deserialize() {
        let (key, attributes): (String, String) = row?;
        customers.insert(key, customers.len());
        let attributes = attributes.split('|').filter(|one| !one.is_empty());
        purchases.customers.push(Customer {
            bought: Vec::new(),
            attributes: attributes.map(str::to_owned).collect(),
        });
    }
    for row in open("purchases")?.into_deserialize() {
        let (customer, item, at): (String, String, i64) = row?;
        let customer = *customers.get(&customer).context("a customer")?;
        let item = *items.get(&item).context("an item")?;
        let at = UtcMillis::new(at);
        purchases.customers[customer]
            .bought
            .push(Bought { item, at });
    }
    Ok(purchases)
}
