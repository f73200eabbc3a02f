//! `/api/behavior/affinity/…`.

use std::collections::BTreeMap;

use axum::Json;
use axum::extract::State;
use footfall_shared::behavior::affinity::bundles::{bundles as find_bundles, lift_in_percent};
use footfall_shared::behavior::affinity::network::{COLOURS, network as find_network};
use footfall_shared::behavior::affinity::rules::Rule;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::job::{KeptRule, Product, Related, find_related};
use crate::app::App;
use crate::auth::CountedShop;
use crate::behavior::limit;
use crate::behavior::results::Computed;
use crate::behavior::routes::{ReadRefusals, bad, no_data, rounded, top, why_missing};
use crate::behavior::scope::{Need, Scope};
use crate::http::envelope::{DataReply, Meta};
use crate::http::error::AppError;
use crate::http::extract::WireQuery;
use crate::jobs::JobKind;

/// Between the products of a side or a bundle.
const AND: &str = " + ";
/// Links of a network, at most.
const LINKS_MAX: usize = 500;
/// Bundles, at most.
const BUNDLES_MAX: usize = 200;

pub(in crate::behavior) fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new()
        .routes(routes!(network))
        .routes(routes!(rules))
        .routes(routes!(bundles))
}

async fn find(
    app: &App,
    caller: &CountedShop,
    scope: &Scope,
) -> Result<Computed<Related>, AppError> {
    let found = {
        let mut db = app.db().read().await?;
        find_related(&mut db, &caller.shop.id, scope).await?
    };
    match found {
        Some(found) if found.body.baskets == 0 => Err(no_data(scope)),
        Some(found) => Ok(found),
        None => {
            match why_missing(app, &caller.shop.id, scope, Need::Lines, JobKind::Affinity).await? {}
        }
    }
}

/// Which part of the network.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
struct NetworkQuery {
    /// One upload; without it all of the shop's data count.
    upload_id: Option<String>,
    /// Links, 1 to 500; 50 where it is missing.
    top_n: Option<usize>,
}

/// A product.
#[derive(Debug, Serialize, ToSchema)]
struct NodeReply {
    #[schema(example = "wireless_headphones")]
    id: String,
    #[schema(example = "Wireless Headphones")]
    label: String,
    /// Null where it is not known.
    category: Option<String>,
    /// Orders that have it.
    value: u32,
    /// The same for products of one community.
    #[schema(example = "#00F0FF")]
    color: &'static str,
    /// The community's number, 0 the largest.
    community: usize,
}

/// Two products that are bought together.
#[derive(Debug, Serialize, ToSchema)]
struct AffinityLinkReply {
    source: String,
    target: String,
    /// The mean of both directions' confidences, 0 to 1.
    strength: f64,
    support: f64,
    confidence: f64,
    lift: f64,
}

/// Products and what ties them.
#[derive(Debug, Serialize, ToSchema)]
struct NetworkReply {
    nodes: Vec<NodeReply>,
    links: Vec<AffinityLinkReply>,
}

/// What is bought together, as a network.
#[utoipa::path(
    get, path = "/api/behavior/affinity/network", tag = "behavior",
    params(NetworkQuery),
    responses(
        (status = 200, description = "The network", body = DataReply<NetworkReply>),
        ReadRefusals,
    ),
    security(("bearer_key" = []), ("basic" = []), ("api_key" = []))
)]
async fn network(
    State(app): State<App>,
    caller: CountedShop,
    meta: Meta,
    WireQuery(asked): WireQuery<NetworkQuery>,
) -> Result<Json<DataReply<NetworkReply>>, AppError> {
    limit::read(&app, &caller, app.now()).await?;
    let top = top(asked.top_n, 50, LINKS_MAX)?;
    let Related {
        products, rules, ..
    } = find(&app, &caller, &Scope::of(asked.upload_id)).await?.body;
    let counts: BTreeMap<u32, u32> = (0u32..)
        .zip(products.iter().map(|one| one.orders))
        .collect();
    let rules: Vec<Rule> = rules.iter().map(KeptRule::to_rule).collect();
    let found = find_network(&rules, &counts, top);
    let product = |number: u32| products.get(number as usize);
    let id = |number: u32| {
        product(number)
            .map(|one| one.id.clone())
            .unwrap_or_default()
    };
    let nodes = found.nodes.iter().filter_map(|(number, community)| {
        let product = product(*number)?;
        Some(NodeReply {
            id: product.id.clone(),
            label: product.name.clone(),
            category: product.category.clone(),
            value: product.orders,
            color: COLOURS[community % COLOURS.len()],
            community: *community,
        })
    });
    let links = found.links.iter().map(|link| AffinityLinkReply {
        source: id(link.source),
        target: id(link.target),
        strength: rounded(link.strength, 6),
        support: rounded(link.support, 6),
        confidence: rounded(link.confidence, 6),
        lift: rounded(link.lift, 4),
    });
    Ok(meta.with(NetworkReply {
        nodes: nodes.collect(),
        links: links.collect(),
    }))
}

