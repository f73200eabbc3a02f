//! Deletes a record, with all that was done, or takes everything personal out of both.

use footfall_shared::customer::history::History;
use footfall_shared::customer::list::RetentionPolicy;
use footfall_shared::id::CustomerRecordId;
use footfall_shared::time::UtcMillis;

use super::queries::{interactions, records};
use super::write;
use crate::app::App;
use crate::http::error::AppError;
use crate::shops::Shop;

/// Deletes or anonymizes a record; how many interactions were with it.
///
/// # Errors
/// `customer_not_found`.
pub(super) async fn forget(
    app: &App,
    shop: &Shop,
    id: &CustomerRecordId,
    policy: RetentionPolicy,
    now: UtcMillis,
) -> Result<usize, AppError> {
    let mut tx = app.db().begin().await?;
    let (stored, history) = write::hold(&mut tx, shop, id).await?;
    write::unlist(&mut tx, shop, &stored).await?;
    match policy {
        RetentionPolicy::Erase => {
            interactions::delete_all(&mut tx, &shop.id, id).await?;
            records::delete(&mut tx, &shop.id, id).await?;
        }
        RetentionPolicy::Anonymize => {
            let left = stored.record.anonymized();
            records::anonymize(&mut tx, &shop.id, id, &left, now).await?;
            rewrite(&mut tx, shop, id, &history).await?;
        }
    }
    tx.commit().await?;
    Ok(history.all().len())
}

async fn rewrite(
    tx: &mut crate::db::Tx,
    shop: &Shop,
    id: &CustomerRecordId,
    history: &History,
) -> Result<(), AppError> {
    for one in history.all() {
        let left = one.interaction.anonymized();
        interactions::rewrite(tx, &shop.id, id, &one.id, &left).await?;
    }
    Ok(())
}
