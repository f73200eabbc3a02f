//! Request and reply bodies, exactly as the contracts write them, one file for each API family.
//!
//! A `…Request` holds what a caller may send, not yet checked; domain types parse it. A `…Reply` is made
//! from domain types by a named constructor beside it.

pub mod customers;
pub mod error;
pub mod events;
pub mod intelligence;
pub mod internal;
pub mod journey;
pub mod orders;
pub mod woocommerce;
