//! The storefront's routes of the customer-intelligence contract.
//!
//! - [`track_customer`]: recognize, remember, answer with the profile
//! - [`bundle`]: the offer, from the edge's own state
//! - [`bundle_status`]: the deprecated status route

pub(crate) mod bundle;
pub(crate) mod bundle_status;
pub(crate) mod customer;
pub(crate) mod recognize;
pub(crate) mod track_customer;