/// Which rules.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
struct RulesQuery {
    /// One upload; without it all of the shop's data count.
    upload_id: Option<String>,
    /// A product's id or name: rules that have it on either side.
    product_id: Option<String>,
    /// The smallest lift; 1.5 where it is missing.
    min_lift: Option<f64>,
    /// The smallest confidence, 0 to 1; 0.3 where it is missing.
    min_confidence: Option<f64>,
}

/// A rule.
#[derive(Debug, Serialize, ToSchema)]
struct RuleReply {
    /// Whoever buys this; several products stand as `A + B`.
    #[schema(example = "Wireless Headphones")]
    antecedent: String,
    /// Also buys this.
    #[schema(example = "Phone Case")]
    consequent: String,
    /// Share of all orders that have both.
    support: f64,
    /// Share of the orders with the antecedent that have the consequent, too.
    confidence: f64,
    /// How many times as often as if without regard for each other.
    lift: f64,
    /// The 95 % interval of the lift.
    lift_interval: [f64; 2],
    leverage: f64,
    /// Null where the rule is never wrong.
    conviction: Option<f64>,
    /// Orders that have both.
    transactions: u32,
    /// The ids behind `antecedent`.
    antecedent_ids: Vec<String>,
    /// The ids behind `consequent`.
    consequent_ids: Vec<String>,
}

/// What was asked of the rules.
#[derive(Debug, Serialize, ToSchema)]
struct RulesMetadataReply {
    /// Rules of this answer.
    total_rules: usize,
    /// The smallest share of orders that counted as often.
    min_support_used: f64,
    /// The smallest confidence of this answer.
    min_confidence_used: f64,
    /// The smallest lift of this answer.
    min_lift_used: f64,
    /// Orders that were looked at.
    total_transactions: usize,
}

/// Rules.
#[derive(Debug, Serialize, ToSchema)]
struct RulesReply {
    /// The one with the highest surely reached lift first.
    rules: Vec<RuleReply>,
    metadata: RulesMetadataReply,
}

fn names(numbers: &[u32], products: &[Product]) -> Vec<String> {
    let named = numbers
        .iter()
        .filter_map(|number| products.get(*number as usize));
    named.map(|product| product.name.clone()).collect()
}

fn ids(numbers: &[u32], products: &[Product]) -> Vec<String> {
    let named = numbers
        .iter()
        .filter_map(|number| products.get(*number as usize));
    named.map(|product| product.id.clone()).collect()
}

