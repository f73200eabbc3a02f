//! The journey of a shopper through one visit, as edge and origin both see it.
//!
//! - [`stage`] and [`context`] name where a shopper stands and comes from
//! - [`event`] is what can happen, [`parse`] reads it from the contract's requests
//! - [`session`] is what follows, [`reducer`] makes it, [`unify`] sees several as one
//! - [`content`] is what the shopper is shown, and how that is chosen
//! - [`observed`], [`features`] and [`model`] tell whether it will end in a purchase, [`next`] what to show

pub mod content;
pub mod context;
pub mod event;
pub mod features;
pub mod model;
pub mod next;
pub mod observed;
pub mod parse;
pub mod reducer;
pub mod session;
pub mod stage;
pub mod unify;
