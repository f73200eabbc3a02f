//! A customer's record: what a salesperson knows of a person.

use serde::{Deserialize, Serialize};

use super::invalid::InvalidInput;
use super::range::MoneyRange;
use super::word::{closed_set, number, text, word, words};
use crate::identity::Email;
use crate::text::{InvalidField, required};
use crate::wire::customers::{
    CustomerRecordAssessment, CustomerRecordBuying, CustomerRecordCommunication,
    CustomerRecordDemographics, CustomerRecordFactors, CustomerRecordRequest,
};

/// The longest name, in characters.
const NAME_CHARS_MAX: usize = 200;
/// The longest text of a line, in characters.
const LINE_CHARS_MAX: usize = 200;
/// The longest phone number: 15 digits of E.164 with signs between them and an extension.
const PHONE_CHARS_MAX: usize = 40;
/// The longest notes, in characters.
const NOTES_CHARS_MAX: usize = 10_000;

closed_set!(
    /// A type of the DISC model: how a person meets the world (Marston, "Emotions of Normal People", 1928).
    PersonalityType, "personality type" {
        /// Dominance.
        D = "D",
        /// Influence (Marston's inducement).
        I = "I",
        /// Steadiness (Marston's submission).
        S = "S",
        /// Conscientiousness (Marston's compliance).
        C = "C",
    }
);
closed_set!(
    /// How a type was found out.
    AssessmentMethod, "assessment method" {
        /// From how the customer speaks.
        ConversationAnalysis = "conversation_analysis",
        /// By a questionnaire.
        Survey = "survey",
        /// By a salesperson's eye.
        Manual = "manual",
    }
);
closed_set!(
    /// How a customer wants to pay.
    FinancingPreference, "financing preference" {
        /// By renting.
        Lease = "lease",
        /// By a credit.
        Finance = "finance",
        /// At once.
        Cash = "cash",
    }
);

/// What is known of a customer; all but the name may be missing. Reading one, from storage too, is parsing a request.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "CustomerRecordRequest", into = "CustomerRecordRequest")]
pub struct CustomerRecord {
    /// The full name.
    pub name: String,
    /// The email.
    pub email: Option<Email>,
    /// The phone number as it was written.
    pub phone: Option<String>,
    /// Who it is.
    pub demographics: Demographics,
    /// Which type the customer was taken for.
    pub personality_assessment: Option<Assessment>,
    /// How to speak to the customer.
    pub communication_preferences: CommunicationPreferences,
    /// What the customer decides by.
    pub decision_factors: DecisionFactors,
    /// What the customer wants to buy with, and when.
    pub buying_context: BuyingContext,
    /// What a salesperson wrote down.
    pub notes: Option<String>,
}

/// Who a customer is.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Demographics {
    /// Years, at most 150.
    pub age: Option<u8>,
    /// The profession.
    pub profession: Option<String>,
    /// Where the customer lives.
    pub location: Option<String>,
    /// Yearly income.
    pub income_range: Option<MoneyRange>,
}

/// A type that somebody took the customer for.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Assessment {
    /// The type.
    pub kind: PersonalityType,
    /// How sure the assessor is, in thousandths, so that storing it never changes a last digit; `None` where it was not
    /// told.
    pub confidence_milli: Option<u16>,
    /// How it was found out.
    pub method: Option<AssessmentMethod>,
}

/// How to speak to a customer.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct CommunicationPreferences {
    /// A word for the manner.
    pub style: Option<String>,
    /// Channels, the best first.
    pub preferred_channels: Vec<String>,
    /// How soon an answer is expected.
    pub response_time_expectation: Option<String>,
}

/// What a customer decides by, the most important first.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct DecisionFactors {
    /// What decides.
    pub primary: Vec<String>,
    /// What helps.
    pub secondary: Vec<String>,
    /// What makes a sale impossible.
    pub deal_breakers: Vec<String>,
}

