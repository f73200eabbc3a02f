//! What a shop may do next: rules over measured facts, each with the facts that it stands on.
//!
//! A rule says what an action would bring only as far as the data do: as an interval around a stated case ("if one in ten of
//! these orders took the other product, too"). What the case costs and whether it comes true is the shop's to judge. Priorities
//! follow from the middle of that interval as a share of the revenue: 1 % and more is high, 0.2 % and more medium.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

/// One in so many orders or customers: the case that effects are told for.
const CASE: f64 = 10.0;
/// Shares of the revenue from which on a priority is high and medium.
const HIGH: f64 = 0.01;
const MEDIUM: f64 = 0.002;
/// Bundles that are recommended.
const BUNDLES_MAX: usize = 5;
/// Products that are recommended to be looked at.
const PRODUCTS_MAX: usize = 5;
/// Below this score (0 to 100) a product is looked at, and with so many reviews.
const POOR: f64 = 50.0;
const REVIEWS_MIN: i64 = 10;

/// Which part of the shop acts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub enum Category {
    /// What is offered with what.
    Merchandising,
    /// Who is addressed.
    Marketing,
    /// What is sold.
    Product,
}

impl Category {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::Merchandising, Self::Marketing, Self::Product];

    /// As the contract writes it.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Merchandising => "Merchandising",
            Self::Marketing => "Marketing",
            Self::Product => "Product",
        }
    }

    /// What its ids begin with.
    #[must_use]
    pub const fn prefix(self) -> &'static str {
        match self {
            Self::Merchandising => "MERCH",
            Self::Marketing => "MKT",
            Self::Product => "PROD",
        }
    }
}

/// How soon.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub enum Priority {
    /// 1 % of the revenue and more.
    High,
    /// 0.2 % and more.
    Medium,
    /// Less, or not known.
    Low,
}

impl Priority {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::High, Self::Medium, Self::Low];

    /// As the contract writes it.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::High => "High",
            Self::Medium => "Medium",
            Self::Low => "Low",
        }
    }

    fn of(share: Option<f64>) -> Self {
        match share {
            Some(share) if share >= HIGH => Self::High,
            Some(share) if share >= MEDIUM => Self::Medium,
            _ => Self::Low,
        }
    }
}

/// Two products that go together.
#[derive(Debug, Clone, PartialEq)]
pub struct Pair {
    /// The id and name of the one that more orders have.
    pub with: (String, String),
    /// And of the other one.
    pub without: (String, String),
    /// The lift with its 95 % interval.
    pub lift: (f64, f64, f64),
    /// Of the surest direction.
    pub confidence: f64,
    /// Orders that have both.
    pub orders: u32,
    /// Orders that have only the first.
    pub missing: u32,
    /// What an order with the other one pays for it, with its 95 % interval, in main units.
    pub paid: (f64, f64, f64),
}

/// A segment of customers.
#[derive(Debug, Clone, PartialEq)]
pub struct Segment {
    /// Its id.
    pub id: i64,
    /// Its name.
    pub name: String,
    /// Customers.
    pub customers: i64,
    /// What they spent, in main units.
    pub revenue: f64,
    /// What an order brings, with its 95 % interval.
    pub order_value: (f64, f64, f64),
    /// The share of orders that were cheaper than usual.
    pub discount_sensitivity: Option<f64>,
}

/// A product with reviews.
#[derive(Debug, Clone, PartialEq)]
pub struct Reviewed {
    /// Its id.
    pub id: String,
    /// Its name.
    pub name: String,
    /// Its score, 0 to 100, with half of its 95 % interval.
    pub score: (f64, f64),
    /// Its reviews.
    pub reviews: i64,
    /// And those that complain.
    pub negative: i64,
    /// What it brought, in main units; `None` where that is not known.
    pub revenue: Option<f64>,
}

/// A category whose reviews get worse.
#[derive(Debug, Clone, PartialEq)]
pub struct Declining {
    /// Its name.
    pub name: String,
    /// Change of the score (0 to 100) in thirty days.
    pub slope: f64,
    /// The probability of such a slope by chance.
    pub p: f64,
    /// Its reviews.
    pub reviews: i64,
}

