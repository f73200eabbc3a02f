//! Bodies of the customer-intelligence contract: the shop's own routes (`/wp-json/wg/v1/…`) and the
//! storefront's (`/api/intelligence/…`), which differ in the type of ids and in a few fields.

use serde::{Deserialize, Serialize};

use crate::id::ExternalId;
use crate::identity::Email;
use crate::money::Currency;
use crate::offers::{BundleItem, Offer, OfferStatus, Refusal};
use crate::profile::{Favourite, Peak, Profile, Window};
use crate::time::UtcMillis;
use crate::wire::internal::CustomerEntry;

/// `POST /api/intelligence/track-customer`.
#[derive(Debug, Clone, Default, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(default)]
pub struct TrackCustomerRequest {
    /// Customer email, if known.
    pub email: Option<String>,
    /// Customer id in the shop, if logged in.
    pub customer_id: Option<ExternalId>,
    /// Event to log; important events only.
    pub event_type: Option<String>,
    /// Browser fingerprint.
    pub fingerprint: Option<String>,
    /// Proof that the shop's back end vouches for the email (an addition to the contract): hexadecimal
    /// HMAC-SHA256 of the lower-case email under the shop's identity secret.
    pub user_hash: Option<String>,
    /// The browser's own id of the visitor (an addition to the contract).
    pub anonymous_id: Option<String>,
    /// The publishable key, where it cannot be a header.
    #[serde(rename = "writeKey")]
    pub write_key: Option<String>,
}

/// The answer to a tracked customer; both parts are `null` where nobody is recognized.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct TrackCustomerReply {
    /// Always `true`.
    pub success: bool,
    /// Who was tracked on which device.
    pub tracked: Option<TrackedReply>,
    /// The customer's profile.
    pub profile: Option<ProfileReply>,
}

/// Who was tracked on which device.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct TrackedReply {
    /// The email; masked where the caller may not see it.
    pub customer_email: Option<String>,
    /// Salted hash of the client's address.
    pub ip_hash: Option<String>,
    /// Salted hash of the browser's fingerprint.
    pub fingerprint: Option<String>,
}

/// A profile's id: an integer on the shop's routes, a text on the storefront's.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(untagged)]
pub enum WireId {
    /// The number within the shop.
    Number(i64),
    /// Footfall's own id.
    Text(String),
}

/// Which of the two families of routes a reply is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Audience {
    /// `/wp-json/wg/v1/…`
    Shop,
    /// `/api/intelligence/…`
    Storefront,
}

/// A favourite product as the contract shows it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct FavoriteProduct {
    /// The product.
    pub product_id: ExternalId,
    /// Its name.
    pub name: String,
    /// Its address part in the shop.
    pub slug: String,
    /// 3 × appearances + pieces.
    pub score: u64,
    /// Pieces in the last three orders.
    pub total_quantity: u64,
    /// How many of the last three orders contain it.
    pub appearances: u64,
    /// Those orders' numbers; left out by recalculate, as in the contract.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub order_numbers: Option<Vec<String>>,
}

impl FavoriteProduct {
    fn from_favourite(favourite: &Favourite, with_orders: bool) -> Self {
        let Favourite {
            product_id,
            name,
            slug,
            unit_price: _,
            score,
            total_quantity,
            appearances,
            order_numbers,
        } = favourite;
        Self {
            product_id: product_id.clone(),
            name: name.clone(),
            slug: slug.clone(),
            score: *score,
            total_quantity: *total_quantity,
            appearances: *appearances,
            order_numbers: with_orders.then(|| order_numbers.clone()),
        }
    }

    fn list(profile: &Profile, with_orders: bool) -> Vec<Self> {
        let favourites = profile.favourites.products().iter();
        favourites
            .map(|favourite| Self::from_favourite(favourite, with_orders))
            .collect()
    }
}

