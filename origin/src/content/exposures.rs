//! Which visit was shown what, and whether it bought afterwards.
//!
//! A visit counts once for each slot, with the first decision that was made for it; what it bought before that counts
//! for nothing. Of a visit that is left alone every variant that would have been possible gets the count: it is what
//! that variant is compared with. The slot `""` counts the visits themselves.

use std::collections::{BTreeMap, BTreeSet};

use footfall_shared::event::Event;
use footfall_shared::id::ShopId;
use footfall_shared::journey::content::decide::{Decided, Decision};
use footfall_shared::journey::event::{Happening, Numbered};

use super::queries::counts::{self, Count, Counted};
use crate::db::{StorageError, Tx};

/// The slot that stands for all together.
pub(super) const WHOLE: &str = "";

/// A visit's slot.
pub(super) type Place = (String, u32, String);

/// What a visit was shown first in a slot.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Exposure {
    pub(super) on: u32,
    pub(super) held_out: bool,
    pub(super) variants: Vec<String>,
    pub(super) sold: bool,
}

/// Sales of sessions: the visit and the number of the happening.
type Sales = BTreeMap<String, Vec<(u32, u32)>>;

/// Counts what the log has just taken. The caller holds the shop's turn, and the events stand in the log.
pub async fn project(tx: &mut Tx, shop: &ShopId, events: &[&Event]) -> Result<(), StorageError> {
    let mut touched = BTreeSet::new();
    let mut shown = Vec::new();
    for event in events {
        let Some(session) = event.session_id.as_deref() else {
            continue;
        };
        if let Some(decided) = decided_of(event) {
            touched.insert(session);
            shown.extend(exposures_of(session, &decided));
        } else if sale_of(event).is_some() {
            touched.insert(session);
        }
    }
    if touched.is_empty() {
        return Ok(());
    }
    let touched: Vec<&str> = touched.into_iter().collect();
    let before = counts::find_exposures(tx, shop, &touched).await?;
    if before.is_empty() && shown.is_empty() {
        return Ok(());
    }
    let mut sales = Sales::new();
    for event in counts::find_sales(tx, shop, &touched).await? {
        if let (Some(sale), Some(session)) = (sale_of(&event), event.session_id) {
            sales.entry(session).or_default().push(sale);
        }
    }
    let after = after(before.clone(), shown, &sales);
    let mut changes = BTreeMap::new();
    let mut changed = Vec::new();
    for (place, exposure) in &after {
        let was = before.get(place);
        if was == Some(exposure) {
            continue;
        }
        if let Some(was) = was {
            add(&mut changes, place, was, -1);
        }
        add(&mut changes, place, exposure, 1);
        changed.push((place, exposure));
    }
    counts::save_exposures(tx, shop, &changed).await?;
    let changes: Vec<(Counted, Count)> = changes.into_iter().collect();
    counts::add_counts(tx, shop, &changes).await
}

/// Takes what sessions were shown out of the counts and forgets it, before the log loses them or their names. Whoever has
/// other events of such a session projects them again. The caller holds the shop's turn.
pub async fn withdraw(tx: &mut Tx, shop: &ShopId, sessions: &[&str]) -> Result<(), StorageError> {
    let mut changes = BTreeMap::new();
    for (place, exposure) in &counts::find_exposures(tx, shop, sessions).await? {
        add(&mut changes, place, exposure, -1);
    }
    counts::delete_exposures(tx, shop, sessions).await?;
    let changes: Vec<(Counted, Count)> = changes.into_iter().collect();
    counts::add_counts(tx, shop, &changes).await
}

/// The decisions of an event; `None` where it is none.
pub(super) fn decided_of(event: &Event) -> Option<Decided> {
    if event.name.as_deref() != Some(Decided::EVENT) {
        return None;
    }
    serde_json::from_value(event.body.get(Decided::BODY_KEY)?.clone()).ok()
}

/// The visit of a sale and its number; `None` where an event is none.
fn sale_of(event: &Event) -> Option<(u32, u32)> {
    let told = Numbered::of(event)?;
    match &told.what {
        Happening::Converted(conversion) if conversion.is_sale() => Some((told.visit, told.seq)),
        _ => None,
    }
}

fn exposures_of(session: &str, decided: &Decided) -> Vec<(Place, Exposure)> {
    let place = |slot: &str| (session.to_owned(), decided.visit, slot.to_owned());
    let exposure = |held_out, variants| Exposure {
        on: decided.on,
        held_out,
        variants,
        sold: false,
    };
    let counts = |one: &&Decision| !one.candidates.is_empty();
    let mut shown: Vec<(Place, Exposure)> = Vec::new();
    for one in decided.decisions.iter().filter(counts) {
        let candidates = one.candidates.iter().map(|one| one.variant.clone());
        let variants = match &one.chosen {
            Some(chosen) => vec![chosen.clone()],
            None => candidates.collect(),
        };
        shown.push((place(one.slot.as_str()), exposure(one.held_out, variants)));
    }
    let whole = shown.first().map(|(_, first)| first.held_out);
    let whole = whole.map(|held_out| {
        let all = exposure(held_out, vec![String::new()]);
        (place(WHOLE), all)
    });
    shown.extend(whole);
    shown
}

/// The exposures after these decisions and sales, whatever was known before.
fn after(
    mut exposures: BTreeMap<Place, Exposure>,
    shown: Vec<(Place, Exposure)>,
    sales: &Sales,
) -> BTreeMap<Place, Exposure> {
    for (place, exposure) in shown {
        let first = exposures
            .get(&place)
            .is_none_or(|known| exposure.on < known.on);
        if first {
            exposures.insert(place, exposure);
        }
    }
    for ((session, visit, _), exposure) in &mut exposures {
        let sales = sales.get(session).map(Vec::as_slice).unwrap_or_default();
        let on = exposure.on;
        exposure.sold = sales.iter().any(|(of, seq)| of == visit && *seq > on);
    }
    exposures
}

fn add(changes: &mut BTreeMap<Counted, Count>, place: &Place, exposure: &Exposure, sign: i64) {
    for variant in &exposure.variants {
        let counted = Counted {
            slot: place.2.clone(),
            variant: variant.clone(),
            held_out: exposure.held_out,
        };
        let count = changes.entry(counted).or_default();
        count.sessions += sign;
        count.conversions += sign * i64::from(exposure.sold);
    }
}
