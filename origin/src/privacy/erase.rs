//! Erases a person: everything that names them goes, or stays without them.
//!
//! One transaction does what can be found by keys, so that from its commit on nobody recognizes the person. What can only be
//! found by looking through everything (rows of files, words in texts, lists of others) a job does ([`super::sweep`]).
//!
//! **Invariant:** an erasure is in the journal ([`super::journal`]) before it is committed, so that a database that is
//! restored to a time before it learns of it again (`a_restored_backup_is_erased_again`).

use std::collections::BTreeMap;

use footfall_shared::customer::list::RetentionPolicy;
use footfall_shared::id::{CustomerId, ErasureId, JobId};
use footfall_shared::identity::{DeviceKey, Email, EmailHash};
use footfall_shared::privacy::erased::Named;
use footfall_shared::privacy::person::Pseudonyms;
use footfall_shared::time::UtcMillis;

use super::journal::{self, Entry};
use super::queries::{customer as customer_rows, erased, erasure, export};
use super::strip::{Fate, find_partners, rename_in_links, strip};
use super::subject::{Subject, find_subject};
use super::sweep;
use crate::app::App;
use crate::db::{StorageError, Tx};
use crate::edges::{self, Subject as Told};
use crate::intelligence::{Customer, Customers, devices, recalculate, take_turn};
use crate::shops::Shop;
use crate::{customers, jobs, recommend, uploads};

/// Rows by what they were.
pub(super) type Counts = BTreeMap<&'static str, i64>;

/// What was asked for and what was done at once.
#[derive(Debug)]
pub(super) struct Erased {
    pub(super) id: ErasureId,
    pub(super) policy: RetentionPolicy,
    pub(super) at: UtcMillis,
    pub(super) counts: Counts,
    pub(super) job: JobId,
}

/// Erases whoever has an email; `None` where nothing is held of them, and nothing could be.
pub(super) async fn erase(
    app: &App,
    shop: &Shop,
    email: &Email,
    policy: RetentionPolicy,
    now: UtcMillis,
) -> Result<Option<Erased>, EraseError> {
    let id = ErasureId::generate(now, app.entropy());
    let mut tx = app.db().begin().await?;
    take_turn(&mut tx, &shop.id).await?;
    let (digests, counts) = erase_person(app, &mut tx, shop, email, policy, now).await?;
    let found = counts.values().any(|count| *count > 0);
    if !found && uploads::list_sources(&mut tx, &shop.id).await?.is_empty() {
        return Ok(None);
    }
    let entry = Entry::new(&shop.id, &id, policy, now, digests);
    let job = keep(app, &mut tx, shop, &entry, &counts).await?;
    journal::note(app, &entry).await?;
    edges::commit(app, tx).await?;
    Ok(Some(Erased {
        id,
        policy,
        at: now,
        counts,
        job,
    }))
}

