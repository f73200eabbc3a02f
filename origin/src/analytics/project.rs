//! Visits from events: what a batch of sights changes, and with it the figures.

use std::collections::BTreeMap;

use footfall_shared::event::Event;
use footfall_shared::time::UtcMillis;
use footfall_shared::visits::feedback;
use footfall_shared::visits::sight::{self, Sight};
use footfall_shared::visits::sums::sums;
use footfall_shared::visits::visit::{Visit, gather};

use super::calendar::local_time;
use super::change::{Change, Rules};
use super::queries::runs::{self, Run};
use super::queries::visits::{self, Place};
use super::queries::{feedback as said, rollups};
use super::refresh;
use crate::app::App;
use crate::db::{StorageError, Tx};
use crate::shops::Shop;

/// Keys of visits that files tell: their sessions end as the file says, however long a pause is.
const OF_FILES: char = 'f';

/// Folds events that people made, and that the log has just taken, into their visits. The caller holds the shop's turn.
pub async fn project(
    app: &App,
    tx: &mut Tx,
    shop: &Shop,
    events: &[&Event],
    now: UtcMillis,
) -> Result<(), StorageError> {
    if events.is_empty() {
        return Ok(());
    }
    let run = match runs::find_live(tx, &shop.id).await? {
        Some(run) => run,
        None => {
            // A log that is older than visits is read by a job, beside what arrives meanwhile.
            refresh::ask(app, tx, &shop.id).await?;
            runs::begin_live(tx, shop, now).await?
        }
    };
    apply_events(tx, shop, &run, events).await
}

/// Folds events into the visits of a run.
pub(super) async fn apply_events(
    tx: &mut Tx,
    shop: &Shop,
    run: &Run,
    events: &[&Event],
) -> Result<(), StorageError> {
    let pages = &run.rules.pages;
    let mut sights = Vec::with_capacity(events.len());
    let mut said = Vec::new();
    for event in events {
        sights.extend(sight::of_event(event, pages));
        let one = feedback::of_event(event, pages);
        said.extend(one.map(|one| (event.id.as_str(), event.at, one)));
    }
    apply(tx, shop, run, sights).await?;
    said::add(tx, shop, run.number, &said).await
}

/// Takes sights into the visits of a run, and into the figures what that changes.
pub(super) async fn apply(
    tx: &mut Tx,
    shop: &Shop,
    run: &Run,
    sights: Vec<Sight>,
) -> Result<(), StorageError> {
    let mut new = BTreeMap::<String, Vec<Visit>>::new();
    for Sight { key, part } in sights {
        new.entry(key).or_default().push(part);
    }
    if new.is_empty() {
        return Ok(());
    }
    let mut held = visits::find_near(tx, &shop.id, run.number, &wanted(&new, &run.rules)).await?;
    let mut changed = Changed::default();
    for (key, parts) in new {
        changed.take(
            shop,
            &run.rules,
            key.clone(),
            held.remove(&key).unwrap_or_default(),
            parts,
        );
    }
    let Changed {
        mut figures,
        gone,
        kept,
    } = changed;
    visits::delete(tx, &shop.id, run.number, &gone).await?;
    visits::save(tx, &shop.id, run.number, &kept).await?;
    let days = visits::find_visitor_days(tx, &shop.id, run.number, &figures.visitors()).await?;
    let others = figures.settle(&days);
    visits::save_visitor_days(tx, &shop.id, run.number, &others).await?;
    rollups::add(tx, &shop.id, run.number, &figures).await
}

/// What new parts change.
#[derive(Default)]
struct Changed {
    figures: Change,
    gone: Vec<Place>,
    kept: Vec<(String, Visit)>,
}

impl Changed {
    /// Puts parts to the visits that they meet.
    fn take(
        &mut self,
        shop: &Shop,
        rules: &Rules,
        key: String,
        before: Vec<Visit>,
        parts: Vec<Visit>,
    ) {
        let adds = |visit: &Visit| {
            let began = local_time(visit.first_at, &shop.timezone);
            sums(visit, began, rules.window_ms)
        };
        for visit in &before {
            self.figures.add_visit(&key, visit, adds(visit), -1);
        }
        let all = before.iter().cloned().chain(parts).collect();
        let after = gather(all, idle_of(&key, rules));
        for visit in &after {
            self.figures.add_visit(&key, visit, adds(visit), 1);
        }
        let stays = |visit: &Visit| after.iter().any(|one| one.first_at == visit.first_at);
        let left = before.iter().filter(|visit| !stays(visit));
        self.gone
            .extend(left.map(|visit| (key.clone(), visit.first_at)));
        let changed = after.into_iter().filter(|visit| !before.contains(visit));
        self.kept.extend(changed.map(|visit| (key.clone(), visit)));
    }
}

/// The pause that ends a visit of a key.
fn idle_of(key: &str, rules: &Rules) -> Option<i64> {
    (!key.starts_with(OF_FILES)).then_some(rules.idle_ms)
}

/// The keys, and between which times a visit must lie to be met by what is new of it.
fn wanted<'a>(
    new: &'a BTreeMap<String, Vec<Visit>>,
    rules: &Rules,
) -> Vec<(&'a str, UtcMillis, UtcMillis)> {
    let mut wanted = Vec::with_capacity(new.len());
    for (key, parts) in new {
        let first = parts.iter().map(|part| part.first_at).min();
        let last = parts.iter().map(|part| part.last_at).max();
        let (first, last) = (first.unwrap_or_default(), last.unwrap_or_default());
        wanted.push(match idle_of(key, rules) {
            Some(idle) => (key.as_str(), first.plus(-idle), last.plus(idle)),
            None => (
                key.as_str(),
                UtcMillis::new(i64::MIN),
                UtcMillis::new(i64::MAX),
            ),
        });
    }
    wanted
}
