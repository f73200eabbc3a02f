//! What a shopper may want next.
//!
//! - [`models`]: the recommenders, pure, and the choice between them
//! - [`data`]: what a shop's customers bought, from its orders and its files
//! - [`lists`]: what each customer is recommended, with reasons, and who is like them
//! - [`train`]: the job that does all of it; [`report`]: what it tells of itself
//! - [`queries`], [`routes`]: versions, lists, and the contract's side
//!
//! **Invariant:** a shop is served by the recipe that did best on its own last month, full rankings of all items; the one in
//! service stays unless another one does better on that month (`a_new_recipe_serves_only_where_it_beats_the_one_in_service`).
//!
//! **Invariant:** what a customer has is recommended only where customers buy it again and again
//! (`what_is_owned_is_recommended_only_where_it_is_used_up`).

mod data;
mod lists;
pub mod models;
mod queries;
mod report;
mod routes;
mod train;

pub use routes::routes;
pub use train::{keep_training, train, train_due};
