//! What arrives of people who are not to be known: of whoever was erased, whoever refuses to be followed, and of a time of
//! which nobody's events are kept any more. It is kept without them, so that nothing acknowledged is lost.

use std::collections::BTreeMap;

use footfall_shared::event::Event;
use footfall_shared::identity::{Email, Salt};
use footfall_shared::privacy::erased::{Named, covers};
use footfall_shared::privacy::person::{Pseudonyms, without_person};
use footfall_shared::time::UtcMillis;

use super::queries::{erased, retention};
use super::{consent, subject};
use crate::app::App;
use crate::db::{Handle, StorageError, Tx};
use crate::shops::Shop;

/// The events that must be kept without their people, as they are to be kept; and records what events say of consent. The
/// caller holds the shop's turn.
pub async fn without_people(
    app: &App,
    tx: &mut Tx,
    shop: &Shop,
    events: &[&Event],
    now: UtcMillis,
) -> Result<Vec<Option<Event>>, StorageError> {
    let late = find_late(tx, shop, events).await?;
    let kept_from = retention::find_until(tx, &shop.id).await?;
    let known: Vec<&Event> = events
        .iter()
        .zip(&late)
        .filter(|(_, late)| !**late)
        .map(|(event, _)| *event)
        .collect();
    // First what they say, so that a refusal holds for the rest of its batch.
    consent::record_told(app, tx, shop, &known, now).await?;
    let untracked = consent::untracked(tx, shop, events).await?;
    // Nobody keeps what these names are made with.
    let names = Pseudonyms::new(app.entropy());
    let stripped = events
        .iter()
        .zip(untracked)
        .zip(late)
        .map(|((event, untracked), late)| {
            let is_old = kept_from.is_some_and(|from| event.at < from);
            (untracked || late || is_old).then(|| without_person(event, &names))
        });
    Ok(stripped.collect())
}

/// Which events are late ones of somebody who was erased after they happened.
async fn find_late(tx: &mut Tx, shop: &Shop, events: &[&Event]) -> Result<Vec<bool>, StorageError> {
    // Almost no shop has an erasure that is younger than what arrives.
    let last = erased::last_at(tx, &shop.id).await?;
    let may_be = |event: &Event| last.is_some_and(|last| event.at <= last);
    let mut named: BTreeMap<String, Vec<usize>> = BTreeMap::new();
    for (place, event) in events.iter().enumerate().filter(|(_, event)| may_be(event)) {
        for digest in digests_of(event, &shop.salt) {
            named.entry(digest).or_default().push(place);
        }
    }
    let digests: Vec<&str> = named.keys().map(String::as_str).collect();
    let mut late = vec![false; events.len()];
    for (digest, erased_at) in erased::find_keys(tx, &shop.id, &digests).await? {
        for place in named.get(&digest).into_iter().flatten() {
            late[*place] |= covers(erased_at, Some(events[*place].at));
        }
    }
    Ok(late)
}

fn digests_of(event: &Event, salt: &Salt) -> Vec<String> {
    let named = [
        event.email.as_ref().map(Named::Email),
        event.user_id.as_deref().map(Named::User),
        event.anonymous_id.as_deref().map(Named::Browser),
        event.session_id.as_deref().map(Named::Session),
    ];
    let named = named.into_iter().flatten();
    named.map(|one| one.digest(salt)).collect()
}

/// Which of these emails are of somebody who was erased after what is told of them happened; without a time that is told,
/// anything that is told is older. Whoever is back is known again, and is none of them.
pub async fn are_erased(
    db: &mut impl Handle,
    shop: &Shop,
    told: &[(&Email, Option<UtcMillis>)],
) -> Result<Vec<bool>, StorageError> {
    if erased::last_at(db, &shop.id).await?.is_none() {
        return Ok(vec![false; told.len()]);
    }
    let digests: Vec<String> = told
        .iter()
        .map(|(email, _)| Named::Email(email).digest(&shop.salt))
        .collect();
    let asked: Vec<&str> = digests.iter().map(String::as_str).collect();
    let known = erased::find_keys(db, &shop.id, &asked).await?;
    let mut are = Vec::with_capacity(told.len());
    for ((email, at), digest) in told.iter().zip(&digests) {
        let covered = known.get(digest).is_some_and(|erased| covers(*erased, *at));
        let is_back = covered && at.is_none() && subject::is_known(db, shop, email).await?;
        are.push(covered && !is_back);
    }
    Ok(are)
}
