//! A policy that does what the slot's name says.

wit_bindgen::generate!({ path: "../../../../wit/policy", world: "policy" });

use exports::footfall::policy::ranker::{Candidate, Context, Guest, Ranked, Ranking, Shopper};

struct Bad;

export!(Bad);

impl Guest for Bad {
    fn rank(_: Shopper, candidates: Vec<Candidate>, context: Context) -> Option<Ranking> {
        match context.slot.as_str() {
            "trap" => core::arch::wasm32::unreachable(),
            "loop" => loop {
                std::hint::black_box(&context);
            },
            "memory" => {
                let mut hoard = Vec::new();
                loop {
                    hoard.push(std::hint::black_box(vec![1_u8; 1 << 20]));
                }
            }
            "file" => std::fs::read("/etc/hostname").is_ok().then(|| ranking(&candidates)),
            "silent" => None,
            _ => Some(ranking(&candidates)),
        }
    }
}

fn ranking(candidates: &[Candidate]) -> Ranking {
    let ranked = |candidate: &Candidate| Ranked {
        weight: candidate.probability,
        reason: "as measured".to_owned(),
    };
    Ranking {
        version: "bad".to_owned(),
        ranked: candidates.iter().map(ranked).collect(),
    }
}
