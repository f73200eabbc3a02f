//! Deletes a record, with all that was done, or takes everything personal out of both.

use footfall_shared::customer::history::History;
use footfall_shared::customer::list::RetentionPolicy;
use footfall_shared::id::CustomerRecordId;
use footfall_shared::identity::EmailHash;
use footfall_shared::time::UtcMillis;

use super::queries::records::Stored;
use super::queries::{interactions, records};
use super::write;
use crate::app::App;
use crate::db::{StorageError, Tx};
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
    let held = write::hold(&mut tx, shop, id).await?;
    let with = forget_held(&mut tx, shop, held, policy, now).await?;
    tx.commit().await?;
    Ok(with)
}

/// The same within the caller's transaction for the record that has an email; `None` where none has it.
pub async fn forget_email(
    tx: &mut Tx,
    shop: &Shop,
    email: &EmailHash,
    policy: RetentionPolicy,
    now: UtcMillis,
) -> Result<Option<usize>, StorageError> {
    let Some(id) = records::find_by_email(tx, &shop.id, email).await? else {
        return Ok(None);
    };
    tx.serialize("customer_record", id.as_str()).await?;
    let Some(stored) = records::find(tx, &shop.id, &id).await? else {
        return Ok(None);
    };
    let history = interactions::history(tx, &shop.id, &id).await?;
    let with = forget_held(tx, shop, (stored, history), policy, now).await?;
    Ok(Some(with))
}

async fn forget_held(
    tx: &mut Tx,
    shop: &Shop,
    (stored, history): (Stored, History),
    policy: RetentionPolicy,
    now: UtcMillis,
) -> Result<usize, StorageError> {
    let id = &stored.id;
    write::unlist(tx, shop, &stored).await?;
    match policy {
        RetentionPolicy::Erase => {
            interactions::delete_all(tx, &shop.id, id).await?;
            records::delete(tx, &shop.id, id).await?;
        }
        RetentionPolicy::Anonymize => {
            let left = stored.record.anonymized();
            records::anonymize(tx, &shop.id, id, &left, now).await?;
            for one in history.all() {
                let left = one.interaction.anonymized();
                interactions::rewrite(tx, &shop.id, id, &one.id, &left).await?;
            }
        }
    }
    Ok(history.all().len())
}
