//! What a shopper is shown: chosen from the shop's kit, held out, adapted, advised, logged.

use footfall_shared::event::Event;
use footfall_shared::experiment::choice::Belief;
use footfall_shared::journey::content::decide::Decided;
use footfall_shared::journey::content::kit::{Conditions, Filling, Measured, Trait};
use footfall_shared::journey::content::{Kit, Slot, Variant};
use footfall_shared::wire::internal::{Change, Push, path};
use http::Method;
use serde_json::{Value, json};

use crate::support::{Reply, World, post, shop};

fn variant(id: &str, content: &str) -> Variant {
    Variant {
        id: id.into(),
        content: content.into(),
        conditions: Conditions::default(),
        traits: Vec::new(),
        belief: Belief::of(&[1.0, 1.0]),
        lift: None,
    }
}

fn filling(slot: Slot, neutral: Option<&str>, variants: Vec<Variant>) -> Filling {
    Filling {
        slot,
        neutral: neutral.map(str::to_owned),
        variants,
    }
}

/// A shop's content, in which only the hero's two variants leave a choice. Nobody is held out.
fn kit() -> Kit {
    let leaving = Conditions {
        exit_intent: Some(true),
        ..Conditions::default()
    };
    let gain = Measured {
        difference: 20_000,
        low: 5_000,
        high: 35_000,
    };
    Kit {
        version: 7,
        holdout_permille: 0,
        slots: vec![
            filling(
                Slot::Timing,
                None,
                vec![Variant {
                    conditions: leaving,
                    ..variant("show_guarantee_now", "Thirty days to change your mind")
                }],
            ),
            filling(
                Slot::Layout,
                None,
                vec![Variant {
                    traits: vec![Trait::LargeScreen],
                    ..variant("three_columns", "grid-3")
                }],
            ),
            filling(
                Slot::HeroMessage,
                Some("Welcome"),
                vec![variant("one", "Hero one"), variant("two", "Hero two")],
            ),
            filling(
                Slot::TrustSignal,
                None,
                vec![variant("trust", "30-day guarantee\nFree shipping")],
            ),
            filling(
                Slot::SocialProof,
                None,
                vec![Variant {
                    lift: Some(gain),
                    ..variant("sarah", "Sarah M.: Best purchase I made this year!")
                }],
            ),
        ],
        ..Kit::built_in()
    }
}

fn world(kit: Kit) -> World {
    let world = World::development();
    world.origin.kit.replace(Some(kit));
    world
}

fn start(world: &World, session: &str) -> Reply {
    world.post(
        "/api/journey/sessions/start",
        &json!({"sessionId": session}),
    )
}

fn optimize(world: &World, session: &str, constraints: &Value) -> Reply {
    let body = json!({"sessionId": session, "optimizationType": "real_time_adaptation",
        "contextualConstraints": constraints});
    world.post("/api/journey/optimize", &body)
}

fn decided(world: &World) -> Vec<(String, Decided)> {
    let waiting = world.edge.outbox.waiting();
    let events = waiting
        .iter()
        .map(|json| serde_json::from_str::<Event>(json).unwrap());
    let told = events.filter(|event| event.name.as_deref() == Some(Decided::EVENT));
    told.map(|event| {
        let body = event.body[Decided::BODY_KEY].clone();
        let id = event.id.as_str().to_owned();
        (id, serde_json::from_value(body).unwrap())
    })
    .collect()
}

#[test]
fn a_start_is_answered_with_the_shops_own_content() {
    let world = world(kit());
    let content = start(&world, "s").json["personalizedContent"].take();
    let hero = content["heroMessage"].as_str().unwrap();
    assert!(["Hero one", "Hero two"].contains(&hero), "{hero}");
    assert_eq!(
        content["trustSignals"],
        json!(["30-day guarantee", "Free shipping"])
    );
    assert_eq!(content["callToAction"], Value::Null, "the shop has none");
    let again = start(&world, "s").json["personalizedContent"].take();
    assert_eq!(again, content);
}

