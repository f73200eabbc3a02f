//! The error envelope of the customer-intelligence contract.

use serde::Serialize;

use crate::text::InvalidField;

/// `{"success": false, "message", "code", "details"?}`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct ErrorReply {
    /// Always `false`.
    pub success: bool,
    /// A sentence for people, without personal data.
    pub message: String,
    /// A stable name for programs.
    pub code: String,
    /// The field at fault, where there is one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub details: Option<ErrorDetails>,
}

/// Where the fault lies.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct ErrorDetails {
    /// The field's name as the sender wrote it.
    pub field: String,
}

impl ErrorReply {
    /// An error without a field.
    #[must_use]
    pub fn new(code: impl Into<String>, message: impl Into<String>) -> Self {
        Self {
            success: false,
            message: message.into(),
            code: code.into(),
            details: None,
        }
    }

    /// An error of a field.
    #[must_use]
    pub fn of_field(code: impl Into<String>, fault: &InvalidField) -> Self {
        let details = Some(ErrorDetails {
            field: fault.field.clone(),
        });
        Self {
            details,
            ..Self::new(code, fault.to_string())
        }
    }
}
