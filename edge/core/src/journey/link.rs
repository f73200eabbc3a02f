//! `POST` and `DELETE /api/journey/sessions/link`: two sessions are one person's, or are not after all.
//!
//! **Invariant:** each session keeps a link of its own to the other, so that it does not matter which one is named
//! first, a repetition changes nothing, and a call that broke off half way is completed by the next.

use footfall_shared::identity::{Email, Trust};
use footfall_shared::journey::event::{Happening, Link};
use footfall_shared::journey::parse::{self, Read};
use footfall_shared::journey::session::Session;
use footfall_shared::journey::unify::unified_id;
use footfall_shared::wire::journey::{LinkReply, LinkRequest, LinkingData};
use http::{Method, StatusCode};
use serde_json::{Map, json};

use super::choose::kit;
use super::state::group;
use super::track::fault;
use super::{Told, failed, run, seen_at, unknown_session};
use crate::error::EdgeError;
use crate::guard::{self, ShopRequest};
use crate::http::{Request, Response};
use crate::limits;
use crate::platform::{Platform, Sessions};
use crate::trace::Trace;

pub(super) async fn link<P: Platform>(
    platform: &P,
    trace: &Trace,
    request: &Request,
) -> Result<Response, EdgeError> {
    let (asked, body) = guard::admit_with_body::<P, LinkRequest>(platform, trace, request).await?;
    let id = |field, text: &str| parse::session_id(field, text).map_err(EdgeError::field);
    let one = id("primarySessionId", &body.primary_session_id)?;
    let other = id("secondarySessionId", &body.secondary_session_id)?;
    if one == other {
        return Err(fault(
            "secondarySessionId",
            "must be another session than primarySessionId",
        ));
    }
    limits::spend_of_session(platform, trace, &asked, &one, limits::OfSession::Tracking).await?;
    prove(platform, &asked, body.linking_data.as_ref())?;
    let joins = request.method == Method::POST;
    let shop = &asked.shop.shop;
    let (mut held, mut missing) = (Vec::new(), false);
    for name in [&one, &other] {
        let session = platform.sessions().read(shop, name).await.map_err(failed)?;
        missing |= session.is_none();
        held.push(session.unwrap_or_default());
    }
    if missing {
        return Err(unknown_session());
    }
    let method = body.linking_method.as_deref();
    for (session, name, with) in [(&held[0], &one, &other), (&held[1], &other, &one)] {
        if session.links.iter().any(|link| link.session == *with) != joins {
            let told = told(name, with, joins, method).map_err(EdgeError::field)?;
            run(platform, &asked, told).await?;
        }
    }
    if !joins {
        return Ok(Response::json(StatusCode::OK, &json!({"success": true})));
    }
    let sessions: Vec<Session> = group(platform, shop, &one)
        .await?
        .into_iter()
        .map(|(_, session)| session)
        .collect();
    let latest = sessions.iter().max_by_key(|session| session.last_at);
    let now = latest.map_or(platform.now(), |session| seen_at(platform, session));
    let kit = kit(platform, trace, shop).await;
    let reply = LinkReply::of(unified_id(&one, &other), &sessions, &kit.model, now);
    Ok(Response::json(StatusCode::OK, &reply))
}

/// An address links two sessions only where it is the shopper's: by the shop's server, by the hash with which that
/// vouches for it, or where the mode or the shop trusts whatever is claimed.
fn prove<P: Platform>(
    platform: &P,
    asked: &ShopRequest,
    data: Option<&LinkingData>,
) -> Result<(), EdgeError> {
    let Some((data, text)) = data.and_then(|data| Some((data, data.email.as_ref()?))) else {
        return Ok(());
    };
    let email = Email::parse("linkingData.email", text).map_err(EdgeError::field)?;
    let vouched = match &data.user_hash {
        Some(hash) if email.is_vouched_by(hash, &asked.shop.identity_secret) => true,
        Some(_) => {
            return Err(fault(
                "linkingData.user_hash",
                "does not belong to the email",
            ));
        }
        None => asked.is_backend(),
    };
    let trust = if vouched {
        Trust::Verified
    } else {
        Trust::Claimed
    };
    let from = platform
        .config()
        .access
        .reveal_from
        .min(asked.shop.settings.reveal_from);
    if trust < from {
        return Err(EdgeError::Contract {
            status: StatusCode::FORBIDDEN,
            code: "identity_not_verified",
            message: "Sessions are linked by email only with a verified identity".to_owned(),
        });
    }
    Ok(())
}

fn told(
    session: &str,
    with: &str,
    joins: bool,
    method: Option<&str>,
) -> Result<Told, footfall_shared::text::InvalidField> {
    let method = method
        .map(|text| footfall_shared::text::required("linkingMethod", text, 64).map(str::to_owned))
        .transpose()?;
    let link = Link {
        with: with.to_owned(),
        unified: unified_id(session, with),
        method,
    };
    Ok(Told {
        session: session.to_owned(),
        client: None,
        key: None,
        read: Read {
            what: if joins {
                Happening::Linked(link)
            } else {
                Happening::Unlinked(link)
            },
            properties: Map::new(),
        },
        email: None,
    })
}
