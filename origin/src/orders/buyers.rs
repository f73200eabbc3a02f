//! Verifies the buyer's browser: an order from it is as good as the shop's own word.
//!
//! A browser says that it placed an order. That is believed where it knows the order's key, which the shop
//! told its own server and the buyer's pages only; or, where the shop trusts plain numbers, where it is the
//! only browser that says so. The order itself must count: an unpaid one can be placed under any email.

use std::collections::BTreeMap;

use footfall_shared::id::{CustomerId, ExternalId};
use footfall_shared::identity::{EmailHash, Trust};
use footfall_shared::order::counts;
use footfall_shared::time::UtcMillis;

use super::links::{LinkedDevice, linked_devices};
use crate::app::App;
use crate::db::{StorageError, Tx};
use crate::intelligence::devices::{self, Sighting};
use crate::intelligence::find_email_hashes;
use crate::shops::Shop;

/// Verifies the browsers that placed these orders, of those that are there. Told twice, it changes nothing.
/// The caller holds the shop's turn.
pub(super) async fn verify_buyers(
    app: &App,
    tx: &mut Tx,
    shop: &Shop,
    orders: &[&ExternalId],
    now: UtcMillis,
) -> Result<(), StorageError> {
    let linked = linked_devices(tx, &shop.id, orders).await?;
    let buyers = proven(&linked, shop.settings.trust_order_numbers);
    let ids: Vec<&CustomerId> = buyers.iter().map(|buyer| &buyer.customer).collect();
    let emails = find_email_hashes(tx, &shop.id, &ids).await?;
    let sightings: Vec<Sighting<'_>> = buyers
        .iter()
        .filter_map(|buyer| sighting(buyer, emails.get(&buyer.customer)?, shop))
        .collect();
    devices::record(app, tx, &shop.id, &sightings, now).await
}

fn proven(linked: &[LinkedDevice], trust_numbers: bool) -> Vec<&LinkedDevice> {
    let mut browsers: BTreeMap<&ExternalId, usize> = BTreeMap::new();
    for device in linked {
        *browsers.entry(&device.order).or_default() += 1;
    }
    let is_proven = |device: &&LinkedDevice| {
        let alone = browsers.get(&device.order) == Some(&1);
        counts(&device.status) && (device.proven || (trust_numbers && !device.has_key && alone))
    };
    linked.iter().filter(is_proven).collect()
}

fn sighting<'a>(
    buyer: &LinkedDevice,
    email_hash: &'a EmailHash,
    shop: &Shop,
) -> Option<Sighting<'a>> {
    let keys = buyer.keys(&shop.salt);
    (!keys.is_empty()).then_some(Sighting {
        keys,
        geo: None,
        email_hash,
        trust: Trust::Verified,
        at: buyer.at,
    })
}
