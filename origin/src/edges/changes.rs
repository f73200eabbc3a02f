//! Builds what is sent from what is stored now.

use std::collections::BTreeMap;

use footfall_shared::id::ShopId;
use footfall_shared::identity::{DeviceKey, EmailHash};
use footfall_shared::journey::content::Kit;
use footfall_shared::wire::internal::{Change, CustomerEntry, DeviceLink};

use super::queries::Due;
use super::subject::Subject;
use crate::db::{Handle, StorageError};
use crate::{content, intelligence, recommend, shops};

/// A change to send beside the row that asks for it.
pub(super) type Outgoing = (Due, Change);

/// The change that each row asks for, read fresh.
pub(super) async fn build(
    db: &mut impl Handle,
    due: Vec<Due>,
) -> Result<Vec<Outgoing>, StorageError> {
    let entries = read_entries(db, &due).await?;
    let links = read_links(db, &due).await?;
    let kits = read_kits(db, &due).await?;
    let lists = read_lists(db, &due).await?;
    let outgoing = due.into_iter().map(|due| {
        let change = change(&due, &entries, &links, &kits, &lists);
        (due, change)
    });
    Ok(outgoing.collect())
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

type Links = BTreeMap<(ShopId, DeviceKey), DeviceLink>;

async fn read_links(db: &mut impl Handle, due: &[Due]) -> Result<Links, StorageError> {
    let mut asked: BTreeMap<&ShopId, Vec<DeviceKey>> = BTreeMap::new();
    for row in due {
        if let Subject::Device(key) = &row.subject {
            asked.entry(&row.shop).or_default().push(key.clone());
        }
    }
    let mut links = Links::new();
    for (shop, keys) in asked {
        let found = intelligence::find_links(db, shop, &keys).await?;
        for (key, link) in keys.into_iter().zip(found) {
            links.extend(link.map(|link| ((shop.clone(), key), link)));
        }
    }
    Ok(links)
}

type Kits = BTreeMap<ShopId, Kit>;

async fn read_kits(db: &mut impl Handle, due: &[Due]) -> Result<Kits, StorageError> {
    let mut kits = Kits::new();
    for row in due.iter().filter(|row| row.subject == Subject::Kit) {
        if let Some(kit) = content::current_kit(db, &row.shop).await? {
            kits.insert(row.shop.clone(), kit);
        }
    }
    Ok(kits)
}

/// Versions and lists.
type Lists = BTreeMap<(ShopId, Option<EmailHash>), (i64, Option<serde_json::Value>)>;

async fn read_lists(db: &mut impl Handle, due: &[Due]) -> Result<Lists, StorageError> {
    let mut asked: BTreeMap<&ShopId, Vec<Option<EmailHash>>> = BTreeMap::new();
    for row in due {
        if let Subject::Recommendations(whom) = &row.subject {
            asked.entry(&row.shop).or_default().push(whom.clone());
        }
    }
    let mut lists = Lists::new();
    for (id, whom) in asked {
        let Some(shop) = shops::find_by_id(db, id).await? else {
            continue;
        };
        for (one, held) in recommend::find_for_edges(db, &shop, &whom).await? {
            let fault = |cause| StorageError::corrupt("write a list of recommendations", cause);
            let list = held
                .list
                .map(serde_json::to_value)
                .transpose()
                .map_err(fault)?;
            lists.insert((id.clone(), one), (held.version, list));
        }
    }
    Ok(lists)
}

fn change(due: &Due, entries: &Entries, links: &Links, kits: &Kits, lists: &Lists) -> Change {
    let shop = due.shop.clone();
    match &due.subject {
        Subject::Customer(hash) => {
            let entry = entries.get(&(shop.clone(), hash.clone()));
            Change::Customer {
                shop,
                email_hash: hash.clone(),
                version: entry.map_or(due.version, |entry| entry.version),
                entry: entry.cloned().map(Box::new),
            }
        }
        Subject::Recommendations(whom) => {
            let (version, entry) = lists
                .get(&(shop.clone(), whom.clone()))
                .cloned()
                .unwrap_or_default();
            Change::Recommendations {
                shop,
                email_hash: whom.clone(),
                // Of who was erased nothing is left that could tell a version.
                version: version.max(due.version),
                entry,
            }
        }
        Subject::Device(key) => {
            let link = links.get(&(shop.clone(), key.clone())).cloned();
            Change::Device {
                shop,
                key: key.clone(),
                version: link.as_ref().map_or(due.version, |link| link.version),
                link,
            }
        }
        Subject::Kit => {
            let kit = kits.get(&shop);
            Change::Kit {
                version: kit.map_or(due.version, |kit| kit.version),
                entry: kit.cloned().map(Box::new),
                shop,
            }
        }
        Subject::Key(key) => Change::Key {
            key: key.clone(),
            version: due.version,
        },
        Subject::Forget(key) => Change::Forget {
            shop,
            key: key.clone(),
            version: due.version,
        },
    }
}

/// The version that a change carries.
pub(super) fn version_of(change: &Change) -> i64 {
    match change {
        Change::Customer { version, .. }
        | Change::Device { version, .. }
        | Change::Kit { version, .. }
        | Change::Recommendations { version, .. }
        | Change::Key { version, .. }
        | Change::Forget { version, .. } => *version,
    }
}
