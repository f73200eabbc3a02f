//! What somebody allows: the words that are recorded, which of them counts, and what follows from it.
//!
//! Every word is kept, because whoever relies on a consent must be able to show it (GDPR, article 7(1)). Which one counts
//! depends on when people decided, never on the sequence in which their words arrive
//! (`the_sequence_in_which_words_arrive_does_not_matter`).

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::event::{Event, EventKind};
use crate::shop::ShopSettings;
use crate::text::{InvalidField, required};
use crate::time::UtcMillis;

/// How far ahead of the server's clock a decision may lie, in milliseconds: clocks differ.
pub const AHEAD_MS_MAX: i64 = 5 * 60_000;
/// Longest source, in characters.
const SOURCE_CHARS_MAX: usize = 100;
/// Segment's events that tell a decision when it is made; the second is the older name. All other events only repeat what was
/// decided.
const DECISIONS: [&str; 2] = [
    "Segment Consent Preference Updated",
    "Segment Consent Preference",
];
/// Segment's categories, in lower case, and what they stand for here.
const CATEGORIES: [(&str, Purpose); 6] = [
    ("analytics", Purpose::Tracking),
    ("functional", Purpose::Personalization),
    ("personalization", Purpose::Personalization),
    ("advertising", Purpose::Email),
    ("email", Purpose::Email),
    ("marketing", Purpose::Email),
];

/// What data of a person are used for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[cfg_attr(
    feature = "openapi",
    derive(utoipa::ToSchema),
    schema(as = ConsentPurpose)
)]
pub enum Purpose {
    /// Following what the person does.
    Tracking,
    /// Using the profile for offers and recommendations.
    Personalization,
    /// Writing to the person.
    Email,
}

impl Purpose {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::Tracking, Self::Personalization, Self::Email];

    /// As it is stored and written.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Tracking => "tracking",
            Self::Personalization => "personalization",
            Self::Email => "email",
        }
    }

    /// Reads what [`Purpose::as_str`] wrote.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|one| one.as_str() == text)
    }

    /// Whether it is allowed where nothing is recorded. Before a page is tracked or personalized, the tracker and the shop's
    /// own tag ask; whether a mail needs a word of its own depends on the shop's country, so the shop decides.
    #[must_use]
    pub const fn is_allowed_unasked(self, settings: &ShopSettings) -> bool {
        match self {
            Self::Tracking | Self::Personalization => true,
            Self::Email => !settings.email_needs_consent,
        }
    }

    fn of_category(category: &str) -> Option<Self> {
        let found = CATEGORIES
            .iter()
            .find(|(name, _)| name.eq_ignore_ascii_case(category));
        found.map(|(_, purpose)| *purpose)
    }
}

/// A person's word on one purpose.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ConsentRecord {
    /// What it is about.
    pub purpose: Purpose,
    /// Whether the person allows it.
    pub granted: bool,
    /// Where it was given, as `checkout` or `preference centre`: 1 to 100 characters.
    pub source: String,
    /// When the person decided.
    pub at: UtcMillis,
}

impl ConsentRecord {
    /// A word as somebody reports it.
    ///
    /// # Errors
    /// [`InvalidField`] of `source`, or of `at` where it lies more than five minutes ahead of `now`.
    pub fn parse(
        purpose: Purpose,
        granted: bool,
        source: &str,
        at: UtcMillis,
        now: UtcMillis,
    ) -> Result<Self, InvalidField> {
        let source = required("source", source, SOURCE_CHARS_MAX)?.to_owned();
        if at.since(now) > AHEAD_MS_MAX {
            return Err(InvalidField::new("at", "must not lie in the future"));
        }
        Ok(Self {
            purpose,
            granted,
            source,
            at,
        })
    }
}

