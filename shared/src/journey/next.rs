//! What a step changed and what to show next, by rules that need no data of the shop's.

use super::model::Model;
use super::session::Session;
use super::stage::Stage;
use crate::time::UtcMillis;

/// What a step changed.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Impact {
    /// By how much the engagement score moved, in thousandths.
    pub engagement_delta_milli: i32,
    /// The probability of a purchase before.
    pub before: f64,
    /// And after.
    pub after: f64,
}

impl Impact {
    /// What changed between two states of a session, both seen at `now`.
    #[must_use]
    pub fn between(before: &Session, after: &Session, model: &Model, now: UtcMillis) -> Self {
        let score = |session: &Session| i32::from(session.engagement_milli);
        Self {
            engagement_delta_milli: score(after) - score(before),
            before: model.probability(&before.observed(now)),
            after: model.probability(&after.observed(now)),
        }
    }
}

/// Touchpoints that usually carry a shopper on, by stage, the first first.
const WAYS: [(Stage, &[&str]); 5] = [
    (
        Stage::Awareness,
        &[
            "product_gallery_swipe",
            "feature_highlights",
            "product_video",
        ],
    ),
    (
        Stage::Consideration,
        &["comparison_table", "customer_reviews", "product_details"],
    ),
    (
        Stage::Decision,
        &["checkout", "guarantee_details", "shipping_details"],
    ),
    (
        Stage::Purchase,
        &["order_confirmation", "product_care", "review_request"],
    ),
    (
        Stage::Retention,
        &["loyalty_offer", "new_arrivals", "review_request"],
    ),
];

/// What to show next: the first of the stage's touchpoints that the shopper has not met; the last where all
/// were met.
#[must_use]
pub fn touchpoint(session: &Session) -> &'static str {
    let way = WAYS.iter().find(|(stage, _)| *stage == session.stage);
    let way = way.map_or(&[][..], |(_, way)| way);
    let unmet = way
        .iter()
        .find(|kind| !session.kinds.iter().any(|met| met == *kind));
    unmet.or(way.last()).copied().unwrap_or_default()
}

/// The path that fits a session: its device, its source, and how directly its intent leads to the purchase.
#[must_use]
pub fn path(session: &Session) -> String {
    let way = match session.intent_strength_milli() {
        600.. => "fast_track",
        300..600 => "guided_tour",
        0..300 => "discovery",
    };
    let source = session.source.as_deref().unwrap_or("direct");
    format!("{}_{}_{way}", session.device.as_str(), snake(source))
}

/// A name in the contract's spelling: small letters, digits and `_`.
#[must_use]
pub fn snake(name: &str) -> String {
    let mut snake = String::with_capacity(name.len() + 4);
    let mut was_small = false;
    for one in name.chars() {
        if one.is_ascii_uppercase() && was_small {
            snake.push('_');
        }
        was_small = one.is_ascii_lowercase() || one.is_ascii_digit();
        snake.push(if one.is_ascii_alphanumeric() {
            one.to_ascii_lowercase()
        } else {
            '_'
        });
    }
    snake
}

/// The goal after the one that was reached, on the shop's ladder of goals; a goal beside the ladder leads to the first that the session has not
/// reached. `None` after the last.
#[must_use]
pub fn goal_after(goals: &[String], reached: &str, session: &Session) -> Option<String> {
    let next = match goals.iter().position(|goal| *goal == reached) {
        Some(at) => goals.get(at + 1),
        None => goals
            .iter()
            .find(|goal| !session.conversions.iter().any(|one| one.kind == **goal)),
    };
    next.map(|goal| format!("{goal}_conversion"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::journey::content::Kit;

    #[test]
    fn the_next_touchpoint_is_one_that_was_not_met_yet() {
        let mut session = Session {
            stage: Stage::Consideration,
            ..Session::default()
        };
        assert_eq!(touchpoint(&session), "comparison_table");
        session.kinds = vec!["comparison_table".into()];
        assert_eq!(touchpoint(&session), "customer_reviews");
        session.kinds = WAYS[1].1.iter().map(|kind| (*kind).to_owned()).collect();
        assert_eq!(touchpoint(&session), "product_details");
    }

    #[test]
    fn names_are_spelt_as_the_contract_spells_them() {
        assert_eq!(snake("TechEarlyAdopter"), "tech_early_adopter");
        assert_eq!(snake("Google Ads"), "google_ads");
    }

    #[test]
    fn the_ladder_goes_from_the_address_over_the_purchase_to_the_repeat() {
        let session = Session::default();
        let goals = Kit::GOALS.map(str::to_owned);
        let after = |goal| goal_after(&goals, goal, &session);
        assert_eq!(
            after("email_signup").as_deref(),
            Some("purchase_conversion")
        );
        assert_eq!(after("purchase").as_deref(), Some("repeat_conversion"));
        assert_eq!(after("repeat"), None);
        assert_eq!(
            after("catalogue_download").as_deref(),
            Some("email_signup_conversion")
        );
    }
}
