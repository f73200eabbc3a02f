//! The edge's errors, and the one place where they become the contract's envelope.

use footfall_shared::text::InvalidField;
use footfall_shared::wire::error::ErrorReply;
use http::StatusCode;
use http::header::{ALLOW, RETRY_AFTER};

use crate::http::Response;
use crate::platform::{CacheError, OriginUnreachable, OutboxError, SessionsError};

/// Why a request was not served.
#[derive(Debug, thiserror::Error)]
pub enum EdgeError {
    /// No key, an unknown one, or a revoked one.
    #[error("a valid API key is required")]
    InvalidKey,
    /// The key may not be used by a page of this origin.
    #[error("this key may not be used from this page")]
    OriginNotAllowed,
    /// A secret key without the scope that the route needs.
    #[error("this key does not have the scope for this route")]
    MissingScope,
    /// Development mode, and the client is not on this machine.
    #[error("development mode answers this machine only")]
    DevelopmentOnly,
    /// A signed route was called without a good signature.
    #[error("the signature is missing or wrong")]
    BadSignature,
    /// No such path.
    #[error("no such route")]
    NotFound,
    /// The path does not know the method.
    #[error("this route knows only {0}")]
    MethodNotAllowed(&'static str),
    /// The body is larger than the route takes.
    #[error("the body is larger than {0} bytes")]
    PayloadTooLarge(usize),
    /// The body is neither JSON nor text that holds JSON.
    #[error("the content type must be application/json or text/plain")]
    UnsupportedMediaType,
    /// The body is not what the route reads.
    #[error("{0}")]
    InvalidBody(String),
    /// A field breaks the contract.
    #[error("{fault}")]
    InvalidField {
        /// The contract's code.
        code: &'static str,
        /// The field and what is wrong with it.
        fault: InvalidField,
    },
    /// The contract's own words for what is missing or unknown.
    #[error("{message}")]
    Contract {
        /// 400 or 404.
        status: StatusCode,
        /// The contract's code.
        code: &'static str,
        /// The contract's sentence.
        message: String,
    },
    /// The address has used up its hour.
    #[error("too many requests, please try again later")]
    RateLimited {
        /// When to ask again.
        retry_after_s: i64,
    },
    /// The address has tried too many emails today.
    #[error("too many different emails from this address, please try again tomorrow")]
    TooManyEmails {
        /// When to ask again.
        retry_after_s: i64,
    },
    /// The origin gave no answer and the edge cannot do without.
    #[error("the service is not reachable for the moment")]
    OriginUnreachable(#[source] OriginUnreachable),
    /// What the origin pushed could not be kept.
    #[error("the changes could not be kept, please send them again")]
    CacheFailed(#[source] CacheError),
    /// Events could not be made durable.
    #[error("the events could not be stored, please send them again")]
    OutboxFailed(#[source] OutboxError),
    /// A session could not be read, or a step of it not made durable.
    #[error("the session could not be served, please send this again")]
    SessionsFailed(#[source] SessionsError),
}

impl EdgeError {
    /// A field's fault with the usual code.
    #[must_use]
    pub fn field(fault: InvalidField) -> Self {
        let code = if fault.field.ends_with("email") {
            "invalid_email"
        } else {
            "invalid_field"
        };
        Self::InvalidField { code, fault }
    }

    /// The stable name for programs.
    #[must_use]
    pub fn code(&self) -> &'static str {
        match self {
            Self::InvalidKey => "invalid_key",
            Self::OriginNotAllowed => "origin_not_allowed",
            Self::MissingScope => "missing_scope",
            Self::DevelopmentOnly => "development_only",
            Self::BadSignature => "invalid_signature",
            Self::NotFound => "not_found",
            Self::MethodNotAllowed(_) => "method_not_allowed",
            Self::PayloadTooLarge(_) => "payload_too_large",
            Self::UnsupportedMediaType => "unsupported_media_type",
            Self::InvalidBody(_) => "invalid_json",
            Self::InvalidField { code, .. } | Self::Contract { code, .. } => code,
            Self::RateLimited { .. } => "rate_limit_exceeded",
            Self::TooManyEmails { .. } => "too_many_emails",
            Self::OriginUnreachable(_) => "origin_unreachable",
            Self::CacheFailed(_) => "not_kept",
            Self::OutboxFailed(OutboxError::Full) | Self::SessionsFailed(SessionsError::Full) => {
                "outbox_full"
            }
            Self::OutboxFailed(OutboxError::Failed(_))
            | Self::SessionsFailed(SessionsError::Failed(_)) => "not_stored",
        }
    }

    /// The status.
    #[must_use]
    pub fn status(&self) -> StatusCode {
        match self {
            Self::InvalidKey | Self::BadSignature => StatusCode::UNAUTHORIZED,
            Self::OriginNotAllowed | Self::MissingScope | Self::DevelopmentOnly => {
                StatusCode::FORBIDDEN
            }
            Self::NotFound => StatusCode::NOT_FOUND,
            Self::MethodNotAllowed(_) => StatusCode::METHOD_NOT_ALLOWED,
            Self::PayloadTooLarge(_) => StatusCode::PAYLOAD_TOO_LARGE,
            Self::UnsupportedMediaType => StatusCode::UNSUPPORTED_MEDIA_TYPE,
            Self::InvalidBody(_) | Self::InvalidField { .. } => StatusCode::BAD_REQUEST,
            Self::Contract { status, .. } => *status,
            Self::RateLimited { .. } | Self::TooManyEmails { .. } => StatusCode::TOO_MANY_REQUESTS,
            Self::OriginUnreachable(_)
            | Self::CacheFailed(_)
            | Self::OutboxFailed(_)
            | Self::SessionsFailed(_) => StatusCode::SERVICE_UNAVAILABLE,
        }
    }

    /// The contract's envelope.
    #[must_use]
    pub fn to_response(&self) -> Response {
        let body = match self {
            Self::InvalidField { code, fault } => ErrorReply::of_field(*code, fault),
            other => ErrorReply::new(other.code(), other.to_string()),
        };
        let response = Response::json(self.status(), &body);
        if let Self::MethodNotAllowed(methods) = self {
            return response.with(ALLOW, methods);
        }
        if let Self::RateLimited { retry_after_s } | Self::TooManyEmails { retry_after_s } = self {
            return response.with(RETRY_AFTER, &retry_after_s.to_string());
        }
        if self.status() == StatusCode::SERVICE_UNAVAILABLE {
            // A full outbox needs the origin to come back; a second more or less changes nothing.
            let full = self.code() == "outbox_full";
            return response.with(RETRY_AFTER, if full { "10" } else { "1" });
        }
        response
    }
}
