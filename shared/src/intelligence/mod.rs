//! Recognizing a shopper and deciding what may be shown to whom.

pub mod disclosure;
pub mod track;

pub use disclosure::Disclosure;
pub use track::TrackCustomer;
