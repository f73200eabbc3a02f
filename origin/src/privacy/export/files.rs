//! What uploaded files say of a person. A file is looked through block by block; the words of a block tell at once
//! whether anybody wanted is in it.

use std::collections::BTreeSet;

use footfall_shared::id::ShopId;
use footfall_shared::identity::{Email, EmailHash};
use footfall_shared::upload::row::Row;
use serde_json::Value;

use super::super::subject::Subject;
use super::told;
use crate::app::App;
use crate::db::StorageError;
use crate::shops::Shop;
use crate::uploads::block::Block;
use crate::uploads::{self, Sourced};

/// What files say of somebody.
#[derive(Debug, Default)]
pub(super) struct InFiles {
    /// Their rows.
    pub(super) rows: Vec<Value>,
    /// Ids that files call them by, and nobody else.
    pub(super) ids: Vec<String>,
}

/// Whether files name an email.
pub(super) async fn mention(
    app: &App,
    shop: &ShopId,
    files: &[Sourced],
    email: &Email,
) -> Result<bool, StorageError> {
    let words = BTreeSet::from([email.as_str().to_owned()]);
    for file in files {
        if next_block(app, shop, file, 0, &words).await?.is_some() {
            return Ok(true);
        }
    }
    Ok(false)
}

/// The email in files that a hash stands for.
pub(super) async fn find_email(
    app: &App,
    shop: &Shop,
    hash: &EmailHash,
) -> Result<Option<Email>, StorageError> {
    let files = {
        let mut db = app.db().read().await?;
        uploads::list_sources(&mut db, &shop.id).await?
    };
    for file in &files {
        let mut after = 0;
        while let Some((place, block)) = uploads::read_rows(app, &shop.id, file, after).await? {
            after = place;
            if let Some(email) = email_in(&block, shop, hash) {
                return Ok(Some(email));
            }
        }
    }
    Ok(None)
}

fn email_in(block: &Block, shop: &Shop, hash: &EmailHash) -> Option<Email> {
    let words = block.texts.iter().flat_map(|column| &column.words);
    let mut emails = words
        .filter(|word| word.contains('@'))
        .filter_map(|word| Email::parse("email", word).ok());
    emails.find(|email| EmailHash::of(email, &shop.salt) == *hash)
}

/// Everything that the shop's files say of somebody. A row with an email is about whoever has it; one without is about
/// whoever the shop calls by its id.
pub(super) async fn collect(
    app: &App,
    shop: &Shop,
    subject: &Subject,
) -> Result<InFiles, StorageError> {
    let files = {
        let mut db = app.db().read().await?;
        uploads::list_sources(&mut db, &shop.id).await?
    };
    let email = subject.email.as_str();
    let ids = learn_ids(app, &shop.id, &files, email).await?;
    let own = [
        subject.names(),
        subject.browsers.clone(),
        subject.sessions.clone(),
    ]
    .concat();
    let names: BTreeSet<String> = own.into_iter().chain(ids.iter().cloned()).collect();
    let mut rows = Vec::new();
    for file in &files {
        let mut after = 0;
        while let Some((place, block)) = next_block(app, &shop.id, file, after, &names).await? {
            after = place;
            for row in block.rows(file.kind) {
                if is_about(&row, email, &names) {
                    rows.push(told::row_of_file(&row, file, shop.currency));
                }
            }
        }
    }
    Ok(InFiles {
        rows,
        ids: ids.into_iter().collect(),
    })
}

/// By which ids files call whoever has an email. An id that stands beside another's email, too, says nothing.
async fn learn_ids(
    app: &App,
    shop: &ShopId,
    files: &[Sourced],
    email: &str,
) -> Result<BTreeSet<String>, StorageError> {
    let mut ids = BTreeSet::new();
    let words = BTreeSet::from([email.to_owned()]);
    for file in files {
        let mut after = 0;
        while let Some((place, block)) = next_block(app, shop, file, after, &words).await? {
            after = place;
            for row in block.rows(file.kind) {
                if let (Some(id), Some(told)) = person_of(&row)
                    && told == email
                {
                    ids.insert(id.to_owned());
                }
            }
        }
    }
    let mut shared = BTreeSet::new();
    for file in files {
        let mut after = 0;
        while let Some((place, block)) = next_block(app, shop, file, after, &ids).await? {
            after = place;
            for row in block.rows(file.kind) {
                if let (Some(id), Some(told)) = person_of(&row)
                    && told != email
                    && ids.contains(id)
                {
                    shared.insert(id.to_owned());
                }
            }
        }
    }
    ids.retain(|id| !shared.contains(id));
    Ok(ids)
}

/// The next block behind a place that has one of these words, with its own place.
async fn next_block(
    app: &App,
    shop: &ShopId,
    file: &Sourced,
    mut after: i64,
    words: &BTreeSet<String>,
) -> Result<Option<(i64, Block)>, StorageError> {
    if words.is_empty() {
        return Ok(None);
    }
    while let Some((place, block)) = uploads::read_rows(app, shop, file, after).await? {
        if has_word(&block, words) {
            return Ok(Some((place, block)));
        }
        after = place;
    }
    Ok(None)
}

fn has_word(block: &Block, words: &BTreeSet<String>) -> bool {
    let mut all = block.texts.iter().flat_map(|column| &column.words);
    all.any(|word| words.contains(word))
}

/// The customer of a row: the shop's id and the email.
fn person_of<'a>(row: &'a Row<'_>) -> (Option<&'a str>, Option<&'a str>) {
    match row {
        Row::Line(line) => (line.customer.as_deref(), line.email.as_deref()),
        Row::Customer(customer) => (Some(customer.customer.as_ref()), customer.email.as_deref()),
        Row::Review(review) => (review.customer.as_deref(), None),
        Row::PageEvent(_) | Row::Product(_) => (None, None),
    }
}

fn is_about(row: &Row<'_>, email: &str, names: &BTreeSet<String>) -> bool {
    if let Row::PageEvent(event) = row {
        let session = event.session.as_deref();
        return names.contains(event.visitor.as_ref())
            || session.is_some_and(|session| names.contains(session));
    }
    match person_of(row) {
        (_, Some(told)) => told == email,
        (Some(id), None) => names.contains(id),
        (None, None) => false,
    }
}
