//! What VADER knows of a word, looked up once for each.

use std::sync::OnceLock;

use rustc_hash::FxHashMap;

/// Words with a valence of their own, from very bad (−4) to very good (4).
const VALENCES: &str = include_str!("../../../data/vader/lexicon.tsv");
/// Emoji and the words that they stand for.
const EMOJI: &str = include_str!("../../../data/vader/emoji.tsv");

/// Words that make what follows stronger.
const BOOSTERS: &str = "absolutely amazingly awfully completely considerable considerably decidedly deeply effing enormous \
    enormously entirely especially exceptional exceptionally extreme extremely fabulously flipping flippin frackin fracking \
    fricking frickin frigging friggin fully fuckin fucking fuggin fugging greatly hella highly hugely incredible incredibly \
    intensely major majorly more most particularly purely quite really remarkably so substantially thoroughly total totally \
    tremendous tremendously uber unbelievably unusually utter utterly very";
/// Words that make it weaker.
const DAMPENERS: &str = "almost barely hardly kinda kindof kind-of less little marginal marginally occasional occasionally partly \
    scarce scarcely slight slightly somewhat sorta sortof sort-of";
/// Words that turn it round; so do those with `n't` in them.
const NEGATIONS: &str = "aint arent cannot cant couldnt darent didnt doesnt dont hadnt hasnt havent isnt mightnt mustnt neither \
    neednt never none nope nor not nothing nowhere oughtnt shant shouldnt uhuh wasnt werent uh-uh without wont wouldnt rarely \
    seldom despite";

/// Words that count by their neighbours.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) enum Part {
    #[default]
    None,
    Ass,
    At,
    Bad,
    Beating,
    Bomb,
    Bus,
    But,
    Death,
    Die,
    Doubt,
    Enough,
    For,
    Heart,
    Just,
    Kind,
    Kiss,
    Least,
    Never,
    No,
    Nor,
    Of,
    Or,
    Right,
    Shit,
    So,
    Sort,
    Stop,
    The,
    This,
    To,
    Very,
    Without,
    Yeah,
}

const PARTS: [(&str, Part); 34] = [
    ("ass", Part::Ass),
    ("at", Part::At),
    ("bad", Part::Bad),
    ("beating", Part::Beating),
    ("bomb", Part::Bomb),
    ("bus", Part::Bus),
    ("but", Part::But),
    ("death", Part::Death),
    ("die", Part::Die),
    ("doubt", Part::Doubt),
    ("enough", Part::Enough),
    ("for", Part::For),
    ("heart", Part::Heart),
    ("just", Part::Just),
    ("kind", Part::Kind),
    ("kiss", Part::Kiss),
    ("least", Part::Least),
    ("never", Part::Never),
    ("no", Part::No),
    ("nor", Part::Nor),
    ("of", Part::Of),
    ("or", Part::Or),
    ("right", Part::Right),
    ("shit", Part::Shit),
    ("so", Part::So),
    ("sort", Part::Sort),
    ("stop", Part::Stop),
    ("the", Part::The),
    ("this", Part::This),
    ("to", Part::To),
    ("very", Part::Very),
    ("without", Part::Without),
    ("yeah", Part::Yeah),
    ("", Part::None),
];

/// By how much a booster changes a valence.
pub(super) const BOOST: f64 = 0.293;

/// What is known of a word.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub(super) struct Known {
    pub(super) valence: Option<f64>,
    /// [`BOOST`] or its opposite; 0 where it is neither.
    pub(super) boost: f64,
    pub(super) negates: bool,
    pub(super) part: Part,
}

/// All words.
#[derive(Debug)]
pub(super) struct Lexicon {
    words: FxHashMap<&'static str, Known>,
    emoji: FxHashMap<char, &'static str>,
}

impl Lexicon {
    /// The published one.
    pub(super) fn published() -> &'static Self {
        static PUBLISHED: OnceLock<Lexicon> = OnceLock::new();
        PUBLISHED.get_or_init(Self::read)
    }

    fn read() -> Self {
        let mut words: FxHashMap<&'static str, Known> = FxHashMap::default();
        for (word, valence) in VALENCES.lines().filter_map(|line| line.split_once('\t')) {
            words.entry(word).or_default().valence = valence.parse().ok();
        }
        for word in BOOSTERS.split_whitespace() {
            words.entry(word).or_default().boost = BOOST;
        }
        for word in DAMPENERS.split_whitespace() {
            words.entry(word).or_default().boost = -BOOST;
        }
        for word in NEGATIONS.split_whitespace() {
            words.entry(word).or_default().negates = true;
        }
        for (word, part) in PARTS {
            words.entry(word).or_default().part = part;
        }
        let emoji = EMOJI.lines().filter_map(|line| {
            let (emoji, words) = line.split_once('\t')?;
            Some((emoji.chars().next()?, words))
        });
        Self {
            words,
            emoji: emoji.collect(),
        }
    }

    /// What is known of a word in lower case.
    pub(super) fn find(&self, word: &str) -> Known {
        let mut known = self.words.get(word).copied().unwrap_or_default();
        known.negates |= word.as_bytes().contains(&b'\'') && word.contains("n't");
        known
    }

    /// The words that an emoji stands for.
    pub(super) fn emoji(&self, c: char) -> Option<&'static str> {
        self.emoji.get(&c).copied()
    }
}
