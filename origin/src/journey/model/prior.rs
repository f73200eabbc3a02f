//! The prior: the model that serves shops with too few conversions of their own.
//!
//! One regression over both public sets. The real one tells what depth, time and a known visitor are worth; the
//! made-up one what the stages are, event by event, on top of it. A flag tells the sets apart, so that neither's
//! level disturbs the other; the level that is shipped is that of running sessions, moved so that the share of
//! sessions that buy is the real set's (prior correction, King and Zeng 2001). What the sets do not measure weighs
//! nothing: there is no number for it that would not be made up.

use std::collections::BTreeMap;

use footfall_shared::journey::features::{COUNT, NAMES, features};
use footfall_shared::journey::model::{Basis, Model, Weights};
use footfall_shared::journey::observed::Observed;
use footfall_shared::journey::stage::Stage;

use super::Sample;
use super::datasets::{SteppedSession, WholeSession};
use super::fit::{FitError, fit};

/// What the sets measure. Neither tells how long single touchpoints lasted, so neither knows engagement.
const MEASURED: [&str; 16] = [
    "stage_consideration",
    "stage_decision",
    "touchpoints",
    "product_touchpoints",
    "kinds",
    "dwell",
    "elapsed",
    "errors",
    "returning",
    "mobile",
    "tablet",
    "direct",
    "search",
    "social",
    "email",
    "paid",
];
/// The sources among them. Every made-up session has one and no real one, so they are told from their mean.
const SOURCES: [&str; 5] = ["direct", "search", "social", "email", "paid"];

/// Fits the prior; `version` names it.
///
/// # Errors
/// [`FitError`]: the sets do not tell anything apart.
pub fn fit_prior(
    whole: &[WholeSession],
    steps: &[SteppedSession],
    version: &str,
) -> Result<Model, FitError> {
    let sample = |observed: &Observed, is_whole: bool, bought| Sample {
        features: measured(observed)
            .chain([f64::from(u8::from(is_whole))])
            .collect(),
        bought,
    };
    let of_whole = whole
        .iter()
        .map(|session| sample(&session.observed, true, session.bought));
    let of_steps = steps.iter().flat_map(|session| {
        let bought = session.bought_at.is_some();
        session
            .moments
            .iter()
            .map(move |(observed, _)| sample(observed, false, bought))
    });
    let line = fit(&of_whole.chain(of_steps).collect::<Vec<_>>())?;
    let mut weights = [0.0; COUNT];
    weights.copy_from_slice(&line.weights[..COUNT]);
    let mean_of_sources = center_sources(&mut weights, steps);
    let real = share(whole.iter().map(|session| session.bought));
    let made_up = share(steps.iter().map(|session| session.bought_at.is_some()));
    let sold = |sessions: usize| u32::try_from(sessions).unwrap_or(u32::MAX);
    let bought = whole.iter().filter(|session| session.bought).count()
        + steps
            .iter()
            .filter(|session| session.bought_at.is_some())
            .count();
    let mut model = Model {
        version: version.to_owned(),
        basis: Basis::Prior,
        source: "UCI Online Shoppers Purchasing Intention (real), retentioneering clickstream-ecom (synthetic)"
            .to_owned(),
        sessions: sold(whole.len() + steps.len()),
        conversions: sold(bought),
        intercept: line.intercept + mean_of_sources + logit(real) - logit(made_up),
        weights: Weights(weights),
        ready: 0.0,
        median_s: medians(steps),
    };
    model.ready = ready(&model, steps);
    round(&mut model);
    Ok(model)
}

/// The features, of which those that the sets do not measure are 0.
fn measured(observed: &Observed) -> impl Iterator<Item = f64> {
    let named = features(observed).into_iter().zip(NAMES);
    named.map(|(value, name)| if MEASURED.contains(&name) { value } else { 0.0 })
}

/// Moves the sources' weights so that their mean over the sessions is 0, and gives what it was: a session that
/// does not tell its source is an average one.
#[expect(clippy::cast_precision_loss, reason = "a number of sessions")]
fn center_sources(weights: &mut [f64; COUNT], steps: &[SteppedSession]) -> f64 {
    let places: Vec<usize> = (0..COUNT)
        .filter(|at| SOURCES.contains(&NAMES[*at]))
        .collect();
    let first = |session: &SteppedSession| {
        session
            .moments
            .first()
            .map(|(observed, _)| features(observed))
    };
    let sessions: Vec<[f64; COUNT]> = steps.iter().filter_map(first).collect();
    let of_session = |features: &[f64; COUNT]| {
        places
            .iter()
            .map(|at| features[*at] * weights[*at])
            .sum::<f64>()
    };
    let mean = sessions.iter().map(of_session).sum::<f64>() / sessions.len().max(1) as f64;
    for at in places {
        weights[at] -= mean;
    }
    mean
}

/// What is shipped has six digits: more than the data carry.
fn round(model: &mut Model) {
    let short = |number: &mut f64| *number = (*number * 1e6).round() / 1e6;
    short(&mut model.intercept);
    short(&mut model.ready);
    model.weights.0.iter_mut().for_each(short);
    model
        .median_s
        .values_mut()
        .for_each(|seconds| *seconds = seconds.round());
}

#[expect(clippy::cast_precision_loss, reason = "numbers of sessions")]
fn share(bought: impl Iterator<Item = bool> + Clone) -> f64 {
    let all = bought.clone().count() as f64;
    bought.filter(|bought| *bought).count() as f64 / all
}

fn logit(share: f64) -> f64 {
    (share / (1.0 - share)).ln()
}

/// The median of a log-normal distribution is e to the mean of the logarithms: of the seconds that buyers still
/// needed, at each of their moments in a stage.
#[expect(
    clippy::cast_precision_loss,
    reason = "milliseconds and numbers of moments"
)]
pub(super) fn medians(steps: &[SteppedSession]) -> BTreeMap<Stage, f64> {
    let mut logs = BTreeMap::<Stage, Vec<f64>>::new();
    for session in steps {
        let Some(bought_at) = session.bought_at else {
            continue;
        };
        for (observed, at) in &session.moments {
            let seconds = bought_at.since(*at).max(1000) as f64 / 1000.0;
            logs.entry(observed.stage).or_default().push(seconds.ln());
        }
    }
    let median = |logs: Vec<f64>| (logs.iter().sum::<f64>() / logs.len() as f64).exp();
    logs.into_iter()
        .map(|(stage, logs)| (stage, median(logs)))
        .collect()
}

/// The median probability of buyers at their last moment before the purchase.
pub(super) fn ready(model: &Model, steps: &[SteppedSession]) -> f64 {
    let mut last: Vec<f64> = steps
        .iter()
        .filter(|session| session.bought_at.is_some())
        .filter_map(|session| session.moments.last())
        .map(|(observed, _)| model.probability(observed))
        .collect();
    last.sort_by(f64::total_cmp);
    last.get(last.len() / 2).copied().unwrap_or(1.0)
}
