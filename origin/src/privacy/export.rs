//! Everything that is held of a person, as a ZIP of JSON for them.
//!
//! - [`archive`]: the ZIP, row by row
//! - [`told`]: rows as people read them
//! - [`files`]: what uploaded files say of them
//!
//! **Invariant:** nothing of anybody else is in it: what two people share is nobody's here, and of others who are like
//! the person only their number is told (`an_export_has_all_of_the_person_and_nothing_of_others`).

mod archive;
mod files;
mod told;

use std::collections::BTreeMap;

use footfall_shared::id::ShopId;
use footfall_shared::identity::{BrowserHash, Email, EmailHash};
use footfall_shared::time::UtcMillis;
use serde_json::Value;

use super::consent::Whose;
use super::queries::export::personal;
use super::subject::{Subject, find_subject};
use crate::app::App;
use crate::db::{Reader, StorageError};
use crate::ingest::person;
use crate::shops::Shop;
use crate::uploads;
use archive::{Archive, KeptFor, Kind};
use files::InFiles;

/// Events of a person that a request reads; with more it is a job.
const EVENTS_OF_A_REQUEST: usize = 5_000;
/// Events that are read at once.
const EVENTS_AT_ONCE: usize = 500;

/// What somebody who asks is answered.
#[derive(Debug)]
pub(super) enum Answer {
    /// Nothing is held of such a person.
    Nothing,
    /// The ZIP.
    Made(Vec<u8>),
    /// It takes a job to make it.
    Job,
}

/// An export.
#[derive(Debug)]
pub(super) struct Export {
    /// The ZIP.
    pub(super) zip: Vec<u8>,
    /// Rows of all its files.
    pub(super) rows: usize,
}

/// Answers what is held of whoever has an email: at once where that is little, and no files have to be looked
/// through.
pub(super) async fn answer(
    app: &App,
    shop: &Shop,
    email: &Email,
    now: UtcMillis,
) -> Result<Answer, StorageError> {
    let (subject, files, can_be_found) = {
        let mut db = app.db().read().await?;
        let subject = find_subject(&mut db, shop, email).await?;
        let files = uploads::list_sources(&mut db, &shop.id).await?;
        let told = personal::find_email(&mut db, &shop.id, &subject.hash).await?;
        (subject, files, told.is_some())
    };
    // The job knows but the hash. Whom neither tables nor files tell it, it could not find again; so of them the files are
    // looked through here, which is quick where nobody is in them.
    let is_in_files = match (files.is_empty(), can_be_found) {
        (true, _) => false,
        (false, true) => true,
        (false, false) => files::mention(app, &shop.id, &files, email).await?,
    };
    if is_in_files || subject.places.len() > EVENTS_OF_A_REQUEST {
        return Ok(Answer::Job);
    }
    let export = pack(app, shop, &subject, InFiles::default(), now).await?;
    Ok(export.map_or(Answer::Nothing, |export| Answer::Made(export.zip)))
}

/// Makes the export of whoever has an email with this hash, files included; `None` where nothing is held of them.
pub(super) async fn make(
    app: &App,
    shop: &Shop,
    hash: &EmailHash,
    now: UtcMillis,
) -> Result<Option<Export>, StorageError> {
    let told = {
        let mut db = app.db().read().await?;
        personal::find_email(&mut db, &shop.id, hash).await?
    };
    let email = match told {
        Some(email) => Some(email),
        None => files::find_email(app, shop, hash).await?,
    };
    let Some(email) = email else { return Ok(None) };
    let subject = find_subject(&mut app.db().read().await?, shop, &email).await?;
    let in_files = files::collect(app, shop, &subject).await?;
    pack(app, shop, &subject, in_files, now).await
}

const fn kind(file: &'static str, about: &'static str, kept: KeptFor) -> Kind {
    Kind { file, about, kept }
}

