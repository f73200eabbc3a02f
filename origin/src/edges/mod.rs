//! What the edges must hear of: a durable queue of changed subjects, and the pusher that empties it.
//!
//! A use case queues in its own transaction ([`queue`]); the pusher reads each entry fresh when it sends
//! it, so a queued row is only "look at this again".
//!
//! **Invariant:** a change is queued in the transaction that makes it, and its row goes away only when
//! the edge has answered 2xx to this version or a later one. Test:
//! `a_push_that_fails_is_sent_again_until_the_edge_takes_it`.
//!
//! **Invariant:** one row for each edge and subject: many changes of one customer are one push. Test:
//! `changes_of_one_customer_are_one_push`.
//!
//! **Invariant:** a key of an erased person is removed from an edge only after the change without an entry is settled
//! there, so no floor comes back after it. Test: `an_erased_key_is_forgotten_a_minute_after_its_entry`.
//!
//! Several nodes may push at once: entries carry versions, so a second delivery changes nothing.

mod call;
mod changes;
mod flusher;
mod ledger;
pub mod openapi;
pub mod openapi_journey;
mod pusher;
mod queries;
mod queue;
mod subject;

pub use call::CallError;
pub use ledger::{Books, BooksError, EdgeBooks, read_books};
pub use pusher::{drain, run};
pub use queries::count_waiting;
pub use queue::{FORGOTTEN_AFTER_MS, commit, queue, queue_forgotten, queue_key, queue_shop_keys};
pub use subject::Subject;