/// What a customer wants to buy with, and when.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct BuyingContext {
    /// What may be spent.
    pub budget_range: Option<MoneyRange>,
    /// When the decision falls, as `within_3_months`.
    pub timeline: Option<String>,
    /// How the customer wants to pay.
    pub financing_preference: Option<FinancingPreference>,
    /// What would be traded in.
    pub trade_in_vehicle: Option<String>,
}

impl CustomerRecord {
    /// Reads a request.
    ///
    /// # Errors
    /// [`InvalidInput`] names the first field that breaks a rule.
    pub fn parse(request: &CustomerRecordRequest) -> Result<Self, InvalidInput> {
        let name = request
            .name
            .as_deref()
            .ok_or_else(|| InvalidField::new("name", "is required"))?;
        let email = text("email", request.email.as_deref(), LINE_CHARS_MAX * 2)?;
        Ok(Self {
            name: parse_name(name)?,
            email: email.map(|text| Email::parse("email", &text)).transpose()?,
            phone: text("phone", request.phone.as_deref(), PHONE_CHARS_MAX)?,
            demographics: optional(request.demographics.as_ref(), Demographics::parse)?,
            personality_assessment: optional(
                request.personality_assessment.as_ref(),
                Assessment::parse,
            )?,
            communication_preferences: optional(
                request.communication_preferences.as_ref(),
                CommunicationPreferences::parse,
            )?,
            decision_factors: optional(request.decision_factors.as_ref(), DecisionFactors::parse)?,
            buying_context: optional(request.buying_context.as_ref(), BuyingContext::parse)?,
            notes: text("notes", request.notes.as_deref(), NOTES_CHARS_MAX)?,
        })
    }
}

impl CustomerRecord {
    /// What is left of a record when nobody may be known from it: what a sale was about, in words that many share. No
    /// name, address, profession, place, note or thing that the customer owns; the age as its decade.
    #[must_use]
    pub fn anonymized(&self) -> Self {
        Self {
            name: "anonymous".to_owned(),
            email: None,
            phone: None,
            demographics: Demographics {
                age: self.demographics.age.map(|age| age / 10 * 10),
                profession: None,
                location: None,
                income_range: self.demographics.income_range,
            },
            personality_assessment: self.personality_assessment,
            communication_preferences: CommunicationPreferences::default(),
            decision_factors: DecisionFactors::default(),
            buying_context: BuyingContext {
                budget_range: self.buying_context.budget_range,
                timeline: None,
                financing_preference: self.buying_context.financing_preference,
                trade_in_vehicle: None,
            },
            notes: None,
        }
    }
}

/// A group that is absent is an empty one.
fn optional<T, D: Default>(
    group: Option<&T>,
    parse: impl FnOnce(&T) -> Result<D, InvalidInput>,
) -> Result<D, InvalidInput> {
    group.map_or_else(|| Ok(D::default()), parse)
}

/// A name stands on one line, so it may hold no line feeds or tabs either.
fn parse_name(text: &str) -> Result<String, InvalidField> {
    let name = required("name", text, NAME_CHARS_MAX)?;
    if name.chars().any(char::is_control) {
        let reason = "must not contain control characters";
        return Err(InvalidField::new("name", reason));
    }
    Ok(name.to_owned())
}

fn range(field: &str, told: Option<&str>) -> Result<Option<MoneyRange>, InvalidField> {
    let told = text(field, told, LINE_CHARS_MAX)?;
    told.map(|text| MoneyRange::parse(field, &text)).transpose()
}

impl Demographics {
    fn parse(told: &CustomerRecordDemographics) -> Result<Self, InvalidInput> {
        let line = |field, told: &Option<String>| text(field, told.as_deref(), LINE_CHARS_MAX);
        Ok(Self {
            age: number("demographics.age", told.age, 0, 150)?,
            profession: line("demographics.profession", &told.profession)?,
            location: line("demographics.location", &told.location)?,
            income_range: range("demographics.income_range", told.income_range.as_deref())?,
        })
    }
}

