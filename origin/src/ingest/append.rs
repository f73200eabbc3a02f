//! Appends events to the log: once each, with a verdict for each.

use std::collections::{BTreeMap, HashSet};

use footfall_shared::event::Event;
use footfall_shared::id::ShopId;
use footfall_shared::identity::EmailHash;
use footfall_shared::time::{HOUR_MS, UtcMillis};
use footfall_shared::wire::events::RejectCode;
use footfall_shared::wire::internal::{AppendReceipt, EventBatch, Receipt, Verdict};

use super::lanes::{Lane, agent_of, lane_of};
use super::parse;
use super::project::{Scope, Told, hash_of, project};
use super::queries::{self, Acceptance, Rejected, Row};
use crate::app::App;
use crate::db::{StorageError, Tx};
use crate::intelligence::take_turn;
use crate::live;
use crate::privacy;
use crate::shops::{self, Shop};

/// A batch that was read: what can be appended, and what never will.
#[derive(Debug, Default)]
pub(super) struct Batch {
    incoming: Vec<Incoming>,
    refused: Vec<Refused>,
}

/// An event beside its place in the batch and the text it came as.
#[derive(Debug, Clone)]
struct Incoming {
    index: usize,
    event: Event,
    json: String,
    acceptance: Option<Acceptance>,
}

impl Incoming {
    /// The same acceptance with the event as it is kept.
    fn with(&self, event: Event) -> Result<Self, StorageError> {
        Ok(Self {
            index: self.index,
            json: to_json(&event)?,
            event,
            acceptance: self.acceptance.clone(),
        })
    }
}

fn to_json(event: &Event) -> Result<String, StorageError> {
    serde_json::to_string(event).map_err(|cause| StorageError::corrupt("write an event", cause))
}

/// A text that the log will not hold.
#[derive(Debug, Clone)]
struct Refused {
    index: usize,
    shop: Option<ShopId>,
    json: String,
    code: RejectCode,
    reason: String,
}

impl Batch {
    /// Reads each event alone.
    pub(super) fn read(batch: &EventBatch<'_>) -> Self {
        let mut read = Self::default();
        for (index, raw) in batch.events.iter().enumerate() {
            let json = raw.get().to_owned();
            let acceptance = batch.outbox.clone().zip(batch.handles.get(index).copied());
            match parse::parse(&json) {
                Ok(event) => read.incoming.push(Incoming {
                    index,
                    event,
                    json,
                    acceptance: acceptance.map(|(outbox, handle)| Acceptance { outbox, handle }),
                }),
                Err(reason) => read.refused.push(Refused {
                    index,
                    shop: parse::shop_of(&json),
                    json,
                    code: RejectCode::InvalidEvent,
                    reason,
                }),
            }
        }
        read
    }

    /// Events in it, good and bad.
    pub(super) fn len(&self) -> usize {
        self.incoming.len() + self.refused.len()
    }

    /// The same events, each in a batch of its own.
    pub(super) fn one_by_one(&self) -> impl Iterator<Item = Self> {
        let good = self.incoming.iter().map(|one| Self {
            incoming: vec![one.clone()],
            refused: Vec::new(),
        });
        let bad = self.refused.iter().map(|one| Self {
            incoming: Vec::new(),
            refused: vec![one.clone()],
        });
        good.chain(bad)
    }

    /// The same events, given up: whatever was good of them fails in storage, and not for a moment only.
    pub(super) fn given_up(self) -> Self {
        let refused = self.incoming.into_iter().map(|one| Refused {
            index: one.index,
            shop: Some(one.event.shop),
            json: one.json,
            code: RejectCode::NotStorable,
            reason: "storing it failed; the origin's log tells why".to_owned(),
        });
        Self {
            incoming: Vec::new(),
            refused: refused.chain(self.refused).collect(),
        }
    }
}

