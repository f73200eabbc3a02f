//! Kits: a shop's catalogue, what came of it, and its model, published to the edges as one piece.
//!
//! **Invariant:** a kit is published in the transaction that makes it, and the edges are told in the same one
//! (`a_changed_catalogue_is_a_new_kit_that_the_edges_hear_of`).

use std::collections::BTreeMap;
use std::future::Future;
use std::time::Duration;

use footfall_shared::experiment::choice::Belief;
use footfall_shared::experiment::lift::{Counts, Lift};
use footfall_shared::id::ShopId;
use footfall_shared::journey::content::kit::{Filling, Kit, Measured, Variant};
use footfall_shared::journey::model::Model;
use footfall_shared::time::{HOUR_MS, UtcMillis};
use statrs::distribution::{Beta, ContinuousCDF};

use super::catalogue::{Catalogue, SlotContent};
use super::exposures::WHOLE;
use super::queries::catalogue::{
    find_catalogue, find_stocks, list_shops_with_content, save_catalogue,
};
use super::queries::counts::{Count, Counted, find_counts};
use super::queries::kits::{find_latest, insert_kit};
use crate::app::App;
use crate::db::{Handle, StorageError, Tx};
use crate::edges::{self, Subject};
use crate::intelligence::take_turn;
use crate::journey::model::job::model_in_service;

/// How often new counts make a new kit. Each is kept, some 15 kB, so not with every sale.
const EVERY_MS: i64 = HOUR_MS;
/// How often this process looks.
const LOOK_EVERY: Duration = Duration::from_secs(30);
/// What a slot's mean rate counts for in what is believed of one of its variants, in sessions: a new variant is
/// believed to be like the others until it has a few sessions of its own.
const PRIOR_SESSIONS: f64 = 10.0;
/// Places at which a variant's belief is cut into cells of like mass.
const CUTS: u32 = 15;
/// Most cells of a slot: a kit is small.
const CELLS_MAX: usize = 64;

/// When a kit is published.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum When {
    /// Because somebody changed something.
    Now,
    /// Because counts have moved for a while, or something else has changed.
    IfDue,
}

/// The kit in service; `None` where the shop has none.
pub async fn current_kit(db: &mut impl Handle, shop: &ShopId) -> Result<Option<Kit>, StorageError> {
    Ok(find_latest(db, shop).await?.map(|(kit, _)| kit))
}

/// Publishes kits as they fall due, until `stop` is done.
pub async fn keep_publishing(app: App, stop: impl Future<Output = ()> + Send) {
    let publishing = async {
        loop {
            if let Err(error) = publish_due(&app).await {
                tracing::warn!(%error, "kits could not be published");
            }
            tokio::time::sleep(LOOK_EVERY).await;
        }
    };
    tokio::select! {
        () = publishing => {}
        () = stop => {}
    }
}

/// Publishes what is due now; how many kits.
pub async fn publish_due(app: &App) -> Result<usize, StorageError> {
    let shops = list_shops_with_content(&mut app.db().read().await?).await?;
    let mut published = 0;
    for shop in shops {
        let mut tx = app.db().begin().await?;
        take_turn(&mut tx, &shop).await?;
        published += usize::from(publish(app, &mut tx, &shop, When::IfDue, app.now()).await?);
        edges::commit(app, tx).await?;
    }
    Ok(published)
}

/// Replaces what a shop may show and publishes it. The caller holds the shop's turn.
pub async fn replace(
    app: &App,
    tx: &mut Tx,
    shop: &ShopId,
    catalogue: &Catalogue,
    now: UtcMillis,
) -> Result<(), StorageError> {
    save_catalogue(tx, shop, catalogue, now).await?;
    publish(app, tx, shop, When::Now, now).await?;
    Ok(())
}