#[test]
fn a_decision_is_logged_before_it_is_answered() {
    let world = world(kit());
    let reply = start(&world, "s");
    let logged = decided(&world);
    assert_eq!(logged.len(), 1);
    let (id, told) = &logged[0];
    assert_eq!(reply.json["decisionId"], id.as_str());
    assert_eq!((told.on, told.visit, told.kit), (1, 1, 7));
    let slots: Vec<Slot> = told.decisions.iter().map(|one| one.slot).collect();
    assert_eq!(slots, [Slot::HeroMessage, Slot::TrustSignal]);
    assert_eq!(told.decisions[0].candidates[0].probability, 500_000);
    // A retry decides the same, and the log hears it once.
    assert_eq!(start(&world, "s").json["decisionId"], id.as_str());
    assert_eq!(decided(&world).len(), 1);
    world.edge.outbox.most.set(Some(0));
    assert_eq!(start(&world, "other").status, 503);
}

#[test]
fn who_is_held_out_sees_what_everybody_would_see() {
    let world = world(Kit {
        holdout_permille: 1000,
        ..kit()
    });
    let content = start(&world, "s").json["personalizedContent"].take();
    assert_eq!(content["heroMessage"], "Welcome");
    assert_eq!(content["trustSignals"], json!([]));
    let (_, told) = decided(&world).remove(0);
    assert!(
        told.decisions
            .iter()
            .all(|one| one.held_out && one.chosen.is_none())
    );
    let applied = optimize(&world, "s", &json!({})).json["optimizationApplied"].take();
    assert_eq!(applied["adaptations"], json!([]));
}

#[test]
fn who_asks_not_to_be_tracked_sees_the_neutral_content_and_leaves_nothing() {
    let world = world(kit());
    let mut request = post(
        "/api/journey/sessions/start",
        json!({"sessionId": "s"}).to_string().into_bytes(),
    );
    request.headers.insert("dnt", "1".parse().unwrap());
    let reply = world.send(request);
    assert_eq!(reply.json["personalizedContent"]["heroMessage"], "Welcome");
    assert_eq!(reply.json["decisionId"], Value::Null);
    assert_eq!(decided(&world).len(), 0);
}

#[test]
fn a_change_of_stage_is_answered_with_what_fits_it() {
    let world = world(kit());
    start(&world, "s");
    let body = json!({"newStage": "consideration"})
        .to_string()
        .into_bytes();
    let mut request = post("/api/journey/sessions/s/stage", body);
    request.method = Method::PUT;
    let moved = world.send(request);
    assert_eq!(
        moved.json["updatedJourneyState"]["personalizedRecommendations"],
        json!([{"type": "social_proof", "content": "Sarah M.: Best purchase I made this year!", "priority": "high"}])
    );
}

#[test]
fn a_sign_of_leaving_adapts_what_is_shown() {
    let world = world(kit());
    start(&world, "s");
    let touch = |exit: bool| {
        let body = json!({"sessionId": "s", "touchpoint": {"type": "page_view"},
            "contextualSignals": {"exitIntent": exit}});
        let mut reply = world.post("/api/journey/touchpoints/track", &body);
        reply.json["realTimeAdaptation"].take()
    };
    assert_eq!(touch(false)["adaptationApplied"], false);
    let adapted = touch(true);
    assert_eq!(adapted["adaptationApplied"], true);
    assert_eq!(adapted["adaptationType"], "timing_optimization");
    assert_eq!(adapted["content"], "Thirty days to change your mind");
    assert_eq!(adapted["expectedImpact"], Value::Null);
    assert_eq!(adapted["basis"], "prior");
    assert_eq!(
        decided(&world).last().unwrap().0,
        adapted["decisionId"].as_str().unwrap()
    );
    assert_eq!(
        touch(true)["adaptationApplied"],
        false,
        "it is shown already"
    );
}

