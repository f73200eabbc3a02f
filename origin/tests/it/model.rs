//! The conversion model on the public sets of sessions.

use std::path::PathBuf;
use std::process::Command;

use footfall::journey::model::datasets::{self, Dataset};
use footfall::journey::model::prior::fit_prior;
use footfall_shared::journey::model::Model;

/// How far from scikit-learn's an area may lie.
const AUC_OFF_MAX: f64 = 0.005;
/// The largest calibration error.
const CALIBRATION_ERROR_MAX: f64 = 0.03;

/// A public set, where they lie beside the project.
fn set(path: &str) -> Option<PathBuf> {
    let data = PathBuf::from(env!("CARGO_MANIFEST_DIR"))
        .join("../../shared/data")
        .join(path);
    if !data.exists() {
        eprintln!("skipped: {} is not here", data.display());
        return None;
    }
    Some(data)
}

fn shoppers() -> Option<PathBuf> {
    set("online-shoppers/online_shoppers_intention.csv")
}

fn clicks() -> Option<PathBuf> {
    set("clickstream-ecom/ecom.csv.gz")
}

/// What `footfall evaluate journey` prints of a set, by line.
fn evaluated(path: &PathBuf) -> Vec<String> {
    let done = Command::new(env!("CARGO_BIN_EXE_footfall"))
        .args(["evaluate", "journey", "--data"])
        .arg(path)
        .env("FOOTFALL_MODE", "development")
        .output()
        .unwrap();
    assert!(
        done.status.success(),
        "{}",
        String::from_utf8_lossy(&done.stderr)
    );
    let text = String::from_utf8(done.stdout).unwrap();
    text.lines().map(str::to_owned).collect()
}

fn figure(lines: &[String], line: &str, name: &str) -> f64 {
    let line = lines.iter().find(|one| one.starts_with(line)).unwrap();
    let (_, rest) = line.split_once(&format!("{name} ")).unwrap();
    rest.split(',').next().unwrap().parse().unwrap()
}

#[test]
fn real_sessions_are_told_apart_as_well_as_scikit_learn_does() {
    let Some(path) = shoppers() else { return };
    let lines = evaluated(&path);
    // scripts/reference/conversion_model.py made these.
    for (line, reference) in [("without PageValues", 0.7063), ("with PageValues", 0.8901)] {
        let auc = figure(&lines, line, "AUC");
        assert!(
            (auc - reference).abs() <= AUC_OFF_MAX,
            "{line}: {auc}, scikit-learn {reference}"
        );
        let off = figure(&lines, line, "calibration error");
        assert!(off <= CALIBRATION_ERROR_MAX, "{line}: {off}");
    }
}

#[test]
fn later_sessions_are_judged_by_what_the_earlier_ones_told() {
    let Some(path) = clicks() else { return };
    let lines = evaluated(&path);
    assert!(figure(&lines, "fitted on the earlier ones", "AUC") > 0.75);
    assert!(
        figure(&lines, "fitted on the earlier ones", "calibration error") <= CALIBRATION_ERROR_MAX
    );
}

#[test]
fn the_shipped_prior_is_what_the_command_makes_of_the_public_sets() {
    let (Some(shoppers), Some(clicks)) = (shoppers(), clicks()) else {
        return;
    };
    let (Dataset::Whole(whole), Dataset::Steps(steps)) = (
        datasets::read(&shoppers).unwrap(),
        datasets::read(&clicks).unwrap(),
    ) else {
        panic!("one set of whole sessions, and one event by event");
    };
    let made = fit_prior(&whole, &steps, "prior-1").unwrap();
    let shipped = Model::prior();
    let of = |model: &Model| -> Vec<f64> {
        let rest = [model.intercept, model.ready];
        model.weights.0.into_iter().chain(rest).collect()
    };
    for (made, shipped) in of(&made).into_iter().zip(of(&shipped)) {
        assert!((made - shipped).abs() < 1e-3, "{made} {shipped}");
    }
    assert_eq!(made.median_s, shipped.median_s);
    assert_eq!(
        (made.sessions, made.conversions),
        (shipped.sessions, shipped.conversions)
    );
}

#[test]
fn a_file_that_is_no_set_of_sessions_is_told_so() {
    let file = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(file.path(), "a,b\n1,2\n").unwrap();
    let fault = datasets::read(file.path()).unwrap_err();
    assert!(fault.to_string().contains("no known set"), "{fault}");
}