/// The word on a purpose that stood at a time: the latest one until then, and of two of one time the refusal.
#[must_use]
pub fn stood_at<'a>(
    records: impl IntoIterator<Item = &'a ConsentRecord>,
    purpose: Purpose,
    at: UtcMillis,
) -> Option<&'a ConsentRecord> {
    // The source decides nothing; with it, equal words are told in the same way whatever their sequence.
    let rank = |one: &ConsentRecord| (one.at, !one.granted);
    records
        .into_iter()
        .filter(|one| one.purpose == purpose && one.at <= at)
        .max_by(|a, b| rank(a).cmp(&rank(b)).then_with(|| a.source.cmp(&b.source)))
}

/// The word on a purpose that stands. One that lies ahead of the clock stands, too: a refusal must not wait for clocks.
#[must_use]
pub fn stands<'a>(
    records: impl IntoIterator<Item = &'a ConsentRecord>,
    purpose: Purpose,
) -> Option<&'a ConsentRecord> {
    stood_at(records, purpose, UtcMillis::new(i64::MAX))
}

/// Whether a purpose was allowed at a time.
#[must_use]
pub fn allows<'a>(
    records: impl IntoIterator<Item = &'a ConsentRecord>,
    purpose: Purpose,
    at: UtcMillis,
    settings: &ShopSettings,
) -> bool {
    stood_at(records, purpose, at)
        .map_or_else(|| purpose.is_allowed_unasked(settings), |one| one.granted)
}

/// What an event itself says of consent, one word for each purpose at most: Segment's `context.consent.categoryPreferences`.
/// Of two categories that stand for one purpose the refusal counts; a category without a meaning here says nothing.
#[must_use]
pub fn told_by(event: &Event) -> Vec<(Purpose, bool)> {
    let preferences = event
        .body
        .get("context")
        .and_then(|context| context.get("consent"))
        .and_then(|consent| consent.get("categoryPreferences"))
        .and_then(Value::as_object);
    let mut told: BTreeMap<Purpose, bool> = BTreeMap::new();
    for (category, answer) in preferences.into_iter().flatten() {
        if let (Some(purpose), Some(granted)) = (Purpose::of_category(category), answer.as_bool()) {
            *told.entry(purpose).or_insert(true) &= granted;
        }
    }
    told.into_iter().collect()
}

