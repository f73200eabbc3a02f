//! Files of rows that a shop sends: taken as they come, read by a job, kept by columns.
//!
//! - [`routes`]: the contract's side
//! - [`receive`]: takes a file, piece by piece, into the database
//! - [`source`]: what kind of file it is, and its records
//! - [`reading`]: records into rows, rows into blocks
//! - [`import`]: the job that does it, block by block
//! - [`progress`]: how far it is
//! - [`block`]: rows by columns, as they are stored
//!
//! **Invariant:** no file is ever held in memory; what a crash interrupts goes on where the last block ended
//! (`an_import_that_was_interrupted_goes_on_and_counts_each_row_once`).

pub mod block;
mod import;
mod progress;
mod queries;
mod reading;
mod receive;
mod routes;
mod source;

pub use import::{give_up, import};
pub use progress::{Progress, find_progress};
pub use queries::content::{each_row, read_blocks, read_rows};
pub use queries::{Sourced, list_sources};
pub use receive::{Incoming, Received};
pub use routes::{RECEIVING, routes};
