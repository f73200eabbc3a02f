//! The edge as a Spin component: the core's capabilities over `spin-sdk`.
//!
//! - cache: the key-value store `default`
//! - outbox: a table of the SQLite database `default`
//! - settings: the application's variables `mode`, `origin_url`, `edge_keys`, `trusted_proxy_hops`, `geo_header`
//!
//! An instance may serve many requests, one after the other; what it opened it keeps.

#![cfg(target_family = "wasm")]

mod geo;
mod origin;
mod outbox;
mod platform;

use std::net::{IpAddr, SocketAddr};

use bytes::Bytes;
use footfall_edge::error::EdgeError;
use footfall_edge::{Request, Response};
use http_body_util::{BodyExt as _, Full, Limited};
use spin_sdk::http_service;

use crate::platform::SpinPlatform;

/// Largest body read, in bytes; the routes have tighter bounds of their own.
const BODY_BYTES_MAX: usize = 4 * 1024 * 1024 + 1;
/// Header in which Spin tells the socket's address, `ip:port`.
const CLIENT_ADDRESS_HEADER: &str = "spin-client-addr";

#[http_service]
async fn handle(
    request: spin_sdk::http::Request,
) -> anyhow::Result<spin_sdk::http::Response<Full<Bytes>>> {
    let platform = SpinPlatform::get().await?;
    let (head, body) = request.into_parts();
    let response = match Limited::new(body, BODY_BYTES_MAX).collect().await {
        Ok(body) => {
            let peer = head.headers.get(CLIENT_ADDRESS_HEADER).and_then(|value| {
                let text = value.to_str().ok()?;
                let address = text.parse::<SocketAddr>().map(|socket| socket.ip());
                address.or_else(|_| text.parse::<IpAddr>()).ok()
            });
            let geo = geo::read(&head.headers, platform.geo_header());
            let request = Request {
                method: head.method,
                path: head.uri.path().to_owned(),
                query: head.uri.query().unwrap_or_default().to_owned(),
                headers: head.headers,
                body: body.to_bytes().into(),
                peer,
                geo,
            };
            footfall_edge::route(&*platform, request).await
        }
        Err(_) => EdgeError::PayloadTooLarge(BODY_BYTES_MAX - 1).to_response(),
    };
    Ok(to_spin(response))
}

fn to_spin(response: Response) -> spin_sdk::http::Response<Full<Bytes>> {
    let mut out = spin_sdk::http::Response::new(Full::new(Bytes::from(response.body)));
    *out.status_mut() = response.status;
    *out.headers_mut() = response.headers;
    out
}
