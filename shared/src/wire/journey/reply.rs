//! What the journey engine answers.

use serde::Serialize;

use crate::journey::content::advice::{self, Priority};
use crate::journey::content::kit::Measured;
use crate::journey::content::{Decision, Kit, Slot};
use crate::journey::model::{Basis, Model};
use crate::journey::next::{self, Impact};
use crate::journey::session::Session;
use crate::journey::stage::Stage;
use crate::journey::unify::{self, insights};
use crate::time::UtcMillis;

/// A share in thousandths, as the contract writes it.
fn share(milli: impl Into<f64>) -> f64 {
    milli.into() / 1000.0
}

/// Four digits: more than a model knows.
fn rounded(number: f64) -> f64 {
    // Adding 0 makes −0 a 0.
    (number * 10_000.0).round() / 10_000.0 + 0.0
}

/// A touchpoint of the past.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct TouchpointReply {
    /// Its type.
    pub touchpoint_type: String,
    /// When.
    pub timestamp: String,
    /// Seconds: as it was told, else until the next one; `null` while neither is known.
    pub duration: Option<f64>,
    /// 0 to 1.
    pub engagement_score: f64,
}

/// How far a session has come.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct ProgressMetrics {
    /// 0 to 1.
    pub engagement_score: f64,
    /// 0 to 1.
    pub intent_strength: f64,
    /// 0 to 1.
    pub decision_readiness: f64,
}

/// What a session is at this moment.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct JourneyState {
    /// Where the shopper stands.
    pub current_stage: Stage,
    /// When the visit began.
    pub start_time: String,
    /// Touchpoints of this visit.
    pub total_touchpoints: u32,
    /// 0 to 1: that this visit ends in a purchase.
    pub conversion_probability: f64,
    /// What that probability rests on.
    pub basis: Basis,
    /// How far it has come.
    pub progress_metrics: ProgressMetrics,
    /// How the shopper got there, the oldest first.
    pub stage_history: Vec<StageReply>,
    /// The id of this visit; the session's own for the first.
    pub visit_id: String,
    /// The id of the visit before it.
    pub continues: Option<String>,
    /// The session and all that are the same person's.
    pub aliases: Vec<String>,
}

/// A step of a journey.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct StageReply {
    /// Where to.
    pub stage: Stage,
    /// When.
    pub timestamp: String,
    /// What set it off.
    pub trigger: Option<String>,
}

impl JourneyState {
    /// The state of a session at `now`, as `name` was asked for; `aliases` are all that are the same person's.
    fn of(
        name: &str,
        session: &Session,
        aliases: Vec<String>,
        model: &Model,
        now: UtcMillis,
    ) -> Self {
        let probability = model.probability(&session.observed(now));
        let stage_history = session.stages.iter().map(|step| StageReply {
            stage: step.stage,
            timestamp: step.at.to_rfc3339(),
            trigger: step.trigger.clone(),
        });
        Self {
            current_stage: session.stage,
            start_time: session.started_at.to_rfc3339(),
            total_touchpoints: session.touchpoints,
            conversion_probability: rounded(probability),
            basis: model.basis,
            progress_metrics: ProgressMetrics {
                engagement_score: share(session.engagement_milli),
                intent_strength: share(session.intent_strength_milli()),
                decision_readiness: rounded(model.readiness(probability)),
            },
            stage_history: stage_history.collect(),
            visit_id: Session::visit_id(name, session.visit),
            continues: session
                .previous
                .as_ref()
                .map(|before| Session::visit_id(name, before.visit)),
            aliases,
        }
    }
}

/// A session.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct StateReply {
    /// The session, as it was asked for.
    pub session_id: String,
    /// What it is.
    pub journey_state: JourneyState,
    /// Its latest touchpoints, the oldest first.
    pub touchpoint_history: Vec<TouchpointReply>,
}

impl StateReply {
    /// The reply on a session at `now`.
    #[must_use]
    pub fn of(
        name: &str,
        session: &Session,
        aliases: Vec<String>,
        model: &Model,
        now: UtcMillis,
    ) -> Self {
        let met = session.history.iter().map(|met| TouchpointReply {
            touchpoint_type: met.kind.clone(),
            timestamp: met.at.to_rfc3339(),
            duration: met.duration_ms.map(share),
            engagement_score: share(met.engagement_milli),
        });
        Self {
            session_id: name.to_owned(),
            journey_state: JourneyState::of(name, session, aliases, model, now),
            touchpoint_history: met.collect(),
        }
    }
}

