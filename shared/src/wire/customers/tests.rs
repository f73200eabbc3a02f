//! The contract's own examples.

use serde_json::{Value, json};

use super::*;
use crate::customer::disc::Personality;
use crate::customer::history::{History, RecordedInteraction};
use crate::customer::list::{InteractionFilter, Overview, Page, RecordFilter};
use crate::customer::record::PersonalityType;
use crate::customer::success::SuccessModel;
use crate::customer::update::update;
use crate::customer::{CustomerRecord, Interaction};
use crate::id::{CustomerRecordId, InteractionId};
use crate::time::{DAY_MS, UtcMillis};

fn created() -> Value {
    json!({
        "name": "John Smith",
        "demographics": {
            "age": 35, "profession": "Software Engineer", "location": "Seattle, WA", "income_range": "75k_100k"
        },
        "personality_assessment": {
            "type": "D", "confidence": 0.78, "assessment_method": "conversation_analysis"
        },
        "communication_preferences": {
            "style": "direct", "preferred_channels": ["email", "phone"], "response_time_expectation": "same_day"
        },
        "decision_factors": {
            "primary": ["performance", "safety", "value"],
            "secondary": ["brand_reputation", "fuel_efficiency"],
            "deal_breakers": ["poor_reliability"]
        },
        "buying_context": {
            "budget_range": "40k_60k", "timeline": "within_3_months", "financing_preference": "lease",
            "trade_in_vehicle": "2018 Honda Civic"
        }
    })
}

fn record() -> CustomerRecord {
    serde_json::from_value(created()).unwrap()
}

fn at(text: &str) -> UtcMillis {
    UtcMillis::parse_rfc3339(text).unwrap()
}

fn id() -> CustomerRecordId {
    CustomerRecordId::generate(UtcMillis::new(1), [1; 10])
}

fn interaction(request: &Value) -> RecordedInteraction {
    let request = serde_json::from_value(request.clone()).unwrap();
    let interaction = Interaction::parse(&request, at("2025-09-24T10:30:00Z")).unwrap();
    RecordedInteraction {
        id: InteractionId::generate(interaction.at, [1; 10]),
        recorded_at: interaction.at,
        interaction,
    }
}

/// The one of the contract's detailed profile.
fn first() -> RecordedInteraction {
    interaction(&json!({
        "interaction_type": "sales_call",
        "date": "2025-09-23T14:30:00Z",
        "products_discussed": ["2024 Toyota Camry Hybrid"],
        "outcome": "interested"
    }))
}

/// The one that the contract records.
fn second() -> RecordedInteraction {
    interaction(&json!({
        "interaction_type": "sales_call",
        "date": "2025-09-24T10:30:00Z",
        "duration_minutes": 45,
        "products_discussed": ["2024 Toyota Camry Hybrid", "2024 Toyota Prius"],
        "customer_feedback": {
            "interest_level": "high",
            "primary_concerns": ["monthly_payment", "fuel_economy"],
            "positive_responses": ["safety_features", "hybrid_technology"]
        },
        "salesperson_notes": "Customer very interested in hybrid technology. Wants to compare monthly payment options.",
        "outcome": "scheduled_test_drive",
        "follow_up": {
            "required": true, "date": "2025-09-26T14:00:00Z", "type": "test_drive",
            "notes": "Focus on fuel economy demonstration"
        },
        "recommendation_id": "recommendation-uuid-456",
        "effectiveness_rating": 4,
        "techniques_applied": ["social_proof", "technical_specs"]
    }))
}

#[test]
fn the_created_record_is_answered_as_in_the_contract() {
    let reply =
        CustomerRecordCreatedReply::from_record(&id(), &record(), at("2025-09-24T10:30:00Z"));
    assert_eq!(
        serde_json::to_value(reply).unwrap(),
        json!({
            "id": id().as_str(),
            "name": "John Smith",
            "profile_completeness": 0.85,
            "personality_type": "D",
            "created_at": "2025-09-24T10:30:00Z",
            "recommendation_readiness": true,
            "profile_summary": {
                "key_traits": ["direct_communicator", "performance_focused", "value_conscious"],
                "optimal_sales_approach": "facts_and_benefits",
                "potential_objections": ["price_sensitivity", "decision_timeline"]
            }
        })
    );
}

#[test]
fn an_unknown_type_is_refused_as_in_the_contract() {
    let mut request = created();
    request["personality_assessment"]["type"] = "X".into();
    let request = serde_json::from_value(request).unwrap();
    let fault = CustomerRecord::parse(&request).unwrap_err();
    assert_eq!(fault.message, "Invalid personality type specified");
    assert_eq!(fault.field, "personality_assessment.type");
    assert_eq!(fault.allowed_values, ["D", "I", "S", "C"]);
    assert_eq!(fault.received_value.as_deref(), Some("X"));
}

