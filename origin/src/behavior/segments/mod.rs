//! Customers into segments, and who they are.
//!
//! - [`customers`]: what is counted of each customer
//! - [`cluster`]: k-means, and how many groups
//! - [`portrait`]: what is told of a segment and its persona
//! - [`job`]: puts it together and keeps it
//! - [`queries`]: the members of segments
//! - [`routes`]: the contract's side

mod attributes;
mod cluster;
mod customers;
mod job;
mod portrait;
mod queries;
mod routes;

pub use cluster::{Clusters, cluster};
pub use job::segment;
pub(super) use job::{Segmented, find_segmented};
pub(super) use routes::routes;
