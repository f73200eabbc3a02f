//! The envelopes of three families, chosen by path in one place.
//!
//! Customer management answers refusals as `{"error", "message", "details", "timestamp", "request_id"}`, with the standing
//! of the caller's bound in headers of every reply.
//!
//! Funnel analytics answer refusals as `{"detail", "error_code"}`, and a wrong value with 422.
//!
//! Login, keys, users and settings speak the shape of the contract's behaviour analytics:
//! `{"success", "data", "meta"}` and `{"success": false, "error": {"code", "message", "details"?},
//! "request_id"}`. Handlers know the first, nobody but this file the second: it is made of the
//! [`ErrorReply`] that every [`AppError`](super::error::AppError) leaves in its response.

use std::convert::Infallible;

use axum::Json;
use axum::extract::{FromRequestParts, Request};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use footfall_shared::wire::error::ErrorReply;
use http::header::{CACHE_CONTROL, CONTENT_LENGTH, CONTENT_TYPE};
use http::request::Parts;
use http::{HeaderMap, HeaderName, HeaderValue, StatusCode};
use serde::Serialize;
use serde_json::{Map, Value, json};
use utoipa::{IntoResponses, ToSchema};

use super::error::Details;
use super::middleware::REQUEST_ID;
use crate::app::{App, Clock};
use crate::limits::StandingSlot;

/// Where the administration's routes begin.
const ADMINISTRATION: [&str; 14] = [
    "/api/audit",
    "/api/auth",
    "/api/behavior",
    "/api/decisions",
    "/api/jobs",
    "/api/journey/content",
    "/api/journey/model",
    "/api/keys",
    "/api/privacy",
    "/api/products",
    "/api/settings",
    "/api/uploads",
    "/api/users",
    "/api/webhooks",
];

/// Where the routes of funnel analytics begin.
const FUNNEL_ANALYTICS: [&str; 8] = [
    "/analytics",
    "/dashboard",
    "/models",
    "/realtime",
    "/recommendations",
    "/sentiment",
    "/users",
    "/ws",
];

/// Where the routes of customer management begin.
const CUSTOMER_MANAGEMENT: [&str; 1] = ["/api/v1/customers"];

/// The contract's headers: requests in a window, those left, and when the next window begins (epoch seconds).
const RATE_LIMIT: [HeaderName; 3] = [
    HeaderName::from_static("x-ratelimit-limit"),
    HeaderName::from_static("x-ratelimit-remaining"),
    HeaderName::from_static("x-ratelimit-reset"),
];

/// A refusal of customer management.
#[derive(Debug, Serialize, ToSchema)]
pub struct CustomerErrorReply {
    /// A stable name for programs.
    #[schema(example = "validation_failed")]
    error: String,
    /// A sentence for people, without personal data.
    #[schema(example = "Invalid personality type specified")]
    message: String,
    /// What else there is to tell.
    #[schema(value_type = Object, example = json!({
        "field": "personality_assessment.type", "allowed_values": ["D", "I", "S", "C"], "received_value": "X"
    }))]
    details: Map<String, Value>,
    /// RFC 3339.
    #[schema(example = "2025-09-24T10:30:00Z")]
    timestamp: String,
    /// As in the header `X-Request-Id`.
    request_id: String,
}

/// What any route of customer management may answer beside its own.
#[derive(Debug, IntoResponses)]
pub enum CustomerRefusals {
    /// `validation_failed` names the field
    #[response(status = 400)]
    Bad(CustomerErrorReply),
    /// No live credential
    #[response(status = 401)]
    Unauthorized(CustomerErrorReply),
    /// `unauthorized_access`: the key lacks the permission
    #[response(status = 403)]
    Forbidden(CustomerErrorReply),
    /// `customer_not_found`
    #[response(status = 404)]
    NotFound(CustomerErrorReply),
    /// `duplicate_customer` with the other one's id, or `interaction_conflict`
    #[response(status = 409)]
    Conflict(CustomerErrorReply),
    /// `precondition_failed`: it has changed since it was read
    #[response(status = 412)]
    Precondition(CustomerErrorReply),
    /// `profile_incomplete`: the customer's data do not suffice
    #[response(status = 422)]
    Incomplete(CustomerErrorReply),
    /// `rate_limit_exceeded`
    #[response(status = 429)]
    Limited(CustomerErrorReply),
    /// A bug of ours
    #[response(status = 500)]
    Bug(CustomerErrorReply),
    /// Temporarily unavailable
    #[response(status = 503)]
    Unavailable(CustomerErrorReply),
}

