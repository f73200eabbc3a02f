//! What a shop's customers do: segments, affinity, sentiment, personas and what follows from them, computed by jobs and
//! read from what they computed.
//!
//! - [`scope`]: which data count
//! - [`data`]: the lines of orders, from uploads and from the shop's own orders, each order once
//! - [`results`]: what was computed, and of which version of the data
//! - [`catalogue`]: what files of products tell of them
//! - [`segments`], [`affinity`], [`sentiment`], [`recommendations`]: the analyses
//!
//! **Invariant:** no read computes anything: it finds what a job computed, or says why there is nothing
//! (`what_is_not_computed_yet_is_said`).

mod affinity;
mod catalogue;
mod data;
mod limit;
mod recommendations;
mod refresh;
mod results;
mod routes;
mod scope;
mod segments;
mod sentiment;

pub use affinity::relate;
pub use catalogue::{describe_products, list_products};
pub use data::{Interner, LineBlock, LineSink, scan_all};
pub use recommendations::recommend;
pub use refresh::{keep_refreshing, refresh, refresh_due};
pub use results::forget;
pub use routes::routes;
pub use scope::lines_version;
pub use segments::{Clusters, cluster, segment};
pub use sentiment::listen;
