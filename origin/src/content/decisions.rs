//! Decisions, explained and made again.
//!
//! A decision is an event of the log. It names the kit and the last happening that the session knew; the log has the
//! happenings, so the session is folded up to that one and the same rule runs again.

use footfall_shared::event::Event;
use footfall_shared::id::ShopId;
use footfall_shared::journey::content::advice::why_chosen;
use footfall_shared::journey::content::decide::{
    Choosing, Decided, Decision, Purpose, Question, Ranked, THOMPSON, Unfit, Whom, unfit,
};
use footfall_shared::journey::content::kit::{Filling, Trait};
use footfall_shared::journey::content::{Kit, Seen, Slot, Variant};
use footfall_shared::journey::session::Session;
use footfall_shared::text::hex;
use serde::Serialize;
use sha2::{Digest, Sha256};
use utoipa::ToSchema;

use super::exposures::decided_of;
use super::queries::kits::find_kit;
use crate::db::{Handle, StorageError};
use crate::{ingest, journey};

/// What was decided, why, and whether it would be decided again.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct Explained {
    /// The id.
    id: String,
    /// The session.
    session_id: String,
    /// Its visit, from 1.
    visit: u32,
    /// When, RFC 3339.
    at: String,
    /// What for.
    purpose: Purpose,
    /// The kit's version; 0 is the built-in one.
    kit_version: i64,
    /// The conversion model's version.
    model_version: String,
    /// What constraints left out.
    forbidden: Vec<Trait>,
    /// What the decision knew of the session; `null` where the log does not have it any more.
    input: Option<Input>,
    /// What was decided, by slot.
    decisions: Vec<ExplainedDecision>,
    /// The decision, made again.
    replay: Replay,
}

/// What a decision knew of the session.
#[derive(Debug, Serialize, ToSchema)]
struct Input {
    /// The number of its last happening.
    on: u32,
    /// Where the shopper stood.
    stage: &'static str,
    /// The kind of device.
    device: &'static str,
    /// Where they came from.
    source: Option<String>,
    /// Who the shop took them for.
    persona: Option<String>,
    /// Their language.
    locale: Option<String>,
    /// Whether they were about to leave.
    exit_intent: bool,
    /// The probability of a purchase then.
    conversion_probability: f64,
}

/// What was decided for a slot.
#[derive(Debug, Serialize, ToSchema)]
struct ExplainedDecision {
    /// The slot.
    slot: Slot,
    /// The variant; `null` is the neutral content.
    chosen: Option<String>,
    /// What was shown.
    content: Option<String>,
    /// `thompson`, or the version of the shop's own policy.
    policy: String,
    /// Why, in words.
    reasoning: String,
    /// The seed's names, from which everybody draws the same number.
    seed: [String; 4],
    /// The number that was drawn, below 1,000,000: it fell on the chosen one's range.
    drawn: u32,
    /// Those among which was chosen.
    candidates: Vec<ExplainedCandidate>,
    /// Those that were not for this shopper.
    left_out: Vec<LeftOut>,
}

/// A candidate.
#[derive(Debug, Serialize, ToSchema)]
struct ExplainedCandidate {
    /// The variant.
    variant: String,
    /// What it would have shown.
    content: Option<String>,
    /// 0 to 1.
    probability: f64,
    /// The numbers that fall on it, of 1,000,000.
    range: [u32; 2],
    /// The measured difference of the conversion rate at that time.
    expected_impact: Option<f64>,
    /// Its 95 % interval.
    interval: Option<[f64; 2]>,
}

/// A variant that was no candidate.
#[derive(Debug, Serialize, ToSchema)]
struct LeftOut {
    /// The variant.
    variant: String,
    /// Why.
    reason: String,
}

/// A decision, made again.
#[derive(Debug, Serialize, ToSchema)]
struct Replay {
    /// Whether the bytes are the same; `null` where it could not be made again.
    same: Option<bool>,
    /// SHA-256 of what was logged.
    logged: String,
    /// SHA-256 of what comes out now.
    replayed: Option<String>,
    /// What is missing, where it could not be made again.
    missing: Option<&'static str>,
}

/// Explains a decision; `None` where the shop has none of this id.
pub(super) async fn explain(
    db: &mut impl Handle,
    shop: &ShopId,
    id: &str,
) -> Result<Option<Explained>, StorageError> {
    let Some(event) = ingest::find_event(db, shop, id).await? else {
        return Ok(None);
    };
    let (Some(decided), Some(session)) = (decided_of(&event), event.session_id.clone()) else {
        return Ok(None);
    };
    let kit = match decided.kit {
        0 => Some(Kit::built_in()),
        version => find_kit(db, shop, version).await?,
    };
    let on = journey::fold_until(db, shop, &session, decided.on).await?;
    Ok(Some(tell(shop, event, session, decided, kit, on)))
}

