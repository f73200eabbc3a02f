//! The journey of a shopper through one visit, as edge and origin both see it.
//!
//! - [`stage`] and [`context`] name where a shopper stands and comes from;
//! - [`observed`] is all that the conversion model may look at.

pub mod context;
pub mod event;
pub mod features;
pub mod model;
pub mod observed;
pub mod parse;
pub mod reducer;
pub mod session;
pub mod stage;
pub mod unify;
