//! The words that records are found by.

use std::collections::BTreeSet;

use super::duplicate::folded;

/// The longest word that is told apart, in characters.
const WORD_CHARS_MAX: usize = 60;

/// The distinct words of texts, in small letters without accents. Words of a search are made by the same rule, so that
/// "José" is found by "jose" and the other way round.
#[must_use]
pub fn words_of(texts: &[&str]) -> Vec<String> {
    let words: BTreeSet<String> = texts
        .iter()
        .flat_map(|text| {
            let text = folded(text);
            let words = text.split(' ').filter(|word| !word.is_empty());
            let cut = words.map(|word| word.chars().take(WORD_CHARS_MAX).collect::<String>());
            cut.collect::<Vec<String>>()
        })
        .collect();
    words.into_iter().collect()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn texts_are_found_however_they_are_written() {
        let words = words_of(&["José MÜLLER-O'Brien", "Software Engineer, müller", ""]);
        assert_eq!(words, ["engineer", "jose", "muller", "obrien", "software"]);
    }

    proptest! {
        #[test]
        fn a_word_has_nothing_but_letters_and_digits(text in "\\PC{0,80}") {
            for word in words_of(&[&text]) {
                prop_assert!(word.chars().all(char::is_alphanumeric), "{word}");
                prop_assert_eq!(words_of(&[&word]), vec![word]);
            }
        }
    }
}
