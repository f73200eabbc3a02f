//! Reads a shop's lists and mends what is missing here.
//!
//! A list is read in a pass: page after page, each committed together with the progress. The next pass asks
//! only for what changed since this one began, by the shop's clock and with an overlap; what it meets again
//! changes nothing. Orders in the trash are a list of their own, because the others leave them out.

use footfall_shared::id::ExternalId;
use footfall_shared::time::UtcMillis;
use footfall_shared::wire::woocommerce::{Told, ToldOrder, WooCustomer, WooOrder, WooProduct};
use serde::de::DeserializeOwned;
use serde_json::value::RawValue;

use super::api::{ApiError, PER_PAGE, Page, ShopApi};
use super::connection::ApiAccess;
use super::customers::take_customers;
use super::orders::{Tally, take_orders, trash_orders};
use super::products::take_products;
use super::queries::passes as queries;
use super::version::Word;
use crate::app::App;
use crate::db::{StorageError, Tx};
use crate::edges;
use crate::http::error::AppError;
use crate::http::extract::parse_shape;
use crate::shops::Shop;

/// How far a pass reaches back before the one before it began: a change is committed at the shop a while after
/// the time that it carries.
const OVERLAP_MS: i64 = 5 * 60 * 1000;

/// A list of the shop's API.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Resource {
    /// The catalogue; first, because orders take their products' address parts from it.
    Products,
    /// Orders.
    Orders,
    /// Orders in the trash.
    Trash,
    /// Registered customers.
    Customers,
}

impl Resource {
    /// All lists, in the sequence in which they are read.
    pub const ALL: [Self; 4] = [Self::Products, Self::Orders, Self::Trash, Self::Customers];
    /// What webhooks tell of, too.
    pub const SCHEDULED: [Self; 3] = [Self::Products, Self::Orders, Self::Trash];

    /// As it is stored and shown.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Products => "products",
            Self::Orders => "orders",
            Self::Trash => "trash",
            Self::Customers => "customers",
        }
    }

    /// Its path in the API.
    pub(super) const fn path(self) -> &'static str {
        match self {
            Self::Products => "products",
            Self::Orders | Self::Trash => "orders",
            Self::Customers => "customers",
        }
    }

    /// Whether it can be asked for what changed; customers cannot, so they are always read whole.
    pub(super) const fn tells_changes(self) -> bool {
        !matches!(self, Self::Customers)
    }
}

/// What a pass found.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Counts {
    /// Things read.
    pub checked: i64,
    /// Of these, things that were not known here.
    pub missing: i64,
    /// Things that were missing or different here, and are right now.
    pub mended: i64,
    /// Things that could not be read, or are nothing for us.
    pub refused: i64,
}

/// A pass under way.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Pass {
    /// What it asks for; `None` for everything.
    pub(super) modified_after: Option<UtcMillis>,
    /// From where the next one asks; `None` before the first page.
    pub(super) began_at: Option<UtcMillis>,
    /// The next page.
    pub(super) page: i64,
    /// How long the list was at the last page.
    pub(super) total: Option<i64>,
    /// What it found so far.
    pub(super) counts: Counts,
}

/// Where a pass is, for whoever waits.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Progress {
    /// Which list.
    pub resource: Resource,
    /// The page that was read.
    pub page: i64,
    /// How long the list is, where the shop says so.
    pub total: Option<i64>,
    /// What was found so far.
    pub counts: Counts,
    /// Whether the pass is through.
    pub done: bool,
}

