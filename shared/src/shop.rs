//! A shop's settings: what its owner decides, and what an edge must know to serve it.

use serde::{Deserialize, Serialize};

use crate::id::{ExternalId, ShopId};
use crate::identity::{Salt, Trust};
use crate::keys::KeyKind;
use crate::money::Currency;
use crate::permission::{self, Scopes};
use crate::text::InvalidField;
use crate::time::UtcMillis;
use crate::visits::page::PagePaths;

/// Most products that can be left out of offers.
const EXCLUDED_MAX: usize = 1_000;
/// Most origins that can be allowed.
const ORIGINS_MAX: usize = 100;
/// Longest time for which events keep their people, in months.
const EVENT_MONTHS_MAX: u32 = 120;
/// Minutes of a day.
const DAY_MINUTES: u32 = 24 * 60;
/// Longest window of the funnel: thirty days.
const WINDOW_MINUTES_MAX: u32 = 30 * DAY_MINUTES;
/// Longest origin: the longest host name with its scheme and port.
const ORIGIN_BYTES_MAX: usize = 270;

/// What the owner of a shop can set.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct ShopSettings {
    /// Products that are never a favourite and never in a bundle (vouchers, samples, fees).
    pub excluded_products: Vec<ExternalId>,
    /// Origins (`https://shop.example`) whose pages may use the publishable keys; empty allows all.
    pub allowed_origins: Vec<String>,
    /// Language of texts made for shoppers, `nl` or `en`.
    pub locale: String,
    /// The weakest trust that is shown names, emails and order data. `verified` is safe; with `claimed`
    /// whoever types a customer's email sees that customer's data.
    #[cfg_attr(feature = "openapi", schema(value_type = String, example = "verified"))]
    pub reveal_from: Trust,
    /// Whether the number of an order that a browser reports proves that the device is the buyer's, where
    /// the order has no secret key of its own. Numbers can be counted through.
    pub trust_order_numbers: bool,
    /// Requests an hour that one address may send to the intelligence routes.
    pub requests_per_hour: u32,
    /// Different emails that one address may claim a day.
    pub emails_per_day: u32,
    /// Whether nobody is written to who has not allowed it; without it, whoever has not refused it may be.
    pub email_needs_consent: bool,
    /// Days after which a device that was not seen any more is forgotten.
    pub device_days: u32,
    /// Months after which events lose their people: what happened stays, and nobody can tell any more whom it was about.
    pub event_months: u32,
    /// Minutes without any event after which a visit is over.
    pub session_idle_minutes: u32,
    /// Minutes from the first page of the funnel in which its other steps count.
    pub funnel_window_minutes: u32,
    /// Paths that are a page of the funnel, as `confirmation=/kassa/klaar*`: what is told here goes before what a path says by
    /// its words. Texts, since an edge has no use for them and should not have to read more.
    #[cfg_attr(feature = "openapi", schema(example = json!(["confirmation=/kassa/klaar*"])))]
    pub funnel_pages: Vec<String>,
}

impl Default for ShopSettings {
    fn default() -> Self {
        let EdgeSettings {
            allowed_origins,
            locale,
            reveal_from,
            requests_per_hour,
            emails_per_day,
            session_idle_minutes,
        } = EdgeSettings::default();
        Self {
            excluded_products: vec![1893.into(), 334_999.into()],
            allowed_origins,
            locale,
            reveal_from,
            trust_order_numbers: false,
            requests_per_hour,
            emails_per_day,
            email_needs_consent: false,
            device_days: 365,
            event_months: 13,
            session_idle_minutes,
            funnel_window_minutes: DAY_MINUTES,
            funnel_pages: Vec::new(),
        }
    }
}

impl ShopSettings {
    /// The paths that are pages of the funnel. They were checked when they were set.
    #[must_use]
    pub fn page_paths(&self) -> PagePaths {
        PagePaths::parse("funnel_pages", &self.funnel_pages).unwrap_or_default()
    }

    /// The settings, if each keeps its rule.
    ///
    /// # Errors
    /// [`InvalidField`] names the first that does not.
    pub fn checked(self) -> Result<Self, InvalidField> {
        let fault = |field: &str, rule: &str| Err(InvalidField::new(field, rule));
        if self.excluded_products.len() > EXCLUDED_MAX {
            return fault("excluded_products", "must be at most 1000 products");
        }
        if self.allowed_origins.len() > ORIGINS_MAX {
            return fault("allowed_origins", "must be at most 100 origins");
        }
        if let Some(index) = self.allowed_origins.iter().position(|one| !is_origin(one)) {
            let field = format!("allowed_origins[{index}]");
            return fault(
                &field,
                "must be an origin as browsers send it, as https://shop.example",
            );
        }
        if !(1..=EVENT_MONTHS_MAX).contains(&self.event_months) {
            return fault("event_months", "must be from 1 to 120");
        }
        if !(1..=DAY_MINUTES).contains(&self.session_idle_minutes) {
            return fault("session_idle_minutes", "must be from 1 to 1440");
        }
        if !(1..=WINDOW_MINUTES_MAX).contains(&self.funnel_window_minutes) {
            return fault("funnel_window_minutes", "must be from 1 to 43200");
        }
        PagePaths::parse("funnel_pages", &self.funnel_pages)?;
        if !matches!(self.locale.as_str(), "nl" | "en") {
            return fault("locale", "must be nl or en");
        }
        Ok(self)
    }
}

