//! Bodies of the customer-management contract, `/api/v1/customers`.

mod detail_reply;
mod interaction_reply;
mod record_reply;
mod request;
#[cfg(test)]
mod tests;

pub use detail_reply::*;
pub use interaction_reply::*;
pub use record_reply::*;
pub use request::*;

/// Two digits: more than anybody knows of a person.
fn rounded(share: f64) -> f64 {
    (share * 100.0).round() / 100.0
}
