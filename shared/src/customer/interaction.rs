//! What a salesperson and a customer did together.

use serde::{Deserialize, Serialize};

use super::invalid::InvalidInput;
use super::word::{closed_set, number, text, texts, word, words};
use crate::text::InvalidField;
use crate::time::{DAY_MS, UtcMillis};
use crate::wire::customers::{
    CustomerInteractionFeedback, CustomerInteractionFollowUp, CustomerInteractionRequest,
};

/// The longest notes, in characters.
const NOTES_CHARS_MAX: usize = 10_000;
/// The longest name of a product and the longest id, in characters.
const LINE_CHARS_MAX: usize = 200;
/// How far clocks may differ: an interaction lies in the past, but not by every salesperson's clock.
const FUTURE_MS_MAX: i64 = DAY_MS;

closed_set!(
    /// What was done.
    InteractionKind, "interaction type" {
        /// Talked on the phone.
        SalesCall = "sales_call",
        /// Wrote.
        Email = "email",
        /// Drove the product, or tried it otherwise.
        TestDrive = "test_drive",
        /// Met where the products are.
        ShowroomVisit = "showroom_visit",
    }
);
closed_set!(
    /// How much a customer wants the product.
    InterestLevel, "interest level" {
        /// Little.
        Low = "low",
        /// Some.
        Medium = "medium",
        /// Much.
        High = "high",
    }
);

/// What was done with a customer once.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Interaction {
    /// What was done.
    pub kind: InteractionKind,
    /// When, to the second.
    pub at: UtcMillis,
    /// Minutes, at most a day's.
    pub duration_minutes: Option<u16>,
    /// Products, the main one first.
    pub products_discussed: Vec<String>,
    /// How much the customer wants it.
    pub interest_level: Option<InterestLevel>,
    /// What worries the customer.
    pub primary_concerns: Vec<String>,
    /// What the customer liked.
    pub positive_responses: Vec<String>,
    /// What the salesperson wrote down.
    pub salesperson_notes: Option<String>,
    /// What came of it, in a word.
    pub outcome: Option<String>,
    /// What was agreed on.
    pub follow_up: Option<FollowUp>,
    /// The recommendation that it was led by.
    pub recommendation_id: Option<String>,
    /// How well that worked, 1 to 5.
    pub effectiveness_rating: Option<u8>,
    /// What the salesperson did of it.
    pub techniques_applied: Vec<String>,
}

/// What was agreed on.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct FollowUp {
    /// Whether anything has to be done.
    pub required: bool,
    /// By when.
    pub at: Option<UtcMillis>,
    /// What, in a word.
    pub kind: Option<String>,
    /// How.
    pub notes: Option<String>,
}

impl Interaction {
    /// Reads a request at the time `now`.
    ///
    /// # Errors
    /// [`InvalidInput`] names the first field that breaks a rule.
    pub fn parse(
        request: &CustomerInteractionRequest,
        now: UtcMillis,
    ) -> Result<Self, InvalidInput> {
        let required = |field: &str| InvalidField::new(field, "is required");
        let kind = request.interaction_type.as_deref();
        let kind = kind.ok_or_else(|| required("interaction_type"))?;
        let date = request.date.as_deref().ok_or_else(|| required("date"))?;
        let nothing = CustomerInteractionFeedback::default();
        let feedback = request.customer_feedback.as_ref().unwrap_or(&nothing);
        let level = feedback.interest_level.as_deref();
        let concerns = feedback.primary_concerns.as_deref();
        let positive = feedback.positive_responses.as_deref();
        Ok(Self {
            kind: InteractionKind::parse("interaction_type", kind)?,
            at: past(parse_date("date", date)?, now)?,
            duration_minutes: number("duration_minutes", request.duration_minutes, 0, 1440)?,
            products_discussed: texts(
                "products_discussed",
                request.products_discussed.as_deref(),
                LINE_CHARS_MAX,
            )?,
            interest_level: level
                .map(|text| InterestLevel::parse("customer_feedback.interest_level", text))
                .transpose()?,
            primary_concerns: words("customer_feedback.primary_concerns", concerns)?,
            positive_responses: words("customer_feedback.positive_responses", positive)?,
            salesperson_notes: text(
                "salesperson_notes",
                request.salesperson_notes.as_deref(),
                NOTES_CHARS_MAX,
            )?,
            outcome: word("outcome", request.outcome.as_deref())?,
            follow_up: request
                .follow_up
                .as_ref()
                .map(FollowUp::parse)
                .transpose()?,
            recommendation_id: text(
                "recommendation_id",
                request.recommendation_id.as_deref(),
                LINE_CHARS_MAX,
            )?,
            effectiveness_rating: number(
                "effectiveness_rating",
                request.effectiveness_rating,
                1,
                5,
            )?,
            techniques_applied: words("techniques_applied", request.techniques_applied.as_deref())?,
        })
    }
}

impl Interaction {
    /// What is left of an interaction when nobody may be known from it: what was done, when on the day, how long, and what
    /// the model of success weighs. Concerns are kept as their number only.
    #[must_use]
    pub fn anonymized(&self) -> Self {
        let unnamed = |words: &[String]| {
            let count = 1..=words.len();
            count.map(|at| format!("concern_{at}")).collect()
        };
        Self {
            kind: self.kind,
            at: self.at,
            duration_minutes: self.duration_minutes,
            products_discussed: Vec::new(),
            interest_level: self.interest_level,
            primary_concerns: unnamed(&self.primary_concerns),
            positive_responses: Vec::new(),
            salesperson_notes: None,
            outcome: self.outcome.clone(),
            follow_up: None,
            recommendation_id: None,
            effectiveness_rating: self.effectiveness_rating,
            techniques_applied: Vec::new(),
        }
    }
}

impl FollowUp {
    fn parse(told: &CustomerInteractionFollowUp) -> Result<Self, InvalidInput> {
        let date = told.date.as_deref();
        Ok(Self {
            required: told.required.unwrap_or(true),
            at: date
                .map(|text| parse_date("follow_up.date", text))
                .transpose()?,
            kind: word("follow_up.type", told.kind.as_deref())?,
            notes: text("follow_up.notes", told.notes.as_deref(), NOTES_CHARS_MAX)?,
        })
    }
}

/// Whole seconds, as replies tell them: two interactions that read alike are at the same time.
fn parse_date(field: &str, text: &str) -> Result<UtcMillis, InvalidField> {
    let at = UtcMillis::parse_rfc3339(text).ok_or_else(|| {
        InvalidField::new(field, "must be an RFC 3339 time, as 2025-09-24T10:30:00Z")
    })?;
    Ok(at.plus(-at.get().rem_euclid(1000)))
}

fn past(at: UtcMillis, now: UtcMillis) -> Result<UtcMillis, InvalidField> {
    if at.since(now) > FUTURE_MS_MAX {
        let reason = "must not lie more than a day in the future";
        return Err(InvalidField::new("date", reason));
    }
    Ok(at)
}
