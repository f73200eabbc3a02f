//! Builds what is sent from what is stored now.

use std::collections::BTreeMap;

use footfall_shared::id::ShopId;
use footfall_shared::identity::EmailHash;
use footfall_shared::wire::internal::{Change, CustomerEntry};

use super::queries::Due;
use super::subject::Subject;
use crate::db::{Handle, StorageError};
use crate::{intelligence, shops};

/// A change to send beside the row that asks for it.
pub(super) type Outgoing = (Due, Change);

/// The change that each row asks for, read fresh.
pub(super) async fn build(
    db: &mut impl Handle,
    due: Vec<Due>,
) -> Result<Vec<Outgoing>, StorageError> {
    let entries = read_entries(db, &due).await?;
    let mut changes = Vec::with_capacity(due.len());
    for due in due {
        let change = change(db, &due, &entries).await?;
        changes.push((due, change));
    }
    Ok(changes)
}

type Entries = BTreeMap<(ShopId, EmailHash), CustomerEntry>;

async fn read_entries(db: &mut impl Handle, due: &[Due]) -> Result<Entries, StorageError> {
    let mut asked: BTreeMap<&ShopId, Vec<EmailHash>> = BTreeMap::new();
    for row in due {
        if let Subject::Customer(hash) = &row.subject {
            asked.entry(&row.shop).or_default().push(hash.clone());
        }
    }
    let mut entries = Entries::new();
    for (id, hashes) in asked {
        let Some(shop) = shops::find_by_id(db, id).await? else {
            continue;
        };
        for (hash, entry) in intelligence::find_entries(db, &shop, &hashes).await? {
            entries.insert((id.clone(), hash), entry);
        }
    }
    Ok(entries)
}

async fn change(
    db: &mut impl Handle,
    due: &Due,
    entries: &Entries,
) -> Result<Change, StorageError> {
    let shop = due.shop.clone();
    Ok(match &due.subject {
        Subject::Customer(hash) => {
            let entry = entries.get(&(shop.clone(), hash.clone()));
            Change::Customer {
                shop,
                email_hash: hash.clone(),
                version: entry.map_or(due.version, |entry| entry.version),
                entry: entry.cloned().map(Box::new),
            }
        }
        Subject::Fingerprint(hash) => {
            let link = intelligence::find_fingerprint(db, &shop, hash).await?;
            Change::Fingerprint {
                shop,
                fingerprint: hash.clone(),
                version: link.as_ref().map_or(due.version, |link| link.version),
                link,
            }
        }
        Subject::Ip(hash) => {
            let link = intelligence::find_address(db, &shop, hash).await?;
            Change::Address {
                shop,
                ip: hash.clone(),
                version: link.as_ref().map_or(due.version, |link| link.version),
                link,
            }
        }
        Subject::Key(key) => Change::Key {
            key: key.clone(),
            version: due.version,
        },
    })
}

/// The version that a change carries.
pub(super) fn version_of(change: &Change) -> i64 {
    match change {
        Change::Customer { version, .. }
        | Change::Fingerprint { version, .. }
        | Change::Address { version, .. }
        | Change::Key { version, .. } => *version,
    }
}
