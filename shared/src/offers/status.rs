//! The life of an offer: pending → viewed → added_to_cart → purchased; rejected and expired end it.

use serde::{Deserialize, Serialize};

use crate::offers::Offer;
use crate::time::UtcMillis;

/// Where an offer stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub enum OfferStatus {
    /// Made, not yet shown.
    Pending,
    /// Shown to the shopper.
    Viewed,
    /// The shopper put it into the cart.
    AddedToCart,
    /// An order contains it.
    Purchased,
    /// Its time ran out.
    Expired,
    /// The shopper said no.
    Rejected,
}

/// A move that the life of an offer does not have.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("an offer cannot go from {} to {}; {}", from.as_str(), to.as_str(), legal_text(allowed))]
pub struct IllegalMove {
    /// Where the offer stands.
    pub from: OfferStatus,
    /// Where it was asked to go.
    pub to: OfferStatus,
    /// Where it could go.
    pub allowed: &'static [OfferStatus],
}

fn legal_text(allowed: &[OfferStatus]) -> String {
    if allowed.is_empty() {
        return "this status is final".to_owned();
    }
    let names: Vec<&str> = allowed.iter().map(|status| status.as_str()).collect();
    format!("legal moves: {}", names.join(", "))
}

impl OfferStatus {
    /// All of them, in the contract's sequence.
    pub const ALL: [Self; 6] = [
        Self::Pending,
        Self::Viewed,
        Self::AddedToCart,
        Self::Purchased,
        Self::Expired,
        Self::Rejected,
    ];

    /// The contract's name.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Pending => "pending",
            Self::Viewed => "viewed",
            Self::AddedToCart => "added_to_cart",
            Self::Purchased => "purchased",
            Self::Expired => "expired",
            Self::Rejected => "rejected",
        }
    }

    /// Reads the contract's name.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|status| status.as_str() == text)
    }

    /// Where an offer can go from here. Steps may be skipped forwards: a shopper can order what was
    /// never reported as viewed.
    #[must_use]
    pub const fn next(self) -> &'static [Self] {
        match self {
            Self::Pending => &[
                Self::Viewed,
                Self::AddedToCart,
                Self::Purchased,
                Self::Expired,
                Self::Rejected,
            ],
            Self::Viewed => &[
                Self::AddedToCart,
                Self::Purchased,
                Self::Expired,
                Self::Rejected,
            ],
            Self::AddedToCart => &[Self::Purchased, Self::Expired, Self::Rejected],
            Self::Purchased | Self::Expired | Self::Rejected => &[],
        }
    }

    /// Whether an offer that stands here can still move.
    #[must_use]
    pub const fn is_open(self) -> bool {
        !self.next().is_empty()
    }

    /// The behavioural event that reports this status, as the contract names it.
    #[must_use]
    pub const fn event_name(self) -> Option<&'static str> {
        match self {
            Self::Viewed => Some("bundle_viewed"),
            Self::AddedToCart => Some("bundle_accepted"),
            Self::Rejected => Some("bundle_rejected"),
            Self::Pending | Self::Purchased | Self::Expired => None,
        }
    }

    /// The status that a behavioural event reports.
    #[must_use]
    pub fn of_event(name: &str) -> Option<Self> {
        Self::ALL
            .into_iter()
            .find(|status| status.event_name() == Some(name))
    }
}

