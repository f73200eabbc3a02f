//! A text's words, with what is known of each.

use std::borrow::Cow;

use crate::behavior::sentiment::lexicon::{Known, Lexicon, Part};

/// A word of a text.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Token {
    pub(super) valence: Option<f64>,
    pub(super) boost: f64,
    pub(super) negates: bool,
    pub(super) part: Part,
    /// Whether it is in capitals and not all others are.
    pub(super) emphasized: bool,
}

/// The text with words in place of emoji.
pub(super) fn with_words_for_emoji(text: &str) -> Cow<'_, str> {
    let lexicon = Lexicon::published();
    if text.is_ascii() || !text.chars().any(|c| lexicon.emoji(c).is_some()) {
        return Cow::Borrowed(text);
    }
    let mut said = String::with_capacity(text.len() + 32);
    let mut after_space = true;
    for c in text.chars() {
        match lexicon.emoji(c) {
            Some(words) => {
                if !after_space {
                    said.push(' ');
                }
                said.push_str(words);
                after_space = false;
            }
            None => {
                said.push(c);
                after_space = c == ' ';
            }
        }
    }
    Cow::Owned(said)
}

/// The words of a text.
pub(super) fn tokens(text: &str) -> Vec<Token> {
    let lexicon = Lexicon::published();
    // English words have some five letters.
    let mut tokens: Vec<Token> = Vec::with_capacity(text.len() / 4);
    let mut any_small = false;
    let mut lower = String::new();
    let mut take = |word: &str, capital: bool| {
        any_small |= !capital;
        lower.clear();
        if word.is_ascii() {
            lower.push_str(word);
            lower.make_ascii_lowercase();
        } else {
            lower.push_str(&word.to_lowercase());
        }
        let Known {
            valence,
            boost,
            negates,
            part,
        } = lexicon.find(&lower);
        tokens.push(Token {
            valence,
            boost,
            negates,
            part,
            emphasized: capital,
        });
    };
    if text.is_ascii() {
        each_ascii_word(text, take);
    } else {
        for word in text.split(is_space).filter(|word| !word.is_empty()) {
            let word = stripped(word);
            take(word, is_in_capitals(word));
        }
    }
    // A text that is all in capitals shouts no word louder than the others.
    if !any_small {
        tokens.iter_mut().for_each(|token| token.emphasized = false);
    }
    tokens
}

const SPACE: u8 = 1;
const PUNCTUATION: u8 = 2;
const CAPITAL: u8 = 4;
const SMALL: u8 = 8;

/// What each byte is.
const CLASSES: [u8; 256] = {
    let mut classes = [0; 256];
    let mut byte = 0;
    while byte < 128 {
        let c = byte as u8;
        classes[byte] = if is_ascii_space(c) {
            SPACE
        } else if c.is_ascii_punctuation() {
            PUNCTUATION
        } else if c.is_ascii_uppercase() {
            CAPITAL
        } else if c.is_ascii_lowercase() {
            SMALL
        } else {
            0
        };
        byte += 1;
    }
    classes
};

/// Hands on each word of an ASCII text, as [`stripped`] and [`is_in_capitals`] would, in one pass.
fn each_ascii_word(text: &str, mut take: impl FnMut(&str, bool)) {
    let bytes = text.as_bytes();
    let mut at = 0;
    while at < bytes.len() {
        let begin = at;
        let (mut first, mut last, mut seen) = (usize::MAX, 0, 0);
        while let Some(class) = bytes.get(at).map(|byte| CLASSES[usize::from(*byte)]) {
            if class == SPACE {
                break;
            }
            if class != PUNCTUATION {
                first = first.min(at);
                last = at;
                seen |= class;
            }
            at += 1;
        }
        if at > begin {
            let inner = if first <= last && last - first >= 2 {
                first..last + 1
            } else {
                begin..at
            };
            take(&text[inner], seen & (CAPITAL | SMALL) == CAPITAL);
        }
        at += 1;
    }
}

/// A word without the punctuation around it; what is nothing else than that is an emoticon and stays.
fn stripped(word: &str) -> &str {
    let inner = word.trim_matches(|c: char| c.is_ascii_punctuation());
    if inner.chars().nth(2).is_some() {
        inner
    } else {
        word
    }
}

const fn is_ascii_space(byte: u8) -> bool {
    matches!(byte, b' ' | b'\t'..=b'\r' | 0x1c..=0x1f)
}

/// What the reference takes for white space: Unicode's, and four old separators.
fn is_space(c: char) -> bool {
    c.is_whitespace() || ('\u{1c}'..='\u{1f}').contains(&c)
}

/// Whether a word has letters and none of them is small.
fn is_in_capitals(word: &str) -> bool {
    let mut any = false;
    for c in word.chars() {
        if c.is_lowercase() {
            return false;
        }
        any |= c.is_uppercase();
    }
    any
}

#[cfg(test)]
mod tests {
    use super::*;

    proptest::proptest! {
        #[test]
        fn one_pass_finds_the_words_that_the_slow_way_finds(text in "[ -~\t]{0,40}") {
            let mut found = Vec::new();
            each_ascii_word(&text, |word, capital| found.push((word.to_owned(), capital)));
            let slow = text.split(is_space).filter(|word| !word.is_empty()).map(stripped);
            let slow: Vec<_> = slow.map(|word| (word.to_owned(), is_in_capitals(word))).collect();
            proptest::prop_assert_eq!(found, slow);
        }
    }
}
