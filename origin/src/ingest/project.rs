//! What follows from new events: customers, the devices they were seen on, orders that they link, sessions,
//! what they were shown, offers that moved.

use footfall_shared::event::Event;
use footfall_shared::id::ExternalId;
use footfall_shared::identity::EmailHash;
use footfall_shared::time::UtcMillis;

use crate::analytics;
use crate::app::App;
use crate::content;
use crate::db::{StorageError, Tx};
use crate::intelligence::Customers;
use crate::intelligence::devices::{self, Sighting};
use crate::intelligence::status::{self, Report};
use crate::journey::{self, News};
use crate::orders::record_links;
use crate::shops::Shop;

/// Which projections are wanted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Scope {
    /// All: the events are new.
    Live,
    /// Only what a rebuild has cleared. Offers are no projection of the log alone: the shop's server moves
    /// them too.
    Replay,
}

/// The keyed hash of the email that came with an event.
pub(super) fn hash_of(event: &Event, shop: &Shop) -> Option<EmailHash> {
    let email = event.email.as_ref()?;
    Some(EmailHash::of(email, &shop.salt))
}

/// An event that is new to the projections.
#[derive(Debug, Clone, Copy)]
pub(super) struct Told<'a> {
    /// The event.
    pub(super) event: &'a Event,
    /// The keyed hash of its email.
    pub(super) email: Option<&'a EmailHash>,
    /// Whether figures count it: its lane is that of people.
    pub(super) by_people: bool,
}

/// Projects events in their sequence. The caller holds the shop's turn.
pub(super) async fn project(
    app: &App,
    tx: &mut Tx,
    shop: &Shop,
    events: &[Told<'_>],
    scope: Scope,
    now: UtcMillis,
) -> Result<(), StorageError> {
    let mut customers = Customers::none(shop, now);
    let mut hashes: Vec<EmailHash> = events.iter().filter_map(|one| one.email.cloned()).collect();
    hashes.sort();
    hashes.dedup();
    customers.load(tx, &hashes).await?;
    let mut sightings = Vec::new();
    for Told {
        event, email: hash, ..
    } in events
    {
        let (Some(email), Some(hash)) = (&event.email, hash) else {
            continue;
        };
        let customer = customers.get_or_make(app, email, hash);
        customer.see(&event.device, event.at);
        if let Some(id) = external_id(event) {
            customer.claim_external_id(id);
        }
        sightings.push(Sighting::of(event, hash, shop));
    }
    devices::record(app, tx, &shop.id, &sightings, now).await?;
    let told: Vec<&Event> = events.iter().map(|one| one.event).collect();
    record_links(app, tx, shop, &told, now).await?;
    let news = match scope {
        Scope::Live => News::Told,
        Scope::Replay => News::Known,
    };
    journey::project(tx, shop, &told, news, now).await?;
    content::project(tx, &shop.id, &told).await?;
    let by_people = events.iter().filter(|one| one.by_people);
    let by_people: Vec<&Event> = by_people.map(|one| one.event).collect();
    analytics::project(app, tx, shop, &by_people, now).await?;
    if scope == Scope::Live {
        let reports: Vec<Report> = events
            .iter()
            .filter_map(|one| Report::of(one.event))
            .collect();
        status::report(tx, &mut customers, &reports, now).await?;
    }
    customers.save(app, tx).await?;
    Ok(())
}

/// The shop's id of the visitor, where it can be one.
fn external_id(event: &Event) -> Option<ExternalId> {
    ExternalId::parse("user_id", event.user_id.as_deref()?).ok()
}
