//! What shoppers are shown on a real edge, and decisions that the native origin makes again.

use std::time::Duration;

use http::Method;
use serde_json::{Value, json};

use crate::support::http::{Call, Target};
use crate::support::world::World;
use crate::support::{unique, until};

/// How long the log may take to have a decision.
const LOGGED_WITHIN: Duration = Duration::from_secs(20);

fn start(edge: &Target, session: &str, device: &str) -> Value {
    let body = json!({"sessionId": session, "deviceContext": {"type": device},
        "persona": {"type": "TechEarlyAdopter", "confidence": 0.85}, "entryPoint": {"source": "tiktok"}});
    edge.post("/api/journey/sessions/start", &body).expect(200)
}

fn put(target: &Target, path: &str, body: &Value) -> Call {
    let call = target.call(Method::PUT, path);
    call.header("content-type", "application/json")
        .body(body.to_string())
}

/// The decision, explained by the origin, once the log has it.
fn explained(world: &World, id: &str) -> Value {
    let (told, _) = until("the log has the decision", LOGGED_WITHIN, || {
        let answer = world.origin().get(&format!("/api/decisions/{id}")).send();
        (answer.status == 200).then(|| answer.json()["data"].take())
    });
    told
}

#[test]
fn what_the_edge_decides_the_origin_decides_again_to_the_byte() {
    let world = World::shared();
    let edge = world.edge();
    let (mut shown, mut decisions) = (0, Vec::new());
    for device in ["mobile", "desktop", "tablet", "other"].repeat(5) {
        let session = unique("shown");
        let started = start(&edge, &session, device);
        let hero = started["personalizedContent"]["heroMessage"].as_str();
        shown += usize::from(hero.is_some_and(|hero| !hero.starts_with("Coffee for the hours")));
        decisions.push(started["decisionId"].as_str().unwrap().to_owned());
        let moved = json!({"newStage": "decision"});
        let stage = put(
            &edge,
            &format!("/api/journey/sessions/{session}/stage"),
            &moved,
        );
        decisions.extend(stage.expect(200)["decisionId"].as_str().map(str::to_owned));
        let leaving = json!({"sessionId": session, "touchpoint": {"type": "cart_view"},
            "contextualSignals": {"exitIntent": true}});
        let adapted = edge
            .post("/api/journey/touchpoints/track", &leaving)
            .expect(200);
        let adapted = &adapted["realTimeAdaptation"];
        decisions.extend(adapted["decisionId"].as_str().map(str::to_owned));
        let optimized = edge.post(
            "/api/journey/optimize",
            &json!({"sessionId": session, "optimizationType": "real_time_adaptation",
                "optimizationParameters": {"targetMetric": "conversion_probability",
                    "adaptationStrength": "moderate", "preserveUserExperience": true},
                "contextualConstraints": {"deviceLimitations": ["small_screen", "touch_only"],
                    "performanceBudget": "mobile_3g", "brandGuidelines": "maintain_premium_feel"}}),
        );
        let optimized = optimized.expect(200);
        let applied = optimized["optimizationApplied"]["adaptations"]
            .as_array()
            .unwrap();
        assert!(applied.len() <= 3 && applied.iter().all(|one| one["change"] != "wide_comparison"));
        decisions.extend(optimized["decisionId"].as_str().map(str::to_owned));
        let advice = edge
            .get(&format!("/api/journey/recommendations/{session}"))
            .expect(200);
        assert!(
            advice["recommendations"]
                .as_array()
                .is_some_and(|list| !list.is_empty())
        );
        decisions.extend(advice["decisionId"].as_str().map(str::to_owned));
    }
    assert!(
        shown >= 10,
        "most see something of their own: {shown} of 20"
    );
    assert!(decisions.len() >= 60, "{}", decisions.len());
    for id in decisions {
        let told = explained(world, &id);
        assert_eq!(told["replay"]["same"], true, "{told}");
        for one in told["decisions"].as_array().unwrap() {
            assert!(!one["reasoning"].as_str().unwrap().is_empty(), "{told}");
        }
    }
}

#[test]
fn changed_content_is_shown_within_seconds() {
    let world = World::shared();
    let before = world.origin().get("/api/journey/content").expect(200)["data"]["content"].take();
    let mut changed = before.clone();
    let message = unique("Fresh");
    changed["slots"][0]["neutral"] = json!(message);
    changed["slots"][0]["variants"] = json!([{"id": "only", "content": message}]);
    let replace = |content: &Value| {
        let answer = put(&world.origin(), "/api/journey/content", content);
        answer.expect(200)
    };
    replace(&changed);
    until("the edge shows it", LOGGED_WITHIN, || {
        let started = start(&world.edge(), &unique("fresh"), "mobile");
        (started["personalizedContent"]["heroMessage"] == message.as_str()).then_some(())
    });
    replace(&before);
}
