//! What people say of a page: which event says it, how it is meant, and what it is about.

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::page::{self, PagePaths, PageType};
use crate::behavior::sentiment::blend::{Blended, blend};
use crate::event::ecommerce::canonical_name;
use crate::event::{Event, EventKind};

/// Longest text that is kept, in characters.
const TEXT_CHARS_MAX: usize = 2_000;
/// Names of the events that say it; `Product Reviewed` is the Segment spec's.
const NAMES: [&str; 4] = [
    "feedback",
    "feedback submitted",
    "survey submitted",
    "page feedback",
];

/// Where something is said that is no page of the funnel: at a product.
pub const PRODUCT: &str = "product";
/// And where nobody knows.
pub const OTHER: &str = "other";

/// What it is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub enum Topic {
    /// Pages that are slow or do not work.
    Performance,
    /// How easily things are found and done.
    Usability,
    /// Paying.
    Payment,
    /// Prices and discounts.
    Price,
    /// Shipping and returns.
    Delivery,
    /// The products.
    Product,
    /// People who help.
    Service,
    /// Anything else.
    Other,
}

/// Words by topic, the most telling topic first: "the payment page is slow" is about speed.
const TOPICS: [(Topic, &str); 7] = [
    (
        Topic::Performance,
        "slow loading load loads lag laggy crash crashed crashes freeze frozen bug bugs error errors broken timeout hangs",
    ),
    (
        Topic::Payment,
        "pay paying payment payments card paypal klarna ideal checkout declined billing invoice",
    ),
    (
        Topic::Delivery,
        "delivery deliver delivered shipping shipped ship parcel package courier arrive arrived return returns returned",
    ),
    (
        Topic::Price,
        "price prices pricey cheap cheaper expensive discount discounts coupon voucher cost costs overpriced value",
    ),
    (
        Topic::Service,
        "service support staff helpdesk chat answered reply replied refund",
    ),
    (
        Topic::Usability,
        "find found search navigate navigation confusing confused menu button click filter filters layout design form easy easily intuitive",
    ),
    (
        Topic::Product,
        "quality size sizes fit fits fabric material colour color product products item items broke taste stock",
    ),
];

impl Topic {
    /// All of them.
    pub const ALL: [Self; 8] = [
        Self::Performance,
        Self::Usability,
        Self::Payment,
        Self::Price,
        Self::Delivery,
        Self::Product,
        Self::Service,
        Self::Other,
    ];

    /// As it is stored and told.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Performance => "performance",
            Self::Usability => "usability",
            Self::Payment => "payment",
            Self::Price => "price",
            Self::Delivery => "delivery",
            Self::Product => "product",
            Self::Service => "service",
            Self::Other => "other",
        }
    }

    /// Reads what [`Topic::as_str`] wrote.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|topic| topic.as_str() == text)
    }

    /// What a text is about, by its words: the first topic that has one of them.
    #[must_use]
    pub fn of(text: &str) -> Self {
        let text = text.to_lowercase();
        let words: Vec<&str> = text.split(|c: char| !c.is_alphanumeric()).collect();
        let found = TOPICS
            .iter()
            .find(|(_, of_topic)| of_topic.split(' ').any(|word| words.contains(&word)));
        found.map_or(Self::Other, |(topic, _)| *topic)
    }
}

/// Something that was said.
#[derive(Debug, Clone, PartialEq)]
pub struct Feedback {
    /// Of which page: a page of the funnel, [`PRODUCT`] or [`OTHER`].
    pub page: &'static str,
    /// How it is meant.
    pub score: Blended,
    /// What it is about.
    pub topic: Topic,
    /// Stars in hundredths, 100 to 500.
    pub rating: Option<i64>,
    /// What was said.
    pub text: Option<String>,
}

/// What an event says; `None` where it is no feedback, or says nothing that can be read.
///
/// Properties: `comment`, `text`, `message` or `review_body`; `rating` from 1 to 5; `page_type`, else the page it was sent
/// from; `category`, if it is one of the topics.
#[must_use]
pub fn of_event(event: &Event, set: &PagePaths) -> Option<Feedback> {
    let name = event
        .name
        .as_deref()
        .filter(|_| event.kind == EventKind::Track)?;
    let reviewed = canonical_name(name) == Some("Product Reviewed");
    if !reviewed
        && !NAMES
            .iter()
            .any(|known| known.eq_ignore_ascii_case(name.trim()))
    {
        return None;
    }
    let properties = event.body.get("properties")?;
    let find = |names: &[&str]| names.iter().find_map(|name| properties.get(name)?.as_str());
    let stars = properties.get("rating").and_then(|value| match value {
        Value::String(text) => text.trim().parse().ok(),
        other => other.as_f64(),
    });
    let stars = stars.filter(|stars| (1.0..=5.0).contains(stars));
    let text = find(&["comment", "text", "message", "review_body", "feedback"]);
    let at = event
        .body
        .get("context")
        .and_then(|context| context.get("page"));
    let path = at.and_then(|page| page.get("path")).and_then(Value::as_str);
    let told = find(&["page_type", "pageType", "page"]);
    let by_told = told.and_then(|told| PageType::parse(told).or_else(|| page::of_name(told)));
    let page = by_told.or_else(|| path.and_then(|path| page::of_path(path, false, set)));
    let said = of(
        text,
        stars,
        page.map_or(if reviewed { PRODUCT } else { OTHER }, PageType::as_str),
    )?;
    let topic =
        find(&["category", "topic"]).and_then(|name| Topic::parse(&name.trim().to_lowercase()));
    Some(Feedback {
        topic: topic.unwrap_or(said.topic),
        ..said
    })
}

/// What a text and its stars (1 to 5) say of a page.
#[must_use]
pub fn of(text: Option<&str>, stars: Option<f64>, page: &'static str) -> Option<Feedback> {
    let text = text.map(str::trim).filter(|text| !text.is_empty());
    Some(Feedback {
        page,
        score: blend(text, stars)?,
        topic: text.map_or(Topic::Other, Topic::of),
        rating: stars.map(|stars| (stars * 100.0).round() as i64),
        text: text.map(|text| text.chars().take(TEXT_CHARS_MAX).collect()),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::behavior::sentiment::blend::Class;

    #[test]
    fn a_text_is_about_what_its_words_name() {
        for (text, topic) in [
            ("The payment page is so slow", Topic::Performance),
            ("My card was declined", Topic::Payment),
            ("Could not find the size filter", Topic::Usability),
            ("Lovely fabric", Topic::Product),
            ("The parcel came late", Topic::Delivery),
            ("Too expensive for me", Topic::Price),
            ("", Topic::Other),
            ("Meh", Topic::Other),
        ] {
            assert_eq!(Topic::of(text), topic, "{text}");
        }
    }

    #[test]
    fn words_and_stars_count_and_nothing_says_nothing() {
        let said = of(Some("I love it, great search"), None, "search").unwrap();
        assert_eq!(
            (said.score.class(), said.topic),
            (Class::Positive, Topic::Usability)
        );
        assert_eq!(
            of(None, Some(1.0), "home").unwrap().score.class(),
            Class::Negative
        );
        assert_eq!(of(Some("  "), None, "home"), None);
    }
}