const CUSTOMER: Kind = kind(
    "customer.json",
    "Who the person is to the shop, and the device seen last; kept to know customers again.",
    KeptFor::Always,
);
const PROFILE: Kind = kind(
    "profile.json",
    "What the orders say of how the person buys; kept to make offers that fit.",
    KeptFor::Always,
);
const ORDERS: Kind = kind(
    "orders.json",
    "What was ordered; kept because profile, offers and the shop's figures are made from it.",
    KeptFor::Always,
);
const ORDER_LINKS: Kind = kind(
    "order_links.json",
    "Which browser said that it placed an order; kept to know the buyer's device again.",
    KeptFor::Devices,
);
const OFFERS: Kind = kind(
    "offers.json",
    "Offers that were made, and the profile that each was decided on; kept so that a decision can be explained.",
    KeptFor::Always,
);
const DEVICES: Kind = kind(
    "devices.json",
    "Keyed hashes by which browsers, devices and addresses are known; kept to know the person again.",
    KeptFor::Devices,
);
const EVENTS: Kind = kind(
    "events.json",
    "What was done and seen in the shop; kept because all figures are made from it.",
    KeptFor::Events,
);
const SESSIONS: Kind = kind(
    "sessions.json",
    "How journeys through the shop went; kept to show what suits the moment.",
    KeptFor::Events,
);
const SHOWN: Kind = kind(
    "shown.json",
    "Which contents were shown, and whether something was bought afterwards; kept to find out what helps.",
    KeptFor::Events,
);
const VISITS: Kind = kind(
    "visits.json",
    "Visits with their steps; kept to count how far visits get.",
    KeptFor::Events,
);
const VISIT_DAYS: Kind = kind(
    "visit_days.json",
    "What the visits of each day came to; kept to count visitors.",
    KeptFor::Events,
);
const FEEDBACK: Kind = kind(
    "feedback.json",
    "What was said of pages, and how it was understood; kept to make them better.",
    KeptFor::Events,
);
const SEGMENTS: Kind = kind(
    "segments.json",
    "Groups of customers that the person was put into; kept to address them by what they do.",
    KeptFor::NextComputing,
);
const RECOMMENDATIONS: Kind = kind(
    "recommendations.json",
    "What the person is recommended and why; kept to show it.",
    KeptFor::NextComputing,
);
const SALES_RECORD: Kind = kind(
    "sales_record.json",
    "What salespeople wrote down of the person; kept to advise well.",
    KeptFor::Always,
);
const INTERACTIONS: Kind = kind(
    "interactions.json",
    "Calls and meetings with salespeople; kept to advise well.",
    KeptFor::Always,
);
const CONSENTS: Kind = kind(
    "consents.json",
    "What was allowed and refused; kept because the shop has to be able to show it.",
    KeptFor::Always,
);
const REJECTED: Kind = kind(
    "rejected_events.json",
    "Events that could not be read; kept until they are mended.",
    KeptFor::Texts,
);
const DELIVERIES: Kind = kind(
    "webhook_deliveries.json",
    "What other systems of the shop were told of the person's sessions; kept to repeat what did not arrive.",
    KeptFor::Texts,
);
const UPLOADS: Kind = kind(
    "uploads.json",
    "Rows of files that the shop uploaded; kept because analyses are made from them.",
    KeptFor::File,
);

/// Puts everything together; `None` where there is nothing.
async fn pack(
    app: &App,
    shop: &Shop,
    subject: &Subject,
    in_files: InFiles,
    now: UtcMillis,
) -> Result<Option<Export>, StorageError> {
    let mut db = app.db().read().await?;
    let mut archive = Archive::new(&shop.settings);
    let names = [subject.names(), in_files.ids].concat();
    pack_customer(&mut archive, &mut db, shop, subject).await?;
    let events = pack_events(&mut archive, &mut db, &shop.id, subject).await?;
    pack_sessions(&mut archive, &mut db, &shop.id, subject).await?;
    pack_visits(&mut archive, &mut db, &shop.id, (subject, &names, &events)).await?;
    pack_lists(&mut archive, &mut db, shop, subject, &names).await?;
    pack_records(&mut archive, &mut db, shop, subject).await?;
    archive.put(&UPLOADS, &in_files.rows)?;
    let rows = archive.rows();
    if rows == 0 {
        return Ok(None);
    }
    let zip = archive.finish(&shop.name, subject.email.as_str(), &now.to_rfc3339())?;
    Ok(Some(Export { zip, rows }))
}

