//! Takes what somebody did out of the figures, before the log loses it or them.

use std::collections::BTreeSet;

use footfall_shared::event::Event;
use footfall_shared::visits::feedback;
use footfall_shared::visits::sight;
use footfall_shared::visits::sums::sums;

use super::calendar::local_time;
use super::change::Change;
use super::queries::visits::{self, Of, Place};
use super::queries::{feedback as said, rollups, runs};
use super::refresh;
use crate::app::App;
use crate::db::{StorageError, Tx};
use crate::shops::Shop;

/// The keys of the visits of these events, and of those that are known of these visitors.
pub async fn find_keys(
    tx: &mut Tx,
    shop: &Shop,
    events: &[&Event],
    visitors: &[String],
) -> Result<BTreeSet<String>, StorageError> {
    let keys = events.iter().filter_map(|event| sight::key_of_event(event));
    let mut keys: BTreeSet<String> = keys.collect();
    if let Some(live) = runs::find_live(tx, &shop.id).await? {
        let known = visits::find_all(tx, &shop.id, live.number, Of::Visitors(visitors)).await?;
        keys.extend(known.into_iter().map(|(key, _)| key));
    }
    Ok(keys)
}

/// Takes the visits of these events and of these visitors out of the live figures, and out of every run. Of a visit all
/// events have to be given: whoever has some that stay projects them again. The caller holds the shop's turn.
pub async fn withdraw(
    app: &App,
    tx: &mut Tx,
    shop: &Shop,
    events: &[&Event],
    visitors: &[String],
) -> Result<(), StorageError> {
    let Some(live) = runs::find_live(tx, &shop.id).await? else {
        return Ok(());
    };
    if runs::give_up_building(tx, &shop.id).await? {
        refresh::ask(app, tx, &shop.id).await?;
    }
    let keys = find_keys(tx, shop, events, visitors).await?;
    let keys: Vec<String> = keys.into_iter().collect();
    let held = visits::find_all(tx, &shop.id, live.number, Of::Keys(&keys)).await?;
    let mut change = Change::default();
    let mut gone: Vec<Place> = Vec::with_capacity(held.len());
    for (key, visit) in held {
        let began = local_time(visit.first_at, &shop.timezone);
        let sums = sums(&visit, began, live.rules.window_ms);
        change.add_visit(&key, &visit, sums, -1);
        gone.push((key, visit.first_at));
    }
    visits::delete(tx, &shop.id, live.number, &gone).await?;
    let days = visits::find_visitor_days(tx, &shop.id, live.number, &change.visitors()).await?;
    let others = change.settle(&days);
    visits::save_visitor_days(tx, &shop.id, live.number, &others).await?;
    rollups::add(tx, &shop.id, live.number, &change).await?;
    let pages = &live.rules.pages;
    let told = events.iter().filter_map(|event| {
        let one = feedback::of_event(event, pages)?;
        Some((event.id.as_str(), event.at, one))
    });
    let told: Vec<_> = told.collect();
    said::take_back(tx, shop, live.number, &told).await?;
    visits::delete_unread(tx, &shop.id, live.number, Of::Keys(&keys)).await?;
    visits::delete_unread(tx, &shop.id, live.number, Of::Visitors(visitors)).await
}