impl CustomerErrorReply {
    fn of(reply: ErrorReply, details: Option<Details>, request_id: String) -> Self {
        let error = match reply.code.as_str() {
            "invalid_field" | "invalid_request" => "validation_failed",
            "forbidden" => "unauthorized_access",
            other => other,
        };
        let field = reply.details.map(|details| json!(details.field));
        let of_field = || field.map(|field| Map::from_iter([("field".to_owned(), field)]));
        Self {
            error: error.to_owned(),
            message: reply.message,
            details: details
                .map(|Details(details)| details)
                .or_else(of_field)
                .unwrap_or_default(),
            timestamp: Clock::System.now().to_rfc3339_seconds(),
            request_id,
        }
    }
}

/// A refusal of funnel analytics.
#[derive(Debug, Serialize, ToSchema)]
pub struct DetailReply {
    /// A sentence for people, without personal data.
    #[schema(example = "start_date must be an ISO 8601 date")]
    detail: String,
    /// A stable name for programs.
    #[schema(example = "INVALID_REQUEST")]
    error_code: String,
}

/// What any route of funnel analytics may answer beside its own.
#[derive(Debug, IntoResponses)]
pub enum AnalyticsRefusals {
    /// `CONTRADICTION`: parameters that cannot be meant together
    #[response(status = 400)]
    Bad(DetailReply),
    /// No live credential
    #[response(status = 401)]
    Unauthorized(DetailReply),
    /// The route's permission is missing
    #[response(status = 403)]
    Forbidden(DetailReply),
    /// Nothing is found
    #[response(status = 404)]
    NotFound(DetailReply),
    /// `INVALID_REQUEST` names the parameter whose value is wrong
    #[response(status = 422)]
    Unprocessable(DetailReply),
    /// A bug of ours
    #[response(status = 500)]
    Bug(DetailReply),
    /// Temporarily unavailable
    #[response(status = 503)]
    Unavailable(DetailReply),
}

/// A success of the administration.
#[derive(Debug, Serialize, ToSchema)]
pub struct DataReply<T> {
    /// Always `true`.
    pub success: bool,
    /// What was asked for.
    pub data: T,
    /// Of the answer itself.
    pub meta: Meta,
}

/// When and to which request it was answered.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct Meta {
    /// RFC 3339.
    #[schema(example = "2026-02-27T10:30:00Z")]
    pub timestamp: String,
    /// As in the header `X-Request-Id`.
    #[schema(example = "req_abc123")]
    pub request_id: String,
}

impl Meta {
    /// The reply that carries `data`.
    pub fn with<T>(self, data: T) -> Json<DataReply<T>> {
        Json(DataReply {
            success: true,
            data,
            meta: self,
        })
    }
}

impl FromRequestParts<App> for Meta {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self, Infallible> {
        // The contract's example has whole seconds.
        let seconds = app.now().get().div_euclid(1000);
        let now = jiff::Timestamp::from_second(seconds).unwrap_or_default();
        Ok(Self {
            timestamp: now.to_string(),
            request_id: id_of(&parts.headers),
        })
    }
}

/// Codes of values that are wrong by themselves.
const WRONG_VALUE: [&str; 2] = ["invalid_field", "invalid_request"];

fn id_of(headers: &HeaderMap) -> String {
    let id = headers.get(REQUEST_ID).and_then(|id| id.to_str().ok());
    id.unwrap_or_default().to_owned()
}

/// A refusal of the administration.
#[derive(Debug, Serialize, ToSchema)]
pub struct AdminErrorReply {
    /// Always `false`.
    success: bool,
    error: AdminError,
    /// As in the header `X-Request-Id`.
    request_id: String,
}

/// What is wrong.
#[derive(Debug, Serialize, ToSchema)]
struct AdminError {
    /// A stable name for programs.
    #[schema(example = "UNAUTHORIZED")]
    code: String,
    /// A sentence for people, without personal data.
    message: String,
    /// The fields at fault.
    #[serde(skip_serializing_if = "Option::is_none")]
    details: Option<Vec<AdminErrorDetail>>,
}

/// A field at fault.
#[derive(Debug, Serialize, ToSchema)]
struct AdminErrorDetail {
    field: String,
    message: String,
}

