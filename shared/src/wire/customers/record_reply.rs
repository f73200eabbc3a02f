//! What the routes answer that create, list and change records. Times are RFC 3339 in UTC to the second; what is not known
//! is `null`.

use std::collections::BTreeMap;

use serde::Serialize;

use crate::customer::advice;
use crate::customer::completeness::Completeness;
use crate::customer::disc::Personality;
use crate::customer::history::History;
use crate::customer::list::{Overview, Page};
use crate::customer::record::{CustomerRecord, PersonalityType};
use crate::customer::stage::SalesStage;
use crate::customer::update::Updated;
use crate::id::CustomerRecordId;
use crate::time::UtcMillis;

/// A created record.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct CustomerRecordCreatedReply {
    /// Its id.
    pub id: String,
    /// The name.
    #[cfg_attr(feature = "openapi", schema(example = "John Smith"))]
    pub name: String,
    /// The weighted share of filled fields, 0 to 1.
    #[cfg_attr(feature = "openapi", schema(example = 0.85))]
    pub profile_completeness: f64,
    /// The type.
    pub personality_type: Option<PersonalityType>,
    /// When it was created.
    #[cfg_attr(feature = "openapi", schema(example = "2025-09-24T10:30:00Z"))]
    pub created_at: String,
    /// Whether it says enough for recommendations.
    pub recommendation_readiness: bool,
    /// How to sell to the customer.
    pub profile_summary: CustomerRecordSummary,
}

/// How to sell to a customer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct CustomerRecordSummary {
    /// What the customer is like.
    #[cfg_attr(feature = "openapi", schema(example = json!(["direct_communicator", "performance_focused", "value_conscious"])))]
    pub key_traits: Vec<String>,
    /// What works best.
    #[cfg_attr(feature = "openapi", schema(example = "facts_and_benefits"))]
    pub optimal_sales_approach: String,
    /// What will probably be objected.
    #[cfg_attr(feature = "openapi", schema(example = json!(["price_sensitivity", "decision_timeline"])))]
    pub potential_objections: Vec<String>,
}

impl CustomerRecordSummary {
    pub(super) fn from_record(record: &CustomerRecord, kind: Option<PersonalityType>) -> Self {
        let objections = advice::objections(kind, record);
        Self {
            key_traits: advice::key_traits(kind, record),
            optimal_sales_approach: advice::approach(kind).to_owned(),
            potential_objections: objections.into_iter().map(str::to_owned).collect(),
        }
    }
}

impl CustomerRecordCreatedReply {
    /// The reply for a record that was created just now.
    #[must_use]
    pub fn from_record(id: &CustomerRecordId, record: &CustomerRecord, created: UtcMillis) -> Self {
        let completeness = Completeness::of(record);
        let kind = Personality::of(record, &History::default()).kind;
        Self {
            id: id.to_string(),
            name: record.name.clone(),
            profile_completeness: completeness.share(),
            personality_type: kind,
            created_at: created.to_rfc3339_seconds(),
            recommendation_readiness: completeness.is_ready(record),
            profile_summary: CustomerRecordSummary::from_record(record, kind),
        }
    }
}

/// A page of records.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct CustomerRecordListReply {
    /// The records.
    pub customers: Vec<CustomerRecordItem>,
    /// Records in all pages.
    #[cfg_attr(feature = "openapi", schema(example = 47))]
    pub total_count: u64,
    /// Which page it is.
    pub pagination: CustomerRecordPagination,
}

/// A record in a list.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct CustomerRecordItem {
    /// Its id.
    pub id: String,
    /// The name.
    pub name: String,
    /// The type.
    pub personality_type: Option<PersonalityType>,
    /// What may be spent.
    #[cfg_attr(feature = "openapi", schema(example = "40k_60k"))]
    pub budget_range: Option<String>,
    /// When the customer was met last.
    #[cfg_attr(feature = "openapi", schema(example = "2025-09-23T14:30:00Z"))]
    pub last_interaction: Option<String>,
    /// How often the customer was met.
    pub interaction_count: u32,
    /// The main product of the last talk about any.
    #[cfg_attr(feature = "openapi", schema(example = "2024 Toyota Camry Hybrid"))]
    pub current_interest: Option<String>,
    /// Where the sale stands.
    pub sales_stage: SalesStage,
    /// The weighted share of filled fields, 0 to 1.
    pub profile_completeness: f64,
}

/// Which part of a list it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct CustomerRecordPagination {
    /// Most entries of it.
    pub limit: u32,
    /// Entries before it.
    pub offset: u32,
    /// Whether there are entries behind it.
    pub has_more: bool,
}

impl CustomerRecordListReply {
    /// A page of `total` records.
    #[must_use]
    pub fn from_page(customers: Vec<CustomerRecordItem>, total: u64, page: Page) -> Self {
        let told = u64::try_from(customers.len()).unwrap_or(u64::MAX);
        Self {
            customers,
            total_count: total,
            pagination: CustomerRecordPagination {
                limit: page.limit,
                offset: page.offset,
                has_more: u64::from(page.offset).saturating_add(told) < total,
            },
        }
    }
}

impl CustomerRecordItem {
    /// A record as a list shows it.
    #[must_use]
    pub fn from_overview(id: &CustomerRecordId, name: String, overview: Overview) -> Self {
        let Overview {
            personality_type,
            budget_range,
            last_interaction,
            interaction_count,
            current_interest,
            sales_stage,
            completeness_hundredths,
        } = overview;
        Self {
            id: id.to_string(),
            name,
            personality_type,
            budget_range: budget_range.map(|range| range.to_string()),
            last_interaction: last_interaction.map(UtcMillis::to_rfc3339_seconds),
            interaction_count,
            current_interest,
            sales_stage,
            profile_completeness: f64::from(completeness_hundredths) / 100.0,
        }
    }
}

/// A changed record.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct CustomerRecordUpdatedReply {
    /// Its id.
    pub id: String,
    /// The top-level fields that changed.
    #[cfg_attr(feature = "openapi", schema(example = json!(["demographics", "decision_factors", "buying_context"])))]
    pub updated_fields: Vec<String>,
    /// The weighted share of filled fields, 0 to 1.
    #[cfg_attr(feature = "openapi", schema(example = 0.9))]
    pub profile_completeness: f64,
    /// When it changed last.
    #[cfg_attr(feature = "openapi", schema(example = "2025-09-24T10:30:00Z"))]
    pub last_updated: String,
    /// What a salesperson has to act upon, as `old → new`.
    #[cfg_attr(feature = "openapi", schema(example = json!({"budget_range": "40k_60k → 45k_65k", "new_decision_factor": "technology"})))]
    pub changes_summary: BTreeMap<String, String>,
}

impl CustomerRecordUpdatedReply {
    /// The reply for a change; `updated` is when the record changed last, which is earlier where nothing changed now.
    #[must_use]
    pub fn from_update(id: &CustomerRecordId, change: &Updated, updated: UtcMillis) -> Self {
        let Updated {
            record,
            fields,
            summary,
        } = change;
        let summary = summary
            .iter()
            .map(|(name, text)| ((*name).to_owned(), text.clone()));
        Self {
            id: id.to_string(),
            updated_fields: fields.iter().map(|field| (*field).to_owned()).collect(),
            profile_completeness: Completeness::of(record).share(),
            last_updated: updated.to_rfc3339_seconds(),
            changes_summary: summary.collect(),
        }
    }
}
