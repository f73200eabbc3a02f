//! Changes a record in part: a JSON Merge Patch (RFC 7396) over the record as a request writes it.
//!
//! What is absent stays, `null` clears, objects are merged and lists replace, all by that one rule; then the whole is parsed
//! as a new record would be.
//!
//! The summary tells what a salesperson has to act upon, each as `old → new` (`none` where there is nothing):
//! - what the customer is taken for: `personality_type`;
//! - what a sale may cost, when and how: `budget_range`, `timeline`, `financing_preference`, `trade_in_vehicle`;
//! - the decision factors, primary and secondary ones together, that came and went: `new_decision_factor` and
//!   `removed_decision_factor`; and `new_deal_breaker`, `removed_deal_breaker`. Several are told in one text, with commas.
//!
//! Who the customer is and how to reach them is in the record itself; it changes no plan and is not in the summary.

use std::collections::BTreeMap;

use serde_json::{Map, Value, json};

use super::invalid::InvalidInput;
use super::record::CustomerRecord;
use crate::text::InvalidField;
use crate::wire::customers::{CustomerRecordRequest, CustomerRecordUpdateRequest};

/// A record after a change.
#[derive(Debug, Clone, PartialEq)]
pub struct Updated {
    /// The record as it is now.
    pub record: CustomerRecord,
    /// The names of the top-level fields that changed, in the contract's sequence; empty where nothing did.
    pub fields: Vec<&'static str>,
    /// What a salesperson has to act upon: `old → new` by what it is.
    pub summary: BTreeMap<&'static str, String>,
}

/// Changes a record.
///
/// # Errors
/// [`InvalidInput`] where a field has the wrong type, or the changed record breaks a rule.
pub fn update(
    record: &CustomerRecord,
    patch: &CustomerRecordUpdateRequest,
) -> Result<Updated, InvalidInput> {
    let printed = serde_json::to_value(CustomerRecordRequest::from_record(record));
    // A record always prints; should it not, the patch is read as a new record, which names what it lacks.
    let mut merged = printed.unwrap_or_default();
    merge(&mut merged, &patch.0);
    let request = read(&merged).map_err(|fault| misfit(&patch.0).unwrap_or(fault))?;
    let new = CustomerRecord::parse(&request)?;
    Ok(Updated {
        fields: changed(record, &new),
        summary: summary(record, &new),
        record: new,
    })
}

/// RFC 7396, section 2.
fn merge(target: &mut Value, patch: &Map<String, Value>) {
    if !target.is_object() {
        *target = Value::Object(Map::new());
    }
    let Some(target) = target.as_object_mut() else {
        return;
    };
    for (name, value) in patch {
        match value {
            Value::Null => {
                target.remove(name);
            }
            Value::Object(inner) => {
                merge(target.entry(name).or_insert(Value::Null), inner);
            }
            _ => {
                target.insert(name.clone(), value.clone());
            }
        }
    }
}

fn read(document: &Value) -> Result<CustomerRecordRequest, InvalidInput> {
    serde::Deserialize::deserialize(document).map_err(|fault: serde_json::Error| {
        // The parser's text repeats the value first and tells the rule last.
        let text = fault.to_string();
        let rule = text.rsplit_once(", expected ").map(|(_, rule)| rule);
        let reason = format!("must be {}", rule.unwrap_or("of another type"));
        InvalidField::new("body", reason).into()
    })
}

/// The field of a patch that has the wrong type, found by reading each alone: the record's own fields are right.
fn misfit(patch: &Map<String, Value>) -> Option<InvalidInput> {
    let alone = |field: String, document: &Value| {
        let fault = read(document).err()?;
        let message = fault.message.replacen("body", &field, 1);
        Some(InvalidInput {
            field,
            message,
            ..fault
        })
    };
    patch.iter().find_map(|(name, value)| {
        let inner = value.as_object().into_iter().flatten();
        inner
            .map(|(inner, value)| (format!("{name}.{inner}"), json!({ name: { inner: value } })))
            .chain([(name.clone(), json!({ name: value }))])
            .find_map(|(field, document)| alone(field, &document))
    })
}

fn changed(old: &CustomerRecord, new: &CustomerRecord) -> Vec<&'static str> {
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
    } = old;
    [
        ("name", *name != new.name),
        ("email", *email != new.email),
        ("phone", *phone != new.phone),
        ("demographics", *demographics != new.demographics),
        (
            "personality_assessment",
            *personality_assessment != new.personality_assessment,
        ),
        (
            "communication_preferences",
            *communication_preferences != new.communication_preferences,
        ),
        (
            "decision_factors",
            *decision_factors != new.decision_factors,
        ),
        ("buying_context", *buying_context != new.buying_context),
        ("notes", *notes != new.notes),
    ]
    .into_iter()
    .filter_map(|(field, changed)| changed.then_some(field))
    .collect()
}

fn summary(old: &CustomerRecord, new: &CustomerRecord) -> BTreeMap<&'static str, String> {
    let scalars = |record: &CustomerRecord| {
        let buying = &record.buying_context;
        let assessed = record.personality_assessment;
        let preference = buying.financing_preference;
        [
            (
                "personality_type",
                assessed.map(|one| one.kind.as_str().to_owned()),
            ),
            (
                "budget_range",
                buying.budget_range.map(|range| range.to_string()),
            ),
            ("timeline", buying.timeline.clone()),
            (
                "financing_preference",
                preference.map(|one| one.as_str().to_owned()),
            ),
            ("trade_in_vehicle", buying.trade_in_vehicle.clone()),
        ]
    };
    let none = |told: Option<String>| told.unwrap_or_else(|| "none".to_owned());
    let scalars = scalars(old)
        .into_iter()
        .zip(scalars(new))
        .filter(|(old, new)| old != new)
        .map(|((name, old), (_, new))| (name, format!("{} → {}", none(old), none(new))));
    let factors = |record: &CustomerRecord| {
        let factors = &record.decision_factors;
        [factors.primary.as_slice(), &factors.secondary].concat()
    };
    let (factors, breakers) = (
        [factors(old), factors(new)],
        [old, new].map(|record| &record.decision_factors.deal_breakers),
    );
    let lists = [
        ("new_decision_factor", beyond(&factors[1], &factors[0])),
        ("removed_decision_factor", beyond(&factors[0], &factors[1])),
        ("new_deal_breaker", beyond(breakers[1], breakers[0])),
        ("removed_deal_breaker", beyond(breakers[0], breakers[1])),
    ];
    let lists = lists.into_iter().filter(|(_, words)| !words.is_empty());
    scalars.chain(lists).collect()
}

/// The words that only the first list has, with commas.
fn beyond(words: &[String], others: &[String]) -> String {
    let only = words.iter().filter(|word| !others.contains(word));
    let only: Vec<&str> = only.map(String::as_str).collect();
    only.join(", ")
}
