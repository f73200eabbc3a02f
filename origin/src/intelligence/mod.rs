//! Customers, the devices they were seen on, their profiles and their bundle offers: the contract's four
//! routes, and the signed calls by which an edge asks for the same.
//!
//! What other features may call takes the caller's transaction: [`Customers`], [`devices::record`],
//! [`recalculate()`], [`status::report`], [`purchase()`], and for reading [`find_entry`].
//!
//! **Invariant:** whoever writes a customer, device, profile or offer holds the shop's turn
//! ([`take_turn`]), so that read-modify-write in memory is safe on every node and nothing deadlocks.
//! Test: `concurrent_bundle_calls_get_one_offer`.
//!
//! **Invariant:** a customer has at most one active offer; the database refuses a second. Test: the same.
//!
//! **Invariant:** whatever an edge holds of a customer grows the customer's version and queues a push in
//! the same transaction; [`Customers::save`] is the only way to write one. Test:
//! `each_change_of_a_customer_reaches_the_edge`.
//!
//! **Invariant:** what a browser claims never overwrites a name. Test:
//! `a_claimed_email_never_overwrites_names`.

mod bundle;
mod customers;
mod device_routes;
pub mod devices;
mod entry;
mod explain;
mod internal;
mod purchase;
mod queries;
mod recalculate;
mod routes;
pub mod status;

use utoipa_axum::router::OpenApiRouter;

use crate::app::App;
use crate::db::{StorageError, Tx};
use footfall_shared::id::ShopId;

pub use bundle::{Ensured, ensure_offer, ensure_offer_within};
pub use customers::{Customer, Customers};
pub use entry::{find_buyer, find_entries, find_entry, find_links};
pub use explain::{ExplainedOffer, explain_offer};
pub use purchase::{Purchase, purchase};
pub use queries::customers::{find_by_names, find_email_hashes};
pub use recalculate::{recalculate, recalculate_all, recalculate_customer};

/// The feature's routes.
pub fn routes() -> OpenApiRouter<App> {
    routes::routes()
        .merge(device_routes::routes())
        .merge(internal::routes())
}

/// From here to the commit this transaction is the only one that writes the shop's customers, devices,
/// profiles and offers, on any node. Taken first, and for several shops in the order of their ids.
pub async fn take_turn(tx: &mut Tx, shop: &ShopId) -> Result<(), StorageError> {
    tx.serialize("shop", shop.as_str()).await
}

/// Lets the shop's numbers of customers and offers begin after these, as when it moves here from another
/// system. Only for a shop that has none yet.
pub async fn begin_numbers_after(
    tx: &mut Tx,
    shop: &ShopId,
    customer: i64,
    offer: i64,
) -> Result<(), StorageError> {
    queries::customers::count_up(tx, shop, "customer", customer).await?;
    queries::customers::count_up(tx, shop, "offer", offer).await?;
    Ok(())
}

/// Forgets what is projected from the log and the orders, keeping the versions that edges know: for
/// `footfall rebuild`, which fills it again in the same transaction.
pub async fn clear_projections(tx: &mut Tx, shop: &ShopId) -> Result<(), StorageError> {
    queries::devices::forget_devices(tx, shop).await?;
    queries::customers::forget_sightings(tx, shop).await?;
    queries::profiles::delete_profiles(tx, shop).await
}
