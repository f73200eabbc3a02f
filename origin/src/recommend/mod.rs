//! What a shopper may want next.
//!
//! - [`models`]: the recommenders, pure, and the choice between them
//! - [`data`]: what a shop's customers bought, from its orders and its files
//! - [`lists`]: what each customer is recommended, with reasons, and who is like them
//! - [`newcomers`]: products and shoppers without a history, by what they are
//! - [`train`]: the job that does all of it; [`report`]: what it tells of itself
//! - [`edges`]: lists on their way to the edges
//! - [`told`]: how they are told; [`queries`], [`routes`]: versions, lists, and the contract's side
//!
//! **Invariant:** a shop is served by the recipe that did best on its own last month, full rankings of all items; the one in
//! service stays unless another one does better on that month (`a_new_recipe_serves_only_where_it_beats_the_one_in_service`).
//!
//! **Invariant:** what a customer has is recommended only where customers buy it again and again
//! (`what_is_owned_is_recommended_only_where_it_is_used_up`).

mod data;
mod edges;
mod lists;
pub mod models;
mod newcomers;
mod queries;
mod report;
mod routes;
mod told;
mod train;

pub use edges::{find_for_edges, queue_buyers};
pub use routes::routes;
pub use told::RecommendedProduct;
pub use train::{keep_training, train, train_due};
