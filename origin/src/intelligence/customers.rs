//! A set of customers that one transaction reads, changes in memory and writes back in one statement.

use std::collections::BTreeMap;

use footfall_shared::event::Device;
use footfall_shared::id::{CustomerId, ExternalId};
use footfall_shared::identity::{Email, EmailHash, FingerprintHash, Geo, IpHash};
use footfall_shared::time::UtcMillis;

use super::queries::customers as queries;
use crate::app::App;
use crate::db::{StorageError, Tx};
use crate::edges::{self, Subject};
use crate::shops::Shop;

/// A customer as it is stored.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Customer {
    /// Footfall's id.
    pub id: CustomerId,
    /// The number within the shop; 0 until the first save.
    pub number: i64,
    /// The email, which names the customer.
    pub email: Email,
    /// The email's keyed hash.
    pub email_hash: EmailHash,
    /// The shop's own id.
    pub external_id: Option<ExternalId>,
    /// Given name.
    pub first_name: Option<String>,
    /// Family name.
    pub last_name: Option<String>,
    /// The device seen last.
    pub seen: Seen,
    /// Grows with every change that an edge must hear of.
    pub version: i64,
    /// When it was made.
    pub created_at: UtcMillis,
    /// When it changed last.
    pub updated_at: UtcMillis,
    change: Change,
}

/// The device that a customer was seen on last.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Seen {
    /// Its fingerprint.
    pub fingerprint: Option<FingerprintHash>,
    /// Its address.
    pub ip: Option<IpHash>,
    /// Where it was.
    pub geo: Option<Geo>,
    /// When.
    pub at: Option<UtcMillis>,
}

/// What has to be written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Change {
    Nothing,
    /// Only what no edge holds.
    Quiet,
    /// What edges hold: the version grows.
    Told,
}

impl Customer {
    /// A customer as a row tells it.
    pub(super) fn stored(
        id: CustomerId,
        number: i64,
        (email, email_hash): (Email, EmailHash),
        seen: Seen,
        version: i64,
        (created_at, updated_at): (UtcMillis, UtcMillis),
    ) -> Self {
        Self {
            id,
            number,
            email,
            email_hash,
            external_id: None,
            first_name: None,
            last_name: None,
            seen,
            version,
            created_at,
            updated_at,
            change: Change::Nothing,
        }
    }

    /// Something that edges hold of this customer changed.
    pub fn touch(&mut self) {
        self.change = Change::Told;
    }

    /// Takes the shop's own id where none is known: a browser may say it, and never replaces one.
    pub fn claim_external_id(&mut self, id: ExternalId) {
        if self.external_id.is_none() {
            self.external_id = Some(id);
            self.touch();
        }
    }

    /// Takes what the shop itself says in an order; what it leaves out stays.
    pub fn take_order_data(
        &mut self,
        first_name: Option<&str>,
        last_name: Option<&str>,
        external_id: Option<&ExternalId>,
    ) {
        let mut changed = false;
        for (known, told) in [
            (&mut self.first_name, first_name),
            (&mut self.last_name, last_name),
        ] {
            if told.is_some() && known.as_deref() != told {
                *known = told.map(str::to_owned);
                changed = true;
            }
        }
        if external_id.is_some() && self.external_id.as_ref() != external_id {
            self.external_id = external_id.cloned();
            changed = true;
        }
        if changed {
            self.touch();
        }
    }

    /// Takes what the shop's list of accounts says, where nothing is known: an order tells it better.
    pub fn take_account_data(
        &mut self,
        first_name: Option<&str>,
        last_name: Option<&str>,
        external_id: &ExternalId,
    ) {
        let first_name = first_name.filter(|_| self.first_name.is_none());
        let last_name = last_name.filter(|_| self.last_name.is_none());
        let external_id = Some(external_id).filter(|_| self.external_id.is_none());
        self.take_order_data(first_name, last_name, external_id);
    }

    /// Whether anything of this customer has to be written.
    #[must_use]
    pub fn is_changed(&self) -> bool {
        self.change > Change::Nothing
    }

    /// The customer was seen on a device. An event that arrives late changes nothing.
    pub fn see(&mut self, device: &Device, at: UtcMillis) {
        let known_device = device.fingerprint.is_some() || device.ip.is_some();
        if !known_device || self.seen.at.is_some_and(|seen| seen > at) {
            return;
        }
        let seen = Seen {
            fingerprint: device.fingerprint.clone().or(self.seen.fingerprint.clone()),
            ip: device.ip.clone().or(self.seen.ip.clone()),
            geo: device.geo.clone().or(self.seen.geo.clone()),
            at: self.seen.at,
        };
        let change = if seen == self.seen {
            Change::Quiet
        } else {
            Change::Told
        };
        self.seen = Seen {
            at: Some(at),
            ..seen
        };
        self.change = self.change.max(change);
    }
}

