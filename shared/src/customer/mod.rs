//! Customers as salespeople keep them: who they are, what was done with them, and what follows from it.
//!
//! A record here is written by people; what a shop's orders say of a shopper is [`profile`](crate::profile). Nothing here
//! stores or finds anything: the origin gives a [`CustomerRecord`] and its [`History`].
//!
//! **Invariants:**
//! - A record is never wrong: also a stored one is read by [`CustomerRecord::parse`]
//!   (`a_printed_record_reads_back`).
//! - What follows from a history does not hang on the sequence in which its interactions were recorded, because a
//!   [`History`] stands in the sequence of time (`a_history_is_the_same_however_it_was_recorded`).
//! - A number that no data stand behind says so ([`success`]).

pub mod advice;
pub mod completeness;
pub mod disc;
pub mod duplicate;
pub mod engagement;
pub mod evidence;
pub mod history;
pub mod interaction;
mod invalid;
pub mod list;
pub mod range;
pub mod record;
pub mod search;
pub mod stage;
pub mod success;
pub mod topic;
pub mod update;
mod word;

pub use history::{History, RecordedInteraction};
pub use interaction::Interaction;
pub use invalid::InvalidInput;
pub use record::CustomerRecord;

#[cfg(test)]
mod tests;