/// Where a session stands after its start.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct StartedState {
    /// Where the shopper stands.
    pub current_stage: Stage,
    /// The path that fits device, source and intent, as `mobile_tiktok_fast_track`.
    pub personalized_path: String,
    /// What to show next.
    pub next_optimal_touchpoint: &'static str,
    /// 0 to 1: that this visit ends in a purchase.
    pub conversion_probability: f64,
    /// What that probability rests on.
    pub basis: Basis,
    /// As `180_seconds`; `null` where no buyer was seen in the stage.
    pub estimated_time_to_decision: Option<String>,
}

impl StartedState {
    /// The state of a session at `now`.
    #[must_use]
    pub fn of(session: &Session, model: &Model, now: UtcMillis) -> Self {
        let seconds = model.seconds_to_decision(session.stage);
        Self {
            current_stage: session.stage,
            personalized_path: next::path(session),
            next_optimal_touchpoint: next::touchpoint(session),
            conversion_probability: rounded(model.probability(&session.observed(now))),
            basis: model.basis,
            estimated_time_to_decision: seconds.map(|seconds| format!("{seconds:.0}_seconds")),
        }
    }
}

/// A session that runs.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct StartReply {
    /// Always `true`.
    pub success: bool,
    /// The session.
    pub session_id: String,
    /// Where it stands.
    pub journey_state: StartedState,
    /// What to show this shopper, from the shop's catalogue of content.
    pub personalized_content: PersonalizedContent,
    /// By which the choice is explained, `GET /api/decisions/{id}`; `null` where there was none.
    pub decision_id: Option<String>,
}

/// What to show a shopper. A slot for which the shop has nothing that fits is `null` or empty.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize)]
#[serde(rename_all = "camelCase")]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct PersonalizedContent {
    /// The headline.
    pub hero_message: Option<String>,
    /// The button.
    pub call_to_action: Option<String>,
    /// What makes trust.
    pub trust_signals: Vec<String>,
    /// How few are left, by the real stock.
    pub scarcity_trigger: Option<String>,
}

impl PersonalizedContent {
    /// What was decided for [`Slot::AT_START`].
    #[must_use]
    pub fn of(decisions: &[Decision], kit: &Kit) -> Self {
        let shown = |slot| shown(slot, decisions, kit).map(str::to_owned);
        let signals = shown(Slot::TrustSignal).unwrap_or_default();
        Self {
            hero_message: shown(Slot::HeroMessage),
            call_to_action: shown(Slot::CallToAction),
            trust_signals: signals.lines().map(str::to_owned).collect(),
            scarcity_trigger: shown(Slot::Scarcity),
        }
    }
}

/// What a slot shows.
fn shown<'k>(slot: Slot, decisions: &[Decision], kit: &'k Kit) -> Option<&'k str> {
    let decision = decisions.iter().find(|decision| decision.slot == slot)?;
    decision.content(kit.filling(slot)?)
}

/// Where a session stands after a change of stage.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct UpdatedState {
    /// Where the shopper stands.
    pub current_stage: Stage,
    /// 0 to 1: that this visit ends in a purchase.
    pub conversion_probability: f64,
    /// What that probability rests on.
    pub basis: Basis,
    /// What to show next.
    pub next_optimal_touchpoint: &'static str,
    /// What else fits, from the shop's catalogue of content.
    pub personalized_recommendations: Vec<Recommendation>,
}

/// Something that fits a shopper.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Recommendation {
    /// As `social_proof`.
    #[serde(rename = "type")]
    pub kind: String,
    /// What to show.
    pub content: String,
    /// `high`, `medium` or `low`.
    pub priority: &'static str,
}

