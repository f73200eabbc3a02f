//! `/realtime/metrics` and `/ws/realtime`.

use axum::Json;
use axum::extract::ws::WebSocketUpgrade;
use axum::extract::ws::rejection::WebSocketUpgradeRejection;
use axum::extract::{FromRequestParts, State};
use axum::response::Response;
use http::header::{ORIGIN, SEC_WEBSOCKET_PROTOCOL};
use http::request::Parts;
use serde::Deserialize;
use utoipa::IntoParams;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::frame::Topic;
use super::now::{NowReply, figures};
use super::socket::{self, Coming};
use crate::app::App;
use crate::auth::{self, Credential, OpenShop};
use crate::http::envelope::{AnalyticsRefusals, DetailReply};
use crate::http::error::AppError;
use crate::http::extract::WireQuery;

/// Longest message of a client, in bytes: a token and a list of topics.
const MESSAGE_BYTES_MAX: usize = 8 * 1024;
/// The protocol that is spoken.
const PROTOCOL: &str = "footfall.live";
/// What a subprotocol that carries a token begins with: browsers can set no other header.
const TOKEN_PREFIX: &str = "bearer.";

/// The routes.
pub fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new()
        .routes(routes!(metrics))
        .routes(routes!(realtime))
}

/// The figures of this moment, at most a second old.
#[utoipa::path(
    get, path = "/realtime/metrics", tag = "funnel analytics",
    responses((status = 200, description = "The figures", body = NowReply), AnalyticsRefusals),
    security((), ("bearer_key" = []), ("basic" = []), ("api_key" = []))
)]
async fn metrics(
    State(app): State<App>,
    OpenShop(shop): OpenShop,
) -> Result<Json<NowReply>, AppError> {
    let figures = figures(&app, &shop).await?;
    Ok(Json(figures.as_ref().clone()))
}

/// What a client comes with.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
struct Asked {
    /// An access token or a secret key, for clients that can set neither header nor subprotocol. It ends in the logs of
    /// what stands in between: the subprotocol `bearer.TOKEN` (beside `footfall.live`) or a first message
    /// `{"type": "auth", "token": "…"}` is better.
    token: Option<String>,
    /// `events`, `conversions` and `metrics`, with commas; without it, events and metrics.
    #[param(example = "events,metrics")]
    topics: Option<String>,
    /// The `last_id` of the last message: what happened since then is told first.
    last_id: Option<String>,
}

