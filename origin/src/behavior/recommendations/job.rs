//! Gathers what the other analyses found, and what follows from it.

use footfall_shared::behavior::advice::{
    Advice, Declining, Facts, Pair, Reviewed, Segment, advise,
};
use footfall_shared::behavior::sentiment::blend::in_hundred;
use footfall_shared::behavior::sentiment::trend::Direction;
use footfall_shared::id::ShopId;
use footfall_shared::money::Currency;
use serde::{Deserialize, Serialize};
use serde_json::json;

use super::queries;
use crate::behavior::affinity::{Related, find_related};
use crate::behavior::results::{self, Computed};
use crate::behavior::routes::major;
use crate::behavior::scope::Scope;
use crate::behavior::segments::{Segmented, find_segmented};
use crate::behavior::sentiment::{Heard, find_heard};
use crate::db::{Handle, StorageError};
use crate::intelligence::take_turn;
use crate::jobs::{JobFault, JobKind, Run};
use crate::shops;
use crate::webhooks::{Announcement, EventType, announce};

/// What a run advises.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(super) struct Advised {
    /// Each with its id, the greatest effect first.
    pub(super) all: Vec<(String, Advice)>,
}

/// What the last run advised.
pub(super) async fn find_advised(
    db: &mut impl Handle,
    shop: &ShopId,
    scope: &Scope,
) -> Result<Option<Computed<Advised>>, StorageError> {
    results::find(db, shop, scope, JobKind::Recommendations).await
}

/// Advises on a scope.
pub async fn recommend(run: &Run) -> Result<(), JobFault> {
    let (app, job) = (&run.app, &run.job);
    let scope = Scope::of(Some(job.what.subject.clone()));
    let (shop, segmented, related, heard) = {
        let mut db = app.db().read().await?;
        let shop = shops::find_by_id(&mut db, &job.shop)
            .await?
            .ok_or(JobFault::Lost)?;
        let segmented = find_segmented(&mut db, &job.shop, &scope).await?;
        let related = find_related(&mut db, &job.shop, &scope).await?;
        let heard = find_heard(&mut db, &job.shop, &scope).await?;
        (shop, segmented, related, heard)
    };
    let version = [
        segmented.as_ref().map(|one| one.version.clone()),
        related.as_ref().map(|one| one.version.clone()),
        heard.as_ref().map(|one| one.version.clone()),
    ];
    let mut facts = Facts {
        currency: shop.currency.as_str().to_owned(),
        ..Facts::default()
    };
    if let Some(segmented) = &segmented {
        add_segments(&mut facts, &segmented.body, shop.currency);
    }
    if let Some(related) = &related {
        add_pairs(&mut facts, &related.body, shop.currency);
    }
    if let Some(heard) = &heard {
        add_reviews(&mut facts, &heard.body, shop.currency);
    }
    let advice = advise(&facts);
    let now = app.now();
    let mut tx = app.db().begin().await?;
    take_turn(&mut tx, &job.shop).await?;
    let mut all = Vec::new();
    for one in advice {
        let id = queries::find_or_give_id(&mut tx, &job.shop, &one, now).await?;
        all.push((id, one));
    }
    let count = all.len();
    run.finish(&mut tx, 1, &json!({"recommendations_count": count}))
        .await?;
    let computed = Computed {
        version: version
            .into_iter()
            .flatten()
            .collect::<Vec<_>>()
            .join(" | "),
        at: now,
        body: Advised { all },
    };
    results::save(&mut tx, job, &computed).await?;
    let data = json!({
        "upload_id": scope.upload(),
        "job_id": job.id.as_str(),
        "recommendations_count": count,
    });
    let told = Announcement::of_analysis(EventType::RecommendationsReady, job, now, data);
    announce(&mut tx, &job.shop, &[told], now).await?;
    tx.commit().await?;
    Ok(())
}

fn add_segments(facts: &mut Facts, found: &Segmented, currency: Currency) {
    facts.revenue = found
        .segments
        .iter()
        .map(|one| major(one.revenue as f64, currency))
        .sum();
    facts.segments = found
        .segments
        .iter()
        .map(|one| {
            let mean = one.revenue as f64 / one.orders.max(1) as f64;
            let value = |minor: f64| major(minor.max(0.0), currency);
            Segment {
                id: one.id,
                name: one.name.clone(),
                customers: one.customers,
                revenue: major(one.revenue as f64, currency),
                order_value: (
                    value(mean),
                    value(mean - one.order_value_half),
                    value(mean + one.order_value_half),
                ),
                discount_sensitivity: one.portrait.discount_sensitivity,
            }
        })
        .collect();
}

fn add_pairs(facts: &mut Facts, found: &Related, currency: Currency) {
    let product = |place: u32| {
        let product = found.products.get(place as usize)?;
        Some((product.id.clone(), product.name.clone()))
    };
    facts.pairs = found
        .gains
        .iter()
        .filter_map(|gain| {
            let is_of = |antecedent: &[u32], consequent: &[u32]| {
                let pair = ([gain.with], [gain.without]);
                (antecedent == pair.0 && consequent == pair.1)
                    || (antecedent == pair.1 && consequent == pair.0)
            };
            let mut rules = found
                .rules
                .iter()
                .filter(|rule| is_of(&rule.antecedent, &rule.consequent));
            let first = rules.next()?;
            let confidence = rules
                .map(|rule| rule.confidence)
                .fold(first.confidence, f64::max);
            Some(Pair {
                with: product(gain.with)?,
                without: product(gain.without)?,
                lift: (first.lift, first.interval.0, first.interval.1),
                confidence,
                orders: first.count,
                missing: gain.orders,
                paid: (
                    major(gain.paid.0, currency),
                    major(gain.paid.1, currency),
                    major(gain.paid.2, currency),
                ),
            })
        })
        .collect();
}

fn add_reviews(facts: &mut Facts, found: &Heard, currency: Currency) {
    facts.products = found
        .products
        .iter()
        .map(|one| Reviewed {
            id: one.id.clone(),
            name: one.name.clone(),
            score: (in_hundred(one.reviews.score), one.reviews.half * 50.0),
            reviews: one.reviews.count,
            negative: one.reviews.negative,
            revenue: one.purchases.map(|_| major(one.revenue as f64, currency)),
        })
        .collect();
    facts.declining = found
        .categories
        .iter()
        .filter_map(|one| {
            let trend = one
                .trend
                .filter(|trend| trend.direction == Direction::Declining)?;
            Some(Declining {
                name: one.name.clone(),
                slope: trend.slope * 50.0,
                p: trend.p,
                reviews: one.reviews.count,
            })
        })
        .collect();
    facts.complaints = found
        .complaints
        .iter()
        .map(|one| one.word.clone())
        .collect();
}
