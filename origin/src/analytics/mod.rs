//! Funnel analytics: visits and what they come to, kept as events arrive.
//!
//! - [`project`]: visits from events, and what they change in the figures ([`change`])
//! - [`withdraw`]: takes somebody's out again
//! - [`refresh`]: the job that makes all of it anew from the log and the files, beside what is read
//! - [`segments`]: the job that groups visitors
//! - [`calendar`]: days of the shop's clock
//! - [`routes`]: the contract's side
//!
//! **Invariant:** the figures are sums over the visits as they stand; what a batch of events changes goes in with the batch,
//! and a refresh gives the same (`figures_that_are_made_anew_are_those_that_grew`).
//!
//! **Invariant:** readers see one run, whole: the next one is made beside it and put in its place in one transaction that
//! holds the shop's turn (`a_refresh_beside_arriving_events_loses_and_repeats_none`).

mod active;
mod calendar;
mod change;
mod project;
mod queries;
mod refresh;
mod routes;
mod segments;
mod withdraw;

pub use active::{Active, count_active, last_pages, list_orders_since};
pub use project::project;
pub use queries::runs::clear;
pub use queries::sales::Transaction;
pub use refresh::{ask as ask_refresh, ask_where_missing, depends_on, refresh};
pub use routes::routes;
pub use segments::segment;
pub use withdraw::{find_keys, withdraw};

use footfall_shared::shop::ShopSettings;

/// Whether the figures would be others by these settings than by those.
#[must_use]
pub fn depends_on_settings(one: &ShopSettings, other: &ShopSettings) -> bool {
    change::Rules::of(one) != change::Rules::of(other)
}
