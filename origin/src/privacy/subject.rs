//! Who somebody is to Footfall: everything by which an email's person is known.
//!
//! What says the email is theirs. What says nothing of who it was is theirs where the same browser, user or visit is known to
//! be theirs, and nobody else's: a browser that two people use tells of neither. A browser counts as theirs only after the
//! shop proved the email on it once, because anybody can type somebody's email.

use std::collections::{BTreeMap, BTreeSet};

use footfall_shared::identity::{DeviceKey, Email, EmailHash, Trust};

use super::queries::subject as queries;
use crate::db::{Handle, StorageError};
use crate::ingest::person::{self, About, Column};
use crate::intelligence::Customer;
use crate::intelligence::devices;
use crate::shops::Shop;

/// Everything by which Footfall knows a person.
#[derive(Debug, Clone)]
pub(super) struct Subject {
    /// The email.
    pub(super) email: Email,
    /// Its keyed hash.
    pub(super) hash: EmailHash,
    /// The shopper.
    pub(super) customer: Option<Customer>,
    /// The shop's ids of them.
    pub(super) user_ids: Vec<String>,
    /// The ids of browsers that are theirs alone.
    pub(super) browsers: Vec<String>,
    /// Visits that are theirs alone.
    pub(super) sessions: Vec<String>,
    /// The places of their events in the log, ascending.
    pub(super) places: Vec<i64>,
    /// Keys of devices that recognize them.
    pub(super) devices: Vec<DeviceKey>,
}

impl Subject {
    /// Under which names lists, segments and files know them: the shop's ids, ours, and the email.
    pub(super) fn names(&self) -> Vec<String> {
        let ours = self.customer.as_ref().map(|one| one.id.as_str().to_owned());
        let email = self.email.as_str().to_owned();
        let all = self.user_ids.iter().cloned().chain(ours).chain([email]);
        all.collect::<BTreeSet<String>>().into_iter().collect()
    }
}

/// Looks for everything by which somebody is known.
pub(super) async fn find_subject(
    db: &mut impl Handle,
    shop: &Shop,
    email: &Email,
) -> Result<Subject, StorageError> {
    let hash = EmailHash::of(email, &shop.salt);
    let customer = queries::find_customer(db, shop, &hash).await?;
    let devices = devices::list_owned(db, &shop.id, &hash).await?;
    let told = person::find_about(db, &shop.id, Column::Email, &[hash.as_str().to_owned()]).await?;
    let mut mine = Mine::new(&hash, told);
    let proven = proven_browsers(&devices, &mine, shop);
    let browsers = mine.take(db, shop, Column::Browser, proven).await?;
    let external = customer.as_ref().and_then(|one| one.external_id.as_ref());
    let users = external.map(|id| id.as_str().to_owned()).into_iter();
    let user_ids = mine.take(db, shop, Column::User, users.collect()).await?;
    let visits = mine.names(|one| one.session_id.as_ref());
    let sessions = mine.take(db, shop, Column::Session, visits).await?;
    Ok(Subject {
        email: email.clone(),
        hash,
        customer,
        user_ids,
        browsers,
        sessions,
        places: mine.events.into_keys().collect(),
        devices: devices.into_iter().map(|(key, _)| key).collect(),
    })
}

/// Whether somebody is a shopper of the shop.
pub(super) async fn is_known(
    db: &mut impl Handle,
    shop: &Shop,
    email: &Email,
) -> Result<bool, StorageError> {
    let hash = EmailHash::of(email, &shop.salt);
    Ok(queries::find_customer(db, shop, &hash).await?.is_some())
}

/// Browsers in their events on which the email was proven.
fn proven_browsers(devices: &[(DeviceKey, Trust)], mine: &Mine, shop: &Shop) -> BTreeSet<String> {
    let proven: BTreeSet<&DeviceKey> = devices
        .iter()
        .filter(|(_, trust)| *trust == Trust::Verified)
        .map(|(key, _)| key)
        .collect();
    let is_proven = |browser: &String| {
        let keys = footfall_shared::event::Device::default().keys(Some(browser), &shop.salt);
        keys.iter().any(|key| proven.contains(key))
    };
    let seen = mine.names(|one| one.anonymous_id.as_ref());
    seen.into_iter().filter(is_proven).collect()
}

/// Events that are theirs, by their places.
struct Mine {
    hash: String,
    events: BTreeMap<i64, About>,
}

impl Mine {
    fn new(hash: &EmailHash, told: Vec<About>) -> Self {
        Self {
            hash: hash.as_str().to_owned(),
            events: told.into_iter().map(|one| (one.place, one)).collect(),
        }
    }

    /// What their events are called.
    fn names(&self, of: impl Fn(&About) -> Option<&String>) -> BTreeSet<String> {
        self.events
            .values()
            .filter_map(|one| of(one).cloned())
            .collect()
    }

    /// Takes the events of these browsers, users or visits, but for those that are somebody else's, too; which ones are
    /// theirs alone.
    async fn take(
        &mut self,
        db: &mut impl Handle,
        shop: &Shop,
        column: Column,
        names: BTreeSet<String>,
    ) -> Result<Vec<String>, StorageError> {
        let mut own = Vec::new();
        for name in names {
            let events =
                person::find_about(db, &shop.id, column, std::slice::from_ref(&name)).await?;
            let others = |one: &About| {
                one.email_hash
                    .as_ref()
                    .is_some_and(|hash| *hash != self.hash)
            };
            if events.iter().any(others) {
                continue;
            }
            self.events
                .extend(events.into_iter().map(|one| (one.place, one)));
            own.push(name);
        }
        Ok(own)
    }
}