impl Offer {
    /// Moves the offer to `to`. The status it already has changes nothing; whether it changed is told.
    ///
    /// # Errors
    /// [`IllegalMove`] where the life of an offer has no such step.
    pub fn move_to(&mut self, to: OfferStatus, now: UtcMillis) -> Result<bool, IllegalMove> {
        // An offer whose time ran out is over, whether or not somebody has written that down.
        if self.status.is_open() && now >= self.expires_at {
            self.status = OfferStatus::Expired;
        }
        if self.status == to {
            return Ok(false);
        }
        let allowed = self.status.next();
        if !allowed.contains(&to) {
            return Err(IllegalMove {
                from: self.status,
                to,
                allowed,
            });
        }
        self.status = to;
        match to {
            OfferStatus::Viewed => self.viewed_at = self.viewed_at.or(Some(now)),
            OfferStatus::AddedToCart | OfferStatus::Purchased | OfferStatus::Rejected => {
                self.responded_at = Some(now);
            }
            OfferStatus::Pending | OfferStatus::Expired => {}
        }
        Ok(true)
    }
}

#[cfg(test)]
mod tests {
    use super::OfferStatus::{AddedToCart, Expired, Pending, Purchased, Rejected, Viewed};
    use super::*;
    use crate::id::OfferId;
    use crate::money::MinorUnits;
    use crate::offers::{Bundle, LIFETIME_MS, Pricing};

    fn offer() -> Offer {
        let now = UtcMillis::new(0);
        let zero = MinorUnits::new(0);
        let pricing = Pricing {
            base_price: zero,
            discount_percentage: 10,
            discount_amount: zero,
            final_price: zero,
        };
        let bundle = Bundle {
            items: vec![],
            target_quantity: 4,
            pricing,
            bonus_points: 0,
        };
        Offer::new(OfferId::generate(now, [0; 10]), 93, bundle, now)
    }

    fn at(status: OfferStatus) -> Offer {
        Offer { status, ..offer() }
    }

    #[test]
    fn only_the_moves_of_an_offers_life_are_legal() {
        let legal = [
            (Pending, Viewed),
            (Pending, AddedToCart),
            (Pending, Purchased),
            (Pending, Rejected),
            (Pending, Expired),
            (Viewed, AddedToCart),
            (Viewed, Purchased),
            (Viewed, Rejected),
            (Viewed, Expired),
            (AddedToCart, Purchased),
            (AddedToCart, Rejected),
            (AddedToCart, Expired),
        ];
        for from in OfferStatus::ALL {
            for to in OfferStatus::ALL {
                let moved = at(from).move_to(to, UtcMillis::new(1)).ok();
                let expected = if from == to {
                    Some(false)
                } else {
                    legal.contains(&(from, to)).then_some(true)
                };
                assert_eq!(moved, expected, "{from:?} → {to:?}");
            }
        }
    }

    #[test]
    fn an_illegal_move_says_which_moves_are_legal() {
        let backwards = at(AddedToCart)
            .move_to(Viewed, UtcMillis::new(1))
            .unwrap_err();
        assert_eq!(
            backwards.to_string(),
            "an offer cannot go from added_to_cart to viewed; legal moves: purchased, expired, rejected"
        );
        let over = at(Rejected).move_to(Viewed, UtcMillis::new(1)).unwrap_err();
        assert_eq!(
            over.to_string(),
            "an offer cannot go from rejected to viewed; this status is final"
        );
    }

    #[test]
    fn times_are_set_by_the_move_and_the_same_status_again_changes_nothing() {
        let mut offer = offer();
        assert_eq!(offer.move_to(Viewed, UtcMillis::new(5)), Ok(true));
        assert_eq!(offer.move_to(Viewed, UtcMillis::new(9)), Ok(false));
        assert_eq!(
            (offer.viewed_at, offer.responded_at),
            (Some(UtcMillis::new(5)), None)
        );
        assert_eq!(offer.move_to(AddedToCart, UtcMillis::new(11)), Ok(true));
        assert_eq!(offer.responded_at, Some(UtcMillis::new(11)));
    }

    #[test]
    fn an_offer_past_its_time_takes_no_answer() {
        let late = UtcMillis::new(LIFETIME_MS);
        let refused = offer().move_to(AddedToCart, late).unwrap_err();
        assert_eq!(refused.from, Expired);
        assert_eq!(offer().move_to(Expired, late), Ok(false));
    }
}
