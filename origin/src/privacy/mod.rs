//! Every person's rights over their data: what they allow, what is held of them, and that it goes.
//!
//! - [`subject`]: who somebody is: everything by which an email's person is known
//! - [`export`]: all of it as a file for them; [`export_job`] makes a large one
//! - [`erase`]: takes it out; [`strip`] out of the log and its figures, [`sweep`] out of what only can be looked through
//! - [`journal`]: erasures beside the database, for backups that are restored
//! - [`arriving`]: what comes late of whoever was erased, or refuses
//! - [`consent`]: what people allow
//! - [`retention`]: the end of what is kept
//! - [`erase_routes`], [`export_routes`], [`consent_routes`]: the HTTP side
//!
//! **Invariant:** after an erasure nothing here, in files and at the edges names the person
//! (`after_an_erasure_no_table_has_a_word_of_the_person`, and tests/e2e/privacy.rs for the edges).

mod arriving;
pub mod consent;
mod consent_routes;
mod erase;
mod erase_routes;
mod export;
mod export_job;
mod export_routes;
pub mod journal;
mod known;
mod queries;
mod retention;
mod strip;
mod subject;
mod sweep;

use utoipa_axum::router::OpenApiRouter;

use crate::app::App;

pub use arriving::{are_erased, without_people};
pub use export_job::export;
pub use retention::{end_due, keep_ending};
pub use sweep::{ask_after_import, sweep};

/// The feature's routes.
pub fn routes() -> OpenApiRouter<App> {
    consent_routes::routes()
        .merge(export_routes::routes())
        .merge(erase_routes::routes())
}
