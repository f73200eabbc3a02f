//! WooCommerce: a shop's orders and products, by its webhooks as they happen, and by reading its API for what
//! the webhooks missed.
//!
//! - [`routes`]: the webhook; its deliveries go through the order intake like any other order
//! - [`sync`]: one reading of the shop's lists, page by page; [`run`] does it on schedule
//! - [`connection`]: the secrets between the shop and us
//!
//! **Invariant:** the newer word on a thing wins, however late and however often the older one comes; what is
//! deleted comes back by a restoration or by the shop's own list, never by an update that was under way.
//! Test: `deliveries_in_any_sequence_and_number_end_alike`.
//!
//! **Invariant:** nothing is done for a body whose signature does not match. Test:
//! `a_delivery_without_the_shops_signature_changes_nothing`.
//!
//! **Invariant:** a killed reading goes on at the page it was at, because a page and the progress commit
//! together. Test: `a_killed_sync_goes_on_at_its_page`.
//!
//! What is not signed is the topic, so somebody who has a signed body could send it again under another
//! topic. Bodies travel by TLS only; what such a replay breaks, the next reading mends.

mod api;
pub mod connection;
mod customers;
mod delivery;
mod orders;
mod products;
mod queries;
mod routes;
mod schedule;
mod sync;
mod version;

pub use api::ApiError;
pub use queries::passes::{PassRecord, list_passes};
pub use routes::routes;
pub use schedule::{reconcile_due, run};
pub use sync::{Counts, Progress, Resource, SyncError, sync};