/// Publishes a shop's kit where it differs from the one in service; whether it did. The caller holds the shop's turn.
pub async fn publish(
    app: &App,
    tx: &mut Tx,
    shop: &ShopId,
    when: When,
    now: UtcMillis,
) -> Result<bool, StorageError> {
    let catalogue = find_catalogue(tx, shop).await?.unwrap_or_default();
    let stocks = find_stocks(tx, shop, &catalogue.products()).await?;
    let counts = find_counts(tx, shop).await?;
    let latest = find_latest(tx, shop).await?;
    let version = latest.as_ref().map_or(0, |(kit, _)| kit.version);
    let model = model_in_service(tx, shop).await?;
    let mut kit = build(&catalogue, &stocks, &counts, model);
    kit.version = version;
    if let Some((latest, published_at)) = latest {
        let waits = when == When::IfDue && now.since(published_at) < EVERY_MS;
        if latest == kit || (waits && shape_of(&latest) == shape_of(&kit)) {
            return Ok(false);
        }
    }
    kit.version = version + 1;
    insert_kit(tx, shop, &kit, now).await?;
    edges::queue(app, tx, shop, [(Subject::Kit, kit.version)], now).await?;
    Ok(true)
}

/// A kit without what counts move.
fn shape_of(kit: &Kit) -> Kit {
    let mut shape = kit.clone();
    shape.lift = None;
    let fillings = shape.slots.iter_mut();
    for variant in fillings.flat_map(|filling| &mut filling.variants) {
        variant.belief = Belief::of(&[]);
        variant.lift = None;
    }
    shape
}

fn build(
    catalogue: &Catalogue,
    stocks: &BTreeMap<String, i64>,
    counts: &BTreeMap<Counted, Count>,
    model: Model,
) -> Kit {
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "a catalogue's share is 0 to 0.5"
    )]
    let holdout_permille = (catalogue.holdout * 1000.0).round() as u32;
    Kit {
        version: 0,
        model,
        holdout_permille,
        goals: catalogue.goals.clone(),
        slots: catalogue
            .slots
            .iter()
            .map(|slot| fill(slot, stocks, counts))
            .collect(),
        lift: lift_of(counts, WHOLE, ""),
    }
}

fn fill(
    content: &SlotContent,
    stocks: &BTreeMap<String, i64>,
    counts: &BTreeMap<Counted, Count>,
) -> Filling {
    let slot = content.slot.as_str();
    let shown = content.variants.iter().filter_map(|variant| {
        let stock = variant.product_id.as_ref().and_then(|id| stocks.get(id));
        Some((variant, variant.shown(stock.copied())?))
    });
    let shown: Vec<_> = shown.collect();
    let measured: Vec<Count> = shown
        .iter()
        .map(|(variant, _)| count_of(counts, slot, &variant.id, false))
        .collect();
    let variants = shown.into_iter().zip(beliefs(&measured));
    Filling {
        slot: content.slot,
        neutral: content.neutral.clone(),
        variants: variants
            .map(|((variant, content), belief)| Variant {
                id: variant.id.clone(),
                content,
                conditions: variant.conditions.clone(),
                traits: variant.traits.clone(),
                belief,
                lift: lift_of(counts, slot, &variant.id),
            })
            .collect(),
    }
}

fn count_of(counts: &BTreeMap<Counted, Count>, slot: &str, variant: &str, held_out: bool) -> Count {
    let counted = Counted {
        slot: slot.to_owned(),
        variant: variant.to_owned(),
        held_out,
    };
    counts.get(&counted).copied().unwrap_or_default()
}

fn lift_of(counts: &BTreeMap<Counted, Count>, slot: &str, variant: &str) -> Option<Measured> {
    let group = |held_out| {
        let Count {
            sessions,
            conversions,
        } = count_of(counts, slot, variant, held_out);
        Counts {
            sessions: u32::try_from(sessions).unwrap_or_default(),
            conversions: u32::try_from(conversions).unwrap_or_default(),
        }
    };
    Lift::between(group(true), group(false)).map(Measured::of)
}

