//! Keys: making, rotating and revoking them. Each takes the caller's transaction and queues what the edges
//! must hear of.
//!
//! **Invariant:** while a key is rotated the old and the new one are both good; after the grace the old one
//! is refused, at the edges by their own clock. Test: `a_rotated_key_works_on_until_its_grace_is_over`.

use footfall_shared::id::{KeyId, ShopId};
use footfall_shared::keys::{ApiKey, KeyKind};
use footfall_shared::permission::Scopes;
use footfall_shared::text::{InvalidField, required};
use footfall_shared::time::{DAY_MS, UtcMillis};

use super::create::{CreateError, NAME_CHARS_MAX, taken};
use super::key_queries::{self, KeyRecord, NewKey};
use crate::app::{App, system_entropy};
use crate::db::{StorageError, Tx};
use crate::edges;

/// Longest time for which an old key goes on beside the new one, in milliseconds.
pub const GRACE_MS_MAX: i64 = 90 * DAY_MS;

/// A key that was just made. Its text is shown now and never again.
#[derive(Clone)]
pub struct MadeKey {
    /// Its id.
    pub id: KeyId,
    /// The key itself.
    pub text: String,
}

impl std::fmt::Debug for MadeKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "MadeKey({})", self.id)
    }
}

/// Why a key was not rotated.
#[derive(Debug, thiserror::Error)]
pub enum RotateError {
    /// The shop has no such live key.
    #[error("there is no such live key")]
    NotFound,
    /// It ends already: another took its place.
    #[error("the key is being rotated already")]
    Ending,
    /// The grace is negative or too long.
    #[error(transparent)]
    Invalid(InvalidField),
    /// The new key was not made.
    #[error(transparent)]
    Create(CreateError),
    /// The database said no.
    #[error(transparent)]
    Storage(#[from] StorageError),
}

/// Makes a key with these scopes. A publishable key has none of its own: it may what pages may.
pub async fn create_key(
    tx: &mut Tx,
    shop: &ShopId,
    kind: KeyKind,
    scopes: Scopes,
    label: &str,
    now: UtcMillis,
) -> Result<MadeKey, CreateError> {
    if kind == KeyKind::Publishable && scopes != Scopes::ALL {
        return Err(InvalidField::new("scopes", "must not be given for a publishable key").into());
    }
    let text = ApiKey::generate(kind, system_entropy());
    let id = record_key(tx, shop, &text, scopes, label, now).await?;
    Ok(MadeKey { id, text })
}

/// Writes down a key whose text exists already: development keeps its keys when the database is new.
pub(super) async fn record_key(
    tx: &mut Tx,
    shop: &ShopId,
    text: &str,
    scopes: Scopes,
    label: &str,
    now: UtcMillis,
) -> Result<KeyId, CreateError> {
    let label = required("label", label, NAME_CHARS_MAX)?;
    let key = ApiKey::parse(text).ok_or_else(|| InvalidField::new("key", "is not a key"))?;
    let id = KeyId::generate(now, system_entropy());
    let new = NewKey {
        id: &id,
        key: &key,
        scopes,
        label,
    };
    key_queries::insert_key(tx, shop, new, now)
        .await
        .map_err(taken("the key"))?;
    Ok(id)
}

/// Makes a key of the same kind, scopes and label, and lets the old one end after the grace. The edges are
/// told the end in advance, so they keep to it even if the origin is down by then.
pub async fn rotate_key(
    app: &App,
    tx: &mut Tx,
    shop: &ShopId,
    id: &KeyId,
    grace_ms: i64,
    now: UtcMillis,
) -> Result<(MadeKey, UtcMillis), RotateError> {
    if !(0..=GRACE_MS_MAX).contains(&grace_ms) {
        let rule = "must be 0 seconds to 90 days";
        return Err(RotateError::Invalid(InvalidField::new("grace", rule)));
    }
    let old = key_queries::find_key(tx, shop, id).await?;
    let old = old
        .filter(|key| is_live(key, now))
        .ok_or(RotateError::NotFound)?;
    let ends_at = now.plus(grace_ms);
    let ending = key_queries::expire_key(tx, shop, id, ends_at).await?;
    let (kind, hash) = ending.ok_or(RotateError::Ending)?;
    let made = create_key(tx, shop, kind, old.scopes, &old.label, now)
        .await
        .map_err(RotateError::Create)?;
    edges::queue_key(app, tx, shop, &hash, now).await?;
    Ok((made, ends_at))
}

/// Whether a key opens anything at `now`.
#[must_use]
pub fn is_live(key: &KeyRecord, now: UtcMillis) -> bool {
    key.revoked_at.is_none() && key.expires_at.is_none_or(|end| now.get() < end)
}

/// Revokes a live key and tells the edges; false where the shop has no such key.
pub async fn revoke_key(
    app: &App,
    tx: &mut Tx,
    shop: &ShopId,
    id: &KeyId,
    now: UtcMillis,
) -> Result<bool, StorageError> {
    let Some(hash) = key_queries::revoke_key(tx, shop, id, now).await? else {
        return Ok(false);
    };
    edges::queue_key(app, tx, shop, &hash, now).await?;
    Ok(true)
}
