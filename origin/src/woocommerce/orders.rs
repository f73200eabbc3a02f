//! Takes orders that the shop told of: the newest word goes to the order intake.

use footfall_shared::id::ExternalId;
use footfall_shared::time::UtcMillis;
use footfall_shared::wire::orders::IncomingOrder;
use footfall_shared::wire::woocommerce::ToldOrder;

use super::queries::versions as queries;
use super::version::{Thing, Word, Worth, judge};
use crate::app::App;
use crate::db::{StorageError, Tx};
use crate::intelligence::take_turn;
use crate::orders::{take_within, withdraw};
use crate::shops::{Shop, find_products};

/// What became of things that were told.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct Tally {
    /// Newest words.
    pub(super) taken: usize,
    /// Of these, things that were not known.
    pub(super) added: usize,
    /// Of these, what was known just so.
    pub(super) unchanged: usize,
    /// Older words.
    pub(super) stale: usize,
    /// Words on what is gone.
    pub(super) gone: usize,
    /// Well formed, and nothing for us.
    pub(super) ignored: usize,
}

/// Takes orders within the caller's transaction.
pub(super) async fn take_orders(
    app: &App,
    tx: &mut Tx,
    shop: &Shop,
    told: Vec<ToldOrder>,
    word: Word,
    now: UtcMillis,
) -> Result<Tally, StorageError> {
    take_turn(tx, &shop.id).await?;
    let ids: Vec<&str> = told.iter().map(|one| one.order.id.as_str()).collect();
    let known = queries::find_versions(tx, &shop.id, Thing::Order, &ids).await?;
    let mut tally = Tally::default();
    let mut orders = Vec::new();
    for ToldOrder { order, modified_at } in told {
        match judge(known.get(order.id.as_str()).copied(), modified_at, word) {
            Worth::Stale => tally.stale += 1,
            Worth::Gone => tally.gone += 1,
            Worth::Newest => {
                queries::save_version(tx, &shop.id, Thing::Order, &order.id, modified_at).await?;
                orders.push(order);
            }
        }
    }
    name_slugs(tx, shop, &mut orders).await?;
    let taken = take_within(app, tx, shop, &orders, now).await?;
    tally.taken = orders.len();
    tally.added = taken.added;
    tally.unchanged = taken.unchanged;
    Ok(tally)
}

/// An order's lines do not tell their products' address parts; the catalogue did.
async fn name_slugs(
    tx: &mut Tx,
    shop: &Shop,
    orders: &mut [IncomingOrder],
) -> Result<(), StorageError> {
    let items = orders.iter().flat_map(|order| &order.items);
    let mut ids: Vec<&str> = items.map(|item| item.product_id.as_str()).collect();
    ids.sort_unstable();
    ids.dedup();
    let products = find_products(tx, &shop.id, &ids).await?;
    for item in orders.iter_mut().flat_map(|order| &mut order.items) {
        if let Some(product) = products.get(item.product_id.as_str()) {
            item.slug.clone_from(&product.slug);
        }
    }
    Ok(())
}

/// Takes an order out that the shop deleted; whether that changed anything. An order that is not here yet is
/// remembered as gone: its creation may still be under way.
pub(super) async fn delete_order(
    app: &App,
    tx: &mut Tx,
    shop: &Shop,
    id: &ExternalId,
    now: UtcMillis,
) -> Result<bool, StorageError> {
    take_turn(tx, &shop.id).await?;
    queries::save_deletion(tx, &shop.id, Thing::Order, id, now).await?;
    withdraw(app, tx, shop, id, now).await
}

/// Takes out orders that stand in the shop's trash, each beside its modification time; how many counted until
/// now. One that was told of later is in the trash no more.
pub(super) async fn trash_orders(
    app: &App,
    tx: &mut Tx,
    shop: &Shop,
    trashed: &[(ExternalId, UtcMillis)],
    now: UtcMillis,
) -> Result<usize, StorageError> {
    take_turn(tx, &shop.id).await?;
    let ids: Vec<&str> = trashed.iter().map(|(id, _)| id.as_str()).collect();
    let known = queries::find_versions(tx, &shop.id, Thing::Order, &ids).await?;
    let mut withdrawn = 0;
    for (id, modified_at) in trashed {
        let gone = known.get(id.as_str());
        let newer = gone.is_some_and(|known| known.modified_at > *modified_at);
        if newer || gone.is_some_and(|known| known.deleted_at.is_some()) {
            continue;
        }
        withdrawn += usize::from(delete_order(app, tx, shop, id, now).await?);
    }
    Ok(withdrawn)
}
