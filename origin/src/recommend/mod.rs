//! What a shopper may want next.
//!
//! - [`models`]: the recommenders, pure, and the choice between them

pub mod models;
