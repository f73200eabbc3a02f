//! The journey engine's routes: sessions, decided from the edge's own state.
//!
//! - [`step`] is what happens where a session is alone
//! - [`track`] reports what happened: a start, a change of stage, a touchpoint, a conversion
//! - [`state`] reads a session, [`link`] joins and parts two
//! - [`advise`] recommends and optimizes; [`choose`] is how content is chosen, for all of them
//!
//! **Invariant:** of a visitor who asks not to be tracked nothing is stored; the answer is that of a session that
//! has just begun (`who_asks_not_to_be_tracked_has_no_journey`).

mod advise;
mod choose;
mod link;
mod state;
pub mod step;
mod track;

use footfall_shared::event::{Event, EventKind};
use footfall_shared::id::EventId;
use footfall_shared::identity::{Email, Trust};
use footfall_shared::journey::event::{Happening, Start};
use footfall_shared::journey::parse::{self, Read};
use footfall_shared::journey::session::Session;
use footfall_shared::text::{InvalidField, hex};
use footfall_shared::time::{DAY_MS, UtcMillis};
use http::StatusCode;
use percent_encoding::percent_decode_str;
use serde_json::{Map, Value, json};
use sha2::{Digest, Sha256};

use crate::error::EdgeError;
use crate::guard::ShopRequest;
use crate::http::{Request, Response};
use crate::platform::{Platform, Sessions, SessionsError};
use crate::trace::Trace;
pub(crate) use choose::KIT_FRESH_MS;
use step::{Command, Outcome, step};

/// After how long without events an edge forgets a session; the origin has its log.
pub const FORGOTTEN_AFTER_MS: i64 = 30 * DAY_MS;
/// The longest key of a client's for safe retries, in characters.
const RETRY_KEY_CHARS_MAX: usize = 128;
/// The longest name of a calling program, in characters.
const CLIENT_CHARS_MAX: usize = 64;

/// Answers a route under `/api/journey/`; `None` where the origin answers it.
pub(crate) async fn answer<P: Platform>(
    platform: &P,
    trace: &Trace,
    request: &Request,
) -> Option<Result<Response, EdgeError>> {
    let segments = request.segments();
    let route = *segments.get(2)?;
    let method = request.method.as_str();
    let only = |methods: &'static str| {
        let known = methods.split(", ").any(|one| one == method);
        known
            .then_some(())
            .ok_or(EdgeError::MethodNotAllowed(methods))
    };
    Some(match (route, &segments[3..]) {
        ("sessions", ["start"]) => match only("POST") {
            Ok(()) => track::start(platform, trace, request).await,
            Err(fault) => Err(fault),
        },
        ("sessions", ["link"]) => match only("POST, DELETE") {
            Ok(()) => link::link(platform, trace, request).await,
            Err(fault) => Err(fault),
        },
        ("sessions", [session, "stage"]) => match only("PUT").and_then(|()| named(session)) {
            Ok(session) => track::stage(platform, trace, request, session).await,
            Err(fault) => Err(fault),
        },
        ("sessions", [session, "state"]) => match only("GET, HEAD").and_then(|()| named(session)) {
            Ok(session) => state::state(platform, trace, request, &session).await,
            Err(fault) => Err(fault),
        },
        ("touchpoints", ["track"]) => match only("POST") {
            Ok(()) => track::touchpoint(platform, trace, request).await,
            Err(fault) => Err(fault),
        },
        ("conversions", ["track"]) => match only("POST") {
            Ok(()) => track::conversion(platform, trace, request).await,
            Err(fault) => Err(fault),
        },
        ("recommendations", [session]) => match only("GET, HEAD").and_then(|()| named(session)) {
            Ok(session) => advise::recommendations(platform, trace, request, &session).await,
            Err(fault) => Err(fault),
        },
        ("optimize", []) => match only("POST") {
            Ok(()) => advise::optimize(platform, trace, request).await,
            Err(fault) => Err(fault),
        },
        _ => return None,
    })
}

/// The session that a path names.
fn named(segment: &str) -> Result<String, EdgeError> {
    let text = percent_decode_str(segment).decode_utf8();
    let text =
        text.map_err(|_| EdgeError::field(InvalidField::new("sessionId", "must be UTF-8")))?;
    parse::session_id("sessionId", &text).map_err(EdgeError::field)
}

/// What happened, with what else the log is told of it.
struct Told {
    session: String,
    /// The name that the calling program gives itself, for the log.
    client: Option<String>,
    /// The client's own key of it, where it gave one.
    key: Option<String>,
    read: Read,
    email: Option<(Email, Trust)>,
}