#[test]
fn an_update_is_answered_as_in_the_contract() {
    let patch = json!({
        "demographics": { "age": 36, "profession": "Senior Software Engineer" },
        "decision_factors": {
            "primary": ["performance", "safety", "value", "technology"],
            "secondary": ["brand_reputation", "fuel_efficiency"]
        },
        "buying_context": { "budget_range": "45k_65k", "timeline": "within_2_months" }
    });
    let updated = update(&record(), &serde_json::from_value(patch).unwrap()).unwrap();
    let reply =
        CustomerRecordUpdatedReply::from_update(&id(), &updated, at("2025-09-24T10:30:00Z"));
    assert_eq!(
        serde_json::to_value(reply).unwrap(),
        json!({
            "id": id().as_str(),
            "updated_fields": ["demographics", "decision_factors", "buying_context"],
            "profile_completeness": 0.90,
            "last_updated": "2025-09-24T10:30:00Z",
            "changes_summary": {
                "budget_range": "40k_60k → 45k_65k",
                "timeline": "within_3_months → within_2_months",
                "new_decision_factor": "technology"
            }
        })
    );
    assert_eq!(
        updated.record.demographics.location.as_deref(),
        Some("Seattle, WA")
    );
    assert_eq!(
        updated.record.decision_factors.deal_breakers,
        ["poor_reliability"]
    );
}

#[test]
fn a_recorded_interaction_is_answered_as_in_the_contract() {
    let history = History::new(vec![second(), first()]);
    let reply = CustomerInteractionRecordedReply::from_history(
        &id(),
        &record(),
        &history,
        &second(),
        &SuccessModel::prior(),
    );
    assert_eq!(
        serde_json::to_value(reply).unwrap(),
        json!({
            "interaction_id": second().id.as_str(),
            "customer_id": id().as_str(),
            "recorded_at": "2025-09-24T10:30:00Z",
            "profile_updates": {
                "interest_level": "increased",
                "new_concerns_identified": ["monthly_payment"],
                "sales_stage_progression": "presentation → negotiation"
            },
            "ai_insights": {
                "recommended_follow_up": "Prepare financing options comparison for test drive appointment",
                "personality_confirmation": "Direct communication style confirmed",
                "success_probability": 0.78,
                "basis": "prior"
            }
        })
    );
}

#[test]
fn interactions_are_listed_as_in_the_contract() {
    let history = History::new(vec![first(), second()]);
    let filter = InteractionFilter {
        page: Page {
            limit: 1,
            offset: 0,
        },
        with_recommendations: true,
    };
    let now = at("2025-09-24T12:00:00Z");
    let reply = CustomerInteractionListReply::from_history(&id(), &history, filter, now);
    assert_eq!(
        serde_json::to_value(reply).unwrap(),
        json!({
            "customer_id": id().as_str(),
            "interactions": [{
                "id": second().id.as_str(),
                "date": "2025-09-24T10:30:00Z",
                "type": "sales_call",
                "duration_minutes": 45,
                "outcome": "scheduled_test_drive",
                "effectiveness_rating": 4,
                "recommendation_used": {
                    "id": "recommendation-uuid-456",
                    "effectiveness": "high",
                    "techniques_applied": ["social_proof", "technical_specs"]
                }
            }],
            "interaction_summary": {
                "total_interactions": 2,
                "average_duration": 45,
                "progression": "prospecting → presentation → negotiation",
                "success_indicators": ["advanced_stage"]
            }
        })
    );
}

#[test]
fn a_record_is_told_with_what_was_sent_and_what_follows() {
    let (id, record, history) = (id(), record(), History::new(vec![first()]));
    let facts = RecordFacts {
        id: &id,
        record: &record,
        history: &history,
        recommendations: 7,
        shopper: None,
        created: at("2025-09-20T09:15:00Z"),
        updated: at("2025-09-23T14:30:00Z"),
    };
    let reply = CustomerRecordReply::from_facts(&facts, at("2025-09-24T10:30:00Z"));
    let reply = serde_json::to_value(reply).unwrap();
    for group in [
        "demographics",
        "personality_assessment",
        "decision_factors",
        "buying_context",
    ] {
        assert_eq!(reply[group], created()[group], "{group}");
    }
    assert_eq!(
        reply["interaction_history"],
        json!([{
            "id": first().id.as_str(),
            "date": "2025-09-23T14:30:00Z",
            "type": "sales_call",
            "product_discussed": "2024 Toyota Camry Hybrid",
            "outcome": "interested",
            "next_steps": "Schedule test drive"
        }])
    );
    assert_eq!(reply["personality_profile"]["type"], "D");
    assert_eq!(
        reply["personality_profile"]["communication_style"],
        "direct"
    );
    assert_eq!(reply["last_updated"], "2025-09-23T14:30:00Z");
    assert_eq!(reply["recommendations_generated"], 7);
    assert_eq!(reply["average_recommendation_effectiveness"], Value::Null);
}

