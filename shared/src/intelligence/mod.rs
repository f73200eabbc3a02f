//! Recognizing a shopper and deciding what may be shown to whom.

pub mod disclosure;
pub mod owner;
pub mod track;

pub use disclosure::Disclosure;
pub use owner::Owner;
pub use track::TrackCustomer;
