//! What happens in a session: `POST …/sessions/start`, `PUT …/stage`, `POST …/touchpoints/track` and
//! `POST …/conversions/track`.

use footfall_shared::id::EventId;
use footfall_shared::identity::{Email, EmailHash, Trust};
use footfall_shared::journey::content::{Purpose, Slot, advice};
use footfall_shared::journey::event::{Conversion, Happening};
use footfall_shared::journey::next::{Impact, goal_after, snake};
use footfall_shared::journey::parse;
use footfall_shared::journey::session::Session;
use footfall_shared::journey::stage::Stage;
use footfall_shared::text::{InvalidField, hex};
use footfall_shared::wire::journey::{
    ConversionReply, ConversionRequest, JourneyImpact, Nurturing, PersonalizedContent,
    RealTimeAdaptation, StageMoved, StageRequest, StartReply, StartRequest, StartedState,
    TouchpointRequest, TouchpointTaken,
};
use http::StatusCode;

use super::choose::{choose, kit};
use super::{Told, before_and_after, client_id, retry_key, run, seen_at};
use crate::error::EdgeError;
use crate::guard::{self, ShopRequest};
use crate::http::{Request, Response};
use crate::limits;
use crate::platform::Platform;
use crate::trace::Trace;

/// From this intent on something dearer may be offered, in thousandths.
const UPSELL_INTENT_MILLI: u16 = 600;

pub(super) async fn start<P: Platform>(
    platform: &P,
    trace: &Trace,
    request: &Request,
) -> Result<Response, EdgeError> {
    let (asked, body) = guard::admit_with_body::<P, StartRequest>(platform, trace, request).await?;
    let session = parse::session_id("sessionId", &body.session_id).map_err(EdgeError::field)?;
    limits::spend_of_session(
        platform,
        trace,
        &asked,
        &session,
        limits::OfSession::Tracking,
    )
    .await?;
    let told = Told {
        session: session.clone(),
        client: client_id(request)?,
        key: None,
        read: parse::start(body, request.header("accept-language")).map_err(EdgeError::field)?,
        email: None,
    };
    let (_, outcome) = run(platform, &asked, told).await?;
    let (_, after) = before_and_after(outcome);
    let kit = kit(platform, trace, &asked.shop.shop).await;
    let choice = choose(platform, &asked, &kit, &session, &after, &[]);
    let decisions = choice.slots(&Slot::AT_START);
    let decision_id = choice.log(Purpose::Start, &decisions).await?;
    let reply = StartReply {
        success: true,
        session_id: session,
        journey_state: StartedState::of(&after, &kit.model, seen_at(platform, &after)),
        personalized_content: PersonalizedContent::of(&decisions, &kit),
        decision_id,
    };
    Ok(Response::json(StatusCode::OK, &reply))
}

pub(super) async fn stage<P: Platform>(
    platform: &P,
    trace: &Trace,
    request: &Request,
    session: String,
) -> Result<Response, EdgeError> {
    let (asked, body) = guard::admit_with_body::<P, StageRequest>(platform, trace, request).await?;
    limits::spend_of_session(
        platform,
        trace,
        &asked,
        &session,
        limits::OfSession::Tracking,
    )
    .await?;
    let told = Told {
        session: session.clone(),
        client: client_id(request)?,
        key: retry_key(request, None)?,
        read: parse::stage(body).map_err(EdgeError::field)?,
        email: None,
    };
    let (_, outcome) = run(platform, &asked, told).await?;
    let (_, after) = before_and_after(outcome);
    let kit = kit(platform, trace, &asked.shop.shop).await;
    let choice = choose(platform, &asked, &kit, &session, &after, &[]);
    let decisions = choice.slots(&Slot::AT_STAGE);
    let mut reply = StageMoved::of(&after, &kit, &decisions, seen_at(platform, &after));
    reply.decision_id = choice.log(Purpose::Stage, &decisions).await?;
    Ok(Response::json(StatusCode::OK, &reply))
}

pub(super) async fn touchpoint<P: Platform>(
    platform: &P,
    trace: &Trace,
    request: &Request,
) -> Result<Response, EdgeError> {
    let (asked, body) =
        guard::admit_with_body::<P, TouchpointRequest>(platform, trace, request).await?;
    let session = parse::session_id("sessionId", &body.session_id).map_err(EdgeError::field)?;
    limits::spend_of_session(
        platform,
        trace,
        &asked,
        &session,
        limits::OfSession::Tracking,
    )
    .await?;
    let own_id = body.touchpoint.id.clone();
    let told = Told {
        session: session.clone(),
        client: client_id(request)?,
        key: retry_key(request, own_id.as_deref())?,
        read: parse::touchpoint(body).map_err(EdgeError::field)?,
        email: None,
    };
    let (id, outcome) = run(platform, &asked, told).await?;
    let (before, after) = before_and_after(outcome);
    let kit = kit(platform, trace, &asked.shop.shop).await;
    let impact = Impact::between(&before, &after, &kit.model, seen_at(platform, &after));
    let adapted = advice::adaptation(&before, &after, |on, slot| {
        let choice = choose(platform, &asked, &kit, &session, on, &[]);
        choice.slots(&[slot]).pop()
    });
    let adaptation = match adapted {
        None => RealTimeAdaptation::default(),
        Some(decision) => {
            let mut adaptation = RealTimeAdaptation::of(&decision, &kit);
            let choice = choose(platform, &asked, &kit, &session, &after, &[]);
            adaptation.decision_id = choice.log(Purpose::Touchpoint, &[decision]).await?;
            adaptation
        }
    };
    let reply = TouchpointTaken {
        success: true,
        touchpoint_id: own_id.unwrap_or_else(|| id_of("tp_", &id)),
        journey_impact: JourneyImpact::of(impact, &after, kit.model.basis),
        real_time_adaptation: adaptation,
    };
    Ok(Response::json(StatusCode::OK, &reply))
}

