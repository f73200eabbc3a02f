//! What shoppers are shown: the shop's catalogue of content, what came of it, and the kits that the edges decide by.
//!
//! - [`catalogue`]: what a shop may show, as its people write it
//! - [`exposures`]: which visit was shown what and whether it bought, from the log
//! - [`kit`]: catalogue and counts as one published piece
//! - [`decisions`]: a decision explained, and made again from the log
//! - [`trials`] and [`evaluation`]: what another policy would have converted
//!
//! **Invariant:** counts are the sum of the exposures, whatever the sequence in which the log received the events
//! (`counts_do_not_depend_on_the_sequence_of_arrival`).

mod catalogue;
mod decisions;
pub mod evaluation;
mod exposures;
mod kit;
mod queries;
mod routes;
pub mod trials;

pub use catalogue::Catalogue;
pub use exposures::{project, withdraw};
pub use kit::{When, current_kit, keep_publishing, publish, publish_due, replace};
pub use queries::catalogue::set_stock;
pub use queries::counts::clear_exposures;
pub use routes::routes;
