//! What an edge holds, built from what is stored.

use footfall_shared::id::ShopId;
use footfall_shared::identity::{DeviceKey, Email, EmailHash};
use footfall_shared::offers::Offer;
use footfall_shared::profile::Profile;
use footfall_shared::wire::internal::{CustomerCard, CustomerEntry, DeviceLink};

use super::customers::{Customer, Seen};
use super::devices::KnownDevice;
use super::queries;
use crate::db::{Handle, StorageError};
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
    let entry = |(customer, profile, offer): (Customer, _, _)| {
        (
            customer.email_hash.clone(),
            to_entry(shop, customer, profile, offer),
        )
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

/// Whom these keys of devices stand for, in their sequence.
pub async fn find_links(
    db: &mut impl Handle,
    shop: &ShopId,
    keys: &[DeviceKey],
) -> Result<Vec<Option<DeviceLink>>, StorageError> {
    let found = queries::devices::find_devices(db, shop, keys).await?;
    let link = |key| found.get(key).and_then(KnownDevice::to_link);
    Ok(keys.iter().map(link).collect())
}
