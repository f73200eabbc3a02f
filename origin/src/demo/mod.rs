//! The demo shop: the contract's example customers and some others, each with a reason to get an offer or
//! not. `footfall demo` and `footfall dev` make it.
//!
//! Everything goes through the use cases that serve real shops: orders through the intake, devices through
//! the log, the offer through the rule.
//!
//! Its year of journeys is lived afterwards, batch by batch.
//!
//! **Invariant:** the shop itself is there whole or not at all: one transaction makes it. Test:
//! `the_demo_shop_is_made_once_and_whole`.

mod events;
mod orders;
mod people;
mod shoppers;
mod year;

use footfall_shared::event::Event;
use footfall_shared::id::{ExternalId, UserId};
use footfall_shared::identity::{Email, EmailHash};
use footfall_shared::journey::content::Kit;
use footfall_shared::keys::KeyKind;
use footfall_shared::shop::ShopSettings;
use footfall_shared::text::{InvalidField, hex};
use footfall_shared::time::{DAY_MS, UtcMillis};
use footfall_shared::upload::layout::Asked;
use footfall_shared::wire::internal::{EventBatch, Verdict};

use crate::app::App;
use crate::content::{self, Catalogue};
use crate::db::{StorageError, Tx};
use crate::http::error::AppError;
use crate::journey::model::job::{ModelError, fit_shop};
use crate::shops::create::{CreateError, NewShop, create_key, create_shop, create_user};
use crate::shops::{self, Role, Shop};
use crate::uploads::Incoming;
use crate::{edges, ingest, intelligence};

/// The shop's slug: the shop of keyless requests in development.
pub const SLUG: &str = "demo";
/// The contract's example customer.
pub const SAMPLE_EMAIL: &str = "shopper@example.com";
/// Her id in the shop's own system.
pub const SAMPLE_USER_ID: &str = "42";
/// Who administers it.
pub const ADMIN: &str = "admin@demo.example";

/// The contract's example customer has number 123 and offer 93.
const CUSTOMERS_BEFORE: i64 = 122;
const OFFERS_BEFORE: i64 = 92;
/// What the shop may show, one slot after the other.
const CONTENT: &str = include_str!("content.json");
/// The product that is shown as scarce, and how many are left.
const SCARCE_PRODUCT: &str = "44";
const SCARCE_STOCK: i64 = 23;
/// Events in one transaction.
const EVENTS_A_STEP: usize = 1000;
/// Orders in one.
const ORDERS_A_STEP: usize = 200;

