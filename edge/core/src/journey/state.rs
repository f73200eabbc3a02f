//! `GET /api/journey/sessions/{sessionId}/state`: a session, with all that are the same person's. Its `ETag` is the
//! digest of the session's bytes, so that everybody can see that edge and origin hold the same.

use footfall_shared::id::ShopId;
use footfall_shared::journey::session::{LINKS_MAX, Session};
use footfall_shared::journey::unify::{digest, first_of_unified, missing_of, unify};
use footfall_shared::wire::journey::StateReply;
use http::StatusCode;
use http::header::ETAG;

use super::choose::kit;
use super::{failed, seen_at, unknown_session};
use crate::error::EdgeError;
use crate::guard;
use crate::http::{Request, Response};
use crate::platform::{Platform, Sessions};
use crate::trace::Trace;

pub(super) async fn state<P: Platform>(
    platform: &P,
    trace: &Trace,
    request: &Request,
    session: &str,
) -> Result<Response, EdgeError> {
    let asked = guard::admit(platform, trace, request, None).await?;
    let group = group(platform, &asked.shop.shop, session).await?;
    let (aliases, sessions): (Vec<String>, Vec<Session>) = group.into_iter().unzip();
    let whole = unify(&sessions);
    let now = seen_at(platform, &whole);
    let kit = kit(platform, trace, &asked.shop.shop).await;
    let reply = StateReply::of(session, &whole, aliases, &kit.model, now);
    let tag = format!("\"{}\"", digest(&whole));
    Ok(Response::json(StatusCode::OK, &reply).with(ETAG, &tag))
}

/// A session with all that it is linked with, itself first; also by the name that they have together.
pub(super) async fn group<P: Platform>(
    platform: &P,
    shop: &ShopId,
    session: &str,
) -> Result<Vec<(String, Session)>, EdgeError> {
    let found = find(platform, shop, session).await?;
    let first = match (found, first_of_unified(session)) {
        (Some(found), _) => Some((session.to_owned(), found)),
        (None, Some(first)) => {
            let found = find(platform, shop, first)
                .await?
                .filter(|found| !found.links.is_empty());
            found.map(|found| (first.to_owned(), found))
        }
        (None, None) => None,
    };
    let mut group = vec![first.ok_or_else(unknown_session)?];
    // Each round goes one link further; a session that is gone is not asked for for ever.
    for _ in 0..LINKS_MAX {
        for name in missing_of(&group) {
            if let Some(session) = find(platform, shop, &name).await? {
                group.push((name, session));
            }
        }
    }
    Ok(group)
}

async fn find<P: Platform>(
    platform: &P,
    shop: &ShopId,
    session: &str,
) -> Result<Option<Session>, EdgeError> {
    platform
        .sessions()
        .read(shop, session)
        .await
        .map_err(failed)
}
