//! What the routes of interactions answer. Times are RFC 3339 in UTC to the second; what is not known is `null`.

use serde::Serialize;

use super::rounded;
use crate::customer::advice;
use crate::customer::disc::Personality;
use crate::customer::engagement::{self, InterestChange, SuccessIndicator};
use crate::customer::history::{History, RecordedInteraction};
use crate::customer::interaction::InteractionKind;
use crate::customer::list::{InteractionFilter, Page};
use crate::customer::record::CustomerRecord;
use crate::customer::stage;
use crate::customer::success::SuccessModel;
use crate::id::CustomerRecordId;
use crate::journey::model::Basis;
use crate::time::UtcMillis;

/// A recorded interaction, and what it changed.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct CustomerInteractionRecordedReply {
    /// The interaction.
    pub interaction_id: String,
    /// The customer.
    pub customer_id: String,
    /// When it was taken.
    pub recorded_at: String,
    /// What it changed.
    pub profile_updates: CustomerInteractionUpdates,
    /// What follows from it.
    pub ai_insights: CustomerInteractionInsights,
}

/// What an interaction changed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct CustomerInteractionUpdates {
    /// How the interest changed; `null` where no level was told.
    pub interest_level: Option<InterestChange>,
    /// Concerns that nobody knew of.
    #[cfg_attr(feature = "openapi", schema(example = json!(["monthly_payment"])))]
    pub new_concerns_identified: Vec<String>,
    /// The way from stage to stage; `null` where it moved nothing.
    #[cfg_attr(feature = "openapi", schema(example = "presentation → negotiation"))]
    pub sales_stage_progression: Option<String>,
}

/// What follows from an interaction.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct CustomerInteractionInsights {
    /// How to prepare for the next meeting.
    #[cfg_attr(
        feature = "openapi",
        schema(example = "Prepare financing options comparison for test drive appointment")
    )]
    pub recommended_follow_up: Option<String>,
    /// What it says of the type; `null` where it says nothing.
    #[cfg_attr(
        feature = "openapi",
        schema(example = "Direct communication style confirmed")
    )]
    pub personality_confirmation: Option<String>,
    /// How probably the sale succeeds, 0 to 1.
    #[cfg_attr(feature = "openapi", schema(example = 0.78))]
    pub success_probability: f64,
    /// What stands behind that probability; an addition to the contract.
    pub basis: Basis,
}

impl CustomerInteractionRecordedReply {
    /// What the interaction `recorded` made of the customer, whose `history` holds it already, seen at the time it was taken.
    #[must_use]
    pub fn from_history(
        customer: &CustomerRecordId,
        record: &CustomerRecord,
        history: &History,
        recorded: &RecordedInteraction,
        model: &SuccessModel,
    ) -> Self {
        let interaction = &recorded.interaction;
        let (before, without) = (history.before(&recorded.id), history.without(&recorded.id));
        let concerns = engagement::new_concerns(record, &before, interaction);
        let personality = Personality::of(record, history);
        let probability = model.probability(record, history, recorded.recorded_at);
        Self {
            interaction_id: recorded.id.to_string(),
            customer_id: customer.to_string(),
            recorded_at: recorded.recorded_at.to_rfc3339_seconds(),
            ai_insights: CustomerInteractionInsights {
                recommended_follow_up: advice::follow_up(interaction, &concerns),
                personality_confirmation: personality
                    .confirmation(&Personality::of(record, &without)),
                success_probability: rounded(probability),
                basis: model.basis,
            },
            profile_updates: CustomerInteractionUpdates {
                interest_level: engagement::interest_change(&before, interaction),
                new_concerns_identified: concerns.into_iter().map(str::to_owned).collect(),
                sales_stage_progression: engagement::stage_progression(&without, history),
            },
        }
    }
}

