//! What is bought together.
//!
//! - [`shopping`]: baskets from lines of orders
//! - [`job`]: finds rules and keeps them
//! - [`routes`]: the contract's side

mod job;
mod routes;
mod shopping;

pub use job::relate;
pub(super) use job::{Related, find_related};
pub(super) use routes::routes;