/// All that was measured.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Facts {
    /// The currency's code.
    pub currency: String,
    /// All revenue, in main units.
    pub revenue: f64,
    /// Pairs, the surest first.
    pub pairs: Vec<Pair>,
    /// Segments.
    pub segments: Vec<Segment>,
    /// Products with reviews.
    pub products: Vec<Reviewed>,
    /// Categories whose reviews get worse.
    pub declining: Vec<Declining>,
    /// Words of complaints, the clearest first.
    pub complaints: Vec<String>,
}

/// Something to do.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Advice {
    /// What it is about: the same finding has the same subject in every run.
    pub subject: String,
    /// Who acts.
    pub category: Category,
    /// In a few words.
    pub title: String,
    /// What was found.
    pub description: String,
    /// What it would bring, as far as the data say.
    pub expected_impact: String,
    /// How soon.
    pub priority: Priority,
    /// By when.
    pub timeline: String,
    /// How.
    pub steps: Vec<String>,
    /// The measured facts.
    pub support: Map<String, Value>,
    /// The middle of the effect, in main units; `None` where the data say nothing.
    pub effect: Option<f64>,
}

/// What follows from the facts: the greatest effect first, and what has none that is known last.
#[must_use]
pub fn advise(facts: &Facts) -> Vec<Advice> {
    let mut all: Vec<Advice> = Vec::new();
    all.extend(
        facts
            .pairs
            .iter()
            .take(BUNDLES_MAX)
            .map(|pair| of_pair(pair, facts)),
    );
    all.extend(
        facts
            .segments
            .iter()
            .filter_map(|segment| of_segment(segment, facts)),
    );
    let mut poor: Vec<&Reviewed> = facts
        .products
        .iter()
        .filter(|one| one.reviews >= REVIEWS_MIN && one.score.0 + one.score.1 < POOR)
        .collect();
    poor.sort_by(|a, b| b.negative.cmp(&a.negative).then_with(|| a.id.cmp(&b.id)));
    all.extend(
        poor.into_iter()
            .take(PRODUCTS_MAX)
            .map(|one| of_product(one, facts)),
    );
    all.extend(facts.declining.iter().map(of_category));
    all.sort_by(|a, b| {
        let effect = |one: &Advice| one.effect.unwrap_or(-1.0);
        effect(b)
            .total_cmp(&effect(a))
            .then_with(|| a.subject.cmp(&b.subject))
    });
    all
}

fn amount(value: f64, facts: &Facts) -> String {
    format!("{} {value:.0}", facts.currency)
}

fn share(effect: f64, facts: &Facts) -> Option<f64> {
    (facts.revenue > 0.0).then(|| effect / facts.revenue)
}

fn steps(steps: &[&str]) -> Vec<String> {
    steps.iter().map(|step| (*step).to_owned()).collect()
}

fn support(facts: Value) -> Map<String, Value> {
    match facts {
        Value::Object(facts) => facts,
        _ => Map::new(),
    }
}

fn of_pair(pair: &Pair, facts: &Facts) -> Advice {
    let orders = f64::from(pair.missing) / CASE;
    let (middle, low, high) = (
        pair.paid.0 * orders,
        pair.paid.1 * orders,
        pair.paid.2 * orders,
    );
    let (with, without) = (&pair.with.1, &pair.without.1);
    Advice {
        subject: format!("bundle {} {}", pair.with.0, pair.without.0),
        category: Category::Merchandising,
        title: format!("Create Product Bundle: {with} + {without}"),
        description: format!(
            "These products are bought together {:.1} times as often as by chance (95 %: {:.1} to {:.1}), in {} orders. {} more orders have {with} without {without}.",
            pair.lift.0, pair.lift.1, pair.lift.2, pair.orders, pair.missing,
        ),
        expected_impact: format!(
            "{} to {} more revenue if one in ten orders with {with} took {without}, too",
            amount(low, facts),
            amount(high, facts),
        ),
        priority: Priority::of(share(middle, facts)),
        timeline: "Immediate".into(),
        steps: steps(&[
            "Create the bundle's listing",
            "Show it on both products' pages and in the cart",
            "Compare the orders' values with a hold-out",
        ]),
        support: support(json!({
            "affinity_score": round(pair.lift.0, 2),
            "affinity_score_interval": [round(pair.lift.1, 2), round(pair.lift.2, 2)],
            "confidence": round(pair.confidence, 4),
            "transactions": pair.orders,
            "transactions_with_one_only": pair.missing,
            "mean_paid": round(pair.paid.0, 2),
        })),
        effect: Some(middle),
    }
}

