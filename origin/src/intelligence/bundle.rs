//! The customer's offer: the one that stands, a new one where one is due, or why there is none.

use footfall_shared::id::OfferId;
use footfall_shared::identity::EmailHash;
use footfall_shared::offers::{Bundle, Decision, Offer, OfferStatus, Refusal, decide};
use footfall_shared::profile::Profile;
use footfall_shared::time::UtcMillis;
use footfall_shared::wire::internal::CustomerEntry;

use super::customers::Customers;
use super::entry::find_entry;
use super::queries::{customers::count_up, offers as queries};
use super::take_turn;
use crate::app::App;
use crate::db::{Handle, StorageError, Tx};
use crate::edges;
use crate::shops::Shop;

/// What a customer gets: the entry with the offer that stands in it, or why there is none. The entry is
/// `None` where nobody has this email.
#[derive(Debug)]
pub enum Ensured {
    /// This offer stands; the entry holds it too.
    Standing(Box<CustomerEntry>, Offer),
    /// No offer is due.
    Refused(Option<Box<CustomerEntry>>, Refusal),
}

impl Ensured {
    /// The entry, whatever became of the offer.
    #[must_use]
    pub fn into_entry(self) -> Option<CustomerEntry> {
        match self {
            Self::Standing(entry, _) => Some(*entry),
            Self::Refused(entry, _) => entry.map(|entry| *entry),
        }
    }
}

/// Makes the offer that is due, if one is. Usually none is, which takes a read and no turn.
/// For who refuses personalization none ever is: their entry has no profile to decide on.
pub async fn ensure_offer(
    app: &App,
    shop: &Shop,
    hash: &EmailHash,
    now: UtcMillis,
) -> Result<Ensured, StorageError> {
    {
        let mut db = app.db().read().await?;
        if let Look::Done(ensured) = look(&mut db, shop, hash, now).await? {
            return Ok(*ensured);
        }
    }
    let mut tx = app.db().begin().await?;
    let ensured = ensure_offer_within(app, &mut tx, shop, hash, now).await?;
    edges::commit(app, tx).await?;
    Ok(ensured)
}

/// As [`ensure_offer`], within the caller's transaction.
pub async fn ensure_offer_within(
    app: &App,
    tx: &mut Tx,
    shop: &Shop,
    hash: &EmailHash,
    now: UtcMillis,
) -> Result<Ensured, StorageError> {
    take_turn(tx, &shop.id).await?;
    // Another call may have made it while this one waited for its turn.
    if let Look::Due(bundle, profile) = look(tx, shop, hash, now).await? {
        make(app, tx, shop, hash, (bundle, &profile), now).await?;
    }
    match look(tx, shop, hash, now).await? {
        Look::Done(ensured) => Ok(*ensured),
        Look::Due(..) => {
            let what = "the offer that was just made does not stand";
            Err(StorageError::corrupt("make an offer", what))
        }
    }
}

enum Look {
    Done(Box<Ensured>),
    /// With the profile that it is decided on.
    Due(Bundle, Box<Profile>),
}

async fn look(
    db: &mut impl Handle,
    shop: &Shop,
    hash: &EmailHash,
    now: UtcMillis,
) -> Result<Look, StorageError> {
    let done = |ensured| Ok(Look::Done(Box::new(ensured)));
    let Some(entry) = find_entry(db, shop, hash).await? else {
        return done(Ensured::Refused(None, Refusal::ProfileNotFound));
    };
    match decide(entry.profile.as_ref(), entry.offer.as_ref(), now) {
        Decision::Make(bundle) => match entry.profile {
            Some(profile) => Ok(Look::Due(bundle, Box::new(profile))),
            None => done(Ensured::Refused(None, Refusal::ProfileNotFound)),
        },
        Decision::Refuse(refusal) => done(Ensured::Refused(Some(Box::new(entry)), refusal)),
        Decision::Standing(offer) => {
            let offer = offer.clone();
            done(Ensured::Standing(Box::new(entry), offer))
        }
    }
}

async fn make(
    app: &App,
    tx: &mut Tx,
    shop: &Shop,
    hash: &EmailHash,
    (bundle, decided_on): (Bundle, &Profile),
    now: UtcMillis,
) -> Result<(), StorageError> {
    let mut customers = Customers::none(shop, now);
    customers.load(tx, std::slice::from_ref(hash)).await?;
    let Some(customer) = customers.get(hash) else {
        return Ok(());
    };
    // One whose time ran out is open until somebody writes it down, and would stand in the way.
    for (_, mut stale) in
        queries::find_open(tx, &shop.id, std::slice::from_ref(&customer.id)).await?
    {
        if stale.move_to(OfferStatus::Expired, now).is_ok() {
            queries::update_offer(tx, &shop.id, &stale, now).await?;
        }
    }
    let number = count_up(tx, &shop.id, "offer", 1).await?;
    let offer = Offer::new(OfferId::generate(now, app.entropy()), number, bundle, now);
    if queries::insert_offer(tx, &shop.id, &customer.id, &offer, decided_on, now).await? {
        customer.touch();
    }
    customers.save(app, tx).await?;
    Ok(())
}
