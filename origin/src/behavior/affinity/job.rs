//! Finds what is bought together and keeps it.

use std::collections::{BTreeMap, HashMap};

use footfall_shared::behavior::affinity::bundles::bundles;
use footfall_shared::behavior::affinity::rules::Rule;
use footfall_shared::behavior::affinity::thresholds::{Found, find};
use footfall_shared::id::ShopId;
use serde::{Deserialize, Serialize};
use serde_json::json;

use super::shopping::Shopping;
use crate::behavior::catalogue;
use crate::behavior::data::scan;
use crate::behavior::refresh::then_recommend;
use crate::behavior::results::{self, Computed};
use crate::behavior::scope::{Need, Scope, find_sources_of_job};
use crate::db::{Handle, StorageError};
use crate::intelligence::take_turn;
use crate::jobs::{JobFault, JobKind, Run};
use crate::shops;
use crate::webhooks::{Announcement, EventType, announce};

/// Bundles whose effect is worked out.
const BUNDLES: usize = 50;

/// What a run found. Products are places in `products`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(in crate::behavior) struct Related {
    /// Orders in which something was bought.
    pub(in crate::behavior) baskets: usize,
    /// The first and the last of them, epoch milliseconds.
    pub(in crate::behavior) span: Option<(i64, i64)>,
    /// The smallest share of orders that counted as often.
    pub(in crate::behavior) support_min: f64,
    /// The smallest confidence.
    pub(in crate::behavior) confidence_min: f64,
    /// Products of the rules.
    pub(in crate::behavior) products: Vec<Product>,
    /// The surest first.
    pub(in crate::behavior) rules: Vec<KeptRule>,
    /// What adding the missing product to an order brings, for the surest pairs.
    pub(in crate::behavior) gains: Vec<Gain>,
}

/// A product of the rules.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(in crate::behavior) struct Product {
    /// Its id.
    pub(in crate::behavior) id: String,
    /// Its name, else its id.
    pub(in crate::behavior) name: String,
    /// Its category.
    pub(in crate::behavior) category: Option<String>,
    /// Orders that have it.
    pub(in crate::behavior) orders: u32,
}

/// A rule, as it is kept.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(in crate::behavior) struct KeptRule {
    /// Whoever buys these
    pub(in crate::behavior) antecedent: Vec<u32>,
    /// also buys these.
    pub(in crate::behavior) consequent: Vec<u32>,
    /// Orders with all.
    pub(in crate::behavior) count: u32,
    pub(in crate::behavior) support: f64,
    pub(in crate::behavior) confidence: f64,
    pub(in crate::behavior) lift: f64,
    pub(in crate::behavior) leverage: f64,
    pub(in crate::behavior) conviction: Option<f64>,
    /// The 95 % interval of the lift.
    pub(in crate::behavior) interval: (f64, f64),
}

impl KeptRule {
    /// As the shared rules read it.
    pub(in crate::behavior) fn to_rule(&self) -> Rule {
        Rule {
            antecedent: self.antecedent.clone(),
            consequent: self.consequent.clone(),
            count: self.count,
            support: self.support,
            confidence: self.confidence,
            lift: self.lift,
            leverage: self.leverage,
            conviction: self.conviction,
            lift_interval: self.interval,
        }
    }
}

/// What an order gains where a product comes to another one that it goes with.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(in crate::behavior) struct Gain {
    /// The product that is there.
    pub(in crate::behavior) with: u32,
    /// The product that is missing.
    pub(in crate::behavior) without: u32,
    /// Orders that have the one and lack the other.
    pub(in crate::behavior) orders: u32,
    /// The mean price that is paid for the other one in an order, in minor units, with its 95 % interval.
    pub(in crate::behavior) paid: (f64, f64, f64),
}

/// What the last run found.
pub(in crate::behavior) async fn find_related(
    db: &mut impl Handle,
    shop: &ShopId,
    scope: &Scope,
) -> Result<Option<Computed<Related>>, StorageError> {
    results::find(db, shop, scope, JobKind::Affinity).await
}

/// Finds what is bought together in a scope.
pub async fn relate(run: &Run) -> Result<(), JobFault> {
    let (app, job) = (&run.app, &run.job);
    let scope = Scope::of(Some(job.what.subject.clone()));
    let (shop, sources) = {
        let mut db = app.db().read().await?;
        let shop = shops::find_by_id(&mut db, &job.shop)
            .await?
            .ok_or(JobFault::Lost)?;
        let sources = find_sources_of_job(&mut db, &job.shop, &scope, Need::Lines).await?;
        (shop, sources)
    };
    let shopping = scan(app, &shop, &sources, Shopping::default()).await?;
    let mined = tokio::task::spawn_blocking(move || mine(shopping)).await?;
    let ids = mined.products.iter().map(|product| product.id.clone());
    let told = catalogue::find(app, &job.shop, ids).await?;
    let related = with_names(mined, &told);
    let now = app.now();
    let count = related.rules.len();
    let mut tx = app.db().begin().await?;
    take_turn(&mut tx, &job.shop).await?;
    run.finish(&mut tx, sources.rows(), &json!({"rules_count": count}))
        .await?;
    let computed = Computed {
        version: sources.version(),
        at: now,
        body: related,
    };
    results::save(&mut tx, job, &computed).await?;
    let data = json!({
        "upload_id": scope.upload(),
        "job_id": job.id.as_str(),
        "rules_count": count,
    });
    let told = Announcement::of_analysis(EventType::AffinityCompleted, job, now, data);
    announce(&mut tx, &job.shop, &[told], now).await?;
    then_recommend(app, &mut tx, job).await?;
    tx.commit().await?;
    Ok(())
}

