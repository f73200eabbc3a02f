//! `GET /api/journey/sessions/{sessionId}/state`: a session, with all that are the same person's.

use footfall_shared::id::ShopId;
use footfall_shared::journey::session::{LINKS_MAX, Session};
use footfall_shared::journey::unify::{first_of_unified, unify};
use footfall_shared::wire::journey::StateReply;
use http::StatusCode;

use super::{failed, model, seen_at, unknown_session};
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
    let reply = StateReply::of(session, &whole, aliases, &model(), now);
    Ok(Response::json(StatusCode::OK, &reply))
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
    let mut at = 0;
    while let Some((_, session)) = group.get(at) {
        for link in session.links.clone() {
            let is_new = group.iter().all(|(name, _)| *name != link.session);
            if is_new && group.len() <= LINKS_MAX {
                let found = find(platform, shop, &link.session).await?;
                group.extend(found.map(|found| (link.session, found)));
            }
        }
        at += 1;
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