/// The WebSocket of live data. Messages to the client: `connected`, `events` (`last_id` and a list), `metrics`,
/// `heartbeat` each 15 seconds, `pong`. From it: `auth`, `subscribe` (topics, last_id), `ping`. A client that falls behind
/// is closed with 1013, one whose credential ends with 4401.
#[utoipa::path(
    get, path = "/ws/realtime", tag = "funnel analytics",
    params(Asked),
    responses((status = 101, description = "The protocol is switched"), (status = 426, description = "`UPGRADE_REQUIRED`: no WebSocket was asked for", body = DetailReply), AnalyticsRefusals),
    security((), ("bearer_key" = []), ("basic" = []), ("api_key" = []))
)]
async fn realtime(
    State(app): State<App>,
    Shown { by: shown, origin }: Shown,
    WireQuery(asked): WireQuery<Asked>,
    upgrade: Result<WebSocketUpgrade, WebSocketUpgradeRejection>,
) -> Result<Response, AppError> {
    // Other than for requests, browsers let any page open a WebSocket anywhere; where the door is open that page would listen.
    if app.access().open_shop_routes && !is_of_this_machine(origin.as_deref()) {
        return Err(AppError::Forbidden {
            needed: "a page of this machine",
        });
    }
    // Who can set headers can read a refusal; a page is told by the close of its connection.
    let credential = match shown {
        ShownBy::Header(credential) => {
            auth::open_shop(&app, Some(credential.clone()), auth::LIVE).await?;
            Some(credential)
        }
        ShownBy::Protocol(credential) => Some(credential),
        ShownBy::Nothing => asked.token.as_deref().map(Credential::of_bearer),
    };
    let upgrade = match upgrade {
        Ok(upgrade) => upgrade,
        Err(_) if credential.is_none() => {
            auth::open_shop(&app, None, auth::LIVE).await?;
            return Err(AppError::UpgradeRequired);
        }
        Err(_) => return Err(AppError::UpgradeRequired),
    };
    let bad = |field: &str, reason: &str| AppError::BadRequest {
        field: Some(field.to_owned()),
        reason: reason.to_owned(),
    };
    let topics = asked.topics.as_deref().map(|text| {
        let names = text.split(',').map(str::trim);
        let read = names.map(|name| serde_json::from_value(name.into()));
        read.collect::<Result<Vec<Topic>, _>>()
            .map_err(|_| bad("topics", "must be events, conversions or metrics"))
    });
    let last = asked.last_id.as_deref().map(|text| {
        let place = text.parse::<i64>().ok().filter(|place| *place >= 0);
        place.ok_or_else(|| bad("last_id", "must be the id of an event"))
    });
    let coming = Coming {
        credential,
        topics: topics
            .transpose()?
            .unwrap_or_else(|| vec![Topic::Events, Topic::Metrics]),
        last: last.transpose()?,
    };
    let upgrade = upgrade
        .protocols([PROTOCOL])
        .max_message_size(MESSAGE_BYTES_MAX)
        .max_frame_size(MESSAGE_BYTES_MAX);
    Ok(upgrade.on_upgrade(move |socket| socket::serve(app, socket, coming)))
}

/// The credential that a client shows while it connects.
struct Shown {
    by: ShownBy,
    /// The page that connects, as its browser tells it.
    origin: Option<String>,
}

enum ShownBy {
    Header(Credential),
    Protocol(Credential),
    Nothing,
}

impl FromRequestParts<App> for Shown {
    type Rejection = AppError;

    async fn from_request_parts(parts: &mut Parts, _: &App) -> Result<Self, AppError> {
        let protocols = parts.headers.get_all(SEC_WEBSOCKET_PROTOCOL);
        let mut names = protocols
            .iter()
            .filter_map(|value| value.to_str().ok())
            .flat_map(|value| value.split(','))
            .map(str::trim);
        let token = names.find_map(|name| name.strip_prefix(TOKEN_PREFIX));
        let by = match (token, Credential::of(parts)) {
            (Some(token), _) => ShownBy::Protocol(Credential::of_bearer(token)),
            (None, Some(credential)) => ShownBy::Header(credential),
            (None, None) => ShownBy::Nothing,
        };
        let origin = parts.headers.get(ORIGIN);
        let origin = origin.map(|origin| origin.to_str().unwrap_or_default().to_owned());
        Ok(Self { by, origin })
    }
}

/// Whether a page comes from this machine; who tells no page is none.
fn is_of_this_machine(origin: Option<&str>) -> bool {
    let Some(origin) = origin else { return true };
    let host = origin.split_once("://").map_or("", |(_, rest)| rest);
    let name = match host.strip_prefix('[') {
        Some(address) => address.split(']').next(),
        None => host.split(':').next(),
    };
    matches!(name, Some("localhost" | "127.0.0.1" | "::1"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_pages_of_this_machine_are_let_in_at_an_open_door() {
        for origin in [
            "http://localhost:8787",
            "http://127.0.0.1",
            "http://[::1]:80",
        ] {
            assert!(is_of_this_machine(Some(origin)), "{origin}");
        }
        for origin in [
            "",
            "null",
            "https://evil.example",
            "http://localhost.evil.example",
            "http://[::2]",
        ] {
            assert!(!is_of_this_machine(Some(origin)), "{origin}");
        }
        assert!(is_of_this_machine(None));
    }
}
