//! `footfall fit journey` and `footfall evaluate journey`: the conversion model on public sessions.

use std::path::{Path, PathBuf};

use anyhow::Context;
use clap::Subcommand;
use footfall_shared::journey::features::features;
use footfall_shared::journey::model::Model;

use super::{admin, open, policy, say};
use crate::app::App;
use crate::config::Config;
use crate::journey::model::Sample;
use crate::journey::model::datasets::{self, Dataset, SteppedSession, WholeSession};
use crate::journey::model::evaluate::Evaluation;
use crate::journey::model::fit::fit;
use crate::journey::model::job::fit_shop;
use crate::journey::model::prior::fit_prior;

/// Of the sessions in time this share is fitted on, the later rest is judged; of those without time every
/// fourth is judged instead.
const FITTED_PERCENT: usize = 70;
const JUDGED_EVERY: usize = 4;

/// What is fitted.
#[derive(Debug, Subcommand)]
pub(super) enum Fit {
    /// The prior of the conversion model, from the public sets.
    Journey {
        /// The sets: Online Shoppers, and clickstream-ecom.
        #[arg(long, num_args = 2, required = true, value_name = "FILE")]
        data: Vec<PathBuf>,
        /// The name that the model gets.
        #[arg(long, default_value = "prior-1")]
        version: String,
        /// Where to write it.
        #[arg(long, value_name = "FILE")]
        out: PathBuf,
    },
    /// A shop's own conversion model, now; it is served if it is better than the one in service.
    Shop {
        /// The shop.
        #[arg(value_name = "SLUG")]
        shop: String,
    },
}

/// What is evaluated.
#[derive(Debug, Subcommand)]
pub(super) enum Evaluate {
    /// A logistic regression on a public set, on the part of it that it has not seen.
    Journey {
        /// The set, packed by gzip or not.
        #[arg(long, value_name = "FILE")]
        data: PathBuf,
    },
    /// A shop's own policy, on the decisions that were logged: what it would have converted.
    Policy {
        /// The policy, a component that exports `footfall:policy/ranker`.
        #[arg(value_name = "FILE")]
        file: PathBuf,
        /// The first day of the decisions, as 2026-11-01.
        #[arg(long, value_name = "DATE")]
        since: String,
        /// The shop.
        #[arg(long, default_value = crate::demo::SLUG, value_name = "SLUG")]
        shop: String,
    },
}

/// Fits.
pub(super) async fn run_fit(config: &Config, command: Fit) -> anyhow::Result<()> {
    match command {
        Fit::Journey { data, version, out } => fit_the_prior(&data, &version, &out),
        Fit::Shop { shop } => fit_a_shop(config, &shop).await,
    }
}

async fn fit_a_shop(config: &Config, slug: &str) -> anyhow::Result<()> {
    let db = open(config).await?;
    let shop = admin::find_shop(&db, slug).await?;
    let app = App::new(config.clone(), db);
    let fitted = fit_shop(&app, &shop).await?;
    for (name, figures) in [("fitted", fitted.own), ("in service", fitted.in_service)] {
        say(format_args!(
            "{name:<12} AUC {:.4}  log loss {:.4}  calibration error {:.4}",
            figures.auc, figures.log_loss, figures.calibration_error
        ));
    }
    say(match fitted.is_better() {
        true => "published: it serves from now on",
        false => "not published: it is no better than the one in service",
    });
    app.db().close().await;
    Ok(())
}

fn fit_the_prior(data: &[PathBuf], version: &str, out: &Path) -> anyhow::Result<()> {
    let (mut whole, mut steps) = (Vec::new(), Vec::new());
    for path in data {
        match datasets::read(path)? {
            Dataset::Whole(sessions) => whole = sessions,
            Dataset::Steps(sessions) => steps = sessions,
        }
    }
    anyhow::ensure!(
        !whole.is_empty() && !steps.is_empty(),
        "one set of whole sessions and one event by event are needed"
    );
    let model = fit_prior(&whole, &steps, version)?;
    let text = serde_json::to_string_pretty(&model).context("a model is written")?;
    std::fs::write(out, format!("{text}\n"))
        .with_context(|| format!("cannot write {}", out.display()))?;
    say(format_args!(
        "{} sessions, {} conversions: {}",
        model.sessions,
        model.conversions,
        out.display()
    ));
    Ok(())
}

