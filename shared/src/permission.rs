//! Who may do what: the permissions, the scopes of secret keys, the roles of people, and what each route
//! needs. This is the one table; edge and origin ask it.
//!
//! **Invariant:** whoever manages keys or people is a person: no scope gives it, not even `*`, so that a
//! leaked key cannot make itself another. Test: `no_scope_reaches_keys_or_users`.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::text::InvalidField;

/// One thing that may be done in a shop.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Permission {
    /// Read the figures of funnels, and who did what.
    AnalyticsRead,
    /// Have them made anew, and models trained.
    AnalyticsWrite,
    /// Read what people and keys did in the administration.
    AuditRead,
    /// Read analyses of customers' behaviour, and see jobs.
    BehaviorRead,
    /// Have them computed, mark what was done of them, and end jobs.
    BehaviorWrite,
    /// Read what people allow.
    ConsentRead,
    /// Record what people allow.
    ConsentWrite,
    /// Read what may be shown to shoppers.
    ContentRead,
    /// Change what may be shown to shoppers, and tell stocks.
    ContentWrite,
    /// Read customers, their profiles and offers.
    CustomersRead,
    /// Make, change and delete customers, and recalculate them.
    CustomersWrite,
    /// See which devices recognize whom.
    DevicesRead,
    /// Undo recognitions.
    DevicesWrite,
    /// Read the log.
    EventsRead,
    /// Send events.
    EventsWrite,
    /// Read journeys.
    JourneysRead,
    /// Report what happens in journeys, and link them.
    JourneysWrite,
    /// Move offers.
    OffersWrite,
    /// Send orders.
    OrdersWrite,
    /// Give people what is held of them, and see what became of erasures.
    PrivacyRead,
    /// Erase people.
    PrivacyWrite,
    /// Read the shop's settings.
    SettingsRead,
    /// Change the shop's settings.
    SettingsWrite,
    /// See the files that were sent.
    UploadsRead,
    /// Send files and forget them.
    UploadsWrite,
    /// List webhooks and what is on its way to them.
    WebhooksRead,
    /// Make and remove webhooks, and send again.
    WebhooksWrite,
    /// List keys.
    KeysRead,
    /// Make, rotate and revoke keys.
    KeysWrite,
    /// List users.
    UsersRead,
    /// Make, change and remove users.
    UsersWrite,
}

impl Permission {
    /// All of them.
    pub const ALL: [Self; 31] = [
        Self::AnalyticsRead,
        Self::AnalyticsWrite,
        Self::AuditRead,
        Self::BehaviorRead,
        Self::BehaviorWrite,
        Self::ConsentRead,
        Self::ConsentWrite,
        Self::ContentRead,
        Self::ContentWrite,
        Self::CustomersRead,
        Self::CustomersWrite,
        Self::DevicesRead,
        Self::DevicesWrite,
        Self::EventsRead,
        Self::EventsWrite,
        Self::JourneysRead,
        Self::JourneysWrite,
        Self::OffersWrite,
        Self::OrdersWrite,
        Self::PrivacyRead,
        Self::PrivacyWrite,
        Self::SettingsRead,
        Self::SettingsWrite,
        Self::UploadsRead,
        Self::UploadsWrite,
        Self::WebhooksRead,
        Self::WebhooksWrite,
        Self::KeysRead,
        Self::KeysWrite,
        Self::UsersRead,
        Self::UsersWrite,
    ];

