//! The storefront's routes of the customer-intelligence contract.
//!
//! - [`track_customer`]: recognize, remember, answer with the profile
//! - [`bundle`]: the offer, from the edge's own state
//! - [`recommendations`]: what the shopper may want next, from the edge's own state
//! - [`bundle_status`]: the deprecated status route

pub(crate) mod asker;
pub(crate) mod bundle;
pub(crate) mod bundle_status;
pub(crate) mod customer;
pub(crate) mod recognize;
pub(crate) mod recommendations;
pub(crate) mod track_customer;

use footfall_shared::identity::Trust;
use footfall_shared::intelligence::Disclosure;

use crate::guard::ShopRequest;
use crate::platform::Platform;

/// How much a caller of this trust sees: as the mode or the shop's own setting allows, whichever is wider.
fn disclosure<P: Platform>(platform: &P, asked: &ShopRequest, trust: Trust) -> Disclosure {
    let by_mode = platform.config().access.reveal_from;
    Disclosure::of(trust, by_mode.min(asked.shop.settings.reveal_from))
}
