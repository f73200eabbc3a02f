//! All SQL of the analytics.

pub(super) mod feedback;
pub(super) mod results;
pub(super) mod rollups;
pub(super) mod runs;
pub(super) mod sales;
pub(super) mod visits;
