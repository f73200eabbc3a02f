//! Who is asking: keys, passwords and tokens, and the extractors that yield the tenant.
//!
//! A handler that names none of the extractors has no [`Shop`](crate::shops::Shop), and without a shop's
//! id no query can be called. What the caller may do there stands in one table,
//! [`footfall_shared::permission`]; a route that it does not know lets nobody in.
//!
//! **Invariant:** a credential is compared as a hash only, and nothing of it is logged.
//!
//! **Invariant:** a presented credential that is not live is refused, also where none would be needed.
//! Test: `a_wrong_credential_is_refused_even_where_none_is_needed`.
//!
//! **Invariant:** whoever has not the permission that a route needs is refused before the handler runs.
//! Test: `each_role_gets_what_the_table_says`.

mod caller;
mod credential;
mod extract;
mod login;
mod password;
mod queries;
mod routes;
mod throttle;
mod token;

pub use credential::Credential;
pub use extract::{
    AdminShop, CountedShop, LIVE, OpenShop, SecretOrAdminShop, SecretShop, open_shop,
};
pub use login::{end_logins, grant_of_token};
pub use password::{HashError, PasswordHash, hash_password, password_matches};
pub use routes::routes;
pub use token::TokenKey;