/// Evaluates.
pub(super) async fn run_evaluate(config: &Config, command: Evaluate) -> anyhow::Result<()> {
    match command {
        Evaluate::Journey { data } => {
            for line in evaluate(&data)? {
                say(&line);
            }
            Ok(())
        }
        Evaluate::Policy { file, since, shop } => policy::run(config, &file, &since, &shop).await,
    }
}

/// The figures of a set, a line each.
fn evaluate(path: &Path) -> anyhow::Result<Vec<String>> {
    let figures = |name: &str, fitted: &[Sample], judged: &[Sample]| -> anyhow::Result<String> {
        let line = fit(fitted)?;
        let told = judged
            .iter()
            .map(|sample| (line.probability(&sample.features), sample.bought));
        let evaluation = Evaluation::of(told.collect());
        Ok(print(
            name,
            &evaluation.context("the judged part holds one outcome only")?,
        ))
    };
    Ok(match datasets::read(path)? {
        Dataset::Whole(sessions) => {
            let without = |session: &WholeSession| Sample {
                features: features(&session.observed).to_vec(),
                bought: session.bought,
            };
            let with = |session: &WholeSession| Sample {
                features: without(session)
                    .features
                    .into_iter()
                    .chain([session.page_values.ln_1p()])
                    .collect(),
                bought: session.bought,
            };
            let (fitted, judged) = by_turns(&sessions, without);
            let (fitted_with, judged_with) = by_turns(&sessions, with);
            vec![
                format!(
                    "{} sessions; every fourth is judged, the rest fitted on",
                    sessions.len()
                ),
                figures("without PageValues", &fitted, &judged)?,
                figures("with PageValues", &fitted_with, &judged_with)?,
            ]
        }
        Dataset::Steps(sessions) => {
            let (early, late) = sessions.split_at(sessions.len() * FITTED_PERCENT / 100);
            let all = |part: &[SteppedSession]| {
                part.iter()
                    .flat_map(SteppedSession::samples)
                    .collect::<Vec<_>>()
            };
            let told = late.iter().flat_map(|session| {
                let bought = session.bought_at.is_some();
                session
                    .moments
                    .iter()
                    .map(move |(observed, _)| (observed, bought))
            });
            let prior = Model::prior();
            let of_prior = told.map(|(observed, bought)| (prior.probability(observed), bought));
            let of_prior = Evaluation::of(of_prior.collect())
                .context("the judged part holds one outcome only")?;
            vec![
                format!(
                    "{} sessions; the later {} are judged at each of their events",
                    sessions.len(),
                    late.len()
                ),
                figures("fitted on the earlier ones", &all(early), &all(late))?,
                print(
                    &format!("the shipped {} (has seen them)", prior.version),
                    &of_prior,
                ),
            ]
        }
    })
}

/// Every fourth session apart from the rest.
fn by_turns(
    sessions: &[WholeSession],
    sample: impl Fn(&WholeSession) -> Sample,
) -> (Vec<Sample>, Vec<Sample>) {
    let (mut fitted, mut judged) = (Vec::new(), Vec::new());
    for (at, session) in sessions.iter().enumerate() {
        if at % JUDGED_EVERY == 0 {
            judged.push(sample(session));
        } else {
            fitted.push(sample(session));
        }
    }
    (fitted, judged)
}

fn print(name: &str, evaluation: &Evaluation) -> String {
    let Evaluation {
        samples,
        bought,
        auc,
        log_loss,
        brier,
        calibration_error,
    } = evaluation;
    format!(
        "{name}: n {samples}, bought {bought}, AUC {auc:.4}, log loss {log_loss:.4}, Brier {brier:.4}, \
         calibration error {calibration_error:.4}"
    )
}