impl Assessment {
    /// How sure an assessor is who does not say so, in thousandths.
    const CONFIDENCE_MILLI: u16 = 700;

    /// How sure the assessor is, 0 to 1; 0.7 where it was not told.
    #[must_use]
    pub fn confidence(&self) -> f64 {
        f64::from(self.confidence_milli.unwrap_or(Self::CONFIDENCE_MILLI)) / 1000.0
    }

    fn parse(told: &CustomerRecordAssessment) -> Result<Option<Self>, InvalidInput> {
        if *told == CustomerRecordAssessment::default() {
            return Ok(None);
        }
        let field = "personality_assessment.type";
        let kind = told.kind.as_deref().ok_or_else(|| InvalidInput {
            allowed_values: PersonalityType::ALL
                .iter()
                .map(|kind| kind.as_str())
                .collect(),
            ..InvalidField::new(field, "is required in an assessment").into()
        })?;
        let field_of_method = "personality_assessment.assessment_method";
        let method = told.assessment_method.as_deref();
        Ok(Some(Self {
            kind: PersonalityType::parse(field, kind)?,
            confidence_milli: told.confidence.map(milli).transpose()?,
            method: method
                .map(|text| AssessmentMethod::parse(field_of_method, text))
                .transpose()?,
        }))
    }
}

fn milli(confidence: f64) -> Result<u16, InvalidField> {
    if !(0.0..=1.0).contains(&confidence) {
        let field = "personality_assessment.confidence";
        return Err(InvalidField::new(field, "must be a number from 0 to 1"));
    }
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "0 to 1000"
    )]
    let milli = (confidence * 1000.0).round() as u16;
    Ok(milli)
}

impl CommunicationPreferences {
    fn parse(told: &CustomerRecordCommunication) -> Result<Self, InvalidInput> {
        let inside = |name| format!("communication_preferences.{name}");
        Ok(Self {
            style: word(&inside("style"), told.style.as_deref())?,
            preferred_channels: words(
                &inside("preferred_channels"),
                told.preferred_channels.as_deref(),
            )?,
            response_time_expectation: word(
                &inside("response_time_expectation"),
                told.response_time_expectation.as_deref(),
            )?,
        })
    }
}

impl DecisionFactors {
    fn parse(told: &CustomerRecordFactors) -> Result<Self, InvalidInput> {
        let list = |name, told: &Option<Vec<String>>| {
            words(&format!("decision_factors.{name}"), told.as_deref())
        };
        Ok(Self {
            primary: list("primary", &told.primary)?,
            secondary: list("secondary", &told.secondary)?,
            deal_breakers: list("deal_breakers", &told.deal_breakers)?,
        })
    }
}

impl BuyingContext {
    fn parse(told: &CustomerRecordBuying) -> Result<Self, InvalidInput> {
        let preference = told.financing_preference.as_deref();
        Ok(Self {
            budget_range: range("buying_context.budget_range", told.budget_range.as_deref())?,
            timeline: word("buying_context.timeline", told.timeline.as_deref())?,
            financing_preference: preference
                .map(|text| FinancingPreference::parse("buying_context.financing_preference", text))
                .transpose()?,
            trade_in_vehicle: text(
                "buying_context.trade_in_vehicle",
                told.trade_in_vehicle.as_deref(),
                LINE_CHARS_MAX,
            )?,
        })
    }
}

impl TryFrom<CustomerRecordRequest> for CustomerRecord {
    type Error = InvalidInput;

    fn try_from(request: CustomerRecordRequest) -> Result<Self, InvalidInput> {
        Self::parse(&request)
    }
}

impl From<CustomerRecord> for CustomerRecordRequest {
    fn from(record: CustomerRecord) -> Self {
        Self::from_record(&record)
    }
}
