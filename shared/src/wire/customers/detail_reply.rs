//! What the route of one record answers. Times are RFC 3339 in UTC to the second; what is not known is `null`.

use serde::Serialize;

use super::record_reply::CustomerRecordSummary;
use super::request::{
    CustomerRecordAssessment, CustomerRecordBuying, CustomerRecordCommunication,
    CustomerRecordDemographics, CustomerRecordFactors, CustomerRecordRequest,
};
use super::rounded;
use crate::customer::advice;
use crate::customer::completeness::Completeness;
use crate::customer::disc::Personality;
use crate::customer::engagement::average_effectiveness;
use crate::customer::history::{History, RecordedInteraction};
use crate::customer::interaction::InteractionKind;
use crate::customer::record::{CustomerRecord, PersonalityType};
use crate::customer::stage::{self, SalesStage};
use crate::id::CustomerRecordId;
use crate::offers::OfferStatus;
use crate::time::UtcMillis;
use crate::wire::intelligence::{Audience, ProfileReply};
use crate::wire::internal::CustomerEntry;

/// Interactions that a record's own reply shows; the others have a route of their own.
const HISTORY_MAX: usize = 50;

/// A record with all that follows from it.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct CustomerRecordReply {
    /// Its id.
    pub id: String,
    /// The name.
    pub name: String,
    /// The email. This and the fields to `buying_context` are an addition to the contract but for `demographics`: what
    /// was sent can be read again.
    pub email: Option<String>,
    /// The phone number.
    pub phone: Option<String>,
    /// What a salesperson wrote down.
    pub notes: Option<String>,
    /// Who the customer is.
    pub demographics: CustomerRecordDemographics,
    /// Which type the customer was taken for.
    pub personality_assessment: Option<CustomerRecordAssessment>,
    /// How to speak to the customer.
    pub communication_preferences: CustomerRecordCommunication,
    /// What the customer decides by.
    pub decision_factors: CustomerRecordFactors,
    /// What the customer wants to buy with, and when.
    pub buying_context: CustomerRecordBuying,
    /// What the customer is like, as far as it is known.
    pub personality_profile: CustomerRecordPersonality,
    /// What was done, the latest first, at most 50.
    pub interaction_history: Vec<CustomerRecordHistoryItem>,
    /// Recommendations that were made.
    #[cfg_attr(feature = "openapi", schema(example = 7))]
    pub recommendations_generated: u64,
    /// Their mean rating, 1 to 5.
    #[cfg_attr(feature = "openapi", schema(example = 4.1))]
    pub average_recommendation_effectiveness: Option<f64>,
    /// Where the sale stands; an addition to the contract.
    pub sales_stage: SalesStage,
    /// The weighted share of filled fields, 0 to 1; an addition to the contract.
    pub profile_completeness: f64,
    /// How to sell to the customer; an addition to the contract, which tells it on creation only.
    pub profile_summary: CustomerRecordSummary,
    /// The shopper who is the same person, by a verified email; an addition to the contract.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub shopper: Option<CustomerRecordShopper>,
    /// When it was created.
    pub created_at: String,
    /// When it changed last.
    pub last_updated: String,
}

/// What a customer is like.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct CustomerRecordPersonality {
    /// The type.
    #[serde(rename = "type")]
    pub kind: Option<PersonalityType>,
    /// How strong each trait is; they are no shares of one whole.
    pub traits: CustomerRecordTraits,
    /// How the customer speaks.
    #[cfg_attr(feature = "openapi", schema(example = "direct"))]
    pub communication_style: Option<String>,
    /// How the customer decides.
    #[cfg_attr(feature = "openapi", schema(example = "fast_analytical"))]
    pub decision_making_style: Option<String>,
}

/// How strong each trait is, 0 to 1; 0.5 where nothing is known.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct CustomerRecordTraits {
    /// D.
    #[cfg_attr(feature = "openapi", schema(example = 0.82))]
    pub dominant: f64,
    /// I.
    #[cfg_attr(feature = "openapi", schema(example = 0.34))]
    pub influential: f64,
    /// S.
    #[cfg_attr(feature = "openapi", schema(example = 0.28))]
    pub steady: f64,
    /// C.
    #[cfg_attr(feature = "openapi", schema(example = 0.61))]
    pub conscientious: f64,
}

/// What was done once, in a record.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct CustomerRecordHistoryItem {
    /// Its id.
    pub id: String,
    /// When.
    pub date: String,
    /// What.
    #[serde(rename = "type")]
    pub kind: InteractionKind,
    /// The main product.
    pub product_discussed: Option<String>,
    /// What came of it.
    #[cfg_attr(feature = "openapi", schema(example = "interested"))]
    pub outcome: Option<String>,
    /// What is to be done next.
    #[cfg_attr(feature = "openapi", schema(example = "Schedule test drive"))]
    pub next_steps: Option<String>,
}

