//! What a shop may do next.
//!
//! - [`job`]: gathers what the other analyses found, and what follows from it
//! - [`queries`]: ids, and what people made of recommendations
//! - [`routes`]: the contract's side

mod job;
mod queries;
mod routes;

pub use job::recommend;
pub(super) use routes::routes;
