//! Rights over one's own data.
//!
//! - [`consent`]: what somebody allows, and what that forbids
//! - [`person`]: an event without the person in it
//! - [`erased`]: how an erased person is known again without anybody knowing who they were

pub mod consent;
pub mod erased;
pub mod person;
