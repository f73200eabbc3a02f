//! Where a login comes from, as a hash.
//!
//! Who calls the origin directly has the socket's address. Who calls through an edge has the edge's, which
//! would let one guesser pause everybody; so an edge sends a hash of the client's address and signs it.
//! Without a good signature the socket counts.

use std::convert::Infallible;
use std::net::SocketAddr;

use axum::extract::{ConnectInfo, FromRequestParts};
use footfall_shared::identity::IpHash;
use footfall_shared::signing::{CALLER_HEADER, SIGNATURE_HEADER, TIMESTAMP_HEADER};
use http::request::Parts;

use crate::app::App;

/// The caller's hashed address; `None` where the socket has none.
#[derive(Debug, Clone)]
pub(super) struct Caller(pub(super) Option<IpHash>);

impl FromRequestParts<App> for Caller {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self, Infallible> {
        let told = told_by_an_edge(parts, app);
        let seen = || {
            let ConnectInfo(peer) = parts.extensions.get::<ConnectInfo<SocketAddr>>()?;
            Some(IpHash::of(peer.ip(), app.tokens().salt()))
        };
        Ok(Self(told.or_else(seen)))
    }
}

fn told_by_an_edge(parts: &Parts, app: &App) -> Option<IpHash> {
    let header = |name| {
        parts
            .headers
            .get(name)
            .and_then(|value| value.to_str().ok())
    };
    let hash = IpHash::parse(header(CALLER_HEADER)?)?;
    let keys = app.config().edge_keys.as_ref()?.keys();
    let (timestamp, signature) = (header(TIMESTAMP_HEADER), header(SIGNATURE_HEADER));
    keys.verify_caller(app.now(), &hash, timestamp, signature)
        .is_ok()
        .then_some(hash)
}
