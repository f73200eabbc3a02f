//! The contract's bounds an hour and key: 500 operations on profiles, 1,000 on interactions, 100 in bulk, which is what
//! lists are. A shop's own bound of requests moves all of them.

use axum::extract::FromRequestParts;
use http::request::Parts;

use crate::app::App;
use crate::auth::CountedShop;
use crate::http::error::AppError;
use crate::limits::{Bound, StandingSlot, count, used_up};
use crate::shops::Shop;

/// An operation on a profile.
pub(super) const PROFILE: u8 = 0;
/// One on interactions.
pub(super) const INTERACTION: u8 = 1;
/// One on many profiles.
pub(super) const BULK: u8 = 2;

/// The shop of a caller whose request is counted as one of a kind.
pub(super) struct Metered<const KIND: u8>(pub(super) Shop);

impl<const KIND: u8> FromRequestParts<App> for Metered<KIND> {
    type Rejection = AppError;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self, AppError> {
        let CountedShop { shop, caller, .. } = CountedShop::from_request_parts(parts, app).await?;
        let an_hour = i64::from(shop.settings.requests_per_hour);
        let (name, requests) = match KIND {
            PROFILE => ("profiles", an_hour),
            INTERACTION => ("interactions", an_hour.saturating_mul(2)),
            _ => ("bulk", (an_hour / 5).max(1)),
        };
        let bound = Bound {
            requests,
            minutes: 60,
        };
        let now = app.now();
        let caller = format!("{name}:{caller}");
        let (standing, too_many) = count(app, &shop.id, &caller, bound, now).await?;
        if let Some(slot) = parts.extensions.get::<StandingSlot>() {
            slot.set(standing);
        }
        match too_many {
            true => Err(used_up(standing, now)),
            false => Ok(Self(shop)),
        }
    }
}