    /// As it is written in scopes and told to who lacks it.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::AnalyticsRead => "analytics:read",
            Self::AnalyticsWrite => "analytics:write",
            Self::AuditRead => "audit:read",
            Self::BehaviorRead => "behavior:read",
            Self::BehaviorWrite => "behavior:write",
            Self::ConsentRead => "consent:read",
            Self::ConsentWrite => "consent:write",
            Self::ContentRead => "content:read",
            Self::ContentWrite => "content:write",
            Self::CustomersRead => "customers:read",
            Self::CustomersWrite => "customers:write",
            Self::DevicesRead => "devices:read",
            Self::DevicesWrite => "devices:write",
            Self::EventsRead => "events:read",
            Self::EventsWrite => "events:write",
            Self::JourneysRead => "journeys:read",
            Self::JourneysWrite => "journeys:write",
            Self::OffersWrite => "offers:write",
            Self::OrdersWrite => "orders:write",
            Self::PrivacyRead => "privacy:read",
            Self::PrivacyWrite => "privacy:write",
            Self::SettingsRead => "settings:read",
            Self::SettingsWrite => "settings:write",
            Self::UploadsRead => "uploads:read",
            Self::UploadsWrite => "uploads:write",
            Self::WebhooksRead => "webhooks:read",
            Self::WebhooksWrite => "webhooks:write",
            Self::KeysRead => "keys:read",
            Self::KeysWrite => "keys:write",
            Self::UsersRead => "users:read",
            Self::UsersWrite => "users:write",
        }
    }

    /// Whether a key can have it.
    #[must_use]
    pub const fn is_scope(self) -> bool {
        !matches!(
            self,
            Self::KeysRead | Self::KeysWrite | Self::UsersRead | Self::UsersWrite
        )
    }

    const fn bit(self) -> u32 {
        1 << self as u32
    }
}

impl fmt::Display for Permission {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// What a caller of a route must be allowed; `None` where the table does not know the route, and then
/// nobody is let in. `method` is in capitals, `route` is the pattern as the router has it.
#[must_use]
pub fn needed(method: &str, route: &str) -> Option<&'static [Permission]> {
    use Permission as P;
    let needed: &[Permission] = match (method, route) {
        // The storefront's, at the edge. A secret key is shown there what a browser is not.
        ("POST", "/api/intelligence/track-customer") => &[P::EventsWrite, P::CustomersRead],
        ("GET" | "HEAD", "/api/intelligence/bundle" | "/api/intelligence/recommendations") => {
            &[P::CustomersRead]
        }
        ("POST", "/api/intelligence/bundle-status-update") => &[P::OffersWrite],
        ("POST", route) if route.starts_with("/v1/") => &[P::EventsWrite],
        ("GET" | "HEAD", route) if route.starts_with("/api/journey/sessions/") => {
            &[P::JourneysRead]
        }
        ("POST" | "PUT" | "DELETE", route) if route.starts_with("/api/journey/sessions/") => {
            &[P::JourneysWrite]
        }
        ("GET" | "HEAD", route) if route.starts_with("/api/journey/recommendations/") => {
            &[P::JourneysRead]
        }
        (
            "POST",
            "/api/journey/touchpoints/track"
            | "/api/journey/conversions/track"
            | "/api/journey/optimize",
        ) => &[P::JourneysWrite],
        // The shop's own, at the origin. A bundle that is due is made by whoever looks for it.
        ("GET" | "HEAD", "/wp-json/wg/v1/intelligence/profile") => &[P::CustomersRead],
        ("POST", "/wp-json/wg/v1/intelligence/recalculate") => &[P::CustomersWrite],
        ("GET" | "HEAD", "/wp-json/wg/v1/intelligence/bundle") => &[P::CustomersRead],
        ("POST", "/wp-json/wg/v1/intelligence/bundle-status") => &[P::OffersWrite],
        ("POST", "/api/orders") => &[P::OrdersWrite],
        ("GET" | "HEAD", "/api/events" | "/api/events/rejected" | "/api/bots") => &[P::EventsRead],
        ("POST", "/api/events/rejected/replay" | "/api/bots/reclassify") => &[P::EventsWrite],
        ("GET" | "HEAD", "/api/devices") => &[P::DevicesRead],
        ("POST", "/api/devices/reset") => &[P::DevicesWrite],
        (
            "GET" | "HEAD",
            "/api/decisions/{id}"
            | "/api/journey/analytics/funnel"
            | "/api/journey/analytics/cohorts"
            | "/api/journey/model",
        ) => &[P::JourneysRead],
        // Funnel analytics.
        ("POST", "/analytics/refresh" | "/models/retrain" | "/models/rollback") => {
            &[P::AnalyticsWrite]
        }
        ("GET" | "HEAD", route)
            if [
                "/analytics/",
                "/dashboard/",
                "/models/",
                "/realtime/",
                "/recommendations/",
                "/sentiment/",
                "/users/",
                "/ws/",
            ]
            .iter()
            .any(|start| route.starts_with(start)) =>
        {
            &[P::AnalyticsRead]
        }
        // Customer management.
        ("GET" | "HEAD", route) if route.starts_with("/api/v1/customers") => &[P::CustomersRead],
        ("POST" | "PUT" | "DELETE", route) if route.starts_with("/api/v1/customers") => {
            &[P::CustomersWrite]
        }
        // Files, jobs and what is computed from them.
        ("GET" | "HEAD", "/api/uploads" | "/api/uploads/{id}" | "/api/uploads/{id}/errors.csv") => {
            &[P::UploadsRead]
        }
        ("GET" | "HEAD", "/api/jobs/{id}") => &[P::BehaviorRead],
        ("DELETE", "/api/jobs/{id}") => &[P::BehaviorWrite],
        ("POST", "/api/uploads") => &[P::UploadsWrite],
        ("DELETE", "/api/uploads/{id}") => &[P::UploadsWrite],
        ("GET" | "HEAD", route) if route.starts_with("/api/behavior/") => &[P::BehaviorRead],
        ("POST" | "PUT", route) if route.starts_with("/api/behavior/") => &[P::BehaviorWrite],
        // The administration.
        ("GET" | "HEAD", "/api/audit") => &[P::AuditRead],
        ("GET" | "HEAD", "/api/privacy/consent") => &[P::ConsentRead],
        ("POST", "/api/privacy/consent") => &[P::ConsentWrite],
        ("GET" | "HEAD", route) if route.starts_with("/api/privacy/") => &[P::PrivacyRead],
        ("DELETE", route) if route.starts_with("/api/privacy/") => &[P::PrivacyWrite],
        ("GET" | "HEAD", "/api/journey/content") => &[P::ContentRead],
        ("PUT", "/api/journey/content" | "/api/products/stock") => &[P::ContentWrite],
        ("GET" | "HEAD", "/api/settings") => &[P::SettingsRead],
        ("PATCH", "/api/settings") => &[P::SettingsWrite],
        ("GET" | "HEAD", "/api/webhooks" | "/api/webhooks/{id}/deliveries") => &[P::WebhooksRead],
        ("POST", "/api/webhooks" | "/api/webhooks/{id}/replay") => &[P::WebhooksWrite],
        ("DELETE", "/api/webhooks/{id}") => &[P::WebhooksWrite],
        ("GET" | "HEAD", "/api/keys") => &[P::KeysRead],
        ("POST", "/api/keys" | "/api/keys/{id}/rotate") => &[P::KeysWrite],
        ("DELETE", "/api/keys/{id}") => &[P::KeysWrite],
        ("GET" | "HEAD", "/api/users") => &[P::UsersRead],
        ("POST", "/api/users") => &[P::UsersWrite],
        ("PATCH" | "DELETE", "/api/users/{id}") => &[P::UsersWrite],
        _ => return None,
    };
    Some(needed)
}

