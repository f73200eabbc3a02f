//! Who was erased, as a job or an intake asks of many.

use std::collections::HashMap;

use footfall_shared::customer::list::RetentionPolicy;
use footfall_shared::id::ErasureId;
use footfall_shared::identity::{Email, Salt};
use footfall_shared::privacy::erased::{Named, covers};
use footfall_shared::time::UtcMillis;

use super::queries::erased;
use crate::db::{Handle, StorageError};
use crate::shops::Shop;

/// What is known of an erased person.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Mark {
    pub(super) at: UtcMillis,
    pub(super) policy: RetentionPolicy,
    pub(super) erasure: ErasureId,
}

/// All erased people of a shop. A digest takes a while, and names come again and again, so each is made once.
#[derive(Debug)]
pub(super) struct Known {
    salt: Salt,
    marks: HashMap<String, Mark>,
    asked: HashMap<String, Option<Mark>>,
}

/// Names that are remembered at once.
const ASKED_MAX: usize = 100_000;

impl Known {
    /// Reads who was erased.
    pub(super) async fn read(db: &mut impl Handle, shop: &Shop) -> Result<Self, StorageError> {
        const STEP: &str = "read an erased person";
        let mut marks = HashMap::new();
        for (digest, at, policy, erasure) in erased::list_keys(db, &shop.id).await? {
            let mark = Mark {
                at: UtcMillis::new(at),
                policy: RetentionPolicy::parse("policy", &policy)
                    .map_err(|cause| StorageError::corrupt(STEP, cause))?,
                erasure: ErasureId::parse(&erasure)
                    .map_err(|cause| StorageError::corrupt(STEP, cause))?,
            };
            marks.insert(digest, mark);
        }
        Ok(Self {
            salt: shop.salt.clone(),
            marks,
            asked: HashMap::new(),
        })
    }

    /// The erasure of whoever has an email.
    pub(super) fn find_email(&self, email: &Email) -> Option<Mark> {
        self.marks
            .get(&Named::Email(email).digest(&self.salt))
            .cloned()
    }

    /// The erasure that covers what somebody whom a file or a list calls by this name did then.
    pub(super) fn find(&mut self, name: &str, at: Option<UtcMillis>) -> Option<Mark> {
        if !self.asked.contains_key(name) {
            if self.asked.len() >= ASKED_MAX {
                self.asked.clear();
            }
            let mark = self.look_up(name);
            self.asked.insert(name.to_owned(), mark);
        }
        let mark = self.asked.get(name).cloned().flatten();
        mark.filter(|mark| covers(mark.at, at))
    }

    fn look_up(&self, name: &str) -> Option<Mark> {
        let email = Email::parse("name", name).ok();
        let mut named = vec![
            Named::User(name),
            Named::Browser(name),
            Named::Session(name),
        ];
        named.extend(email.as_ref().map(Named::Email));
        let mut marks = named
            .into_iter()
            .filter_map(|named| self.marks.get(&named.digest(&self.salt)));
        marks.next().cloned()
    }

    /// From here on this name, too, stands for the erased person.
    pub(super) fn add_user(&mut self, name: &str, mark: &Mark) -> String {
        let digest = Named::User(name).digest(&self.salt);
        self.marks.insert(digest.clone(), mark.clone());
        self.asked.remove(name);
        digest
    }
}
