//! Who is asking: keys and admin passwords, and the extractors that yield the tenant.
//!
//! A handler that names none of the extractors has no [`Shop`](crate::shops::Shop), and without a shop's
//! id no query can be called.
//!
//! **Invariant:** a credential is compared as a hash only, and nothing of it is logged.
//!
//! **Invariant:** a presented credential that is not live is refused, also where none would be needed.
//! Test: `a_wrong_credential_is_refused_even_where_none_is_needed`.

mod credential;
mod extract;
mod password;

pub use credential::Credential;
pub use extract::{OpenShop, PublishableShop, SecretOrAdminShop, SecretShop};
pub use password::{HashError, PasswordHash, hash_password};
