//! The journey engine's bodies, word for word: shares are 0 to 1, durations are seconds, times RFC 3339.
//!
//! What the contract does not name is added beside its fields: `basis` tells whether a probability is the shop's
//! own model's or the prior's.

mod reply;
mod request;

pub use reply::*;
pub use request::*;
