//! What the edge promises, through its public door on the in-memory platform.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    missing_docs,
    unreachable_pub,
    reason = "tests may panic and are no library"
)]

mod any_bytes;
mod bad_input;
mod bundle;
mod content;
mod events;
mod forwarding;
mod journeys;
mod keys;
mod limits;
mod opt_out;
mod outbox;
mod push;
mod recommendations;
mod support;
mod traces;
mod track_customer;
