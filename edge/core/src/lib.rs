//! Footfall's edge: one router and one set of handlers, over a small [`platform::Platform`].
//!
//! **Invariants**
//! - No runtime is named here; Spin, Workers and the in-memory platform supply the capabilities.
//! - [`router::route`] is total: no error leaves it and no panic either.
//! - An event is answered 2xx only after the outbox has it durably (`an_event_is_durable_before_it_is_answered`).
//! - No raw address or fingerprint leaves [`guard`] and the parsers (`no_raw_address_or_fingerprint_is_kept`).
//!
//! The way of a request: [`router`] → [`guard`] (whose shop, which device) → a handler in
//! [`intelligence`], [`journey`], [`events`] or [`push`] → cache, outbox, origin.

#![cfg_attr(
    any(test, feature = "testing"),
    allow(
        clippy::unwrap_used,
        clippy::expect_used,
        clippy::panic,
        reason = "tests and the test platform may panic"
    )
)]

pub mod assets;
pub mod cache;
pub mod config;
#[cfg(any(test, feature = "testing"))]
pub mod conformance;
pub mod error;
pub mod events;
pub mod forward;
pub mod guard;
pub mod http;
pub mod intelligence;
pub mod journey;
mod json_fault;
mod limits;
pub mod lookups;
#[cfg(any(test, feature = "testing"))]
pub mod memory;
pub mod origin;
pub mod outbox;
pub mod platform;
pub mod push;
pub mod router;
pub mod shops;
mod trace;

pub use config::EdgeConfig;
pub use http::{Request, Response};
pub use platform::Platform;
pub use router::route;
