//! What a shopper is shown: a shop's variants for each slot, and the choice among them.
//!
//! - [`slot`]: the places that are filled
//! - [`kit`]: what the origin publishes for a shop, all that a decision needs
//! - [`decide`]: the choice, as edge, origin and a replay make it
//! - [`optimization`]: what a page may be changed in
//! - [`advice`]: what follows for the page, in the contract's words

pub mod advice;
pub mod decide;
pub mod kit;
pub mod optimization;
pub mod slot;

pub use decide::{Decided, Decision, Purpose, Seen};
pub use kit::{Kit, Variant};
pub use optimization::Optimization;
pub use slot::Slot;
