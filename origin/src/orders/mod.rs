//! Orders of the shop's own system: taken once each, replaced when they change, and what follows from them.
//!
//! What other features may call: [`take`], the intake itself, and [`counted_orders`].
//!
//! **Invariant:** one bad order never fails the others of its call; each refusal names order and field.
//! Test: `a_bad_order_is_refused_and_the_rest_is_taken`.
//!
//! **Invariant:** an order is stored once by its id; sent again it changes nothing, changed it replaces
//! its items. Test: `an_order_sent_again_changes_nothing_and_a_changed_one_replaces`.
//!
//! **Invariant:** every customer that a call touches is recalculated in its transaction, also the one whom
//! a changed order left. Test: `an_order_that_moves_to_another_email_recalculates_both`.

mod queries;
mod routes;
mod take;

pub use queries::counted_orders;
pub use routes::routes;
pub use take::{Taken, take, take_within};
