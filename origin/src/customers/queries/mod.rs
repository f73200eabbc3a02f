//! All SQL of this feature.

pub(super) mod interactions;
pub(super) mod records;
pub(super) mod search;