#[test]
fn recommendations_follow_the_contract() {
    let world = world(kit());
    start(&world, "s");
    let reply = world.get("/api/journey/recommendations/s");
    assert_eq!(reply.status, 200);
    let told = reply.json["recommendations"].as_array().unwrap();
    let kinds: Vec<&str> = told
        .iter()
        .map(|one| one["type"].as_str().unwrap())
        .collect();
    assert_eq!(kinds, ["next_touchpoint", "content_adaptation"]);
    for field in ["recommendation", "reasoning", "expectedImpact", "priority"] {
        assert!(told[0].get(field).is_some(), "{field}");
    }
    let strategy = &reply.json["adaptationStrategy"];
    assert_eq!(strategy["expectedConversionLift"], Value::Null);
    assert_eq!(strategy["basis"], "prior");
    assert_eq!(world.get("/api/journey/recommendations/nobody").status, 404);
}

#[test]
fn an_optimization_keeps_within_its_constraints_and_says_why() {
    let world = world(kit());
    start(&world, "s");
    let changes = |constraints: Value| {
        let applied = optimize(&world, "s", &constraints).json["optimizationApplied"].take();
        let list = applied["adaptations"].as_array().unwrap().clone();
        assert!(
            list.iter()
                .all(|one| !one["reasoning"].as_str().unwrap().is_empty())
        );
        let of_type = list
            .iter()
            .map(|one| one["type"].as_str().unwrap().to_owned());
        (
            of_type.collect::<Vec<_>>(),
            applied["totalExpectedLift"].clone(),
        )
    };
    let (all, lift) = changes(json!({}));
    assert_eq!(
        all,
        [
            "layout_optimization",
            "content_personalization",
            "content_personalization"
        ]
    );
    assert_eq!(lift, Value::Null, "nothing is measured yet");
    let (small, _) = changes(json!({"deviceLimitations": ["small_screen"]}));
    assert_eq!(
        small,
        ["content_personalization", "content_personalization"]
    );
    let (_, told) = decided(&world).pop().unwrap();
    assert_eq!(told.forbidden, [Trait::LargeScreen]);
    let refused = optimize(&world, "s", &json!({"deviceLimitations": ["round"]}));
    assert_eq!(refused.status, 400);
    assert!(refused.json.to_string().contains("deviceLimitations[0]"));
}

#[test]
fn fifty_optimizations_a_minute_are_the_most() {
    let world = world(kit());
    start(&world, "s");
    for _ in 0..50 {
        assert_eq!(optimize(&world, "s", &json!({})).status, 200);
    }
    let refused = optimize(&world, "s", &json!({}));
    assert_eq!(refused.status, 429);
    assert!(refused.header("retry-after").is_some());
    start(&world, "other");
    assert_eq!(optimize(&world, "other", &json!({})).status, 200);
}

#[test]
fn a_pushed_kit_is_used_at_once_and_an_origin_that_is_away_is_not_missed() {
    let world = world(kit());
    start(&world, "s");
    world.origin.down.set(true);
    let newer = Kit {
        version: 8,
        slots: vec![filling(
            Slot::HeroMessage,
            None,
            vec![variant("new", "New hero")],
        )],
        ..kit()
    };
    let push = Push {
        changes: vec![Change::Kit {
            shop: shop(),
            version: 8,
            entry: Some(Box::new(newer)),
        }],
    };
    let taken = world.signed(path::PUSH, &serde_json::to_value(push).unwrap());
    assert_eq!(taken.status, 200);
    let hero = |world: &World| start(world, "s").json["personalizedContent"]["heroMessage"].take();
    assert_eq!(hero(&world), "New hero");
    world.later(24 * 60 * 60_000);
    world.origin.down.set(true);
    assert_eq!(hero(&world), "New hero", "an old kit serves as well");
}