/// The shopper with orders and offers, and by what they are known.
async fn pack_customer(
    archive: &mut Archive<'_>,
    db: &mut Reader,
    shop: &Shop,
    subject: &Subject,
) -> Result<(), StorageError> {
    let currency = shop.currency;
    let (mut customers, mut profiles) = (Vec::new(), Vec::new());
    let (mut orders, mut offers) = (Vec::new(), Vec::new());
    if let Some(customer) = &subject.customer {
        customers.push(told::customer(customer));
        for row in personal::list_profiles(db, &shop.id, &customer.id).await? {
            profiles.push(told::profile(&row, currency)?);
        }
        let items = personal::list_items(db, &shop.id, &customer.id).await?;
        for row in personal::list_orders(db, &shop.id, &customer.id).await? {
            orders.push(told::order(&row, &items, currency));
        }
        for row in personal::list_offers(db, &shop.id, &customer.id).await? {
            offers.push(told::offer(&row, currency)?);
        }
    }
    let links = personal::list_order_links(db, &shop.id, &subject.browsers).await?;
    let links: Vec<Value> = links.iter().map(told::order_link).collect();
    let devices = personal::list_devices(db, &shop.id, &subject.hash).await?;
    let devices: Vec<Value> = devices.iter().map(told::device).collect();
    archive.put(&CUSTOMER, &customers)?;
    archive.put(&PROFILE, &profiles)?;
    archive.put(&ORDERS, &orders)?;
    archive.put(&ORDER_LINKS, &links)?;
    archive.put(&OFFERS, &offers)?;
    archive.put(&DEVICES, &devices)
}

/// The events; their ids.
async fn pack_events(
    archive: &mut Archive<'_>,
    db: &mut Reader,
    shop: &ShopId,
    subject: &Subject,
) -> Result<Vec<String>, StorageError> {
    let mut ids = Vec::with_capacity(subject.places.len());
    archive.begin(&EVENTS)?;
    for places in subject.places.chunks(EVENTS_AT_ONCE) {
        for logged in person::read_places(db, shop, places).await? {
            archive.add(&told::event(&logged))?;
            ids.push(logged.event.id.as_str().to_owned());
        }
    }
    archive.end()?;
    Ok(ids)
}

/// The sessions, what they were shown, and what was told of them.
async fn pack_sessions(
    archive: &mut Archive<'_>,
    db: &mut Reader,
    shop: &ShopId,
    subject: &Subject,
) -> Result<(), StorageError> {
    let own = &subject.sessions;
    let mut sessions = Vec::new();
    for row in personal::list_journeys(db, shop, own).await? {
        sessions.push(told::session(&row, own)?);
    }
    let shown = personal::list_exposures(db, shop, own).await?;
    let shown: Vec<Value> = shown.iter().map(told::exposure).collect();
    let deliveries = personal::list_deliveries(db, shop, own).await?;
    let deliveries: Vec<Value> = deliveries.iter().map(told::delivery).collect();
    archive.put(&SESSIONS, &sessions)?;
    archive.put(&SHOWN, &shown)?;
    archive.put(&DELIVERIES, &deliveries)
}