fn mine(mut shopping: Shopping) -> Related {
    let baskets = shopping.baskets();
    let Found {
        rules,
        support_min,
        confidence_min,
        ..
    } = find(&baskets);
    let counts = baskets.counts();
    let mut used: Vec<u32> = rules
        .iter()
        .flat_map(|rule| rule.antecedent.iter().chain(&rule.consequent))
        .copied()
        .collect();
    used.sort_unstable();
    used.dedup();
    let place: HashMap<u32, u32> = used.iter().copied().zip(0u32..).collect();
    let gains = gains(&shopping, &rules, &counts);
    let places = |items: &[u32]| {
        items
            .iter()
            .filter_map(|item| place.get(item).copied())
            .collect()
    };
    let product = |number: &u32| {
        let at = *number as usize;
        let id = shopping.products.texts.get(at).cloned().unwrap_or_default();
        let name = shopping.word(shopping.names.get(at).copied().flatten());
        Product {
            name: name.map_or_else(|| id.clone(), str::to_owned),
            category: shopping
                .word(shopping.categories.get(at).copied().flatten())
                .map(str::to_owned),
            orders: counts.get(at).copied().unwrap_or(0),
            id,
        }
    };
    let kept = |rule: Rule| KeptRule {
        antecedent: places(&rule.antecedent),
        consequent: places(&rule.consequent),
        count: rule.count,
        support: rule.support,
        confidence: rule.confidence,
        lift: rule.lift,
        leverage: rule.leverage,
        conviction: rule.conviction,
        interval: rule.lift_interval,
    };
    Related {
        baskets: baskets.len(),
        span: shopping.span,
        support_min,
        confidence_min,
        products: used.iter().map(product).collect(),
        gains: gains
            .into_iter()
            .filter_map(|gain| {
                Some(Gain {
                    with: *place.get(&gain.with)?,
                    without: *place.get(&gain.without)?,
                    ..gain
                })
            })
            .collect(),
        rules: rules.into_iter().map(kept).collect(),
    }
}

/// For the surest pairs, in the direction in which most orders lack the other product.
fn gains(shopping: &Shopping, rules: &[Rule], counts: &[u32]) -> Vec<Gain> {
    let count = |product: u32| counts.get(product as usize).copied().unwrap_or(0);
    let pairs =
        bundles(rules, usize::MAX)
            .into_iter()
            .filter_map(|bundle| match bundle.products[..] {
                [a, b] if count(a) >= count(b) => Some((a, b, bundle.count)),
                [a, b] => Some((b, a, bundle.count)),
                _ => None,
            });
    let pairs: Vec<(u32, u32, u32)> = pairs.take(BUNDLES).collect();
    let mut paid: BTreeMap<u32, (f64, f64, f64)> = pairs
        .iter()
        .map(|(_, without, _)| (*without, (0.0, 0.0, 0.0)))
        .collect();
    for one in &shopping.bought {
        if let Some((count, sum, squares)) = paid.get_mut(&one.product) {
            let amount = one.amount as f64;
            *count += 1.0;
            *sum += amount;
            *squares += amount * amount;
        }
    }
    pairs
        .into_iter()
        .map(|(with, without, both)| {
            let (orders, sum, squares) = paid.get(&without).copied().unwrap_or_default();
            let mean = sum / f64::max(orders, 1.0);
            let variance = (squares / f64::max(orders, 1.0) - mean * mean).max(0.0);
            let half = 1.96 * (variance / f64::max(orders, 1.0)).sqrt();
            Gain {
                with,
                without,
                orders: count(with).saturating_sub(both),
                paid: (mean, (mean - half).max(0.0), mean + half),
            }
        })
        .collect()
}

fn with_names(mut related: Related, told: &HashMap<String, catalogue::Told>) -> Related {
    for product in &mut related.products {
        let Some(told) = told.get(&product.id) else {
            continue;
        };
        if product.name == product.id
            && let Some(name) = &told.name
        {
            product.name.clone_from(name);
        }
        if product.category.is_none() {
            product.category.clone_from(&told.category);
        }
    }
    related
}