/// A customer's profile as the contract shows it. Local times are in the shop's time zone. Fields that the
/// caller may not see, or that are not known yet, are `null`.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct ProfileReply {
    /// The record's id.
    pub id: Option<WireId>,
    /// The shop's id of the customer.
    pub customer_id: Option<ExternalId>,
    /// The email; masked where the caller may not see it.
    pub customer_email: String,
    /// Salted hash of the address seen last.
    pub ip_hash: Option<String>,
    /// Salted hash of the fingerprint seen last.
    pub browser_fingerprint: Option<String>,
    /// ISO 3166 country of the device seen last.
    pub geo_country: Option<String>,
    /// City of the device seen last.
    pub geo_city: Option<String>,
    /// Favourite products, the best first.
    pub favorite_products: Option<Vec<FavoriteProduct>>,
    /// Pieces in the largest order.
    pub peak_spending_quantity: Option<u64>,
    /// Price of the largest order.
    pub peak_spending_amount: Option<f64>,
    /// Mean price of an order.
    pub avg_order_value: Option<f64>,
    /// Orders that count.
    pub total_orders: Option<u32>,
    /// When the last one was placed.
    pub last_order_date: Option<String>,
    /// Whole days since then.
    pub days_since_last_order: Option<i64>,
    /// Mean days between orders.
    pub purchase_cycle_days: Option<i64>,
    /// First moment of the prime window.
    pub next_prime_window_start: Option<String>,
    /// Last moment of the prime window.
    pub next_prime_window_end: Option<String>,
    /// 0–100.
    pub profile_score: Option<f64>,
    /// When the profile was calculated.
    pub last_recalculated: Option<String>,
    /// When the record was made.
    pub created_at: Option<String>,
    /// When it changed last.
    pub updated_at: Option<String>,
}

impl ProfileReply {
    /// The profile of an entry that has one.
    #[must_use]
    pub fn from_entry(entry: &CustomerEntry, audience: Audience, now: UtcMillis) -> Option<Self> {
        let profile = entry.profile.as_ref()?;
        let card = &entry.card;
        let window = profile.window;
        Some(Self {
            id: Some(match audience {
                Audience::Shop => WireId::Number(card.number),
                Audience::Storefront => WireId::Text(card.id.to_string()),
            }),
            customer_id: card.external_id.clone(),
            customer_email: card.email.as_str().to_owned(),
            ip_hash: card.ip.as_ref().map(|ip| ip.as_str().to_owned()),
            browser_fingerprint: card
                .fingerprint
                .as_ref()
                .map(|print| print.as_str().to_owned()),
            geo_country: card.geo.as_ref().and_then(|geo| geo.country.clone()),
            geo_city: card.geo.as_ref().and_then(|geo| geo.city.clone()),
            favorite_products: Some(FavoriteProduct::list(profile, true)),
            peak_spending_quantity: Some(profile.peak.quantity),
            peak_spending_amount: Some(profile.peak.amount.to_major(entry.currency)),
            avg_order_value: Some(profile.avg_order_value.to_major(entry.currency)),
            total_orders: Some(profile.total_orders),
            last_order_date: Some(profile.last_order.to_local_text()),
            days_since_last_order: Some(profile.days_since_last_order(now)),
            purchase_cycle_days: profile.cycle_days(),
            next_prime_window_start: window.map(|window| window.start.to_local_text()),
            next_prime_window_end: window.map(|window| window.end.to_local_text()),
            profile_score: Some(profile.score.to_f64()),
            last_recalculated: Some(profile.recalculated.to_local_text()),
            created_at: Some(card.created.to_local_text()),
            updated_at: Some(card.updated.to_local_text()),
        })
    }

    /// The contract's shape without anything that tells of a person, not even whether there is one.
    #[must_use]
    pub fn masked() -> Self {
        Self {
            id: None,
            customer_id: None,
            customer_email: Email::MASKED.to_owned(),
            ip_hash: None,
            browser_fingerprint: None,
            geo_country: None,
            geo_city: None,
            favorite_products: None,
            peak_spending_quantity: None,
            peak_spending_amount: None,
            avg_order_value: None,
            total_orders: None,
            last_order_date: None,
            days_since_last_order: None,
            purchase_cycle_days: None,
            next_prime_window_start: None,
            next_prime_window_end: None,
            profile_score: None,
            last_recalculated: None,
            created_at: None,
            updated_at: None,
        }
    }
}

