//! The edge as a Spin component: the core's capabilities over `spin-sdk`.
//!
//! - cache: the key-value store `default`
//! - outbox and journeys: tables of the SQLite database `default`
//! - limits and the tally of look-ups: tables of the SQLite database `limits` where it is granted, else of `default`
//! - settings: the application's variables `mode`, `origin_url`, `edge_keys`, `trusted_proxy_hops`, `geo_header`
//!
//! - with the feature `policy`: the shop's own policy, a component dependency
//!
//! An instance may serve many requests, one after the other; what it opened it keeps.

#![cfg(target_family = "wasm")]

mod bindings;
mod database;
mod exchange;
mod geo;
mod limiter;
mod origin;
mod outbox;
mod platform;
#[cfg(feature = "policy")]
mod policy;
mod schema;
mod sessions;
mod tally;

use spin_sdk::wasip3::exports::http::handler::Guest;
use spin_sdk::wasip3::http::types::{ErrorCode, Request, Response};

use crate::platform::SpinPlatform;

struct Component;

spin_sdk::wasip3::http::service::export!(Component);

impl Guest for Component {
    async fn handle(request: Request) -> Result<Response, ErrorCode> {
        let opened = SpinPlatform::get().await;
        let platform =
            opened.map_err(|fault| ErrorCode::InternalError(Some(format!("{fault:#}"))))?;
        let request = exchange::read(request, platform.geo_header()).await?;
        exchange::reply(footfall_edge::route(&*platform, request).await)
    }
}