/// Who buys this also buys that.
#[utoipa::path(
    get, path = "/api/behavior/affinity/rules", tag = "behavior",
    params(RulesQuery),
    responses(
        (status = 200, description = "The rules", body = DataReply<RulesReply>),
        ReadRefusals,
    ),
    security(("bearer_key" = []), ("basic" = []), ("api_key" = []))
)]
async fn rules(
    State(app): State<App>,
    caller: CountedShop,
    meta: Meta,
    WireQuery(asked): WireQuery<RulesQuery>,
) -> Result<Json<DataReply<RulesReply>>, AppError> {
    limit::read(&app, &caller, app.now()).await?;
    let lift_min = asked.min_lift.unwrap_or(1.5);
    let confidence_min = asked.min_confidence.unwrap_or(0.3);
    if !(0.0..=1e9).contains(&lift_min) {
        return Err(bad("min_lift", "must be 0 or more"));
    }
    if !(0.0..=1.0).contains(&confidence_min) {
        return Err(bad("min_confidence", "must be between 0 and 1"));
    }
    let found = find(&app, &caller, &Scope::of(asked.upload_id)).await?.body;
    let products = &found.products;
    let wanted = |rule: &&KeptRule| {
        let Some(wanted) = asked
            .product_id
            .as_deref()
            .filter(|wanted| !wanted.is_empty())
        else {
            return true;
        };
        let mut of_rule = rule
            .antecedent
            .iter()
            .chain(&rule.consequent)
            .filter_map(|at| products.get(*at as usize));
        of_rule.any(|product| product.id == wanted || product.name.eq_ignore_ascii_case(wanted))
    };
    let told = found
        .rules
        .iter()
        .filter(|rule| rule.lift >= lift_min && rule.confidence >= confidence_min)
        .filter(wanted)
        .map(|rule| RuleReply {
            antecedent: names(&rule.antecedent, products).join(AND),
            consequent: names(&rule.consequent, products).join(AND),
            support: rounded(rule.support, 6),
            confidence: rounded(rule.confidence, 6),
            lift: rounded(rule.lift, 4),
            lift_interval: [rule.interval.0, rule.interval.1].map(|end| rounded(end, 4)),
            leverage: rounded(rule.leverage, 6),
            conviction: rule.conviction.map(|value| rounded(value, 4)),
            transactions: rule.count,
            antecedent_ids: ids(&rule.antecedent, products),
            consequent_ids: ids(&rule.consequent, products),
        });
    let rules: Vec<RuleReply> = told.collect();
    Ok(meta.with(RulesReply {
        metadata: RulesMetadataReply {
            total_rules: rules.len(),
            min_support_used: rounded(found.support_min, 6),
            min_confidence_used: confidence_min.max(found.confidence_min),
            min_lift_used: lift_min,
            total_transactions: found.baskets,
        },
        rules,
    }))
}

/// Which bundles.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
struct BundlesQuery {
    /// One upload; without it all of the shop's data count.
    upload_id: Option<String>,
    /// Bundles, 1 to 200; 20 where it is missing.
    top_n: Option<usize>,
}

/// Products that may be offered together.
#[derive(Debug, Serialize, ToSchema)]
struct AffinityBundleReply {
    #[schema(example = "Wireless Headphones + Phone Case")]
    bundle_name: String,
    products: Vec<String>,
    product_ids: Vec<String>,
    /// The lift.
    affinity_score: f64,
    /// Of the surest direction.
    confidence: f64,
    /// How much more often they are bought together than without regard for each other: what is measured, not what an offer
    /// would add.
    #[schema(example = "220%")]
    estimated_lift: String,
    /// The 95 % interval of that.
    estimated_lift_interval: [String; 2],
    /// Orders that have all of them.
    transactions: u32,
}

/// Bundles.
#[derive(Debug, Serialize, ToSchema)]
struct AffinityBundlesReply {
    /// The one with the highest surely reached lift first; each set of products once.
    suggested_bundles: Vec<AffinityBundleReply>,
}

/// What may be offered together.
#[utoipa::path(
    get, path = "/api/behavior/affinity/bundles", tag = "behavior",
    params(BundlesQuery),
    responses(
        (status = 200, description = "The bundles", body = DataReply<AffinityBundlesReply>),
        ReadRefusals,
    ),
    security(("bearer_key" = []), ("basic" = []), ("api_key" = []))
)]
async fn bundles(
    State(app): State<App>,
    caller: CountedShop,
    meta: Meta,
    WireQuery(asked): WireQuery<BundlesQuery>,
) -> Result<Json<DataReply<AffinityBundlesReply>>, AppError> {
    limit::read(&app, &caller, app.now()).await?;
    let top = top(asked.top_n, 20, BUNDLES_MAX)?;
    let Related {
        products, rules, ..
    } = find(&app, &caller, &Scope::of(asked.upload_id)).await?.body;
    let rules: Vec<Rule> = rules.iter().map(KeptRule::to_rule).collect();
    let told = find_bundles(&rules, top).into_iter().map(|bundle| {
        let names = names(&bundle.products, &products);
        AffinityBundleReply {
            bundle_name: names.join(AND),
            product_ids: ids(&bundle.products, &products),
            products: names,
            affinity_score: rounded(bundle.lift, 4),
            confidence: rounded(bundle.confidence, 6),
            estimated_lift: lift_in_percent(bundle.lift),
            estimated_lift_interval: [bundle.lift_interval.0, bundle.lift_interval.1]
                .map(lift_in_percent),
            transactions: bundle.count,
        }
    });
    Ok(meta.with(AffinityBundlesReply {
        suggested_bundles: told.collect(),
    }))
}
