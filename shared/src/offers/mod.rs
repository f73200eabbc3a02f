//! Bundle offers: who gets one, what is in it, what it costs, and how it moves through its life.
//!
//! [`decide`] is the rule that both sides run: the edge on its cached entry, the origin on its tables. Only
//! the origin makes an offer durable; the edge asks it to when the rule says [`Decision::Make`].

pub mod bundle;
pub mod pricing;
pub mod status;

use serde::{Deserialize, Serialize};

use crate::id::{ExternalId, OfferId};
use crate::money::MinorUnits;
use crate::profile::{Favourites, Profile};
use crate::time::{DAY_MS, Moment, UtcMillis};

pub use pricing::Pricing;
pub use status::{IllegalMove, OfferStatus};

/// How long an offer stands.
pub const LIFETIME_MS: i64 = 7 * DAY_MS;
/// From so many days without an order a customer is eligible outside the window too.
pub const IDLE_DAYS: i64 = 14;
/// The smallest peak that gives an offer.
pub const PEAK_MIN: u64 = 3;

/// A product in a bundle.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct BundleItem {
    /// The product.
    pub product_id: ExternalId,
    /// Its name.
    pub name: String,
    /// Its address part in the shop.
    pub slug: String,
    /// Pieces in the bundle.
    pub quantity: u32,
    /// Price of one piece without discount.
    pub unit_price: MinorUnits,
}

/// What an offer offers, before it has an id: the pure outcome of the rule.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Bundle {
    /// One or two products.
    pub items: Vec<BundleItem>,
    /// Pieces in all.
    pub target_quantity: u32,
    /// What it costs.
    pub pricing: Pricing,
    /// Loyalty points that the purchase earns.
    pub bonus_points: i64,
}

/// An offer made to a customer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Offer {
    /// Its id.
    pub id: OfferId,
    /// Its number within the shop, the integer id of the contract's shop routes.
    pub number: i64,
    /// Where it stands.
    pub status: OfferStatus,
    /// What it offers.
    pub bundle: Bundle,
    /// When it was made.
    pub created_at: UtcMillis,
    /// From when it is over.
    pub expires_at: UtcMillis,
    /// When it was first shown.
    pub viewed_at: Option<UtcMillis>,
    /// When the shopper last answered it.
    pub responded_at: Option<UtcMillis>,
}

impl Offer {
    /// A new pending offer.
    #[must_use]
    pub fn new(id: OfferId, number: i64, bundle: Bundle, now: UtcMillis) -> Self {
        Self {
            id,
            number,
            status: OfferStatus::Pending,
            bundle,
            created_at: now,
            expires_at: now.plus(LIFETIME_MS),
            viewed_at: None,
            responded_at: None,
        }
    }

    /// Whether it can still be answered.
    #[must_use]
    pub fn is_active(&self, now: UtcMillis) -> bool {
        self.status.is_open() && now < self.expires_at
    }

    /// Whether `items` (product and pieces) contain the whole bundle.
    #[must_use]
    pub fn is_contained_in<'a>(
        &self,
        items: impl Iterator<Item = (&'a ExternalId, u32)> + Clone,
    ) -> bool {
        self.bundle.items.iter().all(|wanted| {
            let bought: u64 = items
                .clone()
                .filter(|(product, _)| **product == wanted.product_id)
                .map(|(_, quantity)| u64::from(quantity))
                .sum();
            bought >= u64::from(wanted.quantity)
        })
    }
}

/// Why a customer gets no offer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Refusal {
    /// Nobody is known, or no order counts yet.
    ProfileNotFound,
    /// The next order is not due.
    NotInPrimeWindow {
        /// When the prime window opens; where none lies ahead, when the idle days are over. With a cycle of
        /// more than 17 days the idle days end first.
        next: Moment,
    },
    /// The last orders hold no product.
    NoFavorites,
    /// The last orders hold excluded products only.
    OnlyExcluded,
    /// The largest order so far is below [`PEAK_MIN`] pieces.
    PeakTooLow,
}

impl Refusal {
    /// The contract's code.
    #[must_use]
    pub const fn code(self) -> &'static str {
        match self {
            Self::ProfileNotFound => "profile_not_found",
            Self::NotInPrimeWindow { .. } => "not_in_prime_window",
            Self::NoFavorites => "no_favorites",
            Self::OnlyExcluded => "only_excluded",
            Self::PeakTooLow => "peak_too_low",
        }
    }

    /// The contract's sentence.
    #[must_use]
    pub const fn message(self) -> &'static str {
        match self {
            Self::ProfileNotFound => {
                "Customer profile not found. Please recalculate profile first."
            }
            Self::NotInPrimeWindow { .. } => "Customer not in prime buying window yet",
            Self::NoFavorites => "No favorite products identified",
            Self::OnlyExcluded => {
                "Customer only purchased excluded products, no bundle offer allowed"
            }
            Self::PeakTooLow => "Customer peak spending too low for bundle offer",
        }
    }
}

/// What the rule says about a customer's offer now.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Decision<'a> {
    /// The offer that stands.
    Standing(&'a Offer),
    /// None stands, and this one is due.
    Make(Bundle),
    /// None stands and none is due.
    Refuse(Refusal),
}