/// Why somebody was not erased.
#[derive(Debug, thiserror::Error)]
pub(super) enum EraseError {
    /// The database said no.
    #[error(transparent)]
    Storage(#[from] StorageError),
    /// The journal could not be written: without it a restored backup would bring the person back.
    #[error(transparent)]
    Journal(#[from] journal::JournalError),
}

/// Keeps that somebody was erased, and asks for the job that looks through the rest; its id.
pub(super) async fn keep(
    app: &App,
    tx: &mut Tx,
    shop: &Shop,
    entry: &Entry,
    counts: &Counts,
) -> Result<JobId, StorageError> {
    jobs::begin_again(app, tx, &shop.id).await?;
    let job = sweep::ask(app, tx, &shop.id).await?;
    let told = serde_json::to_string(counts)
        .map_err(|cause| StorageError::corrupt("write what was erased", cause))?;
    let (id, at) = (&entry.id, entry.at);
    erased::insert(tx, &shop.id, id, (entry.policy.as_str(), at), &told, &job).await?;
    erased::insert_keys(tx, &shop.id, id, at, &entry.digests).await?;
    Ok(job)
}

/// Erases what can be found by keys of whoever has an email; by which digests they are known again, and what there was. The
/// caller holds the shop's turn.
pub(super) async fn erase_person(
    app: &App,
    tx: &mut Tx,
    shop: &Shop,
    email: &Email,
    policy: RetentionPolicy,
    now: UtcMillis,
) -> Result<(Vec<String>, Counts), StorageError> {
    let subject = find_subject(tx, shop, email).await?;
    let mut counts = Counts::new();
    counts.insert("events", count(&subject.places));
    // Pseudonyms that nobody can make again, since nobody keeps what they are made with.
    let names = Pseudonyms::new(app.entropy());
    let fate = match policy {
        RetentionPolicy::Erase => Fate::Erase,
        RetentionPolicy::Anonymize => Fate::Anonymize(&names),
    };
    let visitors = [&subject.user_ids[..], &subject.browsers[..]].concat();
    let partners = find_partners(tx, shop, &subject.sessions).await?;
    strip(app, tx, shop, &subject.places, &visitors, fate, now).await?;
    rename_in_links(tx, shop, &partners, &subject.sessions, &names, now).await?;
    let links = ("order_links", "anonymous_id");
    counts.insert(
        "order_links",
        erasure::delete_rows(tx, &shop.id, links, &subject.browsers).await?,
    );
    if let Some(customer) = &subject.customer {
        erase_customer(app, tx, shop, customer, policy, &mut counts, now).await?;
    }
    let devices = devices::forget(app, tx, &shop.id, &subject.hash, &subject.devices, now).await?;
    counts.insert("devices", count(&devices));
    let record = customers::forget_email(tx, shop, &subject.hash, policy, now).await?;
    counts.insert("sales_records", i64::from(record.is_some()));
    let with = record.unwrap_or_default();
    counts.insert("interactions", i64::try_from(with).unwrap_or(i64::MAX));
    delete_lists(tx, shop, &subject, &mut counts).await?;
    tell_edges(app, tx, shop, &subject, &devices, now).await?;
    Ok((digests(shop, &subject), counts))
}

fn count<T>(rows: &[T]) -> i64 {
    i64::try_from(rows.len()).unwrap_or(i64::MAX)
}

/// A shopper goes with orders and offers; or these stay with somebody whom nobody knows, so that revenue stays what it was.
async fn erase_customer(
    app: &App,
    tx: &mut Tx,
    shop: &Shop,
    customer: &Customer,
    policy: RetentionPolicy,
    counts: &mut Counts,
    now: UtcMillis,
) -> Result<(), StorageError> {
    let orders = customer_rows::list_orders(tx, &shop.id, &customer.id).await?;
    counts.insert("customers", 1);
    counts.insert("orders", count(&orders));
    for (table, column) in [
        ("order_links", "order_id"),
        ("woocommerce_versions", "resource_id"),
    ] {
        erasure::delete_rows(tx, &shop.id, (table, column), &orders).await?;
    }
    if policy == RetentionPolicy::Anonymize {
        let nobody = make_nobody(app, tx, shop, now).await?;
        for order in &orders {
            // An id that was drawn, and leads to no order of the shop.
            let other = CustomerId::generate(now, app.entropy());
            let other = other.as_str().replace("cus_", "order_");
            customer_rows::give_order(tx, &shop.id, order, &other, &nobody).await?;
        }
        customer_rows::give_offers(tx, &shop.id, &customer.id, &nobody).await?;
        let mut customers = Customers::none(shop, now);
        customers
            .load_ids(tx, std::slice::from_ref(&nobody))
            .await?;
        recalculate(tx, &mut customers, std::slice::from_ref(&nobody), now).await?;
        customers.save(app, tx).await?;
    }
    customer_rows::delete_customer(tx, &shop.id, &customer.id).await
}

/// A customer whom nobody is: the name `.invalid` is kept free for this (RFC 2606).
async fn make_nobody(
    app: &App,
    tx: &mut Tx,
    shop: &Shop,
    now: UtcMillis,
) -> Result<CustomerId, StorageError> {
    let drawn = CustomerId::generate(now, app.entropy());
    let address = format!("{}@anonymous.invalid", drawn.as_str());
    let email = Email::parse("email", &address)
        .map_err(|cause| StorageError::corrupt("make a customer whom nobody is", cause))?;
    let hash = EmailHash::of(&email, &shop.salt);
    let mut customers = Customers::none(shop, now);
    let id = customers.get_or_make(app, &email, &hash).id.clone();
    customers.save(app, tx).await?;
    Ok(id)
}

/// Rows that name the person, and that nothing is summed from.
async fn delete_lists(
    tx: &mut Tx,
    shop: &Shop,
    subject: &Subject,
    counts: &mut Counts,
) -> Result<(), StorageError> {
    let names = subject.names();
    let consents = consent_subjects(shop, subject);
    let hash = [subject.hash.as_str().to_owned()];
    for (what, rows, values) in [
        ("segments", ("segment_members", "customer_id"), &names[..]),
        ("segments", ("segment_members", "email"), &names[..]),
        (
            "recommendations",
            ("recommendations", "customer"),
            &names[..],
        ),
        (
            "webhook_deliveries",
            ("deliveries", "session_id"),
            &subject.sessions[..],
        ),
        ("consents", ("consents", "subject"), &consents[..]),
    ] {
        *counts.entry(what).or_default() +=
            erasure::delete_rows(tx, &shop.id, rows, values).await?;
    }
    let exports = export::delete_exports_of(tx, &shop.id, &subject.hash).await?;
    counts.insert("exports", i64::try_from(exports).unwrap_or(i64::MAX));
    // Short ids would be in every text.
    let words = [
        &names[..],
        &subject.browsers[..],
        &subject.sessions[..],
        &hash[..],
    ]
    .concat();
    let words: Vec<String> = words
        .into_iter()
        .filter(|word| word.len() >= WORD_BYTES_MIN)
        .collect();
    let rejected = erasure::delete_rejected(tx, &shop.id, &words).await?;
    counts.insert("rejected_events", rejected);
    Ok(())
}

/// Shortest name that is looked for in texts.
const WORD_BYTES_MIN: usize = 8;

/// Under which subjects consents of somebody are kept.
fn consent_subjects(shop: &Shop, subject: &Subject) -> Vec<String> {
    let browsers = subject
        .browsers
        .iter()
        .filter_map(|browser| footfall_shared::identity::BrowserHash::of(browser, &shop.salt));
    let browsers = browsers.map(|hash| format!("browser:{}", hash.as_str()));
    let email = format!("email:{}", subject.hash.as_str());
    browsers.chain([email]).collect()
}

/// The edges take back what they show at once, and forget its very name a minute later, when no slower answer can bring it
/// back.
async fn tell_edges(
    app: &App,
    tx: &mut Tx,
    shop: &Shop,
    subject: &Subject,
    devices: &[DeviceKey],
    now: UtcMillis,
) -> Result<(), StorageError> {
    let version = subject.customer.as_ref().map_or(0, |one| one.version + 1);
    let version = version.max(now.get());
    let hash = &subject.hash;
    edges::queue(
        app,
        tx,
        &shop.id,
        [(Told::Customer(hash.clone()), version)],
        now,
    )
    .await?;
    recommend::queue_buyers(app, tx, &shop.id, vec![(hash.clone(), version)]).await?;
    let of_person = ["customer", "wants"].map(|kind| format!("{kind}/{}", hash.as_str()));
    let of_devices = devices.iter().map(|key| {
        let (kind, hash) = key.parts();
        format!("{kind}/{hash}")
    });
    let of_sessions = subject
        .sessions
        .iter()
        .map(|session| format!("session/{session}"));
    let keys = of_person.into_iter().chain(of_devices).chain(of_sessions);
    edges::queue_forgotten(app, tx, &shop.id, keys.collect(), now).await
}

/// By which digests somebody is known again.
fn digests(shop: &Shop, subject: &Subject) -> Vec<String> {
    let salt = &shop.salt;
    let email = Named::Email(&subject.email).digest(salt);
    let users = subject
        .user_ids
        .iter()
        .map(|id| Named::User(id).digest(salt));
    let browsers = subject
        .browsers
        .iter()
        .map(|id| Named::Browser(id).digest(salt));
    let sessions = subject
        .sessions
        .iter()
        .map(|id| Named::Session(id).digest(salt));
    let all = users.chain(browsers).chain(sessions).chain([email]);
    all.collect()
}