/// `GET /wp-json/wg/v1/intelligence/profile`.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct GetProfileReply {
    /// Always `true`.
    pub success: bool,
    /// The profile.
    pub profile: ProfileReply,
}

/// `POST /wp-json/wg/v1/intelligence/recalculate`.
#[derive(Debug, Clone, Default, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(default)]
pub struct RecalculateRequest {
    /// Customer email address; required.
    pub customer_email: Option<String>,
}

/// The answer to a recalculation.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct RecalculateReply {
    /// Always `true`.
    pub success: bool,
    /// A sentence for people.
    pub message: String,
    /// What was calculated.
    pub data: RecalculatedData,
}

/// What a recalculation found.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct RecalculatedData {
    /// Favourite products, the best first.
    pub favorite_products: Vec<FavoriteProduct>,
    /// The largest order.
    pub peak_spending: PeakSpending,
    /// Mean days between orders; `null` before the second order.
    pub purchase_cycle: Option<i64>,
    /// When the next order is due; `null` before the second order.
    pub prime_window: Option<PrimeWindow>,
    /// 0–100.
    pub profile_score: f64,
}

/// The largest order.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct PeakSpending {
    /// Pieces.
    pub quantity: u64,
    /// Price.
    pub amount: f64,
    /// The order.
    pub order_id: ExternalId,
    /// Its number.
    pub order_number: String,
    /// When it was placed, in the shop's time zone.
    pub order_date: String,
}

/// The prime window in the shop's time zone.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct PrimeWindow {
    /// Its first second.
    pub start: String,
    /// Its last second.
    pub end: String,
}

impl RecalculateReply {
    /// What the recalculated profile says.
    #[must_use]
    pub fn from_profile(profile: &Profile, currency: Currency) -> Self {
        let Peak {
            quantity,
            amount,
            order_id,
            order_number,
            at,
        } = &profile.peak;
        let window = |Window { start, end }: Window| PrimeWindow {
            start: start.to_local_text(),
            end: end.to_local_text(),
        };
        Self {
            success: true,
            message: "Profile recalculated successfully".to_owned(),
            data: RecalculatedData {
                favorite_products: FavoriteProduct::list(profile, false),
                peak_spending: PeakSpending {
                    quantity: *quantity,
                    amount: amount.to_major(currency),
                    order_id: order_id.clone(),
                    order_number: order_number.clone(),
                    order_date: at.to_local_text(),
                },
                purchase_cycle: profile.cycle_days(),
                prime_window: profile.window.map(window),
                profile_score: profile.score.to_f64(),
            },
        }
    }
}

/// A product in a bundle as the contract shows it.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct BundleLine {
    /// The product.
    pub product_id: ExternalId,
    /// Its name.
    pub name: String,
    /// Its address part in the shop.
    pub slug: String,
    /// Pieces.
    pub quantity: u32,
    /// Price of one piece.
    pub unit_price: f64,
    /// Price of all its pieces.
    pub subtotal: f64,
}

/// What a bundle costs.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct PricingReply {
    /// Price of all pieces.
    pub base_price: f64,
    /// Discount in percent.
    pub discount_percentage: u32,
    /// Discount in money.
    pub discount_amount: f64,
    /// What the shopper pays.
    pub final_price: f64,
    /// The bundle once more; on the shop's route only.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub bundle_items: Option<Vec<BundleLine>>,
    /// ISO 4217 (an addition to the contract, for the popup); on the storefront's route only.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub currency: Option<String>,
}

/// Whom an offer is for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct BundleCustomer {
    /// Given name.
    pub first_name: Option<String>,
    /// Family name.
    pub last_name: Option<String>,
    /// The email.
    pub email: String,
}

