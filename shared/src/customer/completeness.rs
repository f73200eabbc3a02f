//! How complete a record is: a weighted share of filled fields.
//!
//! share = Σ weight of what is filled / 100, the weights in hundredths (they are ours, a choice and no fit). Of primary
//! decision factors each counts 5, up to four; a list counts when it has an entry. What an advice rests on weighs most: the
//! type, the decision factors, budget and time. A filled field never lowers the share.
//!
//! A record is ready for recommendations when it says what the customer decides by and what it may cost or when
//! (a primary factor; a budget or a timeline), and is complete to 0.60 at least.

use super::record::CustomerRecord;

/// What each primary decision factor weighs.
const FACTOR_WEIGHT: u8 = 5;
/// Primary decision factors that count.
const FACTORS_MAX: u8 = 4;
/// Hundredths from which on a record is ready.
const READY: u8 = 60;

/// How complete a record is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Completeness {
    hundredths: u8,
    /// The fields that would make it more complete, as `demographics.age`.
    pub missing: Vec<&'static str>,
}

impl Completeness {
    /// Measures a record.
    #[must_use]
    pub fn of(record: &CustomerRecord) -> Self {
        let factors = u8::try_from(record.decision_factors.primary.len()).unwrap_or(u8::MAX);
        let factors = factors.min(FACTORS_MAX);
        let fields = fields(record);
        let filled = fields.iter().filter(|(_, _, filled)| *filled);
        let missing = fields.iter().filter(|(_, _, filled)| !filled);
        let mut missing: Vec<&str> = missing.map(|(field, _, _)| *field).collect();
        if factors < FACTORS_MAX {
            missing.push("decision_factors.primary");
        }
        Self {
            hundredths: filled.map(|(_, weight, _)| weight).sum::<u8>() + factors * FACTOR_WEIGHT,
            missing,
        }
    }

    /// The share in hundredths, 0 to 100.
    #[must_use]
    pub const fn hundredths(&self) -> u8 {
        self.hundredths
    }

    /// The share, 0 to 1, to two digits.
    #[must_use]
    pub fn share(&self) -> f64 {
        f64::from(self.hundredths) / 100.0
    }

    /// Whether `record`, which this was measured on, says enough for recommendations.
    #[must_use]
    pub fn is_ready(&self, record: &CustomerRecord) -> bool {
        let buying = &record.buying_context;
        let limits = buying.budget_range.is_some() || buying.timeline.is_some();
        self.hundredths >= READY && limits && !record.decision_factors.primary.is_empty()
    }
}

/// Each field but the primary factors: its name, its weight, and whether it is filled. With 20 of those factors the weights
/// add up to 100.
fn fields(record: &CustomerRecord) -> [(&'static str, u8, bool); 17] {
    let CustomerRecord {
        // Always there.
        name: _,
        email,
        phone,
        demographics,
        personality_assessment,
        communication_preferences: communication,
        decision_factors: factors,
        buying_context: buying,
        // Free text says something, but nobody knows what.
        notes: _,
    } = record;
    [
        ("name", 5, true),
        ("email", 5, email.is_some()),
        ("phone", 5, phone.is_some()),
        ("demographics.age", 4, demographics.age.is_some()),
        (
            "demographics.profession",
            4,
            demographics.profession.is_some(),
        ),
        ("demographics.location", 4, demographics.location.is_some()),
        (
            "demographics.income_range",
            5,
            demographics.income_range.is_some(),
        ),
        (
            "personality_assessment.type",
            12,
            personality_assessment.is_some(),
        ),
        (
            "communication_preferences.style",
            5,
            communication.style.is_some(),
        ),
        (
            "communication_preferences.preferred_channels",
            5,
            !communication.preferred_channels.is_empty(),
        ),
        (
            "communication_preferences.response_time_expectation",
            3,
            communication.response_time_expectation.is_some(),
        ),
        (
            "decision_factors.secondary",
            4,
            !factors.secondary.is_empty(),
        ),
        (
            "decision_factors.deal_breakers",
            4,
            !factors.deal_breakers.is_empty(),
        ),
        (
            "buying_context.budget_range",
            6,
            buying.budget_range.is_some(),
        ),
        ("buying_context.timeline", 5, buying.timeline.is_some()),
        (
            "buying_context.financing_preference",
            3,
            buying.financing_preference.is_some(),
        ),
        // A customer without a car to trade in is as well known as one with it, so it weighs least.
        (
            "buying_context.trade_in_vehicle",
            1,
            buying.trade_in_vehicle.is_some(),
        ),
    ]
}
