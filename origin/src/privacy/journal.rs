//! The journal of erasures: a file beside the database, so that a backup that is restored learns whom it must not bring back.
//!
//! A line for each erasure, written and synced before the erasure is committed. It names nobody: only digests that a person
//! is known again by who is still there. At its start an origin erases again whoever the journal has and the database has not.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use footfall_shared::customer::list::RetentionPolicy;
use footfall_shared::id::{ErasureId, ShopId};
use footfall_shared::identity::Email;
use footfall_shared::privacy::erased::Named;
use footfall_shared::time::UtcMillis;
use serde::{Deserialize, Serialize};

use super::erase::{Counts, erase_person, keep};
use super::queries::erased;
use crate::app::App;
use crate::db::StorageError;
use crate::edges;
use crate::intelligence::take_turn;
use crate::shops::{self, Shop};

/// An erasure, as the journal keeps it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Entry {
    /// The shop.
    pub shop: ShopId,
    /// The erasure.
    pub id: ErasureId,
    /// What was asked for.
    pub policy: RetentionPolicy,
    /// When.
    pub at: UtcMillis,
    /// By which the person is known again.
    pub digests: Vec<String>,
}

impl Entry {
    pub(super) fn new(
        shop: &ShopId,
        id: &ErasureId,
        policy: RetentionPolicy,
        at: UtcMillis,
        digests: Vec<String>,
    ) -> Self {
        Self {
            shop: shop.clone(),
            id: id.clone(),
            policy,
            at,
            digests,
        }
    }
}

/// The journal cannot be read or written.
#[derive(Debug, thiserror::Error)]
pub enum JournalError {
    /// The file said no.
    #[error("the journal of erasures {path} cannot be read or written")]
    File {
        /// The file.
        path: PathBuf,
        /// Why.
        #[source]
        source: std::io::Error,
    },
    /// A line of it is none of ours.
    #[error("line {line} of the journal of erasures {path} is no erasure")]
    Line {
        /// The file.
        path: PathBuf,
        /// Which line, from 1.
        line: usize,
        /// What is wrong with it.
        #[source]
        source: serde_json::Error,
    },
}

/// Notes an erasure, and waits until it is on the disk.
pub(super) async fn note(app: &App, entry: &Entry) -> Result<(), JournalError> {
    let path = app.config().erasure_journal.clone();
    let line = serde_json::to_string(entry).map_err(|source| JournalError::Line {
        path: path.clone(),
        line: 0,
        source,
    })?;
    let written = path.clone();
    let done = tokio::task::spawn_blocking(move || append(&written, &line)).await;
    let done = done.unwrap_or_else(|fault| Err(std::io::Error::other(fault)));
    done.map_err(|source| JournalError::File { path, source })
}

fn append(path: &Path, line: &str) -> std::io::Result<()> {
    use std::io::Write as _;
    if let Some(folder) = path
        .parent()
        .filter(|folder| !folder.as_os_str().is_empty())
    {
        std::fs::create_dir_all(folder)?;
    }
    let mut file = std::fs::OpenOptions::new()
        .create(true)
        .append(true)
        .open(path)?;
    // One write, so that two processes do not mix their lines.
    file.write_all(format!("{line}\n").as_bytes())?;
    file.sync_all()
}

/// What a journal has; nothing where there is no such file.
///
/// # Errors
/// Where it cannot be read, or has something else in it.
pub fn read(path: &Path) -> Result<Vec<Entry>, JournalError> {
    let text = match std::fs::read_to_string(path) {
        Ok(text) => text,
        Err(fault) if fault.kind() == std::io::ErrorKind::NotFound => return Ok(Vec::new()),
        Err(source) => {
            let path = path.to_owned();
            return Err(JournalError::File { path, source });
        }
    };
    let whole = text.split_inclusive('\n').enumerate();
    // A crash may have cut off the last line: then its erasure was not committed either.
    let whole = whole.filter(|(_, line)| line.ends_with('\n'));
    let read = whole.map(|(at, line)| {
        serde_json::from_str(line).map_err(|source| JournalError::Line {
            path: path.to_owned(),
            line: at + 1,
            source,
        })
    });
    read.collect()
}

