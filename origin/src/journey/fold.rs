//! Folds new events into their sessions.

use std::collections::BTreeMap;

use footfall_shared::event::Event;
use footfall_shared::id::{EventId, ShopId};
use footfall_shared::journey::event::{Conversion, Happening, Numbered};
use footfall_shared::journey::model::Model;
use footfall_shared::journey::next::Impact;
use footfall_shared::journey::reducer::fold;
use footfall_shared::journey::session::{Session, Touchpoint};
use footfall_shared::journey::stage::Stage;
use footfall_shared::money::Currency;
use footfall_shared::time::UtcMillis;
use serde_json::json;

use super::analytics::attribution::{Credit, credit};
use super::analytics::contribution::Contribution;
use super::analytics::rollup;
use super::model::job::model_in_service;
use super::queries;
use crate::db::{Handle, StorageError, Tx};
use crate::shops::Shop;
use crate::webhooks::{self, Announcement, EventType};

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

/// Folds events that the log has just taken into their sessions, and into the roll-ups what that changes; what is news to
/// the shop's webhooks is put on its way.
pub async fn project(
    tx: &mut Tx,
    shop: &Shop,
    events: &[&Event],
    news: News,
    now: UtcMillis,
) -> Result<(), StorageError> {
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
    // Most shops have no webhook: then nobody asks what the model says of each step.
    let model = match news == News::Told && webhooks::are_wanted(tx, &shop.id).await? {
        true => Some(model_in_service(tx, &shop.id).await?),
        false => None,
    };
    let model = model.as_ref();
    let mut announcements = Vec::new();
    let names: Vec<&str> = sessions.keys().copied().collect();
    let mut held = queries::find_journeys(tx, &shop.id, &names).await?;
    let mut folded = Vec::with_capacity(sessions.len());
    let mut change = Contribution::default();
    for (name, mut told) in sessions {
        let stored = held.remove(name).unwrap_or_default();
        told.sort_by_key(|one| one.event.seq);
        // One that was overtaken by later ones, or a sale that is credited to earlier visits, too: the log has them all,
        // in their sequence.
        let looks_back = told
            .iter()
            .any(|one| one.event.visit > 1 && sale_of(&one.event).is_some());
        let is_late = looks_back
            || told
                .first()
                .is_some_and(|first| first.event.seq <= stored.seq);
        let (before, after) = if is_late {
            let mut all = queries::find_happenings(tx, &shop.id, name).await?;
            all.sort_by_key(|one| one.event.seq);
            let is_new = |id: &EventId| told.iter().any(|new| new.id == *id);
            let known: Vec<Told> = all.iter().filter(|one| !is_new(&one.id)).cloned().collect();
            let walked = |told: &[Told], model| Walked::through(Session::default(), told, model);
            let mut after = walked(&all, model);
            after.steps.retain(|step| is_new(&step.id));
            (walked(&known, None), after)
        } else {
            let before = Walked::through(stored.clone(), &[], None);
            (before, Walked::through(stored, &told, model))
        };
        announcements.extend(after.steps.iter().flat_map(|step| step.announcements(name)));
        before.contribute(&mut change, shop.currency, -1);
        after.contribute(&mut change, shop.currency, 1);
        folded.push((name, after.session));
    }
    queries::save_journeys(tx, &shop.id, &folded).await?;
    rollup::add(tx, &shop.id, &change).await?;
    webhooks::announce(tx, &shop.id, &announcements, now).await
}

/// Takes sessions out of the roll-ups and forgets them, before the log loses them or their names. Whoever has other events
/// of such a session projects them again. The caller holds the shop's turn.
pub async fn withdraw(tx: &mut Tx, shop: &Shop, sessions: &[&str]) -> Result<(), StorageError> {
    let mut change = Contribution::default();
    for session in sessions {
        let mut told = queries::find_happenings(tx, &shop.id, session).await?;
        told.sort_by_key(|one| one.event.seq);
        if !told.is_empty() {
            let walked = Walked::through(Session::default(), &told, None);
            walked.contribute(&mut change, shop.currency, -1);
        }
    }
    queries::delete_journeys(tx, &shop.id, sessions).await?;
    rollup::add(tx, &shop.id, &change).await
}

/// Whether what happens is news, or a rebuild tells it again.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum News {
    /// It is told to webhooks.
    Told,
    /// It was told when it happened.
    Known,
}

/// Touchpoints of earlier visits that a sale may be credited to.
const EARLIER_MAX: usize = 200;

/// The sale that a happening is; `None` where it is none.
fn sale_of(event: &Numbered) -> Option<&Conversion> {
    match &event.what {
        Happening::Converted(conversion) => Some(conversion).filter(|one| one.is_sale()),
        _ => None,
    }
}