impl Recommendation {
    /// What was decided for [`Slot::AT_STAGE`]; a slot without content is left out.
    #[must_use]
    pub fn of(decisions: &[Decision], kit: &Kit) -> Vec<Self> {
        let told = decisions.iter().filter_map(|decision| {
            let filling = kit.filling(decision.slot)?;
            let chosen = decision.chosen.as_ref().and_then(|id| filling.variant(id));
            Some(Self {
                kind: decision.slot.as_str().to_owned(),
                content: decision.content(filling)?.to_owned(),
                priority: Priority::of(chosen.and_then(|variant| variant.lift)).as_str(),
            })
        });
        told.collect()
    }
}

/// A session that was moved.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct StageMoved {
    /// Always `true`.
    pub success: bool,
    /// Where it stands now.
    pub updated_journey_state: UpdatedState,
    /// By which the recommendations are explained, `GET /api/decisions/{id}`; `null` where there are none.
    pub decision_id: Option<String>,
}

impl StageMoved {
    /// The reply on a session at `now`, with what was decided for [`Slot::AT_STAGE`].
    #[must_use]
    pub fn of(session: &Session, kit: &Kit, decisions: &[Decision], now: UtcMillis) -> Self {
        let model = &kit.model;
        Self {
            success: true,
            decision_id: None,
            updated_journey_state: UpdatedState {
                current_stage: session.stage,
                conversion_probability: rounded(model.probability(&session.observed(now))),
                basis: model.basis,
                next_optimal_touchpoint: next::touchpoint(session),
                personalized_recommendations: Recommendation::of(decisions, kit),
            },
        }
    }
}

/// A touchpoint that was taken.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct TouchpointTaken {
    /// Always `true`.
    pub success: bool,
    /// Its id.
    pub touchpoint_id: String,
    /// What it changed.
    pub journey_impact: JourneyImpact,
    /// What was adapted to it.
    pub real_time_adaptation: RealTimeAdaptation,
}

/// What was adapted to a touchpoint.
#[derive(Debug, Clone, PartialEq, Default, Serialize)]
#[serde(rename_all = "camelCase")]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct RealTimeAdaptation {
    /// Whether anything was.
    pub adaptation_applied: bool,
    /// As `content_personalization`.
    pub adaptation_type: Option<String>,
    /// The measured lift; `null` while there is too little data.
    pub expected_impact: Option<f64>,
    /// Its 95 % interval.
    pub interval: Option<[f64; 2]>,
    /// What the impact rests on.
    pub basis: Evidence,
    /// The slot that changes.
    pub slot: Option<&'static str>,
    /// What it shows now.
    pub content: Option<String>,
    /// By which it is explained, `GET /api/decisions/{id}`.
    pub decision_id: Option<String>,
}

impl RealTimeAdaptation {
    /// What was adapted.
    #[must_use]
    pub fn of(decision: &Decision, kit: &Kit) -> Self {
        let filling = kit.filling(decision.slot);
        let chosen = decision.chosen.as_deref();
        let variant = filling.and_then(|filling| filling.variant(chosen?));
        let lift = variant.and_then(|variant| variant.lift);
        Self {
            adaptation_applied: true,
            adaptation_type: Some(decision.slot.adaptation().to_owned()),
            expected_impact: difference(lift),
            interval: interval(lift),
            basis: Evidence::of(lift),
            slot: Some(decision.slot.as_str()),
            content: variant.map(|variant| variant.content.clone()),
            decision_id: None,
        }
    }
}

/// What an expected effect rests on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize)]
#[serde(rename_all = "snake_case")]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub enum Evidence {
    /// A difference between sessions that had it and sessions that were left alone.
    Measured,
    /// Nothing yet: there are too few sessions.
    #[default]
    Prior,
}

impl Evidence {
    const fn of(lift: Option<Measured>) -> Self {
        match lift {
            Some(_) => Self::Measured,
            None => Self::Prior,
        }
    }
}

fn difference(lift: Option<Measured>) -> Option<f64> {
    lift.map(|lift| f64::from(lift.difference) / 1e6)
}

fn interval(lift: Option<Measured>) -> Option<[f64; 2]> {
    lift.map(|lift| [f64::from(lift.low) / 1e6, f64::from(lift.high) / 1e6])
}