/// The contract's `X-Client-ID`.
fn client_id(request: &Request) -> Result<Option<String>, EdgeError> {
    let given = request.header("x-client-id").map(|text| {
        footfall_shared::text::required("X-Client-ID", text, CLIENT_CHARS_MAX).map(str::to_owned)
    });
    given.transpose().map_err(EdgeError::field)
}

/// The key by which a client makes a retry harmless: its own id of the thing, else the header `Idempotency-Key`.
fn retry_key(request: &Request, id: Option<&str>) -> Result<Option<String>, EdgeError> {
    let Some(key) = id.or_else(|| request.header("idempotency-key")) else {
        return Ok(None);
    };
    let key = footfall_shared::text::required("id", key, RETRY_KEY_CHARS_MAX);
    key.map(|key| Some(key.to_owned()))
        .map_err(EdgeError::field)
}

/// The event's id: of a key and its session always the same, else a new one. The kind keeps the keys of different
/// routes apart.
fn event_id<P: Platform>(platform: &P, told: &Told) -> EventId {
    let drawn = EventId::generate(platform.now(), platform.entropy());
    let Some(key) = &told.key else {
        return drawn;
    };
    let mut hash = Sha256::new();
    for part in [told.session.as_str(), told.read.what.name(), key] {
        hash.update(part.len().to_be_bytes());
        hash.update(part);
    }
    let name = hex(&hash.finalize()[..16]);
    EventId::parse(&format!("jny_{name}")).unwrap_or(drawn)
}

/// Runs what was told and gives its event's id and what came of it.
async fn run<P: Platform>(
    platform: &P,
    asked: &ShopRequest,
    told: Told,
) -> Result<(EventId, Outcome), EdgeError> {
    let command = command(platform, asked, told);
    let id = command.event.id.clone();
    if asked.opted_out {
        return Ok((id, unstored(&command)));
    }
    match platform.sessions().step(&command).await {
        Ok(Outcome::Unknown) => Err(unknown_session()),
        Ok(outcome) => Ok((id, outcome)),
        Err(fault) => Err(failed(fault)),
    }
}

fn command<P: Platform>(platform: &P, asked: &ShopRequest, told: Told) -> Command {
    let now = platform.now();
    let id = event_id(platform, &told);
    let mut context = json!({"library": {"name": "journey"}});
    if let Some(agent) = &asked.user_agent {
        context["userAgent"] = json!(agent);
    }
    if let Some(client) = told.client {
        context["clientId"] = json!(client);
    }
    let mut body = Map::from_iter([("context".to_owned(), context)]);
    if !told.read.properties.is_empty() {
        body.insert("properties".to_owned(), Value::Object(told.read.properties));
    }
    let (email, trust) = told.email.unzip();
    Command {
        event: Event {
            shop: asked.shop.shop.clone(),
            id,
            kind: EventKind::Journey,
            name: Some(told.read.what.name().to_owned()),
            at: now,
            received_at: now,
            anonymous_id: None,
            user_id: None,
            session_id: Some(told.session),
            email,
            trust,
            device: asked.device.clone(),
            body,
        },
        what: told.read.what,
        idle_ms: i64::from(asked.shop.settings.session_idle_minutes) * 60_000,
    }
}

/// What would come of a command in a session that has just begun.
fn unstored(command: &Command) -> Outcome {
    let begin = Command {
        what: Happening::Started(Start::default()),
        ..command.clone()
    };
    match (step(None, false, &begin).outcome, &command.what) {
        (begun @ Outcome::Stepped { .. }, Happening::Started(_)) => begun,
        (Outcome::Stepped { after, .. }, _) => step(Some(*after), false, command).outcome,
        (other, _) => other,
    }
}

/// How a session was and is: alike where nothing changed.
fn before_and_after(outcome: Outcome) -> (Session, Session) {
    match outcome {
        Outcome::Stepped { before, after } => (*before, *after),
        Outcome::Same(session) => ((*session).clone(), *session),
        Outcome::Unknown => (Session::default(), Session::default()),
    }
}

fn failed(fault: SessionsError) -> EdgeError {
    EdgeError::SessionsFailed(fault)
}

fn unknown_session() -> EdgeError {
    EdgeError::Contract {
        status: StatusCode::NOT_FOUND,
        code: "session_not_found",
        message: "There is no such session; POST /api/journey/sessions/start begins one".to_owned(),
    }
}

/// The clock, as replies use it: a session's own time never runs ahead of them.
fn seen_at<P: Platform>(platform: &P, session: &Session) -> UtcMillis {
    platform.now().max(session.last_at)
}