/// What is believed of the rates of a slot's variants: Beta distributions (the conjugate of counted conversions), each
/// with a prior of [`PRIOR_SESSIONS`] at the slot's own mean, as the masses of cells that all of them share.
fn beliefs(measured: &[Count]) -> Vec<Belief> {
    #[expect(clippy::cast_precision_loss, reason = "counts are far below 2⁵³")]
    let float = |count: i64| count.max(0) as f64;
    let sum = |of: fn(&Count) -> i64| float(measured.iter().map(of).sum::<i64>());
    let mean = (sum(|one| one.conversions) + 1.0) / (sum(|one| one.sessions) + 2.0);
    let distributions: Vec<Option<Beta>> = measured
        .iter()
        .map(|one| {
            let lost = float(one.sessions - one.conversions);
            let won = PRIOR_SESSIONS * mean + float(one.conversions);
            Beta::new(won, PRIOR_SESSIONS * (1.0 - mean) + lost).ok()
        })
        .collect();
    let cuts = distributions.iter().flatten().flat_map(|belief| {
        (1..=CUTS).map(|cut| belief.inverse_cdf(f64::from(cut) / f64::from(CUTS + 1)))
    });
    let mut cuts: Vec<f64> = cuts.filter(|cut| cut.is_finite()).collect();
    cuts.sort_by(f64::total_cmp);
    cuts.dedup();
    let every = cuts.len().div_ceil(CELLS_MAX - 1).max(1);
    let cuts: Vec<f64> = cuts.into_iter().skip(every / 2).step_by(every).collect();
    distributions
        .into_iter()
        .map(|belief| {
            let Some(belief) = belief else {
                return Belief::of(&[]);
            };
            let below = cuts.iter().map(|cut| belief.cdf(*cut)).chain([1.0]);
            let mut reached = 0.0;
            let masses = below.map(|below| {
                let mass = (below - reached).max(0.0);
                reached = below;
                mass
            });
            Belief::of(&masses.collect::<Vec<f64>>())
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use footfall_shared::experiment::choice::{LEAST, ONE, probabilities};

    use super::*;

    fn chances(measured: &[(i64, i64)]) -> Vec<u32> {
        let measured: Vec<Count> = measured
            .iter()
            .map(|(sessions, conversions)| Count {
                sessions: *sessions,
                conversions: *conversions,
            })
            .collect();
        let beliefs = beliefs(&measured);
        probabilities(&beliefs.iter().collect::<Vec<_>>())
    }

    #[test]
    fn without_data_all_are_alike() {
        assert_eq!(chances(&[(0, 0), (0, 0)]), [ONE / 2; 2]);
    }

    /// P(X > Y) for X ~ Beta(10m + 30, 10(1 − m) + 970), Y ~ Beta(10m + 40, 10(1 − m) + 960), m = 71/2002: 0.1113 by the
    /// midpoint rule over 40,000 cells in Python.
    #[test]
    fn the_chance_to_be_best_is_thompsons() {
        let told = chances(&[(1000, 30), (1000, 40)]);
        let exact = 111_309.0;
        let scaled = exact * f64::from(ONE - 2 * LEAST) / f64::from(ONE) + f64::from(LEAST);
        assert!(
            (f64::from(told[0]) - scaled).abs() < 6_000.0,
            "{told:?} {scaled}"
        );
    }

    #[test]
    fn a_clear_winner_takes_nearly_all() {
        let told = chances(&[(10_000, 300), (10_000, 500), (10_000, 290)]);
        assert!(told[1] > ONE - 3 * LEAST, "{told:?}");
    }

    #[test]
    fn a_variant_that_cannot_be_beaten_by_luck_alone_gets_its_turn() {
        let told = chances(&[(10_000, 300), (0, 0)]);
        assert!(told[1] > 250_000, "{told:?}");
    }
}
