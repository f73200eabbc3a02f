//! A policy that never presses for time: urgent content gets no weight of its own, the rest is chosen as it is measured.
//! Shoppers who are new and hesitate see what makes trust twice as often.

wit_bindgen::generate!({ path: "../../policy", world: "policy" });

use exports::footfall::policy::ranker::{Candidate, Context, Guest, Ranked, Ranking, Shopper};

struct NoPressure;

export!(NoPressure);

impl Guest for NoPressure {
    fn rank(shopper: Shopper, candidates: Vec<Candidate>, context: Context) -> Option<Ranking> {
        let hesitates = !shopper.returning && shopper.intent_milli < 500;
        let trust = context.slot == "trust_signal";
        let rank = |candidate: Candidate| {
            if candidate.traits.iter().any(|asked| asked == "urgent") {
                return ranked(0, "presses for time");
            }
            if hesitates && trust && candidate.content.contains("guarantee") {
                return ranked(candidate.probability * 2, "who hesitates needs a way back");
            }
            ranked(candidate.probability, "as measured")
        };
        Some(Ranking {
            version: concat!("no-pressure ", env!("CARGO_PKG_VERSION")).to_owned(),
            ranked: candidates.into_iter().map(rank).collect(),
        })
    }
}

fn ranked(weight: u32, reason: &str) -> Ranked {
    Ranked {
        weight,
        reason: reason.to_owned(),
    }
}
