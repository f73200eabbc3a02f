//! What people and keys did in the administration: appended before it is done, in a chain of digests.
//!
//! - [`chain`]: what an entry says, its digest, and whether a chain is whole
//! - [`record`]: appends; [`queries`]: SQL; [`routes`]: what admins read
//!
//! An entry names ids, routes and paths. It holds no body, no query and no personal data, so an erasure leaves it as it is.
//!
//! **Invariants:** nothing is done that is not in the chain, because its entry commits first
//! (`what_is_done_in_the_administration_is_in_the_chain`); an entry that was changed, taken out or put in is found
//! (`a_chain_that_was_tampered_with_is_found`).

pub mod chain;
mod queries;
mod record;
mod routes;

pub use queries::read_chain;
pub use record::{AuditSlot, Begun, append, begin};
pub use routes::routes;
