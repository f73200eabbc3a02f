//! The conversion model: reading sessions, fitting, and telling how good it is.
//!
//! - [`datasets`] reads the public sets that the prior is fitted on
//! - [`fit`] fits
//! - [`evaluate`] measures

pub mod datasets;
pub mod evaluate;
pub mod fit;
pub mod prior;

/// One example: a session at one moment, and what became of it.
#[derive(Debug, Clone, PartialEq)]
pub struct Sample {
    /// What is weighed.
    pub features: Vec<f64>,
    /// Whether the session ended in a purchase.
    pub bought: bool,
}