/// Appends a batch within the caller's transaction, which holds no turn but of these events' shop.
pub async fn append_within(
    app: &App,
    tx: &mut Tx,
    batch: &EventBatch<'_>,
    now: UtcMillis,
) -> Result<AppendReceipt, StorageError> {
    let batch = Batch::read(batch);
    let mut receipts = append_batches(app, tx, &[&batch], now).await?;
    Ok(receipts.pop().unwrap_or_default())
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
            let shop = one.shop.as_ref();
            rejected.push(Rejected::new(shop, &one.json, one.code, &one.reason));
        }
    }
    for (id, incoming) in by_shop {
        let Some(shop) = shops::find_by_id(tx, id).await? else {
            let reason = "shop is unknown";
            for (at, one) in incoming {
                receipts[at].push(settled(one.index, Verdict::Rejected, Some(reason)));
                let code = RejectCode::UnknownShop;
                rejected.push(Rejected::new(Some(id), &one.json, code, reason));
            }
            continue;
        };
        let verdicts = append_of_shop(app, tx, &shop, &incoming, now).await?;
        for ((at, one), verdict) in incoming.iter().zip(verdicts) {
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

/// Appends events of one shop and projects the new ones. An event that the log has from this very
/// acceptance is told as appended again: its receipt was lost.
async fn append_of_shop(
    app: &App,
    tx: &mut Tx,
    shop: &Shop,
    incoming: &[(usize, &Incoming)],
    now: UtcMillis,
) -> Result<Vec<Verdict>, StorageError> {
    take_turn(tx, &shop.id).await?;
    let events: Vec<&Event> = incoming.iter().map(|(_, one)| &one.event).collect();
    let stripped = privacy::without_people(app, tx, shop, &events, now).await?;
    let stripped: Vec<Option<Incoming>> = incoming
        .iter()
        .zip(stripped)
        .map(|((_, one), event)| event.map(|event| one.with(event)).transpose())
        .collect::<Result<_, StorageError>>()?;
    let incoming: Vec<(usize, &Incoming)> = incoming
        .iter()
        .zip(&stripped)
        .map(|((at, one), stripped)| (*at, stripped.as_ref().unwrap_or(one)))
        .collect();
    let incoming = incoming.as_slice();
    let mut ids: HashSet<&str> = HashSet::with_capacity(incoming.len());
    let first: Vec<bool> = incoming
        .iter()
        .map(|(_, one)| ids.insert(one.event.id.as_str()))
        .collect();
    let hashes: Vec<Option<EmailHash>> = incoming
        .iter()
        .map(|(_, one)| hash_of(&one.event, shop))
        .collect();
    let decided = queries::decided_lanes(tx, &shop.id).await?;
    let lanes: Vec<(Option<&str>, Lane)> = incoming
        .iter()
        .map(|(_, one)| {
            let agent = agent_of(&one.event);
            (agent, lane_of(agent, &decided))
        })
        .collect();
    let rows: Vec<Row<'_>> = incoming
        .iter()
        .zip(&hashes)
        .zip(&lanes)
        .zip(&first)
        .filter(|(_, first)| **first)
        .map(|((((_, one), hash), (agent, lane)), _)| Row {
            event: &one.event,
            email_hash: hash.as_ref(),
            json: &one.json,
            acceptance: one.acceptance.as_ref(),
            agent: *agent,
            lane: *lane,
        })
        .collect();
    let appended = queries::insert_events(tx, &shop.id, &rows, now).await?;
    let is_new: Vec<bool> = incoming
        .iter()
        .zip(&first)
        .map(|((_, one), first)| *first && appended.contains(one.event.id.as_str()))
        .collect();
    let new: Vec<Told<'_>> = incoming
        .iter()
        .zip(&hashes)
        .zip(&lanes)
        .zip(&is_new)
        .filter(|(_, is_new)| **is_new)
        .map(|((((_, one), hash), (_, lane)), _)| Told {
            event: &one.event,
            email: hash.as_ref(),
            by_people: *lane == Lane::People,
        })
        .collect();
    project(app, tx, shop, &new, Scope::Live, now).await?;
    if !new.is_empty() {
        tx.notify(live::TOPIC).await?;
    }
    for one in &new {
        app.metrics().stored_after(now.since(one.event.received_at));
    }
    let by_people = lanes.iter().map(|(_, lane)| *lane == Lane::People);
    count(tx, shop, incoming, &is_new, by_people.collect()).await?;
    let known: Vec<&str> = incoming
        .iter()
        .zip(&is_new)
        .filter(|((_, one), is_new)| !**is_new && one.acceptance.is_some())
        .map(|((_, one), _)| one.event.id.as_str())
        .collect();
    let known = queries::find_acceptances(tx, &shop.id, &known).await?;
    let verdict = |((_, one), is_new): (&(usize, &Incoming), &bool)| {
        let again = one
            .acceptance
            .as_ref()
            .is_some_and(|acceptance| known.get(one.event.id.as_str()) == Some(acceptance));
        if *is_new || again {
            Verdict::Appended
        } else {
            Verdict::Duplicate
        }
    };
    Ok(incoming.iter().zip(&is_new).map(verdict).collect())
}

/// Counts what is new: by outbox for the ledger, by hour to tell when a shop falls silent.
async fn count(
    tx: &mut Tx,
    shop: &Shop,
    incoming: &[(usize, &Incoming)],
    is_new: &[bool],
    by_people: Vec<bool>,
) -> Result<(), StorageError> {
    let (mut outboxes, mut hours) = (BTreeMap::new(), BTreeMap::new());
    for (((_, one), is_new), by_people) in incoming.iter().zip(is_new).zip(by_people) {
        let (Some(acceptance), true) = (&one.acceptance, is_new) else {
            continue;
        };
        *outboxes.entry(&acceptance.outbox).or_insert(0_i64) += 1;
        // A crawler is no sign of life.
        if by_people {
            *hours
                .entry(one.event.received_at.get().div_euclid(HOUR_MS))
                .or_insert(0_i64) += 1;
        }
    }
    for (outbox, events) in outboxes {
        queries::count_outbox(tx, &shop.id, outbox, events).await?;
    }
    for (hour, events) in hours {
        queries::count_hour(tx, &shop.id, hour, events).await?;
    }
    Ok(())
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
    let own = Incoming {
        index: 0,
        json: to_json(&event)?,
        event,
        acceptance: None,
    };
    append_of_shop(app, tx, shop, &[(0, &own)], now).await?;
    Ok(())
}