/// Visits, their days, and what was said in them, as the figures that are read have them.
async fn pack_visits(
    archive: &mut Archive<'_>,
    db: &mut Reader,
    shop: &ShopId,
    (subject, names, events): (&Subject, &[String], &[String]),
) -> Result<(), StorageError> {
    let visitors = [names, &subject.browsers[..]].concat();
    let of_sessions = subject
        .sessions
        .iter()
        .map(|session| format!("s:{session}"));
    let of_visitors = visitors.iter().map(|visitor| format!("b:{visitor}"));
    let keys: Vec<String> = of_sessions.chain(of_visitors).collect();
    let mut visits = BTreeMap::new();
    let (mut days, mut feedback) = (Vec::new(), Vec::new());
    if let Some(run) = personal::find_live_run(db, shop).await? {
        let by_visitor = personal::list_visits_of(db, shop, run, &visitors).await?;
        let by_key = personal::list_visits(db, shop, run, &keys).await?;
        for row in by_visitor.into_iter().chain(by_key) {
            let told = told::visit(&row)?;
            visits.insert((row.first_at, row.key), told);
        }
        for row in personal::list_visit_days(db, shop, run, &visitors).await? {
            days.push(told::visit_day(&row)?);
        }
        let said = personal::list_feedback(db, shop, run, events).await?;
        feedback.extend(said.iter().map(told::feedback));
    }
    let visits: Vec<Value> = visits.into_values().collect();
    archive.put(&VISITS, &visits)?;
    archive.put(&VISIT_DAYS, &days)?;
    archive.put(&FEEDBACK, &feedback)
}

/// The segments and lists in which the person stands.
async fn pack_lists(
    archive: &mut Archive<'_>,
    db: &mut Reader,
    shop: &Shop,
    subject: &Subject,
    names: &[String],
) -> Result<(), StorageError> {
    let mut segmented = BTreeMap::<String, Option<Value>>::new();
    let mut segments = BTreeMap::new();
    for row in personal::list_segments(db, &shop.id, names).await? {
        let email = row.email.as_deref();
        if email.is_some_and(|email| email != subject.email.as_str()) {
            continue;
        }
        if !segmented.contains_key(&row.scope) {
            let found = personal::find_segmented(db, &shop.id, &row.scope).await?;
            let found = found.as_deref().map(told::parsed).transpose()?;
            segmented.insert(row.scope.clone(), found);
        }
        let found = segmented.get(&row.scope).and_then(Option::as_ref);
        let told = told::segment(&row, found, shop.currency);
        segments.insert((row.scope, row.run, row.customer_id), told);
    }
    let mut recommendations = Vec::new();
    for row in personal::list_recommendations(db, &shop.id, names).await? {
        recommendations.push(told::recommendation(&row)?);
    }
    let segments: Vec<Value> = segments.into_values().collect();
    archive.put(&SEGMENTS, &segments)?;
    archive.put(&RECOMMENDATIONS, &recommendations)
}

/// What salespeople know, what was allowed, and what could not be read.
async fn pack_records(
    archive: &mut Archive<'_>,
    db: &mut Reader,
    shop: &Shop,
    subject: &Subject,
) -> Result<(), StorageError> {
    let records = personal::list_records(db, &shop.id, &subject.hash).await?;
    let mut interactions = Vec::new();
    for record in &records {
        for row in personal::list_interactions(db, &shop.id, &record.id).await? {
            interactions.push(told::interaction(&row)?);
        }
    }
    let records: Vec<Value> = records.iter().map(told::sales_record).collect();
    let consents = personal::list_consents(db, &shop.id, &consenting(shop, subject)).await?;
    let consents: Vec<Value> = consents.iter().map(told::consent).collect();
    let mut rejected = Vec::new();
    for row in personal::list_rejected(db, &shop.id, &subject.email).await? {
        rejected.extend(told::rejected(&row, &subject.email));
    }
    archive.put(&SALES_RECORD, &records)?;
    archive.put(&INTERACTIONS, &interactions)?;
    archive.put(&CONSENTS, &consents)?;
    archive.put(&REJECTED, &rejected)
}

/// Under which subjects consents of the person are kept.
fn consenting(shop: &Shop, subject: &Subject) -> Vec<String> {
    let browsers = subject.browsers.iter();
    let browsers = browsers.filter_map(|browser| BrowserHash::of(browser, &shop.salt));
    let browsers = browsers.map(|hash| Whose::Browser(hash).to_text());
    let email = Whose::Email(subject.hash.clone()).to_text();
    browsers.chain([email]).collect()
}
