//! An entry and its place in the chain.

use footfall_shared::text::hex;
use footfall_shared::time::UtcMillis;
use sha2::{Digest, Sha256};

/// Who did it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Actor {
    /// A person, by id.
    Person(String),
    /// A secret key, by id.
    Key(String),
    /// Somebody at the command line of the machine.
    Command,
}

impl Actor {
    /// The kind and the id as they are stored.
    #[must_use]
    pub fn parts(&self) -> (&'static str, &str) {
        match self {
            Self::Person(id) => ("person", id),
            Self::Key(id) => ("key", id),
            Self::Command => ("command", ""),
        }
    }
}

/// What was done, and by whom.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Deed {
    /// Who did it.
    pub actor: Actor,
    /// The method and the route's pattern, or the command.
    pub action: String,
    /// The path; empty for a command.
    pub subject: String,
    /// `begun`, or `failed` with the status.
    pub outcome: String,
    /// The request's id; empty for a command.
    pub request_id: String,
}

/// An entry as it is stored.
#[derive(Debug, Clone, PartialEq, Eq, sqlx::FromRow)]
pub struct Entry {
    /// Its number, from 1.
    pub seq: i64,
    /// When, epoch milliseconds.
    pub at: i64,
    /// `person`, `key` or `command`.
    pub actor_kind: String,
    /// The id of the person or key.
    pub actor: String,
    /// What was done.
    pub action: String,
    /// To what.
    pub subject: String,
    /// What came of it.
    pub outcome: String,
    /// In which request.
    pub request_id: String,
    /// SHA-256 over the digest before and everything above, in hexadecimal digits.
    pub digest: String,
}

/// What stands before the first entry.
pub const BEFORE_ALL: &str = "";

impl Entry {
    /// The entry of a deed behind the entry with this number and digest.
    #[must_use]
    pub fn after(shop: &str, before: (i64, &str), deed: Deed, at: UtcMillis) -> Self {
        let (kind, actor) = deed.actor.parts();
        let mut entry = Self {
            seq: before.0 + 1,
            at: at.get(),
            actor_kind: kind.to_owned(),
            actor: actor.to_owned(),
            action: deed.action,
            subject: deed.subject,
            outcome: deed.outcome,
            request_id: deed.request_id,
            digest: String::new(),
        };
        entry.digest = entry.digest_after(shop, before.1);
        entry
    }

    /// The digest that the entry must have behind this one: each field with its length, so that none runs into the next.
    fn digest_after(&self, shop: &str, before: &str) -> String {
        let (seq, at) = (self.seq.to_string(), self.at.to_string());
        let mut hash = Sha256::new();
        for field in [
            before,
            shop,
            &seq,
            &at,
            &self.actor_kind,
            &self.actor,
            &self.action,
            &self.subject,
            &self.outcome,
            &self.request_id,
        ] {
            hash.update((field.len() as u64).to_be_bytes());
            hash.update(field.as_bytes());
        }
        hex(&hash.finalize())
    }
}

/// The first entry that does not follow from the one before it: changed, or beside one that was taken out or put in. The
/// end may be missing without a trace, unless somebody noted its digest.
pub fn first_break<'a>(
    shop: &str,
    entries: impl IntoIterator<Item = &'a Entry>,
    mut before: (i64, String),
) -> Result<(i64, String), i64> {
    for entry in entries {
        let follows =
            entry.seq == before.0 + 1 && entry.digest == entry.digest_after(shop, &before.1);
        if !follows {
            return Err(before.0 + 1);
        }
        before = (entry.seq, entry.digest.clone());
    }
    Ok(before)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn chain(length: i64) -> Vec<Entry> {
        let mut all: Vec<Entry> = Vec::new();
        for n in 0..length {
            let deed = Deed {
                actor: Actor::Person(format!("usr_{n}")),
                action: "POST /api/keys".into(),
                subject: "/api/keys".into(),
                outcome: "begun".into(),
                request_id: format!("req_{n}"),
            };
            let before = all
                .last()
                .map_or((0, BEFORE_ALL), |last| (last.seq, last.digest.as_str()));
            let next = Entry::after("shp", before, deed, UtcMillis::new(n));
            all.push(next);
        }
        all
    }

    #[test]
    fn a_chain_that_was_tampered_with_is_found() {
        let start = || (0, BEFORE_ALL.to_owned());
        let whole = chain(5);
        assert_eq!(
            first_break("shp", &whole, start()),
            Ok((5, whole[4].digest.clone()))
        );
        let mut changed = whole.clone();
        changed[2].actor = "usr_9".into();
        assert_eq!(first_break("shp", &changed, start()), Err(3));
        let mut moved = whole.clone();
        // The same text, parted otherwise.
        moved[1].actor += "P";
        moved[1].action = moved[1].action[1..].to_owned();
        assert_eq!(first_break("shp", &moved, start()), Err(2));
        let mut shorter = whole.clone();
        shorter.remove(1);
        assert_eq!(first_break("shp", &shorter, start()), Err(2));
        let mut doubled = whole.clone();
        doubled.insert(2, whole[2].clone());
        assert_eq!(first_break("shp", &doubled, start()), Err(4));
        assert_eq!(first_break("other", &whole, start()), Err(1));
    }
}
