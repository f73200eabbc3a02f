//! Projects the log again, from its beginning.

use footfall_shared::event::Event;
use footfall_shared::identity::EmailHash;
use footfall_shared::time::UtcMillis;

use super::project::{Scope, hash_of, project};
use super::queries;
use crate::app::App;
use crate::db::{StorageError, Tx};
use crate::shops::Shop;

/// Events in one step.
const EVENTS_A_STEP: i64 = 1000;

/// Projects the shop's whole log in its sequence, step by step within the caller's transaction, which
/// holds the shop's turn; how many events.
pub async fn replay(
    app: &App,
    tx: &mut Tx,
    shop: &Shop,
    now: UtcMillis,
) -> Result<usize, StorageError> {
    let (mut done, mut after) = (0, 0);
    loop {
        let events = queries::find_after(tx, &shop.id, after, EVENTS_A_STEP).await?;
        let Some((last, _)) = events.last() else {
            return Ok(done);
        };
        after = *last;
        done += events.len();
        let hashes: Vec<Option<EmailHash>> = events
            .iter()
            .map(|(_, event)| hash_of(event, shop))
            .collect();
        let with_hashes: Vec<(&Event, Option<&EmailHash>)> = events
            .iter()
            .zip(&hashes)
            .map(|((_, event), hash)| (event, hash.as_ref()))
            .collect();
        project(app, tx, shop, &with_hashes, Scope::Replay, now).await?;
    }
}
