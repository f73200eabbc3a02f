//! All SQL of the feature. Export and erasure read and delete rows of every feature's tables: what there is of a person has
//! to be found in one place, or it is forgotten somewhere.

pub(super) mod consent;
pub(super) mod customer;
pub(super) mod erased;
pub(super) mod erasure;
pub(super) mod export;
pub(super) mod lists;
pub(super) mod retention;
pub(super) mod subject;
pub(super) mod uploads;
