//! A shop's catalogue of content, as its people write it.

use std::collections::BTreeSet;

use footfall_shared::journey::content::Slot;
use footfall_shared::journey::content::kit::{Conditions, HOLDOUT_PERMILLE, Kit, Trait};
use footfall_shared::text::{InvalidField, required};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// Most variants of a slot.
const VARIANTS_MAX: usize = 12;
/// Longest id of a variant or name of a goal, in characters.
const NAME_CHARS_MAX: usize = 64;
/// Longest content, in characters.
const CONTENT_CHARS_MAX: usize = 500;
/// Most words in one condition.
const WORDS_MAX: usize = 20;
/// Most goals.
const GOALS_MAX: usize = 10;
/// Where the stock is filled in.
pub(super) const STOCK: &str = "{stock}";
/// More than this is not scarce, where a variant says nothing else.
const SCARCE_BELOW: u32 = 50;

/// What a shop may show.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Catalogue {
    /// The share of visitors who see the neutral content, 0 to 0.5, so that the effect of the rest can be measured.
    #[serde(default = "holdout")]
    pub(super) holdout: f64,
    /// The shop's goals, from the first to the last.
    #[serde(default = "goals")]
    pub(super) goals: Vec<String>,
    /// The slots that are filled.
    #[serde(default)]
    pub(super) slots: Vec<SlotContent>,
}

fn holdout() -> f64 {
    f64::from(HOLDOUT_PERMILLE) / 1000.0
}

fn goals() -> Vec<String> {
    Kit::GOALS.map(str::to_owned).to_vec()
}

/// Without content of its own a shop shows nothing.
impl Default for Catalogue {
    fn default() -> Self {
        Self {
            holdout: holdout(),
            goals: goals(),
            slots: Vec::new(),
        }
    }
}

/// What may fill a slot.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct SlotContent {
    /// The slot.
    pub(super) slot: Slot,
    /// What everybody would see without personalization; nothing where it is missing.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) neutral: Option<String>,
    /// What may be chosen.
    pub(super) variants: Vec<VariantContent>,
}

/// One way to fill a slot.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct VariantContent {
    /// The shop's own name of it, unique in its slot.
    pub(super) id: String,
    /// What is shown. `{stock}` is the product's stock; of a review it may be missing and is its text.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) content: Option<String>,
    /// For whom; for everybody where it is missing.
    #[serde(default)]
    pub(super) conditions: Conditions,
    /// What it asks of a device or of a shopper's patience.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(super) traits: Vec<Trait>,
    /// The product whose stock is shown.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) product_id: Option<String>,
    /// Left out while more than this are left; 50 where it is missing.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) scarce_below: Option<u32>,
    /// The public review that is quoted.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) review: Option<Review>,
}

/// A public review.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Review {
    /// Who wrote it. Only the first name and the last name's initial are shown.
    pub(super) author: String,
    /// What it says.
    pub(super) text: String,
    /// Where everybody can read it.
    pub(super) url: String,
}

impl Review {
    /// As it is shown: `Sarah M.: "Best purchase I made this year!"`.
    fn quote(&self) -> String {
        let mut names = self.author.split_whitespace();
        let first = names.next().unwrap_or_default();
        let initial = names.last().and_then(|name| name.chars().next());
        match initial {
            Some(initial) => format!("{first} {initial}.: \"{}\"", self.text),
            None => format!("{first}: \"{}\"", self.text),
        }
    }
}

impl VariantContent {
    /// What is shown of it, with these many of its product left; `None` where a fact is missing or is none.
    pub(super) fn shown(&self, stock: Option<i64>) -> Option<String> {
        if let Some(review) = &self.review {
            return Some(review.quote());
        }
        let content = self.content.clone()?;
        if !content.contains(STOCK) {
            return Some(content);
        }
        let most = i64::from(self.scarce_below.unwrap_or(SCARCE_BELOW));
        let left = stock.filter(|left| (1..=most).contains(left))?;
        Some(content.replace(STOCK, &left.to_string()))
    }
}

impl Catalogue {
    /// Checks what types cannot.
    ///
    /// # Errors
    /// [`InvalidField`] names the first field that breaks a rule.
    pub fn check(&self) -> Result<(), InvalidField> {
        if !(0.0..=0.5).contains(&self.holdout) {
            return Err(InvalidField::new("holdout", "must be 0 to 0.5"));
        }
        most("goals", self.goals.len(), GOALS_MAX)?;
        for (at, goal) in self.goals.iter().enumerate() {
            required(&format!("goals[{at}]"), goal, NAME_CHARS_MAX)?;
        }
        let mut seen = BTreeSet::new();
        for (at, slot) in self.slots.iter().enumerate() {
            if !seen.insert(slot.slot) {
                let reason = "stands there twice";
                return Err(InvalidField::new(format!("slots[{at}].slot"), reason));
            }
            slot.check(&format!("slots[{at}]"))?;
        }
        Ok(())
    }

    /// The products whose stock is shown.
    pub(super) fn products(&self) -> Vec<&str> {
        let variants = self.slots.iter().flat_map(|slot| &slot.variants);
        variants
            .filter_map(|variant| variant.product_id.as_deref())
            .collect()
    }
}

