//! Journeys: the sessions that edges report, folded from the log.
//!
//! **Invariant:** whatever the sequence and repetition in which events arrive, a session ends in the bytes that
//! its edge holds (`events_in_any_sequence_give_the_same_session`, and tests/e2e/journey.rs over the wasm build).

mod analytics;
mod fold;
pub mod model;
mod queries;
mod routes;

pub use analytics::rollup::clear_rollups;
pub use fold::{News, fold_until, project, withdraw};
pub use queries::{clear_journeys, find_journey};
pub use routes::routes;
