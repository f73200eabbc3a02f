//! Creates a record.

use footfall_shared::customer::CustomerRecord;
use footfall_shared::id::CustomerRecordId;
use footfall_shared::time::UtcMillis;

use super::write;
use crate::app::App;
use crate::http::error::AppError;
use crate::shops::Shop;

/// Creates a record; its id.
///
/// # Errors
/// `duplicate_customer`.
pub(super) async fn create(
    app: &App,
    shop: &Shop,
    record: &CustomerRecord,
    now: UtcMillis,
) -> Result<CustomerRecordId, AppError> {
    let id = CustomerRecordId::generate(now, app.entropy());
    let mut tx = app.db().begin().await?;
    write::insert(&mut tx, shop, &id, record, now).await?;
    tx.commit().await?;
    Ok(id)
}
