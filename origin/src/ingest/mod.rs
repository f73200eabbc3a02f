//! The event log: takes signed batches from edges, projects what is new, and shows the log.
//!
//! What other features may call: [`append_own`] for events that the origin itself makes, [`project`] and
//! [`replay`] for rebuilding, [`person`] for who wants to know or end what the log has of them.
//!
//! **Invariant:** an event is in the log once, by its id within the shop, however often it is sent; only a
//! new one is projected, in the transaction that appends it. Test: `a_retried_batch_counts_once`.
//!
//! **Invariant:** one bad event never fails the others of its batch; it is kept with its reason. Test:
//! `a_poison_event_does_not_stop_the_rest`.
//!
//! **Invariant:** a batch whose receipt was lost gets the same verdicts again, so that an edge's ledger is
//! exact: an event remembers the acceptance that it came from. Test: `a_lost_receipt_is_told_again`.
//!
//! **Invariant:** `seq` is the order in which a shop's events became visible, because appending takes the
//! shop's turn; so a page's cursor never steps over an event. Test: `pages_stay_stable_while_events_arrive`.

mod append;
mod bots;
mod intake;
mod lanes;
mod parse;
mod project;
mod queries;
mod read;
mod rejected;
mod replay;
mod routes;
pub mod silence;

pub use append::{append_own, append_within};
pub use intake::{Intake, append};
pub use queries::person;
pub use queries::{Logged, count_rejected, find_event, last_place, read_after, stored_of_outbox};
pub use replay::replay;
pub use routes::routes;