/// Whether it is kept in the audit log that somebody calls a route: what changes the administration, takes something out, or
/// gives out all that is held of a person. What only brings new data in (events, orders, journeys, customers) is not, because it is its own log.
#[must_use]
pub fn is_audited(method: &str, route: &str) -> bool {
    use Permission as P;
    let brings_data = |permission: &P| {
        matches!(
            permission,
            P::EventsWrite | P::JourneysWrite | P::OffersWrite | P::OrdersWrite
        )
    };
    let is_read =
        matches!(method, "GET" | "HEAD" | "OPTIONS") && !route.starts_with("/api/privacy/export");
    let of_customers = route.starts_with("/api/v1/customers") && method != "DELETE";
    let brings_only_data =
        needed(method, route).is_some_and(|needed| needed.iter().any(brings_data));
    !is_read && !of_customers && !brings_only_data
}

/// What a user is to the shop.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Role {
    /// Everything.
    Owner,
    /// Everything but managing people.
    Admin,
    /// Reads, and changes nothing.
    Analyst,
    /// Reads what is needed to help a customer.
    Support,
}

impl Role {
    /// All of them, the mightiest first.
    pub const ALL: [Self; 4] = [Self::Owner, Self::Admin, Self::Analyst, Self::Support];

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

    /// Whether somebody of this role may do it.
    #[must_use]
    pub const fn may(self, permission: Permission) -> bool {
        use Permission as P;
        match permission {
            P::AnalyticsRead
            | P::BehaviorRead
            | P::ConsentRead
            | P::ContentRead
            | P::CustomersRead
            | P::DevicesRead
            | P::EventsRead
            | P::JourneysRead => true,
            P::SettingsRead | P::UploadsRead | P::WebhooksRead | P::KeysRead => {
                !matches!(self, Self::Support)
            }
            P::AnalyticsWrite
            | P::AuditRead
            | P::BehaviorWrite
            | P::ConsentWrite
            | P::ContentWrite
            | P::CustomersWrite
            | P::DevicesWrite
            | P::EventsWrite
            | P::JourneysWrite
            | P::OffersWrite
            | P::OrdersWrite
            | P::PrivacyRead
            | P::PrivacyWrite
            | P::SettingsWrite
            | P::UploadsWrite
            | P::WebhooksWrite
            | P::KeysWrite
            | P::UsersRead => matches!(self, Self::Owner | Self::Admin),
            P::UsersWrite => matches!(self, Self::Owner),
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
        Self::ALL
            .into_iter()
            .find(|role| role.as_str() == text)
            .ok_or(UnknownRole)
    }
}

/// What a key may be used for: a set of permissions, or everything that a key can have.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Scopes(u32);

impl Scopes {
    /// `*`: everything that a key can have, also what is added later.
    pub const ALL: Self = Self(u32::MAX);
    /// How `*` is written.
    const STAR: &'static str = "*";

