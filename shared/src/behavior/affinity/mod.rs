//! What is bought together.
//!
//! - [`baskets`]: the orders, as sets of numbers
//! - [`fpgrowth`]: the sets of products that occur together often
//! - [`rules`]: who buys this also buys that, with how sure that is
//! - [`thresholds`]: what counts as often, for this shop
//! - [`network`]: products and what ties them, in communities
//! - [`bundles`]: what may be offered together

pub mod baskets;
pub mod bundles;
pub mod fpgrowth;
pub mod network;
pub mod rules;
pub mod thresholds;

#[cfg(test)]
mod tests;