impl SlotContent {
    fn check(&self, field: &str) -> Result<(), InvalidField> {
        if let Some(neutral) = &self.neutral {
            required(&format!("{field}.neutral"), neutral, CONTENT_CHARS_MAX)?;
        }
        most(
            &format!("{field}.variants"),
            self.variants.len(),
            VARIANTS_MAX,
        )?;
        let mut seen = BTreeSet::new();
        for (at, variant) in self.variants.iter().enumerate() {
            let field = format!("{field}.variants[{at}]");
            required(&format!("{field}.id"), &variant.id, NAME_CHARS_MAX)?;
            if !seen.insert(&variant.id) {
                let reason = "stands in this slot twice";
                return Err(InvalidField::new(format!("{field}.id"), reason));
            }
            variant.check(&field, self.slot)?;
        }
        Ok(())
    }
}

impl VariantContent {
    fn check(&self, field: &str, slot: Slot) -> Result<(), InvalidField> {
        let fault =
            |part: &str, reason: &str| Err(InvalidField::new(format!("{field}.{part}"), reason));
        for (name, words) in [
            ("persona", &self.conditions.persona),
            ("source", &self.conditions.source),
            ("locale", &self.conditions.locale),
        ] {
            let field = format!("{field}.conditions.{name}");
            most(&field, words.len(), WORDS_MAX)?;
            for (at, word) in words.iter().enumerate() {
                required(&format!("{field}[{at}]"), word, NAME_CHARS_MAX)?;
            }
        }
        if let Some(review) = &self.review {
            if slot != Slot::SocialProof {
                return fault("review", "belongs to the slot social_proof");
            }
            let part = |name: &str| format!("{field}.review.{name}");
            required(&part("author"), &review.author, NAME_CHARS_MAX)?;
            required(&part("text"), &review.text, CONTENT_CHARS_MAX)?;
            required(&part("url"), &review.url, CONTENT_CHARS_MAX)?;
            if !review.url.starts_with("https://") {
                return fault("review.url", "must be a public https address");
            }
            return Ok(());
        }
        // What is claimed of others is shown to have been said.
        if slot == Slot::SocialProof {
            return fault("review", "is required: social proof quotes a public review");
        }
        let Some(content) = &self.content else {
            return fault("content", "is required");
        };
        // A line of its own is a signal of its own; other control characters are a mistake.
        let lines = content.replace('\n', " ");
        let text = required(&format!("{field}.content"), &lines, CONTENT_CHARS_MAX)?;
        let shows_stock = text.contains(STOCK);
        if slot == Slot::Scarcity && !shows_stock {
            return fault(
                "content",
                "must show {stock}: scarcity is the product's real stock",
            );
        }
        if shows_stock && self.product_id.is_none() {
            return fault("product_id", "is required where {stock} is shown");
        }
        Ok(())
    }
}

fn most(field: &str, count: usize, most: usize) -> Result<(), InvalidField> {
    if count > most {
        return Err(InvalidField::new(
            field,
            format!("must hold at most {most}"),
        ));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    fn fault(variant: Value, slot: &str) -> String {
        let catalogue = json!({"slots": [{"slot": slot, "variants": [variant]}]});
        let catalogue: Catalogue = serde_json::from_value(catalogue).unwrap();
        let fault = catalogue.check().err();
        fault.map(|fault| fault.field).unwrap_or_default()
    }

    #[test]
    fn what_is_claimed_must_be_a_fact() {
        let field = |part: &str| format!("slots[0].variants[0].{part}");
        assert_eq!(
            fault(json!({"id": "a", "content": "Only few left"}), "scarcity"),
            field("content")
        );
        assert_eq!(
            fault(
                json!({"id": "a", "content": "Only {stock} left"}),
                "scarcity"
            ),
            field("product_id")
        );
        assert_eq!(
            fault(
                json!({"id": "a", "content": "Only {stock} left", "product_id": "44"}),
                "scarcity"
            ),
            ""
        );
        assert_eq!(
            fault(
                json!({"id": "a", "content": "Everybody loves it"}),
                "social_proof"
            ),
            field("review")
        );
        let review = |url: &str| json!({"id": "a", "review": {"author": "Sarah Miller", "text": "Great", "url": url}});
        assert_eq!(
            fault(review("http://shop.example/r/1"), "social_proof"),
            field("review.url")
        );
        assert_eq!(
            fault(review("https://shop.example/r/1"), "social_proof"),
            ""
        );
        assert_eq!(fault(json!({"id": "a"}), "hero_message"), field("content"));
    }

    #[test]
    fn stock_is_shown_only_where_it_is_known_and_scarce() {
        let variant = VariantContent {
            id: "a".into(),
            content: Some("Only {stock} left".into()),
            conditions: Conditions::default(),
            traits: Vec::new(),
            product_id: Some("44".into()),
            scarce_below: None,
            review: None,
        };
        assert_eq!(variant.shown(Some(23)).as_deref(), Some("Only 23 left"));
        for stock in [None, Some(0), Some(-1), Some(51)] {
            assert_eq!(variant.shown(stock), None, "{stock:?}");
        }
    }

    #[test]
    fn of_who_wrote_a_review_the_first_name_and_an_initial_are_shown() {
        let quote = |author: &str| {
            Review {
                author: author.into(),
                text: "Great".into(),
                url: String::new(),
            }
            .quote()
        };
        assert_eq!(quote("Sarah Jane Miller"), "Sarah M.: \"Great\"");
        assert_eq!(quote("Ada"), "Ada: \"Great\"");
    }
}
