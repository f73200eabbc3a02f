//! Recalculates profiles: load the counted orders → the shared rule → store → tell the edges.

use std::collections::BTreeSet;

use footfall_shared::id::{CustomerId, ExternalId};
use footfall_shared::identity::{Email, EmailHash};
use footfall_shared::profile::Profile;
use footfall_shared::time::UtcMillis;

use super::customers::Customers;
use super::queries::{customers as customer_queries, profiles as queries};
use super::take_turn;
use crate::app::App;
use crate::db::{StorageError, Tx};
use crate::edges;
use crate::orders;
use crate::shops::Shop;

/// Customers in one step of the work over all of them.
const CUSTOMERS_A_STEP: i64 = 200;

/// Recalculates the loaded customers with these ids. The caller saves the set afterwards.
pub async fn recalculate(
    tx: &mut Tx,
    customers: &mut Customers<'_>,
    ids: &[CustomerId],
    now: UtcMillis,
) -> Result<Vec<(CustomerId, Profile)>, StorageError> {
    let shop = customers.shop();
    let excluded: BTreeSet<ExternalId> = shop.settings.excluded_products.iter().cloned().collect();
    let mut history = orders::counted_orders(tx, &shop.id, ids).await?;
    let (mut profiles, mut without) = (Vec::new(), Vec::new());
    for id in ids {
        let orders = history.remove(id).unwrap_or_default();
        match Profile::recalculate(&orders, &excluded, &shop.timezone, now) {
            Some(profile) => profiles.push((id.clone(), profile)),
            None => without.push(id.clone()),
        }
    }
    queries::save_profiles(tx, &shop.id, &profiles, now).await?;
    queries::delete_profiles_of(tx, &shop.id, &without).await?;
    let wanted: BTreeSet<&CustomerId> = ids.iter().collect();
    for customer in customers.iter_mut() {
        if wanted.contains(&customer.id) {
            customer.touch();
        }
    }
    Ok(profiles)
}

/// Recalculates one customer in a transaction of its own; `None` where nobody has this email, or no order
/// of theirs counts.
pub async fn recalculate_customer(
    app: &App,
    shop: &Shop,
    email: &Email,
    now: UtcMillis,
) -> Result<Option<Profile>, StorageError> {
    let hash = EmailHash::of(email, &shop.salt);
    let mut tx = app.db().begin().await?;
    take_turn(&mut tx, &shop.id).await?;
    let mut customers = Customers::none(shop, now);
    customers.load(&mut tx, std::slice::from_ref(&hash)).await?;
    let ids = customers.ids();
    if ids.is_empty() {
        return Ok(None);
    }
    let profile = recalculate(&mut tx, &mut customers, &ids, now).await?.pop();
    customers.save(app, &mut tx).await?;
    edges::commit(app, tx).await?;
    Ok(profile.map(|(_, profile)| profile))
}

/// Recalculates every customer of the shop, step by step within the caller's transaction; how many.
pub async fn recalculate_all(
    app: &App,
    tx: &mut Tx,
    shop: &Shop,
    now: UtcMillis,
) -> Result<usize, StorageError> {
    let mut done = 0;
    let mut after = String::new();
    loop {
        let ids = customer_queries::list_ids(tx, &shop.id, &after, CUSTOMERS_A_STEP).await?;
        let Some(last) = ids.last() else {
            return Ok(done);
        };
        after = last.as_str().to_owned();
        done += ids.len();
        let mut customers = Customers::none(shop, now);
        customers.load_ids(tx, &ids).await?;
        recalculate(tx, &mut customers, &ids, now).await?;
        customers.save(app, tx).await?;
    }
}
