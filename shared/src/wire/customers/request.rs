//! What a caller sends of a customer, and of what was done with one.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::customer::record::{CustomerRecord, Demographics};

/// `POST /api/v1/customers`. It is also the form in which a record is stored, and the one that an update is merged into.
/// Fields that it does not name are ignored.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct CustomerRecordRequest {
    /// The full name, the one field that is required.
    #[cfg_attr(feature = "openapi", schema(example = "John Smith"))]
    pub name: Option<String>,
    /// An addition to the contract: finds duplicates, and the shopper who is the same person.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "openapi", schema(example = "john.smith@example.com"))]
    pub email: Option<String>,
    /// An addition to the contract.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub phone: Option<String>,
    /// Who the customer is.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub demographics: Option<CustomerRecordDemographics>,
    /// Which type of the DISC model the customer was taken for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub personality_assessment: Option<CustomerRecordAssessment>,
    /// How the customer wants to be spoken to.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub communication_preferences: Option<CustomerRecordCommunication>,
    /// What the customer decides by.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub decision_factors: Option<CustomerRecordFactors>,
    /// What the customer wants to buy with, and when.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub buying_context: Option<CustomerRecordBuying>,
    /// An addition to the contract: what a salesperson wrote down; searched.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub notes: Option<String>,
}

/// Who a customer is.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct CustomerRecordDemographics {
    /// Years, 0 to 150.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "openapi", schema(example = 35))]
    pub age: Option<i64>,
    /// The profession.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "openapi", schema(example = "Software Engineer"))]
    pub profession: Option<String>,
    /// Where the customer lives.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "openapi", schema(example = "Seattle, WA"))]
    pub location: Option<String>,
    /// Yearly income in thousands: `75k_100k`, `under_30k`, `over_200k` or `200k_plus`.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "openapi", schema(example = "75k_100k"))]
    pub income_range: Option<String>,
}

/// Which type a customer was taken for.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct CustomerRecordAssessment {
    /// `D`, `I`, `S` or `C`; required in an assessment. To take an assessment back, set the whole of it to `null`.
    #[serde(rename = "type", skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "openapi", schema(example = "D"))]
    pub kind: Option<String>,
    /// How sure the assessor is, 0 to 1 in thousandths; 0.7 where it is not told.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "openapi", schema(example = 0.78))]
    pub confidence: Option<f64>,
    /// `conversation_analysis`, `survey` or `manual`.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "openapi", schema(example = "conversation_analysis"))]
    pub assessment_method: Option<String>,
}

/// How a customer wants to be spoken to.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct CustomerRecordCommunication {
    /// One word for the manner.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "openapi", schema(example = "direct"))]
    pub style: Option<String>,
    /// Channels, the best first.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "openapi", schema(example = json!(["email", "phone"])))]
    pub preferred_channels: Option<Vec<String>>,
    /// How soon an answer is expected.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "openapi", schema(example = "same_day"))]
    pub response_time_expectation: Option<String>,
}

/// What a customer decides by, the most important first.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct CustomerRecordFactors {
    /// What decides.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "openapi", schema(example = json!(["performance", "safety", "value"])))]
    pub primary: Option<Vec<String>>,
    /// What helps.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "openapi", schema(example = json!(["brand_reputation", "fuel_efficiency"])))]
    pub secondary: Option<Vec<String>>,
    /// What makes a sale impossible.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "openapi", schema(example = json!(["poor_reliability"])))]
    pub deal_breakers: Option<Vec<String>>,
}

/// What a customer wants to buy with, and when.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct CustomerRecordBuying {
    /// What may be spent, in thousands: `40k_60k`, `under_30k`, `over_200k` or `200k_plus`.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "openapi", schema(example = "40k_60k"))]
    pub budget_range: Option<String>,
    /// When the decision falls.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "openapi", schema(example = "within_3_months"))]
    pub timeline: Option<String>,
    /// `lease`, `finance` or `cash`.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "openapi", schema(example = "lease"))]
    pub financing_preference: Option<String>,
    /// What would be traded in.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "openapi", schema(example = "2018 Honda Civic"))]
    pub trade_in_vehicle: Option<String>,
}

/// `PUT /api/v1/customers/{id}`: a JSON Merge Patch (RFC 7396) of [`CustomerRecordRequest`]. What is absent stays, `null`
/// clears, objects are merged, lists replace.
#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[cfg_attr(feature = "openapi", schema(value_type = CustomerRecordRequest))]
#[serde(transparent)]
pub struct CustomerRecordUpdateRequest(pub Map<String, Value>);

/// `POST /api/v1/customers/{id}/interactions`.
#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct CustomerInteractionRequest {
    /// `sales_call`, `email`, `test_drive` or `showroom_visit`; required.
    #[cfg_attr(feature = "openapi", schema(example = "sales_call"))]
    pub interaction_type: Option<String>,
    /// RFC 3339, at most a day in the future; required.
    #[cfg_attr(feature = "openapi", schema(example = "2025-09-24T10:30:00Z"))]
    pub date: Option<String>,
    /// Minutes, 0 to 1440.
    #[cfg_attr(feature = "openapi", schema(example = 45))]
    pub duration_minutes: Option<i64>,
    /// Products, the main one first.
    #[cfg_attr(feature = "openapi", schema(example = json!(["2024 Toyota Camry Hybrid", "2024 Toyota Prius"])))]
    pub products_discussed: Option<Vec<String>>,
    /// How the customer took it.
    pub customer_feedback: Option<CustomerInteractionFeedback>,
    /// What the salesperson wrote down.
    #[cfg_attr(
        feature = "openapi",
        schema(example = "Customer very interested in hybrid technology.")
    )]
    pub salesperson_notes: Option<String>,
    /// What came of it, in a word.
    #[cfg_attr(feature = "openapi", schema(example = "scheduled_test_drive"))]
    pub outcome: Option<String>,
    /// What was agreed on.
    pub follow_up: Option<CustomerInteractionFollowUp>,
    /// The recommendation that it was led by.
    #[cfg_attr(feature = "openapi", schema(example = "recommendation-uuid-456"))]
    pub recommendation_id: Option<String>,
    /// How well the recommendation worked, 1 to 5. An addition to the contract, whose list shows it.
    #[cfg_attr(feature = "openapi", schema(example = 4))]
    pub effectiveness_rating: Option<i64>,
    /// What the salesperson did of it. An addition to the contract, whose list shows it.
    #[cfg_attr(feature = "openapi", schema(example = json!(["social_proof", "technical_specs"])))]
    pub techniques_applied: Option<Vec<String>>,
}

