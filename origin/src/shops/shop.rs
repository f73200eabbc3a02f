//! The tenant as the origin holds it.

use std::fmt;
use std::str::FromStr;

use footfall_shared::id::ShopId;
use footfall_shared::identity::Salt;
use footfall_shared::keys::KeyKind;
use footfall_shared::money::Currency;
use footfall_shared::shop::{ShopEntry, ShopSettings};
use jiff::tz::TimeZone;

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
    /// What an edge may know; `key` is the kind of the key that was asked for.
    #[must_use]
    pub fn to_entry(&self, key: Option<KeyKind>) -> ShopEntry {
        ShopEntry {
            shop: self.id.clone(),
            slug: self.slug.clone(),
            key,
            salt: self.salt.clone(),
            identity_secret: self.identity_secret.clone(),
            currency: self.currency,
            settings: self.settings.clone(),
        }
    }
}

impl fmt::Debug for Shop {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Shop({})", self.id)
    }
}

/// What a user may do. The roles part ways with the login of the next release; until then each of them
/// reads the log.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Role {
    /// Everything.
    Owner,
    /// Everything but giving the shop away.
    Admin,
    /// Reads numbers.
    Analyst,
    /// Reads customers.
    Support,
}

impl Role {
    /// As it is stored and written.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Owner => "owner",
            Self::Admin => "admin",
            Self::Analyst => "analyst",
            Self::Support => "support",
        }
    }
}

/// A text that names no role.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("must be owner, admin, analyst or support")]
pub struct UnknownRole;

impl FromStr for Role {
    type Err = UnknownRole;

    fn from_str(text: &str) -> Result<Self, UnknownRole> {
        [Self::Owner, Self::Admin, Self::Analyst, Self::Support]
            .into_iter()
            .find(|role| role.as_str() == text)
            .ok_or(UnknownRole)
    }
}