    /// Reads a list of scopes.
    ///
    /// # Errors
    /// [`InvalidField`] names the first that is none, or an empty list: a key that may do nothing is a
    /// mistake.
    pub fn parse(field: &str, texts: &[impl AsRef<str>]) -> Result<Self, InvalidField> {
        if texts.is_empty() {
            return Err(InvalidField::new(field, "must name at least one scope"));
        }
        let mut scopes = Self(0);
        for (index, text) in texts.iter().enumerate() {
            scopes.0 |= Self::one(text.as_ref()).ok_or_else(|| {
                let known: Vec<&str> = Self::names().collect();
                let rule = format!("must be `*` or one of {}", known.join(", "));
                InvalidField::new(format!("{field}[{index}]"), rule)
            })?;
        }
        Ok(scopes)
    }

    /// Whether a key with these scopes may do it.
    #[must_use]
    pub const fn allow(self, permission: Permission) -> bool {
        permission.is_scope() && self.0 & permission.bit() != 0
    }

    /// What somebody of this role may do as far as a key could: how an edge knows a person who is logged in.
    #[must_use]
    pub fn of_role(role: Role) -> Self {
        let held = Permission::ALL
            .into_iter()
            .filter(|one| one.is_scope() && role.may(*one));
        Self(held.fold(0, |all, one| all | one.bit()))
    }

    /// The scopes as they are written.
    #[must_use]
    pub fn to_texts(self) -> Vec<&'static str> {
        if self == Self::ALL {
            return vec![Self::STAR];
        }
        let held = Permission::ALL.into_iter().filter(|one| self.allow(*one));
        held.map(Permission::as_str).collect()
    }

    /// The names of all scopes but `*`.
    pub fn names() -> impl Iterator<Item = &'static str> {
        let scopes = Permission::ALL.into_iter().filter(|one| one.is_scope());
        scopes.map(Permission::as_str)
    }

    fn one(text: &str) -> Option<u32> {
        if text == Self::STAR {
            return Some(Self::ALL.0);
        }
        let mut scopes = Permission::ALL.into_iter().filter(|one| one.is_scope());
        scopes.find(|one| one.as_str() == text).map(Permission::bit)
    }
}

impl Default for Scopes {
    fn default() -> Self {
        Self::ALL
    }
}

impl fmt::Debug for Scopes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Scopes({})", self.to_texts().join(" "))
    }
}

impl Serialize for Scopes {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.to_texts().serialize(serializer)
    }
}

