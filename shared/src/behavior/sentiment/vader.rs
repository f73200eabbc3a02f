//! VADER: how positive a text is, by a lexicon and rules (Hutto and Gilbert, "VADER: A Parsimonious Rule-based Model for
//! Sentiment Analysis of Social Media Text", ICWSM-14).
//!
//! The rules are those of the reference implementation, vaderSentiment 3.3.2, with its peculiarities, so that a score means
//! what it means elsewhere: all 23,703 texts of the published ground truth have the same scores.

mod tokens;

use super::lexicon::{BOOST, Part};
use tokens::{Token, tokens, with_words_for_emoji};

/// What a word in capitals adds among others that are not.
const CAPITALS: f64 = 0.733;
/// What a negation makes of a valence.
const NEGATION: f64 = -0.74;
/// The square of the sum at which a text is at seven tenths of the scale.
const ALPHA: f64 = 15.0;

/// How positive a text is.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct Score {
    /// The share of negative words, 0 to 1, to three places.
    pub negative: f64,
    /// Of neutral words.
    pub neutral: f64,
    /// Of positive words.
    pub positive: f64,
    /// All of it, −1 to 1, to four places.
    pub compound: f64,
}

/// Scores an English text.
#[must_use]
pub fn score(text: &str) -> Score {
    let text = with_words_for_emoji(text);
    let words = tokens(&text);
    let mut valences: Vec<f64> = (0..words.len()).map(|at| valence(&words, at)).collect();
    weigh_but(&words, &mut valences);
    sum_up(&valences, emphasis(&text))
}

/// The valence of a word among its neighbours.
fn valence(words: &[Token], at: usize) -> f64 {
    let word = &words[at];
    let part = |back: usize| at.checked_sub(back).map_or(Part::None, |at| words[at].part);
    let next = words.get(at + 1);
    // Most words have none.
    let Some(own) = word.valence else { return 0.0 };
    if word.boost != 0.0
        || (word.part == Part::Kind && next.is_some_and(|next| next.part == Part::Of))
    {
        return 0.0;
    }
    let mut valence = own;
    // "no" before another word of the lexicon negates that one, and is nothing by itself.
    if word.part == Part::No && next.is_some_and(|next| next.valence.is_some()) {
        valence = 0.0;
    }
    if part(1) == Part::No
        || part(2) == Part::No
        || (part(3) == Part::No && matches!(part(1), Part::Or | Part::Nor))
    {
        valence = own * NEGATION;
    }
    if word.emphasized {
        valence += if valence > 0.0 { CAPITALS } else { -CAPITALS };
    }
    for back in 1..=3 {
        let Some(before) = at.checked_sub(back).map(|at| &words[at]) else {
            break;
        };
        if before.valence.is_some() {
            continue;
        }
        let fading = [1.0, 0.95, 0.9][back - 1];
        valence += boost(before, valence) * fading;
        valence = negate(words, at, back, valence);
        if back == 3 {
            valence = idioms(words, at, valence);
        }
    }
    least(words, at, valence)
}

/// What a booster before a word adds to its valence.
fn boost(before: &Token, valence: f64) -> f64 {
    if before.boost == 0.0 {
        return 0.0;
    }
    let mut boost = if valence < 0.0 {
        -before.boost
    } else {
        before.boost
    };
    if before.emphasized {
        boost += if valence > 0.0 { CAPITALS } else { -CAPITALS };
    }
    boost
}

/// What a negation so many words before makes of a valence.
fn negate(words: &[Token], at: usize, back: usize, valence: f64) -> f64 {
    let part = |back: usize| words[at - back].part;
    let intensifies = |back: usize| matches!(part(back), Part::So | Part::This);
    match back {
        2 if part(2) == Part::Never && intensifies(1) => return valence * 1.25,
        2 if part(2) == Part::Without && part(1) == Part::Doubt => return valence,
        3 if (part(3) == Part::Never && intensifies(2)) || intensifies(1) => return valence * 1.25,
        3 if part(3) == Part::Without && (part(2) == Part::Doubt || part(1) == Part::Doubt) => {
            return valence;
        }
        _ => {}
    }
    if words[at - back].negates {
        valence * NEGATION
    } else {
        valence
    }
}