fn tell(
    shop: &ShopId,
    event: Event,
    session: String,
    decided: Decided,
    kit: Option<Kit>,
    on: Option<Session>,
) -> Explained {
    let logged = bytes_of(&decided.decisions);
    let again = match (&kit, &on) {
        (Some(kit), Some(on)) => Ok(bytes_of(&decide_again(shop, &session, &decided, kit, on))),
        (None, _) => Err("the kit"),
        (_, None) => Err("the session's happenings"),
    };
    let replay = Replay {
        same: again.as_ref().ok().map(|again| *again == logged),
        logged: digest(&logged),
        replayed: again.as_ref().ok().map(|again| digest(again)),
        missing: again.err(),
    };
    let seen = on.as_ref().map(Seen::of);
    let decisions = decided.decisions.iter().map(|decision| {
        let filling = kit.as_ref().and_then(|kit| kit.filling(decision.slot));
        let seed = [
            "content".to_owned(),
            shop.as_str().to_owned(),
            session.clone(),
            decision.slot.as_str().to_owned(),
        ];
        explain_one(decision, filling, seen.as_ref(), &decided.forbidden, seed)
    });
    Explained {
        id: event.id.as_str().to_owned(),
        visit: decided.visit,
        at: event.at.to_rfc3339(),
        purpose: decided.purpose,
        kit_version: decided.kit,
        model_version: decided.model.clone(),
        decisions: decisions.collect(),
        input: on
            .zip(kit.as_ref())
            .map(|(on, kit)| input_of(on, kit, &decided)),
        forbidden: decided.forbidden,
        session_id: session,
        replay,
    }
}

fn decide_again(
    shop: &ShopId,
    session: &str,
    decided: &Decided,
    kit: &Kit,
    on: &Session,
) -> Vec<Decision> {
    // A shop's own policy is not run again: what it said stands in the log.
    let logged = |asked: Question<'_>| {
        let decision = decided
            .decisions
            .iter()
            .find(|one| one.slot == asked.slot)?;
        let reason = decision.reason.clone().unwrap_or_default();
        Some(Ranked {
            version: decision.policy.clone()?,
            weights: decision.weights.clone(),
            reasons: vec![reason; asked.candidates.len()],
        })
    };
    let choosing = Choosing {
        kit,
        whom: Whom {
            shop: shop.as_str(),
            session,
        },
        seen: Seen::of(on),
        forbidden: &decided.forbidden,
        policy: &logged,
    };
    let slots: Vec<Slot> = decided.decisions.iter().map(|one| one.slot).collect();
    choosing.slots(&slots)
}

fn input_of(on: Session, kit: &Kit, decided: &Decided) -> Input {
    Input {
        on: decided.on,
        stage: on.stage.as_str(),
        device: on.device.as_str(),
        exit_intent: on.exit_intent,
        conversion_probability: kit.model.probability(&on.observed(on.last_at)),
        source: on.source,
        persona: on.persona.map(|persona| persona.kind),
        locale: on.locale,
    }
}

fn explain_one(
    decision: &Decision,
    filling: Option<&Filling>,
    seen: Option<&Seen<'_>>,
    forbidden: &[Trait],
    seed: [String; 4],
) -> ExplainedDecision {
    let variant = |id: &str| filling.and_then(|filling| filling.variant(id));
    let mut reached = 0;
    let candidates = decision.candidates.iter().map(|candidate| {
        let variant = variant(&candidate.variant);
        let lift = variant.and_then(|variant| variant.lift);
        let from = reached;
        reached += candidate.probability;
        let share = |millionths: i32| f64::from(millionths) / 1e6;
        ExplainedCandidate {
            variant: candidate.variant.clone(),
            content: variant.map(|variant| variant.content.clone()),
            probability: f64::from(candidate.probability) / 1e6,
            range: [from, reached],
            expected_impact: lift.map(|lift| share(lift.difference)),
            interval: lift.map(|lift| [share(lift.low), share(lift.high)]),
        }
    });
    let variants = filling.map(|filling| filling.variants.as_slice());
    let left_out = variants.unwrap_or_default().iter().filter_map(|variant| {
        let reason = words(unfit(variant, seen?, forbidden)?, variant);
        Some(LeftOut {
            variant: variant.id.clone(),
            reason,
        })
    });
    ExplainedDecision {
        slot: decision.slot,
        chosen: decision.chosen.clone(),
        content: filling
            .and_then(|filling| decision.content(filling))
            .map(str::to_owned),
        policy: decision
            .policy
            .clone()
            .unwrap_or_else(|| THOMPSON.to_owned()),
        reasoning: filling
            .map(|filling| why_chosen(decision, filling))
            .unwrap_or_default(),
        seed,
        drawn: decision.drawn,
        candidates: candidates.collect(),
        left_out: left_out.collect(),
    }
}

fn words(why: Unfit, variant: &Variant) -> String {
    let of = &variant.conditions;
    match why {
        Unfit::Persona => format!("only for {}", of.persona.join(", ")),
        Unfit::Source => format!("only for visitors from {}", of.source.join(", ")),
        Unfit::Device => {
            let devices: Vec<&str> = of.device.iter().map(|device| device.as_str()).collect();
            format!("only on {}", devices.join(", "))
        }
        Unfit::Stage => {
            let stages: Vec<&str> = of.stage.iter().map(|stage| stage.as_str()).collect();
            format!("only in the stage {}", stages.join(", "))
        }
        Unfit::Locale => format!("only in {}", of.locale.join(", ")),
        Unfit::ExitIntent if of.exit_intent == Some(true) => {
            "only for shoppers who are about to leave".to_owned()
        }
        Unfit::ExitIntent => "not for shoppers who are about to leave".to_owned(),
        Unfit::Forbidden(asked) => format!("a constraint forbids {}", asked.as_str()),
    }
}

fn bytes_of(decisions: &[Decision]) -> Vec<u8> {
    // Texts and whole numbers always serialize.
    serde_json::to_vec(decisions).unwrap_or_default()
}

fn digest(bytes: &[u8]) -> String {
    hex(&Sha256::digest(bytes))
}
