//! Work that is longer than a request, over the shop's own database.
//!
//! - [`job`]: what a job is, and what those are told of who asked for it
//! - [`run`]: how a job tells of its progress, and learns that it is no longer wanted
//! - [`worker`]: claims what is due and runs it
//! - [`estimate`]: how long it will take, by how long it took
//!
//! **Invariant:** of a shop and kind one job runs at a time, on whatever node, and a job that a crash left behind is taken
//! up again; who lost it writes nothing any more (`a_job_of_a_dead_node_is_taken_over_and_the_dead_write_nothing`).

mod estimate;
mod job;
mod queries;
mod routes;
mod run;
mod worker;

pub use estimate::{Estimate, estimate};
pub use job::{Job, JobKind, JobState, NewJob};
pub use queries::{begin_again, cancel, enqueue, find, find_running_or_queued};
pub use routes::routes;
pub use run::{JobFault, Run};
pub use worker::{keep_working, work_until_idle};