/// Decides which offer a customer gets. `latest` is the customer's latest offer, whatever became of it.
#[must_use]
pub fn decide<'a>(
    profile: Option<&Profile>,
    latest: Option<&'a Offer>,
    now: UtcMillis,
) -> Decision<'a> {
    if let Some(offer) = latest.filter(|offer| offer.is_active(now)) {
        return Decision::Standing(offer);
    }
    match profile
        .ok_or(Refusal::ProfileNotFound)
        .and_then(|profile| eligible(profile, now))
    {
        Ok(bundle) => Decision::Make(bundle),
        Err(refusal) => Decision::Refuse(refusal),
    }
}

fn eligible(profile: &Profile, now: UtcMillis) -> Result<Bundle, Refusal> {
    let idle = profile.days_since_last_order(now) >= IDLE_DAYS;
    if !idle && !profile.window.is_some_and(|window| window.contains(now)) {
        return Err(Refusal::NotInPrimeWindow {
            next: next_window(profile, now),
        });
    }
    let favourites = match &profile.favourites {
        Favourites::Products(favourites) => favourites,
        Favourites::OnlyExcluded => return Err(Refusal::OnlyExcluded),
        Favourites::Nothing => return Err(Refusal::NoFavorites),
    };
    if profile.peak.quantity < PEAK_MIN {
        return Err(Refusal::PeakTooLow);
    }
    Ok(bundle::compose(
        favourites,
        profile.peak.quantity,
        profile.score,
    ))
}

/// The window's start where it still lies ahead, else the end of the idle days.
fn next_window(profile: &Profile, now: UtcMillis) -> Moment {
    match profile.window {
        Some(window) if window.start.at > now => window.start,
        _ => Moment {
            at: profile.last_order.at.plus(IDLE_DAYS * DAY_MS),
            offset_s: profile.last_order.offset_s,
        },
    }
}

#[cfg(test)]
mod tests {
    use crate::order::Order;
    use crate::profile::testing::{order, profile};

    use super::*;

    fn steady_buyer() -> Vec<Order> {
        (0..3)
            .map(|at| order(at, at.cast_signed() * 10, &[(44, 3, 1495)]))
            .collect()
    }

    fn code(orders: &[Order], now_day: i64) -> &'static str {
        let profile = profile(orders, now_day);
        match decide(Some(&profile), None, UtcMillis::new(now_day * DAY_MS)) {
            Decision::Make(_) => "make",
            Decision::Standing(_) => "standing",
            Decision::Refuse(refusal) => refusal.code(),
        }
    }

    #[test]
    fn an_offer_is_due_in_the_window_or_after_fourteen_days() {
        // Orders on day 0, 10 and 20: the window is day 28 to 32, the idle rule starts on day 34.
        for (day, expected) in [
            (27, "not_in_prime_window"),
            (28, "make"),
            (32, "make"),
            (33, "not_in_prime_window"),
            (34, "make"),
            (400, "make"),
        ] {
            assert_eq!(code(&steady_buyer(), day), expected, "day {day}");
        }
    }

    #[test]
    fn who_is_too_early_is_told_when_to_come_back() {
        let profile = profile(&steady_buyer(), 21);
        let next_on = |day: i64| match decide(Some(&profile), None, UtcMillis::new(day * DAY_MS)) {
            Decision::Refuse(Refusal::NotInPrimeWindow { next }) => next.at.get() / DAY_MS,
            other => panic!("{other:?}"),
        };
        assert_eq!(next_on(21), 28);
        assert_eq!(next_on(33), 34);
    }

    #[test]
    fn each_missing_condition_has_its_code() {
        assert_eq!(code(&[order(1, 0, &[])], 20), "no_favorites");
        assert_eq!(code(&[order(1, 0, &[(1893, 9, 100)])], 20), "only_excluded");
        assert_eq!(code(&[order(1, 0, &[(44, 2, 100)])], 20), "peak_too_low");
        assert_eq!(
            decide(None, None, UtcMillis::new(0)),
            Decision::Refuse(Refusal::ProfileNotFound)
        );
    }

    #[test]
    fn a_standing_offer_is_returned_until_it_is_answered_or_over() {
        let profile = profile(&steady_buyer(), 30);
        let now = UtcMillis::new(30 * DAY_MS);
        let Decision::Make(bundle) = decide(Some(&profile), None, now) else {
            panic!("not due")
        };
        let mut offer = Offer::new(OfferId::generate(now, [1; 10]), 93, bundle, now);
        let stands = |offer: &Offer, later: i64| {
            matches!(
                decide(Some(&profile), Some(offer), now.plus(later)),
                Decision::Standing(_)
            )
        };
        assert!(stands(&offer, LIFETIME_MS - 1));
        assert!(!stands(&offer, LIFETIME_MS));
        offer.status = OfferStatus::Rejected;
        assert!(!stands(&offer, 0));
    }

    #[test]
    fn an_order_contains_a_bundle_when_it_has_all_its_pieces() {
        let bundle = bundle::compose(
            profile(&[order(1, 0, &[(44, 3, 1495), (38, 1, 1495)])], 20)
                .favourites
                .products(),
            3,
            crate::profile::Score::from_tenths(0),
        );
        let offer = Offer::new(
            OfferId::generate(UtcMillis::new(0), [0; 10]),
            1,
            bundle,
            UtcMillis::new(0),
        );
        let bought = |lines: &[(u64, u32)]| {
            let lines: Vec<(ExternalId, u32)> = lines
                .iter()
                .map(|(product, quantity)| ((*product).into(), *quantity))
                .collect();
            offer.is_contained_in(lines.iter().map(|(product, quantity)| (product, *quantity)))
        };
        assert!(bought(&[(44, 1), (44, 1), (38, 2), (7, 1)]));
        assert!(!bought(&[(44, 4)]));
    }
}