/// Idioms whose words mean something else together. There are three words before.
fn idioms(words: &[Token], at: usize, mut valence: f64) -> f64 {
    let part = |place: usize| words.get(place).map_or(Part::None, |word| word.part);
    let two = |from: usize| of_two(part(from), part(from + 1));
    let three = |from: usize| of_three(part(from), part(from + 1), part(from + 2));
    let before = two(at - 1)
        .or_else(|| three(at - 2))
        .or_else(|| two(at - 2))
        .or_else(|| three(at - 3))
        .or_else(|| two(at - 3));
    valence = before.unwrap_or(valence);
    if at + 1 < words.len() {
        valence = two(at).unwrap_or(valence);
    }
    if at + 2 < words.len() {
        valence = three(at).unwrap_or(valence);
    }
    for from in [at - 3, at - 2] {
        if matches!(
            (part(from), part(from + 1)),
            (Part::Just, Part::Enough) | (Part::Kind | Part::Sort, Part::Of)
        ) {
            valence -= BOOST;
        }
    }
    valence
}

const fn of_two(a: Part, b: Part) -> Option<f64> {
    match (a, b) {
        (Part::The, Part::Shit | Part::Bomb) => Some(3.0),
        (Part::Bad, Part::Ass) => Some(1.5),
        (Part::Bus, Part::Stop) => Some(0.0),
        (Part::Yeah, Part::Right) => Some(-2.0),
        (Part::Beating, Part::Heart) => Some(3.5),
        _ => None,
    }
}

const fn of_three(a: Part, b: Part, c: Part) -> Option<f64> {
    match (a, b, c) {
        (Part::Kiss, Part::Of, Part::Death) => Some(-1.5),
        (Part::To, Part::Die, Part::For) => Some(3.0),
        _ => None,
    }
}

/// "least" negates, but not in "at least" and "very least".
fn least(words: &[Token], at: usize, valence: f64) -> f64 {
    let part = |back: usize| at.checked_sub(back).map_or(Part::None, |at| words[at].part);
    if part(1) == Part::Least && !matches!(part(2), Part::At | Part::Very) {
        valence * NEGATION
    } else {
        valence
    }
}

/// What stands before "but" counts half, what follows half as much again. Of equal valences the reference always changes the
/// first that is still there, and so does this.
fn weigh_but(words: &[Token], valences: &mut [f64]) {
    let Some(but) = words.iter().position(|word| word.part == Part::But) else {
        return;
    };
    for at in 0..valences.len() {
        let valence = valences[at];
        let first = valences
            .iter()
            .position(|other| *other == valence)
            .unwrap_or(at);
        match first.cmp(&but) {
            std::cmp::Ordering::Less => valences[first] = valence * 0.5,
            std::cmp::Ordering::Equal => {}
            std::cmp::Ordering::Greater => valences[first] = valence * 1.5,
        }
    }
}

/// What exclamation and question marks add.
fn emphasis(text: &str) -> f64 {
    let (mut exclamations, mut questions) = (0u32, 0u32);
    for byte in text.bytes() {
        exclamations += u32::from(byte == b'!');
        questions += u32::from(byte == b'?');
    }
    let exclamations = f64::from(exclamations.min(4)) * 0.292;
    let questions = match questions {
        0 | 1 => 0.0,
        few @ 2..=3 => f64::from(few) * 0.18,
        _ => 0.96,
    };
    exclamations + questions
}

fn sum_up(valences: &[f64], emphasis: f64) -> Score {
    if valences.is_empty() {
        return Score::default();
    }
    // Each word counts one more than its valence, so that neutral ones can count one.
    let (mut sum, mut positive, mut negative, mut neutral) = (0.0, 0.0, 0.0, 0.0);
    for valence in valences {
        if *valence > 0.0 {
            positive += valence + 1.0;
        } else if *valence < 0.0 {
            negative += 1.0 - valence;
        } else {
            neutral += 1.0;
        }
        sum += valence;
    }
    if sum > 0.0 {
        sum += emphasis;
    } else if sum < 0.0 {
        sum -= emphasis;
    }
    let compound = (sum / (sum * sum + ALPHA).sqrt()).clamp(-1.0, 1.0);
    if positive > negative {
        positive += emphasis;
    } else if positive < negative {
        negative += emphasis;
    }
    let total = positive + negative + neutral;
    Score {
        negative: rounded(negative / total, 3),
        neutral: rounded(neutral / total, 3),
        positive: rounded(positive / total, 3),
        compound: rounded(compound, 4),
    }
}

/// Rounded to a decimal place as the reference's language does it: by the number's exact value.
fn rounded(value: f64, places: u8) -> f64 {
    let scale = if places == 3 { 1e3 } else { 1e4 };
    let scaled = value * scale;
    // Near the middle between two steps the product itself may have been rounded over it.
    if ((scaled - scaled.floor()) - 0.5).abs() < 1e-6 {
        let places = usize::from(places);
        return format!("{value:.places$}").parse().unwrap_or(value);
    }
    scaled.round() / scale
}

#[cfg(test)]
mod tests;
