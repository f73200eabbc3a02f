//! The static files that the edge serves: the tracker and the demo shop.
//!
//! `t.js` is built from `edge/tracker` before this crate is compiled (`make tracker`). Both lie packed in the program
//! (build.rs) and are unpacked for each answer; browsers keep them.

use std::io::Read as _;

use flate2::read::GzDecoder;
use footfall_shared::text::hex;
use http::StatusCode;
use http::header::{CACHE_CONTROL, CONTENT_TYPE, ETAG};
use sha2::{Digest, Sha256};

use crate::error::EdgeError;
use crate::http::{Request, Response};
use crate::platform::Platform;

const TRACKER: &[u8] = include_bytes!(concat!(env!("OUT_DIR"), "/t.js.gz"));
const DEMO: &[u8] = include_bytes!(concat!(env!("OUT_DIR"), "/demo.html.gz"));

fn unpacked(packed: &[u8]) -> Vec<u8> {
    let mut bytes = Vec::new();
    // What the build has packed can be unpacked.
    let _ = GzDecoder::new(packed).read_to_end(&mut bytes);
    bytes
}

/// The tracker: an hour without asking, a week while asking in the background, then by its ETag.
pub(crate) fn tracker(request: &Request) -> Response {
    let etag = format!("\"{}\"", &hex(&Sha256::digest(TRACKER))[..16]);
    let known = request
        .header("if-none-match")
        .is_some_and(|tags| tags.contains(&etag));
    let response = if known {
        Response::empty(StatusCode::NOT_MODIFIED)
    } else {
        let mut response =
            Response::empty(StatusCode::OK).with(CONTENT_TYPE, "text/javascript; charset=utf-8");
        response.body = unpacked(TRACKER);
        response
    };
    response
        .with(
            CACHE_CONTROL,
            "public, max-age=3600, stale-while-revalidate=604800",
        )
        .with(http::header::ACCESS_CONTROL_ALLOW_ORIGIN, "*")
        .with(ETAG, &etag)
}

/// The demo shop, where a request without a key has a shop. Its page shows no key: it needs none there.
pub(crate) fn demo<P: Platform>(platform: &P) -> Result<Response, EdgeError> {
    platform
        .config()
        .access
        .keyless_shop
        .ok_or(EdgeError::NotFound)?;
    let mut response =
        Response::empty(StatusCode::OK).with(CONTENT_TYPE, "text/html; charset=utf-8");
    let page = String::from_utf8(unpacked(DEMO)).unwrap_or_default();
    response.body = page.replace("{{publishable_key}}", "").into_bytes();
    Ok(response.with(CACHE_CONTROL, "no-cache"))
}