/// Customers of one shop, by the hash of their email.
#[derive(Debug)]
pub struct Customers<'a> {
    shop: &'a Shop,
    now: UtcMillis,
    known: BTreeMap<EmailHash, Customer>,
    /// New ones in the sequence in which they appeared, so that numbers follow it.
    new: Vec<EmailHash>,
}

impl<'a> Customers<'a> {
    /// An empty set.
    #[must_use]
    pub fn none(shop: &'a Shop, now: UtcMillis) -> Self {
        Self {
            shop,
            now,
            known: BTreeMap::new(),
            new: Vec::new(),
        }
    }

    /// The shop.
    #[must_use]
    pub fn shop(&self) -> &'a Shop {
        self.shop
    }

    /// Adds the stored customers with these hashes.
    pub async fn load(&mut self, tx: &mut Tx, hashes: &[EmailHash]) -> Result<(), StorageError> {
        let texts = self.unknown(hashes.iter(), |hash, known| known.contains_key(*hash));
        let texts: Vec<&str> = texts.iter().map(|hash| hash.as_str()).collect();
        let found = queries::find_by_email_hashes(tx, &self.shop.id, &texts).await?;
        self.add(found);
        Ok(())
    }

    /// Adds the stored customers with these ids.
    pub async fn load_ids(&mut self, tx: &mut Tx, ids: &[CustomerId]) -> Result<(), StorageError> {
        let wanted = self.unknown(ids.iter(), |id, known| {
            known.values().any(|customer| customer.id == **id)
        });
        let texts: Vec<&str> = wanted.iter().map(|id| id.as_str()).collect();
        let found = queries::find_by_ids(tx, &self.shop.id, &texts).await?;
        self.add(found);
        Ok(())
    }

    fn unknown<'b, T>(
        &self,
        wanted: impl Iterator<Item = &'b T>,
        is_known: impl Fn(&&'b T, &BTreeMap<EmailHash, Customer>) -> bool,
    ) -> Vec<&'b T> {
        wanted.filter(|one| !is_known(one, &self.known)).collect()
    }

    fn add(&mut self, found: Vec<Customer>) {
        for customer in found {
            self.known
                .entry(customer.email_hash.clone())
                .or_insert(customer);
        }
    }

    /// The loaded customer with this hash.
    #[must_use]
    pub fn get(&mut self, hash: &EmailHash) -> Option<&mut Customer> {
        self.known.get_mut(hash)
    }

    /// The loaded customer with this id.
    #[must_use]
    pub fn get_id(&mut self, id: &CustomerId) -> Option<&mut Customer> {
        self.known.values_mut().find(|customer| customer.id == *id)
    }

    /// All of them.
    pub fn iter_mut(&mut self) -> impl Iterator<Item = &mut Customer> {
        self.known.values_mut()
    }

    /// The ids of all of them.
    #[must_use]
    pub fn ids(&self) -> Vec<CustomerId> {
        self.known.values().map(|one| one.id.clone()).collect()
    }

    /// The customer with this email, made where it is missing. Its hash must have been loaded.
    pub fn get_or_make(&mut self, app: &App, email: &Email, hash: &EmailHash) -> &mut Customer {
        let (now, new) = (self.now, &mut self.new);
        self.known.entry(hash.clone()).or_insert_with(|| {
            new.push(hash.clone());
            let mut customer = Customer::stored(
                CustomerId::generate(now, app.entropy()),
                0,
                (email.clone(), hash.clone()),
                Seen::default(),
                0,
                (now, now),
            );
            customer.touch();
            customer
        })
    }

    /// Writes what changed, and queues a push for each customer whose version grew; they are given, with the new version.
    pub async fn save(
        mut self,
        app: &App,
        tx: &mut Tx,
    ) -> Result<Vec<(EmailHash, i64)>, StorageError> {
        if !self.new.is_empty() {
            let count = i64::try_from(self.new.len()).unwrap_or(i64::MAX);
            let last = queries::count_up(tx, &self.shop.id, "customer", count).await?;
            for (number, hash) in (last - count + 1..).zip(&self.new) {
                if let Some(customer) = self.known.get_mut(hash) {
                    customer.number = number;
                }
            }
        }
        let mut changed: Vec<Customer> = self.known.into_values().collect();
        changed.retain(|customer| customer.change > Change::Nothing);
        for customer in &mut changed {
            if customer.change == Change::Told {
                // Never below the clock: a customer who was erased and comes back is newer than the erasure.
                customer.version = (customer.version + 1).max(self.now.get());
                customer.updated_at = self.now;
            }
        }
        queries::save(tx, &self.shop.id, &changed).await?;
        let told: Vec<(EmailHash, i64)> = changed
            .into_iter()
            .filter(|customer| customer.change == Change::Told)
            .map(|customer| (customer.email_hash, customer.version))
            .collect();
        let subjects = told
            .iter()
            .map(|(hash, version)| (Subject::Customer(hash.clone()), *version));
        edges::queue(app, tx, &self.shop.id, subjects, self.now).await?;
        Ok(told)
    }
}
