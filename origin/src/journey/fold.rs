//! Folds new events into their sessions.

use std::collections::BTreeMap;

use footfall_shared::event::Event;
use footfall_shared::id::{EventId, ShopId};
use footfall_shared::journey::event::{Happening, Numbered};
use footfall_shared::journey::reducer::fold;
use footfall_shared::journey::session::Session;
use footfall_shared::money::Currency;
use footfall_shared::time::UtcMillis;

use super::analytics::attribution::{Credit, credit};
use super::analytics::contribution::Contribution;
use super::analytics::rollup;
use super::queries;
use crate::db::{Handle, StorageError, Tx};
use crate::shops::Shop;

/// A happening of the log.
#[derive(Debug, Clone)]
pub(super) struct Told {
    pub(super) id: EventId,
    pub(super) at: UtcMillis,
    pub(super) event: Numbered,
}

impl Told {
    /// Reads it from an event; `None` where the event is none of a journey.
    pub(super) fn of(event: &Event) -> Option<Self> {
        Some(Self {
            event: Numbered::of(event)?,
            at: event.at,
            id: event.id.clone(),
        })
    }
}

/// Folds events that the log has just taken into their sessions, and into the roll-ups what that changes.
pub async fn project(tx: &mut Tx, shop: &Shop, events: &[&Event]) -> Result<(), StorageError> {
    let mut sessions = BTreeMap::<&str, Vec<Told>>::new();
    for event in events {
        let (Some(session), Some(told)) = (event.session_id.as_deref(), Told::of(event)) else {
            continue;
        };
        sessions.entry(session).or_default().push(told);
    }
    if sessions.is_empty() {
        return Ok(());
    }
    let names: Vec<&str> = sessions.keys().copied().collect();
    let mut held = queries::find_journeys(tx, &shop.id, &names).await?;
    let mut folded = Vec::with_capacity(sessions.len());
    let mut change = Contribution::default();
    for (name, mut told) in sessions {
        let stored = held.remove(name).unwrap_or_default();
        told.sort_by_key(|one| one.event.seq);
        // One that was overtaken by later ones: the log has them all, in their sequence.
        let is_late = told
            .first()
            .is_some_and(|first| first.event.seq <= stored.seq);
        let (before, after) = if is_late {
            let mut all = queries::find_happenings(tx, &shop.id, name).await?;
            all.sort_by_key(|one| one.event.seq);
            let is_new = |one: &Told| told.iter().any(|new| new.id == one.id);
            let known: Vec<Told> = all.iter().filter(|one| !is_new(one)).cloned().collect();
            let walked = |told: &[Told]| Walked::through(Session::default(), told);
            (walked(&known), walked(&all))
        } else {
            let before = Walked::through(stored.clone(), &[]);
            (before, Walked::through(stored, &told))
        };
        before.contribute(&mut change, shop.currency, -1);
        after.contribute(&mut change, shop.currency, 1);
        folded.push((name, after.session));
    }
    queries::save_journeys(tx, &shop.id, &folded).await?;
    rollup::add(tx, &shop.id, &change).await
}

/// What happenings came to.
struct Walked {
    session: Session,
    /// Visits that were over on the way.
    over: Vec<Session>,
    /// What the sales on the way are credited to.
    credits: Vec<(Currency, UtcMillis, Credit)>,
}

impl Walked {
    fn through(session: Session, told: &[Told]) -> Self {
        let mut walked = Self {
            session,
            over: Vec::new(),
            credits: Vec::new(),
        };
        for one in told {
            walked.step(one);
        }
        walked
    }

    fn step(&mut self, Told { event, at, .. }: &Told) {
        if event.seq <= self.session.seq {
            return;
        }
        let goes_on = event.visit <= self.session.visit;
        if let (Happening::Converted(conversion), true) = (&event.what, goes_on)
            && conversion.is_sale()
        {
            let at = (*at).max(self.session.last_at);
            let credits = credit(&self.session, conversion.value.get(), at);
            let credits = credits
                .into_iter()
                .map(|one| (conversion.currency, at, one));
            self.credits.extend(credits);
        }
        if !goes_on && self.session.visit > 0 {
            self.over.push(self.session.clone());
        }
        let session = std::mem::take(&mut self.session);
        self.session = fold(session, event, *at);
    }

    fn contribute(&self, change: &mut Contribution, currency: Currency, sign: i64) {
        for visit in self.over.iter().chain([&self.session]) {
            change.add_visit(visit, currency, sign);
        }
        let own = self.credits.iter().filter(|(of, ..)| *of == currency);
        let own: Vec<_> = own.map(|(_, at, one)| (*at, one.clone())).collect();
        change.add_credits(&own, sign);
    }
}

/// A session as it stood after its `last`th happening; `None` where the log has not all of them.
pub async fn fold_until(
    db: &mut impl Handle,
    shop: &ShopId,
    session: &str,
    last: u32,
) -> Result<Option<Session>, StorageError> {
    let mut told = queries::find_happenings(db, shop, session).await?;
    told.sort_by_key(|one| one.event.seq);
    told.retain(|one| one.event.seq <= last);
    let folded = Walked::through(Session::default(), &told).session;
    let whole = u32::try_from(told.len()).is_ok_and(|count| count >= last) && folded.seq == last;
    Ok(whole.then_some(folded))
}
