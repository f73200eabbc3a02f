//! Who the customers of a segment are, as far as that is known.
//!
//! Names are made of a word that tells the segment and a first name that tells nothing: any gender, any age, any origin.

/// Words for segments, by their names; others share the last.
const WORDS: [(&str, &str); 11] = [
    ("Champions", "Premium"),
    ("Loyal Customers", "Loyal"),
    ("Potential Loyalists", "Curious"),
    ("New Customers", "New"),
    ("Promising", "Promising"),
    ("Value Seekers", "Thrifty"),
    ("Big Spenders", "Generous"),
    ("Need Attention", "Casual"),
    ("At Risk", "Wavering"),
    ("Hibernating", "Resting"),
    ("Lost", "Distant"),
];

/// First names that people of any gender have.
const FIRST_NAMES: [&str; 12] = [
    "Alex", "Robin", "Sam", "Charlie", "Jamie", "Kim", "Noa", "Remy", "Sascha", "Toni", "Quinn",
    "Jules",
];

/// Colours of personas, by id, beginning with the contract's.
const COLOURS: [&str; 8] = [
    "#00F0FF", "#7000FF", "#FF6B00", "#00C853", "#FF2D78", "#FFC400", "#3D5AFE", "#8D6E63",
];

fn of<T: Copy>(list: &[T], id: i64) -> Option<T> {
    let at = usize::try_from(id.rem_euclid(i64::try_from(list.len()).ok()?)).ok()?;
    list.get(at).copied()
}

/// A persona's name and its initials.
#[must_use]
pub fn name(segment: &str, id: i64) -> (String, String) {
    let word = WORDS
        .iter()
        .find(|(name, _)| *name == segment)
        .map_or("Typical", |(_, word)| *word);
    let first = of(&FIRST_NAMES, id).unwrap_or("Alex");
    let initials = [word, first]
        .iter()
        .filter_map(|part| part.chars().next())
        .collect();
    (format!("{word} {first}"), initials)
}

/// A persona's colour.
#[must_use]
pub fn colour(id: i64) -> &'static str {
    of(&COLOURS, id).unwrap_or("#00F0FF")
}

/// How often somebody buys, by the mean days between two orders.
#[must_use]
pub fn frequency_of(days: f64) -> &'static str {
    match days {
        days if days <= 10.0 => "Weekly",
        days if days <= 21.0 => "Fortnightly",
        days if days <= 45.0 => "Monthly",
        days if days <= 135.0 => "Quarterly",
        days if days <= 270.0 => "Twice a year",
        _ => "Annually or less",
    }
}

/// The range that holds the middle half of some ages, widened to tens: `30-40`. `None` for fewer than five.
#[must_use]
pub fn age_range(ages: &[i64]) -> Option<String> {
    if ages.len() < 5 {
        return None;
    }
    let mut ages = ages.to_vec();
    ages.sort_unstable();
    let (low, high) = (ages[ages.len() / 4], ages[ages.len() * 3 / 4]);
    let (from, mut to) = (low / 10 * 10, (high + 9) / 10 * 10);
    if to == from {
        to += 10;
    }
    Some(format!("{from}-{to}"))
}

/// What is said of a segment in [`describe`].
#[derive(Debug, Clone, PartialEq)]
pub struct Said<'a> {
    /// Its name.
    pub segment: &'a str,
    /// Customers.
    pub customers: u64,
    /// Their share of all revenue, 0 to 1.
    pub revenue_share: f64,
    /// What an order brings, as `GBP 85.25`.
    pub order_value: &'a str,
    /// Orders of a customer, on average.
    pub orders: f64,
    /// The middle age, where it is known.
    pub age: Option<i64>,
    /// How often they buy, in words, where it is known.
    pub frequency: Option<&'a str>,
}

/// A segment in two sentences, with nothing that was not measured.
#[must_use]
pub fn describe(said: &Said<'_>) -> String {
    let age = said
        .age
        .map_or(String::new(), |age| format!(", typically aged {age}"));
    let often = said
        .frequency
        .map_or(String::new(), |often| format!(", {}", often.to_lowercase()));
    format!(
        "{}: {} customers{age}, with {:.1} % of all revenue. They spend an average of {} per order and have ordered {:.1} times{often}.",
        said.segment,
        said.customers,
        said.revenue_share * 100.0,
        said.order_value,
        said.orders,
    )
}

/// What marketing may do for a segment, by its name.
#[must_use]
pub fn advice(segment: &str) -> [&'static str; 3] {
    match segment {
        "Champions" => [
            "Offer early access to new products",
            "Invite them to review and to refer others",
            "Reward them with service rather than with discounts",
        ],
        "Loyal Customers" => [
            "Suggest products that go with what they own",
            "Ask for reviews",
            "Show them what the next level of loyalty brings",
        ],
        "Potential Loyalists" | "Promising" => [
            "Recommend a second category",
            "Offer a loyalty programme with the next order",
            "Follow up each order within its first week",
        ],
        "New Customers" => [
            "Welcome them with how to use what they bought",
            "Make the second order easy: free shipping or a small bundle",
            "Ask what they were looking for",
        ],
        "Value Seekers" => [
            "Show bundles and larger packs",
            "Tell them of sales before they begin",
            "Avoid full-price novelties",
        ],
        "Big Spenders" => [
            "Present premium products first",
            "Offer personal advice",
            "Give them a reason to come back within a month",
        ],
        "Need Attention" => [
            "Remind them of what they looked at",
            "Offer something for a limited time in their favourite category",
            "Ask what is missing",
        ],
        "At Risk" => [
            "Write to them personally, with what is new in their favourite category",
            "Win them back with an offer before the usual time between their orders has passed twice",
            "Ask why they stayed away",
        ],
        _ => [
            "Write seldom, with strong offers only",
            "Try another channel once",
            "Leave out who does not react: reach and reputation gain by it",
        ],
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_tell_the_segment_and_nothing_else() {
        assert_eq!(name("Champions", 0), ("Premium Alex".into(), "PA".into()));
        assert_eq!(
            name("Segment 12", 25),
            ("Typical Robin".into(), "TR".into())
        );
        assert_eq!(colour(0), "#00F0FF");
        assert_eq!(colour(-1), colour(7));
    }

    #[test]
    fn ages_are_told_in_tens_and_only_of_several_people() {
        assert_eq!(age_range(&[30, 31, 35, 38]), None);
        assert_eq!(
            age_range(&[18, 31, 33, 35, 37, 38, 70]).as_deref(),
            Some("30-40")
        );
        assert_eq!(age_range(&[40; 9]).as_deref(), Some("40-50"));
    }

    #[test]
    fn a_description_says_what_is_known() {
        let mut said = Said {
            segment: "Champions",
            customers: 245,
            revenue_share: 0.341,
            order_value: "GBP 125.50",
            orders: 8.32,
            age: None,
            frequency: None,
        };
        assert_eq!(
            describe(&said),
            "Champions: 245 customers, with 34.1 % of all revenue. They spend an average of GBP 125.50 per order and have ordered 8.3 times."
        );
        (said.age, said.frequency) = (Some(35), Some("Weekly"));
        assert!(describe(&said).starts_with("Champions: 245 customers, typically aged 35, with"));
        assert!(describe(&said).ends_with("8.3 times, weekly."));
    }
}
