#![allow(
    clippy::approx_constant,
    reason = "a share that looks like a constant is one by chance"
)]

use std::io::Read as _;
use std::path::Path;

use sha2::{Digest as _, Sha256};

use super::*;
use crate::text::hex;

fn told(text: &str) -> [f64; 4] {
    let Score {
        negative,
        neutral,
        positive,
        compound,
    } = score(text);
    [negative, neutral, positive, compound]
}

/// By vaderSentiment 3.3.2, each for a rule.
#[test]
fn the_rules_are_those_of_the_reference() {
    for (text, expected) in [
        (
            "VADER is smart, handsome, and funny.",
            [0.0, 0.254, 0.746, 0.8316],
        ),
        (
            "VADER is VERY SMART, handsome, and FUNNY!!!",
            [0.0, 0.233, 0.767, 0.9342],
        ),
        ("Today SUX!", [0.779, 0.221, 0.0, -0.5461]),
        (
            "At least it isn't a horrible book.",
            [0.0, 0.678, 0.322, 0.431],
        ),
        ("The book was good.", [0.0, 0.508, 0.492, 0.4404]),
        ("The book was kind of good.", [0.0, 0.657, 0.343, 0.3832]),
        (
            "The plot was good, but the characters are uncompelling and the dialog is not great.",
            [0.327, 0.579, 0.094, -0.7042],
        ),
        (
            "Today only kinda sux! But I'll get by, lol",
            [0.127, 0.556, 0.317, 0.5249],
        ),
        ("Make sure you :) or :D today!", [0.0, 0.294, 0.706, 0.8633]),
        (
            "Catch utf-8 emoji such as 💘 and 💋 and 😁",
            [0.0, 0.583, 0.417, 0.875],
        ),
        ("Not bad at all", [0.0, 0.513, 0.487, 0.431]),
        (
            "No problem, works as it should",
            [0.0, 0.689, 0.311, 0.3089],
        ),
        (
            "There is no love lost or nor joy",
            [0.481, 0.373, 0.146, -0.6681],
        ),
        ("It was never so good as this", [0.0, 0.575, 0.425, 0.6626]),
        ("Without doubt a great buy", [0.0, 0.326, 0.674, 0.7359]),
        ("This is the shit", [0.0, 0.429, 0.571, 0.6124]),
        ("It was to die for, really", [0.438, 0.562, 0.0, -0.5994]),
        (
            "That was a bad ass performance",
            [0.0, 0.444, 0.556, 0.6124],
        ),
        ("Yeah right, great quality", [0.0, 0.241, 0.759, 0.743]),
        (
            "I waited at the bus stop happily all day long",
            [0.0, 1.0, 0.0, 0.0],
        ),
        ("The least good of all", [0.376, 0.624, 0.0, -0.3412]),
        ("Very least good, at least", [0.0, 0.557, 0.443, 0.4902]),
        ("THIS IS GREAT", [0.0, 0.328, 0.672, 0.6249]),
        ("It is GREAT", [0.0, 0.293, 0.707, 0.7034]),
        ("not only REALLY bad??", [0.0, 0.43, 0.57, 0.6084]),
        ("Is it good??", [0.0, 0.38, 0.62, 0.504]),
        ("Why?? Is it bad????", [0.598, 0.402, 0.0, -0.6662]),
        (
            "just enough good and sort of bad",
            [0.324, 0.428, 0.248, -0.2247],
        ),
        ("", [0.0, 0.0, 0.0, 0.0]),
        ("   ", [0.0, 0.0, 0.0, 0.0]),
        ("of", [0.0, 1.0, 0.0, 0.0]),
        ("never this good", [0.0, 0.372, 0.628, 0.5228]),
        ("It isn't so good", [0.502, 0.498, 0.0, -0.464]),
        (
            "I never in my life was so happy",
            [0.0, 0.596, 0.404, 0.6948],
        ),
        ("good good good but good bad", [0.307, 0.065, 0.628, 0.4497]),
        ("don't like it, can't love it", [0.578, 0.422, 0.0, -0.6681]),
        ("😀😀 nice", [0.0, 0.204, 0.796, 0.7783]),
        (
            "Great\u{a0}fit\u{3000}and nice",
            [0.0, 0.096, 0.904, 0.8555],
        ),
        (
            "kiss of death for a beating heart love",
            [0.318, 0.138, 0.544, 0.7096],
        ),
        ("ÜBERRAGEND good", [0.0, 0.256, 0.744, 0.4404]),
        ("hardly EVER good", [0.0, 0.433, 0.567, 0.3862]),
        ("uh-uh good", [0.706, 0.294, 0.0, -0.3412]),
        (":-( :)", [0.455, 0.0, 0.545, 0.128]),
        ("no no no good", [0.335, 0.139, 0.526, 0.0951]),
        (
            "the fabric is not very comfortable but the color is gorgeous!!",
            [0.115, 0.528, 0.357, 0.729],
        ),
    ] {
        assert_eq!(told(text), expected, "{text}");
    }
}