/// The profile's part in a bundle reply.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct BundleProfile {
    /// Orders that count.
    pub total_orders: u32,
    /// Whole days since the last one.
    pub days_since_last_order: i64,
    /// Favourite products, the best first.
    pub favorite_products: Vec<FavoriteProduct>,
}

/// An offer, on the shop's route and on the storefront's.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct BundleReply {
    /// Always `true`.
    pub success: bool,
    /// The offer.
    pub offer_id: WireId,
    /// What is in it.
    pub bundle: Vec<BundleLine>,
    /// What it costs.
    pub pricing: PricingReply,
    /// Loyalty points that the purchase earns.
    pub bonus_points: i64,
    /// Pieces in all; on the shop's route only.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub target_quantity: Option<u32>,
    /// The offer in a sentence, in the shop's language; on the shop's route only.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub message: Option<String>,
    /// Whom it is for.
    pub customer: BundleCustomer,
    /// What it rests on; `null` where the profile is gone.
    pub profile: Option<BundleProfile>,
}

impl BundleReply {
    /// The reply for `offer`, which belongs to `entry`. `locale` is the language of the sentence.
    #[must_use]
    pub fn from_offer(
        entry: &CustomerEntry,
        offer: &Offer,
        audience: Audience,
        locale: &str,
        now: UtcMillis,
    ) -> Self {
        let currency = entry.currency;
        let bundle: Vec<BundleLine> = offer
            .bundle
            .items
            .iter()
            .map(|item| BundleLine::from_item(item, currency))
            .collect();
        let pricing = offer.bundle.pricing;
        let shop = audience == Audience::Shop;
        Self {
            success: true,
            offer_id: match audience {
                Audience::Shop => WireId::Number(offer.number),
                Audience::Storefront => WireId::Text(offer.id.to_string()),
            },
            pricing: PricingReply {
                base_price: pricing.base_price.to_major(currency),
                discount_percentage: pricing.discount_percentage,
                discount_amount: pricing.discount_amount.to_major(currency),
                final_price: pricing.final_price.to_major(currency),
                bundle_items: shop.then(|| bundle.clone()),
                currency: (!shop).then(|| currency.as_str().to_owned()),
            },
            bundle,
            bonus_points: offer.bundle.bonus_points,
            target_quantity: shop.then_some(offer.bundle.target_quantity),
            message: shop.then(|| sentence(offer, currency, locale)),
            customer: BundleCustomer {
                first_name: entry.card.first_name.clone(),
                last_name: entry.card.last_name.clone(),
                email: entry.card.email.as_str().to_owned(),
            },
            profile: entry.profile.as_ref().map(|profile| BundleProfile {
                total_orders: profile.total_orders,
                days_since_last_order: profile.days_since_last_order(now),
                favorite_products: FavoriteProduct::list(profile, true),
            }),
        }
    }
}

impl BundleLine {
    fn from_item(item: &BundleItem, currency: Currency) -> Self {
        let BundleItem {
            product_id,
            name,
            slug,
            quantity,
            unit_price,
        } = item;
        Self {
            product_id: product_id.clone(),
            name: name.clone(),
            slug: slug.clone(),
            quantity: *quantity,
            unit_price: unit_price.to_major(currency),
            subtotal: unit_price.times(*quantity).to_major(currency),
        }
    }
}

/// The offer in a sentence; Dutch as the contract has it, else English.
fn sentence(offer: &Offer, currency: Currency, locale: &str) -> String {
    let items: Vec<String> = offer
        .bundle
        .items
        .iter()
        .map(|item| format!("{}x {}", item.quantity, item.name))
        .collect();
    let items = items.join(" + ");
    let sign = if currency == Currency::EUR {
        "€".to_owned()
    } else {
        format!("{} ", currency.as_str())
    };
    let price = format!(
        "{sign}{}",
        offer.bundle.pricing.final_price.to_text(currency)
    );
    let normal = format!(
        "{sign}{}",
        offer.bundle.pricing.base_price.to_text(currency)
    );
    let points = offer.bundle.bonus_points;
    if locale.starts_with("nl") {
        format!(
            "🎁 Speciale aanbieding! Bestel {items} voor slechts {price} (normaal {normal}) en ontvang {points} loyaliteitspunten!"
        )
    } else {
        format!(
            "🎁 Special offer! Order {items} for only {price} (normally {normal}) and receive {points} loyalty points!"
        )
    }
}