/// Whether an event is a decision on consent, and not only a repetition of one.
#[must_use]
pub fn is_decision(event: &Event) -> bool {
    let name = event.name.as_deref();
    event.kind == EventKind::Track && name.is_some_and(|name| DECISIONS.contains(&name))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;

    fn word(purpose: Purpose, granted: bool, source: &str, at: i64) -> ConsentRecord {
        let at = UtcMillis::new(at);
        ConsentRecord::parse(purpose, granted, source, at, at).unwrap()
    }

    fn event(name: &str, preferences: &Value) -> Event {
        let event = json!({
            "shop": "shop_01ARZ3NDEKTSV4RRFFQ69G5FAV", "id": "a", "type": "track", "name": name, "at": 1, "received_at": 1,
            "body": {"context": {"consent": {"categoryPreferences": preferences}}},
        });
        serde_json::from_value(event).unwrap()
    }

    #[test]
    fn what_stood_at_a_time_is_the_latest_word_until_then() {
        let settings = ShopSettings::default();
        let records = [
            word(Purpose::Tracking, true, "checkout", 30),
            word(Purpose::Tracking, false, "preference centre", 20),
            word(Purpose::Email, false, "unsubscribe link", 10),
        ];
        for (purpose, at, expected) in [
            (Purpose::Tracking, 19, true),
            (Purpose::Tracking, 20, false),
            (Purpose::Tracking, 29, false),
            (Purpose::Tracking, 30, true),
            (Purpose::Personalization, 99, true),
            (Purpose::Email, 9, true),
            (Purpose::Email, 10, false),
        ] {
            let allowed = allows(&records, purpose, UtcMillis::new(at), &settings);
            assert_eq!(allowed, expected, "{purpose:?} at {at}");
        }
        assert_eq!(stands(&records, Purpose::Tracking), Some(&records[0]));
        assert_eq!(stands(&records, Purpose::Personalization), None);
    }

    #[test]
    fn of_two_words_of_one_time_the_refusal_counts() {
        let records = [
            word(Purpose::Email, false, "a", 10),
            word(Purpose::Email, true, "b", 10),
        ];
        assert_eq!(stands(&records, Purpose::Email), Some(&records[0]));
    }

    #[test]
    fn a_shop_may_ask_for_a_word_before_it_writes() {
        let settings = ShopSettings {
            email_needs_consent: true,
            ..ShopSettings::default()
        };
        let now = UtcMillis::new(50);
        let nothing: [ConsentRecord; 0] = [];
        assert!(!allows(&nothing, Purpose::Email, now, &settings));
        assert!(allows(&nothing, Purpose::Tracking, now, &settings));
        let granted = [word(Purpose::Email, true, "checkout", 10)];
        assert!(allows(&granted, Purpose::Email, now, &settings));
    }

    #[test]
    fn a_word_without_a_source_or_from_the_future_is_refused() {
        let now = UtcMillis::new(1_000_000);
        let parse = |source: &str, at: UtcMillis| {
            ConsentRecord::parse(Purpose::Email, true, source, at, now)
        };
        assert_eq!(parse(" checkout ", now).unwrap().source, "checkout");
        assert_eq!(parse(" ", now).unwrap_err().field, "source");
        assert_eq!(parse(&"é".repeat(101), now).unwrap_err().field, "source");
        assert!(parse(&"é".repeat(100), now.plus(AHEAD_MS_MAX)).is_ok());
        assert_eq!(
            parse("a", now.plus(AHEAD_MS_MAX + 1)).unwrap_err().field,
            "at"
        );
    }

    #[test]
    fn segments_categories_are_read_whatever_their_case() {
        for (preferences, expected) in [
            (
                json!({"Advertising": true, "Analytics": true, "Functional": true, "DataSharing": false}),
                vec![
                    (Purpose::Tracking, true),
                    (Purpose::Personalization, true),
                    (Purpose::Email, true),
                ],
            ),
            (
                json!({"ANALYTICS": false}),
                vec![(Purpose::Tracking, false)],
            ),
            (
                json!({"functional": true, "Personalization": false}),
                vec![(Purpose::Personalization, false)],
            ),
            (
                json!({"marketing": true, "email": true}),
                vec![(Purpose::Email, true)],
            ),
            (json!({"analytics": "no", "C0004": true}), vec![]),
            (json!(null), vec![]),
            (json!(["analytics"]), vec![]),
        ] {
            assert_eq!(
                told_by(&event("Any", &preferences)),
                expected,
                "{preferences}"
            );
        }
    }

    #[test]
    fn only_segments_own_event_is_a_decision() {
        let preferences = json!({"analytics": false});
        assert!(is_decision(&event(
            "Segment Consent Preference Updated",
            &preferences
        )));
        assert!(!is_decision(&event("Product Viewed", &preferences)));
    }

    #[test]
    fn a_purpose_reads_back_as_it_is_written() {
        for purpose in Purpose::ALL {
            assert_eq!(Purpose::parse(purpose.as_str()), Some(purpose));
            assert_eq!(json!(purpose), json!(purpose.as_str()));
        }
        assert_eq!(Purpose::parse("Email"), None);
    }

    fn any_word() -> impl Strategy<Value = ConsentRecord> {
        let source = prop_oneof![Just("checkout"), Just("event")];
        (0..3_usize, any::<bool>(), source, 0..6_i64).prop_map(|(purpose, granted, source, at)| {
            word(Purpose::ALL[purpose], granted, source, at)
        })
    }

    proptest! {
        #[test]
        fn the_sequence_in_which_words_arrive_does_not_matter(
            (sent, shuffled) in proptest::collection::vec(any_word(), 0..12)
                .prop_flat_map(|all| (Just(all.clone()), Just(all).prop_shuffle())),
            at in 0..7_i64,
        ) {
            for purpose in Purpose::ALL {
                let at = UtcMillis::new(at);
                prop_assert_eq!(stood_at(&sent, purpose, at), stood_at(&shuffled, purpose, at));
            }
        }
    }
}
