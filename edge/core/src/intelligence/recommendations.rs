//! `GET /api/intelligence/recommendations`: what the shopper may want next, from the lists that the origin pushes.
//!
//! Whom nobody knows, or who does not prove who they are, is told what everybody is told.

use footfall_shared::id::ShopId;
use footfall_shared::identity::EmailHash;
use footfall_shared::text::InvalidField;
use footfall_shared::wire::intelligence::StorefrontRecommendationsReply;
use footfall_shared::wire::internal::{
    AskRecommendations, RecommendationList, RecommendationsAnswer, path,
};
use http::StatusCode;
use serde_json::value::RawValue;

use crate::cache::{self, Entry, key};
use crate::error::EdgeError;
use crate::http::{Request, Response};
use crate::intelligence::asker::{self, Asker, NOT_VERIFIED, UNAVAILABLE, Whom};
use crate::origin::ask;
use crate::platform::{OriginUnreachable, Platform};
use crate::trace::Trace;

/// How long a list is shown without a word from the origin, which makes them once a day and pushes each that changes.
pub(crate) const LIST_FRESH_MS: i64 = 24 * 3_600_000;

/// Recommendations where nobody says how many, and at most.
const USUAL: usize = 10;
const MOST: usize = 20;

/// A list whose recommendations are passed on as the text that they came as.
type List = RecommendationList<Box<RawValue>>;

pub(crate) async fn recommendations<P: Platform>(
    platform: &P,
    trace: &Trace,
    request: &Request,
) -> Result<Response, EdgeError> {
    let limit = match request.query_value("limit").map(|text| text.parse()) {
        None => USUAL,
        Some(Ok(limit @ 1..=MOST)) => limit,
        Some(_) => {
            let fault = InvalidField::new("limit", "must be from 1 to 20");
            return Err(EdgeError::field(fault));
        }
    };
    let Asker { asked, person } = match asker::find(platform, trace, request).await {
        Err(EdgeError::OriginUnreachable(_)) => return Ok(reply(None, Some(UNAVAILABLE), 0)),
        found => found?,
    };
    let (own, reason) = match &person {
        Whom::Customer(email_hash) => {
            let own = find(platform, trace, &asked.shop.shop, Some(email_hash)).await;
            (own.unwrap_or_default(), None)
        }
        Whom::Unproven => (None, Some(NOT_VERIFIED)),
        Whom::Stranger | Whom::Unnamed => (None, Some("not_recognized")),
    };
    let list = match own {
        Some(own) => Some(own),
        None => find(platform, trace, &asked.shop.shop, None)
            .await
            .unwrap_or_default(),
    };
    let reason = list.as_ref().map_or(Some(UNAVAILABLE), |_| reason);
    Ok(reply(list, reason, limit))
}

/// Somebody's own list, or everybody's: from the cache, else from the origin.
async fn find<P: Platform>(
    platform: &P,
    trace: &Trace,
    shop: &ShopId,
    whom: Option<&EmailHash>,
) -> Result<Option<List>, OriginUnreachable> {
    let (key, now) = (key::recommendations(shop, whom), platform.now());
    let held = cache::get::<List>(platform.cache(), &key).await;
    let is_fresh = held.as_ref().is_some_and(|entry| entry.is_fresh(now));
    trace.cache(is_fresh);
    if let (true, Some(entry)) = (is_fresh, held) {
        return Ok(entry.value);
    }
    let question = AskRecommendations {
        shop: shop.clone(),
        whom: whom.cloned(),
    };
    let answer = ask(platform, trace, path::RECOMMENDATIONS, &question).await?;
    let RecommendationsAnswer { version, list } = answer;
    let mut entry = Entry::fresh(version, list, now);
    entry.until = now.plus(LIST_FRESH_MS);
    cache::put_fetched(platform.cache(), &key, &entry).await;
    Ok(entry.value)
}

fn reply(list: Option<List>, reason: Option<&'static str>, limit: usize) -> Response {
    let success = list.is_some();
    let RecommendationList {
        basis,
        model_version,
        mut recommendations,
    } = list.unwrap_or(RecommendationList {
        basis: "none".to_owned(),
        model_version: None,
        recommendations: Vec::new(),
    });
    recommendations.truncate(limit);
    let reply = StorefrontRecommendationsReply {
        success,
        reason,
        basis,
        model_version,
        recommendations,
    };
    Response::json(StatusCode::OK, &reply)
}
