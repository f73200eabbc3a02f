//! A shop's settings: what its owner decides, and what an edge must know to serve it.

use serde::{Deserialize, Serialize};

use crate::id::{ExternalId, ShopId};
use crate::identity::{Salt, Trust};
use crate::keys::KeyKind;
use crate::money::Currency;

/// What the owner of a shop can set.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct ShopSettings {
    /// Products that are never a favourite and never in a bundle (vouchers, samples, fees).
    pub excluded_products: Vec<ExternalId>,
    /// Origins (`https://shop.example`) whose pages may use the publishable keys; empty allows all.
    pub allowed_origins: Vec<String>,
    /// Language of texts made for shoppers, `nl` or `en`.
    pub locale: String,
    /// The weakest trust that is shown names, emails and order data. `verified` is safe; with `claimed`
    /// whoever types a customer's email sees that customer's data.
    pub reveal_from: Trust,
    /// Whether the number of an order that a browser reports proves that the device is the buyer's, where
    /// the order has no secret key of its own. Numbers can be counted through.
    pub trust_order_numbers: bool,
    /// Requests an hour that one address may send to the intelligence routes.
    pub requests_per_hour: u32,
    /// Different emails that one address may claim a day.
    pub emails_per_day: u32,
}

impl Default for ShopSettings {
    fn default() -> Self {
        Self {
            excluded_products: vec![1893.into(), 334_999.into()],
            allowed_origins: Vec::new(),
            locale: "nl".to_owned(),
            reveal_from: Trust::Verified,
            trust_order_numbers: false,
            requests_per_hour: 500,
            emails_per_day: 5,
        }
    }
}

/// What an edge holds of a shop: enough to hash, to check and to price, never its customers.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ShopEntry {
    /// The shop.
    pub shop: ShopId,
    /// Its slug, for people.
    pub slug: String,
    /// The kind of the key that was asked for; `None` where the shop was asked for by its slug.
    pub key: Option<KeyKind>,
    /// Salt of its address, fingerprint and email hashes.
    pub salt: Salt,
    /// The secret with which the shop's back end vouches for an email.
    pub identity_secret: String,
    /// Currency of its prices.
    pub currency: Currency,
    /// The owner's settings.
    pub settings: ShopSettings,
}

impl ShopEntry {
    /// Whether a page from `origin` may use the shop's publishable keys. A request without an `Origin`
    /// header does not come from another site's page.
    #[must_use]
    pub fn allows_origin(&self, origin: Option<&str>) -> bool {
        let allowed = &self.settings.allowed_origins;
        allowed.is_empty() || origin.is_none_or(|origin| allowed.iter().any(|one| one == origin))
    }
}
