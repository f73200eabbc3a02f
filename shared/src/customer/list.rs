//! What a list of records or interactions is asked for, and what it shows of a record.

use super::completeness::Completeness;
use super::disc::Personality;
use super::history::History;
use super::invalid::InvalidInput;
use super::range::MoneyRange;
use super::record::{CustomerRecord, PersonalityType};
use super::stage::{self, SalesStage};
use super::word::{closed_set, text};
use crate::text::InvalidField;
use crate::time::UtcMillis;
use crate::wire::customers::{CustomerInteractionQuery, CustomerRecordQuery};

/// The longest search, in characters.
const SEARCH_CHARS_MAX: usize = 200;
/// Entries of a page where the caller does not say.
const LIMIT: u32 = 20;
/// Entries of the largest page.
const LIMIT_MAX: u32 = 100;
/// What lies farther back is found by a filter.
const OFFSET_MAX: u32 = 1_000_000_000;

closed_set!(
    /// What becomes of a deleted customer's data.
    RetentionPolicy, "data retention policy" {
        /// Figures stay, without anything that tells of a person.
        Anonymize = "anonymize",
        /// Nothing stays.
        Erase = "erase",
    }
);

impl RetentionPolicy {
    /// What the contract's header `X-Data-Retention` says afterwards.
    #[must_use]
    pub const fn done(self) -> &'static str {
        match self {
            Self::Anonymize => "anonymized",
            Self::Erase => "erased",
        }
    }
}

/// A part of a list.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Page {
    /// Entries, 1 to 100.
    pub limit: u32,
    /// Entries before it.
    pub offset: u32,
}

impl Page {
    fn parse(limit: Option<&str>, offset: Option<&str>) -> Result<Self, InvalidField> {
        Ok(Self {
            limit: whole("limit", limit, 1, LIMIT_MAX)?.unwrap_or(LIMIT),
            offset: whole("offset", offset, 0, OFFSET_MAX)?.unwrap_or(0),
        })
    }
}

fn whole(
    field: &str,
    text: Option<&str>,
    least: u32,
    most: u32,
) -> Result<Option<u32>, InvalidField> {
    let Some(text) = text else { return Ok(None) };
    let number = text.trim().parse().ok();
    let number = number.filter(|number| (least..=most).contains(number));
    number.map(Some).ok_or_else(|| {
        let reason = format!("must be a whole number from {least} to {most}");
        InvalidField::new(field, reason)
    })
}

/// Which records are asked for; all that it names must hold.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RecordFilter {
    /// Of this type.
    pub personality_type: Option<PersonalityType>,
    /// With just this budget.
    pub budget_range: Option<MoneyRange>,
    /// At this stage.
    pub sales_stage: Option<SalesStage>,
    /// With these words in name, profession, location or notes.
    pub search: Option<String>,
    /// Which part of them.
    pub page: Page,
}

impl RecordFilter {
    /// Reads a query; an empty value filters nothing.
    ///
    /// # Errors
    /// [`InvalidInput`] names the first field that breaks a rule.
    pub fn parse(query: &CustomerRecordQuery) -> Result<Self, InvalidInput> {
        let told = |field, told: &Option<String>| text(field, told.as_deref(), SEARCH_CHARS_MAX);
        let kind = told("personality_type", &query.personality_type)?;
        let budget = told("budget_range", &query.budget_range)?;
        let stage = told("sales_stage", &query.sales_stage)?;
        Ok(Self {
            personality_type: kind
                .map(|text| PersonalityType::parse("personality_type", &text))
                .transpose()?,
            budget_range: budget
                .map(|text| MoneyRange::parse("budget_range", &text))
                .transpose()?,
            sales_stage: stage
                .map(|text| SalesStage::parse("sales_stage", &text))
                .transpose()?,
            search: told("search", &query.search)?,
            page: Page::parse(query.limit.as_deref(), query.offset.as_deref())?,
        })
    }
}

/// Which interactions are asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct InteractionFilter {
    /// Which part of them, the latest first.
    pub page: Page,
    /// Whether the recommendations that led them are told.
    pub with_recommendations: bool,
}

impl InteractionFilter {
    /// Reads a query.
    ///
    /// # Errors
    /// [`InvalidInput`] names the first field that breaks a rule.
    pub fn parse(query: &CustomerInteractionQuery) -> Result<Self, InvalidInput> {
        let with_recommendations = match query.include_recommendations.as_deref() {
            None | Some("" | "false" | "0") => false,
            Some("true" | "1") => true,
            Some(other) => {
                let field = "include_recommendations";
                let allowed = vec!["true", "false"];
                return Err(InvalidInput::not_one_of(field, "flag", allowed, other));
            }
        };
        Ok(Self {
            page: Page::parse(query.limit.as_deref(), query.offset.as_deref())?,
            with_recommendations,
        })
    }
}

/// What a list shows of a record beside its id and name, and what it is filtered by: columns, kept with the record.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Overview {
    /// The type, if it is known.
    pub personality_type: Option<PersonalityType>,
    /// The budget.
    pub budget_range: Option<MoneyRange>,
    /// When the customer was met last.
    pub last_interaction: Option<UtcMillis>,
    /// How often.
    pub interaction_count: u32,
    /// What the customer wants, the main product of the last talk about any.
    pub current_interest: Option<String>,
    /// Where the sale stands.
    pub sales_stage: SalesStage,
    /// How complete the record is, in hundredths.
    pub completeness_hundredths: u8,
}

impl Overview {
    /// Of a record and all that was done.
    #[must_use]
    pub fn of(record: &CustomerRecord, history: &History) -> Self {
        Self {
            personality_type: Personality::of(record, history).kind,
            budget_range: record.buying_context.budget_range,
            last_interaction: history.last_at(),
            interaction_count: u32::try_from(history.all().len()).unwrap_or(u32::MAX),
            current_interest: history.current_interest().map(str::to_owned),
            sales_stage: stage::current(history),
            completeness_hundredths: Completeness::of(record).hundredths(),
        }
    }
}