/// What happenings came to.
struct Walked {
    session: Session,
    /// Visits that were over on the way.
    over: Vec<Session>,
    /// Touchpoints of those visits, the latest.
    earlier: Vec<Touchpoint>,
    /// The sales on the way, each with the visit as it stood afterwards.
    sales: Vec<(Conversion, Session)>,
    /// What they are credited to.
    credits: Vec<(Currency, UtcMillis, Credit)>,
    /// What happened on the way, where a model judges it.
    steps: Vec<Step>,
}

/// A happening, as webhooks are told of it.
struct Step {
    id: EventId,
    at: UtcMillis,
    what: Happening,
    before: Stage,
    after: Stage,
    probability_change: f64,
}

impl Step {
    /// What webhooks are told; a conversion that leads to the purchase is two events. No address is told.
    fn announcements(&self, session: &str) -> Vec<Announcement> {
        let told = |event_type: EventType, data| Announcement {
            id: format!("{}:{}", self.id.as_str(), event_type.as_str()),
            event_type,
            session: session.to_owned(),
            at: self.at,
            data,
        };
        let mut events = Vec::new();
        match &self.what {
            Happening::Started(start) => events.push(told(
                EventType::SessionStarted,
                json!({"device": start.device, "source": start.source, "campaign": start.campaign}),
            )),
            Happening::Converted(conversion) => events.push(told(
                EventType::Conversion,
                json!({
                    "conversionType": conversion.kind,
                    "value": conversion.value.to_major(conversion.currency),
                    "currency": conversion.currency,
                    "funnelStep": conversion.funnel_step,
                    "journeyComplete": self.after == Stage::Purchase,
                }),
            )),
            Happening::Linked(link) => events.push(told(
                EventType::SessionLinked,
                json!({"linkedSessionId": link.unified, "with": link.with, "linkingMethod": link.method}),
            )),
            Happening::Unlinked(link) => events.push(told(
                EventType::SessionUnlinked,
                json!({"linkedSessionId": link.unified, "with": link.with}),
            )),
            Happening::StageChanged(_) | Happening::Touchpoint(_) => {}
        }
        if self.before != self.after {
            events.push(told(
                EventType::JourneyStageChange,
                json!({
                    "previousStage": self.before,
                    "newStage": self.after,
                    "conversionProbabilityChange": (self.probability_change * 10_000.0).round() / 10_000.0,
                }),
            ));
        }
        events
    }
}

impl Walked {
    fn through(session: Session, told: &[Told], model: Option<&Model>) -> Self {
        let mut walked = Self {
            session,
            over: Vec::new(),
            earlier: Vec::new(),
            sales: Vec::new(),
            credits: Vec::new(),
            steps: Vec::new(),
        };
        for one in told {
            walked.step(one, model);
        }
        walked
    }

    fn step(&mut self, Told { id, event, at }: &Told, model: Option<&Model>) {
        if event.seq <= self.session.seq {
            return;
        }
        if event.visit > self.session.visit && self.session.visit > 0 {
            self.earlier.extend_from_slice(&self.session.history);
            let surplus = self.earlier.len().saturating_sub(EARLIER_MAX);
            self.earlier.drain(..surplus);
            self.over.push(self.session.clone());
        }
        if let Some(sale) = sale_of(event) {
            let at = (*at).max(self.session.last_at);
            let mut met = self.earlier.clone();
            if event.visit == self.session.visit {
                met.extend_from_slice(&self.session.history);
            }
            let credits = credit(&met, sale.value.get(), at).into_iter();
            self.credits
                .extend(credits.map(|one| (sale.currency, at, one)));
        }
        let before = model.map(|_| self.session.clone());
        let session = std::mem::take(&mut self.session);
        self.session = fold(session, event, *at);
        if let Some(sale) = sale_of(event) {
            self.sales.push((sale.clone(), self.session.clone()));
        }
        if let (Some(model), Some(before)) = (model, before) {
            let impact = Impact::between(&before, &self.session, model, self.session.last_at);
            self.steps.push(Step {
                id: id.clone(),
                at: *at,
                what: event.what.clone(),
                before: before.stage,
                after: self.session.stage,
                probability_change: impact.after - impact.before,
            });
        }
    }

    fn contribute(&self, change: &mut Contribution, currency: Currency, sign: i64) {
        for visit in self.over.iter().chain([&self.session]) {
            change.add_visit(visit, sign);
        }
        let own = self
            .sales
            .iter()
            .filter(|(sale, _)| sale.currency == currency);
        for (sale, visit) in own {
            change.add_sale(visit, sale.value.get(), sign);
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
    let folded = Walked::through(Session::default(), &told, None).session;
    let whole = u32::try_from(told.len()).is_ok_and(|count| count >= last) && folded.seq == last;
    Ok(whole.then_some(folded))
}
