//! The conversion model: reading sessions, fitting, and telling how good it is.
//!
//! - [`datasets`] reads the public sets that the prior is fitted on
//! - [`fit`] fits
//! - [`evaluate`] measures
//! - [`shop`] fits a shop's own, [`job`] does so once a day and publishes what is better

pub mod datasets;
pub mod evaluate;
pub mod fit;
pub mod job;
pub mod prior;
mod queries;
mod routes;
pub mod shop;

pub(super) use routes::routes;

/// One example: a session at one moment, and what became of it.
#[derive(Debug, Clone, PartialEq)]
pub struct Sample {
    /// What is weighed.
    pub features: Vec<f64>,
    /// Whether the session ended in a purchase.
    pub bought: bool,
}