/// Whether a text is an origin as browsers send it: compared letter by letter, any other would never match.
fn is_origin(text: &str) -> bool {
    let host = text
        .strip_prefix("https://")
        .or_else(|| text.strip_prefix("http://"));
    let plain = |byte: u8| {
        byte.is_ascii_lowercase()
            || byte.is_ascii_digit()
            || matches!(byte, b'.' | b'-' | b':' | b'[' | b']' | b'_')
    };
    host.is_some_and(|host| !host.is_empty() && host.bytes().all(plain))
        && text.len() <= ORIGIN_BYTES_MAX
}

/// Of the settings what an edge needs to serve the shop. It has little room for code, so it reads no more than that.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct EdgeSettings {
    /// See [`ShopSettings::allowed_origins`].
    pub allowed_origins: Vec<String>,
    /// See [`ShopSettings::locale`].
    pub locale: String,
    /// See [`ShopSettings::reveal_from`].
    pub reveal_from: Trust,
    /// See [`ShopSettings::requests_per_hour`].
    pub requests_per_hour: u32,
    /// See [`ShopSettings::emails_per_day`].
    pub emails_per_day: u32,
    /// See [`ShopSettings::session_idle_minutes`].
    pub session_idle_minutes: u32,
}

impl From<ShopSettings> for EdgeSettings {
    fn from(settings: ShopSettings) -> Self {
        Self {
            allowed_origins: settings.allowed_origins,
            locale: settings.locale,
            reveal_from: settings.reveal_from,
            requests_per_hour: settings.requests_per_hour,
            emails_per_day: settings.emails_per_day,
            session_idle_minutes: settings.session_idle_minutes,
        }
    }
}

impl Default for EdgeSettings {
    fn default() -> Self {
        Self {
            allowed_origins: Vec::new(),
            locale: "nl".to_owned(),
            reveal_from: Trust::Verified,
            requests_per_hour: 500,
            emails_per_day: 5,
            session_idle_minutes: 30,
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
    /// What a secret key may be used for.
    #[serde(default)]
    pub scopes: Scopes,
    /// When the key ends, because another has taken its place.
    #[serde(default)]
    pub key_expires_at: Option<UtcMillis>,
    /// Salt of its address, fingerprint and email hashes.
    pub salt: Salt,
    /// The secret with which the shop's back end vouches for an email.
    pub identity_secret: String,
    /// Currency of its prices.
    pub currency: Currency,
    /// What the owner set.
    pub settings: EdgeSettings,
}

impl ShopEntry {
    /// Whether a page from `origin` may use the shop's publishable keys. A request without an `Origin`
    /// header does not come from another site's page.
    #[must_use]
    pub fn allows_origin(&self, origin: Option<&str>) -> bool {
        let allowed = &self.settings.allowed_origins;
        allowed.is_empty() || origin.is_none_or(|origin| allowed.iter().any(|one| one == origin))
    }

    /// Whether the key that was asked for is still good at `now`.
    #[must_use]
    pub fn is_live(&self, now: UtcMillis) -> bool {
        self.key_expires_at.is_none_or(|end| now < end)
    }

    /// Whether the key's scopes let it call an edge's route. A publishable key has none: its kind decides.
    #[must_use]
    pub fn may_call(&self, method: &str, path: &str) -> bool {
        self.key != Some(KeyKind::Secret)
            || permission::needed(method, path)
                .is_some_and(|needed| needed.iter().all(|one| self.scopes.allow(*one)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn settings_that_break_a_rule_are_named() {
        let of = |origin: &str| ShopSettings {
            allowed_origins: vec!["https://shop.example".into(), origin.into()],
            ..ShopSettings::default()
        };
        for good in [
            "http://127.0.0.1:8787",
            "http://[::1]:80",
            "https://xn--caf-dma.example",
        ] {
            assert!(of(good).checked().is_ok(), "{good}");
        }
        for wrong in [
            "",
            "*",
            "shop.example",
            "https://",
            "https://Shop.example",
            "https://a/",
            "ftp://a",
            "https://u@a",
        ] {
            let fault = of(wrong).checked().unwrap_err();
            assert_eq!(fault.field, "allowed_origins[1]", "{wrong}");
        }
        let locale = ShopSettings {
            locale: "de".into(),
            ..ShopSettings::default()
        };
        assert_eq!(locale.checked().unwrap_err().field, "locale");
    }

    #[test]
    fn an_entry_of_an_older_origin_reads_as_a_key_that_may_everything_and_does_not_end() {
        let json = serde_json::json!({
            "shop": "shop_01ARZ3NDEKTSV4RRFFQ69G5FAV", "slug": "s", "key": "secret",
            "salt": "00".repeat(32), "identity_secret": "x", "currency": "EUR", "settings": {}
        });
        let entry: ShopEntry = serde_json::from_value(json).unwrap();
        assert!(entry.is_live(UtcMillis::new(i64::MAX)));
        assert!(entry.may_call("POST", "/v1/track"));
        assert!(!entry.may_call("POST", "/unknown"));
    }
}