#[test]
fn the_vector_follows_from_assessment_style_pace_topics_and_notes() {
    let personality = Personality::of(&record(), &History::new(vec![first(), second()]));
    let told = |kind| rounded(personality.traits.get(kind));
    // D: 3 × 0.78 of the analysis, 1 of the style, 1 of a decision within a week; S: half of the safety features;
    // C: halves of fuel economy, technology and a word in the notes. The contract's own vector is 0.82, 0.34, 0.28, 0.61.
    let vector = [
        (PersonalityType::D, 0.81),
        (PersonalityType::I, 0.36),
        (PersonalityType::S, 0.32),
        (PersonalityType::C, 0.71),
    ];
    for (kind, expected) in vector {
        assert_eq!(told(kind), expected, "{kind:?}");
    }
    let style = personality.decision_making_style();
    assert_eq!(style.as_deref(), Some("fast_analytical"));
}

#[test]
fn a_page_is_answered_as_in_the_contract() {
    let overview = Overview::of(&record(), &History::new(vec![first()]));
    let item = CustomerRecordItem::from_overview(&id(), "John Smith".into(), overview);
    let page = Page {
        limit: 1,
        offset: 0,
    };
    let reply = CustomerRecordListReply::from_page(vec![item], 47, page);
    assert_eq!(
        serde_json::to_value(reply).unwrap(),
        json!({
            "customers": [{
                "id": id().as_str(),
                "name": "John Smith",
                "personality_type": "D",
                "budget_range": "40k_60k",
                "last_interaction": "2025-09-23T14:30:00Z",
                "interaction_count": 1,
                "current_interest": "2024 Toyota Camry Hybrid",
                "sales_stage": "presentation",
                "profile_completeness": 0.85
            }],
            "total_count": 47,
            "pagination": { "limit": 1, "offset": 0, "has_more": true }
        })
    );
}

#[test]
fn the_contracts_query_is_read_and_a_wrong_one_names_its_field() {
    let query = |query: Value| RecordFilter::parse(&serde_json::from_value(query).unwrap());
    let filter = query(json!({
        "personality_type": "D", "budget_range": "40k_60k", "search": "engineer", "limit": "20", "offset": "0"
    }))
    .unwrap();
    assert_eq!(
        filter.page,
        Page {
            limit: 20,
            offset: 0
        }
    );
    for (field, value) in [
        ("limit", "0"),
        ("limit", "101"),
        ("limit", "ten"),
        ("offset", "-1"),
        ("personality_type", "X"),
        ("budget_range", "cheap"),
        ("sales_stage", "closed"),
    ] {
        assert_eq!(query(json!({ field: value })).unwrap_err().field, field);
    }
}

#[test]
fn an_interaction_that_breaks_a_rule_names_its_field() {
    let now = at("2025-09-24T10:30:00Z");
    let good = json!({ "interaction_type": "email", "date": "2025-09-24T10:30:00Z" });
    for (change, field) in [
        (json!({ "interaction_type": null }), "interaction_type"),
        (json!({ "interaction_type": "fax" }), "interaction_type"),
        (json!({ "date": null }), "date"),
        (json!({ "date": "2025-09-24" }), "date"),
        (
            json!({ "date": now.plus(DAY_MS + 1000).to_rfc3339() }),
            "date",
        ),
        (json!({ "duration_minutes": -1 }), "duration_minutes"),
        (json!({ "duration_minutes": 1441 }), "duration_minutes"),
        (
            json!({ "products_discussed": [""] }),
            "products_discussed[0]",
        ),
        (
            json!({ "customer_feedback": { "interest_level": "huge" } }),
            "customer_feedback.interest_level",
        ),
        (json!({ "effectiveness_rating": 6 }), "effectiveness_rating"),
        (json!({ "salesperson_notes": "a\0" }), "salesperson_notes"),
        (json!({ "follow_up": { "date": "soon" } }), "follow_up.date"),
        (json!({ "outcome": "x".repeat(101) }), "outcome"),
    ] {
        let mut request = good.clone();
        request
            .as_object_mut()
            .unwrap()
            .extend(change.as_object().unwrap().clone());
        let request = serde_json::from_value(request).unwrap();
        assert_eq!(Interaction::parse(&request, now).unwrap_err().field, field);
    }
    let request = serde_json::from_value(good).unwrap();
    assert!(Interaction::parse(&request, now).is_ok());
}