/// A page of interactions.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct CustomerInteractionListReply {
    /// The customer.
    pub customer_id: String,
    /// What was done, the latest first.
    pub interactions: Vec<CustomerInteractionItem>,
    /// All that was done, in short.
    pub interaction_summary: CustomerInteractionSummary,
}

/// What was done once, in a list.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct CustomerInteractionItem {
    /// Its id.
    pub id: String,
    /// When.
    pub date: String,
    /// What.
    #[serde(rename = "type")]
    pub kind: InteractionKind,
    /// Minutes.
    pub duration_minutes: Option<u16>,
    /// What came of it.
    pub outcome: Option<String>,
    /// How well the recommendation worked, 1 to 5.
    pub effectiveness_rating: Option<u8>,
    /// The recommendation that led it; left out where there is none, or it was not asked for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub recommendation_used: Option<CustomerInteractionRecommendation>,
}

/// A recommendation that led an interaction.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct CustomerInteractionRecommendation {
    /// Its id.
    pub id: String,
    /// `high` for a rating of 4 or 5, `medium` for 3, `low` below.
    #[cfg_attr(feature = "openapi", schema(example = "high"))]
    pub effectiveness: Option<String>,
    /// What the salesperson did of it.
    #[cfg_attr(feature = "openapi", schema(example = json!(["social_proof", "technical_specs"])))]
    pub techniques_applied: Vec<String>,
}

/// All that was done with a customer, in short.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct CustomerInteractionSummary {
    /// Interactions in all pages.
    pub total_interactions: u64,
    /// Their mean duration, in whole minutes.
    #[cfg_attr(feature = "openapi", schema(example = 38))]
    pub average_duration: Option<u16>,
    /// The stages that the sale went through.
    #[cfg_attr(
        feature = "openapi",
        schema(example = "prospecting → presentation → negotiation")
    )]
    pub progression: String,
    /// What speaks for a success.
    pub success_indicators: Vec<SuccessIndicator>,
}

impl CustomerInteractionListReply {
    /// The part of a history that is asked for, at the time `now`.
    #[must_use]
    pub fn from_history(
        customer: &CustomerRecordId,
        history: &History,
        filter: InteractionFilter,
        now: UtcMillis,
    ) -> Self {
        let InteractionFilter {
            page: Page { limit, offset },
            with_recommendations,
        } = filter;
        let size = |number: u32| usize::try_from(number).unwrap_or(usize::MAX);
        let latest = history
            .all()
            .iter()
            .rev()
            .skip(size(offset))
            .take(size(limit));
        Self {
            customer_id: customer.to_string(),
            interactions: latest
                .map(|one| CustomerInteractionItem::from_recorded(one, with_recommendations))
                .collect(),
            interaction_summary: CustomerInteractionSummary {
                total_interactions: u64::try_from(history.all().len()).unwrap_or(u64::MAX),
                average_duration: engagement::average_duration(history),
                progression: stage::words(&stage::progression(history)),
                success_indicators: engagement::success_indicators(history, now),
            },
        }
    }
}

impl CustomerInteractionItem {
    fn from_recorded(recorded: &RecordedInteraction, with_recommendation: bool) -> Self {
        let interaction = &recorded.interaction;
        let effectiveness = interaction.effectiveness_rating.map(|rating| match rating {
            4.. => "high",
            3 => "medium",
            ..3 => "low",
        });
        let used = interaction
            .recommendation_id
            .as_ref()
            .filter(|_| with_recommendation);
        Self {
            id: recorded.id.to_string(),
            date: interaction.at.to_rfc3339_seconds(),
            kind: interaction.kind,
            duration_minutes: interaction.duration_minutes,
            outcome: interaction.outcome.clone(),
            effectiveness_rating: interaction.effectiveness_rating,
            recommendation_used: used.map(|id| CustomerInteractionRecommendation {
                id: id.clone(),
                effectiveness: effectiveness.map(str::to_owned),
                techniques_applied: interaction.techniques_applied.clone(),
            }),
        }
    }
}
