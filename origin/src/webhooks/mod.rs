//! Webhooks: what happens in a shop, told to addresses that its people name.
//!
//! - [`endpoint`]: which addresses and types are taken
//! - [`announce`]: puts an event on its way, in the transaction that made it
//! - [`delivery`]: brings it there
//!
//! **Invariant:** an event that is announced is delivered at least once or parked visibly; the events of one session reach
//! an address in the sequence in which they happened (`events_of_a_session_arrive_in_sequence_whatever_fails`).
//!
//! **Invariant:** nothing but a public address is ever called, in production by https only
//! (`private_addresses_are_refused_when_added_and_when_called`).

mod announce;
mod delivery;
mod endpoint;
mod queries;
mod routes;
mod signature;

pub use announce::{Announcement, announce, are_wanted};
pub use delivery::{Postman, deliver_due, keep_delivering};
pub use endpoint::EventType;
pub use routes::routes;
