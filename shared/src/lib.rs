//! Footfall's decision rules, once for edge and origin.
//!
//! **Invariant:** nothing here does I/O, reads a clock or draws randomness; time and entropy come in as
//! arguments. The same source is compiled to wasm for the edge and natively for the origin, so that
//! both decide the same bytes.
//!
//! - plain values: [`id`], [`time`], [`money`], [`text`]
//! - who is asking: [`identity`], [`keys`], [`permission`], [`signing`], [`mode`], [`shop`]
//! - what happened: [`event`], [`order`]
//! - what follows from it: [`profile`], [`offers`], [`intelligence`], [`journey`]
//! - whom a salesperson advises: [`customer`]
//! - what people have a right to: [`privacy`]
//! - what is worth showing: [`experiment`]
//! - what a shop sends in files: [`upload`], and what follows from it: [`behavior`]
//! - what is done on its pages: [`visits`]
//! - what is said on the wire: [`wire`], [`traceparent`]

#![cfg_attr(
    test,
    allow(
        clippy::unwrap_used,
        clippy::expect_used,
        clippy::panic,
        reason = "a test may panic"
    )
)]

pub mod behavior;
pub mod customer;
pub mod event;
pub mod experiment;
pub mod id;
pub mod identity;
pub mod intelligence;
pub mod journey;
pub mod keys;
pub mod mode;
pub mod money;
pub mod offers;
pub mod order;
pub mod permission;
pub mod privacy;
pub mod profile;
pub mod sequence;
pub mod shop;
pub mod signing;
pub mod silence;
pub mod text;
pub mod time;
pub mod traceparent;
pub mod upload;
pub mod visits;
pub mod wire;
