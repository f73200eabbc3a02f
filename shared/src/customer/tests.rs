//! The rules, as properties; the cases are in the modules below.

mod histories;
mod records;

use proptest::collection::vec;
use proptest::option::of;
use proptest::prelude::*;
use proptest::sample::select;
use serde_json::{Map, Value, json};

use super::completeness::Completeness;
use super::disc::{Personality, Traits};
use super::evidence::Evidence;
use super::interaction::{InteractionKind, InterestLevel};
use super::record::PersonalityType;
use super::stage::{self, SalesStage};
use super::success::{Sample, SuccessModel};
use super::update::{Updated, update};
use super::*;
use crate::id::InteractionId;
use crate::time::{DAY_MS, UtcMillis};
use crate::wire::customers::{
    CustomerInteractionRequest, CustomerRecordRequest, CustomerRecordUpdateRequest,
};

const WORDS: [&str; 8] = [
    "performance",
    "Safety",
    "fuel economy",
    "monthly-payment",
    "technology",
    "warranty",
    "design",
    "étoile",
];
const OUTCOMES: [&str; 8] = [
    "interested",
    "scheduled_test_drive",
    "purchased",
    "lost",
    "no_answer",
    "quote_requested",
    "thinking",
    "not_interested",
];

/// A part of a request: each field there, or not.
fn group(
    fields: Vec<(&'static str, BoxedStrategy<Value>)>,
) -> impl Strategy<Value = Map<String, Value>> {
    let (names, values): (Vec<_>, Vec<_>) = fields.into_iter().unzip();
    let values: Vec<_> = values.into_iter().map(of).collect();
    values.prop_map(move |values| {
        let told = names.iter().zip(values);
        let told = told.filter_map(|(name, value)| Some(((*name).to_owned(), value?)));
        told.collect()
    })
}

fn any_of(values: &[&'static str]) -> BoxedStrategy<Value> {
    select(values.to_vec()).prop_map(Value::from).boxed()
}

fn any_text() -> BoxedStrategy<Value> {
    "[ A-Za-zÀ-ž'.]{0,20}".prop_map(Value::from).boxed()
}

fn any_words() -> BoxedStrategy<Value> {
    vec(select(WORDS.to_vec()), 0..6)
        .prop_map(Value::from)
        .boxed()
}

fn any_object(fields: Vec<(&'static str, BoxedStrategy<Value>)>) -> BoxedStrategy<Value> {
    group(fields).prop_map(Value::Object).boxed()
}

/// Every field but the name may be missing.
fn any_fields() -> impl Strategy<Value = Map<String, Value>> {
    let ranges = ["40k_60k", "under_30k", "over_100k", "100k_plus"];
    let confidence = (0.0..=1.0).prop_map(Value::from).boxed();
    let assessment = group(vec![
        ("confidence", confidence),
        (
            "assessment_method",
            any_of(&["survey", "manual", "conversation_analysis"]),
        ),
    ]);
    let kinds = select(vec!["D", "I", "S", "C"]);
    let assessment = (assessment, kinds).prop_map(|(mut assessment, kind)| {
        assessment.insert("type".into(), kind.into());
        Value::Object(assessment)
    });
    group(vec![
        ("email", any_of(&["A@Example.com", "b@example.com"])),
        ("phone", any_text()),
        ("notes", any_text()),
        (
            "demographics",
            any_object(vec![
                ("age", (0..=150).prop_map(Value::from).boxed()),
                ("profession", any_text()),
                ("location", any_text()),
                ("income_range", any_of(&ranges)),
            ]),
        ),
        ("personality_assessment", assessment.boxed()),
        (
            "communication_preferences",
            any_object(vec![
                ("style", any_of(&["direct", "Detailed", "warm", "odd"])),
                ("preferred_channels", any_words()),
                ("response_time_expectation", any_text()),
            ]),
        ),
        (
            "decision_factors",
            any_object(vec![
                ("primary", any_words()),
                ("secondary", any_words()),
                ("deal_breakers", any_words()),
            ]),
        ),
        (
            "buying_context",
            any_object(vec![
                ("budget_range", any_of(&ranges)),
                ("timeline", any_of(&["within_3_months", "no rush", "asap"])),
                (
                    "financing_preference",
                    any_of(&["lease", "finance", "cash"]),
                ),
                ("trade_in_vehicle", any_text()),
            ]),
        ),
    ])
}

fn any_record() -> impl Strategy<Value = CustomerRecord> {
    ("[A-Za-zÀ-ž]{1,20}", any_fields()).prop_map(|(name, mut fields)| {
        fields.insert("name".into(), name.into());
        serde_json::from_value(Value::Object(fields)).unwrap()
    })
}

/// One that says nothing, some minutes after the epoch.
fn interaction(minute: i64) -> Interaction {
    Interaction {
        kind: InteractionKind::Email,
        at: UtcMillis::new(minute * 60_000),
        duration_minutes: None,
        products_discussed: Vec::new(),
        interest_level: None,
        primary_concerns: Vec::new(),
        positive_responses: Vec::new(),
        salesperson_notes: None,
        outcome: None,
        follow_up: None,
        recommendation_id: None,
        effectiveness_rating: None,
        techniques_applied: Vec::new(),
    }
}

fn recorded(number: u8, interaction: Interaction) -> RecordedInteraction {
    RecordedInteraction {
        id: InteractionId::generate(UtcMillis::new(0), [number; 10]),
        recorded_at: UtcMillis::new(0),
        interaction,
    }
}

prop_compose! {
    fn any_interaction()(
        minute in 0i64..90_000,
        kind in select(InteractionKind::ALL),
        interest_level in of(select(InterestLevel::ALL)),
        concerns in vec(select(WORDS.to_vec()), 0..3),
        liked in vec(select(WORDS.to_vec()), 0..3),
        outcome in of(select(OUTCOMES.to_vec())),
        notes in of("(direct|not calm|excited|compares data|patient|, ){0,5}"),
        duration_minutes in of(0u16..=1440),
    ) -> Interaction {
        let owned = |words: Vec<&str>| words.into_iter().map(|word| word.to_lowercase()).collect();
        Interaction {
            kind,
            interest_level,
            duration_minutes,
            primary_concerns: owned(concerns),
            positive_responses: owned(liked),
            outcome: outcome.map(str::to_owned),
            salesperson_notes: notes,
            ..interaction(minute)
        }
    }
}

fn any_interactions() -> impl Strategy<Value = Vec<RecordedInteraction>> {
    let numbered = |all: Vec<Interaction>| {
        let all = (0_u8..).zip(all);
        all.map(|(number, one)| recorded(number, one)).collect()
    };
    vec(any_interaction(), 0..12).prop_map(numbered)
}

proptest! {
    #[test]
    fn a_printed_record_reads_back(record in any_record()) {
        let text = serde_json::to_string(&record).unwrap();
        prop_assert_eq!(serde_json::from_str::<CustomerRecord>(&text).unwrap(), record);
    }

    #[test]
    fn no_texts_make_parsing_panic(name: String, style: String, range: String, word: String) {
        let request = json!({
            "name": name,
            "communication_preferences": { "style": style },
            "buying_context": { "budget_range": range },
            "decision_factors": { "primary": [word] },
        });
        let request: CustomerRecordRequest = serde_json::from_value(request).unwrap();
        if let Ok(record) = CustomerRecord::parse(&request) {
            let printed = CustomerRecordRequest::from_record(&record);
            prop_assert_eq!(CustomerRecord::parse(&printed).unwrap(), record);
        }
    }

    #[test]
    fn no_texts_make_an_interactions_parsing_panic(kind: String, date: String, outcome: String, minutes: Option<i64>) {
        let request = CustomerInteractionRequest {
            interaction_type: Some(kind),
            date: Some(date),
            outcome: Some(outcome),
            duration_minutes: minutes,
            ..CustomerInteractionRequest::default()
        };
        let _ = Interaction::parse(&request, UtcMillis::new(0));
    }

    #[test]
    fn an_update_made_twice_changes_nothing_the_second_time(record in any_record(), patch in any_fields()) {
        let patch = CustomerRecordUpdateRequest(patch);
        let once = update(&record, &patch).unwrap().record;
        let Updated { record, fields, summary } = update(&once, &patch).unwrap();
        prop_assert_eq!(record, once);
        prop_assert!(fields.is_empty() && summary.is_empty());
    }

    #[test]
    fn an_update_with_nothing_in_it_changes_nothing(record in any_record()) {
        let updated = update(&record, &CustomerRecordUpdateRequest::default()).unwrap();
        prop_assert_eq!(updated.record, record);
        prop_assert!(updated.fields.is_empty());
    }

    #[test]
    fn a_filled_field_never_lowers_the_completeness(record in any_record(), patch in any_fields()) {
        // A text of spaces, or a list of nothing, is a field that is cleared.
        let mut patch = patch;
        for group in patch.values_mut() {
            if let Value::Object(group) = group {
                group.retain(|_, value| value.as_array().is_none());
                group.retain(|_, value| value.as_str().is_none_or(|text| !text.trim().is_empty()));
            }
        }
        patch.remove("phone");
        let updated = update(&record, &CustomerRecordUpdateRequest(patch)).unwrap();
        let (old, new) = (Completeness::of(&record), Completeness::of(&updated.record));
        prop_assert!(old.hundredths() <= new.hundredths() && new.hundredths() <= 100);
    }

    #[test]
    fn a_record_is_complete_when_nothing_is_missing(record in any_record()) {
        let completeness = Completeness::of(&record);
        prop_assert_eq!(completeness.missing.is_empty(), completeness.hundredths() == 100);
    }

    #[test]
    fn a_history_is_the_same_however_it_was_recorded(
        record in any_record(),
        (sent, shuffled) in any_interactions().prop_flat_map(|all| (Just(all.clone()), Just(all).prop_shuffle())),
    ) {
        let (sent, shuffled) = (History::new(sent), History::new(shuffled));
        prop_assert_eq!(&sent, &shuffled);
        prop_assert_eq!(stage::progression(&sent), stage::progression(&shuffled));
        prop_assert_eq!(Personality::of(&record, &sent), Personality::of(&record, &shuffled));
    }

    #[test]
    fn evidence_for_a_trait_raises_it_and_no_sequence_matters(
        record in any_record(),
        signs in vec((select(PersonalityType::ALL), 0u32..5), 0..10),
        kind in select(PersonalityType::ALL),
    ) {
        let add = |all: Evidence, (kind, halves): &(PersonalityType, u32)| all.with(*kind, *halves);
        let forward = signs.iter().fold(Evidence::default(), add);
        let backward = signs.iter().rev().fold(Evidence::default(), add);
        let assessment = record.personality_assessment.as_ref();
        let traits = Traits::of(assessment, &forward);
        prop_assert_eq!(traits, Traits::of(assessment, &backward));
        let more = Traits::of(assessment, &forward.with(kind, 1));
        prop_assert!(more.get(kind) > traits.get(kind));
        prop_assert!(more.get(kind.opposite()) < traits.get(kind.opposite()));
        prop_assert!((0.0..=1.0).contains(&more.get(kind)));
    }

    #[test]
    fn an_open_sale_never_goes_back(all in any_interactions()) {
        let stages = stage::progression(&History::new(all));
        for step in stages.windows(2) {
            prop_assert!(step[0] < step[1] || step[0].is_closed(), "{stages:?}");
        }
        prop_assert_eq!(stages[0], SalesStage::Prospecting);
    }

    #[test]
    fn a_probability_is_certain_for_closed_sales_only(record in any_record(), all in any_interactions(), days in 0i64..9_999) {
        let history = History::new(all);
        let probability = SuccessModel::prior().probability(&record, &history, UtcMillis::new(days * DAY_MS));
        let certain = probability <= 0.0 || probability >= 1.0;
        prop_assert_eq!(certain, stage::current(&history).is_closed());
        prop_assert_eq!(certain, Sample::of(&record, &history).is_some());
    }
}

fn named(name: &str, more: Value) -> CustomerRecord {
    let mut fields = more.as_object().unwrap().clone();
    fields.insert("name".into(), name.into());
    serde_json::from_value(Value::Object(fields)).unwrap()
}
