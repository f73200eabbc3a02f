//! What a page is advised to do: `GET /api/journey/recommendations/{sessionId}` and `POST /api/journey/optimize`.

use footfall_shared::journey::content::advice;
use footfall_shared::journey::content::{Decision, Kit, Optimization, Purpose};
use footfall_shared::journey::parse;
use footfall_shared::journey::session::Session;
use footfall_shared::sequence::sort_short;
use footfall_shared::wire::journey::{OptimizeReply, OptimizeRequest, RecommendationsReply};
use http::StatusCode;

use super::choose::{choose, kit};
use super::{failed, unknown_session};
use crate::error::EdgeError;
use crate::guard::{self, ShopRequest};
use crate::http::{Request, Response};
use crate::limits::{self, OfSession};
use crate::platform::{Platform, Sessions};
use crate::trace::Trace;

pub(super) async fn recommendations<P: Platform>(
    platform: &P,
    trace: &Trace,
    request: &Request,
    name: &str,
) -> Result<Response, EdgeError> {
    let asked = guard::admit(platform, trace, request, None).await?;
    limits::spend_of_session(platform, trace, &asked, name, OfSession::Tracking).await?;
    let session = find(platform, &asked, name).await?;
    let kit = kit(platform, trace, &asked.shop.shop).await;
    let choice = choose(platform, &asked, &kit, name, &session, &[]);
    let decisions = choice.slots(&advice::slots(&session, &kit));
    let mut reply = RecommendationsReply::of(name, &session, &kit, &decisions);
    reply.decision_id = choice.log(Purpose::Recommendations, &decisions).await?;
    Ok(Response::json(StatusCode::OK, &reply))
}

pub(super) async fn optimize<P: Platform>(
    platform: &P,
    trace: &Trace,
    request: &Request,
) -> Result<Response, EdgeError> {
    let (asked, body) =
        guard::admit_with_body::<P, OptimizeRequest>(platform, trace, request).await?;
    let name = parse::session_id("sessionId", &body.session_id).map_err(EdgeError::field)?;
    limits::spend_of_session(platform, trace, &asked, &name, OfSession::Optimization).await?;
    let wanted = Optimization::parse(body).map_err(EdgeError::field)?;
    let session = find(platform, &asked, &name).await?;
    let kit = kit(platform, trace, &asked.shop.shop).await;
    let choice = choose(platform, &asked, &kit, &name, &session, &wanted.forbidden);
    let mut decisions = choice.slots(&wanted.slots);
    decisions.retain(|decision| decision.held_out || decision.chosen.is_some());
    sort_short(&mut decisions, |decision| {
        std::cmp::Reverse(worth(decision, &kit))
    });
    decisions.truncate(wanted.most);
    let mut reply = OptimizeReply::of(&kit, &decisions);
    reply.decision_id = choice.log(Purpose::Optimization, &decisions).await?;
    Ok(Response::json(StatusCode::OK, &reply))
}

/// What a choice is worth, measured; what is not known stands between gains and losses.
fn worth(decision: &Decision, kit: &Kit) -> i32 {
    let filling = kit.filling(decision.slot);
    let chosen = decision.chosen.as_deref();
    let variant = filling.and_then(|filling| filling.variant(chosen?));
    variant
        .and_then(|variant| variant.lift)
        .map_or(0, |lift| lift.difference)
}

async fn find<P: Platform>(
    platform: &P,
    asked: &ShopRequest,
    name: &str,
) -> Result<Session, EdgeError> {
    let found = platform.sessions().read(&asked.shop.shop, name).await;
    found.map_err(failed)?.ok_or_else(unknown_session)
}
