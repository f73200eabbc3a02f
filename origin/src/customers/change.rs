//! Changes a record in part.

use footfall_shared::customer::update::{Updated, update};
use footfall_shared::id::CustomerRecordId;
use footfall_shared::time::UtcMillis;
use footfall_shared::wire::customers::CustomerRecordUpdateRequest;

use super::{refuse, write};
use crate::app::App;
use crate::http::error::AppError;
use crate::shops::Shop;

/// The ETag of a version.
pub(super) fn etag(version: i64) -> String {
    format!("\"{version}\"")
}

/// A record after a change.
pub(super) struct Changed {
    pub(super) change: Updated,
    pub(super) version: i64,
    /// When it changed last, which is earlier where nothing changed now.
    pub(super) updated: UtcMillis,
}

/// Changes a record, if it is still one of those that `if_match` names.
///
/// # Errors
/// `customer_not_found`, `precondition_failed`, `validation_failed`, `duplicate_customer`.
pub(super) async fn change(
    app: &App,
    shop: &Shop,
    id: &CustomerRecordId,
    patch: &CustomerRecordUpdateRequest,
    if_match: Option<&str>,
    now: UtcMillis,
) -> Result<Changed, AppError> {
    let mut tx = app.db().begin().await?;
    let (stored, history) = write::hold(&mut tx, shop, id).await?;
    let current = etag(stored.version);
    if if_match.is_some_and(|tags| !matches(tags, &current)) {
        return Err(refuse::changed_meanwhile(&current));
    }
    let change = update(&stored.record, patch)?;
    if change.fields.is_empty() {
        return Ok(Changed {
            change,
            version: stored.version,
            updated: stored.updated,
        });
    }
    write::save(&mut tx, shop, &stored, &change.record, &history, now).await?;
    tx.commit().await?;
    Ok(Changed {
        change,
        version: stored.version + 1,
        updated: now,
    })
}

/// Whether a header `If-Match` (RFC 9110, 13.1.1) names a tag.
fn matches(tags: &str, current: &str) -> bool {
    let mut tags = tags.split(',').map(str::trim);
    tags.any(|tag| tag == "*" || tag == current)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn if_match_takes_any_of_its_strong_tags() {
        for tags in ["\"3\"", "\"1\", \"3\"", "*"] {
            assert!(matches(tags, &etag(3)), "{tags}");
        }
        for tags in ["\"1\"", "W/\"3\"", "3", ""] {
            assert!(!matches(tags, &etag(3)), "{tags}");
        }
    }
}
