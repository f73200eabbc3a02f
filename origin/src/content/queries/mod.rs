//! The SQL of content.

pub(super) mod catalogue;
pub(super) mod counts;
pub(super) mod kits;
