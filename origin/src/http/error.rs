//! [`AppError`]: the closed list of what can go wrong at the boundary, and its one envelope.
//!
//! The request's id stands in the header `X-Request-Id` of every reply, so the envelope stays the contract's.

use axum::Json;
use axum::response::{IntoResponse, Response};
use footfall_shared::offers::IllegalMove;
use footfall_shared::text::InvalidField;
use footfall_shared::wire::error::{ErrorDetails, ErrorReply};
use http::header::{ALLOW, RETRY_AFTER, WWW_AUTHENTICATE};
use http::{HeaderValue, StatusCode};
use serde_json::{Map, Value};
use tracing::Level;

use crate::db::{Fault, StorageError};

/// What a client waits before it asks a busy or unreachable part again, in seconds.
const RETRY_AFTER_S: u16 = 2;

/// Everything that a handler can answer other than success. Features choose a variant; nobody builds a
/// status or an envelope by hand.
#[derive(Debug, thiserror::Error)]
pub enum AppError {
    /// The request is not what the route takes; the field is named where there is one.
    #[error("bad request")]
    BadRequest {
        /// Path of the field, as `orders[2].currency`.
        field: Option<String>,
        /// A sentence or predicate without the rejected value.
        reason: String,
    },
    /// A field breaks a rule of the domain.
    #[error("bad field")]
    InvalidField(#[source] InvalidField),
    /// The contract's `missing_email`.
    #[error("no customer email")]
    MissingEmail {
        /// Whether it should have stood in the query.
        in_query: bool,
    },
    /// The contract's `invalid_email`.
    #[error("not an email")]
    InvalidEmail,
    /// The contract's `missing_parameters`: names what is required.
    #[error("missing parameters")]
    MissingParameters {
        /// As "offer_id and status".
        required: &'static str,
    },
    /// The contract's `invalid_status`: not a status.
    #[error("invalid status")]
    InvalidStatus {
        /// Says which there are.
        message: String,
    },
    /// A move that the life of an offer does not have from where it stands.
    #[error("illegal move")]
    IllegalMove(#[source] IllegalMove),
    /// The contract's `profile_not_found`.
    #[error("no profile")]
    ProfileNotFound {
        /// Whether the contract's hint "Please recalculate profile first." belongs to it.
        recalculate_first: bool,
    },
    /// The contract's `no_orders`.
    #[error("no orders")]
    NoOrders,
    /// The contract's `offer_not_found`.
    #[error("no such offer")]
    OfferNotFound,
    /// No such session.
    #[error("no such session")]
    SessionNotFound,
    /// Nobody of this id was ever seen.
    #[error("no such user")]
    UserNotFound,
    /// The contract's `NO_DATA`.
    #[error("no data")]
    NoData {
        /// Whether an upload was asked for.
        of_upload: bool,
    },
    /// The contract's `PROCESSING`.
    #[error("still processing")]
    Processing {
        /// Whether an upload was asked for.
        of_upload: bool,
    },
    /// The contract's `INVALID_UPLOAD`.
    #[error("no such upload")]
    InvalidUpload,
    /// Parameters that are right alone and cannot be meant together.
    #[error("contradiction")]
    Contradiction {
        /// The parameter.
        field: &'static str,
        /// A predicate.
        reason: &'static str,
    },
    /// No credential, or one that is not live.
    #[error("unauthorized")]
    Unauthorized,
    /// A live credential of the wrong kind.
    #[error("forbidden")]
    Forbidden {
        /// What would be needed, as "a secret key".
        needed: &'static str,
    },
    /// Too many failures of this caller.
    #[error("too many requests")]
    TooManyRequests {
        /// When it may come again, in seconds.
        retry_after_s: u64,
    },
    /// A contract's bound on requests.
    #[error("rate limited")]
    RateLimited {
        /// When it may come again, in seconds.
        retry_after_s: u64,
    },
    /// What is asked for does not fit what is there.
    #[error("conflict")]
    Conflict {
        /// A sentence that says what stands in the way.
        reason: String,
    },
    /// What a contract says in words and details of its own.
    #[error("refused")]
    Refused {
        /// The HTTP status.
        status: StatusCode,
        /// The contract's code.
        code: &'static str,
        /// A sentence for people, without personal data.
        message: String,
        /// What else it tells.
        details: Map<String, Value>,
    },
    /// No such route, or no such thing in this shop.
    #[error("not found")]
    NotFound,
    /// The route has other methods.
    #[error("method not allowed")]
    MethodNotAllowed {
        /// The methods it has.
        allowed: Option<HeaderValue>,
    },
    /// The route speaks WebSocket only.
    #[error("upgrade required")]
    UpgradeRequired,
    /// The content type is not JSON.
    #[error("unsupported media type")]
    UnsupportedMediaType,
    /// The body is longer than the route takes.
    #[error("body too large")]
    TooLarge {
        /// The route's limit.
        bytes_max: usize,
    },
    /// The body did not arrive in time, or the work was not done in time.
    #[error("timed out")]
    TimedOut,
    /// The process cannot serve yet.
    #[error("not ready")]
    NotReady {
        /// What is missing, and the mend.
        what: &'static str,
    },
    /// The database said no.
    #[error("storage")]
    Storage(#[source] StorageError),
    /// Everything else. A bug of ours.
    #[error("internal: {context}")]
    Internal {
        /// What was being done.
        context: &'static str,
        /// Why it failed.
        #[source]
        source: Option<Box<dyn std::error::Error + Send + Sync>>,
    },
}

impl From<StorageError> for AppError {
    fn from(source: StorageError) -> Self {
        Self::Storage(source)
    }
}

impl From<InvalidField> for AppError {
    fn from(source: InvalidField) -> Self {
        Self::InvalidField(source)
    }
}

impl AppError {
    /// A fault of ours with its cause.
    pub fn internal(
        context: &'static str,
        source: impl Into<Box<dyn std::error::Error + Send + Sync>>,
    ) -> Self {
        Self::Internal {
            context,
            source: Some(source.into()),
        }
    }

    /// The stable code for machines.
    #[must_use]
    pub fn code(&self) -> &'static str {
        match self {
            Self::BadRequest { .. } => "invalid_request",
            Self::InvalidField(_) => "invalid_field",
            Self::MissingEmail { .. } => "missing_email",
            Self::InvalidEmail => "invalid_email",
            Self::MissingParameters { .. } => "missing_parameters",
            Self::InvalidStatus { .. } => "invalid_status",
            Self::IllegalMove(_) => "illegal_move",
            Self::ProfileNotFound { .. } => "profile_not_found",
            Self::NoOrders => "no_orders",
            Self::OfferNotFound => "offer_not_found",
            Self::SessionNotFound => "session_not_found",
            Self::UserNotFound => "user_not_found",
            Self::NoData { .. } => "no_data",
            Self::Processing { .. } => "processing",
            Self::InvalidUpload => "invalid_upload",
            Self::Contradiction { .. } => "contradiction",
            Self::Unauthorized => "unauthorized",
            Self::Forbidden { .. } => "forbidden",
            Self::TooManyRequests { .. } => "rate_limited",
            Self::RateLimited { .. } => "rate_limit_exceeded",
            Self::Conflict { .. } => "conflict",
            Self::Refused { code, .. } => code,
            Self::NotFound => "not_found",
            Self::MethodNotAllowed { .. } => "method_not_allowed",
            Self::UpgradeRequired => "upgrade_required",
            Self::UnsupportedMediaType => "unsupported_media_type",
            Self::TooLarge { .. } => "body_too_large",
            Self::TimedOut => "timed_out",
            Self::NotReady { .. } => "not_ready",
            Self::Storage(error) => match error.fault() {
                Fault::Conflict => "conflict",
                Fault::Busy | Fault::Gone => "unavailable",
                Fault::Bug => "internal_error",
            },
            Self::Internal { .. } => "internal_error",
        }
    }

    /// The HTTP status.
    #[must_use]
    pub fn status(&self) -> StatusCode {
        match self {
            Self::BadRequest { .. }
            | Self::InvalidField(_)
            | Self::MissingEmail { .. }
            | Self::InvalidEmail
            | Self::MissingParameters { .. }
            | Self::InvalidStatus { .. }
            | Self::NoData { .. }
            | Self::Processing { .. }
            | Self::InvalidUpload
            | Self::Contradiction { .. }
            | Self::IllegalMove(_) => StatusCode::BAD_REQUEST,
            Self::Unauthorized => StatusCode::UNAUTHORIZED,
            Self::Forbidden { .. } => StatusCode::FORBIDDEN,
            Self::TooManyRequests { .. } | Self::RateLimited { .. } => {
                StatusCode::TOO_MANY_REQUESTS
            }
            Self::Conflict { .. } => StatusCode::CONFLICT,
            Self::Refused { status, .. } => *status,
            Self::ProfileNotFound { .. }
            | Self::NoOrders
            | Self::OfferNotFound
            | Self::SessionNotFound
            | Self::UserNotFound
            | Self::NotFound => StatusCode::NOT_FOUND,
            Self::MethodNotAllowed { .. } => StatusCode::METHOD_NOT_ALLOWED,
            Self::UpgradeRequired => StatusCode::UPGRADE_REQUIRED,
            Self::UnsupportedMediaType => StatusCode::UNSUPPORTED_MEDIA_TYPE,
            Self::TooLarge { .. } => StatusCode::PAYLOAD_TOO_LARGE,
            Self::TimedOut | Self::NotReady { .. } => StatusCode::SERVICE_UNAVAILABLE,
            Self::Storage(error) => match error.fault() {
                Fault::Conflict => StatusCode::CONFLICT,
                Fault::Busy | Fault::Gone => StatusCode::SERVICE_UNAVAILABLE,
                Fault::Bug => StatusCode::INTERNAL_SERVER_ERROR,
            },
            Self::Internal { .. } => StatusCode::INTERNAL_SERVER_ERROR,
        }
    }

    /// What a stranger may read.
    #[must_use]
    pub fn public_message(&self) -> String {
        match self {
            Self::BadRequest {
                field: Some(field),
                reason,
            } => format!("{field} {reason}"),
            Self::BadRequest {
                field: None,
                reason,
            } => reason.clone(),
            Self::InvalidField(fault) => fault.to_string(),
            Self::MissingEmail { in_query: true } => "customer_email parameter is required".into(),
            Self::MissingEmail { in_query: false } => "customer_email is required".into(),
            Self::InvalidEmail => "customer_email must be an email address".into(),
            Self::MissingParameters { required } => format!("{required} required"),
            Self::InvalidStatus { message } => message.clone(),
            Self::IllegalMove(fault) => fault.to_string(),
            Self::ProfileNotFound {
                recalculate_first: false,
            } => "Customer profile not found".into(),
            Self::ProfileNotFound {
                recalculate_first: true,
            } => "Customer profile not found. Please recalculate profile first.".into(),
            Self::NoOrders => "No orders found for customer".into(),
            Self::OfferNotFound => "Bundle offer not found".into(),
            Self::SessionNotFound => "There is no such session".into(),
            Self::UserNotFound => "Nobody of this id was seen here".into(),
            Self::Contradiction { field, reason } => format!("{field} {reason}"),
            Self::NoData { of_upload: true } => "There are no such data in this upload".into(),
            Self::NoData { of_upload: false } => "There are no such data in this shop".into(),
            Self::Processing { .. } => "The data are still being processed".into(),
            Self::InvalidUpload => "There is no such upload, or it failed".into(),
            Self::Unauthorized => "A valid credential is required".into(),
            Self::Forbidden { needed } => format!("This needs {needed}"),
            Self::TooManyRequests { .. } => "Too many failed attempts, please wait".into(),
            Self::RateLimited { .. } => "Too many requests, please wait".into(),
            Self::Conflict { reason } => reason.clone(),
            Self::Refused { message, .. } => message.clone(),
            Self::NotFound => "Not found".into(),
            Self::MethodNotAllowed { .. } => "Method not allowed".into(),
            Self::UpgradeRequired => "This is a WebSocket".into(),
            Self::UnsupportedMediaType => "The content type must be application/json".into(),
            Self::TooLarge { bytes_max } => format!("The body is longer than {bytes_max} bytes"),
            Self::TimedOut => "The request took too long".into(),
            Self::NotReady { what } => format!("Not ready: {what}"),
            Self::Storage(error) => match error.fault() {
                Fault::Conflict => "Another change came in between".into(),
                Fault::Busy | Fault::Gone => "Temporarily unavailable".into(),
                Fault::Bug => "Internal server error".into(),
            },
            Self::Internal { .. } => "Internal server error".into(),
        }
    }

    /// How loudly it is logged: bad input is the client's, a degraded part ours to watch, a bug ours.
    #[must_use]
    pub fn level(&self) -> Level {
        match self {
            Self::BadRequest { .. }
            | Self::InvalidField(_)
            | Self::MissingEmail { .. }
            | Self::InvalidEmail
            | Self::MissingParameters { .. }
            | Self::InvalidStatus { .. }
            | Self::IllegalMove(_)
            | Self::ProfileNotFound { .. }
            | Self::NoOrders
            | Self::OfferNotFound
            | Self::SessionNotFound
            | Self::UserNotFound
            | Self::Contradiction { .. }
            | Self::NoData { .. }
            | Self::Processing { .. }
            | Self::InvalidUpload
            | Self::Unauthorized
            | Self::Forbidden { .. }
            | Self::TooManyRequests { .. }
            | Self::RateLimited { .. }
            | Self::Conflict { .. }
            | Self::Refused { .. }
            | Self::NotFound
            | Self::MethodNotAllowed { .. }
            | Self::UpgradeRequired
            | Self::UnsupportedMediaType
            | Self::TooLarge { .. } => Level::DEBUG,
            Self::TimedOut | Self::NotReady { .. } => Level::WARN,
            Self::Storage(error) => match error.fault() {
                Fault::Conflict | Fault::Busy | Fault::Gone => Level::WARN,
                Fault::Bug => Level::ERROR,
            },
            Self::Internal { .. } => Level::ERROR,
        }
    }

    fn details(&self) -> Option<ErrorDetails> {
        let field = match self {
            Self::BadRequest { field, .. } => field.clone()?,
            Self::InvalidField(fault) => fault.field.clone(),
            Self::MissingEmail { .. } | Self::InvalidEmail => "customer_email".into(),
            Self::NoData { of_upload: true }
            | Self::Processing { of_upload: true }
            | Self::InvalidUpload => "upload_id".into(),
            _ => return None,
        };
        Some(ErrorDetails { field })
    }

    fn log(&self) {
        let (code, causes) = (self.code(), chain(self));
        match self.level() {
            Level::ERROR => {
                tracing::error!(error.code = code, error.causes = causes, "request failed")
            }
            Level::WARN => tracing::warn!(
                error.code = code,
                error.causes = causes,
                "request not served"
            ),
            _ => tracing::debug!(error.code = code, "request refused"),
        }
    }
}

/// The whole source chain in one line. Only for faults of ours: a client's fault may quote the client.
fn chain(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut next = error.source();
    while let Some(cause) = next {
        text.push_str(": ");
        text.push_str(&cause.to_string());
        next = cause.source();
    }
    text
}

/// What a contract tells of a refusal, on its response, for the envelope.
#[derive(Debug, Clone)]
pub struct Details(pub Map<String, Value>);

/// Why a request was refused, on its response, for whoever counts.
#[derive(Debug, Clone)]
pub struct RefusalCode(pub String);

impl IntoResponse for AppError {
    fn into_response(self) -> Response {
        self.log();
        let reply = ErrorReply {
            success: false,
            message: self.public_message(),
            code: self.code().into(),
            details: self.details(),
        };
        let mut response = (self.status(), Json(&reply)).into_response();
        // Another envelope may be made of it further out.
        response.extensions_mut().insert(reply);
        if let Self::Refused { details, .. } = &self {
            response.extensions_mut().insert(Details(details.clone()));
        }
        let code = RefusalCode(self.code().into());
        response.extensions_mut().insert(code);
        let headers = response.headers_mut();
        match &self {
            Self::Unauthorized => {
                headers.insert(
                    WWW_AUTHENTICATE,
                    HeaderValue::from_static("Bearer realm=\"footfall\""),
                );
            }
            Self::MethodNotAllowed {
                allowed: Some(allowed),
            } => {
                headers.insert(ALLOW, allowed.clone());
            }
            Self::TooManyRequests { retry_after_s } | Self::RateLimited { retry_after_s } => {
                headers.insert(RETRY_AFTER, HeaderValue::from(*retry_after_s));
            }
            error if error.status() == StatusCode::SERVICE_UNAVAILABLE => {
                headers.insert(RETRY_AFTER, HeaderValue::from(RETRY_AFTER_S));
            }
            _ => {}
        }
        response
    }
}
