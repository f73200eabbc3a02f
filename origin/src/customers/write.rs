//! What is written with each change of a record.

use footfall_shared::customer::CustomerRecord;
use footfall_shared::customer::duplicate::DuplicateKey;
use footfall_shared::customer::history::History;
use footfall_shared::customer::list::Overview;
use footfall_shared::id::CustomerRecordId;
use footfall_shared::identity::EmailHash;
use footfall_shared::time::UtcMillis;

use super::queries::records::{self, Columns, Facets, Persons, Stored};
use super::queries::{interactions, search};
use super::refuse;
use crate::db::{StorageError, Tx};
use crate::http::error::AppError;
use crate::shops::Shop;

/// By what a record is found to be another one's.
pub(super) fn persons_of(shop: &Shop, record: &CustomerRecord) -> Persons {
    let email = record.email.as_ref();
    Persons {
        email_hash: email.map(|email| EmailHash::of(email, &shop.salt).as_str().to_owned()),
        duplicate_key: DuplicateKey::of(record).map(|key| key.as_str().to_owned()),
    }
}

/// What a record is found by: name, profession, location and notes, those of interactions too.
fn texts<'a>(record: &'a CustomerRecord, history: &'a History) -> Vec<&'a str> {
    let demographics = &record.demographics;
    let own = [
        Some(&record.name),
        demographics.profession.as_ref(),
        demographics.location.as_ref(),
        record.notes.as_ref(),
    ];
    let notes = history
        .interactions()
        .filter_map(|interaction| interaction.salesperson_notes.as_ref());
    let texts = own.into_iter().flatten().chain(notes);
    texts.map(String::as_str).collect()
}

/// Reads a record to change it: until the commit nobody else does.
pub(super) async fn hold(
    tx: &mut Tx,
    shop: &Shop,
    id: &CustomerRecordId,
) -> Result<(Stored, History), AppError> {
    tx.serialize("customer_record", id.as_str()).await?;
    let stored = records::find(tx, &shop.id, id).await?;
    let stored = stored.ok_or_else(refuse::not_found)?;
    let history = interactions::history(tx, &shop.id, id).await?;
    Ok((stored, history))
}

/// Writes a new record, with what it is found by and counted as.
///
/// # Errors
/// `duplicate_customer` where the same person has one.
pub(super) async fn insert(
    tx: &mut Tx,
    shop: &Shop,
    id: &CustomerRecordId,
    record: &CustomerRecord,
    now: UtcMillis,
) -> Result<(), AppError> {
    let history = History::default();
    let (persons, overview) = (persons_of(shop, record), Overview::of(record, &history));
    let columns = Columns {
        record,
        persons: &persons,
        overview: &overview,
    };
    let Some(number) = records::insert(tx, &shop.id, id, &columns, now).await? else {
        return Err(refuse_same(tx, shop, &persons, id).await?);
    };
    let facets = Facets::of(&overview);
    search::put(tx, &shop.id, number, &texts(record, &history), &facets).await?;
    records::count_in(tx, &shop.id, &facets, number, 1).await?;
    Ok(())
}

/// Writes a record that [`hold`] read, as it is now with all that was done.
///
/// # Errors
/// `duplicate_customer` where somebody else's record is the same person's now.
pub(super) async fn save(
    tx: &mut Tx,
    shop: &Shop,
    stored: &Stored,
    record: &CustomerRecord,
    history: &History,
    now: UtcMillis,
) -> Result<(), AppError> {
    let (persons, overview) = (persons_of(shop, record), Overview::of(record, history));
    if persons != persons_of(shop, &stored.record)
        && records::find_same(tx, &shop.id, &persons, stored.id.as_str())
            .await?
            .is_some()
    {
        return Err(refuse_same(tx, shop, &persons, &stored.id).await?);
    }
    let columns = Columns {
        record,
        persons: &persons,
        overview: &overview,
    };
    records::save(tx, &shop.id, &stored.id, &columns, now).await?;
    let (facets, number) = (Facets::of(&overview), stored.number);
    search::put(tx, &shop.id, number, &texts(record, history), &facets).await?;
    if facets != stored.facets {
        records::count_in(tx, &shop.id, &stored.facets, number, -1).await?;
        records::count_in(tx, &shop.id, &facets, number, 1).await?;
    }
    Ok(())
}

/// Takes a record out of lists and counts.
pub(super) async fn unlist(tx: &mut Tx, shop: &Shop, stored: &Stored) -> Result<(), StorageError> {
    search::remove(tx, stored.number).await?;
    records::count_in(tx, &shop.id, &stored.facets, stored.number, -1).await
}

async fn refuse_same(
    tx: &mut Tx,
    shop: &Shop,
    persons: &Persons,
    id: &CustomerRecordId,
) -> Result<AppError, StorageError> {
    let same = records::find_same(tx, &shop.id, persons, id.as_str()).await?;
    // Whoever was in the way may be gone again by now.
    let (same, by_email) = same.unwrap_or_default();
    Ok(refuse::duplicate(&same, by_email))
}
