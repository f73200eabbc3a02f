//! What reviews say.
//!
//! - [`reviews`]: scores reviews and counts them
//! - [`job`]: puts it together and keeps it
//! - [`routes`]: the contract's side

mod job;
mod reviews;
mod routes;

pub use job::listen;
pub(super) use job::{Heard, find_heard};
pub(super) use routes::routes;
