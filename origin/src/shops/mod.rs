//! Shops, their keys, users and products: who the tenants are and what an edge may know of them.
//!
//! - [`create`]: the use cases of `footfall admin`
//! - [`find_by_key`], [`find_by_slug`], [`find_login`]: the ways from outside to a tenant
//! - [`Product`], [`record_products`]: the assortment, as orders and feeds tell it
//!
//! **Invariant:** a key and a password are stored as hashes and their clear text is returned once, from
//! the function that makes it. Test: `a_key_and_a_password_are_stored_only_as_hashes`.
//!
//! **Invariant:** a revoked key finds no shop. Test: `a_revoked_key_opens_nothing`.

pub mod create;
mod products;
mod queries;
mod routes;
mod shop;

pub use products::{
    Product, find_products, list_product, list_products, record_products, unlist_product,
};
pub use queries::{
    KeyRecord, UserRecord, find_by_id, find_by_key, find_by_slug, find_login, list_keys,
    list_live_key_hashes, list_shops, list_users,
};
pub use routes::routes;
pub use shop::{Role, Shop};
