//! What goes wrong, in the contract's words.

use footfall_shared::customer::InvalidInput;
use http::StatusCode;
use serde_json::{Map, Value, json};

use crate::http::error::AppError;

fn refused(
    status: StatusCode,
    code: &'static str,
    message: impl Into<String>,
    details: Value,
) -> AppError {
    AppError::Refused {
        status,
        code,
        message: message.into(),
        details: match details {
            Value::Object(details) => details,
            _ => Map::new(),
        },
    }
}

impl From<InvalidInput> for AppError {
    fn from(fault: InvalidInput) -> Self {
        let mut details = Map::from_iter([("field".to_owned(), json!(fault.field))]);
        if !fault.allowed_values.is_empty() {
            details.insert("allowed_values".to_owned(), json!(fault.allowed_values));
        }
        if let Some(received) = fault.received_value {
            details.insert("received_value".to_owned(), json!(received));
        }
        refused(
            StatusCode::BAD_REQUEST,
            "validation_failed",
            fault.message,
            Value::Object(details),
        )
    }
}

/// There is no such customer.
pub(super) fn not_found() -> AppError {
    refused(
        StatusCode::NOT_FOUND,
        "customer_not_found",
        "There is no such customer",
        json!({}),
    )
}

/// The same person has a record, found by the email or by name and demographics.
pub(super) fn duplicate(customer_id: &str, by_email: bool) -> AppError {
    let matched_by = if by_email {
        "email"
    } else {
        "name_and_demographics"
    };
    refused(
        StatusCode::CONFLICT,
        "duplicate_customer",
        "There is a customer with these details",
        json!({"customer_id": customer_id, "matched_by": matched_by}),
    )
}

/// Something of the same type was done at the same time.
pub(super) fn interaction_conflict(interaction_id: &str) -> AppError {
    refused(
        StatusCode::CONFLICT,
        "interaction_conflict",
        "There is an interaction of this type at this time",
        json!({"interaction_id": interaction_id}),
    )
}

/// The record lacks what the operation needs.
pub(super) fn incomplete(message: &'static str, missing: &'static str) -> AppError {
    refused(
        StatusCode::UNPROCESSABLE_ENTITY,
        "profile_incomplete",
        message,
        json!({"missing_fields": [missing]}),
    )
}

/// Somebody else has changed the record since the caller read it.
pub(super) fn changed_meanwhile(current: &str) -> AppError {
    refused(
        StatusCode::PRECONDITION_FAILED,
        "precondition_failed",
        "The customer has changed since it was read",
        json!({"current_etag": current}),
    )
}
