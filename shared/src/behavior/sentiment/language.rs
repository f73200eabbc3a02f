//! Whether a text is English, the language that VADER knows.
//!
//! Small words tell: each language has some that others do not have. A text is English unless more of its words are another
//! language's, or it is written in other letters. Of a text with no small word at all, letters with marks speak against English.

/// Small words of English that the other lists do not have.
const ENGLISH: &[&str] = &[
    "the", "and", "is", "it", "this", "that", "of", "for", "with", "was", "are", "but", "not",
    "they", "have", "you", "very", "would", "my", "i", "these", "fit", "love", "be", "too", "just",
    "so", "at", "had", "were", "from", "it's", "i'm", "don't",
];

/// Small words of other languages that English does not have: German, French, Spanish, Italian, Dutch, Portuguese, Polish,
/// Swedish.
const OTHERS: &[&str] = &[
    "der", "und", "ist", "nicht", "ich", "das", "sehr", "auch", "mit", "ein", "eine", "aber",
    "wie", "für", "sie", "es", "den", "zu", "le", "les", "et", "est", "une", "pas", "très", "je",
    "pour", "avec", "mais", "des", "du", "que", "qui", "dans", "sur", "ce", "el", "la", "los",
    "las", "muy", "y", "es", "por", "con", "pero", "una", "del", "lo", "más", "se", "mi", "il",
    "di", "che", "molto", "non", "è", "per", "ma", "sono", "della", "questo", "het", "een", "niet",
    "ik", "heel", "maar", "voor", "zijn", "dit", "deze", "goed", "não", "muito", "uma", "com",
    "mas", "são", "isso", "nie", "jest", "bardzo", "się", "na", "ale", "och", "inte", "är", "det",
    "som", "mycket",
];

/// Whether a text is English, as far as its small words tell.
#[must_use]
pub fn is_english(text: &str) -> bool {
    let (mut english, mut other) = (0u32, 0u32);
    let (mut letters, mut foreign, mut marked) = (0u32, 0u32, 0u32);
    for c in text.chars().filter(|c| c.is_alphabetic()) {
        letters += 1;
        match c {
            c if c.is_ascii() => {}
            '\u{c0}'..='\u{24f}' => marked += 1,
            _ => foreign += 1,
        }
    }
    if foreign * 3 > letters {
        return false;
    }
    let is_letter = |c: char| c.is_alphabetic() || c == '\'' || c == '’';
    for word in text
        .split(|c| !is_letter(c))
        .filter(|word| !word.is_empty())
    {
        let word = word.to_lowercase().replace('’', "'");
        english += u32::from(ENGLISH.contains(&word.as_str()));
        other += u32::from(OTHERS.contains(&word.as_str()));
    }
    match (english, other) {
        (0, 0) => marked * 20 <= letters,
        (english, other) => english >= other,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn languages_are_told_apart() {
        for text in [
            "The fabric is soft and it fits very well.",
            "Great!",
            "Absolutely wonderful - silky and sexy and comfortable",
            "",
            "Love la dress, it is so cute",
            "nice quality",
            "I bought this at a café in Paris",
            "😀",
        ] {
            assert!(is_english(text), "{text}");
        }
        for text in [
            "Der Stoff ist sehr weich und nicht zu teuer",
            "Très bonne qualité, je recommande",
            "Muy buena calidad, pero cara",
            "Molto bello, ma un po' caro",
            "Heel goed, maar niet voor mij",
            "очень хорошее качество",
            "とても良い",
            "Schöne Größe",
            "Não gostei",
        ] {
            assert!(!is_english(text), "{text}");
        }
    }
}