impl AdminErrorReply {
    fn of(reply: ErrorReply, request_id: String) -> Self {
        let ErrorReply {
            success,
            message,
            code,
            details,
        } = reply;
        let code = match code.as_str() {
            "unavailable" | "not_ready" | "timed_out" => "SERVICE_UNAVAILABLE".to_owned(),
            "rate_limit_exceeded" => "RATE_LIMITED".to_owned(),
            other => other.to_ascii_uppercase(),
        };
        let details = details.map(|details| {
            vec![AdminErrorDetail {
                field: details.field,
                message: message.clone(),
            }]
        });
        Self {
            success,
            error: AdminError {
                code,
                message,
                details,
            },
            request_id,
        }
    }
}

/// What any route of the administration may answer beside its own.
#[derive(Debug, IntoResponses)]
pub enum Refusals {
    /// No live credential
    #[response(status = 401)]
    Unauthorized(AdminErrorReply),
    /// The route's permission is missing
    #[response(status = 403)]
    Forbidden(AdminErrorReply),
    /// A bug of ours
    #[response(status = 500)]
    Bug(AdminErrorReply),
    /// Temporarily unavailable
    #[response(status = 503)]
    Unavailable(AdminErrorReply),
}

fn begins_with(path: &str, starts: &[&str]) -> bool {
    starts.iter().any(|start| {
        path.strip_prefix(start)
            .is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
    })
}

/// Gives the replies of both families their envelope. They hold tokens, keys and names, so no cache may
/// keep them.
pub(super) async fn dress(request: Request, next: Next) -> Response {
    let path = request.uri().path();
    if begins_with(path, &CUSTOMER_MANAGEMENT) {
        return dress_customer(request, next).await;
    }
    let of_analytics = begins_with(path, &FUNNEL_ANALYTICS);
    if !of_analytics && !begins_with(path, &ADMINISTRATION) {
        return next.run(request).await;
    }
    let request_id = id_of(request.headers());
    let mut response = next.run(request).await;
    if let Some(reply) = response.extensions_mut().remove::<ErrorReply>() {
        let (mut parts, _) = response.into_parts();
        parts.headers.remove(CONTENT_LENGTH);
        parts.headers.remove(CONTENT_TYPE);
        response = if of_analytics {
            if parts.status == StatusCode::BAD_REQUEST && WRONG_VALUE.contains(&reply.code.as_str())
            {
                parts.status = StatusCode::UNPROCESSABLE_ENTITY;
            }
            let reply = DetailReply {
                detail: reply.message,
                error_code: reply.code.to_ascii_uppercase(),
            };
            (parts, Json(reply)).into_response()
        } else {
            (parts, Json(AdminErrorReply::of(reply, request_id))).into_response()
        };
    }
    let no_store = HeaderValue::from_static("no-store");
    response.headers_mut().insert(CACHE_CONTROL, no_store);
    response
}

async fn dress_customer(mut request: Request, next: Next) -> Response {
    let request_id = id_of(request.headers());
    let slot = StandingSlot::default();
    request.extensions_mut().insert(slot.clone());
    let mut response = next.run(request).await;
    if let Some(reply) = response.extensions_mut().remove::<ErrorReply>() {
        let details = response.extensions_mut().remove::<Details>();
        let (mut parts, _) = response.into_parts();
        parts.headers.remove(CONTENT_LENGTH);
        parts.headers.remove(CONTENT_TYPE);
        let reply = CustomerErrorReply::of(reply, details, request_id);
        response = (parts, Json(reply)).into_response();
    }
    let headers = response.headers_mut();
    if let Some(standing) = slot.get() {
        let reset = standing.reset.get().div_euclid(1000);
        for (name, value) in RATE_LIMIT
            .into_iter()
            .zip([standing.limit, standing.remaining, reset])
        {
            headers.insert(name, HeaderValue::from(value));
        }
    }
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    response
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_administrations_own_paths_have_its_envelope() {
        for path in [
            "/api/auth/login",
            "/api/keys",
            "/api/keys/key_1/rotate",
            "/api/settings",
        ] {
            assert!(begins_with(path, &ADMINISTRATION), "{path}");
        }
        for path in ["/api/keysmith", "/api/events", "/api", "/x/api/keys"] {
            assert!(!begins_with(path, &ADMINISTRATION), "{path}");
        }
    }
}
