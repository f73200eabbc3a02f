//! WooCommerce: deliveries of webhooks, links with browsers, and the reading of a shop's lists.

mod links;
mod payload;
mod server;
mod sync;
mod webhook;
