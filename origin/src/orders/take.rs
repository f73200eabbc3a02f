//! Takes orders that were read: store what changed, then everything that follows from it, in one
//! transaction.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use footfall_shared::id::{CustomerId, ExternalId};
use footfall_shared::identity::EmailHash;
use footfall_shared::order::counts;
use footfall_shared::text::hex;
use footfall_shared::time::UtcMillis;
use footfall_shared::wire::orders::IncomingOrder;
use sha2::{Digest, Sha256};

use super::buyers::verify_buyers;
use super::links::{key_hash, record_keys};
use super::queries::{self, Stored};
use crate::app::App;
use crate::db::{StorageError, Tx};
use crate::edges;
use crate::intelligence::{Customers, Purchase, purchase, recalculate, take_turn};
use crate::privacy;
use crate::recommend;
use crate::shops::{Product, Shop, record_products};

/// What became of a call's orders.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Taken {
    /// Orders that were stored alike before.
    pub unchanged: usize,
    /// Orders that were not stored before.
    pub added: usize,
}

/// An order to store, beside what was computed of it.
pub(super) struct Changed<'a> {
    pub(super) order: &'a IncomingOrder,
    pub(super) hash: String,
    pub(super) customer: CustomerId,
}

/// Takes orders in one transaction. Of an order that stands there twice, the later one counts.
pub async fn take(
    app: &App,
    shop: &Shop,
    orders: &[IncomingOrder],
    now: UtcMillis,
) -> Result<Taken, StorageError> {
    if orders.is_empty() {
        return Ok(Taken::default());
    }
    let mut tx = app.db().begin().await?;
    let taken = take_within(app, &mut tx, shop, orders, now).await?;
    edges::commit(app, tx).await?;
    Ok(taken)
}

/// As [`take`], within the caller's transaction.
pub async fn take_within(
    app: &App,
    tx: &mut Tx,
    shop: &Shop,
    orders: &[IncomingOrder],
    now: UtcMillis,
) -> Result<Taken, StorageError> {
    take_turn(tx, &shop.id).await?;
    let mut last: BTreeMap<&ExternalId, &IncomingOrder> = BTreeMap::new();
    let told: Vec<_> = orders
        .iter()
        .map(|one| (&one.email, Some(one.at)))
        .collect();
    let erased = privacy::are_erased(tx, shop, &told).await?;
    let mut taken = Taken::default();
    for (order, is_erased) in orders.iter().zip(erased) {
        // The shop's own system may still have what was erased here: told again, it stays erased.
        if is_erased {
            taken.unchanged += 1;
        } else {
            last.insert(&order.id, order);
        }
    }
    let ids: Vec<&str> = last.keys().map(|id| id.as_str()).collect();
    let stored = queries::find_stored(tx, shop, &ids).await?;
    let mut fresh: Vec<(&IncomingOrder, String)> = Vec::new();
    for order in last.into_values() {
        let hash = body_hash(order)?;
        let known = stored.get(order.id.as_str());
        taken.added += usize::from(known.is_none());
        if known.is_some_and(|known| known.body_hash == hash) {
            taken.unchanged += 1;
        } else {
            fresh.push((order, hash));
        }
    }
    let placed: Vec<&ExternalId> = fresh.iter().map(|(order, _)| &order.id).collect();
    let keys: Vec<(&ExternalId, String)> = orders
        .iter()
        .filter_map(|order| Some((&order.id, key_hash(order.key.as_deref()?)?)))
        .collect();
    let buyers = if fresh.is_empty() {
        Vec::new()
    } else {
        store(app, tx, shop, fresh, &stored, now).await?
    };
    record_keys(tx, &shop.id, &keys).await?;
    verify_buyers(app, tx, shop, &placed, now).await?;
    recommend::queue_buyers(app, tx, &shop.id, buyers).await?;
    Ok(taken)
}

