//! Moves an offer through its life: when asked to, and when an event reports it.

use footfall_shared::event::{Device, Event, EventKind};
use footfall_shared::id::{EventId, OfferId};
use footfall_shared::identity::{Email, Trust};
use footfall_shared::offers::{IllegalMove, Offer, OfferStatus};
use footfall_shared::time::UtcMillis;
use serde_json::{Map, json};

use super::customers::Customers;
use super::queries::offers as queries;
use super::take_turn;
use crate::app::App;
use crate::db::{Handle, StorageError, Tx};
use crate::shops::Shop;
use crate::{edges, ingest};

/// A wanted move.
#[derive(Debug, Clone, Copy)]
pub struct Move<'a> {
    /// The offer's id, or its number as text.
    pub offer: &'a str,
    /// Where to.
    pub to: OfferStatus,
    /// With whose email the behavioural event is logged.
    pub email: Option<&'a Email>,
}

/// Why an offer did not move.
#[derive(Debug, thiserror::Error)]
pub enum MoveError {
    /// The shop has no such offer.
    #[error("no such offer")]
    NotFound,
    /// The life of an offer has no such step.
    #[error(transparent)]
    Illegal(IllegalMove),
    /// The database said no.
    #[error(transparent)]
    Storage(#[from] StorageError),
}

/// Moves an offer, and logs the behavioural event in the same transaction when an email is given. The
/// status that it has already changes nothing and logs nothing.
pub async fn move_offer(
    app: &App,
    shop: &Shop,
    wanted: Move<'_>,
    now: UtcMillis,
) -> Result<(), MoveError> {
    let mut tx = app.db().begin().await?;
    take_turn(&mut tx, &shop.id).await?;
    let found = find_offer(&mut tx, shop, wanted.offer).await?;
    let (customer, mut offer) = found.ok_or(MoveError::NotFound)?;
    if !offer.move_to(wanted.to, now).map_err(MoveError::Illegal)? {
        return Ok(());
    }
    queries::update_offer(&mut tx, &shop.id, &offer, now).await?;
    let mut customers = Customers::none(shop, now);
    customers.load_ids(&mut tx, &[customer]).await?;
    customers.iter_mut().for_each(|customer| customer.touch());
    customers.save(app, &mut tx).await?;
    if let Some(event) = wanted
        .email
        .and_then(|email| behaviour(app, shop, &offer, email, now))
    {
        ingest::append_own(app, &mut tx, shop, event, now).await?;
    }
    edges::commit(app, tx).await?;
    Ok(())
}

async fn find_offer(
    db: &mut impl Handle,
    shop: &Shop,
    text: &str,
) -> Result<Option<queries::Owned>, StorageError> {
    if let Ok(id) = OfferId::parse(text) {
        return queries::find_by_id(db, &shop.id, &id).await;
    }
    match text.parse() {
        Ok(number) => queries::find_by_number(db, &shop.id, number).await,
        Err(_) => Ok(None),
    }
}

/// The behavioural event of the contract's table; a status that the table does not have logs none.
fn behaviour(
    app: &App,
    shop: &Shop,
    offer: &Offer,
    email: &Email,
    now: UtcMillis,
) -> Option<Event> {
    let name = offer.status.event_name()?;
    // The number, not the id: the event tells what happened and is no report that moves the offer again.
    let properties = json!({"offer_id": offer.number, "status": offer.status});
    Some(Event {
        shop: shop.id.clone(),
        id: EventId::generate(now, app.entropy()),
        kind: EventKind::Track,
        name: Some(name.to_owned()),
        at: now,
        received_at: now,
        anonymous_id: None,
        user_id: None,
        session_id: None,
        email: Some(email.clone()),
        trust: Some(Trust::Claimed),
        device: Device::default(),
        body: Map::from_iter([("properties".to_owned(), properties)]),
    })
}

/// An event that reports where an offer stands.
#[derive(Debug, Clone)]
pub struct Report {
    /// The offer. Only its id counts: a number can be guessed, and browsers send these.
    pub offer: OfferId,
    /// Where it stands.
    pub status: OfferStatus,
    /// When the edge heard it.
    pub at: UtcMillis,
}

impl Report {
    /// The report in an event, where there is one.
    #[must_use]
    pub fn of(event: &Event) -> Option<Self> {
        let (offer, status) = event.offer_report()?;
        Some(Self {
            offer: OfferId::parse(offer).ok()?,
            status,
            at: event.received_at,
        })
    }
}

/// Moves offers as events report. What the life of an offer does not have is ignored: a browser may be
/// late. The caller saves the set afterwards.
pub async fn report(
    tx: &mut Tx,
    customers: &mut Customers<'_>,
    reports: &[Report],
    now: UtcMillis,
) -> Result<(), StorageError> {
    let shop = customers.shop();
    for Report { offer, status, at } in reports {
        let Some((customer, mut found)) = queries::find_by_id(tx, &shop.id, offer).await? else {
            tracing::debug!(offer.id = %offer, "a report on an unknown offer is ignored");
            continue;
        };
        match found.move_to(*status, *at) {
            Ok(false) => {}
            Ok(true) => {
                queries::update_offer(tx, &shop.id, &found, now).await?;
                customers
                    .load_ids(tx, std::slice::from_ref(&customer))
                    .await?;
                if let Some(customer) = customers.get_id(&customer) {
                    customer.touch();
                }
            }
            Err(illegal) => {
                tracing::debug!(offer.id = %offer, %illegal, "a report is ignored");
            }
        }
    }
    Ok(())
}
