//! What journeys come to: the funnel, its leaks, cohorts and attribution, from roll-ups that grow with each event.
//!
//! - [`contribution`]: what one session adds to the roll-ups, [`attribution`]: what its sales are credited to
//! - [`rollup`]: the roll-ups in the database
//! - [`funnel`], [`cohorts`]: the replies
//!
//! **Invariant:** a roll-up is the sum of the contributions of all sessions as they stand. What a session adds after an
//! event less what it added before goes in with the event, so late and repeated events are right by construction
//! (`the_roll_ups_do_not_depend_on_the_sequence_of_arrival`).

pub(super) mod attribution;
mod cohorts;
pub(super) mod contribution;
mod funnel;
pub(super) mod rollup;
mod routes;

pub(super) use routes::routes;
