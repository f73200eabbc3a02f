//! Appends events to the log: once each, with a verdict for each.

use std::collections::{BTreeMap, HashSet};

use footfall_shared::event::Event;
use footfall_shared::id::ShopId;
use footfall_shared::identity::EmailHash;
use footfall_shared::time::UtcMillis;
use footfall_shared::wire::internal::{AppendReceipt, Receipt, Verdict};
use serde_json::value::RawValue;

use super::project::{Scope, project};
use super::queries::{self, Rejected, Row};
use super::{parse, project as projection};
use crate::app::App;
use crate::db::{StorageError, Tx};
use crate::edges;
use crate::intelligence::take_turn;
use crate::shops::{self, Shop};

/// An event beside its place in the batch and the text it came as.
struct Incoming<'a> {
    index: usize,
    event: Event,
    json: &'a str,
}

/// Appends a batch in one transaction and answers what became of each event.
pub async fn append(
    app: &App,
    batch: &[&RawValue],
    now: UtcMillis,
) -> Result<AppendReceipt, StorageError> {
    let mut tx = app.db().begin().await?;
    let receipt = append_within(app, &mut tx, batch, now).await?;
    edges::commit(app, tx).await?;
    Ok(receipt)
}

/// As [`append`], within the caller's transaction, which holds no turn but of these events' shop.
pub async fn append_within(
    app: &App,
    tx: &mut Tx,
    batch: &[&RawValue],
    now: UtcMillis,
) -> Result<AppendReceipt, StorageError> {
    let mut receipts: Vec<Receipt> = Vec::with_capacity(batch.len());
    let mut rejected: Vec<Rejected<'_>> = Vec::new();
    // In the order of the shops' ids, so that two batches take their turns in the same order.
    let mut by_shop: BTreeMap<ShopId, Vec<Incoming<'_>>> = BTreeMap::new();
    for (index, raw) in batch.iter().enumerate() {
        let json = raw.get();
        match parse::parse(json) {
            Ok(event) => by_shop
                .entry(event.shop.clone())
                .or_default()
                .push(Incoming { index, event, json }),
            Err(reason) => {
                receipts.push(rejection(index, &reason));
                rejected.push(Rejected::new(parse::shop_of(json), json, reason));
            }
        }
    }
    for (id, incoming) in by_shop {
        match shops::find_by_id(tx, &id).await? {
            Some(shop) => receipts.extend(append_of_shop(app, tx, &shop, incoming, now).await?),
            None => {
                let reason = "shop is unknown";
                receipts.extend(incoming.iter().map(|one| rejection(one.index, reason)));
                rejected.extend(
                    incoming
                        .iter()
                        .map(|one| Rejected::new(Some(id.clone()), one.json, reason.to_owned())),
                );
            }
        }
    }
    if !rejected.is_empty() {
        tracing::warn!(count = rejected.len(), "events were rejected and are kept");
        queries::keep_rejected(tx, &rejected, now).await?;
    }
    receipts.sort_by_key(|receipt| receipt.index);
    Ok(AppendReceipt { receipts })
}

fn rejection(index: usize, reason: &str) -> Receipt {
    Receipt {
        index,
        verdict: Verdict::Rejected,
        reason: Some(reason.to_owned()),
    }
}

async fn append_of_shop(
    app: &App,
    tx: &mut Tx,
    shop: &Shop,
    incoming: Vec<Incoming<'_>>,
    now: UtcMillis,
) -> Result<Vec<Receipt>, StorageError> {
    take_turn(tx, &shop.id).await?;
    let mut ids: HashSet<&str> = HashSet::with_capacity(incoming.len());
    let first: Vec<bool> = incoming
        .iter()
        .map(|one| ids.insert(one.event.id.as_str()))
        .collect();
    let hashes: Vec<Option<EmailHash>> = incoming
        .iter()
        .map(|one| projection::hash_of(&one.event, shop))
        .collect();
    let rows: Vec<Row<'_>> = incoming
        .iter()
        .zip(&hashes)
        .zip(&first)
        .filter(|(_, first)| **first)
        .map(|((one, hash), _)| Row {
            event: &one.event,
            email_hash: hash.as_ref(),
            json: one.json,
        })
        .collect();
    let appended = queries::insert_events(tx, &shop.id, &rows, now).await?;
    let is_new: Vec<bool> = incoming
        .iter()
        .zip(&first)
        .map(|(one, first)| *first && appended.contains(one.event.id.as_str()))
        .collect();
    let receipts = incoming.iter().zip(&is_new).map(|(one, is_new)| Receipt {
        index: one.index,
        verdict: if *is_new {
            Verdict::Appended
        } else {
            Verdict::Duplicate
        },
        reason: None,
    });
    let receipts = receipts.collect();
    let new: Vec<(&Event, Option<&EmailHash>)> = incoming
        .iter()
        .zip(&hashes)
        .zip(&is_new)
        .filter(|(_, is_new)| **is_new)
        .map(|((one, hash), _)| (&one.event, hash.as_ref()))
        .collect();
    project(app, tx, shop, &new, Scope::Live, now).await?;
    Ok(receipts)
}

/// Appends and projects an event that the origin itself made, within the caller's transaction, which
/// holds the shop's turn.
pub async fn append_own(
    app: &App,
    tx: &mut Tx,
    shop: &Shop,
    event: Event,
    now: UtcMillis,
) -> Result<(), StorageError> {
    let json = serde_json::to_string(&event)
        .map_err(|cause| StorageError::corrupt("write an event", cause))?;
    let hash = projection::hash_of(&event, shop);
    let row = Row {
        event: &event,
        email_hash: hash.as_ref(),
        json: &json,
    };
    let appended = queries::insert_events(tx, &shop.id, &[row], now).await?;
    if appended.is_empty() {
        return Ok(());
    }
    project(app, tx, shop, &[(&event, hash.as_ref())], Scope::Live, now).await
}
