//! Footfall's origin: the durable side of customer intelligence, and the command line around it.
//!
//! - [`http`]: the boundary, once
//! - [`auth`], [`shops`]: who is asking and which tenant that is; [`audit`]: what they did
//! - [`ingest`], [`orders`], [`woocommerce`]: what comes in; [`intelligence`]: what follows from it; [`edges`]: who is told
//! - [`uploads`]: files of rows; [`behavior`]: what customers do; [`jobs`]: work that is longer than a request
//! - [`recommend`]: what a shopper may want next
//! - [`customers`]: customers as salespeople keep them
//! - [`cli`]: the commands, among them the supervisor `footfall dev`; [`demo`], [`rebuild`]: what two of them do
//! - [`db`], [`config`], [`app`], [`router`], [`limits`]: what everything stands on; [`metrics`], [`traces`]: how it is watched
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

pub mod analytics;
pub mod app;
pub mod audit;
pub mod auth;
pub mod behavior;
pub mod cli;
pub mod config;
pub mod content;
pub mod customers;
pub mod db;
pub mod demo;
mod dev;
pub mod edges;
pub mod http;
pub mod ingest;
pub mod intelligence;
pub mod jobs;
pub mod journey;
pub mod limits;
pub mod live;
pub mod metrics;
pub mod orders;
pub mod privacy;
pub mod rebuild;
pub mod recommend;
pub mod router;
pub mod shops;
pub mod traces;
pub mod uploads;
pub mod webhooks;
pub mod woocommerce;
