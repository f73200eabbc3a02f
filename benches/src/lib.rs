//! Measures what the issues promise of the embedded default, all in one run on one machine.
//!
//! - [`edge`]: the cached bundle look-up, and its CPU time beside a bare hyper handler's ([`baseline`])
//! - [`origin`]: durable intake of events, and recalculation
//! - [`track`]: tracked customers, and how soon an event is in the log
//! - [`journey`]: touchpoints of many live sessions, the reducer natively and as wasm, and analytics over many sessions
//! - [`behavior`]: uploads and behaviour analytics, against Python's libraries
//! - [`funnel`]: funnel analytics over many visits, and live data to many clients
//! - [`sizes`]: the component and the tracker
//!
//! Everything runs as real processes that are talked to over HTTP on loopback ([`world`], [`load`]).
//!
//! **Invariant:** an open-loop latency counts from the moment at which the request was due, not from the
//! one at which it was sent: what a slow reply delays is counted, too.
//!
//! **Invariant:** a reply that is not the expected one fails the run; a quick error is not a figure.

pub mod baseline;
pub mod behavior;
pub mod customers;
pub mod edge;
pub mod funnel;
pub mod http;
pub mod journey;
pub mod load;
pub mod origin;
pub mod process;
pub mod report;
pub mod session;
pub mod sizes;
pub mod track;
pub mod worker;
pub mod world;