/// What to do with a session.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct RecommendationsReply {
    /// The session.
    pub session_id: String,
    /// What to do, the nearest first.
    pub recommendations: Vec<AdviceReply>,
    /// How to go about it.
    pub adaptation_strategy: AdaptationStrategy,
    /// By which the choices are explained, `GET /api/decisions/{id}`; `null` where there were none.
    pub decision_id: Option<String>,
}

/// One thing to do.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct AdviceReply {
    /// `next_touchpoint`, `content_adaptation` or `timing_optimization`.
    #[serde(rename = "type")]
    pub kind: &'static str,
    /// What.
    pub recommendation: String,
    /// Why.
    pub reasoning: String,
    /// The measured difference of the conversion rate; `null` while there is too little data.
    pub expected_impact: Option<f64>,
    /// Its 95 % interval.
    pub interval: Option<[f64; 2]>,
    /// What the impact rests on.
    pub basis: Evidence,
    /// `high`, `medium` or `low`.
    pub priority: &'static str,
}

/// How to go about a session.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct AdaptationStrategy {
    /// As `accelerated_decision_path`.
    pub primary_strategy: &'static str,
    /// As `social_proof_amplification`.
    pub secondary_strategy: &'static str,
    /// By how much personalized sessions of this shop convert better than those that are left alone; `null` while
    /// there is too little data.
    pub expected_conversion_lift: Option<f64>,
    /// Its 95 % interval.
    pub interval: Option<[f64; 2]>,
    /// What the lift rests on.
    pub basis: Evidence,
}

impl RecommendationsReply {
    /// The reply on a session, with what was decided for [`advice::slots`].
    #[must_use]
    pub fn of(name: &str, session: &Session, kit: &Kit, decisions: &[Decision]) -> Self {
        let told = advice::advise(session, kit, decisions).into_iter();
        let (primary_strategy, secondary_strategy) = advice::strategies(session);
        Self {
            session_id: name.to_owned(),
            recommendations: told
                .map(|one| AdviceReply {
                    kind: one.kind,
                    recommendation: one.what,
                    reasoning: one.why,
                    expected_impact: difference(one.lift),
                    interval: interval(one.lift),
                    basis: Evidence::of(one.lift),
                    priority: one.priority.as_str(),
                })
                .collect(),
            adaptation_strategy: AdaptationStrategy {
                primary_strategy,
                secondary_strategy,
                expected_conversion_lift: difference(kit.lift),
                interval: interval(kit.lift),
                basis: Evidence::of(kit.lift),
            },
            decision_id: None,
        }
    }
}

/// An optimization that was applied.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct OptimizeReply {
    /// Always `true`.
    pub success: bool,
    /// What was applied.
    pub optimization_applied: OptimizationApplied,
    /// By which the choices are explained, `GET /api/decisions/{id}`; `null` where there were none.
    pub decision_id: Option<String>,
}

/// What an optimization changes.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct OptimizationApplied {
    /// The changes, the most worth first.
    pub adaptations: Vec<AdaptationReply>,
    /// The sum of the measured differences; `null` unless each is measured.
    pub total_expected_lift: Option<f64>,
    /// Its 95 % interval, as of independent differences.
    pub interval: Option<[f64; 2]>,
    /// What the lift rests on.
    pub basis: Evidence,
    /// `immediate`.
    pub implementation_time: &'static str,
}

/// One change.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct AdaptationReply {
    /// As `layout_optimization`.
    #[serde(rename = "type")]
    pub kind: &'static str,
    /// The variant, as the shop calls it.
    pub change: String,
    /// The measured difference of the conversion rate; `null` while there is too little data.
    pub expected_impact: Option<f64>,
    /// Its 95 % interval.
    pub interval: Option<[f64; 2]>,
    /// What the impact rests on.
    pub basis: Evidence,
    /// The slot that changes.
    pub slot: &'static str,
    /// What it shows.
    pub content: String,
    /// Why it was chosen.
    pub reasoning: String,
}