/// How a customer took it.
#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct CustomerInteractionFeedback {
    /// `low`, `medium` or `high`.
    #[cfg_attr(feature = "openapi", schema(example = "high"))]
    pub interest_level: Option<String>,
    /// What worries the customer.
    #[cfg_attr(feature = "openapi", schema(example = json!(["monthly_payment", "fuel_economy"])))]
    pub primary_concerns: Option<Vec<String>>,
    /// What the customer liked.
    #[cfg_attr(feature = "openapi", schema(example = json!(["safety_features", "hybrid_technology"])))]
    pub positive_responses: Option<Vec<String>>,
}

/// What was agreed on.
#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct CustomerInteractionFollowUp {
    /// Whether anything has to be done; `true` where it is not told.
    pub required: Option<bool>,
    /// RFC 3339.
    #[cfg_attr(feature = "openapi", schema(example = "2025-09-26T14:00:00Z"))]
    pub date: Option<String>,
    /// What is to be done, in a word.
    #[serde(rename = "type")]
    #[cfg_attr(feature = "openapi", schema(example = "test_drive"))]
    pub kind: Option<String>,
    /// How.
    #[cfg_attr(
        feature = "openapi",
        schema(example = "Focus on fuel economy demonstration")
    )]
    pub notes: Option<String>,
}

/// The query of `GET /api/v1/customers`.
#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
pub struct CustomerRecordQuery {
    /// `D`, `I`, `S` or `C`.
    pub personality_type: Option<String>,
    /// A budget as records have it.
    pub budget_range: Option<String>,
    /// A stage as records have it.
    pub sales_stage: Option<String>,
    /// Words of name, profession, location and notes.
    pub search: Option<String>,
    /// 1 to 100; 20 where it is not told.
    pub limit: Option<String>,
    /// Records to pass over; 0 where it is not told.
    pub offset: Option<String>,
}

/// The query of `GET /api/v1/customers/{id}/interactions`.
#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
pub struct CustomerInteractionQuery {
    /// 1 to 100; 20 where it is not told.
    pub limit: Option<String>,
    /// Interactions to pass over; 0 where it is not told. An addition to the contract.
    pub offset: Option<String>,
    /// Whether the recommendations that led them are told; `false` where it is not told.
    pub include_recommendations: Option<String>,
}

/// An empty list is no list.
fn list(words: &[String]) -> Option<Vec<String>> {
    (!words.is_empty()).then(|| words.to_vec())
}

/// A group of fields, unless all of them are empty.
fn filled<T: Default + PartialEq>(group: T) -> Option<T> {
    (group != T::default()).then_some(group)
}

impl CustomerRecordRequest {
    /// The request that makes this record: parsing it gives the record again.
    #[must_use]
    pub fn from_record(record: &CustomerRecord) -> Self {
        let CustomerRecord {
            name,
            email,
            phone,
            demographics,
            personality_assessment,
            communication_preferences,
            decision_factors,
            buying_context,
            notes,
        } = record;
        let assessment = personality_assessment.as_ref();
        Self {
            name: Some(name.clone()),
            email: email.as_ref().map(|email| email.as_str().to_owned()),
            phone: phone.clone(),
            demographics: filled(CustomerRecordDemographics::from_demographics(demographics)),
            personality_assessment: assessment.map(|assessment| CustomerRecordAssessment {
                kind: Some(assessment.kind.as_str().to_owned()),
                confidence: assessment
                    .confidence_milli
                    .map(|milli| f64::from(milli) / 1000.0),
                assessment_method: assessment.method.map(|method| method.as_str().to_owned()),
            }),
            communication_preferences: filled(CustomerRecordCommunication {
                style: communication_preferences.style.clone(),
                preferred_channels: list(&communication_preferences.preferred_channels),
                response_time_expectation: communication_preferences
                    .response_time_expectation
                    .clone(),
            }),
            decision_factors: filled(CustomerRecordFactors {
                primary: list(&decision_factors.primary),
                secondary: list(&decision_factors.secondary),
                deal_breakers: list(&decision_factors.deal_breakers),
            }),
            buying_context: filled(CustomerRecordBuying {
                budget_range: buying_context.budget_range.map(|range| range.to_string()),
                timeline: buying_context.timeline.clone(),
                financing_preference: buying_context
                    .financing_preference
                    .map(|preference| preference.as_str().to_owned()),
                trade_in_vehicle: buying_context.trade_in_vehicle.clone(),
            }),
            notes: notes.clone(),
        }
    }
}

impl CustomerRecordDemographics {
    /// As a request writes them.
    #[must_use]
    pub fn from_demographics(demographics: &Demographics) -> Self {
        let Demographics {
            age,
            profession,
            location,
            income_range,
        } = demographics;
        Self {
            age: age.map(i64::from),
            profession: profession.clone(),
            location: location.clone(),
            income_range: income_range.map(|range| range.to_string()),
        }
    }
}
