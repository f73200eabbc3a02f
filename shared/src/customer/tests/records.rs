//! Reading, changing and finding records.

use serde_json::{Value, json};

use super::super::duplicate::DuplicateKey;
use super::super::record::{CustomerRecord, Demographics};
use super::super::update::update;
use super::named;
use crate::wire::customers::CustomerRecordRequest;

#[test]
fn a_record_that_breaks_a_rule_names_its_field() {
    for (request, field) in [
        (json!({}), "name"),
        (json!({ "name": "  " }), "name"),
        (json!({ "name": "a\tb" }), "name"),
        (json!({ "name": "a".repeat(201) }), "name"),
        (json!({ "name": "a", "email": "nobody" }), "email"),
        (
            json!({ "name": "a", "demographics": { "age": 151 } }),
            "demographics.age",
        ),
        (
            json!({ "name": "a", "personality_assessment": { "confidence": 0.5 } }),
            "personality_assessment.type",
        ),
        (
            json!({ "name": "a", "personality_assessment": { "type": "D", "confidence": 1.1 } }),
            "personality_assessment.confidence",
        ),
        (
            json!({ "name": "a", "decision_factors": { "primary": vec!["a"; 51] } }),
            "decision_factors.primary",
        ),
        (
            json!({ "name": "a", "decision_factors": { "primary": ["a", " "] } }),
            "decision_factors.primary[1]",
        ),
        (
            json!({ "name": "a", "buying_context": { "financing_preference": "gold" } }),
            "buying_context.financing_preference",
        ),
    ] {
        let request: CustomerRecordRequest = serde_json::from_value(request).unwrap();
        assert_eq!(CustomerRecord::parse(&request).unwrap_err().field, field);
    }
}

#[test]
fn a_confidence_of_many_digits_is_stored_as_it_is_told() {
    // JSON's reader is not exact in the last of so many digits.
    let told =
        json!({ "personality_assessment": { "type": "D", "confidence": 0.984_701_779_414_264_7 } });
    let text = serde_json::to_string(&named("a", told)).unwrap();
    assert!(text.contains("0.985"), "{text}");
    let read: CustomerRecord = serde_json::from_str(&text).unwrap();
    assert_eq!(serde_json::to_string(&read).unwrap(), text);
}

#[test]
fn null_clears_a_field_and_a_whole_group() {
    let record = named(
        "a",
        json!({ "phone": "1", "demographics": { "age": 3, "location": "x" } }),
    );
    let patch = |patch: Value| serde_json::from_value(patch).unwrap();
    let cleared = update(
        &record,
        &patch(json!({ "phone": null, "demographics": { "age": null } })),
    );
    let cleared = cleared.unwrap();
    assert_eq!(cleared.fields, ["phone", "demographics"]);
    assert_eq!(cleared.record.demographics.location.as_deref(), Some("x"));
    let cleared = update(&record, &patch(json!({ "demographics": null }))).unwrap();
    assert_eq!(cleared.record.demographics, Demographics::default());
    assert_eq!(
        update(&record, &patch(json!({ "name": null })))
            .unwrap_err()
            .field,
        "name"
    );
}

#[test]
fn a_field_of_another_type_is_named_and_its_value_is_not_repeated() {
    let record = named("a", json!({}));
    for (patch, field) in [
        (
            json!({ "demographics": { "age": "secret" } }),
            "demographics.age",
        ),
        (json!({ "demographics": "secret" }), "demographics"),
        (json!({ "name": 5 }), "name"),
        (
            json!({ "decision_factors": { "primary": ["a", 5] } }),
            "decision_factors.primary",
        ),
    ] {
        let fault = update(&record, &serde_json::from_value(patch).unwrap()).unwrap_err();
        assert_eq!(fault.field, field);
        assert!(
            fault.message.starts_with(&format!("{field} must be ")),
            "{fault}"
        );
        assert!(!fault.message.contains("secret"), "{fault}");
    }
}

#[test]
fn what_came_and_went_is_summed_up() {
    let old = named(
        "a",
        json!({
            "decision_factors": { "primary": ["safety", "value"], "secondary": ["design"], "deal_breakers": ["noise"] },
            "buying_context": { "timeline": "asap" }
        }),
    );
    let patch = json!({
        "decision_factors": { "primary": ["design", "comfort", "space"], "secondary": [], "deal_breakers": [] },
        "buying_context": { "timeline": null, "budget_range": "1k_2k" },
        "personality_assessment": { "type": "S" }
    });
    let summary = update(&old, &serde_json::from_value(patch).unwrap())
        .unwrap()
        .summary;
    let summary: Vec<(&str, &str)> = summary
        .iter()
        .map(|(name, text)| (*name, text.as_str()))
        .collect();
    assert_eq!(
        summary,
        [
            ("budget_range", "none → 1k_2k"),
            ("new_decision_factor", "comfort, space"),
            ("personality_type", "none → S"),
            ("removed_deal_breaker", "noise"),
            ("removed_decision_factor", "safety, value"),
            ("timeline", "asap → none"),
        ]
    );
}

#[test]
fn a_person_is_found_again_and_a_name_alone_is_none() {
    let key = |name: &str, more: Value| DuplicateKey::of(&named(name, more));
    let seattle = json!({ "demographics": { "age": 35, "location": "Seattle, WA" } });
    let typed = json!({ "demographics": { "age": 35, "location": " seattle  wa " } });
    assert_eq!(
        key("José Smith", seattle.clone()),
        key("JOSE  SMITH", typed)
    );
    assert_ne!(
        key("John Smith", seattle.clone()),
        key("Jon Smith", seattle)
    );
    assert_eq!(key("John Smith", json!({})), None);
}
