//! Live data: what happens in a shop, as it happens.
//!
//! - [`feed`]: who listens, and what they are told; [`tail`]: reads the log as it grows, once for all who listen
//! - [`frame`]: how events are told
//! - [`now`]: the figures of this moment
//! - [`socket`]: a client's connection; [`routes`]: the contract's side
//!
//! **Invariant:** a client is told each event of its topics once and in the log's sequence, from the place that it names or
//! the moment in which it came, on whatever node (`a_client_that_comes_back_misses_nothing_and_hears_nothing_twice`).
//!
//! **Invariant:** nobody waits for a client: what is told is made once and put where all find it, and who falls behind is
//! sent away with a reason (`a_client_that_does_not_read_is_sent_away_and_slows_nobody`).

mod feed;
mod frame;
mod now;
mod routes;
mod socket;
mod tail;

pub use feed::{Feed, TOPIC, keep_hearing};
pub use routes::routes;