/// The texts of a file of the published ground truth.
fn texts(data: &Path, file: &str) -> Vec<String> {
    let bytes = std::fs::read(data.join(file)).unwrap();
    let mut text = Vec::new();
    if file.ends_with(".gz") {
        flate2::read::MultiGzDecoder::new(bytes.as_slice())
            .read_to_end(&mut text)
            .unwrap();
    } else {
        text = bytes;
    }
    let text = String::from_utf8_lossy(&text).into_owned();
    let third = |line: &str| line.splitn(3, '\t').nth(2).unwrap().to_owned();
    text.split('\n')
        .filter(|line| !line.trim().is_empty())
        .map(third)
        .collect()
}

/// All four scores of all 23,703 texts: their digests, as vaderSentiment 3.3.2 gives them (each text's shares in thousandths and
/// its compound in ten thousandths, as little-endian 16-bit numbers).
#[test]
fn the_ground_truth_is_scored_as_by_the_reference() {
    let data = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../shared/data/vader");
    if !data.is_dir() {
        eprintln!("skipped: ../shared/data/vader is not here");
        return;
    }
    for (file, count, digest) in [
        (
            "tweets_GroundTruth.txt",
            4_200,
            "89913399632cc291b14622ba0b744d877b17902b2069f3559021db879d0ccdad",
        ),
        (
            "amazonReviewSnippets_GroundTruth.txt",
            3_708,
            "9746c9bcf78c4c88f7d9b305b4dc941fb45de464f8bd2511242cce3f80431fd3",
        ),
        (
            "movieReviewSnippets_GroundTruth.txt.gz",
            10_605,
            "2cca113ae56ad9c1e036b069c158768e4b8663bad3e364b3e9be7ac4fbeb991f",
        ),
        (
            "nytEditorialSnippets_GroundTruth.txt",
            5_190,
            "da7216fb420250aca4d6a83bd43940aaa3c7263c05394da1e41b2628396d593b",
        ),
    ] {
        let texts = texts(&data, file);
        assert_eq!(texts.len(), count, "{file}");
        let mut hash = Sha256::new();
        for text in &texts {
            let [negative, neutral, positive, compound] = told(text);
            for (value, scale) in [
                (negative, 1e3),
                (neutral, 1e3),
                (positive, 1e3),
                (compound, 1e4),
            ] {
                hash.update(((value * scale).round() as i16).to_le_bytes());
            }
        }
        assert_eq!(hex(&hash.finalize()), digest, "{file}");
    }
}

proptest::proptest! {
    #[test]
    fn any_text_has_a_score_within_the_scale(text: String) {
        let score = score(&text);
        proptest::prop_assert!((-1.0..=1.0).contains(&score.compound));
        proptest::prop_assert!((0.0..=1.0).contains(&score.neutral));
    }
}
