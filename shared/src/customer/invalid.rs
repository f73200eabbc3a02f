//! What the contract says of a field that breaks a rule.

use crate::text::InvalidField;

/// Characters of a rejected value that are repeated.
const RECEIVED_CHARS_MAX: usize = 40;

/// A field that breaks a rule, with all that the contract's `details` tell of it.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct InvalidInput {
    /// The field with the way to it, as `personality_assessment.type`.
    pub field: String,
    /// A sentence for people.
    pub message: String,
    /// The values that are allowed, where they can be counted.
    pub allowed_values: Vec<&'static str>,
    /// What was sent instead, for fields with [`allowed_values`](Self::allowed_values) only, since what is free text may
    /// be personal; cut to 40 characters.
    pub received_value: Option<String>,
}

impl InvalidInput {
    /// `received` is none of `allowed`; `what` names the kind of value in words.
    pub(super) fn not_one_of(
        field: &str,
        what: &str,
        allowed: Vec<&'static str>,
        received: &str,
    ) -> Self {
        Self {
            field: field.to_owned(),
            message: format!("Invalid {what} specified"),
            allowed_values: allowed,
            received_value: Some(received.chars().take(RECEIVED_CHARS_MAX).collect()),
        }
    }
}

impl From<InvalidField> for InvalidInput {
    fn from(fault: InvalidField) -> Self {
        Self {
            message: fault.to_string(),
            field: fault.field,
            allowed_values: Vec::new(),
            received_value: None,
        }
    }
}
