//! What the host promises of a shop's own policy.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use footfall_edge_host::policy::{Candidate, Context, Policy, Ranking, Shopper};
use footfall_edge_host::{Host, HostError, HostOptions};

use crate::support;

fn shopper() -> Shopper {
    Shopper {
        stage: "awareness".to_owned(),
        device: "mobile".to_owned(),
        source: Some("tiktok".to_owned()),
        persona: None,
        locale: None,
        returning: false,
        exit_intent: false,
        touchpoints: 1,
        engagement_milli: 300,
        intent_milli: 650,
        conversion_millionths: 30_000,
    }
}

fn candidate(id: &str, probability: u32) -> Candidate {
    Candidate {
        id: id.to_owned(),
        content: String::new(),
        traits: Vec::new(),
        probability,
        lift: None,
    }
}

fn ask(policy: &Policy, slot: &str) -> Option<Ranking> {
    let candidates = [candidate("a", 300_000), candidate("b", 700_000)];
    let context = Context {
        shop: "shp_1".to_owned(),
        slot: slot.to_owned(),
        kit: 1,
    };
    policy.rank(&shopper(), &candidates, &context)
}

#[test]
fn a_policy_that_traps_or_is_late_is_none() {
    let policy = Policy::load(support::bad_policy()).unwrap();
    let ranking = ask(&policy, "hero_message").unwrap();
    assert_eq!(
        ranking
            .ranked
            .iter()
            .map(|one| one.weight)
            .collect::<Vec<_>>(),
        [300_000, 700_000]
    );
    assert!(
        ranking.version.starts_with("sha256:"),
        "the host tells whose it is"
    );
    assert!(ask(&policy, "silent").is_none());
    assert_eq!(policy.faults(), 0, "to say nothing is no fault");
    for (faults, slot) in (1..).zip(["trap", "loop", "memory"]) {
        let begun = Instant::now();
        assert!(ask(&policy, slot).is_none(), "{slot}");
        assert!(begun.elapsed() < Duration::from_secs(2), "{slot} is ended");
        assert_eq!(policy.faults(), faults, "{slot}");
    }
    assert!(ask(&policy, "file").is_none(), "it has no files");
    assert!(
        ask(&policy, "hero_message").is_some(),
        "the next question finds it well"
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_component_that_takes_no_policy_says_so_at_the_start() {
    let directory = tempfile::tempdir().unwrap();
    let started = Host::start(HostOptions {
        listen: ([127, 0, 0, 1], 0).into(),
        component: support::guest().to_owned(),
        data_dir: directory.path().join("edge"),
        variables: BTreeMap::new(),
        origin_url: "http://127.0.0.1:9".to_owned(),
        flush_every: Duration::from_secs(3600),
        flush_signer: std::sync::Arc::new(|_, _| Vec::new()),
        geo: None,
        policy: Some(support::bad_policy().to_owned()),
        tracer: None,
    });
    assert!(matches!(
        started.await,
        Err(HostError::PolicyNotTaken { .. })
    ));
    let none = Policy::load(support::guest());
    assert!(
        matches!(none, Err(HostError::Policy { .. })),
        "a component that is no policy"
    );
}
