//! What an edge holds, built from what is stored and what people allow.
//!
//! **Invariant:** who refuses personalization has an entry without profile and offer, so nobody who asks for either finds one
//! to show or makes a new one; who refuses tracking is recognized on no device. Test:
//! `a_refusal_of_personalization_reaches_the_edges_and_a_grant_undoes_it`.

use std::collections::BTreeSet;

use footfall_shared::id::ShopId;
use footfall_shared::identity::{DeviceKey, Email, EmailHash};
use footfall_shared::intelligence::Owner;
use footfall_shared::offers::Offer;
use footfall_shared::privacy::consent::Purpose;
use footfall_shared::profile::Profile;
use footfall_shared::wire::internal::{CustomerCard, CustomerEntry, DeviceLink};

use super::customers::{Customer, Seen};
use super::devices::KnownDevice;
use super::queries;
use crate::db::{Handle, StorageError};
use crate::privacy::consent::{self, Whose};
use crate::shops::Shop;

/// The entry of a customer; `None` where nobody has this email.
pub async fn find_entry(
    db: &mut impl Handle,
    shop: &Shop,
    hash: &EmailHash,
) -> Result<Option<CustomerEntry>, StorageError> {
    let found = find_entries(db, shop, std::slice::from_ref(hash)).await?;
    Ok(found.into_iter().next().map(|(_, entry)| entry))
}

/// The entry of the customer with this email who has bought something: an order proves the email as the shop knows it.
pub async fn find_buyer(
    db: &mut impl Handle,
    shop: &Shop,
    email: &Email,
) -> Result<Option<CustomerEntry>, StorageError> {
    let found = find_entry(db, shop, &EmailHash::of(email, &shop.salt)).await?;
    Ok(found.filter(|entry| entry.profile.is_some()))
}

/// The entries of the customers who have these emails.
pub async fn find_entries(
    db: &mut impl Handle,
    shop: &Shop,
    hashes: &[EmailHash],
) -> Result<Vec<(EmailHash, CustomerEntry)>, StorageError> {
    let texts: Vec<&str> = hashes.iter().map(EmailHash::as_str).collect();
    let found = queries::entries::find_whole(db, &shop.id, &texts).await?;
    // Only whoever is known has a profile to hold back.
    let known: Vec<EmailHash> = found
        .iter()
        .map(|(one, ..)| one.email_hash.clone())
        .collect();
    let refused = consent::refused(db, &shop.id, Purpose::Personalization, &known).await?;
    let entry = |(customer, profile, offer): (Customer, Option<Profile>, Option<Offer>)| {
        let hash = customer.email_hash.clone();
        let (profile, offer) = match refused.contains(&hash) {
            true => (None, None),
            false => (profile, offer),
        };
        (hash, to_entry(shop, customer, profile, offer))
    };
    Ok(found.into_iter().map(entry).collect())
}

fn to_entry(
    shop: &Shop,
    customer: Customer,
    profile: Option<Profile>,
    offer: Option<Offer>,
) -> CustomerEntry {
    let Seen {
        fingerprint,
        ip,
        geo,
        at: _,
    } = customer.seen;
    CustomerEntry {
        version: customer.version,
        card: CustomerCard {
            id: customer.id,
            number: customer.number,
            email: customer.email,
            external_id: customer.external_id,
            first_name: customer.first_name,
            last_name: customer.last_name,
            fingerprint,
            ip,
            geo,
            created: customer.created_at.in_zone(&shop.timezone),
            updated: customer.updated_at.in_zone(&shop.timezone),
        },
        currency: shop.currency,
        profile,
        offer,
    }
}

/// Whom these keys of devices stand for, in their sequence. A key stands for nobody where its person refuses tracking, or the
/// browser that it is the id of.
pub async fn find_links(
    db: &mut impl Handle,
    shop: &ShopId,
    keys: &[DeviceKey],
) -> Result<Vec<Option<DeviceLink>>, StorageError> {
    let found = queries::devices::find_devices(db, shop, keys).await?;
    let asked: BTreeSet<Whose> = found
        .iter()
        .flat_map(|(key, device)| concerned(key, device))
        .collect();
    let asked: Vec<Whose> = asked.into_iter().collect();
    let refusing = consent::refusing(db, shop, Purpose::Tracking, &asked).await?;
    let link = |key: &DeviceKey| {
        let device = found.get(key)?;
        let is_refused = concerned(key, device).any(|of| refusing.contains(&of));
        device.to_link().filter(|_| !is_refused)
    };
    Ok(keys.iter().map(link).collect())
}

/// Whose word on tracking a link has to obey.
fn concerned(key: &DeviceKey, device: &KnownDevice) -> impl Iterator<Item = Whose> + use<> {
    let person = match &device.owner {
        Some(Owner::Person { email_hash, .. }) => Some(Whose::Email(email_hash.clone())),
        Some(Owner::Shared) | None => None,
    };
    let browser = match key {
        DeviceKey::Browser(hash) => Some(Whose::Browser(hash.clone())),
        DeviceKey::Fingerprint(_) | DeviceKey::Ip(_) => None,
    };
    person.into_iter().chain(browser)
}
