//! Orders of the shop's own system: taken once each, replaced when they change, and what follows from them.
//!
//! What other features may call: [`take`], the intake itself, and [`withdraw`], its opposite;
//! [`counted_orders`] and [`list_lines`]; [`record_links`] and [`linked_devices`], which browser placed which order.
//!
//! **Invariant:** one bad order never fails the others of its call; each refusal names order and field.
//! Test: `a_bad_order_is_refused_and_the_rest_is_taken`.
//!
//! **Invariant:** an order is stored once by its id; sent again it changes nothing, changed it replaces
//! its items. Test: `an_order_sent_again_changes_nothing_and_a_changed_one_replaces`.
//!
//! **Invariant:** every customer that a call touches is recalculated in its transaction, also the one whom
//! a changed order left. Test: `an_order_that_moves_to_another_email_recalculates_both`.
//!
//! **Invariant:** a browser is verified as the buyer's only by what the buyer's own pages know. Test:
//! `only_the_orders_key_proves_the_buyers_browser`.
//!
//! **Invariant:** an event of a browser makes no order and counts as none; it links the order that the shop's
//! server tells of, whichever comes first. Test: `an_order_and_its_event_count_once_in_every_sequence`.

mod buyers;
mod lines;
mod links;
mod queries;
mod routes;
mod take;
mod withdraw;

pub use lines::{OrderedLine, count_and_last_change, list_lines};
pub use links::{LinkedDevice, clear_links, forget_links, linked_devices, record_links};
pub use queries::counted_orders;
pub use routes::routes;
pub use take::{Taken, take, take_within};
pub use withdraw::withdraw;
