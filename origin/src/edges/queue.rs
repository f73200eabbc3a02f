//! Puts subjects into the queue, in the caller's transaction.

use std::collections::BTreeMap;

use footfall_shared::id::ShopId;
use footfall_shared::time::UtcMillis;

use super::queries;
use super::subject::Subject;
use crate::app::App;
use crate::db::{StorageError, Tx};

/// How long after an erasure the edges forget its keys, in milliseconds: until then what was pushed for it has to
/// beat answers that are on their way.
pub const FORGOTTEN_AFTER_MS: i64 = 60_000;

/// Queues subjects at these versions for every configured edge, to be sent from `now` on. A subject that waits
/// already keeps its place and takes the higher version.
pub async fn queue(
    app: &App,
    tx: &mut Tx,
    shop: &ShopId,
    subjects: impl IntoIterator<Item = (Subject, i64)>,
    now: UtcMillis,
) -> Result<(), StorageError> {
    let edges = &app.config().edges;
    if edges.is_empty() {
        return Ok(());
    }
    // One statement may name a row once only.
    let mut latest: BTreeMap<String, i64> = BTreeMap::new();
    for (subject, version) in subjects {
        let kept = latest.entry(subject.to_text()).or_insert(version);
        *kept = version.max(*kept);
    }
    let latest: Vec<(String, i64)> = latest.into_iter().collect();
    for edge in edges {
        queries::enqueue(tx, shop, edge, &latest, now).await?;
    }
    Ok(())
}

/// Queues that a key was revoked or is given an end, by its hash: the edges forget what they know of it.
pub async fn queue_key(
    app: &App,
    tx: &mut Tx,
    shop: &ShopId,
    key_hash: &str,
    now: UtcMillis,
) -> Result<(), StorageError> {
    let subject = Subject::Key(key_hash.to_owned());
    queue(app, tx, shop, [(subject, now.get())], now).await
}

/// Queues that a shop's settings changed: the edges forget what they know of each of its live keys and
/// of its slug.
pub async fn queue_shop_keys(
    app: &App,
    tx: &mut Tx,
    shop: &ShopId,
    slug: &str,
    now: UtcMillis,
) -> Result<(), StorageError> {
    let keys = crate::shops::list_live_key_hashes(tx, shop).await?;
    let keys = keys.into_iter().chain([slug.to_owned()]);
    let subjects: Vec<(Subject, i64)> = keys.map(|key| (Subject::Key(key), now.get())).collect();
    queue(app, tx, shop, subjects, now).await
}

/// Queues that the edges forget keys of an erased person [`FORGOTTEN_AFTER_MS`] from `now`: `customer/<hash>`,
/// `session/<session id>` and the like, never empty. What takes the entries back the caller queues itself, and
/// before this: rows are locked in that sequence.
pub async fn queue_forgotten(
    app: &App,
    tx: &mut Tx,
    shop: &ShopId,
    keys: Vec<String>,
    now: UtcMillis,
) -> Result<(), StorageError> {
    let keys = keys.into_iter().map(Subject::Forget);
    let subjects: Vec<(Subject, i64)> = keys.map(|subject| (subject, now.get())).collect();
    queue(app, tx, shop, subjects, now.plus(FORGOTTEN_AFTER_MS)).await
}

/// Commits, and wakes the pusher of this process. Other nodes see the queue at their next look.
pub async fn commit(app: &App, tx: Tx) -> Result<(), StorageError> {
    tx.commit().await?;
    app.pushes().send_replace(());
    Ok(())
}
