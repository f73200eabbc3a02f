//! Text and stars together.
//!
//! Stars are the shopper's own verdict, so they weigh three fifths; the text, which says more but is read by rules, two
//! fifths. Where one of the two is missing, or the text is not English, the other one counts alone, and the basis says so.

use serde::{Deserialize, Serialize};

use super::language::is_english;
use super::vader;

/// What stars weigh beside a text.
const STARS: f64 = 0.6;
/// From here on a review is positive, below its opposite negative. Three stars with an indifferent text are neutral, four
/// stars are positive whatever an English text says that is not outright bad.
const POSITIVE: f64 = 0.2;

/// What a score stands on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Basis {
    /// Both.
    TextAndRating,
    /// There are no stars.
    Text,
    /// There is no text.
    Rating,
    /// There is a text, in a language that is not read.
    RatingForLanguage,
}

/// How a review is meant.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Class {
    /// It praises.
    Positive,
    /// Neither.
    Neutral,
    /// It complains.
    Negative,
}

/// A review's score.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Blended {
    /// From −1 to 1.
    pub score: f64,
    /// What it stands on.
    pub basis: Basis,
}

impl Blended {
    /// How it is meant.
    #[must_use]
    pub fn class(self) -> Class {
        class_of(self.score)
    }
}

/// How a score is meant.
#[must_use]
pub fn class_of(score: f64) -> Class {
    match score {
        score if score >= POSITIVE => Class::Positive,
        score if score <= -POSITIVE => Class::Negative,
        _ => Class::Neutral,
    }
}

/// Scores a review by its text and its stars (1 to 5); `None` where it has neither in a form that can be read.
#[must_use]
pub fn blend(text: Option<&str>, stars: Option<f64>) -> Option<Blended> {
    let text = text.filter(|text| !text.trim().is_empty());
    let of_stars = stars.map(|stars| (stars - 3.0) / 2.0);
    let of_text = text
        .filter(|text| is_english(text))
        .map(|text| vader::score(text).compound);
    let (score, basis) = match (of_text, of_stars) {
        (Some(text), Some(stars)) => (STARS * stars + (1.0 - STARS) * text, Basis::TextAndRating),
        (Some(text), None) => (text, Basis::Text),
        (None, Some(stars)) if text.is_some() => (stars, Basis::RatingForLanguage),
        (None, Some(stars)) => (stars, Basis::Rating),
        (None, None) => return None,
    };
    Some(Blended { score, basis })
}

/// A score on the contract's scale, 0 to 100.
#[must_use]
pub fn in_hundred(score: f64) -> f64 {
    (score + 1.0) * 50.0
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(text: Option<&str>, stars: Option<f64>) -> (f64, Basis, Class) {
        let blended = blend(text, stars).unwrap();
        (
            (blended.score * 1e4).round() / 1e4,
            blended.basis,
            blended.class(),
        )
    }

    #[test]
    fn text_and_stars_count_together_and_each_alone() {
        assert_eq!(
            told(Some("VADER is smart, handsome, and funny."), Some(5.0)),
            (0.9326, Basis::TextAndRating, Class::Positive)
        );
        assert_eq!(
            told(Some("Today SUX!"), None),
            (-0.5461, Basis::Text, Class::Negative)
        );
        assert_eq!(told(None, Some(3.0)), (0.0, Basis::Rating, Class::Neutral));
        assert_eq!(
            told(Some("  "), Some(1.0)),
            (-1.0, Basis::Rating, Class::Negative)
        );
        assert_eq!(told(Some("It is a shirt."), Some(3.0)).2, Class::Neutral);
        assert_eq!(
            told(Some("The colour is a bit pale."), Some(4.0)).2,
            Class::Positive
        );
    }

    #[test]
    fn other_languages_are_left_to_the_stars() {
        assert_eq!(
            told(Some("Der Stoff ist sehr schlecht"), Some(1.0)),
            (-1.0, Basis::RatingForLanguage, Class::Negative)
        );
        assert_eq!(blend(Some("Der Stoff ist sehr schlecht"), None), None);
        assert_eq!(blend(None, None), None);
    }
}