/// What an order says, as one hash.
fn body_hash(order: &IncomingOrder) -> Result<String, StorageError> {
    let IncomingOrder {
        id,
        number,
        status,
        at,
        currency,
        email,
        first_name,
        last_name,
        customer_id,
        items,
        // What proves the buyer is no part of what was bought.
        key: _,
    } = order;
    let told = (
        (id, number, status, at, currency),
        (email, first_name, last_name, customer_id),
        items,
    );
    let told =
        serde_json::to_vec(&told).map_err(|cause| StorageError::corrupt("hash an order", cause))?;
    Ok(hex(&Sha256::digest(&told)))
}

/// Writes orders and what they change; the buyers, each with the new version.
async fn store(
    app: &App,
    tx: &mut Tx,
    shop: &Shop,
    fresh: Vec<(&IncomingOrder, String)>,
    stored: &HashMap<String, Stored>,
    now: UtcMillis,
) -> Result<Vec<(EmailHash, i64)>, StorageError> {
    let mut customers = Customers::none(shop, now);
    let hashes: Vec<EmailHash> = fresh
        .iter()
        .map(|(order, _)| EmailHash::of(&order.email, &shop.salt))
        .collect();
    let distinct: BTreeSet<EmailHash> = hashes.iter().cloned().collect();
    customers
        .load(tx, &distinct.into_iter().collect::<Vec<_>>())
        .await?;
    let left: BTreeSet<CustomerId> = fresh
        .iter()
        .filter_map(|(order, _)| stored.get(order.id.as_str()))
        .map(|known| known.customer.clone())
        .collect();
    customers
        .load_ids(tx, &left.into_iter().collect::<Vec<_>>())
        .await?;
    let mut changed = Vec::with_capacity(fresh.len());
    for ((order, hash), email_hash) in fresh.into_iter().zip(&hashes) {
        let customer = customers
            .get_or_make(app, &order.email, email_hash)
            .id
            .clone();
        changed.push(Changed {
            order,
            hash,
            customer,
        });
    }
    queries::save_orders(tx, &shop.id, &changed, now).await?;
    name_customers(tx, shop, &mut customers, &changed).await?;
    record_products(tx, &shop.id, &products(&changed)).await?;
    let purchases: Vec<Purchase<'_>> = changed
        .iter()
        .filter(|one| counts(&one.order.status))
        .map(|one| Purchase {
            customer: one.customer.clone(),
            at: one.order.at,
            items: &one.order.items,
        })
        .collect();
    purchase(tx, &mut customers, &purchases, now).await?;
    let ids = customers.ids();
    recalculate(tx, &mut customers, &ids, now).await?;
    customers.save(app, tx).await
}

/// Names and shop ids, as the latest order of each customer tells them; an older order that arrives late
/// says nothing new.
async fn name_customers(
    tx: &mut Tx,
    shop: &Shop,
    customers: &mut Customers<'_>,
    changed: &[Changed<'_>],
) -> Result<(), StorageError> {
    let latest = queries::latest_order_times(tx, &shop.id, &customers.ids()).await?;
    let mut by_time: Vec<&Changed<'_>> = changed.iter().collect();
    by_time.sort_by_key(|one| one.order.at);
    for one in by_time {
        let is_latest = latest.get(one.customer.as_str()) == Some(&one.order.at);
        let Some(customer) = customers.get_id(&one.customer).filter(|_| is_latest) else {
            continue;
        };
        customer.take_order_data(
            one.order.first_name.as_deref(),
            one.order.last_name.as_deref(),
            one.order.customer_id.as_ref(),
        );
    }
    Ok(())
}

/// Each product once, as the latest of the orders tells it, and when that was.
fn products(changed: &[Changed<'_>]) -> Vec<(Product, UtcMillis)> {
    let mut latest: BTreeMap<&ExternalId, (Product, UtcMillis)> = BTreeMap::new();
    for Changed { order, .. } in changed {
        for item in &order.items {
            let told = (
                Product {
                    id: item.product_id.clone(),
                    name: item.name.clone(),
                    slug: item.slug.clone(),
                    unit_price: item.unit_price,
                },
                order.at,
            );
            let known = latest
                .entry(&item.product_id)
                .or_insert_with(|| told.clone());
            if known.1 < told.1 {
                *known = told;
            }
        }
    }
    latest.into_values().collect()
}
