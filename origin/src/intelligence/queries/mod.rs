//! All SQL of the feature, one file for each table.

pub(super) mod customers;
pub(super) mod devices;
pub(super) mod entries;
pub(super) mod offers;
pub(super) mod profiles;

/// A text of a row as its type, or the fault of a row that does not parse.
fn parsed<T, E>(step: &'static str, value: Result<T, E>) -> Result<T, crate::db::StorageError>
where
    E: Into<Box<dyn std::error::Error + Send + Sync>>,
{
    value.map_err(|cause| crate::db::StorageError::corrupt(step, cause))
}
