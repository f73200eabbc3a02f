//! Which of two words on a thing is the later one.

use footfall_shared::time::UtcMillis;

/// What has versions.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Thing {
    Order,
    Product,
}

impl Thing {
    /// As it is stored.
    pub(super) const fn as_str(self) -> &'static str {
        match self {
            Self::Order => "order",
            Self::Product => "product",
        }
    }
}

/// What is known of a thing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Version {
    /// When the shop changed it, by the shop's clock.
    pub(super) modified_at: UtcMillis,
    /// Since when it is gone, by our clock: a deletion tells no time.
    pub(super) deleted_at: Option<UtcMillis>,
}

/// Who says it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Word {
    /// The shop changed it.
    Update,
    /// The shop took it back from the trash.
    Restore,
    /// It stands in the shop's list, which was asked for then, by our clock.
    Listing {
        /// Before the list was asked for.
        asked_at: UtcMillis,
    },
}

/// What a word is worth.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Worth {
    /// It is the newest, or the same again.
    Newest,
    /// A newer one was taken.
    Stale,
    /// The thing is gone, and this word does not bring it back.
    Gone,
}

/// Judges a word of this modification time. The same time again is taken: WooCommerce tells whole seconds, and
/// what says nothing new changes nothing anyway.
pub(super) fn judge(known: Option<Version>, modified_at: UtcMillis, word: Word) -> Worth {
    let Some(known) = known else {
        return Worth::Newest;
    };
    if modified_at < known.modified_at {
        return Worth::Stale;
    }
    match (known.deleted_at, word) {
        (None, _) | (Some(_), Word::Restore) => Worth::Newest,
        (Some(gone), Word::Listing { asked_at }) if asked_at > gone => Worth::Newest,
        (Some(_), Word::Listing { .. } | Word::Update) => Worth::Gone,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_newer_word_wins_and_only_a_restoration_or_a_later_list_brings_back() {
        let at = UtcMillis::new;
        let known = |modified, deleted: Option<i64>| {
            Some(Version {
                modified_at: at(modified),
                deleted_at: deleted.map(at),
            })
        };
        let list = |asked| Word::Listing {
            asked_at: at(asked),
        };
        for (known, modified, word, expected) in [
            (None, 5, Word::Update, Worth::Newest),
            (known(5, None), 5, Word::Update, Worth::Newest),
            (known(5, None), 4, Word::Update, Worth::Stale),
            (known(5, None), 4, Word::Restore, Worth::Stale),
            (known(5, None), 4, list(9), Worth::Stale),
            (known(5, Some(8)), 9, Word::Update, Worth::Gone),
            (known(5, Some(8)), 5, Word::Restore, Worth::Newest),
            (known(5, Some(8)), 4, Word::Restore, Worth::Stale),
            (known(5, Some(8)), 9, list(8), Worth::Gone),
            (known(5, Some(8)), 9, list(9), Worth::Newest),
        ] {
            assert_eq!(
                judge(known, at(modified), word),
                expected,
                "{known:?} {modified} {word:?}"
            );
        }
    }
}