fn of_segment(segment: &Segment, facts: &Facts) -> Option<Advice> {
    let (title, timeline, doing) = match segment.name.as_str() {
        "Champions" => (
            "Launch VIP Loyalty Program for Champions",
            "30 days",
            [
                "Define what VIPs get",
                "Invite them personally",
                "Compare their repeat orders with a hold-out",
            ],
        ),
        "Loyal Customers" | "Big Spenders" => (
            "Recommend What Goes With Past Purchases",
            "30 days",
            [
                "Choose products that go with what they own",
                "Write to them after each order",
                "Compare with a hold-out",
            ],
        ),
        "Potential Loyalists" | "Promising" | "New Customers" => (
            "Win the Second Order",
            "14 days",
            [
                "Welcome them with how to use what they bought",
                "Make the next order easy",
                "Compare with a hold-out",
            ],
        ),
        "At Risk" | "Need Attention" | "Hibernating" => (
            "Win Customers Back",
            "Immediate",
            [
                "Write to those who consented, with what is new in their category",
                "Offer something for a limited time",
                "Compare with a hold-out",
            ],
        ),
        _ => return None,
    };
    let orders = segment.customers as f64 / CASE;
    let of = |value: f64| value * orders;
    let (middle, low, high) = (
        of(segment.order_value.0),
        of(segment.order_value.1),
        of(segment.order_value.2),
    );
    Some(Advice {
        subject: format!("segment {} {title}", segment.name),
        category: Category::Marketing,
        title: match segment.name.as_str() {
            "Champions" => title.to_owned(),
            name => format!("{title}: {name}"),
        },
        description: format!(
            "The segment {} has {} customers, who spent {} ({:.1} % of all revenue).",
            segment.name,
            segment.customers,
            amount(segment.revenue, facts),
            share(segment.revenue, facts).unwrap_or(0.0) * 100.0,
        ),
        expected_impact: format!(
            "{} to {} more revenue if one in ten of them ordered once more",
            amount(low, facts),
            amount(high, facts),
        ),
        priority: Priority::of(share(middle, facts)),
        timeline: timeline.into(),
        steps: steps(&doing),
        support: support(json!({
            "segment_id": segment.id,
            "segment_size": segment.customers,
            "segment_revenue": round(segment.revenue, 2),
            "avg_order_value": round(segment.order_value.0, 2),
            "avg_order_value_interval": [round(segment.order_value.1, 2), round(segment.order_value.2, 2)],
            "discount_sensitivity": segment.discount_sensitivity.map(|share| round(share, 4)),
        })),
        effect: Some(middle),
    })
}

fn of_product(product: &Reviewed, facts: &Facts) -> Advice {
    let complaints = facts
        .complaints
        .iter()
        .take(3)
        .cloned()
        .collect::<Vec<_>>()
        .join(", ");
    let at_stake = product
        .revenue
        .map(|revenue| revenue * product.negative as f64 / product.reviews.max(1) as f64);
    Advice {
        subject: format!("product {}", product.id),
        category: Category::Product,
        title: format!("Look Into Complaints: {}", product.name),
        description: format!(
            "{} of its {} reviews complain; its score is {:.1} of 100 (95 %: {:.1} to {:.1}). What complaints in this shop name most: {}.",
            product.negative,
            product.reviews,
            product.score.0,
            (product.score.0 - product.score.1).max(0.0),
            product.score.0 + product.score.1,
            if complaints.is_empty() {
                "nothing in common"
            } else {
                &complaints
            },
        ),
        expected_impact: match at_stake {
            Some(at_stake) => format!(
                "{} of its revenue came from buyers as unhappy as these, if reviews speak for all",
                amount(at_stake, facts)
            ),
            None => "Not known: the data have reviews and no orders".into(),
        },
        priority: Priority::of(at_stake.and_then(|at_stake| share(at_stake, facts))),
        timeline: "30 days".into(),
        steps: steps(&[
            "Read its negative reviews",
            "Mend the product or its description",
            "Follow its score by month",
        ]),
        support: support(json!({
            "sentiment_score": round(product.score.0, 1),
            "review_count": product.reviews,
            "negative_reviews": product.negative,
            "revenue": product.revenue.map(|revenue| round(revenue, 2)),
        })),
        effect: at_stake,
    }
}

