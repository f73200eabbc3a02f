//! Takes products of the shop's catalogue.

use footfall_shared::id::ExternalId;
use footfall_shared::time::UtcMillis;
use footfall_shared::wire::woocommerce::ToldProduct;

use super::orders::Tally;
use super::queries::versions as queries;
use super::version::{Thing, Word, Worth, judge};
use crate::content;
use crate::db::{StorageError, Tx};
use crate::intelligence::take_turn;
use crate::shops::{Product, Shop, find_products, list_product, unlist_product};

/// Takes products within the caller's transaction. One without a price of its own keeps what it is known to
/// cost; where nothing is known, it is left out until an order tells.
pub(super) async fn take_products(
    tx: &mut Tx,
    shop: &Shop,
    told: Vec<ToldProduct>,
    word: Word,
) -> Result<Tally, StorageError> {
    take_turn(tx, &shop.id).await?;
    let ids: Vec<&str> = told.iter().map(|one| one.id.as_str()).collect();
    let versions = queries::find_versions(tx, &shop.id, Thing::Product, &ids).await?;
    let known = find_products(tx, &shop.id, &ids).await?;
    let mut tally = Tally::default();
    for ToldProduct {
        id,
        name,
        slug,
        price,
        stock,
        modified_at,
    } in told
    {
        match judge(versions.get(id.as_str()).copied(), modified_at, word) {
            Worth::Stale => tally.stale += 1,
            Worth::Gone => tally.gone += 1,
            Worth::Newest => {
                queries::save_version(tx, &shop.id, Thing::Product, &id, modified_at).await?;
                let before = known.get(id.as_str());
                let Some(unit_price) = price.or(before.map(|known| known.unit_price)) else {
                    tally.ignored += 1;
                    continue;
                };
                let product = Product {
                    id,
                    name,
                    slug,
                    unit_price,
                };
                tally.taken += 1;
                tally.added += usize::from(before.is_none());
                tally.unchanged += usize::from(before == Some(&product));
                list_product(tx, &shop.id, &product, modified_at).await?;
                // What shows it is published anew with the next look at the kits, half a minute later at most.
                content::set_stock(tx, &shop.id, &product.id, stock).await?;
            }
        }
    }
    Ok(tally)
}

/// Takes a product out that the shop deleted; whether it was there.
pub(super) async fn delete_product(
    tx: &mut Tx,
    shop: &Shop,
    id: &ExternalId,
    now: UtcMillis,
) -> Result<bool, StorageError> {
    take_turn(tx, &shop.id).await?;
    queries::save_deletion(tx, &shop.id, Thing::Product, id, now).await?;
    unlist_product(tx, &shop.id, id).await
}