/// Why a reading stopped. What was read is kept, and the next one goes on there.
#[derive(Debug, thiserror::Error)]
pub enum SyncError {
    /// The shop's side.
    #[error("{resource} cannot be read")]
    Api {
        /// Which list.
        resource: &'static str,
        /// Why.
        #[source]
        source: ApiError,
    },
    /// Our side.
    #[error(transparent)]
    Storage(#[from] StorageError),
    /// Another process reads the same list and was quicker.
    #[error("another reading of the same list came in between")]
    Overtaken,
}

/// Reads these lists of a shop. `whole` asks for everything instead of what changed.
pub async fn sync(
    app: &App,
    shop: &Shop,
    access: &ApiAccess,
    resources: &[Resource],
    whole: bool,
    tell: &(dyn Fn(Progress) + Send + Sync),
) -> Result<(), SyncError> {
    for resource in resources.iter().copied() {
        let api_fault = |source| SyncError::Api {
            resource: resource.as_str(),
            source,
        };
        let api = ShopApi::new(access).map_err(api_fault)?;
        let mut pass = find_or_begin(app, shop, resource, whole).await?;
        loop {
            let at = pass.page;
            let page = api.page(app, resource, pass.modified_after, at).await;
            let page = page.map_err(api_fault)?;
            let done = take_page(app, shop, resource, &mut pass, page).await?;
            tell(Progress {
                resource,
                page: at,
                total: pass.total,
                counts: pass.counts,
                done,
            });
            if done {
                break;
            }
        }
    }
    Ok(())
}

async fn find_or_begin(
    app: &App,
    shop: &Shop,
    resource: Resource,
    whole: bool,
) -> Result<Pass, StorageError> {
    let mut db = app.db().read().await?;
    let (under_way, read_until) = queries::find_pass(&mut db, &shop.id, resource).await?;
    let fits = |pass: &Pass| !whole || pass.modified_after.is_none();
    Ok(under_way.filter(fits).unwrap_or(Pass {
        modified_after: read_until.filter(|_| !whole && resource.tells_changes()),
        began_at: None,
        page: 1,
        total: None,
        counts: Counts::default(),
    }))
}

/// Takes a page and moves the pass on, in one transaction; whether it was the last.
async fn take_page(
    app: &App,
    shop: &Shop,
    resource: Resource,
    pass: &mut Pass,
    page: Page,
) -> Result<bool, SyncError> {
    let now = app.now();
    let begins = pass.began_at.is_none();
    if begins {
        let clock = page.date.unwrap_or(page.asked_at);
        pass.began_at = Some(clock.plus(-OVERLAP_MS));
    }
    let mut tx = app.db().begin().await?;
    let found = take_items(app, &mut tx, shop, resource, &page, now).await?;
    pass.counts.add(found);
    let back = pages_back(pass.total, page.total);
    pass.page = (pass.page + 1 - back).max(1);
    pass.total = page.total;
    let done = page.is_last && back == 0;
    if begins {
        queries::begin_pass(&mut tx, &shop.id, resource, pass).await?;
    } else if !queries::advance_pass(&mut tx, &shop.id, resource, pass).await? {
        return Err(SyncError::Overtaken);
    }
    if done {
        queries::finish_pass(&mut tx, &shop.id, resource, now).await?;
    }
    edges::commit(app, tx).await?;
    Ok(done)
}

/// How many pages to go back: where the list became shorter while it was read, what stood on the next pages
/// has slipped to pages that were read already.
fn pages_back(before: Option<i64>, now: Option<i64>) -> i64 {
    let (Some(before), Some(now)) = (before, now) else {
        return 0;
    };
    let slipped = (before - now).max(0).unsigned_abs();
    i64::try_from(slipped.div_ceil(PER_PAGE as u64)).unwrap_or(i64::MAX)
}

impl Counts {
    fn add(&mut self, other: Self) {
        self.checked += other.checked;
        self.missing += other.missing;
        self.mended += other.mended;
        self.refused += other.refused;
    }
}

async fn take_items(
    app: &App,
    tx: &mut Tx,
    shop: &Shop,
    resource: Resource,
    page: &Page,
    now: UtcMillis,
) -> Result<Counts, StorageError> {
    let word = Word::Listing {
        asked_at: page.asked_at,
    };
    let items = &page.items;
    let checked = items.len();
    let (tally, refused) = match resource {
        Resource::Products => {
            let (told, refused) = read_all(items, |one: WooProduct| Ok(one.parse(shop.currency)?));
            (take_products(tx, shop, told, word).await?, refused)
        }
        Resource::Orders => {
            let (told, refused) = read_all(
                items,
                |one: WooOrder| -> Result<Told<ToldOrder>, AppError> {
                    Ok(one.parse(shop.currency, now)?)
                },
            );
            (take_orders(app, tx, shop, told, word, now).await?, refused)
        }
        Resource::Customers => {
            let (told, refused) = read_all(items, |one: WooCustomer| Ok(one.parse()));
            (take_customers(app, tx, shop, &told, now).await?, refused)
        }
        Resource::Trash => {
            let (told, refused) = read_all(items, |one: WooOrder| Ok(trashed(one)));
            let tally = Tally {
                taken: trash_orders(app, tx, shop, &told, now).await?,
                ..Tally::default()
            };
            (tally, refused)
        }
    };
    let count = |count: usize| i64::try_from(count).unwrap_or(i64::MAX);
    Ok(Counts {
        checked: count(checked),
        missing: count(tally.added),
        mended: count(tally.taken - tally.unchanged),
        refused: count(refused + tally.ignored),
    })
}

fn trashed(order: WooOrder) -> Told<(ExternalId, UtcMillis)> {
    // A shop that does not know the question answers with all its orders.
    match order.modified_at() {
        Some(at) if order.is_in_trash() => Told::This((order.id, at)),
        _ => Told::Nothing("the order is not in the trash"),
    }
}

/// Reads each item alone; how many were broken or nothing for us. What is broken is logged by its field.
fn read_all<W: DeserializeOwned, T>(
    items: &[Box<RawValue>],
    parse: impl Fn(W) -> Result<Told<T>, AppError>,
) -> (Vec<T>, usize) {
    let (mut told, mut refused) = (Vec::with_capacity(items.len()), 0);
    for item in items {
        match parse_shape(item.get().as_bytes()).and_then(&parse) {
            Ok(Told::This(one)) => told.push(one),
            Ok(Told::Nothing(reason)) => {
                tracing::debug!(reason, "an item of the shop's list is nothing for us");
                refused += 1;
            }
            Err(fault) => {
                tracing::warn!(
                    fault = fault.public_message(),
                    "an item of the shop's list is refused"
                );
                refused += 1;
            }
        }
    }
    (told, refused)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_list_that_became_shorter_is_read_from_where_it_slipped() {
        for (before, now, back) in [
            (None, Some(5), 0),
            (Some(5), None, 0),
            (Some(500), Some(500), 0),
            (Some(500), Some(620), 0),
            (Some(500), Some(499), 1),
            (Some(500), Some(400), 1),
            (Some(500), Some(399), 2),
        ] {
            assert_eq!(pages_back(before, now), back, "{before:?} {now:?}");
        }
    }
}