impl OptimizeReply {
    /// The reply on what was decided to be applied.
    #[must_use]
    pub fn of(kit: &Kit, decisions: &[Decision]) -> Self {
        let chosen = decisions.iter().filter_map(|decision| {
            let filling = kit.filling(decision.slot)?;
            let variant = filling.variant(decision.chosen.as_deref()?)?;
            let reply = AdaptationReply {
                kind: decision.slot.adaptation(),
                change: variant.id.clone(),
                expected_impact: difference(variant.lift),
                interval: interval(variant.lift),
                basis: Evidence::of(variant.lift),
                slot: decision.slot.as_str(),
                content: variant.content.clone(),
                reasoning: advice::why_chosen(decision, filling),
            };
            Some((reply, variant.lift))
        });
        let (adaptations, lifts): (Vec<_>, Vec<_>) = chosen.unzip();
        let total = advice::total(&lifts);
        Self {
            success: true,
            optimization_applied: OptimizationApplied {
                adaptations,
                total_expected_lift: difference(total),
                interval: interval(total),
                basis: Evidence::of(total),
                implementation_time: "immediate",
            },
            decision_id: None,
        }
    }
}

/// What a touchpoint changed.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct JourneyImpact {
    /// By how much the engagement score moved, −1 to 1.
    pub engagement_delta: f64,
    /// By how much the probability moved, −1 to 1.
    pub conversion_probability_change: f64,
    /// What that probability rests on.
    pub basis: Basis,
    /// What to do next.
    pub next_recommended_action: String,
}

impl JourneyImpact {
    /// What a step changed, and what to do with the session as it is now.
    #[must_use]
    pub fn of(impact: Impact, session: &Session, basis: Basis) -> Self {
        Self {
            engagement_delta: share(impact.engagement_delta_milli),
            conversion_probability_change: rounded(impact.after - impact.before),
            basis,
            next_recommended_action: format!("show_{}", next::touchpoint(session)),
        }
    }
}

/// What follows from a conversion.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct ConversionReply {
    /// Always `true`.
    pub success: bool,
    /// Its id.
    pub conversion_id: String,
    /// Whether the purchase was reached.
    pub journey_complete: bool,
    /// The next goal of the shop's ladder; `null` after the last.
    pub next_journey_goal: Option<String>,
    /// How to go on with this shopper.
    pub personalized_nurturing: Nurturing,
}

/// How to go on with a shopper.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Nurturing {
    /// Mails that fit the persona; `null` where no address was left.
    pub email_sequence: Option<String>,
    /// The audience by intent and device.
    pub retargeting_audience: String,
    /// What may be offered beside; `null` where the intent does not carry it.
    pub upsell_opportunity: Option<&'static str>,
}

/// What two linked sessions are together.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct LinkReply {
    /// Always `true`.
    pub success: bool,
    /// The name of both together; either session's own id means the same.
    pub linked_session_id: String,
    /// What they are together.
    pub journey_state: LinkedState,
}

/// What linked sessions are together.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct LinkedState {
    /// Touchpoints of all.
    pub combined_touchpoints: u32,
    /// What the devices tell.
    pub cross_device_insights: CrossDeviceInsights,
    /// 0 to 1.
    pub unified_conversion_probability: f64,
    /// What that probability rests on.
    pub basis: Basis,
}

/// What the devices of one person tell.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct CrossDeviceInsights {
    /// Whether a product was looked at closely on a computer.
    pub research_on_desktop: bool,
    /// Whether the will to buy showed on a phone.
    pub purchase_intent_on_mobile: bool,
    /// `mobile`, `desktop` or `tablet`; `null` where no session tells its device.
    pub optimal_conversion_device: Option<&'static str>,
}

impl LinkReply {
    /// The reply on linked sessions at `now`.
    #[must_use]
    pub fn of(unified: String, sessions: &[Session], model: &Model, now: UtcMillis) -> Self {
        let whole = unify::unify(sessions);
        let insights = insights(sessions);
        Self {
            success: true,
            linked_session_id: unified,
            journey_state: LinkedState {
                combined_touchpoints: whole.touchpoints,
                cross_device_insights: CrossDeviceInsights {
                    research_on_desktop: insights.research_on_desktop,
                    purchase_intent_on_mobile: insights.intent_on_mobile,
                    optimal_conversion_device: insights.best.map(|device| device.as_str()),
                },
                unified_conversion_probability: rounded(model.probability(&whole.observed(now))),
                basis: model.basis,
            },
        }
    }
}
