//! The HTTP boundary, once: errors, extractors, middleware, OpenAPI.
//!
//! **Invariant:** every reply that is not a success has the intelligence envelope
//! `{"success": false, "message", "code", "details"?}`, in the administration the [`envelope`] of its own
//! contract, also where no handler was reached. Test: `what_no_handler_answers_has_the_envelope_too`.

pub mod envelope;
pub mod error;
pub mod extract;
pub mod health;
mod json_fault;
pub mod middleware;
pub mod openapi;
pub mod outgoing;
pub mod public_address;
pub mod serve;
