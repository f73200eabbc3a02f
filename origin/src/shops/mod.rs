//! Shops, their keys, users and products: who the tenants are and what an edge may know of them.
//!
//! - [`create`], [`keys`], [`users`], [`settings`]: the use cases of `footfall admin` and of the
//!   administration's routes
//! - [`find_by_key`], [`find_by_slug`], [`find_login`]: the ways from outside to a tenant
//! - [`Product`], [`record_products`]: the assortment, as orders and feeds tell it
//!
//! **Invariant:** a key and a password are stored as hashes and their clear text is returned once, from
//! the function that makes it. Test: `a_key_and_a_password_are_stored_only_as_hashes`.
//!
//! **Invariant:** a revoked key finds no shop. Test: `a_revoked_key_opens_nothing`.

pub mod create;
mod key_queries;
mod key_routes;
pub mod keys;
mod products;
mod queries;
mod routes;
pub mod settings;
mod settings_routes;
mod shop;
mod user_queries;
mod user_routes;
pub mod users;

pub use key_queries::{KeyGrant, KeyRecord, find_by_key, list_keys, list_live_key_hashes};
pub use products::{
    Product, find_products, list_catalogue, list_product, list_products, record_products,
    unlist_product,
};
pub use queries::{find_by_id, find_by_slug, list_shops};
pub use routes::routes;
pub use shop::{Role, Shop};
pub use user_queries::{LoginUser, UserRecord, find_login, find_role, list_users};
