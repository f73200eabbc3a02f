//! The words that tell good reviews from bad ones: by weighted log-odds with an informative prior (Monroe, Colaresi and Quinn,
//! "Fightin' Words", 2008).
//!
//! A term is a word or two neighbours. Small words are no terms. A word behind a negation is another term ("not comfortable"),
//! so that complaints do not count as praise. A term counts once in a review.

use rustc_hash::FxHashMap;

use super::blend::Class;

/// Small words that say nothing of a product.
const STOP_WORDS: &str = "a about after all also am an and any are as at back be because been before being both but by can could \
    did do does doing down each even ever every few for from get gets getting go going got had has have having he her here hers him his \
    how i if in into is it its itself just know like made make many may me more most much my myself of off on once one only or other \
    our out over own put really s same say see she should so some still such t than that the their them then there these they thing \
    this those though through to too two up upon us use ve very want was way we well were what when where which while who will with \
    would you your yours it's i'm i've i'd that's they're there's you're im ive re ll d m lot bit think thought said went come came way \
    quite rather almost maybe however since although around another something anything everything people time times day item product";
/// Words that turn the next one round.
const NEGATIONS: &str = "not no never without isn't wasn't aren't weren't don't doesn't didn't can't cannot couldn't won't wouldn't \
    shouldn't hardly";
/// Terms that are kept in memory; beyond, those that were seen once go.
const TERMS_MAX: usize = 200_000;
/// Reviews that must have a term before it is told.
const COUNT_MIN: u32 = 5;
/// A pair of words stands for one of them where it holds so much of the word's reviews.
const ABSORBED: f64 = 0.7;

/// A term that tells.
#[derive(Debug, Clone, PartialEq)]
pub struct Keyword {
    /// The term.
    pub word: String,
    /// Reviews of its class that have it.
    pub count: u32,
    /// The mean score of all reviews that have it, −1 to 1.
    pub sentiment: f64,
    /// By how many deviations the log-odds differ; above 0.
    pub z: f64,
}

#[derive(Debug, Clone, Copy, Default)]
struct Seen {
    positive: u32,
    negative: u32,
    all: u32,
    score: f64,
}

/// Counts terms.
#[derive(Debug)]
pub struct Keywords {
    terms: FxHashMap<String, Seen>,
    stop: FxHashMap<&'static str, ()>,
    negations: FxHashMap<&'static str, ()>,
    of_review: Vec<String>,
}

impl Default for Keywords {
    fn default() -> Self {
        let set = |words: &'static str| words.split_whitespace().map(|word| (word, ())).collect();
        Self {
            terms: FxHashMap::default(),
            stop: set(STOP_WORDS),
            negations: set(NEGATIONS),
            of_review: Vec::new(),
        }
    }
}

impl Keywords {
    /// Adds a review's text with its class and score.
    pub fn add(&mut self, text: &str, class: Class, score: f64) {
        self.split(text);
        let mut terms = std::mem::take(&mut self.of_review);
        terms.sort_unstable();
        terms.dedup();
        for term in terms.drain(..) {
            let seen = self.terms.entry(term).or_default();
            seen.all += 1;
            seen.score += score;
            match class {
                Class::Positive => seen.positive += 1,
                Class::Negative => seen.negative += 1,
                Class::Neutral => {}
            }
        }
        self.of_review = terms;
        if self.terms.len() > TERMS_MAX {
            self.terms.retain(|_, seen| seen.all > 1);
        }
    }

    /// Puts the terms of a text into `of_review`.
    fn split(&mut self, text: &str) {
        let lower = text.to_lowercase().replace('’', "'");
        for clause in lower.split(['.', ',', '!', '?', ';', ':', '(', ')', '\n']) {
            let (mut before, mut negated): (Option<String>, bool) = (None, false);
            for word in clause.split(|c: char| !c.is_alphanumeric() && c != '\'') {
                let word = word.trim_matches('\'');
                if word.is_empty() {
                    continue;
                }
                if self.negations.contains_key(word) {
                    negated = true;
                    before = None;
                    continue;
                }
                let is_small = word.chars().nth(2).is_none()
                    || self.stop.contains_key(word)
                    || word.chars().all(|c| c.is_ascii_digit());
                if is_small {
                    // "not a good" is "not good"; what stands between two words ends their being neighbours.
                    before = None;
                    continue;
                }
                let term = if negated {
                    format!("not {word}")
                } else {
                    word.to_owned()
                };
                negated = false;
                if let Some(before) = &before {
                    self.of_review.push(format!("{before} {term}"));
                }
                self.of_review.push(term.clone());
                before = Some(term);
            }
        }
    }

