//! Appends events to the log: once each, with a verdict for each.

use std::collections::{BTreeMap, HashSet};

use footfall_shared::event::Event;
use footfall_shared::id::ShopId;
use footfall_shared::identity::EmailHash;
use footfall_shared::time::UtcMillis;
use footfall_shared::wire::internal::{AppendReceipt, Receipt, Verdict};
use serde_json::value::RawValue;

use super::parse;
use super::project::{Scope, hash_of, project};
use super::queries::{self, Rejected, Row};
use crate::app::App;
use crate::db::{StorageError, Tx};
use crate::intelligence::take_turn;
use crate::shops::{self, Shop};

/// A batch that was read: what can be appended, and what never will.
#[derive(Debug)]
pub(super) struct Batch {
    incoming: Vec<Incoming>,
    refused: Vec<Refused>,
}

/// An event beside its place in the batch and the text it came as.
#[derive(Debug)]
struct Incoming {
    index: usize,
    event: Event,
    json: String,
}

/// A text that is no event the log could hold.
#[derive(Debug)]
struct Refused {
    index: usize,
    shop: Option<ShopId>,
    json: String,
    reason: String,
}

impl Batch {
    /// Reads each event alone.
    pub(super) fn read(events: &[&RawValue]) -> Self {
        let (mut incoming, mut refused) = (Vec::with_capacity(events.len()), Vec::new());
        for (index, raw) in events.iter().enumerate() {
            let json = raw.get().to_owned();
            match parse::parse(&json) {
                Ok(event) => incoming.push(Incoming { index, event, json }),
                Err(reason) => {
                    let shop = parse::shop_of(&json);
                    refused.push(Refused {
                        index,
                        shop,
                        json,
                        reason,
                    });
                }
            }
        }
        Self { incoming, refused }
    }

    /// Events in it, good and bad.
    pub(super) fn len(&self) -> usize {
        self.incoming.len() + self.refused.len()
    }
}

/// Appends a batch within the caller's transaction, which holds no turn but of these events' shop.
pub async fn append_within(
    app: &App,
    tx: &mut Tx,
    events: &[&RawValue],
    now: UtcMillis,
) -> Result<AppendReceipt, StorageError> {
    let batch = Batch::read(events);
    let mut receipts = append_batches(app, tx, &[&batch], now).await?;
    Ok(receipts.pop().unwrap_or(AppendReceipt {
        receipts: Vec::new(),
    }))
}

/// Appends batches, one after the other, and answers what became of each event of each.
pub(super) async fn append_batches(
    app: &App,
    tx: &mut Tx,
    batches: &[&Batch],
    now: UtcMillis,
) -> Result<Vec<AppendReceipt>, StorageError> {
    let mut receipts: Vec<Vec<Receipt>> = batches.iter().map(|_| Vec::new()).collect();
    let mut rejected: Vec<Rejected<'_>> = Vec::new();
    // In the order of the shops' ids, so that two transactions take their turns in the same order.
    let mut by_shop: BTreeMap<&ShopId, Vec<(usize, &Incoming)>> = BTreeMap::new();
    for (at, batch) in batches.iter().enumerate() {
        for one in &batch.incoming {
            by_shop.entry(&one.event.shop).or_default().push((at, one));
        }
        for one in &batch.refused {
            receipts[at].push(settled(one.index, Verdict::Rejected, Some(&one.reason)));
            rejected.push(Rejected::new(one.shop.as_ref(), &one.json, &one.reason));
        }
    }
    for (id, incoming) in by_shop {
        let Some(shop) = shops::find_by_id(tx, id).await? else {
            let reason = "shop is unknown";
            for (at, one) in incoming {
                receipts[at].push(settled(one.index, Verdict::Rejected, Some(reason)));
                rejected.push(Rejected::new(Some(id), &one.json, reason));
            }
            continue;
        };
        let is_new = append_of_shop(app, tx, &shop, &incoming, now).await?;
        for ((at, one), is_new) in incoming.iter().zip(is_new) {
            let verdict = if is_new {
                Verdict::Appended
            } else {
                Verdict::Duplicate
            };
            receipts[*at].push(settled(one.index, verdict, None));
        }
    }
    if !rejected.is_empty() {
        tracing::warn!(count = rejected.len(), "events were rejected and are kept");
        queries::keep_rejected(tx, &rejected, now).await?;
    }
    let in_sequence = receipts.into_iter().map(|mut receipts| {
        receipts.sort_by_key(|receipt| receipt.index);
        AppendReceipt { receipts }
    });
    Ok(in_sequence.collect())
}

fn settled(index: usize, verdict: Verdict, reason: Option<&str>) -> Receipt {
    Receipt {
        index,
        verdict,
        reason: reason.map(str::to_owned),
    }
}

/// Appends events of one shop and projects the new ones; for each whether it was new.
async fn append_of_shop(
    app: &App,
    tx: &mut Tx,
    shop: &Shop,
    incoming: &[(usize, &Incoming)],
    now: UtcMillis,
) -> Result<Vec<bool>, StorageError> {
    take_turn(tx, &shop.id).await?;
    let mut ids: HashSet<&str> = HashSet::with_capacity(incoming.len());
    let first: Vec<bool> = incoming
        .iter()
        .map(|(_, one)| ids.insert(one.event.id.as_str()))
        .collect();
    let hashes: Vec<Option<EmailHash>> = incoming
        .iter()
        .map(|(_, one)| hash_of(&one.event, shop))
        .collect();
    let rows: Vec<Row<'_>> = incoming
        .iter()
        .zip(&hashes)
        .zip(&first)
        .filter(|(_, first)| **first)
        .map(|(((_, one), hash), _)| Row {
            event: &one.event,
            email_hash: hash.as_ref(),
            json: &one.json,
        })
        .collect();
    let appended = queries::insert_events(tx, &shop.id, &rows, now).await?;
    let is_new: Vec<bool> = incoming
        .iter()
        .zip(&first)
        .map(|((_, one), first)| *first && appended.contains(one.event.id.as_str()))
        .collect();
    let new: Vec<(&Event, Option<&EmailHash>)> = incoming
        .iter()
        .zip(&hashes)
        .zip(&is_new)
        .filter(|(_, is_new)| **is_new)
        .map(|(((_, one), hash), _)| (&one.event, hash.as_ref()))
        .collect();
    project(app, tx, shop, &new, Scope::Live, now).await?;
    Ok(is_new)
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
    let own = Incoming {
        index: 0,
        event,
        json,
    };
    append_of_shop(app, tx, shop, &[(0, &own)], now).await?;
    Ok(())
}
