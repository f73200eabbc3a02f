//! The policy as the edge component asks for it.

use wasmtime::component::types::ComponentItem;
use wasmtime::component::{Component, HasSelf, Linker};

use super::{Candidate, Context, Lift, Shopper};
use crate::guest::Guest;
use bindings::footfall::policy::ranker;

#[allow(missing_docs, unreachable_pub, reason = "generated code")]
mod bindings {
    wasmtime::component::bindgen!({
        path: "../../wit/policy",
        world: "footfall:policy/policy-taker",
    });
}

/// What an edge component imports that takes a policy.
const RANKER: &str = "footfall:policy/ranker@0.1.0";

/// Whether an edge component takes a policy.
pub(crate) fn is_taken_by(component: &Component) -> bool {
    let imports = component.component_type();
    let mut imports = imports.imports(component.engine());
    imports.any(|(name, item)| {
        name == RANKER && matches!(item.ty, ComponentItem::ComponentInstance(_))
    })
}

/// Offers the policy to the edge component.
pub(crate) fn add_to_linker(linker: &mut Linker<Guest>) -> wasmtime::Result<()> {
    ranker::add_to_linker::<_, HasSelf<Guest>>(linker, |guest| guest)
}

impl ranker::Host for Guest {
    fn rank(
        &mut self,
        shopper: ranker::Shopper,
        candidates: Vec<ranker::Candidate>,
        context: ranker::Context,
    ) -> Option<ranker::Ranking> {
        let policy = self.stores.policy.as_ref()?;
        let candidates: Vec<Candidate> = candidates.into_iter().map(candidate).collect();
        let context = Context {
            shop: context.shop,
            slot: context.slot,
            kit: context.kit,
        };
        let ranking = policy.rank(&seen(shopper), &candidates, &context)?;
        let ranked = ranking.ranked.into_iter().map(|one| ranker::Ranked {
            weight: one.weight,
            reason: one.reason,
        });
        Some(ranker::Ranking {
            version: ranking.version,
            ranked: ranked.collect(),
        })
    }
}

fn seen(shopper: ranker::Shopper) -> Shopper {
    Shopper {
        stage: shopper.stage,
        device: shopper.device,
        source: shopper.source,
        persona: shopper.persona,
        locale: shopper.locale,
        returning: shopper.returning,
        exit_intent: shopper.exit_intent,
        touchpoints: shopper.touchpoints,
        engagement_milli: shopper.engagement_milli,
        intent_milli: shopper.intent_milli,
        conversion_millionths: shopper.conversion_millionths,
    }
}

fn candidate(candidate: ranker::Candidate) -> Candidate {
    Candidate {
        id: candidate.id,
        content: candidate.content,
        traits: candidate.traits,
        probability: candidate.probability,
        lift: candidate.lift.map(|lift| Lift {
            difference: lift.difference,
            low: lift.low,
            high: lift.high,
        }),
    }
}
