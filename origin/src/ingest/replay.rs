//! Projects the log again, from its beginning.

use footfall_shared::identity::EmailHash;
use footfall_shared::time::UtcMillis;

use super::project::{Scope, Told, hash_of, project};
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
        let events = queries::read_after(tx, &shop.id, after, EVENTS_A_STEP).await?;
        let Some(last) = events.last() else {
            return Ok(done);
        };
        after = last.place;
        done += events.len();
        let hashes: Vec<Option<EmailHash>> =
            events.iter().map(|one| hash_of(&one.event, shop)).collect();
        let told = events.iter().zip(&hashes).map(|(one, hash)| Told {
            event: &one.event,
            email: hash.as_ref(),
            by_people: one.by_people,
        });
        let told: Vec<Told<'_>> = told.collect();
        project(app, tx, shop, &told, Scope::Replay, now).await?;
    }
}
