//! Tests of the origin by its public doors, each on SQLite and on PostgreSQL.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a test may panic"
)]

mod admin;
mod analytics;
mod any_bytes;
mod audit;
mod auth;
mod behavior;
mod boundary;
mod cli;
mod consent;
mod content;
mod customers;
mod demo;
mod doctor;
mod edges;
mod ingest;
mod intelligence;
mod journey_analytics;
mod journey_model;
mod journeys;
mod keys;
mod ledger;
mod live;
mod login;
mod metrics;
mod model;
mod orders;
mod privacy;
mod privacy_export;
mod rebuild;
mod recommend;
mod store;
mod support;
mod tenants;
mod uploads;
mod users;
mod webhooks;
mod woocommerce;
