//! A shop's own policy: the example in wit/examples, asked by the edge in the embedded host, explained by the origin, and
//! judged by the decisions that it made.

use std::path::Path;

use serde_json::{Value, json};

use crate::support::deployment::only_on_the_host;
use crate::support::world::{Home, World};
use crate::support::{PATIENCE, unique, until};

/// Beside the component that every other test runs.
fn component_for_policies() -> String {
    let usual = std::env::var("FOOTFALL_EDGE_COMPONENT").unwrap();
    let other = Path::new(&usual).with_file_name("edge-policy.wasm");
    assert!(other.is_file(), "`make build` makes {}", other.display());
    other.display().to_string()
}

fn example() -> String {
    let target = std::env::var("CARGO_TARGET_DIR").unwrap();
    let file = Path::new(&target).join("policy-example/wasm32-wasip2/release/no_pressure.wasm");
    assert!(
        file.is_file(),
        "`make policy-example` makes {}",
        file.display()
    );
    file.display().to_string()
}

fn start(world: &World) -> Value {
    let body = json!({"sessionId": unique("ranked"), "intentSignals": {"purchase_intent": 0.1}});
    world
        .edge()
        .post("/api/journey/sessions/start", &body)
        .expect(200)
}

#[test]
fn a_shops_own_policy_chooses_and_its_reasons_are_told() {
    if only_on_the_host("the Worker and jco choose by the built-in policy") {
        return;
    }
    let (component, policy) = (component_for_policies(), example());
    let world = World::start(Home::new(&[
        ("FOOTFALL_EDGE_COMPONENT", &component),
        ("FOOTFALL_EDGE_POLICY", &policy),
    ]));
    let mut by_policy = 0;
    for _ in 0..40 {
        let started = start(&world);
        let id = started["decisionId"].as_str().unwrap().to_owned();
        let path = format!("/api/decisions/{id}");
        let (told, _) = until("the log has the decision", PATIENCE, || {
            let answer = world.origin().get(&path).send();
            (answer.status == 200).then(|| answer.json()["data"].take())
        });
        assert_eq!(told["replay"]["same"], true, "{told}");
        let decisions = told["decisions"].as_array().unwrap();
        let trust = decisions
            .iter()
            .find(|one| one["slot"] == "trust_signal")
            .unwrap();
        assert!(
            trust["policy"].as_str().unwrap().starts_with("sha256:"),
            "{trust}"
        );
        if trust["chosen"] == "guarantee" {
            let reason = trust["reasoning"].as_str().unwrap();
            assert!(
                reason.contains("who hesitates needs a way back"),
                "{reason}"
            );
            // Twice the weight of the other one: two thirds.
            let probability = trust["candidates"][0]["probability"].as_f64().unwrap();
            assert!((0.6..0.7).contains(&probability), "{trust}");
            by_policy += 1;
        }
    }
    assert!(by_policy >= 10, "{by_policy}");
    // Enough of them that an interval means something.
    for _ in 0..80 {
        start(&world);
    }
    let last = start(&world);
    let path = format!("/api/decisions/{}", last["decisionId"].as_str().unwrap());
    until("the log has the last decision", PATIENCE, || {
        (world.origin().get(&path).send().status == 200).then_some(())
    });
    let told = world.run(&["evaluate", "policy", &policy, "--since", "2026-01-01"]);
    assert!(told.contains("doubly robust"), "{told}");
    assert!(told.contains("difference"), "{told}");
}
