//! How recommendations are told.

use footfall_shared::order::Order;
use serde::Serialize;
use utoipa::ToSchema;

use super::lists::{Reason, Recommended};

/// What is left of a list once what its customer has bought since it was made is taken out.
pub(super) fn without_newly_bought(
    mut list: Vec<Recommended>,
    orders: &[Order],
) -> Vec<Recommended> {
    let has = |product: &str| {
        let mut items = orders.iter().flat_map(|order| &order.items);
        items.any(|item| item.product_id.as_str() == product)
    };
    list.retain(|one| matches!(one.reason, Reason::BoughtBefore { .. }) || !has(&one.product));
    list
}

/// A product.
#[derive(Debug, Serialize, ToSchema)]
pub struct RecommendedProduct {
    /// From 1.
    rank: usize,
    #[schema(example = "44")]
    product_id: String,
    /// Null where nobody tells it.
    name: Option<String>,
    /// Null where nobody tells it.
    category: Option<String>,
    /// The share of recommendations with such a score that were bought within a month, counted on the last month; null
    /// where too few were counted.
    confidence: Option<f64>,
    /// `bought_before`, `bought_together`, `popular`, or `new` for what nobody has bought yet.
    reason: &'static str,
    /// The reason in words.
    #[schema(example = "Customers who bought Teapot also bought it")]
    explanation: String,
}

impl RecommendedProduct {
    /// The best of a list.
    pub(super) fn list(list: Vec<Recommended>, limit: usize) -> Vec<Self> {
        let best = list.into_iter().take(limit).enumerate();
        best.map(|(at, one)| Self::of(at + 1, one)).collect()
    }

    fn of(rank: usize, one: Recommended) -> Self {
        let Recommended {
            product,
            name,
            category,
            confidence,
            reason,
        } = one;
        let told = |text: String| Some(text).filter(|text| !text.is_empty());
        let (reason, explanation) = match reason {
            Reason::BoughtBefore { times: 1 } => (
                "bought_before",
                "Bought once before, and it is used up".to_owned(),
            ),
            Reason::BoughtBefore { times } => {
                ("bought_before", format!("Bought {times} times before"))
            }
            Reason::BoughtTogether { with } => (
                "bought_together",
                format!("Customers who bought {with} also bought it"),
            ),
            Reason::Popular => ("popular", "Bought by many customers lately".to_owned()),
            Reason::New => (
                "new",
                "New in the shop, and of a kind that suits".to_owned(),
            ),
        };
        Self {
            rank,
            product_id: product,
            name: told(name),
            category: told(category),
            confidence,
            reason,
            explanation,
        }
    }
}