/// The erasures that the database knows, as a journal has them.
///
/// # Errors
/// Where it cannot be read.
pub async fn of_database(app: &App) -> Result<Vec<Entry>, StorageError> {
    const STEP: &str = "read an erasure";
    let mut db = app.db().read().await?;
    let mut entries = Vec::new();
    for shop in shops::list_shops(&mut db).await? {
        let mut of_shop: BTreeMap<String, Entry> = BTreeMap::new();
        for (digest, at, policy, id) in erased::list_keys(&mut db, &shop.id).await? {
            let fault = |cause: String| StorageError::corrupt(STEP, cause);
            let new = Entry::new(
                &shop.id,
                &ErasureId::parse(&id).map_err(|cause| fault(cause.to_string()))?,
                RetentionPolicy::parse("policy", &policy).map_err(|_| fault(policy))?,
                UtcMillis::new(at),
                Vec::new(),
            );
            of_shop.entry(id).or_insert(new).digests.push(digest);
        }
        entries.extend(of_shop.into_values());
    }
    Ok(entries)
}

/// Erases again whom the journal has and the database has not; how many.
///
/// # Errors
/// Where journal or database cannot be read or written.
pub async fn apply_again(app: &App, entries: &[Entry]) -> Result<usize, ReapplyError> {
    let mut done = 0;
    for entry in entries {
        let mut db = app.db().read().await?;
        let Some(shop) = shops::find_by_id(&mut db, &entry.shop).await? else {
            continue;
        };
        let known = erased::find(&mut db, &shop.id, entry.id.as_str()).await?;
        drop(db);
        if known.is_none() {
            erase_again(app, &shop, entry).await?;
            done += 1;
        }
    }
    Ok(done)
}

/// Why erasures were not applied again.
#[derive(Debug, thiserror::Error)]
pub enum ReapplyError {
    /// The journal cannot be read.
    #[error(transparent)]
    Journal(#[from] JournalError),
    /// The database said no.
    #[error(transparent)]
    Storage(#[from] StorageError),
}

async fn erase_again(app: &App, shop: &Shop, entry: &Entry) -> Result<(), StorageError> {
    let now = app.now();
    let emails = find_emails(app, shop, entry).await?;
    let mut tx = app.db().begin().await?;
    take_turn(&mut tx, &shop.id).await?;
    let mut counts = Counts::new();
    let mut entry = entry.clone();
    for email in &emails {
        let (digests, of_one) = erase_person(app, &mut tx, shop, email, entry.policy, now).await?;
        for (what, more) in of_one {
            *counts.entry(what).or_default() += more;
        }
        entry.digests.extend(digests);
    }
    entry.digests.sort();
    entry.digests.dedup();
    keep(app, &mut tx, shop, &entry, &counts).await?;
    edges::commit(app, tx).await?;
    tracing::info!(shop.id = %shop.id, erasure.id = %entry.id, "somebody was erased again");
    Ok(())
}

/// The emails in the database that an erasure was about.
async fn find_emails(app: &App, shop: &Shop, entry: &Entry) -> Result<Vec<Email>, StorageError> {
    let mut db = app.db().read().await?;
    let mut texts = erased::list_emails(&mut db, &shop.id).await?;
    for body in erased::list_record_bodies(&mut db, &shop.id).await? {
        let body: serde_json::Value = serde_json::from_str(&body)
            .map_err(|cause| StorageError::corrupt("read a sales record", cause))?;
        let email = body.get("email").and_then(serde_json::Value::as_str);
        texts.extend(email.map(str::to_owned));
    }
    let emails = texts
        .iter()
        .filter_map(|text| Email::parse("email", text).ok());
    let mut meant: Vec<Email> = emails
        .filter(|email| {
            entry
                .digests
                .contains(&Named::Email(email).digest(&shop.salt))
        })
        .collect();
    meant.sort();
    meant.dedup();
    Ok(meant)
}

/// At a start: erases again whom this node's journal has and the database has not.
///
/// # Errors
/// As [`apply_again`].
pub async fn apply_own(app: &App) -> Result<usize, ReapplyError> {
    let entries = read(&app.config().erasure_journal)?;
    apply_again(app, &entries).await
}