/// No offer, told on the shop's route with a 200.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct NoBundleReply {
    /// Always `false`.
    pub success: bool,
    /// A sentence for people.
    pub message: String,
    /// The contract's code.
    pub code: String,
    /// When the customer becomes eligible, in the shop's time zone.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub next_window: Option<String>,
}

impl NoBundleReply {
    /// Why there is no offer.
    #[must_use]
    pub fn from_refusal(refusal: Refusal) -> Self {
        let next_window = match refusal {
            Refusal::NotInPrimeWindow { next } => Some(next.to_local_text()),
            _ => None,
        };
        Self {
            success: false,
            message: refusal.message().to_owned(),
            code: refusal.code().to_owned(),
            next_window,
        }
    }
}

/// No offer, told on the storefront's route with a 200.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct NoOfferReply {
    /// Always `false`.
    pub success: bool,
    /// A sentence for people.
    pub message: String,
    /// The contract's code of why.
    pub reason: String,
}

impl NoOfferReply {
    /// No offer, for this reason.
    #[must_use]
    pub fn because(reason: impl Into<String>) -> Self {
        Self {
            success: false,
            message: "No active bundle offer found".to_owned(),
            reason: reason.into(),
        }
    }
}

/// `GET /api/intelligence/recommendations`, an addition to the contract.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct StorefrontRecommendationsReply<R> {
    /// Whether there is a list.
    pub success: bool,
    /// Why nothing personal is told: `not_recognized`, `identity_not_verified` or `temporarily_unavailable`.
    pub reason: Option<&'static str>,
    /// `personal`; `cold`, which is the same for everybody who is not known to have bought anything; `untrained` before
    /// the first training; `none` where there is no list.
    #[cfg_attr(feature = "openapi", schema(example = "personal"))]
    pub basis: String,
    /// The version of the recommender that made the list.
    pub model_version: Option<i64>,
    /// The best first. What the customer has is among them only where customers buy it again and again.
    pub recommendations: Vec<R>,
}

/// `POST …/bundle-status` and `…/bundle-status-update`.
#[derive(Debug, Clone, Default, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(default)]
pub struct BundleStatusRequest {
    /// The offer: its number, or its id as text on the storefront's route.
    pub offer_id: Option<ExternalId>,
    /// The new status.
    pub status: Option<String>,
    /// Whose email to log the behavioural event with.
    pub customer_email: Option<String>,
    /// The publishable key, where it cannot be a header.
    #[serde(rename = "writeKey")]
    pub write_key: Option<String>,
}

/// A changed status.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct BundleStatusReply {
    /// Always `true`.
    pub success: bool,
    /// A sentence for people.
    pub message: String,
    /// The offer as the caller named it.
    pub offer_id: ExternalId,
    /// Where it stands now.
    pub status: OfferStatus,
}

impl BundleStatusReply {
    /// The offer stands at `status`.
    #[must_use]
    pub fn new(offer_id: ExternalId, status: OfferStatus) -> Self {
        Self {
            success: true,
            message: "Status updated successfully".to_owned(),
            offer_id,
            status,
        }
    }
}

/// The contract's sentence for a status that is none.
#[must_use]
pub fn invalid_status_message() -> String {
    let names: Vec<&str> = OfferStatus::ALL
        .iter()
        .map(|status| status.as_str())
        .collect();
    format!("Invalid status. Must be one of: {}", names.join(", "))
}