pub(super) async fn conversion<P: Platform>(
    platform: &P,
    trace: &Trace,
    request: &Request,
) -> Result<Response, EdgeError> {
    let (asked, body) =
        guard::admit_with_body::<P, ConversionRequest>(platform, trace, request).await?;
    let session = parse::session_id("sessionId", &body.session_id).map_err(EdgeError::field)?;
    limits::spend_of_session(
        platform,
        trace,
        &asked,
        &session,
        limits::OfSession::Tracking,
    )
    .await?;
    let read = parse::conversion(&body, asked.shop.currency).map_err(EdgeError::field)?;
    let own_id = body.conversion_event.id.clone();
    let kind = match &read.what {
        Happening::Converted(Conversion { kind, .. }) => kind.clone(),
        _ => String::new(),
    };
    let told = Told {
        session,
        client: client_id(request)?,
        key: retry_key(request, own_id.as_deref())?,
        read,
        email: within_limit(platform, &asked, consented_email(&asked, &body)?).await,
    };
    let (id, outcome) = run(platform, &asked, told).await?;
    let (_, after) = before_and_after(outcome);
    let kit = kit(platform, trace, &asked.shop.shop).await;
    let reply = ConversionReply {
        success: true,
        conversion_id: own_id.unwrap_or_else(|| id_of("conv_", &id)),
        journey_complete: after.stage == Stage::Purchase,
        next_journey_goal: goal_after(&kit.goals, &kind, &after),
        personalized_nurturing: nurturing(&after),
    };
    Ok(Response::json(StatusCode::OK, &reply))
}

/// The address that came with a conversion, where the shopper agreed to it. A text that is none is a fault only
/// then: what is not kept is not judged.
fn consented_email(
    asked: &ShopRequest,
    body: &ConversionRequest,
) -> Result<Option<(Email, Trust)>, EdgeError> {
    let data = body.conversion_event.conversion_data.as_ref();
    let Some(data) = data.filter(|data| data.consent_given) else {
        return Ok(None);
    };
    let Some(text) = &data.email else {
        return Ok(None);
    };
    let email =
        Email::parse("conversionEvent.conversionData.email", text).map_err(EdgeError::field)?;
    let trust = if asked.is_backend() {
        Trust::Verified
    } else {
        Trust::Claimed
    };
    Ok(Some((email, trust)))
}

/// An address that claims too many emails a day claims no more of them; the conversion itself is kept.
async fn within_limit<P: Platform>(
    platform: &P,
    asked: &ShopRequest,
    email: Option<(Email, Trust)>,
) -> Option<(Email, Trust)> {
    let (email, trust) = email?;
    if trust == Trust::Claimed {
        let hash = EmailHash::of(&email, &asked.shop.salt);
        limits::try_email(platform, asked, &hash).await.ok()?;
    }
    Some((email, trust))
}

fn nurturing(session: &Session) -> Nurturing {
    let intent = session.intent_strength_milli();
    let level = match intent {
        600.. => "high",
        300..600 => "medium",
        0..300 => "low",
    };
    let persona = session.persona.as_ref().map(|persona| snake(&persona.kind));
    let persona = persona.unwrap_or_else(|| "welcome".to_owned());
    Nurturing {
        email_sequence: session.lead.then(|| format!("{persona}_7_day")),
        retargeting_audience: format!("{level}_intent_{}", session.device.as_str()),
        upsell_opportunity: (intent >= UPSELL_INTENT_MILLI).then_some("premium_bundle"),
    }
}

/// The id of a touchpoint or conversion, from its event's.
fn id_of(prefix: &str, event: &EventId) -> String {
    let id = event.as_str();
    let rest = id.split_once('_').map_or(id, |(_, rest)| rest);
    if rest.bytes().all(|byte| byte.is_ascii_alphanumeric()) {
        return format!("{prefix}{rest}");
    }
    format!("{prefix}{}", hex(rest.as_bytes()))
}

/// A fault of a session's field.
pub(super) fn fault(field: &str, reason: &str) -> EdgeError {
    EdgeError::field(InvalidField::new(field, reason))
}