fn of_category(category: &Declining) -> Advice {
    Advice {
        subject: format!("category {}", category.name),
        category: Category::Product,
        title: format!("Find Out Why Reviews Get Worse: {}", category.name),
        description: format!(
            "The score of its {} reviews changes by {:.1} of 100 in thirty days; chance alone would do so with a probability of {:.3}.",
            category.reviews, category.slope, category.p,
        ),
        expected_impact: "Not known: it is a warning, not a forecast".into(),
        priority: Priority::Low,
        timeline: "30 days".into(),
        steps: steps(&[
            "Compare the newest complaints with older ones",
            "Look at what changed: supplier, price, delivery",
        ]),
        support: support(json!({
            "trend_slope": round(category.slope, 3),
            "trend_p": round(category.p, 6),
            "review_count": category.reviews,
        })),
        effect: None,
    }
}

fn round(value: f64, places: i32) -> f64 {
    let scale = 10f64.powi(places);
    (value * scale).round() / scale
}

#[cfg(test)]
mod tests {
    use super::*;

    fn facts() -> Facts {
        Facts {
            currency: "GBP".into(),
            revenue: 100_000.0,
            pairs: vec![Pair {
                with: ("1".into(), "Headphones".into()),
                without: ("2".into(), "Case".into()),
                lift: (3.2, 2.8, 3.7),
                confidence: 0.45,
                orders: 156,
                missing: 1_000,
                paid: (15.0, 14.0, 16.0),
            }],
            segments: vec![
                Segment {
                    id: 0,
                    name: "Champions".into(),
                    customers: 245,
                    revenue: 60_000.0,
                    order_value: (85.0, 80.0, 90.0),
                    discount_sensitivity: None,
                },
                Segment {
                    id: 1,
                    name: "Lost".into(),
                    customers: 500,
                    revenue: 1_000.0,
                    order_value: (10.0, 9.0, 11.0),
                    discount_sensitivity: None,
                },
            ],
            products: vec![
                Reviewed {
                    id: "3".into(),
                    name: "Shoes".into(),
                    score: (30.0, 5.0),
                    reviews: 40,
                    negative: 30,
                    revenue: Some(400.0),
                },
                Reviewed {
                    id: "4".into(),
                    name: "Hat".into(),
                    score: (45.0, 10.0),
                    reviews: 40,
                    negative: 20,
                    revenue: Some(9_000.0),
                },
                Reviewed {
                    id: "5".into(),
                    name: "Sock".into(),
                    score: (10.0, 5.0),
                    reviews: 5,
                    negative: 5,
                    revenue: None,
                },
            ],
            declining: vec![Declining {
                name: "Shoes".into(),
                slope: -2.5,
                p: 0.01,
                reviews: 80,
            }],
            complaints: vec!["sole".into(), "glue".into()],
        }
    }

    #[test]
    fn what_brings_most_stands_first_and_each_names_its_facts() {
        let all = advise(&facts());
        let told: Vec<(&str, Priority)> = all
            .iter()
            .map(|one| (one.subject.as_str(), one.priority))
            .collect();
        assert_eq!(
            told,
            [
                (
                    "segment Champions Launch VIP Loyalty Program for Champions",
                    Priority::High
                ),
                ("bundle 1 2", Priority::High),
                ("product 3", Priority::Medium),
                ("category Shoes", Priority::Low),
            ]
        );
        assert_eq!(
            all[1].expected_impact,
            "GBP 1400 to GBP 1600 more revenue if one in ten orders with Headphones took Case, too"
        );
        assert_eq!(all[1].support["transactions"], 156);
        assert!(
            all[2].description.contains("sole, glue"),
            "{}",
            all[2].description
        );
        assert_eq!(all[3].effect, None);
    }

    #[test]
    fn without_facts_there_is_no_advice() {
        assert_eq!(advise(&Facts::default()), []);
    }
}
