//! Footfall's origin: the durable side of customer intelligence, and the command line around it.
//!
//! - [`http`]: the boundary, once
//! - [`auth`], [`shops`]: who is asking and which tenant that is
//! - [`db`], [`config`], [`app`], [`router`]: what everything stands on
//!
//! **Invariant:** a feature calls another feature's public functions, never its queries.

#![cfg_attr(
    test,
    allow(
        clippy::unwrap_used,
        clippy::expect_used,
        clippy::panic,
        reason = "a test may panic"
    )
)]

pub mod app;
pub mod auth;
pub mod config;
pub mod db;
pub mod http;
pub mod router;
pub mod shops;
