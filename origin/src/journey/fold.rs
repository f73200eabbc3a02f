//! Folds new events into their sessions.

use std::collections::BTreeMap;

use footfall_shared::event::Event;
use footfall_shared::id::ShopId;
use footfall_shared::journey::event::Numbered;
use footfall_shared::journey::reducer::fold;
use footfall_shared::journey::session::Session;
use footfall_shared::time::UtcMillis;

use super::queries;
use crate::db::{Handle, StorageError, Tx};

/// A happening and when it was.
type Told = (Numbered, UtcMillis);

/// Folds events that the log has just taken into their sessions.
pub async fn project(tx: &mut Tx, shop: &ShopId, events: &[&Event]) -> Result<(), StorageError> {
    let mut sessions = BTreeMap::<&str, Vec<Told>>::new();
    for event in events {
        let (Some(session), Some(told)) = (event.session_id.as_deref(), Numbered::of(event)) else {
            continue;
        };
        sessions.entry(session).or_default().push((told, event.at));
    }
    if sessions.is_empty() {
        return Ok(());
    }
    let names: Vec<&str> = sessions.keys().copied().collect();
    let mut held = queries::find_journeys(tx, shop, &names).await?;
    let mut folded = Vec::with_capacity(sessions.len());
    for (name, mut told) in sessions {
        let stored = held.remove(name).unwrap_or_default();
        told.sort_by_key(|(event, _)| event.seq);
        // One that was overtaken by later ones: the log has them all, in their sequence.
        let is_late = told
            .first()
            .is_some_and(|(first, _)| first.seq <= stored.seq);
        let session = if is_late {
            let mut all = queries::find_happenings(tx, shop, name).await?;
            all.sort_by_key(|(event, _)| event.seq);
            fold_all(Session::default(), &all)
        } else {
            fold_all(stored, &told)
        };
        folded.push((name, session));
    }
    queries::save_journeys(tx, shop, &folded).await
}

/// A session as it stood after its `last`th happening; `None` where the log has not all of them.
pub async fn fold_until(
    db: &mut impl Handle,
    shop: &ShopId,
    session: &str,
    last: u32,
) -> Result<Option<Session>, StorageError> {
    let mut told = queries::find_happenings(db, shop, session).await?;
    told.sort_by_key(|(event, _)| event.seq);
    told.retain(|(event, _)| event.seq <= last);
    let folded = fold_all(Session::default(), &told);
    let whole = u32::try_from(told.len()).is_ok_and(|count| count >= last) && folded.seq == last;
    Ok(whole.then_some(folded))
}

fn fold_all(session: Session, told: &[Told]) -> Session {
    let step = |session, (event, at): &Told| fold(session, event, *at);
    told.iter().fold(session, step)
}
