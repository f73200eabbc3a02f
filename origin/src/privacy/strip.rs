//! Takes people out of events of the log, and out of all that was projected from them.
//!
//! **Invariant:** figures stay what the log gives: what is taken out of the log is taken out of them in the same
//! transaction, and what stays without its person is counted again (`figures_after_an_erasure_are_those_of_the_log`).

use std::collections::{BTreeSet, HashSet};

use footfall_shared::event::Event;
use footfall_shared::journey::event::{Happening, Numbered};
use footfall_shared::privacy::person::{Pseudonyms, without_person};
use footfall_shared::time::UtcMillis;

use crate::app::App;
use crate::db::{StorageError, Tx};
use crate::ingest::Logged;
use crate::ingest::person::{self, About, Column};
use crate::journey::News;
use crate::shops::Shop;
use crate::{analytics, content, journey};

/// What becomes of somebody's events.
#[derive(Debug, Clone, Copy)]
pub(super) enum Fate<'a> {
    /// They are no longer there.
    Erase,
    /// They stay without the person, who has another name in them.
    Anonymize(&'a Pseudonyms),
}

/// Takes the people out of the events at these places; what is known of these visitors from elsewhere goes out of the
/// figures, too. The caller holds the shop's turn.
pub(super) async fn strip(
    app: &App,
    tx: &mut Tx,
    shop: &Shop,
    places: &[i64],
    visitors: &[String],
    fate: Fate<'_>,
    now: UtcMillis,
) -> Result<(), StorageError> {
    let gone = person::read_places(tx, &shop.id, places).await?;
    let others = find_others(tx, shop, &gone, visitors).await?;
    let before: Vec<&Event> = gone.iter().chain(&others).map(|one| &one.event).collect();
    let sessions: BTreeSet<&str> = before
        .iter()
        .filter_map(|event| event.session_id.as_deref())
        .collect();
    let sessions: Vec<&str> = sessions.into_iter().collect();
    journey::withdraw(tx, shop, &sessions).await?;
    content::withdraw(tx, &shop.id, &sessions).await?;
    analytics::withdraw(app, tx, shop, &before, visitors).await?;
    let mut after = others.clone();
    match fate {
        Fate::Erase => person::delete(tx, &shop.id, places).await?,
        Fate::Anonymize(names) => {
            for one in &gone {
                let event = without_person(&one.event, names);
                person::overwrite(tx, &shop.id, one.place, &event).await?;
                let (place, by_people) = (one.place, one.by_people);
                after.push(Logged {
                    place,
                    event,
                    by_people,
                });
            }
        }
    }
    after.sort_by_key(|one| one.place);
    let all: Vec<&Event> = after.iter().map(|one| &one.event).collect();
    journey::project(tx, shop, &all, News::Known, now).await?;
    content::project(tx, &shop.id, &all).await?;
    let by_people = after.iter().filter(|one| one.by_people);
    let by_people: Vec<&Event> = by_people.map(|one| &one.event).collect();
    analytics::project(app, tx, shop, &by_people, now).await
}

/// Events of others in the same visits: they are counted anew when the visits are.
async fn find_others(
    tx: &mut Tx,
    shop: &Shop,
    gone: &[Logged],
    visitors: &[String],
) -> Result<Vec<Logged>, StorageError> {
    let events: Vec<&Event> = gone.iter().map(|one| &one.event).collect();
    let keys = analytics::find_keys(tx, shop, &events, visitors).await?;
    let named = |prefix: &str| {
        let names = keys.iter().filter_map(|key| key.strip_prefix(prefix));
        names.map(str::to_owned).collect::<Vec<String>>()
    };
    let (sessions, visitors) = (named("s:"), named("b:"));
    let mut found = person::find_about(tx, &shop.id, Column::Session, &sessions).await?;
    let without_session = |one: &About| one.session_id.is_none();
    let browsers = person::find_about(tx, &shop.id, Column::Browser, &visitors).await?;
    found.extend(browsers.into_iter().filter(without_session));
    let users = person::find_about(tx, &shop.id, Column::User, &visitors).await?;
    let without_browser = |one: &About| one.anonymous_id.is_none() && one.session_id.is_none();
    found.extend(users.into_iter().filter(without_browser));
    let known: HashSet<i64> = gone.iter().map(|one| one.place).collect();
    let places: BTreeSet<i64> = found.into_iter().map(|one| one.place).collect();
    let places: Vec<i64> = places
        .into_iter()
        .filter(|place| !known.contains(place))
        .collect();
    person::read_places(tx, &shop.id, &places).await
}

/// Sessions that were linked with some of these: what links them names the others.
pub(super) async fn find_partners(
    tx: &mut Tx,
    shop: &Shop,
    sessions: &[String],
) -> Result<BTreeSet<String>, StorageError> {
    let about = person::find_about(tx, &shop.id, Column::Session, sessions).await?;
    let places: Vec<i64> = about.into_iter().map(|one| one.place).collect();
    let mut partners = BTreeSet::new();
    for one in person::read_places(tx, &shop.id, &places).await? {
        match Numbered::of(&one.event).map(|told| told.what) {
            Some(Happening::Linked(link) | Happening::Unlinked(link)) => partners.insert(link.with),
            _ => false,
        };
    }
    for session in sessions {
        partners.remove(session);
    }
    Ok(partners)
}

/// Gives erased sessions other names in the links of those that they were linked with.
pub(super) async fn rename_in_links(
    tx: &mut Tx,
    shop: &Shop,
    partners: &BTreeSet<String>,
    gone: &[String],
    names: &Pseudonyms,
    now: UtcMillis,
) -> Result<(), StorageError> {
    let partners: Vec<String> = partners.iter().cloned().collect();
    let about = person::find_about(tx, &shop.id, Column::Session, &partners).await?;
    let places: Vec<i64> = about.into_iter().map(|one| one.place).collect();
    let before = person::read_places(tx, &shop.id, &places).await?;
    let sessions: Vec<&str> = partners.iter().map(String::as_str).collect();
    journey::withdraw(tx, shop, &sessions).await?;
    let mut after = Vec::with_capacity(before.len());
    for Logged {
        place, mut event, ..
    } in before
    {
        let told = Numbered::of(&event);
        if let Some(mut told) = told
            && let Happening::Linked(link) | Happening::Unlinked(link) = &mut told.what
        {
            for name in [&mut link.with, &mut link.unified] {
                for session in gone.iter().filter(|session| !session.is_empty()) {
                    *name = name.replace(session.as_str(), &names.of(session));
                }
            }
            told.put_into(&mut event.body);
            let text = serde_json::to_string(&event)
                .map_err(|cause| StorageError::corrupt("write a link", cause))?;
            person::rewrite_text(tx, &shop.id, place, &text).await?;
        }
        after.push(event);
    }
    let after: Vec<&Event> = after.iter().collect();
    journey::project(tx, shop, &after, News::Known, now).await
}