/// The shopper who is the same person as a record's customer.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct CustomerRecordShopper {
    /// The shopper's number, as the intelligence routes tell it.
    pub customer_id: i64,
    /// Score and orders; `null` before the first order.
    pub profile: Option<ProfileReply>,
    /// The latest offer, whatever became of it.
    pub offer: Option<CustomerRecordOffer>,
}

/// A shopper's offer.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct CustomerRecordOffer {
    /// Its number, as the intelligence routes tell it.
    pub offer_id: i64,
    /// Where it stands.
    pub status: OfferStatus,
    /// What the shopper would pay, in main units.
    pub final_price: f64,
    /// ISO 4217.
    pub currency: String,
    /// From when it is over.
    pub expires_at: String,
}

/// What the origin knows of a record.
#[derive(Debug, Clone)]
pub struct RecordFacts<'a> {
    /// Its id.
    pub id: &'a CustomerRecordId,
    /// What is known of the customer.
    pub record: &'a CustomerRecord,
    /// What was done.
    pub history: &'a History,
    /// Recommendations that were made.
    pub recommendations: u64,
    /// The shopper with the same verified email.
    pub shopper: Option<&'a CustomerEntry>,
    /// When it was created.
    pub created: UtcMillis,
    /// When it changed last.
    pub updated: UtcMillis,
}

impl CustomerRecordReply {
    /// The record at the time `now`.
    #[must_use]
    pub fn from_facts(facts: &RecordFacts<'_>, now: UtcMillis) -> Self {
        let RecordFacts {
            id,
            record,
            history,
            recommendations,
            shopper,
            created,
            updated,
        } = facts;
        let CustomerRecordRequest {
            name: _,
            email,
            phone,
            demographics,
            personality_assessment,
            communication_preferences,
            decision_factors,
            buying_context,
            notes,
        } = CustomerRecordRequest::from_record(record);
        let personality = Personality::of(record, history);
        let latest = history.all().iter().rev().take(HISTORY_MAX);
        Self {
            id: id.to_string(),
            name: record.name.clone(),
            email,
            phone,
            notes,
            demographics: demographics.unwrap_or_default(),
            personality_assessment,
            communication_preferences: communication_preferences.unwrap_or_default(),
            decision_factors: decision_factors.unwrap_or_default(),
            buying_context: buying_context.unwrap_or_default(),
            personality_profile: CustomerRecordPersonality::from_personality(&personality, record),
            interaction_history: latest
                .map(CustomerRecordHistoryItem::from_recorded)
                .collect(),
            recommendations_generated: *recommendations,
            average_recommendation_effectiveness: average_effectiveness(history),
            sales_stage: stage::current(history),
            profile_completeness: Completeness::of(record).share(),
            profile_summary: CustomerRecordSummary::from_record(record, personality.kind),
            shopper: shopper.map(|entry| CustomerRecordShopper::from_entry(entry, now)),
            created_at: created.to_rfc3339_seconds(),
            last_updated: updated.to_rfc3339_seconds(),
        }
    }
}

impl CustomerRecordPersonality {
    fn from_personality(personality: &Personality, record: &CustomerRecord) -> Self {
        let traits = &personality.traits;
        // Without a type the customer's own word for the manner is the best there is.
        let told = record.communication_preferences.style.clone();
        let of_type = personality
            .kind
            .map(|kind| kind.communication_style().to_owned());
        Self {
            kind: personality.kind,
            traits: CustomerRecordTraits {
                dominant: rounded(traits.dominant),
                influential: rounded(traits.influential),
                steady: rounded(traits.steady),
                conscientious: rounded(traits.conscientious),
            },
            communication_style: of_type.or(told),
            decision_making_style: personality.decision_making_style(),
        }
    }
}

impl CustomerRecordHistoryItem {
    fn from_recorded(recorded: &RecordedInteraction) -> Self {
        let interaction = &recorded.interaction;
        Self {
            id: recorded.id.to_string(),
            date: interaction.at.to_rfc3339_seconds(),
            kind: interaction.kind,
            product_discussed: interaction.products_discussed.first().cloned(),
            outcome: interaction.outcome.clone(),
            next_steps: advice::next_steps(interaction),
        }
    }
}

impl CustomerRecordShopper {
    fn from_entry(entry: &CustomerEntry, now: UtcMillis) -> Self {
        let offer = entry.offer.as_ref();
        Self {
            customer_id: entry.card.number,
            profile: ProfileReply::from_entry(entry, Audience::Shop, now),
            offer: offer.map(|offer| CustomerRecordOffer {
                offer_id: offer.number,
                status: offer.status,
                final_price: offer.bundle.pricing.final_price.to_major(entry.currency),
                currency: entry.currency.as_str().to_owned(),
                expires_at: offer.expires_at.to_rfc3339_seconds(),
            }),
        }
    }
}
