//! Registered customers.

use serde::Deserialize;

use super::{Told, loose};
use crate::id::ExternalId;
use crate::identity::Email;
use crate::wire::orders::NAME_CHARS_MAX;

/// A customer as the shop sends it.
#[derive(Debug, Clone, Deserialize)]
pub struct WooCustomer {
    /// The shop's id of the customer.
    pub id: ExternalId,
    #[serde(default, deserialize_with = "loose::text")]
    email: Option<String>,
    #[serde(default, deserialize_with = "loose::text")]
    first_name: Option<String>,
    #[serde(default, deserialize_with = "loose::text")]
    last_name: Option<String>,
}

/// A customer to take.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ToldCustomer {
    /// The shop's id of the customer.
    pub id: ExternalId,
    /// The account's email.
    pub email: Email,
    /// Given name.
    pub first_name: Option<String>,
    /// Family name.
    pub last_name: Option<String>,
}

impl WooCustomer {
    /// What the payload comes to.
    #[must_use]
    pub fn parse(self) -> Told<ToldCustomer> {
        let Ok(email) = Email::parse("email", self.email.as_deref().unwrap_or_default()) else {
            return Told::Nothing("the customer has no email");
        };
        let name = |name: Option<String>| {
            name.map(|name| loose::name(&name, NAME_CHARS_MAX))
                .filter(|name| !name.is_empty())
        };
        Told::This(ToldCustomer {
            id: self.id,
            email,
            first_name: name(self.first_name),
            last_name: name(self.last_name),
        })
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_customer_without_an_email_is_nothing_for_us() {
        let read = |json| serde_json::from_value::<WooCustomer>(json).unwrap().parse();
        let told = read(
            json!({"id": 26, "email": "Joao@example.com", "first_name": "João", "last_name": ""}),
        );
        let Told::This(told) = told else { panic!() };
        assert_eq!(told.email.as_str(), "joao@example.com");
        assert_eq!(
            (told.first_name.as_deref(), told.last_name),
            (Some("João"), None)
        );
        assert!(matches!(
            read(json!({"id": 26, "email": null})),
            Told::Nothing(_)
        ));
    }
}