/// A scope that this release does not know gives nothing: an edge may be older than its origin.
impl<'de> Deserialize<'de> for Scopes {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let texts = Vec::<String>::deserialize(deserializer)?;
        let known = texts.iter().filter_map(|text| Self::one(text));
        Ok(Self(known.fold(0, |all, one| all | one)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_role_may_what_the_table_says() {
        let table = [
            (Permission::AnalyticsRead, "owner admin analyst support"),
            (Permission::AnalyticsWrite, "owner admin"),
            (Permission::AuditRead, "owner admin"),
            (Permission::BehaviorRead, "owner admin analyst support"),
            (Permission::BehaviorWrite, "owner admin"),
            (Permission::ConsentRead, "owner admin analyst support"),
            (Permission::ConsentWrite, "owner admin"),
            (Permission::ContentRead, "owner admin analyst support"),
            (Permission::ContentWrite, "owner admin"),
            (Permission::CustomersRead, "owner admin analyst support"),
            (Permission::CustomersWrite, "owner admin"),
            (Permission::DevicesRead, "owner admin analyst support"),
            (Permission::DevicesWrite, "owner admin"),
            (Permission::EventsRead, "owner admin analyst support"),
            (Permission::EventsWrite, "owner admin"),
            (Permission::JourneysRead, "owner admin analyst support"),
            (Permission::JourneysWrite, "owner admin"),
            (Permission::OffersWrite, "owner admin"),
            (Permission::OrdersWrite, "owner admin"),
            (Permission::PrivacyRead, "owner admin"),
            (Permission::PrivacyWrite, "owner admin"),
            (Permission::SettingsRead, "owner admin analyst"),
            (Permission::SettingsWrite, "owner admin"),
            (Permission::UploadsRead, "owner admin analyst"),
            (Permission::UploadsWrite, "owner admin"),
            (Permission::WebhooksRead, "owner admin analyst"),
            (Permission::WebhooksWrite, "owner admin"),
            (Permission::KeysRead, "owner admin analyst"),
            (Permission::KeysWrite, "owner admin"),
            (Permission::UsersRead, "owner admin"),
            (Permission::UsersWrite, "owner"),
        ];
        assert_eq!(table.map(|(permission, _)| permission), Permission::ALL);
        for (permission, expected) in table {
            let may = Role::ALL.into_iter().filter(|role| role.may(permission));
            let may: Vec<&str> = may.map(Role::as_str).collect();
            assert_eq!(may.join(" "), expected, "{permission}");
        }
    }

    #[test]
    fn no_scope_reaches_keys_or_users() {
        let managing = Permission::ALL.into_iter().filter(|one| !one.is_scope());
        for permission in managing {
            assert!(!Scopes::ALL.allow(permission), "{permission}");
            assert!(Scopes::parse("scopes", &[permission.as_str()]).is_err());
        }
    }

    #[test]
    fn a_key_may_what_its_scopes_name_and_nothing_else() {
        let scopes = Scopes::parse("scopes", &["orders:write", "events:read"]).unwrap();
        for permission in Permission::ALL {
            let named = matches!(permission, Permission::OrdersWrite | Permission::EventsRead);
            assert_eq!(scopes.allow(permission), named, "{permission}");
        }
    }

    #[test]
    fn scopes_read_back_as_they_were_written() {
        for texts in [
            vec!["*"],
            vec!["customers:read"],
            vec!["events:read", "orders:write"],
        ] {
            let scopes = Scopes::parse("scopes", &texts).unwrap();
            assert_eq!(scopes.to_texts(), texts);
            let json = serde_json::to_string(&scopes).unwrap();
            assert_eq!(serde_json::from_str::<Scopes>(&json).unwrap(), scopes);
        }
    }

    #[test]
    fn what_is_no_scope_is_named() {
        let none: [&str; 0] = [];
        assert!(Scopes::parse("scopes", &none).is_err());
        let fault = Scopes::parse("scopes", &["orders:write", "orders:*"]).unwrap_err();
        assert_eq!(fault.field, "scopes[1]");
    }

    #[test]
    fn a_scope_of_a_later_release_gives_nothing() {
        let scopes: Scopes = serde_json::from_str("[\"moon:write\"]").unwrap();
        assert!(Permission::ALL.into_iter().all(|one| !scopes.allow(one)));
    }

    #[test]
    fn a_route_that_is_not_in_the_table_is_nobodys() {
        assert_eq!(needed("GET", "/api/orders"), None);
        assert_eq!(needed("DELETE", "/api/events"), None);
        assert_eq!(needed("GET", "/"), None);
    }
}
