//! All SQL over the log.

mod hours;
mod lanes;
mod log;
mod outbox;
pub mod person;
mod rejected;

pub(super) use hours::{active_hours, count_hour};
pub(super) use lanes::{decide_lane, decided_lanes, list_bots};
pub(super) use log::{Filter, Row, Who, find_events, insert_events};
pub use log::{Logged, find_event, last_place, read_after};
pub use outbox::stored_of_outbox;
pub(super) use outbox::{Acceptance, count_outbox, find_acceptances};
pub use rejected::count_rejected;
pub(super) use rejected::{
    Kept, Rejected, find_rejected, find_rejected_bodies, forget_rejected, keep_rejected,
};
