//! The tenant as the origin holds it.

use std::fmt;

use footfall_shared::id::ShopId;
use footfall_shared::identity::Salt;
use footfall_shared::money::Currency;
pub use footfall_shared::permission::Role;
use footfall_shared::permission::Scopes;
use footfall_shared::shop::{ShopEntry, ShopSettings};
use jiff::tz::TimeZone;

use super::key_queries::KeyGrant;

/// A shop. Its `Debug` shows only its id: salt and identity secret are secrets.
#[derive(Clone)]
pub struct Shop {
    /// Leads every query.
    pub id: ShopId,
    /// Short name, unique among all shops.
    pub slug: String,
    /// For people.
    pub name: String,
    /// In which the contract's dates are told and its prime windows begin.
    pub timezone: TimeZone,
    /// Of all its money.
    pub currency: Currency,
    /// What its owner decides.
    pub settings: ShopSettings,
    /// Keys the hashes of addresses, fingerprints and emails.
    pub salt: Salt,
    /// With which its back end proves an email.
    pub identity_secret: String,
}

impl Shop {
    /// What an edge may know; `key` is what the key that was asked for may.
    #[must_use]
    pub fn to_entry(&self, key: Option<KeyGrant>) -> ShopEntry {
        ShopEntry {
            shop: self.id.clone(),
            slug: self.slug.clone(),
            key: key.map(|key| key.kind),
            scopes: key.map_or(Scopes::ALL, |key| key.scopes),
            key_expires_at: key.and_then(|key| key.expires_at),
            salt: self.salt.clone(),
            identity_secret: self.identity_secret.clone(),
            currency: self.currency,
            settings: self.settings.clone().into(),
        }
    }
}

impl fmt::Debug for Shop {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Shop({})", self.id)
    }
}
