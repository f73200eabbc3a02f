//! Visits: what people did on the shop's pages, as the funnel's figures are made of.
//!
//! - [`page`]: which of the contract's pages a page is
//! - [`sight`]: what a single event says of a visit
//! - [`visit`]: a visit, made of such sights in any sequence
//! - [`funnel`]: how far a visit came, in order and in time
//! - [`sums`]: what a visit adds to the figures, [`users`]: what a visitor's days add
//! - [`feedback`]: what people say of a page
//!
//! **Invariant:** figures are sums over visits as they stand, and a visit does not depend on the sequence in which its
//! events arrive (`a_visit_is_the_same_in_any_sequence`), so late and repeated events are right by construction.

pub mod feedback;
pub mod funnel;
pub mod page;
pub mod sight;
pub mod sums;
pub mod users;
pub mod visit;