    /// The terms that tell positive reviews from negative ones, and the other way round: the clearest first.
    #[must_use]
    pub fn top(&self, most: usize) -> (Vec<Keyword>, Vec<Keyword>) {
        let (mut positive, mut negative) = (0.0, 0.0);
        for seen in self.terms.values() {
            positive += f64::from(seen.positive);
            negative += f64::from(seen.negative);
        }
        let mut told: Vec<(f64, &str, Seen)> = Vec::new();
        for (term, seen) in &self.terms {
            let z = log_odds(
                [seen.positive, seen.negative].map(f64::from),
                [positive, negative],
            );
            if z.abs() > 1.96 && seen.positive.max(seen.negative) >= COUNT_MIN {
                told.push((z, term.as_str(), *seen));
            }
        }
        told.sort_by(|a, b| b.0.abs().total_cmp(&a.0.abs()).then(a.1.cmp(b.1)));
        let of = |sign: f64| {
            let mine: Vec<&(f64, &str, Seen)> =
                told.iter().filter(|(z, _, _)| z * sign > 0.0).collect();
            let kept = mine.iter().filter(|one| !is_absorbed(one, &mine));
            kept.take(most)
                .map(|(z, term, seen)| Keyword {
                    word: (*term).to_owned(),
                    count: if sign > 0.0 {
                        seen.positive
                    } else {
                        seen.negative
                    },
                    sentiment: seen.score / f64::from(seen.all),
                    z: z.abs(),
                })
                .collect()
        };
        (of(1.0), of(-1.0))
    }
}

/// Whether a pair that is told, too, says it better.
fn is_absorbed(one: &(f64, &str, Seen), told: &[&(f64, &str, Seen)]) -> bool {
    let (_, word, seen) = one;
    let is_pair = |term: &str| term.split(' ').filter(|part| *part != "not").count() > 1;
    if is_pair(word) {
        // A pair that says no more than one of its words that is told, too, is left out.
        return told.iter().any(|(_, other, of)| {
            !is_pair(other)
                && word.split(' ').any(|part| part == *other)
                && f64::from(seen.all) < ABSORBED * f64::from(of.all)
        });
    }
    told.iter().any(|(_, other, of)| {
        is_pair(other)
            && other.split(' ').any(|part| part == *word)
            && f64::from(of.all) >= ABSORBED * f64::from(seen.all)
    })
}

/// The difference of the log-odds in both classes, in deviations. The prior is the term's share in both, as heavy as a
/// hundredth of the reviews' terms.
fn log_odds(counts: [f64; 2], totals: [f64; 2]) -> f64 {
    let all = totals[0] + totals[1];
    let weight = (all / 100.0).max(1.0);
    let prior = weight * (counts[0] + counts[1]) / all.max(1.0);
    if prior <= 0.0 {
        return 0.0;
    }
    let odds = |count: f64, total: f64| {
        libm::log((count + prior) / (total + weight - count - prior).max(1e-9))
    };
    let variance = 1.0 / (counts[0] + prior) + 1.0 / (counts[1] + prior);
    (odds(counts[0], totals[0]) - odds(counts[1], totals[1])) / variance.sqrt()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn counted(positive: &[&str], negative: &[&str], times: u32) -> (Vec<Keyword>, Vec<Keyword>) {
        let mut keywords = Keywords::default();
        for _ in 0..times {
            positive
                .iter()
                .for_each(|text| keywords.add(text, Class::Positive, 0.8));
            negative
                .iter()
                .for_each(|text| keywords.add(text, Class::Negative, -0.6));
        }
        keywords.top(10)
    }

    fn words(found: &[Keyword]) -> Vec<&str> {
        found.iter().map(|one| one.word.as_str()).collect()
    }

    #[test]
    fn words_tell_the_class_that_they_are_of() {
        let (good, bad) = counted(
            &[
                "Soft and comfortable dress",
                "So comfortable, and a lovely colour",
            ],
            &["The seams came apart", "Cheap dress, seams are bad"],
            20,
        );
        assert!(
            words(&good).contains(&"comfortable") && words(&bad).contains(&"seams"),
            "{good:?} {bad:?}"
        );
        assert!(
            !words(&good).contains(&"dress") && !words(&bad).contains(&"dress"),
            "it stands in both"
        );
        let comfortable = good.iter().find(|one| one.word == "comfortable").unwrap();
        assert_eq!(
            (comfortable.count, comfortable.sentiment),
            (40, 0.800_000_000_000_000_4)
        );
    }

    #[test]
    fn what_is_denied_is_another_term() {
        let (good, bad) = counted(
            &["It is comfortable"],
            &["It is not comfortable", "It isn't a comfortable fit"],
            20,
        );
        assert_eq!(words(&good), ["comfortable"]);
        assert!(words(&bad).contains(&"not comfortable"), "{bad:?}");
    }

    #[test]
    fn pairs_that_belong_together_are_one_term() {
        let (good, _) = counted(
            &["fast shipping", "fast shipping, warm"],
            &["ugly", "thin"],
            20,
        );
        assert!(words(&good).contains(&"fast shipping"), "{good:?}");
        assert!(!words(&good).contains(&"shipping"), "{good:?}");
    }

    #[test]
    fn a_few_reviews_tell_nothing() {
        assert_eq!(counted(&["lovely"], &["ugly"], 2), (vec![], vec![]));
    }

    proptest::proptest! {
        #[test]
        fn any_texts_can_be_counted(texts in proptest::collection::vec(".{0,40}", 0..8)) {
            let mut keywords = Keywords::default();
            texts.iter().for_each(|text| keywords.add(text, Class::Negative, -1.0));
            let _ = keywords.top(3);
        }
    }
}
