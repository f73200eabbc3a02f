//! End to end: the release binary and the edge component as real processes, on loopback.
//!
//! `FOOTFALL_BIN` and `FOOTFALL_EDGE_COMPONENT` name them (`make` builds and names both);
//! `FOOTFALL_TEST_POSTGRES` names a PostgreSQL server that may make databases. What is missing is a
//! failure, never a skip.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::print_stdout,
    reason = "a test may panic, and prints what it measured"
)]

mod bad_input;
mod clients;
mod content;
mod contract;
mod documents;
mod events;
mod faults;
mod geo;
mod journey;
mod lifecycle;
mod live;
mod logins;
mod main_job;
mod nothing_lost;
mod policy;
mod postgres;
mod privacy;
mod production;
mod recommendations;
mod signatures;
mod support;
mod tenants;
mod traces;
