//! All SQL of the feature.

pub(super) mod connections;
pub(super) mod passes;
pub(super) mod versions;
