//! Customers as salespeople keep them: the contract's customer management.
//!
//! - [`create`], [`change`], [`interact`], [`forget`]: the use cases that write, each one transaction
//! - [`write`]: what each of them writes beside the record: what it is found by, and counts
//! - [`success`]: the job that fits how probably sales succeed
//! - [`refuse`]: what goes wrong, in the contract's words; [`meter`]: the contract's bounds
//! - [`queries`], [`routes`]: SQL, and the contract's side
//!
//! The rules are `footfall_shared::customer`'s.
//!
//! **Invariant:** what a record is found by and what is counted of it changes with the record, in one transaction
//! (`lists_and_counts_are_those_of_the_records`).

mod change;
mod create;
mod forget;
mod interact;
mod meter;
mod queries;
mod refuse;
mod routes;
mod success;
mod write;

pub use forget::forget_email;
pub use routes::routes;
pub use success::fit;
