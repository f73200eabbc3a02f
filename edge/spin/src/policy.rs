//! The shop's own policy, which the runtime provides.

#![allow(missing_docs, unreachable_pub, reason = "generated code")]

use footfall_edge::platform::Asked;
use footfall_shared::journey::content::Variant;
use footfall_shared::journey::content::decide::Ranked;
use footfall_shared::journey::content::kit::Measured;

use footfall::policy::ranker::{self, Candidate, Context, Lift, Shopper};

spin_sdk::wit_bindgen::generate!({
    path: "../../wit/policy",
    world: "policy-taker",
    runtime_path: "spin_sdk::wit_bindgen::rt",
});

/// Asks the policy.
pub(crate) fn rank(asked: &Asked<'_>) -> Option<Ranked> {
    let question = asked.question;
    let pairs = question.candidates.iter().zip(question.probabilities);
    let candidates: Vec<Candidate> = pairs
        .map(|(variant, chance)| candidate(variant, *chance))
        .collect();
    let context = Context {
        shop: asked.shop.as_str().to_owned(),
        slot: question.slot.as_str().to_owned(),
        kit: asked.kit.version,
    };
    let ranking = ranker::rank(&shopper(asked), &candidates, &context)?;
    let (weights, reasons) = ranking
        .ranked
        .into_iter()
        .map(|one| (one.weight, one.reason))
        .unzip();
    Some(Ranked {
        version: ranking.version,
        weights,
        reasons,
    })
}

fn candidate(variant: &Variant, probability: u32) -> Candidate {
    Candidate {
        id: variant.id.clone(),
        content: variant.content.clone(),
        traits: variant
            .traits
            .iter()
            .map(|one| one.as_str().to_owned())
            .collect(),
        probability,
        lift: variant.lift.map(
            |Measured {
                 difference,
                 low,
                 high,
             }| Lift {
                difference,
                low,
                high,
            },
        ),
    }
}

fn shopper(asked: &Asked<'_>) -> Shopper {
    let session = asked.session;
    let persona = session.persona.as_ref();
    let probability = asked.kit.model.probability(&session.observed(asked.now));
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "a probability is 0 to 1"
    )]
    let conversion_millionths = (probability * 1e6) as u32;
    Shopper {
        stage: session.stage.as_str().to_owned(),
        device: session.device.as_str().to_owned(),
        source: session.source.clone(),
        persona: persona.map(|persona| persona.kind.clone()),
        locale: session.locale.clone(),
        returning: session.returning,
        exit_intent: session.exit_intent,
        touchpoints: session.touchpoints,
        engagement_milli: session.engagement_milli.into(),
        intent_milli: session.intent_strength_milli().into(),
        conversion_millionths,
    }
}
