use proptest::prelude::*;

use super::*;
use crate::experiment::choice::{Belief, LEAST};
use crate::journey::event::Persona;

fn variant(id: &str, conditions: Conditions) -> Variant {
    Variant {
        id: id.to_owned(),
        content: format!("content of {id}"),
        conditions,
        traits: Vec::new(),
        belief: Belief::of(&[1.0, 2.0, 1.0]),
        lift: None,
    }
}

fn kit(variants: Vec<Variant>) -> Kit {
    Kit {
        slots: vec![Filling {
            slot: Slot::HeroMessage,
            neutral: Some("Welcome".to_owned()),
            variants,
        }],
        ..Kit::built_in()
    }
}

fn choose(kit: &Kit, session: &str, on: &Session, forbidden: &[Trait]) -> Decision {
    let choosing = Choosing {
        kit,
        whom: Whom {
            shop: "shp_1",
            session,
        },
        seen: Seen::of(on),
        forbidden,
        policy: &built_in,
    };
    choosing.slots(&[Slot::HeroMessage]).remove(0)
}

#[test]
fn each_condition_leaves_others_out() {
    let shopper = Session {
        persona: Some(Persona {
            kind: "TechEarlyAdopter".to_owned(),
            confidence_milli: 850,
        }),
        source: Some("tiktok".to_owned()),
        device: DeviceType::Mobile,
        stage: Stage::Consideration,
        locale: Some("de-AT".to_owned()),
        exit_intent: true,
        ..Session::default()
    };
    let texts = |text: &str| vec![text.to_owned()];
    let of = |conditions: Conditions| unfit(&variant("v", conditions), &Seen::of(&shopper), &[]);
    let none = Conditions::default;
    for (fits, not, why) in [
        (
            Conditions {
                persona: texts("techearlyadopter"),
                ..none()
            },
            Conditions {
                persona: texts("RemoteDad"),
                ..none()
            },
            Unfit::Persona,
        ),
        (
            Conditions {
                source: texts("social"),
                ..none()
            },
            Conditions {
                source: texts("google"),
                ..none()
            },
            Unfit::Source,
        ),
        (
            Conditions {
                device: vec![DeviceType::Mobile],
                ..none()
            },
            Conditions {
                device: vec![DeviceType::Desktop],
                ..none()
            },
            Unfit::Device,
        ),
        (
            Conditions {
                stage: vec![Stage::Consideration],
                ..none()
            },
            Conditions {
                stage: vec![Stage::Decision],
                ..none()
            },
            Unfit::Stage,
        ),
        (
            Conditions {
                locale: texts("de"),
                ..none()
            },
            Conditions {
                locale: texts("en"),
                ..none()
            },
            Unfit::Locale,
        ),
        (
            Conditions {
                exit_intent: Some(true),
                ..none()
            },
            Conditions {
                exit_intent: Some(false),
                ..none()
            },
            Unfit::ExitIntent,
        ),
    ] {
        assert_eq!(of(fits), None);
        assert_eq!(of(not), Some(why));
    }
    let urgent = Variant {
        traits: vec![Trait::Urgent],
        ..variant("v", none())
    };
    assert_eq!(unfit(&urgent, &Seen::of(&shopper), &[Trait::Heavy]), None);
    assert_eq!(
        unfit(&urgent, &Seen::of(&shopper), &[Trait::Heavy, Trait::Urgent]),
        Some(Unfit::Forbidden(Trait::Urgent))
    );
}

#[test]
fn a_tenth_sees_the_neutral_content_and_the_others_a_variant() {
    let kit = kit(vec![
        variant("a", Conditions::default()),
        variant("b", Conditions::default()),
    ]);
    let on = Session::default();
    let all: Vec<Decision> = (0..1000)
        .map(|at| choose(&kit, &format!("s{at}"), &on, &[]))
        .collect();
    let count = |id: Option<&str>| {
        let is = |one: &&Decision| one.chosen.as_deref() == id;
        all.iter().filter(is).count()
    };
    let alone = count(None);
    assert!((70..130).contains(&alone), "{alone}");
    assert!((380..520).contains(&count(Some("a"))));
    let held_out = all.iter().find(|one| one.held_out).unwrap();
    assert_eq!(held_out.content(&kit.slots[0]), Some("Welcome"));
    assert_eq!(
        held_out.candidates.len(),
        2,
        "what it could have had is known"
    );
}

#[test]
fn who_fits_no_variant_sees_the_neutral_content() {
    let kit = kit(vec![variant(
        "a",
        Conditions {
            exit_intent: Some(true),
            ..Conditions::default()
        },
    )]);
    let decision = choose(&kit, "s", &Session::default(), &[]);
    assert_eq!(decision.chosen, None);
    assert!(decision.candidates.is_empty());
}

#[test]
fn a_shops_own_policy_chooses_but_never_never() {
    let kit = kit(vec![
        variant("a", Conditions::default()),
        variant("b", Conditions::default()),
    ]);
    let on = Session::default();
    let own = |asked: Question<'_>| {
        Some(Ranked {
            weights: asked
                .candidates
                .iter()
                .map(|one| u32::from(one.id == "b"))
                .collect(),
            reasons: vec!["because".to_owned(); asked.candidates.len()],
            version: "own".to_owned(),
        })
    };
    let choosing = Choosing {
        kit: &kit,
        whom: Whom {
            shop: "shp_1",
            session: "s7",
        },
        seen: Seen::of(&on),
        forbidden: &[],
        policy: &own,
    };
    let decision = choosing.slot(&kit.slots[0]);
    let probabilities: Vec<u32> = decision
        .candidates
        .iter()
        .map(|one| one.probability)
        .collect();
    assert_eq!(probabilities, [LEAST, ONE - LEAST]);
    assert_eq!(decision.weights, [0, 1]);
    let silent = |_: Question<'_>| {
        Some(Ranked {
            version: String::new(),
            weights: vec![1],
            reasons: Vec::new(),
        })
    };
    let fallen_back = Choosing {
        policy: &silent,
        ..choosing
    }
    .slot(&kit.slots[0]);
    assert!(
        fallen_back.weights.is_empty(),
        "an answer that fits nobody is none"
    );
}

proptest! {
    #[test]
    fn a_decision_can_be_made_again(session in "[a-z0-9]{1,20}", weights in prop::collection::vec(prop::collection::vec(0.0..1.0_f64, 8), 1..6)) {
        let variants = weights.iter().enumerate().map(|(at, weights)| Variant {
            belief: Belief::of(weights),
            ..variant(&format!("v{at}"), Conditions::default())
        });
        let kit = kit(variants.collect());
        let published = serde_json::to_string(&kit).unwrap();
        let again: Kit = serde_json::from_str(&published).unwrap();
        let on = Session::default();
        let bytes = |kit: &Kit| serde_json::to_string(&choose(kit, &session, &on, &[])).unwrap();
        prop_assert_eq!(bytes(&kit), bytes(&again));
    }
}
