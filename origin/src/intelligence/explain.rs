//! Why an offer was made: the profile that it was decided on, in words, and the decision made again.

use footfall_shared::id::ShopId;
use footfall_shared::offers::{Bundle, Decision, IDLE_DAYS, decide};
use footfall_shared::profile::Profile;
use footfall_shared::text::hex;
use footfall_shared::time::{DAY_MS, UtcMillis};
use serde::Serialize;
use serde_json::Value;
use sha2::{Digest, Sha256};
use utoipa::ToSchema;

use super::queries::offers as queries;
use crate::db::{Handle, StorageError};

/// An offer, explained.
#[derive(Debug, Serialize, ToSchema)]
pub struct ExplainedOffer {
    /// The offer's id.
    id: String,
    /// When it was decided, RFC 3339.
    at: String,
    /// Always `offer`.
    purpose: &'static str,
    /// Why, in words.
    reasoning: Vec<String>,
    /// The profile that it was decided on; `null` of offers that were made before it was kept.
    #[schema(value_type = Option<Object>)]
    input: Option<Value>,
    /// What was offered.
    #[schema(value_type = Object)]
    bundle: Value,
    /// Whether the rule makes the same offer of the same profile, to the byte; `null` without the profile.
    same: Option<bool>,
    /// SHA-256 of what was offered.
    logged: String,
    /// SHA-256 of what the rule makes now.
    replayed: Option<String>,
}

/// Explains an offer by its id; `None` where the shop has none.
pub async fn explain_offer(
    db: &mut impl Handle,
    shop: &ShopId,
    id: &str,
) -> Result<Option<ExplainedOffer>, StorageError> {
    let Some((offer, profile)) = queries::find_decided(db, shop, id).await? else {
        return Ok(None);
    };
    let again = profile
        .as_ref()
        .and_then(|profile| again(profile, offer.created_at));
    let logged = digest(&offer.bundle);
    let replayed = again.as_ref().map(digest);
    // Texts and whole numbers always serialize.
    let json = |value: &Bundle| serde_json::to_value(value).unwrap_or_default();
    Ok(Some(ExplainedOffer {
        id: offer.id.as_str().to_owned(),
        at: offer.created_at.to_rfc3339(),
        purpose: "offer",
        reasoning: profile
            .as_ref()
            .map(|profile| words(profile, &offer.bundle, offer.created_at))
            .unwrap_or_default(),
        bundle: json(&offer.bundle),
        same: profile.as_ref().map(|_| replayed.as_ref() == Some(&logged)),
        input: profile.and_then(|profile| serde_json::to_value(profile).ok()),
        logged,
        replayed,
    }))
}

fn again(profile: &Profile, at: UtcMillis) -> Option<Bundle> {
    match decide(Some(profile), None, at) {
        Decision::Make(bundle) => Some(bundle),
        Decision::Standing(_) | Decision::Refuse(_) => None,
    }
}

fn digest(bundle: &Bundle) -> String {
    hex(&Sha256::digest(
        serde_json::to_vec(bundle).unwrap_or_default(),
    ))
}

fn words(profile: &Profile, bundle: &Bundle, at: UtcMillis) -> Vec<String> {
    let days = at.since(profile.last_order.at) / DAY_MS;
    let in_window = profile.window.is_some_and(|window| window.contains(at));
    let due = match in_window {
        true => "The next order was due: the time lay in the customer's prime window".to_owned(),
        false => format!("The last order was {days} days ago, {IDLE_DAYS} or more"),
    };
    let peak = profile.peak.quantity;
    let items = bundle.items.iter().map(|item| {
        format!(
            "{} × {}, a favourite of the customer's last orders",
            item.quantity, item.name
        )
    });
    let size = format!(
        "{} pieces: one more than the largest order so far, which had {peak}, and at least 4",
        bundle.target_quantity
    );
    [due, size].into_iter().chain(items).collect()
}