/// Why the demo shop was not made.
#[derive(Debug, thiserror::Error)]
pub enum SeedError {
    /// The shop, a key or the admin could not be made.
    #[error(transparent)]
    Create(#[from] CreateError),
    /// The database said no.
    #[error(transparent)]
    Storage(#[from] StorageError),
    /// The intake refused what the demo brings.
    #[error("the demo's own data is refused")]
    Refused(#[source] InvalidField),
    /// The log did not take what the demo brings.
    #[error("the log took {taken} of the demo's {events} events")]
    Rejected {
        /// What it took.
        taken: usize,
        /// What there were.
        events: usize,
    },
    /// A file of the demo was not taken.
    #[error("the demo's own file is refused")]
    Upload(#[source] AppError),
    /// The rule gave the example customer no offer.
    #[error("the rule gave the example customer no offer: {reason}")]
    NoOffer {
        /// The contract's code.
        reason: &'static str,
    },
}

/// Makes the demo shop where it is not there yet, and tells the steps; `None` where it is.
pub async fn seed(app: &App, say: &(dyn Fn(&str) + Sync)) -> Result<Option<Shop>, SeedError> {
    if shops::find_by_slug(&mut app.db().read().await?, SLUG)
        .await?
        .is_some()
    {
        return Ok(None);
    }
    let now = app.now();
    let mut tx = app.db().begin().await?;
    let shop = create_shop(&mut tx, new_shop(), now).await?;
    intelligence::begin_numbers_after(&mut tx, &shop.id, CUSTOMERS_BEFORE, OFFERS_BEFORE).await?;
    let orders = orders::of_everybody(&shop, now).map_err(SeedError::Refused)?;
    say(&format!(
        "  {} orders …",
        orders.iter().map(Vec::len).sum::<usize>()
    ));
    for of_one in &orders {
        crate::orders::take_within(app, &mut tx, &shop, of_one, now).await?;
    }
    fill_slots(app, &mut tx, &shop, now).await?;
    say("  devices and an offer …");
    see_devices(app, &mut tx, &shop, now).await?;
    make_offer(app, &mut tx, &shop, now).await?;
    edges::commit(app, tx).await?;
    let sessions = app.config().demo_sessions;
    if sessions > 0 {
        say(&format!("  a year with {sessions} sessions …"));
        live_a_year(app, &shop, sessions, now).await?;
    }
    Ok(Some(shop))
}

/// Lives a year in the shop: its visitors in their sequence, and every month a kit that has learned from them. At the end
/// the shop may have a model of its own.
async fn live_a_year(
    app: &App,
    shop: &Shop,
    sessions: u32,
    now: UtcMillis,
) -> Result<(), SeedError> {
    let first = now.plus(-year::DAYS * DAY_MS);
    let months = 12;
    let mut purchases = Vec::new();
    for month in 0..months {
        let mut tx = app.db().begin().await?;
        intelligence::take_turn(&mut tx, &shop.id).await?;
        content::publish(app, &mut tx, &shop.id, content::When::Now, now).await?;
        let kit = content::current_kit(&mut tx, &shop.id).await?;
        let kit = kit.unwrap_or_else(Kit::built_in);
        edges::commit(app, tx).await?;
        let visitors = sessions * month / months..sessions * (month + 1) / months;
        let mut events = Vec::new();
        for visitor in visitors {
            let day = i64::from(visitor) * year::DAYS / i64::from(sessions);
            let day = first.plus(day * DAY_MS);
            let (told, bought) =
                year::visitor(shop, &kit, visitor, day, now).map_err(SeedError::Refused)?;
            events.extend(told);
            purchases.extend(bought);
        }
        for batch in events.chunks(EVENTS_A_STEP) {
            let mut tx = app.db().begin().await?;
            append(app, &mut tx, batch, now).await?;
            edges::commit(app, tx).await?;
        }
    }
    buy_and_review(app, shop, sessions, purchases, now).await?;
    match fit_shop(app, shop).await {
        Ok(_) => {}
        Err(ModelError::Storage(error)) => return Err(error.into()),
        // A short year: the prior goes on.
        Err(error) => tracing::debug!(%error, "the demo shop has no model of its own"),
    }
    let mut tx = app.db().begin().await?;
    intelligence::take_turn(&mut tx, &shop.id).await?;
    content::publish(app, &mut tx, &shop.id, content::When::Now, now).await?;
    edges::commit(app, tx).await?;
    Ok(())
}

/// The orders of the year's purchases, by those who bought, and what some of them thought of it.
async fn buy_and_review(
    app: &App,
    shop: &Shop,
    sessions: u32,
    mut purchases: Vec<year::Purchase>,
    now: UtcMillis,
) -> Result<(), SeedError> {
    purchases.sort_by_key(|purchase| (purchase.at, purchase.visitor));
    let bought = shoppers::who_bought(sessions, purchases);
    let orders = orders::of_year(shop, &bought, now).map_err(SeedError::Refused)?;
    for batch in orders.chunks(ORDERS_A_STEP) {
        let mut tx = app.db().begin().await?;
        crate::orders::take_within(app, &mut tx, shop, batch, now).await?;
        edges::commit(app, tx).await?;
    }
    for (name, file) in [
        ("customers.csv", shoppers::customers_file(&bought)),
        ("reviews.csv", shoppers::reviews_file(&bought, now)),
    ] {
        let mut incoming = Incoming::begin(app, &shop.id).await?;
        incoming
            .push(file.as_bytes())
            .await
            .map_err(SeedError::Upload)?;
        incoming
            .finish(&Asked::default(), name)
            .await
            .map_err(SeedError::Upload)?;
    }
    Ok(())
}

fn new_shop() -> NewShop {
    NewShop {
        slug: SLUG.to_owned(),
        name: "Demo shop".to_owned(),
        timezone: "Europe/Amsterdam".to_owned(),
        currency: "EUR".to_owned(),
        // Whoever tries the demo, or loads it, comes from one address.
        settings: ShopSettings {
            requests_per_hour: 1_000_000_000,
            emails_per_day: 1_000_000,
            ..ShopSettings::default()
        },
    }
}

/// What the shop may show, and how many bags of the roast that it shows as scarce are left.
async fn fill_slots(app: &App, tx: &mut Tx, shop: &Shop, now: UtcMillis) -> Result<(), SeedError> {
    let scarce = ExternalId::parse("product_id", SCARCE_PRODUCT).map_err(SeedError::Refused)?;
    content::set_stock(tx, &shop.id, &scarce, Some(SCARCE_STOCK)).await?;
    let catalogue: Catalogue = serde_json::from_str(CONTENT)
        .map_err(|cause| StorageError::corrupt("read the demo's content", cause))?;
    catalogue.check().map_err(SeedError::Refused)?;
    content::replace(app, tx, &shop.id, &catalogue, now).await?;
    Ok(())
}

async fn see_devices(app: &App, tx: &mut Tx, shop: &Shop, now: UtcMillis) -> Result<(), SeedError> {
    let events = events::of_everybody(app, shop, now).map_err(SeedError::Refused)?;
    append(app, tx, &events, now).await
}

/// Appends events that must all be taken.
async fn append(app: &App, tx: &mut Tx, events: &[Event], now: UtcMillis) -> Result<(), SeedError> {
    let texts = events
        .iter()
        .map(serde_json::value::to_raw_value)
        .collect::<Result<Vec<_>, _>>()
        .map_err(|cause| StorageError::corrupt("write the demo's events", cause))?;
    let batch = EventBatch {
        outbox: None,
        handles: Vec::new(),
        events: texts.iter().map(AsRef::as_ref).collect(),
    };
    let receipt = ingest::append_within(app, tx, &batch, now).await?;
    let appended = Verdict::Appended;
    let taken = receipt
        .receipts
        .iter()
        .filter(|one| one.verdict == appended)
        .count();
    if taken == events.len() {
        Ok(())
    } else {
        Err(SeedError::Rejected {
            taken,
            events: events.len(),
        })
    }
}

async fn make_offer(app: &App, tx: &mut Tx, shop: &Shop, now: UtcMillis) -> Result<(), SeedError> {
    let email = Email::parse("email", SAMPLE_EMAIL).map_err(SeedError::Refused)?;
    let hash = EmailHash::of(&email, &shop.salt);
    match intelligence::ensure_offer_within(app, tx, shop, &hash, now).await? {
        intelligence::Ensured::Standing(..) => Ok(()),
        intelligence::Ensured::Refused(_, refusal) => Err(SeedError::NoOffer {
            reason: refusal.code(),
        }),
    }
}

/// Clear texts that are shown once.
#[derive(Clone)]
pub struct Credentials {
    /// For pages.
    pub publishable_key: String,
    /// For servers.
    pub secret_key: String,
    /// The admin's identifier.
    pub identifier: String,
    /// The admin's password.
    pub password: String,
    /// The admin's record.
    pub user: UserId,
}

impl std::fmt::Debug for Credentials {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Credentials(…)")
    }
}

/// Makes a key of each kind and the admin with a random password.
pub async fn make_credentials(app: &App, shop: &Shop) -> Result<Credentials, SeedError> {
    let now = app.now();
    let mut tx = app.db().begin().await?;
    let id = &shop.id;
    let (_, publishable_key) =
        create_key(&mut tx, id, KeyKind::Publishable, "demo page", now).await?;
    let (_, secret_key) = create_key(&mut tx, id, KeyKind::Secret, "demo server", now).await?;
    let password = hex(&app.entropy::<16>());
    let user = create_user(&mut tx, id, ADMIN, password.clone(), Role::Owner, now).await?;
    tx.commit().await?;
    Ok(Credentials {
        publishable_key,
        secret_key,
        identifier: ADMIN.to_owned(),
        password,
        user,
    })
}
